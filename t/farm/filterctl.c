/* SPDX-License-Identifier: ISC */
/*
 * Drives a packet filter of farmd without farmd.
 *
 *	filterctl nft|bpf|arp apply FILE	prints nothing
 *	filterctl nft|bpf hold FILE	applies and prints "ready"; each line of
 *		its input is the name of another FILE or empty: it applies
 *		that and prints the counters.  Leaves the rules at its end
 *	filterctl nft|bpf|arp remove FILE
 *
 * FILE has lines of the local protocol:
 *
 *	farm module=M id=1 seed=7 self=0 director=1 closed=0 tables=1
 *	intf name=eth0			its MAC is looked up
 *	node name=n1 id=1 mac=MAC mac2=MAC	at the first interface, at
 *					the second
 *	addr ip=ADDRESS intf=0 vmac=MAC is_vmac=0
 *	group name=web table=0
 *	rule group=0 proto=tcp low=80 high=80 key=addr addr=-1
 *	buckets table=0 from=0 to=4095 taker=1 keepers=0
 *
 * All nodes are members.  Exit status 1: the filter said why not.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "line.h"
#include "xalloc.h"

#include "bin/farmd/filter.h"

static void
bad(const char *file, const char *what)
{
	fprintf(stderr, "filterctl: %s: %s\n", file, what);
	exit(EX_DATAERR);
}

static const char *
text(const struct line *l, const char *key)
{
	const char *value = line_get(l, key);

	return value != NULL ? value : "";
}

static int64_t
number(const struct line *l, const char *key, int64_t absent)
{
	int64_t n;

	return line_get_num(l, key, -1, INT64_MAX, &n) ? n : absent;
}

static struct filter_mac
mac(const struct line *l, const char *key)
{
	struct filter_mac m = { { 0 } };

	(void)sscanf(text(l, key), "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx",
	    &m.byte[0], &m.byte[1], &m.byte[2], &m.byte[3], &m.byte[4],
	    &m.byte[5]);	/* zero: not known */
	return m;
}

static void
on_intf(struct filter_input *in, const struct line *l)
{
	struct filter_intf *i = &in->intf[in->intf_count++];
	struct ifreq r;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memset(&r, 0, sizeof(r));
	snprintf(i->name, sizeof(i->name), "%s", text(l, "name"));
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", i->name);
	i->index = if_nametoindex(i->name);
	if (fd == -1 || ioctl(fd, SIOCGIFHWADDR, &r) == -1)
		bad(i->name, strerror(errno));
	memcpy(i->mac.byte, r.ifr_hwaddr.sa_data, sizeof(i->mac.byte));
	if (ioctl(fd, SIOCGIFADDR, &r) == 0) {
		struct sockaddr_in sin;

		memcpy(&sin, &r.ifr_addr, sizeof(sin));
		memcpy(i->ip4, &sin.sin_addr, sizeof(i->ip4));
	}
	(void)close(fd);	/* nothing was written to it */
}

static void
on_node(struct filter_input *in, const struct line *l)
{
	unsigned n = in->node_count++;

	snprintf(in->node[n].name, sizeof(in->node[n].name), "%s",
	    text(l, "name"));
	in->node[n].id = (uint8_t)number(l, "id", 0);
	in->intf[0].node_mac[n] = mac(l, "mac");
	in->intf[1].node_mac[n] = mac(l, "mac2");
	in->members |= UINT64_C(1) << n;
}

static void
on_addr(struct filter_input *in, const struct line *l)
{
	struct filter_addr *a = &in->addr[in->addr_count++];

	a->family = strchr(text(l, "ip"), ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(a->family, text(l, "ip"), a->ip) != 1)
		bad(text(l, "ip"), "not an address");
	a->intf = (unsigned)number(l, "intf", 0);
	a->vmac = mac(l, "vmac");
	a->is_vmac = line_get_bool(l, "is_vmac");
}

static unsigned
word(const struct line *l, const char *key, const char *const *words)
{
	unsigned i;

	for (i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], text(l, key)) == 0)
			return i;
	bad(key, text(l, key));
	return 0;
}

static void
on_rule(struct filter_input *in, const struct line *l)
{
	static const char *const protos[] = { "tcp", "udp", "arp", "route",
	    NULL };
	static const char *const keys[] = { "addr", "port", "ipid", "source",
	    "dest", NULL };
	struct filter_rule *r = &in->rule[in->rule_count++];

	r->group = (unsigned)number(l, "group", 0);
	r->addr = (int)number(l, "addr", -1);
	r->proto = (enum filter_proto)word(l, "proto", protos);
	r->key = (enum filter_key)word(l, "key", keys);
	r->low = (uint16_t)number(l, "low", 0);
	r->high = (uint16_t)number(l, "high", 65535);
}

static void
on_buckets(struct filter_input *in, const struct line *l)
{
	unsigned table = (unsigned)number(l, "table", 0), b;

	for (b = (unsigned)number(l, "from", 0);
	    b <= (unsigned)number(l, "to", HASH_BUCKETS - 1); b++) {
		in->taker[table][b] = (uint8_t)number(l, "taker", 0);
		in->keepers[table][b] = (uint64_t)number(l, "keepers", 0);
	}
}

static void
on_line(struct filter_input *in, const char *file, const struct line *l)
{
	if (strcmp(l->verb, "farm") == 0) {
		snprintf(in->module, sizeof(in->module), "%s",
		    text(l, "module"));
		in->id = (unsigned)number(l, "id", 1);
		in->seed = (uint32_t)number(l, "seed", 0);
		in->self = (unsigned)number(l, "self", 0);
		in->is_director = line_get_bool(l, "director");
		in->is_closed = line_get_bool(l, "closed");
		in->tables = (unsigned)number(l, "tables", 1);
	} else if (strcmp(l->verb, "intf") == 0)
		on_intf(in, l);
	else if (strcmp(l->verb, "node") == 0)
		on_node(in, l);
	else if (strcmp(l->verb, "addr") == 0)
		on_addr(in, l);
	else if (strcmp(l->verb, "group") == 0) {
		struct filter_group *g = &in->group[in->group_count++];

		snprintf(g->name, sizeof(g->name), "%s", text(l, "name"));
		g->table = (unsigned)number(l, "table", 0);
	} else if (strcmp(l->verb, "rule") == 0)
		on_rule(in, l);
	else if (strcmp(l->verb, "buckets") == 0)
		on_buckets(in, l);
	else
		bad(file, l->verb);
}

static struct filter_input *
input_read(const char *file)
{
	struct filter_input *in = xcalloc(1, sizeof(*in));
	struct line *l = xcalloc(1, sizeof(*l));
	char buf[LINE_MAX_LEN];
	FILE *f = fopen(file, "re");
	const char *why;
	size_t len;

	if (f == NULL)
		bad(file, strerror(errno));
	while (fgets(buf, sizeof(buf), f) != NULL) {
		len = strcspn(buf, "\n");
		if (len == 0 || buf[0] == '#')
			continue;
		if (line_parse(l, buf, len, &why) == -1)
			bad(file, why);
		on_line(in, file, l);
	}
	(void)fclose(f);	/* only read */
	free(l);
	why = filter_input_error(in);
	if (why != NULL)
		bad(file, why);
	return in;
}

static void
apply(const struct filter_ops *ops, struct filter *f, const char *file)
{
	struct filter_input *in = input_read(file);
	char why[FILTER_WHY_LEN] = "";

	if (ops->apply(f, in, why) == -1) {
		fprintf(stderr, "filterctl: %s\n", why);
		exit(1);
	}
	free(in);
}

static void
counters(const struct filter_ops *ops, struct filter *f)
{
	struct filter_counters c;

	if (ops->counters(f, &c) == -1) {
		perror("filterctl: counters");
		exit(1);
	}
	printf("accepted=%ju passed=%ju copied=%ju rejected=%ju refused=%ju "
	    "lost=%ju\n", (uintmax_t)c.accepted, (uintmax_t)c.passed,
	    (uintmax_t)c.copied, (uintmax_t)c.rejected, (uintmax_t)c.refused,
	    (uintmax_t)c.lost);
	(void)fflush(stdout);	/* a test that waits for it will see */
}

static void
hold(const struct filter_ops *ops, struct filter *f)
{
	char file[4096], why[FILTER_WHY_LEN] = "";

	puts("ready");
	(void)fflush(stdout);	/* as above */
	while (fgets(file, sizeof(file), stdin) != NULL) {
		file[strcspn(file, "\n")] = '\0';
		if (file[0] != '\0')
			apply(ops, f, file);
		else if (!ops->intact(f, why))
			printf("not intact: %s\n", why);
		counters(ops, f);
	}
}

static const struct filter_ops *
ops_find(const char *name)
{
	const struct filter_ops *ops[] = { filter_nft(), filter_bpf(),
	    filter_arp() };
	size_t i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(ops[i]->name, name) == 0)
			return ops[i];
	bad(name, "no such filter");
	return NULL;
}

int
main(int argc, char **argv)
{
	char why[FILTER_WHY_LEN] = "";
	const struct filter_ops *ops;
	struct filter_input *in;
	struct filter *f;

	if (argc != 4) {
		fprintf(stderr, "usage: see the head of filterctl.c\n");
		return EX_USAGE;
	}
	ops = ops_find(argv[1]);
	in = input_read(argv[3]);
	if (!ops->supported(why) ||
	    (f = ops->open(in->module, in->id, why)) == NULL) {
		fprintf(stderr, "filterctl: %s: %s\n", argv[1], why);
		return 1;
	}
	free(in);
	if (strcmp(argv[2], "remove") == 0) {
		ops->remove(f);
		return EX_OK;
	}
	apply(ops, f, argv[3]);
	if (strcmp(argv[2], "hold") == 0)
		hold(ops, f);
	ops->close(f);
	return EX_OK;
}

/* SPDX-License-Identifier: ISC */
/*
 * `holdfast cluster': init makes cluster.xml and cluster.key on the first
 * node and compiles them; ports prints what a firewall must let through.
 * The other verbs are in files of their own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <confuse.h>

#include "cluster.h"
#include "cluster-verbs.h"
#include "cmd.h"
#include "configure.h"
#include "config-cluster.h"
#include "modules.h"
#include "paths.h"
#include "remote.h"
#include "seal.h"
#include "statefile.h"
#include "text.h"
#include "vote.h"

struct names {
	unsigned	 count;
	char		 name[CLUSTER_NODE_MAX][CLUSTER_NAME_LEN];
};

/* The place of a node among those named so far: its id less one. */
static int
place_of(struct names *n, const char *name, size_t len)
{
	unsigned i;

	if (len == 0 || len >= CLUSTER_NAME_LEN)
		return -1;
	for (i = 0; i < n->count; i++)
		if (strlen(n->name[i]) == len &&
		    strncmp(n->name[i], name, len) == 0)
			return (int)i;
	if (n->count == CLUSTER_NODE_MAX)
		return -1;
	memcpy(n->name[n->count], name, len);
	n->name[n->count][len] = '\0';
	return (int)n->count++;
}

/* Names and addresses here never hold what XML would need quoted. */
static bool
is_plain(const char *s, size_t len)
{
	return len > 0 && strcspn(s, "<>&\"'") >= len;
}

/* LAN:NODE=ADDR,NODE=ADDR...  The node=addr part ends at the next comma. */
static bool
add_lan(struct text *t, struct names *n, const char *arg)
{
	size_t lan = strcspn(arg, ":"), node, addr;
	const char *p = arg + lan;
	int place;

	if (*p != ':' || !is_plain(arg, lan))
		return false;
	text_addf(t, "    <lan name=\"%.*s\">\n", (int)lan, arg);
	for (p++; ; p += addr + 1) {
		node = strcspn(p, "=");
		if (p[node] != '=' || !is_plain(p, node))
			return false;
		addr = strcspn(p + node + 1, ",");
		place = place_of(n, p, node);
		if (place == -1 || !is_plain(p + node + 1, addr))
			return false;
		text_addf(t, "      <node name=\"%.*s\" id=\"%d\" "
		    "addr=\"%.*s\"/>\n", (int)node, p, place + 1, (int)addr,
		    p + node + 1);
		p += node + 1;
		if (p[addr] == '\0')
			break;
	}
	text_addf(t, "    </lan>\n");
	return true;
}

/* Both files, once; the XML was found good before. */
static int
write_both(const char *xml, const char *key, const struct text *t)
{
	char dir[PATH_LEN];

	if (path_mkdirs(path_etc(dir, "modules"), 0755) == -1 ||
	    statefile_write(xml, t->text, t->len, 0644) == -1) {
		fprintf(stderr, "holdfast: %s: %s\n", xml, strerror(errno));
		return EX_CANTCREAT;
	}
	seal_init();
	if (access(key, F_OK) == -1 && seal_key_create(key) == -1) {
		fprintf(stderr, "holdfast: %s: %s\n", key, strerror(errno));
		return EX_CANTCREAT;
	}
	printf("%s and %s written; `holdfast cluster invite' lets another "
	    "machine in, or copy both (the key with mode 0600) and run "
	    "`holdfast config' there\n", xml, key);
	return configure_cluster(false);
}

static int
cluster_init(struct cmd *c)
{
	char xml[PATH_LEN], key[PATH_LEN];
	struct names n = { 0 };
	struct text t = { 0 };
	struct cluster cl;
	struct report r;
	int i, rc = EX_USAGE;

	path_etc(xml, "cluster.xml");
	path_etc(key, "cluster.key");
	if (c->argc < 3 || !is_plain(c->argv[1], strlen(c->argv[1]))) {
		fprintf(stderr, "usage: holdfast cluster init CLUSTER "
		    "LAN:NODE=ADDR,NODE=ADDR...\n");
		return EX_USAGE;
	}
	if (access(xml, F_OK) == 0) {
		fprintf(stderr, "holdfast: %s exists: edit it and run "
		    "`holdfast config', or remove it to begin anew\n", xml);
		return EX_CANTCREAT;
	}
	text_addf(&t, "<cluster name=\"%s\">\n  <lans>\n", c->argv[1]);
	report_init(&r, "cluster init");
	for (i = 2; i < c->argc; i++)
		if (!add_lan(&t, &n, c->argv[i])) {
			fprintf(stderr, "holdfast: \"%s\" is not "
			    "LAN:NODE=ADDR,NODE=ADDR...\n", c->argv[i]);
			goto out;
		}
	text_addf(&t, "  </lans>\n</cluster>\n");
	rc = EX_CONFIG;
	if (cluster_compile(&cl, t.text, t.len, &r) == 0 &&
	    cluster_find_self(&cl, cluster_addr_is_local, NULL, &r) == 0)
		rc = write_both(xml, key, &t);
	else
		report_print(&r, stderr);
out:
	report_fini(&r);
	free(t.text);
	return rc;
}

static void
print_module_port(const char *module, void *arg)
{
	int id = modules_id(module);

	(void)arg;
	if (id > 0)
		printf("%d/tcp\tmirrord\treplication of %s\n",
		    5600 + 4 * (id - 1), module);
}

/* As remoted.conf has it, or the usual one. */
static unsigned
remote_port(void)
{
	static cfg_opt_t opts[] = {
		CFG_INT("port", REMOTE_PORT, CFGF_NONE),
		CFG_END()
	};
	char path[PATH_LEN];
	unsigned port = REMOTE_PORT;
	cfg_t *cfg = cfg_init(opts, CFGF_IGNORE_UNKNOWN);

	if (cfg != NULL && cfg_parse(cfg, path_etc(path,
	    "remoted.conf")) == CFG_SUCCESS)
		port = (unsigned)cfg_getint(cfg, "port");
	if (cfg != NULL)
		(void)cfg_free(cfg);
	return port;
}

static int
cluster_ports(struct cmd *c)
{
	struct cluster cl;

	(void)c;
	if (cluster_load(&cl, NULL) == -1)
		return EX_CONFIG;
	printf("%u/udp\theartd\theartbeats\n", cl.port);
	printf("%u/tcp\tremoted\tcommands between nodes\n", remote_port());
	printf("%d/udp\twitnessd\tvotes, of nodes and witnesses\n",
	    VOTE_PORT);
	printf("9010/tcp\tconsoled\thealth, for balancers\n");
	modules_each(print_module_port, NULL);
	return 0;
}

bool
cluster_confirm(const struct cmd *c, const char *cost, const char *command,
    const char *what, const char *name)
{
	char answer[CLUSTER_NAME_LEN + 2];

	if (c->yes != NULL && strcmp(c->yes, name) == 0)
		return true;
	fputs(cost, stderr);
	if (c->yes != NULL || !isatty(STDIN_FILENO)) {
		fprintf(stderr, "holdfast: refused; `holdfast cluster %s "
		    "--yes %s' does it\n", command, name);
		return false;
	}
	fprintf(stderr, "Type %s to do it: ", what);
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		return false;
	answer[strcspn(answer, "\r\n")] = '\0';
	return strcmp(answer, name) == 0;
}

int
verb_cluster(struct cmd *c)
{
	static const struct {
		const char	*name;
		int		(*run)(struct cmd *);
	} verbs[] = {
		{ "init",	cluster_init },
		{ "invite",	cluster_invite },
		{ "join",	cluster_join },
		{ "push",	cluster_push },
		{ "keys",	cluster_keys },
		{ "witness",	cluster_witness },
		{ "fence",	cluster_fence },
		{ "ports",	cluster_ports },
		/* For remoted. */
		{ "accept",	cluster_accept },
		{ "admit",	cluster_admit },
		{ "key",	cluster_key },
	};
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(c->argv[0], verbs[i].name) == 0)
			return verbs[i].run(c);
	fprintf(stderr, "usage: holdfast cluster "
	    "init|invite|join|push|keys|witness|fence|ports ...; see "
	    "holdfast(8)\n");
	return EX_USAGE;
}

/* SPDX-License-Identifier: ISC */
/*
 * The part of `holdfast check' that is about farms: what the filter needs of
 * the kernel, one network without a router, an address that nobody else
 * answers for, and what farmd says while it runs.
 */
#include "check-farm.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "config-vip.h"
#include "farm-view.h"
#include "talk.h"
#include "xalloc.h"

struct ctx {
	const struct safe	*m;
	probe_say		*say;
	void			*arg;
};

static void tell(const struct ctx *x, enum verdict v, const char *about,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void
tell(const struct ctx *x, enum verdict v, const char *about, const char *fmt,
    ...)
{
	char text[768];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	x->say(v, about, text, x->arg);
}

/* --- the kernel ---------------------------------------------------------- */

/*
 * What the nft backend uses is tried in a network namespace that ends with
 * it: `nft -c' does not ask the kernel.
 */
static void
check_kernel(const struct ctx *x)
{
	static const char rules[] =
	    "table netdev holdfast_check { "
	    "set s { type ipv4_addr . inet_service; }; "
	    "chain c { type filter hook ingress device lo priority 0; "
	    "meta protocol ip meta mark set jhash ip saddr mod 4096 seed 1; "
	    "meta mark 1 fwd to lo; }; }; "
	    "table arp holdfast_check { "
	    "chain c { type filter hook input priority 0; }; };";
	const char *argv[] = { "unshare", "-n", "nft", rules, NULL };
	int rc = command_quiet(argv);

	if (rc == 0)
		tell(x, VERDICT_OK, "nftables", "the kernel has what a farm "
		    "filters with");
	else if (rc == 127 || rc == -1)
		tell(x, VERDICT_WARN, "nftables", "the command nft is not on "
		    "this node: what the kernel can is not known here, and "
		    "`nft list table netdev holdfast_%s' cannot show it: "
		    "`apt install nftables'", x->m->name);
	else
		tell(x, VERDICT_ERROR, "nftables", "the kernel refuses what "
		    "a farm filters with, or this is not root: `modprobe -a "
		    "nft_hash nft_fwd_netdev nf_tables', or a kernel with "
		    "CONFIG_NFT_HASH and CONFIG_NFT_FWD_NETDEV");
}

/* --- the network --------------------------------------------------------- */

static bool
is_same_network(const struct sockaddr_storage *a, const char *network,
    int prefix)
{
	struct sockaddr_storage n;
	const uint8_t *p, *q;
	int i;

	if (addr_parse(&n, network) == -1 || n.ss_family != a->ss_family)
		return false;
	p = vip_addr_bytes(a);
	q = vip_addr_bytes(&n);
	for (i = 0; i < prefix; i++)
		if (((p[i / 8] ^ q[i / 8]) >> (7 - i % 8)) & 1)
			return false;
	return true;
}

/* A node behind a router is reached by no frame. */
static void
check_router(const struct ctx *x, const struct safe_addr *a)
{
	const struct cluster *c = x->m->cluster;
	struct sockaddr_storage own;
	char text[ADDR_LEN];
	unsigned i, b;
	int lan;

	if (addr_parse(&own, a->own) == -1)
		return;
	for (b = 0; b < x->m->beat_count; b++) {
		lan = cluster_lan_index(c, x->m->beat[b].lan);
		if (!addr_equal(&c->node[c->self].lan[lan].laddr, &own))
			continue;
		for (i = 0; i < c->node_count; i++) {
			if (!c->node[i].lan[lan].is_set || is_same_network(
			    &c->node[i].lan[lan].addr, a->network,
			    a->network_prefix))
				continue;
			(void)addr_str(text, &c->node[i].lan[lan].addr);
			tell(x, VERDICT_ERROR, a->addr, "%s of node %s is not "
			    "in its network %s/%d: a farm is in one network, "
			    "without a router between the nodes", text,
			    c->node[i].name, a->network, a->network_prefix);
		}
	}
}

static void
on_answer(const struct line *l, void *arg)
{
	const struct ctx *x = arg;
	const char *addr = line_get(l, "addr"), *mac = line_get(l, "mac");

	if (addr != NULL && mac != NULL)
		tell(x, VERDICT_ERROR, addr, "%s answers for it: a host that "
		    "is not in this farm; take the address away there, or "
		    "choose another", mac);
}

static void
check_foreign(const struct ctx *x)
{
	struct line_out o;
	struct ctx copy = *x;

	line_begin(&o, "probe");
	line_add(&o, "name", x->m->name);
	if (talk(NULL, "vipd", &o, on_answer, &copy) == 0)
		tell(x, VERDICT_OK, x->m->name, "was asked who answers for "
		    "its addresses");
	else
		tell(x, VERDICT_WARN, x->m->name, "whether somebody else "
		    "answers for its addresses was not asked: vipd does not "
		    "run, or a network is down");
}

/* --- farmd --------------------------------------------------------------- */

static bool
serves_anywhere(const struct farm_view *v)
{
	unsigned i;

	for (i = 0; i < v->node_count; i++)
		if (farm_node_buckets(v, &v->node[i]) > 0)
			return true;
	return false;
}

static void
check_running(const struct ctx *x, struct farm_view *v)
{
	const char *wish = x->m->farm.backend;
	unsigned i;

	if (strcmp(wish, "auto") != 0 && v->backend[0] != '\0' &&
	    strcmp(wish, v->backend) != 0)
		tell(x, VERDICT_WARN, x->m->name, "backend %s was asked for "
		    "and %s is used: the log of farmd says why", wish,
		    v->backend);
	else if (v->backend[0] != '\0')
		tell(x, VERDICT_OK, x->m->name, "backend %s, delivery %s",
		    v->backend, v->delivery);
	for (i = 0; i < v->warn_count; i++)
		tell(x, VERDICT_WARN, x->m->name, "%s [%s]%s%s",
		    v->warn[i].text, v->warn[i].code,
		    v->warn[i].command[0] != '\0' ? ": " : "",
		    v->warn[i].command);
}

static void
on_line(const struct line *l, void *arg)
{
	farm_view_add(arg, l);
}

void
check_farm_module(const struct safe *m, probe_say *say, void *arg)
{
	struct ctx x = { .m = m, .say = say, .arg = arg };
	struct farm_view *v = xcalloc(1, sizeof(*v));
	struct line_out o;
	unsigned i;

	check_kernel(&x);
	for (i = 0; i < m->addr_count; i++)
		check_router(&x, &m->addr[i]);
	line_begin(&o, "status");
	if (talk(m->name, "farmd", &o, on_line, v) == 0)
		check_running(&x, v);
	/* While the farm serves, one of its nodes answers. */
	if (!serves_anywhere(v))
		check_foreign(&x);
	free(v);
}

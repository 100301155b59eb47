/* SPDX-License-Identifier: ISC */
/*
 * The rules of the nftables backend as text, the numbers of its maps, and
 * the commands from one table to the next.
 */
#include "../../bin/farmd/filter-nft-text.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "../../bin/farmd/nft-plan.h"

#include "tap.h"

static struct filter_input in;
static char *text;
static size_t text_len;

static void
input_reset(void)
{
	static const struct filter_mac mac = { { 2, 0, 0, 0, 0, 1 } };

	memset(&in, 0, sizeof(in));
	(void)snprintf(in.module, sizeof(in.module), "web");
	in.seed = 0x1234;
	in.addr_count = 1;
	in.addr[0].family = AF_INET;
	(void)inet_pton(AF_INET, "10.88.1.100", in.addr[0].ip);
	in.group_count = 1;
	(void)snprintf(in.group[0].name, sizeof(in.group[0].name), "http");
	in.rule_count = 1;
	in.rule[0] = (struct filter_rule){ .addr = -1, .low = 80, .high = 80 };
	in.intf_count = 1;
	(void)snprintf(in.intf[0].name, sizeof(in.intf[0].name), "eth0");
	in.intf[0].mac = mac;
	in.node_count = 3;
	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(in.node[i].name, sizeof(in.node[i].name),
		    "n%u", i + 1);
		in.node[i].id = (uint8_t)(i + 1);
		in.intf[0].node_mac[i] = mac;
		in.intf[0].node_mac[i].byte[5] = (uint8_t)(i + 1);
	}
	in.members = 7;
	in.tables = 1;
	for (unsigned b = 0; b < HASH_BUCKETS; b++)
		in.taker[0][b] = (uint8_t)(b % 3 + 1);
}

static struct nft_doc
doc_of(const struct nft_plan *plan)
{
	struct nft_doc doc;

	filter_nft_text(&doc, &in, plan == NULL ? NULL : plan->way,
	    plan == NULL ? 0 : plan->way_count);
	return doc;
}

static const char *
body(const struct nft_doc *doc, enum nft_kind kind, const char *name)
{
	const struct nft_object *o = nft_doc_find(doc, kind, name);

	return o == NULL ? "(none)" : o->body;
}

static const char *
diff(const struct nft_doc *from, const struct nft_doc *to)
{
	FILE *f;

	free(text);
	f = open_memstream(&text, &text_len);
	(void)nft_doc_diff(f, from, to);
	(void)fclose(f);	/* memory */
	return text;
}

static void
test_input(void)
{
	input_reset();
	ok(filter_input_error(&in) == NULL, "a right input");
	in.rule[0].high = 79;
	ok(filter_input_error(&in) != NULL, "ports the wrong way round");
	input_reset();
	in.group[0].table = 1;
	ok(filter_input_error(&in) != NULL, "a group of no table");
	input_reset();
	in.addr[0].is_vmac = true;
	ok(filter_input_error(&in) != NULL, "by vmac without one");
	input_reset();
	in.rule[0].key = FK_SOURCE;
	ok(filter_input_error(&in) != NULL, "on_source without route");
}

static void
test_rules(void)
{
	struct nft_doc doc;

	input_reset();
	doc = doc_of(NULL);
	is_str(doc.table, "holdfast_web", "the table has the module's name");
	is_str(body(&doc, NK_MAP, "frames4"),
	    "10.88.1.100 . 02:00:00:00:00:01 : goto direct4\n",
	    "frames to this node");
	is_str(body(&doc, NK_MAP, "direct4_services"),
	    "10.88.1.100 . tcp . 80 : goto direct4_http_tcp\n", "one rule");
	is_str(body(&doc, NK_CHAIN, "to_n2"), "ether saddr set "
	    "02:00:00:00:00:01 ether daddr set 02:00:00:00:00:02 counter "
	    "name passed meta mark set 0 fwd to \"eth0\"\n",
	    "on from this node's MAC");
	is_str(body(&doc, NK_CHAIN, "to_n1"), "(none)", "not to itself");
	is_str(body(&doc, NK_CHAIN, "may_open"), "", "open");
	is_str(body(&doc, NK_CHAIN, "vmac4"), "(none)", "no vmac, no chain");
	is_str(body(&doc, NK_CHAIN, "in_eth0"),
	    "ip daddr . ether daddr vmap @frames4\n"
	    "ip daddr { 10.88.1.100 } counter name rejected drop "
	    "comment \"the frame is another's\"\n", "nothing of IPv6");
	nft_doc_fini(&doc);
	in.is_closed = true;
	in.addr[0].vmac = in.intf[0].mac;
	in.addr[0].vmac.byte[0] = 0x5a;
	memset(&in.intf[0].node_mac[2], 0, sizeof(in.intf[0].node_mac[2]));
	doc = doc_of(NULL);
	is_str(body(&doc, NK_CHAIN, "may_open"),
	    "counter name rejected drop comment \"closed\"\n", "closed");
	is_str(body(&doc, NK_CHAIN, "to_n3"), "goto nobody\n",
	    "a node whose MAC is unknown gets nothing");
	ok(strstr(body(&doc, NK_CHAIN, "direct4"),
	    "ether saddr { 02:00:00:00:00:02 } goto sent4\n") != NULL,
	    "nor is it known as a sender");
	ok(strstr(body(&doc, NK_MAP, "frames4"),
	    "10.88.1.100 . 5a:00:00:00:00:01 : goto vmac4\n") != NULL,
	    "frames to the vmac");
	is_str(body(&doc, NK_CHAIN, "vmac4_http_tcp"),
	    "meta mark set jhash ip saddr mod 4096 seed 0x00001234 meta mark "
	    "set meta mark map @mine_0 goto taken_http_tcp\n"
	    "counter name rejected drop\n", "one hash, one bucket, or drop");
	nft_doc_fini(&doc);
}

static void
test_ports(void)
{
	struct nft_doc doc;

	input_reset();
	in.group_count = 2;
	(void)snprintf(in.group[1].name, sizeof(in.group[1].name), "a b");
	in.rule_count = 3;
	in.rule[1] = (struct filter_rule){ .group = 1, .addr = 0, .low = 70,
	    .high = 90, .key = FK_PORT };
	in.rule[2] = (struct filter_rule){ .proto = FP_UDP, .addr = -1,
	    .high = 65535, .key = FK_IPID };
	doc = doc_of(NULL);
	is_str(body(&doc, NK_MAP, "ports_direct4_tcp_to_10.88.1.100"),
	    "70-79 : goto direct4_a_b_tcp_port\n"
	    "80 : goto direct4_http_tcp\n"
	    "81-90 : goto direct4_a_b_tcp_port\n",
	    "the first rule of a port counts");
	is_str(body(&doc, NK_MAP, "ports_direct4_udp_to_10.88.1.100"),
	    "0-65535 : goto direct4_http_udp_ipid\n", "every port");
	is_str(body(&doc, NK_MAP, "direct4_services"),
	    "10.88.1.100 . tcp : jump direct4_tcp_to_10.88.1.100\n"
	    "10.88.1.100 . udp : jump direct4_udp_to_10.88.1.100\n",
	    "a tree for each protocol");
	ok(strstr(body(&doc, NK_CHAIN, "direct4_a_b_tcp_port"),
	    "jhash ip saddr . th sport mod") != NULL, "the key on_port");
	ok(strstr(body(&doc, NK_CHAIN, "direct4_http_udp_ipid"),
	    "jhash ip saddr . ip id mod") != NULL, "the key on_ipid");
	nft_doc_fini(&doc);
	(void)snprintf(in.group[0].name, sizeof(in.group[0].name), "a/b");
	doc = doc_of(NULL);
	ok(nft_doc_find(&doc, NK_COUNTER, "group_a_b") != NULL &&
	    nft_doc_find(&doc, NK_COUNTER, "group_a_b.1") != NULL,
	    "two groups that nft would take for one");
	nft_doc_fini(&doc);
}

static void
test_route(void)
{
	struct nft_doc doc;

	input_reset();
	in.rule[0] = (struct filter_rule){ .addr = 0, .proto = FP_ROUTE,
	    .high = 65535, .key = FK_DEST };
	doc = doc_of(NULL);
	ok(strstr(body(&doc, NK_CHAIN, "in_eth0"), "\nmeta protocol ip "
	    "ether daddr { 02:00:00:00:00:01 } goto route4\n") != NULL,
	    "what is for others comes last");
	ok(strncmp(body(&doc, NK_CHAIN, "route4"), "fib daddr type { local",
	    22) == 0, "what is for this node is its own");
	ok(strstr(body(&doc, NK_CHAIN, "route4"), "jhash ip daddr mod") !=
	    NULL, "inside the destination is hashed");
	ok(strstr(body(&doc, NK_MAP, "routers"), "1 : jump may_open") != NULL,
	    "no connection is written down");
	nft_doc_fini(&doc);
	in.rule[0].key = FK_SOURCE;
	doc = doc_of(NULL);
	ok(strstr(body(&doc, NK_CHAIN, "route4"), "jhash ip saddr mod") !=
	    NULL, "outside the source");
	nft_doc_fini(&doc);
}

static void
test_plan(void)
{
	struct nft_plan old, plan, watch;

	input_reset();
	nft_plan_make(&old, &in, NULL, false);
	is_num(old.mine[0][0], NM_OWNED, "this node's bucket");
	is_num(old.share[0][0], NFT_WAY_ME, "and the way of it");
	is_num(old.share[0][1], NFT_WAY_NODE + 1, "another's");
	is_num(old.way_count, 0, "nothing moves");
	in.taker[0][0] = 2;	/* this node drains */
	in.keepers[0][0] = 1;
	in.taker[0][1] = 1;	/* this node gains */
	in.keepers[0][1] = 2;
	in.taker[0][4] = 0;
	nft_plan_make(&watch, &in, &old, true);
	is_num(watch.mine[0][0], NM_WATCHED, "first it is watched");
	is_num(watch.share[0][0], NFT_WAY_WATCHED, "and stays here");
	is_num(watch.mine[0][1], NM_GAINED, "nothing to be watched of a gain");
	is_num(watch.share[0][4], NFT_WAY_NOBODY, "nobody's");
	nft_plan_make(&plan, &in, &watch, false);
	is_num(plan.mine[0][0], NM_DRAINING, "then it drains");
	is_num(plan.way_count, 2, "two ways: one there, one here");
	is_num(plan.share[0][1], watch.share[0][1], "ways keep numbers");
	ok(plan.share[0][0] >= NFT_WAY_MOVING &&
	    plan.share[0][0] != plan.share[0][1], "of their own");
	ok(nft_plan_is_strict(&plan), "own connections count");
	nft_plan_fini(&old);
	nft_plan_fini(&watch);
	nft_plan_fini(&plan);
}

static void
test_moving(void)
{
	struct nft_plan plan;
	struct nft_doc doc;

	input_reset();
	in.taker[0][1] = 1;
	in.keepers[0][1] = 2;
	nft_plan_make(&plan, &in, NULL, false);
	doc = doc_of(&plan);
	is_str(body(&doc, NK_CHAIN, "moving_100"),
	    "ip saddr . tcp sport . ip daddr . tcp dport @flows4 return\n"
	    "ip saddr . tcp sport . ip daddr . tcp dport @opened4 return\n"
	    "jump copy_n2\n"
	    "counter name rejected drop\n", "own, else a copy to the keeper");
	ok(strstr(nft_doc_find(&doc, NK_CHAIN, "moving_100")->decl,
	    "n1 takes, n2 keeps") != NULL, "and it says so");
	ok(strstr(body(&doc, NK_MAP, "takers"), "100 : jump open\n") != NULL,
	    "its SYNs are written down");
	nft_doc_fini(&doc);
	nft_plan_fini(&plan);
}

static void
test_diff(void)
{
	struct nft_doc a, b;

	input_reset();
	a = doc_of(NULL);
	b = doc_of(NULL);
	is_str(diff(&a, &b), "", "nothing changed, nothing is said");
	ok(strncmp(diff(NULL, &a), "add table netdev holdfast_web\n"
	    "delete table netdev holdfast_web\n"
	    "add table netdev holdfast_web {", 90) == 0, "from nothing");
	nft_doc_fini(&b);
	in.is_closed = true;
	b = doc_of(NULL);
	is_str(diff(&a, &b), "flush chain netdev holdfast_web may_open\n"
	    "add rule netdev holdfast_web may_open counter name rejected "
	    "drop comment \"closed\"\n", "one chain changed");
	nft_doc_fini(&b);
	in.is_closed = false;
	in.node_count = 2;	/* n3 left cluster.conf */
	in.members = 3;
	b = doc_of(NULL);
	(void)diff(&a, &b);
	ok(strstr(text, "delete chain netdev holdfast_web to_n3\n") != NULL &&
	    strstr(text, "flush map netdev holdfast_web takers\n") != NULL,
	    "what nobody names any more goes");
	ok(strstr(text, "flush map") < strstr(text, "delete chain"),
	    "after those that named it");
	ok(!nft_doc_is_anew(&a, &b), "without making the table anew");
	nft_doc_fini(&b);
	in.addr[0].family = AF_INET6;
	(void)inet_pton(AF_INET6, "fd88::1", in.addr[0].ip);
	b = doc_of(NULL);
	ok(strstr(diff(&a, &b), "add map netdev holdfast_web frames6") != NULL,
	    "another family");
	nft_doc_fini(&a);
	nft_doc_fini(&b);
}

int
main(void)
{
	test_input();
	test_rules();
	test_ports();
	test_route();
	test_plan();
	test_moving();
	test_diff();
	free(text);
	return tap_done();
}

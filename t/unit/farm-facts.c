/* SPDX-License-Identifier: ISC */
/* The lines of farmd, whole and broken. */
#include <stdio.h>
#include <string.h>

#include "tap.h"

#include "../../bin/moduled/farm-facts.h"

static struct farm_nodes nodes;
static const char *why;

static struct line *
parse(const char *text)
{
	static struct line l;

	if (line_parse(&l, text, strlen(text), &why) != 0)
		printf("# %s: %s\n", text, why);
	return &l;
}

static int
node(const char *text, struct farm_node *before, bool *is_new)
{
	return farm_node_parse(&nodes, parse(text), before, is_new, &why);
}

static void
test_fact(void)
{
	struct farm_facts f = { 0 };
	char buf[64];

	is_num(farm_facts_parse(&f, parse("fact serve=open epoch=7 "
	    "digest=00aa director=n2 member=1 share=\"web 33\" "
	    "share=\"dns 50\" drained=0 draining=12 delivery=director "
	    "backend=bpf code=farm-no-flood text=\"n3 hears nobody\" i=4 "
	    "warning=\"farm-no-flood n3 hears nobody\" warning=odd "
	    "warning=\"farm-waits for n2\""),
	    &why), 0, "a fact");
	ok(f.known && f.serve == FARM_OPEN && f.member && !f.drained,
	    "its words");
	is_num((int)f.draining, 12, "draining");
	is_num((int)f.i, 4, "i");
	is_str(f.director, "n2", "director");
	is_num((int)f.warning_count, 2, "two warnings, one is broken");
	is_str(f.warning[1].code, "farm-waits", "code");
	is_str(f.warning[1].text, "for n2", "text");
	is_num((int)farm_share(&f.shares), 33, "share of the first group");
	is_str(farm_shares_text(buf, sizeof(buf), &f.shares),
	    "web 33 %, dns 50 %", "shares in words");
	ok(farm_has_share(&f.shares), "it has one");
	is_num(farm_facts_parse(&f, parse("fact serve=wide epoch=8"), &why),
	    -1, "an unknown serve is refused");
	is_str(f.epoch, "7", "and nothing of it taken");
	is_num(farm_facts_parse(&f, parse("fact serve=none share=40 "
	    "share=\"web 101\" share=x"), &why), 0, "broken shares");
	is_num((int)f.shares.count, 1, "are left out");
	is_str(farm_shares_text(buf, sizeof(buf), &f.shares), "40 %",
	    "a group alone needs no name");
	ok(f.i == -1, "a farmd that does not number");
}

static void
test_nodes(void)
{
	struct farm_node before;
	bool is_new;
	char text[256];
	int i;

	is_num(node("node name=n2 net=up state=UP quality=Ready serve=open "
	    "share=\"web 50\" since_s=1700000000 reason=\"\" standby=0 "
	    "mac=02:00:00:00:00:02 mac=02:00:00:00:01:02", &before, &is_new),
	    0, "a node");
	ok(is_new && before.net == NET_UNKNOWN, "that was not known");
	ok(farm_others_open(&nodes) && farm_others_serve(&nodes),
	    "it serves");
	ok(farm_has_mac(&nodes, "02:00:00:00:01:02"), "its MAC");
	ok(!farm_has_mac(&nodes, "02:00:00:00:01:03"), "not another");
	is_num(node("node name=n2 net=up state=UP quality=Ready serve=drain",
	    &before, &is_new), 0, "it drains");
	ok(!is_new && before.serve == FARM_OPEN, "what it was before");
	ok(!farm_others_open(&nodes) && farm_others_serve(&nodes),
	    "the address is still its");
	is_num(node("node name=n2 net=down state=UP quality=Ready serve=open",
	    &before, &is_new), 0, "it is silent");
	ok(!farm_others_serve(&nodes) &&
	    !farm_node_is_heard(&nodes.node[0]), "what it said is old");
	is_num(node("node name=n3 net=up state=\"\"", &before, &is_new), 0,
	    "its moduled has not spoken");
	ok(!farm_node_is_heard(&nodes.node[1]), "so nothing is known");
	is_num(node("node net=up", &before, &is_new), -1, "no name");
	for (i = 4; i <= FARM_NODES + 1; i++) {
		(void)snprintf(text, sizeof(text), "node name=n%d net=up", i);
		(void)node(text, &before, &is_new);
	}
	is_num((int)nodes.count, FARM_NODES, "as many as a cluster has");
	is_num(node("node name=n999 net=up", &before, &is_new), -1,
	    "and no more");
}

int
main(void)
{
	int i;

	for (i = 0; i < FARM_SERVE_COUNT; i++)
		is_num(farm_serve_parse(farm_serve_name((enum farm_serve)i)),
		    i, "%s is read back", farm_serve_name((enum farm_serve)i));
	test_fact();
	test_nodes();
	return tap_done();
}

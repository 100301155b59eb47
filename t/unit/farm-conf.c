/* SPDX-License-Identifier: ISC */
/* farmd.conf and vipd's lines, turned into what the filters take. */
#include "../../bin/farmd/farm-conf.h"
#include "../../bin/farmd/places.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "tap.h"

static struct cluster cluster;

static cfg_t *
parse(const char *text)
{
	cfg_t *cfg = cfg_init(farm_conf_opts(), CFGF_NONE);

	if (cfg_parse_buf(cfg, text) != CFG_SUCCESS)
		return NULL;
	return cfg;
}

static void
no_words(cfg_t *cfg, const char *fmt, va_list ap)
{
	(void)cfg;
	(void)fmt;
	(void)ap;
}

static int
errors(const char *more)
{
	char text[2048];
	cfg_t *cfg;
	int n;

	(void)snprintf(text, sizeof(text), "module = \"web\" node = \"n1\" "
	    "node_id = 1 address \"10.88.1.100\" { } group \"g\" { } %s",
	    more);
	cfg = parse(text);
	if (cfg == NULL)
		return -1;
	cfg_set_error_function(cfg, no_words);
	n = farm_conf_check(cfg);
	(void)cfg_free(cfg);
	return n;
}

/* With the one that errors() has. */
static int
errors_of_addresses(unsigned count)
{
	char text[1024] = "";
	size_t len = 0;

	for (unsigned i = 1; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "address \"10.0.0.%u\" { } ", i);
	return errors(text);
}

static void
test_check(void)
{
	is_num(errors_of_addresses(32), 0, "as many as `holdfast config'");
	is_num(errors_of_addresses(33), 1, "and no more");
	is_num(errors(""), 0, "the least");
	is_num(errors("pulse_ms = 300"), 1, "pulse above half of timeout");
	is_num(errors("rule \"1\" { group = \"h\" }"), 1, "no such group");
	is_num(errors("rule \"1\" { group = \"g\" address = \"10.0.0.1\" }"),
	    1, "no such address");
	is_num(errors("rule \"1\" { group = \"g\" low = 81 high = 80 }"), 1,
	    "ports turned round");
	is_num(errors("rule \"1\" { group = \"g\" filter = \"on_ipid\" }"), 1,
	    "on_ipid is of UDP");
	is_num(errors("rule \"1\" { group = \"g\" proto = \"route\" }"), 1,
	    "route needs a side");
	is_num(errors("rule \"1\" { group = \"g\" proto = \"route\" "
	    "filter = \"on_dest\" }"), 0, "and has it");
	is_num(errors("address \"10.88.1.101\" { type = \"vmac\" "
	    "vmac = \"01:00:5e:00:00:01\" }"), 1, "a group address");
	is_num(errors("weights \"1\" { }"), 1, "tables count from 0");
	is_num(errors("group \"h\" { weights = 1 }"), 1, "no such table");
	is_num(errors("seed = 4294967296"), 1, "a seed of 33 bits");
	is_num(errors("backend = \"xdp\" id = 0"), 2, "two at once");
}

static const char full[] = "module = \"web\" id = 7 node = \"n2\" node_id = 2 "
    "digest = \"ab12\" lans = { \"lan1\" } seed = 4000000000 "
    "address \"10.88.1.100\" { type = \"vmac\" } "
    "address \"fd88:1::100\" { type = \"vmac\" "
    "vmac = \"5a:fe:00:00:00:01\" } "
    "address \"10.88.1.101\" { } "
    "weights \"0\" { node \"n1\" { power = 3 } node \"n2\" { } } "
    "weights \"1\" { } "
    "group \"web\" { } group \"dns\" { weights = 1 } "
    "rule \"1\" { group = \"web\" low = 80 high = 81 filter = \"on_port\" } "
    "rule \"2\" { group = \"dns\" address = \"10.88.1.101\" proto = \"udp\" "
    "low = 53 high = 53 filter = \"on_ipid\" }";

static struct farm_conf conf;
static struct filter_input in;

static void
test_fill(void)
{
	cfg_t *cfg = parse(full);

	is_num(farm_conf_check(cfg), 0, "a whole file");
	is_num(farm_conf_fill(&conf, &in, cfg, &cluster), 0, "filled");
	is_num(in.self, 1, "this node, by index");
	is_num(in.seed, 4000000000, "the seed");
	is_str(conf.lans, "lan1", "networks");
	ok(memcmp(in.addr[0].vmac.byte, "\x5a\xfe\x0a\x58\x01\x64", 6) == 0,
	    "a virtual MAC of the IPv4 address");
	is_num(in.addr[1].vmac.byte[5], 1, "one that was given");
	ok(!filter_mac_is_set(&in.addr[2].vmac), "none of a director's");
	is_num(conf.tables, 2, "two tables");
	is_num(conf.power[0][0], 3, "power of n1");
	is_num(conf.power[0][2], 0, "a node that is not named");
	is_num(conf.power[1][2], 1, "a table that names none");
	is_num(in.group[1].table, 1, "table of a group");
	ok(in.rule[0].addr == -1 && in.rule[0].key == FK_PORT &&
	    in.rule[0].high == 81, "a rule of every address");
	ok(in.rule[1].addr == 2 && in.rule[1].proto == FP_UDP &&
	    in.rule[1].group == 1, "a rule of one");
	(void)cfg_free(cfg);
	cluster.self = 0;
	cfg = parse(full);
	is_num(farm_conf_fill(&conf, &in, cfg, &cluster), -1,
	    "another node's file");
	cluster.self = 1;
	(void)farm_conf_fill(&conf, &in, cfg, &cluster);
	(void)cfg_free(cfg);
}

static int
take(struct places *p, const char *text)
{
	static struct line l;
	const char *why;

	if (line_parse(&l, text, strlen(text), &why) == -1)
		return -2;
	return places_take(p, &conf, &l);
}

static void
test_places(void)
{
	struct places p = { 0 };

	is_num(take(&p, "addr=10.88.1.100 interface=eth0 index=3 "
	    "mac=02:00:00:00:00:01 own=10.88.1.2 up=1"), 1, "a place");
	is_num(take(&p, "addr=10.88.1.100 interface=eth0 index=3 "
	    "mac=02:00:00:00:00:01 own=10.88.1.2 up=1"), 0, "the same");
	is_num(take(&p, "addr=10.88.1.9 interface=eth0 index=3 "
	    "mac=02:00:00:00:00:01"), -1, "an address of nobody");
	is_num(take(&p, "addr=10.88.1.101 interface=eth1 "
	    "mac=02:00:00:00:00:01"), -1, "no index");
	ok(!places_are_known(&p, &conf), "two are missing");
	(void)take(&p, "addr=fd88:1::100 interface=eth0 index=3 "
	    "mac=02:00:00:00:00:01 own=fd88:1::2 up=1");
	(void)take(&p, "addr=10.88.1.101 interface=eth1 index=4 "
	    "mac=02:00:00:00:00:02 own=10.88.1.2 up=1");
	ok(places_are_known(&p, &conf), "all are there");
	ok(places_fill(&p, &conf, &in) && in.intf_count == 2 &&
	    in.addr[1].intf == 0 && in.addr[2].intf == 1,
	    "two interfaces for three addresses");
	ok(memcmp(in.intf[0].ip4, "\x0a\x58\x01\x02", 4) == 0,
	    "with this node's own address");
	is_num(take(&p, "addr=10.88.1.101 interface=\"\" index=0"), 1,
	    "an interface is gone");
	ok(!places_are_known(&p, &conf), "and missed");
}

int
main(void)
{
	static const char *const names[] = { "n1", "n2", "n3" };

	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(cluster.node[i].name, CLUSTER_NAME_LEN, "%s",
		    names[i]);
		cluster.node[i].id = (uint8_t)(i + 1);
	}
	cluster.node_count = 3;
	cluster.self = 1;
	cluster.lan_count = 1;
	(void)snprintf(cluster.lan[0].name, CLUSTER_NAME_LEN, "lan1");
	test_check();
	test_fill();
	test_places();
	return tap_done();
}

/* SPDX-License-Identifier: ISC */
/* cluster.xml: ids, lans, who this node is, and what is refused. */

#include "../../bin/holdfast/config-cluster.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

static struct report rep;
static struct cluster cl;

static int
compile(const char *text)
{
	report_fini(&rep);
	report_init(&rep, "c.xml");
	return cluster_compile(&cl, text, strlen(text), &rep);
}

static bool
said(const char *part)
{
	unsigned i;

	for (i = 0; i < rep.count; i++)
		if (strstr(rep.item[i].text, part) != NULL)
			return true;
	report_print(&rep, stdout);
	return false;
}

static bool
is_local(const struct sockaddr_storage *ss, void *arg)
{
	char buf[ADDR_LEN];

	return strstr(arg, addr_str(buf, ss)) != NULL;
}

#define LAN(name, nodes) "<lan name='" name "'>" nodes "</lan>"
#define CLUSTER(lans) "<cluster name='c'><lans>" lans "</lans></cluster>"
#define A	"<node name='a' id='7' addr='10.88.1.1'/>"
#define B	"<node name='b' id='9' addr='10.88.1.2' laddr='192.0.2.2'/>"

static void
test_good(void)
{
	char mine[] = "192.0.2.2", *text;

	ok(compile(CLUSTER(LAN("x", A B))) == 0, "two nodes");
	is_num(cl.node_count, 2, "are two");
	is_num(cl.node[1].id, 9, "with their ids");
	ok(cluster_find_self(&cl, is_local, mine, &rep) == 0 &&
	    cl.self == 1, "laddr tells who this is");
	text = cluster_text(&cl);
	ok(strstr(text, "self = \"b\"") != NULL, "self is written");
	ok(strstr(text, "laddr = \"192.0.2.2\"") != NULL, "and laddr");
	free(text);
	ok(compile(CLUSTER(LAN("x", "<node name='a' addr='10.88.1.1'/>"
	    "<node name='b' addr='10.88.1.2'/>"))) == 0, "without ids");
	is_num(cl.node[1].id, 2, "the place is taken");
	ok(said("node@id: 2 of 2 nodes have none"), "with a warning");
}

static void
test_bad(void)
{
	char none[] = "-", both[] = "10.88.1.1 10.88.1.2";

	ok(compile(CLUSTER(LAN("x", A B))) == 0, "two nodes");
	ok(cluster_find_self(&cl, is_local, none, &rep) == -1,
	    "none of them here");
	ok(said("10.88.1.1"), "lists the addresses");
	ok(cluster_find_self(&cl, is_local, both, &rep) == -1,
	    "both of them here");
	ok(said("of 2 nodes (a, b)"), "names them");
	ok(compile(CLUSTER(LAN("x", A) LAN("y", B))) == -1,
	    "no lan with all nodes");
	ok(compile(CLUSTER(LAN("x", A A))) == -1, "a node twice on a lan");
	ok(compile(CLUSTER(LAN("x", A "<node name='b' id='7' "
	    "addr='10.88.1.2'/>"))) == -1, "an id twice");
	ok(compile(CLUSTER(LAN("x", A "<node name='b' id='256' "
	    "addr='10.88.1.2'/>"))) == -1, "an id too large");
	ok(compile(CLUSTER(LAN("x", A "<node name='b' id='8' "
	    "addr='10.88.1.1'/>"))) == -1, "an address twice");
	ok(compile(CLUSTER(LAN("x", A "<node name='b'/>"))) == -1,
	    "no address");
	ok(compile("<cluster/>") == -1, "no lans");
	ok(compile("<cluster><lans port='0'>" LAN("x", A B)
	    "</lans></cluster>") == -1, "port 0");
}

#define VOTERS(v) "<cluster name='c'><lans>" LAN("x", A B) "</lans>" \
    "<voters>" v "</voters></cluster>"
#define W1	"<witness name='w1' addr='10.88.1.211, 10.88.2.211'/>"
#define W2	"<witness name='w2' addr='10.88.1.212'/>"
#define ETCD	"<etcd endpoints='https://e1:2379,https://e2:2379'"

static void
test_voters(void)
{
	char mine[] = "10.88.1.1", *text;

	ok(compile(CLUSTER(LAN("x", A B))) == 0 && cl.witness_count == 0 &&
	    cl.etcd.endpoint_count == 0, "no voters by default");
	ok(compile(VOTERS(W1)) == 0 && rep.warnings == 0, "a witness");
	is_num(cl.witness[0].addr_count, 2, "with two addresses");
	(void)cluster_find_self(&cl, is_local, mine, &rep);
	text = cluster_text(&cl);
	ok(strstr(text, "witness \"w1\" {\n\taddresses = "
	    "{\"10.88.1.211\", \"10.88.2.211\"}") != NULL, "is written");
	free(text);
	ok(compile(VOTERS(W1 W2)) == 0 && said("4 voters"), "two: a hint");
	ok(compile(VOTERS("")) == 0 && said("is empty"), "none: a hint");
	ok(compile(VOTERS(W1 W1)) == -1 && said("another witness") &&
	    said("is an address of w1"), "the same twice");
	ok(compile(VOTERS("<witness name='a' addr='10.88.1.211'/>")) == -1,
	    "the name of a node");
	ok(compile(VOTERS("<witness name='cluster' addr='10.88.1.9'/>")) ==
	    -1 && said("is taken"), "the name of the other key");
	ok(compile(VOTERS("<witness name='w' addr='192.0.2.2'/>")) == -1 &&
	    said("is an address of b"), "the address of a node");
	ok(compile(VOTERS("<witness name='w' addr=' , '/>")) == -1 &&
	    said("has no address"), "no address");
	ok(compile(VOTERS("<witness name='w' addr='10.88.1.11,10.88.1.12,"
	    "10.88.1.13,10.88.1.14,10.88.1.15'/>")) == -1 &&
	    said("at most 4"), "five addresses");
	ok(compile(VOTERS("<witness addr='10.88.1.211'/>")) == -1,
	    "no name");
}

static void
test_etcd(void)
{
	char mine[] = "10.88.1.1", *text;

	ok(compile(VOTERS(ETCD " ca='/ca' cert='/c' key='/k'/>")) == 0 &&
	    rep.warnings == 0, "etcd");
	is_num(cl.etcd.endpoint_count, 2, "with two members");
	is_str(cl.etcd.prefix, "/holdfast", "and the usual prefix");
	(void)cluster_find_self(&cl, is_local, mine, &rep);
	text = cluster_text(&cl);
	ok(strstr(text, "etcd {\n\tendpoints = {\"https://e1:2379\", "
	    "\"https://e2:2379\"}\n\tca = \"/ca\"") != NULL, "is written");
	free(text);
	ok(compile(VOTERS("<etcd endpoints='http://e1:2379'/>")) == 0 &&
	    said("is not encrypted"), "plain text is said");
	ok(compile(VOTERS(ETCD " cert='/c'/>")) == -1 &&
	    said("belong together"), "a certificate without key");
	ok(compile(VOTERS("<etcd endpoints='e1:2379'/>")) == -1 &&
	    said("is no URL"), "no URL");
	ok(compile(VOTERS(W1 ETCD "/>")) == -1 && said("cannot both"),
	    "witness and etcd");
}

#define FENCING(f) "<cluster name='c'><lans>" LAN("x", A B) "</lans>" \
    "<fencing>" f "</fencing></cluster>"
#define DA	"<device node='a' agent='fence_x' options='ip=10.0.0.1'/>"
#define DB(o)	"<device node='b' agent='/opt/fence' options='" o "'/>"

static void
test_fencing(void)
{
	char mine[] = "10.88.1.1", path[] = "/tmp/hf-cluster.XXXXXX", *text;
	static struct cluster again;
	FILE *f;
	int fd;

	ok(compile(FENCING(DA DB("k=v w=x"))) == 0 && rep.warnings == 0 &&
	    cl.fence_delay_ms == 5000 && cl.fence_timeout_ms == 20000,
	    "a device for each node");
	(void)cluster_find_self(&cl, is_local, mine, &rep);
	text = cluster_text(&cl);
	fd = mkstemp(path);
	f = fd != -1 ? fdopen(fd, "w") : NULL;
	ok(f != NULL && fputs(text, f) != EOF && fclose(f) == 0 &&
	    cluster_load(&again, path) == 0 &&
	    strcmp(again.node[1].fence_agent, "/opt/fence") == 0 &&
	    strcmp(again.node[1].fence_options, "k=v w=x") == 0 &&
	    again.fence_delay_ms == 5000 && again.fence_period_ms == 60000,
	    "is written and read");
	(void)remove(path);
	free(text);
	ok(compile(FENCING(DA)) == -1 && said("has no <device> of node b"),
	    "one that only one node has is worse than none");
	ok(compile(FENCING("")) == -1, "no device at all");
	ok(compile(FENCING(DA DA DB(""))) == -1 && said("already"), "two");
	ok(compile(FENCING(DA DB("password=x"))) == -1 &&
	    said("password_script"), "a password that all may read");
	ok(compile(FENCING(DA DB("action=reboot"))) == -1 &&
	    said("is not yours"), "another action");
	ok(compile(FENCING(DA DB("verbose"))) == -1 && said("KEY=VALUE"),
	    "an option without value");
	ok(compile(FENCING(DA "<device node='z' agent='x'/>")) == -1 &&
	    said("no node of this file"), "a stranger");
}

int
main(void)
{
	report_init(&rep, "c.xml");
	test_good();
	test_bad();
	test_voters();
	test_etcd();
	test_fencing();
	report_fini(&rep);
	return tap_done();
}

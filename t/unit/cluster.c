/* SPDX-License-Identifier: ISC */
/* cluster.conf: a good one, and each error with its message. */

#include "cluster.h"

#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "paths.h"
#include "statefile.h"
#include "tap.h"

static char path[64];
static struct cluster c;

static int
load(const char *text)
{
	(void)statefile_write_volatile(path, text, strlen(text), 0600);
	return cluster_load(&c, path);
}

#define HEAD "name = \"t\"\nself = \"n2\"\nlan \"lan1\" {}\nlan \"x\" {}\n"
#define N1 "node \"n1\" { id = 1 address \"lan1\" { addr = \"10.88.1.1\" } }\n"
#define N2 "node \"n2\" { id = 2 address \"lan1\" { addr = \"fd88:1::2\" " \
    "laddr = \"::1\" } }\n"

int
main(void)
{
	char dir[] = "/tmp/cluster.XXXXXX", buf[ADDR_LEN];
	struct sockaddr_storage a, b;

	log_init("cluster", false);
	if (mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/c", dir);
	is_num(load(HEAD N1 N2), 0, "a good file");
	ok(c.self == 1 && c.node_count == 2 && c.lan_count == 2 &&
	    c.port == 4800, "self, nodes, lans, port");
	ok(cluster_node_by_id(&c, 2) == 1 && cluster_node_index(&c, "n1") ==
	    0 && cluster_lan_index(&c, "x") == 1 &&
	    cluster_node_index(&c, "n9") == -1, "found by name and id");
	is_str(addr_str(buf, &c.node[1].lan[0].laddr), "::1", "local address");
	ok(c.node[0].lan[0].is_set && !c.node[0].lan[1].is_set,
	    "a lan without the node");
	is_num(load(HEAD N1), -1, "self must be a node");
	is_num(load(HEAD N1 N2 "node \"n3\" { id = 2 }\n"), -1,
	    "an id is given once");
	is_num(load(HEAD N1 N2 "node \"n3\" { id = 300 }\n"), -1,
	    "an id is 1..255");
	is_num(load(HEAD N2 "node \"n1\" { id = 1 address \"no\" { addr = "
	    "\"10.0.0.1\" } }\n"), -1, "an unknown lan");
	is_num(load(HEAD N2 "node \"n1\" { id = 1 address \"lan1\" { addr = "
	    "\"host\" } }\n"), -1, "a name is no address");
	is_num(load(HEAD N1 N2 "witness \"w1\" { addresses = {\"10.88.1.9\", "
	    "\"fd88:1::9\"} }\netcd { endpoints = {\"https://e\"} }\n"), 0,
	    "a witness and etcd");
	ok(cluster_witness_index(&c, "w1") == 0 &&
	    cluster_witness_index(&c, "n1") == -1 &&
	    c.witness[0].addr_count == 2 && c.etcd.endpoint_count == 1,
	    "are there");
	is_num(load(HEAD N1 N2 "witness \"w1\" { }\n"), -1,
	    "a witness has addresses");
	is_num(load(HEAD N1 N2 "witness \"w1\" { addresses = {\"w1\"} }\n"),
	    -1, "which are no names");
	is_num(load("self = {"), -1, "a broken file");
	(void)unlink(path);
	is_num(cluster_load(&c, path), -1, "no file");
	(void)addr_parse(&a, "10.0.0.1");
	(void)addr_parse(&b, "10.0.0.1");
	addr_set_port(&b, 80);
	ok(addr_equal(&a, &b), "a port does not count");
	(void)addr_parse(&b, "::1");
	ok(!addr_equal(&a, &b), "families differ");
	ok(module_name_ok("ledger") && module_name_ok("a-1_b") &&
	    !module_name_ok("") && !module_name_ok("../x") &&
	    !module_name_ok("cluster") && !module_name_ok("-a"),
	    "names of modules");
	(void)rmdir(dir);
	return tap_done();
}

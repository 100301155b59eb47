/* SPDX-License-Identifier: ISC */
/* A machine joins: its request, its addresses, cluster.xml with it. */

#include "../../bin/holdfast/cluster-edit.h"

#include <stdlib.h>

#include "../../bin/holdfast/config-cluster.h"
#include "tap.h"

static const char xml[] =
"<?xml version=\"1.0\"?>\n<!-- ours -->\n"
"<cluster name=\"town\">\n  <lans>\n"
"    <lan name=\"a\">\n"
"      <node name=\"n1\" id=\"1\" addr=\"10.0.1.1\"/>\n"
"      <node name=\"n2\" id=\"7\" addr=\"10.0.1.2\"/>\n"
"    </lan>\n    <lan name=\"b\">\n"
"      <node name=\"n1\" id=\"1\" addr=\"fd00:2::1\"/>\n"
"      <node name=\"n2\" id=\"7\" addr=\"fd00:2::2\"/>\n"
"    </lan>\n  </lans>\n</cluster>\n";

static struct cluster cl;
static struct report r;
static char last[256];

/* Where the last word is, whether it was asked for before or after choose():
 * the compiler takes arguments in any order. */
static const char *
said(void)
{
	return last;
}

/* Parses and chooses; the number of errors. */
static unsigned
choose(struct join_request *q, struct join_place *p, const char *request)
{
	report_fini(&r);
	report_init(&r, "join");
	if (join_parse(q, request, strlen(request), &r) == 0)
		(void)join_choose(p, &cl, q, &r);
	(void)snprintf(last, sizeof(last), "%s", r.count > 0 ?
	    r.item[r.count - 1].text : "");
	return r.errors;
}

static void
test_choose(void)
{
	struct join_request q;
	struct join_place p;
	char text[ADDR_LEN];

	is_num(choose(&q, &p, "join name=n3 machine=ab\n"
	    "have addr=192.168.0.3 prefix=24\nhave addr=10.0.1.3 prefix=24\n"
	    "have addr=fd00:2::3 prefix=64\n"), 0, "one address a network");
	ok(p.lan[0].is_set && p.lan[1].is_set, "on both");
	is_str(addr_str(text, &p.lan[0].addr), "10.0.1.3", "the one of a");
	is_str(addr_str(text, &p.lan[1].addr), "fd00:2::3", "the one of b");
	is_num(choose(&q, &p, "join name=n3\nhave addr=10.0.1.3 prefix=24\n"),
	    0, "one network is enough");
	ok(!p.lan[1].is_set && r.warnings == 1, "and said: %s", said());
	is_num(choose(&q, &p, "join name=n3\nhave addr=10.0.1.3 prefix=32\n"),
	    1, "a host address has no neighbours: %s", said());
	is_num(choose(&q, &p, "join name=n3\nhave addr=10.0.1.3 prefix=24\n"
	    "have addr=10.0.1.4 prefix=24\n"), 1, "two: %s", said());
	ok(strstr(said(), "no address") == NULL || r.warnings > 0, "listed");
	is_num(choose(&q, &p, "join name=n3\nwant lan=a addr=10.0.1.4\n"
	    "have addr=10.0.1.3 prefix=24\nhave addr=10.0.1.4 prefix=24\n"),
	    0, "two, and said which");
	is_str(addr_str(text, &p.lan[0].addr), "10.0.1.4", "that one");
	is_num(choose(&q, &p, "join name=n3\nwant lan=c addr=10.0.1.3\n"
	    "have addr=10.0.1.3 prefix=24\n"), 1, "no such lan: %s", said());
}

static void
test_bad(void)
{
	struct join_request q;
	struct join_place p;

	ok(choose(&q, &p, "") > 0, "nothing: %s", said());
	ok(choose(&q, &p, "join name=\"a b\"\n") > 0, "a name: %s", said());
	ok(choose(&q, &p, "join name=<x>\n") > 0, "XML: %s", said());
	ok(choose(&q, &p, "join name=n3\nhave addr=1.2.3 prefix=8\n") > 0,
	    "an address: %s", said());
	ok(choose(&q, &p, "join name=n3\nhave addr=10.0.1.3 prefix=33\n") >
	    0, "a prefix: %s", said());
	ok(choose(&q, &p, "join name=n3 \"\n") > 0, "a line: %s", said());
	is_num(choose(&q, &p, "join name=n3 later=1\nnew x=y\n"
	    "have addr=10.0.1.3 prefix=24\n"), 0,
	    "what a later release adds is skipped");
}

static void
test_xml(void)
{
	struct join_request q;
	struct join_place p;
	struct cluster after;
	char *out;
	int at;

	(void)choose(&q, &p, "join name=n3\nhave addr=10.0.1.3 prefix=24\n"
	    "have addr=fd00:2::3 prefix=64\n");
	out = cluster_with_node(xml, sizeof(xml) - 1, &cl, &q, &p, &r);
	ok(out != NULL && cluster_compile(&after, out, strlen(out), &r) == 0,
	    "compiles");
	at = cluster_node_index(&after, "n3");
	ok(at == 2 && after.node[2].id == 8, "the id behind the highest");
	ok(strstr(out, "<!-- ours -->") != NULL && strstr(out,
	    "\n      <node name=\"n3\" id=\"8\" addr=\"10.0.1.3\"/>\n") !=
	    NULL, "looks as the others do");
	is_num(cluster_last_id(out, strlen(out)), 8, "8 was given");
	free(out);

	out = cluster_with_last_id(xml, sizeof(xml) - 1, 99, &r);
	is_num(cluster_last_id(out, strlen(out)), 99, "99 was given");
	free(out);

	(void)choose(&q, &p, "join name=n2\nhave addr=10.0.1.22 prefix=24\n");
	out = cluster_with_node(xml, sizeof(xml) - 1, &cl, &q, &p, &r);
	ok(out != NULL && cluster_compile(&after, out, strlen(out), &r) == 0,
	    "in place of n2");
	ok(after.node_count == 2 && after.node[1].id == 7 &&
	    !after.node[1].lan[1].is_set, "its id, on one network now");
	free(out);
}

/* The text, with a witness added, changed or removed; the old one is freed. */
static char *
edit(char *text, const char *name, const char *addrs)
{
	char *out = cluster_with_witness(text, strlen(text), name, addrs, &r);

	free(text);
	return out;
}

static void
test_without_voters(void)
{
	char *plain = edit(strdup(xml), "none", NULL);
	char *text = edit(strdup(xml), "w1", "10.0.1.9"), *out;

	text = edit(text, "w2", "10.0.1.8");
	out = cluster_without_voters(text, strlen(text), &r);
	is_str(out, plain, "no voters: the file as it was without");
	free(text);
	text = cluster_without_voters(out, strlen(out), &r);
	is_str(text, plain, "and so it stays");
	free(text);
	free(out);
	free(plain);
}

static void
test_witness(void)
{
	char *text = strdup(xml), *plain;

	plain = edit(strdup(xml), "none", NULL);
	text = edit(text, "w1", "10.0.1.9");
	ok(strstr(text, "  </lans>\n  <voters>\n    <witness name=\"w1\" "
	    "addr=\"10.0.1.9\"/>\n  </voters>\n</cluster>") != NULL,
	    "the first witness, as a person would write it");
	text = edit(text, "w2", "10.0.1.8,10.0.2.8");
	ok(strstr(text, "addr=\"10.0.1.9\"/>\n    <witness name=\"w2\" "
	    "addr=\"10.0.1.8,10.0.2.8\"/>\n  </voters>") != NULL,
	    "the second");
	text = edit(text, "w1", "10.0.1.7");
	ok(strstr(text, "10.0.1.9") == NULL &&
	    strstr(text, "10.0.1.7") != NULL, "another address");
	is_num(cluster_compile(&cl, text, strlen(text), &r), 0, "is good");
	text = edit(text, "w1", NULL);
	ok(strstr(text, "w1") == NULL && strstr(text, "w2") != NULL,
	    "one is gone");
	text = edit(text, "w2", NULL);
	is_str(text, plain, "and the last: as before");
	free(text);
	free(plain);
}

int
main(void)
{
	report_init(&r, "join");
	(void)cluster_compile(&cl, xml, sizeof(xml) - 1, &r);
	cl.self = 0;
	test_choose();
	test_bad();
	test_xml();
	report_fini(&r);
	test_witness();
	test_without_voters();
	return tap_done();
}

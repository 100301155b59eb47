/* SPDX-License-Identifier: ISC */
/*
 * The register in etcd: bodies as its gateway takes and gives them, and a
 * key with compare-and-swap that answers as a voter does.
 */

#include "../../bin/moduled/etcd.h"

#include <stdlib.h>

#include "tap.h"

/* An etcd of one key. */
static struct reg_value key;
static int64_t revision, counter = 100;

static struct reg_value
value(uint64_t n, uint8_t node)
{
	struct reg_value v = { .epoch = { 0, n, node }, .primary = node };

	(void)reg_member_add(&v, node, v.epoch);
	(void)reg_voter_set(&v, "etcd", 77);
	return v;
}

static struct vote_ask
ask(enum vote_kind kind, uint64_t n, uint8_t node)
{
	struct vote_ask a = { .kind = kind, .nonce = 5, .node = node };

	if (kind != VOTE_READ)
		a.ballot = (struct epoch){ 0, n, node };
	if (kind == VOTE_ACCEPT)
		a.value = value(n, node);
	return a;
}

/* Carries it out. */
static struct etcd_reply
serve(const struct etcd_voter *v, const struct vote_ask *a)
{
	struct etcd_reply r = { .cluster = 77 };

	if (etcd_voter_swaps(v, a) && v->revision == revision) {
		key = a->value;
		revision = ++counter;
		r.swapped = true;
		return r;
	}
	r.found = revision != 0;
	r.revision = revision;
	r.value = key;
	return r;
}

static struct vote_answer
say(struct etcd_voter *v, struct vote_ask a)
{
	struct etcd_reply r = serve(v, &a);
	struct vote_answer out;

	etcd_voter_answer(v, &a, &r, &out);
	return out;
}

static void
test_voter(void)
{
	struct etcd_voter v = { .revision = 0 }, w = { .revision = 0 };
	struct vote_answer r;
	struct vote_ask a;

	r = say(&v, ask(VOTE_READ, 0, 0));
	ok(r.result == VOTE_OK && r.voter == 77 && r.nonce == 5 &&
	    reg_value_is_none(&r.value), "an empty key is read");
	r = say(&v, ask(VOTE_PREPARE, 1, 1));
	ok(r.result == VOTE_OK && r.promised.n == 1, "prepare looks");
	r = say(&v, ask(VOTE_ACCEPT, 1, 1));
	ok(r.result == VOTE_OK && r.value.epoch.n == 1 && key.epoch.n == 1,
	    "accept swaps");
	r = say(&v, ask(VOTE_ACCEPT, 1, 1));
	ok(r.result == VOTE_OK && counter == 101,
	    "again, its answer was lost: it is in, nothing is written");

	/* Two proposers look; who swaps first has won. */
	r = say(&v, ask(VOTE_PREPARE, 2, 1));
	ok(r.result == VOTE_OK && r.value.epoch.n == 1, "n1 looks");
	r = say(&w, ask(VOTE_PREPARE, 3, 2));
	ok(r.result == VOTE_OK && r.value.epoch.n == 1, "n2 looks");
	r = say(&v, ask(VOTE_ACCEPT, 2, 1));
	ok(r.result == VOTE_OK && key.epoch.n == 2, "n1 swaps");
	r = say(&w, ask(VOTE_ACCEPT, 3, 2));
	ok(r.result == VOTE_REFUSED && key.epoch.n == 2 &&
	    r.value.epoch.n == 2 && r.promised.n > 3,
	    "n2 is refused, told what is there, and must go higher");
	r = say(&w, ask(VOTE_ACCEPT, 3, 2));
	ok(r.result == VOTE_REFUSED && key.epoch.n == 2,
	    "its ballot is over, however often it asks");
	r = say(&v, ask(VOTE_PREPARE, 2, 2));
	ok(r.result == VOTE_OK, "the same round of a higher node is higher");
	r = say(&v, ask(VOTE_PREPARE, 1, 2));
	ok(r.result == VOTE_REFUSED && r.promised.n == 2,
	    "below what is there is refused");
	r = say(&v, ask(VOTE_ACCEPT, 2, 1));
	ok(r.result == VOTE_OK && counter == 102,
	    "an older own value that is still there was accepted");
	(void)say(&w, ask(VOTE_PREPARE, 5, 2));
	r = say(&w, ask(VOTE_ACCEPT, 5, 2));
	ok(r.result == VOTE_OK, "n2 has won meanwhile");
	r = say(&v, ask(VOTE_ACCEPT, 2, 1));
	ok(r.result == VOTE_REFUSED && key.epoch.n == 5,
	    "an accept that nobody prepared for writes nothing");

	/* Same ballot, another value: a proposer that forgot. */
	a = ask(VOTE_ACCEPT, 5, 2);
	a.value.forced = true;
	r = say(&w, a);
	ok(r.result == VOTE_REFUSED && !key.forced,
	    "another value under one ballot is refused");
}

static const char *
parsed(struct etcd_reply *r, long status, const char *body)
{
	etcd_parse(r, status, body, strlen(body));
	return r->why;
}

#define HEADER "\"header\":{\"cluster_id\":\"14841639068965178418\"}"

static void
test_replies(void)
{
	char body[ETCD_BODY_LEN], text[REG_TEXT_LEN], names[64];
	struct reg_value v = value(7, 1);
	struct etcd_reply r;
	char *at;

	is_str(parsed(&r, 200, "{" HEADER "}"), "", "an empty range");
	ok(!r.found && r.revision == 0 && r.cluster == 14841639068965178418u,
	    "no key, the id of the cluster");
	/* Our own swap has key and value as etcd gives them back. */
	reg_value_text(text, &v);
	ok(etcd_swap(body, "hf/lab/m", 5, text), "a swap");
	ok(strstr(body, "\"key\":\"aGYvbGFiL20=\"") != NULL &&
	    strstr(body, "\"mod_revision\":\"5\"") != NULL, "as etcd takes it");
	at = strstr(body, "\"value\":");
	at[strcspn(at, "}")] = '\0';
	(void)snprintf(text, sizeof(text), "{" HEADER ",\"kvs\":[{"
	    "\"mod_revision\":\"9\",%s}],\"count\":\"1\"}", at);
	is_str(parsed(&r, 200, text), "", "a range");
	ok(r.found && r.revision == 9 && reg_value_equal(&r.value, &v),
	    "brings the value back");
	is_str(parsed(&r, 200, "{" HEADER ",\"succeeded\":true,\"responses\":"
	    "[{\"response_put\":{}}]}"), "", "a swap that was made");
	ok(r.swapped, "says so");
	(void)parsed(&r, 200, "{" HEADER ",\"responses\":[{\"response_range\":"
	    "{\"kvs\":[{\"mod_revision\":\"9\",\"value\":\"eA==\"}]}}]}");
	ok(!r.swapped && r.found && strstr(r.why, "no value of a register") !=
	    NULL, "a key with something else: %s", r.why);
	is_str(parsed(&r, 503, "{\"error\":\"etcdserver: no leader\"}"),
	    "etcdserver: no leader", "an error in its words");
	is_str(parsed(&r, 502, "<html>"), "HTTP status 502, no answer of etcd",
	    "an error of a stranger");
	ok(parsed(&r, 200, "{}")[0] != '\0', "not etcd: %s", r.why);
	is_str(parsed(&r, 200, "{\"error\":\"a\\nb\"}"), "a b",
	    "no control characters of theirs");

	is_num(etcd_parse_lease("{\"ID\":\"12\",\"TTL\":\"10\"}", 22), 12,
	    "a lease");
	is_num(etcd_parse_lease("{\"result\":{\"ID\":\"12\",\"TTL\":\"10\"}}\n",
	    34), 12, "a keepalive");
	is_num(etcd_parse_lease("{\"result\":{\"ID\":\"12\"}}", 22), 0,
	    "of a lease that is over");
	ok(etcd_range_prefix(body, "hf/nodes/") && strstr(body,
	    "\"range_end\":\"aGYvbm9kZXMw\"") != NULL, "a range of names");
	(void)snprintf(body, sizeof(body), "{\"kvs\":[{\"key\":"
	    "\"aGYvbm9kZXMvbjE=\"},{\"key\":\"aGYvbm9kZXMvbjI=\"},"
	    "{\"key\":\"eA==\"}]}");
	etcd_parse_names(names, sizeof(names), "hf/nodes/", body,
	    strlen(body));
	is_str(names, "n1 n2", "names of nodes");
}

int
main(void)
{
	seal_init();
	test_voter();
	test_replies();
	return tap_done();
}

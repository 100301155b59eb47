/* SPDX-License-Identifier: ISC */
/* Datagrams of the vote: there and back, foreign, damaged, nonsense. */

#include "vote.h"

#include "tap.h"

static struct vote_keys keys, other;
static uint8_t wire[VOTE_MAX];

static struct reg_value
make_value(void)
{
	struct reg_value v = { .epoch = { 0, 7, 1 }, .primary = 1 };

	(void)reg_member_add(&v, 1, v.epoch);
	(void)reg_voter_set(&v, "n1", 11);
	(void)reg_voter_set(&v, "w1", 13);
	return v;
}

static struct vote_ask
make_ask(enum vote_kind kind)
{
	struct vote_ask a = { .kind = kind, .nonce = 0x1122334455667788,
	    .cluster = "lab", .module = "ledger", .node = 1 };

	if (kind != VOTE_READ)
		a.ballot = (struct epoch){ 0, 7, 1 };
	if (kind == VOTE_ACCEPT)
		a.value = make_value();
	return a;
}

static struct vote_answer
make_answer(void)
{
	struct vote_answer a = { .kind = VOTE_PREPARE, .nonce = 99,
	    .voter = 13, .result = VOTE_REFUSED, .promised = { 0, 8, 2 },
	    .value = make_value() };

	(void)snprintf(a.text, sizeof(a.text), "promised more");
	return a;
}

static void
test_ask(enum vote_kind kind)
{
	struct vote_ask a = make_ask(kind), got;
	char id[SEAL_ID_LEN + 1];
	size_t len = vote_ask_seal(wire, &a, &keys);

	ok(len > VOTE_HEAD_LEN && len <= VOTE_MAX, "%s: %zu bytes",
	    vote_kind_name(kind), len);
	ok(vote_head(id, wire, len) == VOTE_ERROR_NONE &&
	    strcmp(id, keys.id) == 0, "its head names the key");
	is_num(vote_ask_open(&got, wire, len, &keys), VOTE_ERROR_NONE,
	    "it opens");
	ok(got.kind == kind && got.nonce == a.nonce && got.node == 1 &&
	    strcmp(got.cluster, "lab") == 0 &&
	    strcmp(got.module, "ledger") == 0 &&
	    epoch_cmp(got.ballot, a.ballot) == 0 &&
	    reg_value_equal(&got.value, &a.value), "all of it");
}

static void
test_answer(void)
{
	struct vote_answer a = make_answer(), got;
	size_t len = vote_answer_seal(wire, &a, &keys);

	is_num(vote_answer_open(&got, wire, len, &keys), VOTE_ERROR_NONE,
	    "an answer opens");
	ok(got.kind == a.kind && got.nonce == 99 && got.voter == 13 &&
	    got.result == VOTE_REFUSED &&
	    epoch_cmp(got.promised, a.promised) == 0 &&
	    reg_value_equal(&got.value, &a.value) &&
	    strcmp(got.text, "promised more") == 0, "all of it");
	memset(&a.value, 0, sizeof(a.value));
	len = vote_answer_seal(wire, &a, &keys);
	ok(vote_answer_open(&got, wire, len, &keys) == VOTE_ERROR_NONE &&
	    reg_value_is_none(&got.value), "one of an empty voter, too");
}

static void
test_foreign(void)
{
	struct vote_ask a = make_ask(VOTE_ACCEPT), got;
	struct vote_answer answer;
	char id[SEAL_ID_LEN + 1];
	size_t len = vote_ask_seal(wire, &a, &keys), i;
	unsigned opened = 0;

	is_num(vote_ask_open(&got, wire, len, &other), VOTE_ERROR_KEY,
	    "another cluster's key does not open it");
	is_num(vote_answer_open(&answer, wire, len, &keys), VOTE_ERROR_KEY,
	    "what is reflected does not open");
	for (i = 0; i < len; i++) {
		wire[i] ^= 0x10;
		opened += vote_ask_open(&got, wire, len, &keys) ==
		    VOTE_ERROR_NONE;
		opened += vote_ask_open(&got, wire, i, &keys) ==
		    VOTE_ERROR_NONE;
		wire[i] ^= 0x10;
	}
	is_num(opened, 0, "no damaged or shorter one opens");
	wire[3] = '2';
	is_num(vote_head(id, wire, len), VOTE_ERROR_VERSION,
	    "another version is told apart");
	is_num(vote_head(id, "hello, world", 12), VOTE_ERROR_FOREIGN,
	    "another protocol, too");
	is_num(vote_head(id, "HF", 2), VOTE_ERROR_FOREIGN, "and two bytes");
}

/* What the key holder must not say. */
static void
test_nonsense(void)
{
	struct vote_ask a = make_ask(VOTE_ACCEPT);
	struct vote_answer r = make_answer();

	a.value.epoch.n++;
	ok(vote_ask_seal(wire, &a, &keys) == 0,
	    "a value of another ballot is not sent");
	a = make_ask(VOTE_PREPARE);
	a.ballot.node = 2;
	ok(vote_ask_seal(wire, &a, &keys) == 0,
	    "nor a ballot of another node");
	a = make_ask(VOTE_PREPARE);
	a.value = make_value();
	ok(vote_ask_seal(wire, &a, &keys) == 0, "nor prepare with a value");
	a = make_ask(VOTE_READ);
	a.ballot.n = 1;
	ok(vote_ask_seal(wire, &a, &keys) == 0, "nor read with a ballot");
	a = make_ask(VOTE_READ);
	(void)snprintf(a.module, sizeof(a.module), "../x");
	ok(vote_ask_seal(wire, &a, &keys) == 0, "nor a path as a module");
	a = make_ask(VOTE_READ);
	(void)snprintf(a.cluster, sizeof(a.cluster), "a/b");
	ok(vote_ask_seal(wire, &a, &keys) == 0, "nor one as a cluster");
	r.promised.n = 6;
	ok(vote_answer_seal(wire, &r, &keys) == 0,
	    "nor accepted above promised");
	r = make_answer();
	r.voter = 0;
	ok(vote_answer_seal(wire, &r, &keys) == 0, "nor voter 0");
	r = make_answer();
	r.text[0] = '\n';
	ok(vote_answer_seal(wire, &r, &keys) == 0,
	    "nor text with control characters");
}

static void
test_largest(void)
{
	struct vote_ask a = make_ask(VOTE_READ), got;
	char name[CLUSTER_NAME_LEN];
	unsigned i;

	memset(a.cluster, 'c', sizeof(a.cluster) - 1);
	memset(a.module, 'm', sizeof(a.module) - 1);
	a.kind = VOTE_ACCEPT;
	a.ballot = (struct epoch){ UINT32_MAX, UINT64_MAX, 1 };
	a.value.epoch = a.ballot;
	a.value.primary = 1;
	memset(a.value.who, 'w', sizeof(a.value.who) - 1);
	for (i = 1; i <= REG_MEMBER_MAX; i++)
		(void)reg_member_add(&a.value, (uint8_t)i, a.ballot);
	for (i = 0; i < REG_VOTER_MAX; i++) {
		memset(name, 'a' + (int)i, sizeof(name) - 1);
		name[sizeof(name) - 1] = '\0';
		(void)reg_voter_set(&a.value, name, i);
	}
	ok(vote_ask_open(&got, wire, vote_ask_seal(wire, &a, &keys), &keys) ==
	    VOTE_ERROR_NONE && reg_value_equal(&a.value, &got.value),
	    "the largest ask travels");
}

int
main(void)
{
	struct cluster_key k = { .id = "0123abcd" };

	seal_init();
	vote_keys_derive(&keys, &k, "lab");
	vote_keys_derive(&other, &k, "lab2");
	test_ask(VOTE_READ);
	test_ask(VOTE_PREPARE);
	test_ask(VOTE_ACCEPT);
	test_answer();
	test_foreign();
	test_nonsense();
	test_largest();
	return tap_done();
}

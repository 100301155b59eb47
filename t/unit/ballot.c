/* SPDX-License-Identifier: ISC */
/* L1 and L2: what a voter promises, accepts and refuses. */

#include "../../bin/witnessd/ballot.h"

#include "tap.h"

static struct ballot b;
static enum vote_result result;

static struct epoch
at(uint64_t n, uint8_t node)
{
	return (struct epoch){ 0, n, node };
}

static struct reg_value
value(struct epoch e)
{
	struct reg_value v = { .epoch = e, .primary = e.node };

	(void)reg_member_add(&v, e.node, e);
	return v;
}

/* Asks, and takes what is to be stored; true when there is something. */
static bool
ask(enum vote_kind kind, struct epoch ballot, const struct reg_value *v)
{
	struct vote_ask a = { .kind = kind, .ballot = ballot,
	    .node = ballot.node };
	struct ballot next;
	bool is_new;

	if (v != NULL)
		a.value = *v;
	is_new = ballot_ask(&b, &a, &next, &result);
	if (!is_new)
		ok(epoch_cmp(next.promised, b.promised) == 0 &&
		    (reg_value_is_none(&next.value) ==
		    reg_value_is_none(&b.value)), "nothing new is nothing "
		    "other");
	b = next;
	return is_new;
}

int
main(void)
{
	struct reg_value v7 = value(at(7, 1)), v9 = value(at(9, 2)), other;

	ok(!ask(VOTE_READ, at(0, 0), NULL) && result == VOTE_OK,
	    "an empty voter is read, nothing to store");
	ok(ask(VOTE_PREPARE, at(7, 1), NULL) && result == VOTE_OK &&
	    b.promised.n == 7, "prepare: promised");
	ok(!ask(VOTE_PREPARE, at(7, 1), NULL) && result == VOTE_OK,
	    "the same twice: promised, not stored again");
	ok(!ask(VOTE_PREPARE, at(6, 2), NULL) && result == VOTE_REFUSED &&
	    b.promised.n == 7, "a lower one is refused");
	ok(!ask(VOTE_PREPARE, at(7, 0), NULL) && result == VOTE_REFUSED,
	    "the same round of a lower node is lower");
	ok(ask(VOTE_ACCEPT, at(7, 1), &v7) && result == VOTE_OK &&
	    reg_value_equal(&b.value, &v7), "accept: accepted");
	ok(!ask(VOTE_ACCEPT, at(7, 1), &v7) && result == VOTE_OK,
	    "the same twice: accepted, not stored again");
	other = v7;
	other.forced = true;
	ok(!ask(VOTE_ACCEPT, at(7, 1), &other) && result == VOTE_REFUSED &&
	    reg_value_equal(&b.value, &v7),
	    "another value under the same ballot is refused");
	ok(!ask(VOTE_PREPARE, at(7, 1), NULL) && result == VOTE_OK &&
	    reg_value_equal(&b.value, &v7),
	    "prepare that comes late after its accept changes nothing");
	ok(ask(VOTE_PREPARE, at(8, 2), NULL) && result == VOTE_OK &&
	    reg_value_equal(&b.value, &v7),
	    "a higher promise keeps what was accepted");
	ok(!ask(VOTE_ACCEPT, at(7, 1), &v7) && result == VOTE_REFUSED,
	    "accept below the promise is refused, a repeat of it too");
	ok(ask(VOTE_ACCEPT, at(9, 2), &v9) && result == VOTE_OK &&
	    b.promised.n == 9 && reg_value_equal(&b.value, &v9),
	    "accept above the promise is both");
	ok(!ask(VOTE_READ, at(0, 0), NULL) && result == VOTE_OK &&
	    b.value.epoch.n == 9, "read tells it");
	v7.epoch = (struct epoch){ 1, 1, 1 };
	v7.member[0].since = v7.epoch;
	ok(ask(VOTE_ACCEPT, v7.epoch, &v7) && result == VOTE_OK,
	    "a higher era is higher, whatever its number");
	return tap_done();
}

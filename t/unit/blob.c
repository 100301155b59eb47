/* SPDX-License-Identifier: ISC */
/* Blobs across a network that loses, doubles and reorders. */

#include "../../bin/heartd/blob.h"

#include <stdlib.h>

#include "tap.h"

static uint8_t memory[3][BLOB_MAX];
static uint8_t text[BLOB_MAX + 1];

static struct mono
at(int64_t ms)
{
	struct mono zero = { 1000000000 };

	return mono_add_ms(zero, ms);
}

static void
begin(struct blob_out *o, struct blob_tx *t, struct blob_in *in)
{
	memset(t, 0, sizeof(*t));
	blob_out_init(o, memory[0]);
	blob_in_init(in, memory[1], memory[2]);
}

/* One round; every `lose'th fragment is lost.  True when it got done. */
static bool
round_trip(struct blob_out *o, struct blob_tx *t, struct blob_in *in,
    int64_t ms, unsigned lose)
{
	struct fragset have;
	struct fragment f;
	unsigned index = 0, n = 0;
	bool done = false;

	blob_tx_begin(t, o, at(ms));
	while (blob_tx_next(t, o, &index, &f)) {
		if (lose != 0 && ++n % lose == 0)
			continue;
		if (blob_in_take(in, &f) == BLOB_DONE)
			done = true;
	}
	blob_in_have(in, o->version, &have);
	blob_tx_ack(t, o, o->version, &have);
	return done;
}

static void
test_small(void)
{
	struct blob_out o;
	struct blob_tx t;
	struct blob_in in;
	uint64_t version;

	begin(&o, &t, &in);
	ok(blob_tx_is_done(&t, &o), "nothing published, nothing to send");
	ok(blob_publish(&o, "one", 3, 0xffffffffffu), "published");
	ok(o.version > 0 && o.version <= 0x80000000u, "version is readable");
	ok(!blob_publish(&o, "one", 3, 0), "the same wish is no news");
	ok(blob_tx_is_due(&t, &o, at(0), 200), "due at once");
	blob_tx_begin(&t, &o, at(0));
	ok(!blob_tx_is_due(&t, &o, at(199), 200), "not before the retry");
	ok(blob_tx_is_due(&t, &o, at(200), 200), "then again");
	ok(round_trip(&o, &t, &in, 200, 0), "it arrives");
	ok(in.has && in.len == 3 && memcmp(in.data, "one", 3) == 0,
	    "unchanged");
	ok(blob_tx_is_done(&t, &o), "and is acknowledged");
	version = o.version;
	ok(blob_publish(&o, "two", 3, 0), "a change");
	is_num(o.version, version + 1, "is the next version");
	ok(blob_tx_is_due(&t, &o, at(201), 200), "due at once, not at retry");
	ok(round_trip(&o, &t, &in, 201, 0) &&
	    memcmp(in.data, "two", 3) == 0, "arrives");
	ok(blob_publish(&o, "", 0, 0), "an empty blob");
	ok(round_trip(&o, &t, &in, 202, 0) && in.len == 0 && in.has,
	    "arrives, too");
}

static void
test_large(void)
{
	struct blob_out o;
	struct blob_tx t;
	struct blob_in in;
	unsigned i, rounds;

	for (i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7 + i / 251);
	begin(&o, &t, &in);
	ok(!blob_publish(&o, text, BLOB_MAX + 1, 1), "64 KiB + 1: refused");
	ok(blob_publish(&o, text, BLOB_MAX, 1), "64 KiB");
	is_num(blob_fragments(BLOB_MAX), BLOB_FRAGMENT_MAX, "in 74 parts");
	for (rounds = 1; rounds < 50; rounds++)
		if (round_trip(&o, &t, &in, rounds, 2))
			break;
	ok(rounds < 10, "every second datagram lost: %u rounds", rounds);
	ok(in.has && in.len == BLOB_MAX &&
	    memcmp(in.data, text, BLOB_MAX) == 0, "unchanged");
	ok(blob_tx_is_done(&t, &o), "acknowledged");
}

static void
test_order(void)
{
	struct blob_out o;
	struct blob_tx t;
	struct blob_in in;
	struct fragment f, old[2];
	unsigned index = 0;

	begin(&o, &t, &in);
	(void)blob_publish(&o, text, 1000, 1);
	blob_tx_begin(&t, &o, at(0));
	(void)blob_tx_next(&t, &o, &index, &old[0]);
	(void)blob_tx_next(&t, &o, &index, &old[1]);
	is_num(blob_in_take(&in, &old[1]), BLOB_MORE, "the second part first");
	is_num(blob_in_take(&in, &old[1]), BLOB_MORE, "and doubled");
	(void)blob_publish(&o, text, 1001, 1);
	blob_tx_begin(&t, &o, at(0));
	index = 0;
	(void)blob_tx_next(&t, &o, &index, &f);
	is_num(blob_in_take(&in, &f), BLOB_MORE, "a newer version begins");
	is_num(blob_in_take(&in, &old[0]), BLOB_OLD,
	    "the older one is not mixed into it");
	(void)blob_tx_next(&t, &o, &index, &f);
	is_num(blob_in_take(&in, &f), BLOB_DONE, "complete");
	is_num(blob_in_take(&in, &f), BLOB_KNOWN, "known");
	is_num(blob_in_take(&in, &old[0]), BLOB_OLD, "older");
}

static void
test_lives(void)
{
	struct blob_out o, reborn;
	struct blob_tx t;
	struct blob_in in;
	struct fragset none = { { 0, 0 } }, all = { { ~0ull, ~0ull } };

	begin(&o, &t, &in);
	(void)blob_publish(&o, "first life", 10, 1000);
	(void)round_trip(&o, &t, &in, 0, 0);
	blob_in_restart(&in);
	ok(in.has && in.len == 10, "its text outlives a restart of the peer");
	blob_out_init(&reborn, memory[0]);
	memset(&t, 0, sizeof(t));
	(void)blob_publish(&reborn, "second", 6, 3);
	ok(reborn.version < o.version, "lower version");
	ok(round_trip(&reborn, &t, &in, 0, 0) && in.len == 6,
	    "counts as news in the new life");
	blob_in_forget(&in);
	ok(!in.has, "withdrawn: forgotten");
	blob_withdraw(&reborn);
	ok(blob_tx_is_done(&t, &reborn), "nothing to send");
	ok(blob_publish(&reborn, "second", 6, 3),
	    "the same text after a withdrawal is news");
	blob_tx_ack(&t, &reborn, 12345, &all);
	ok(!blob_tx_is_done(&t, &reborn), "another version's ack is nothing");
	blob_tx_begin(&t, &reborn, at(0));
	blob_tx_ack(&t, &reborn, reborn.version, &none);
	ok(!blob_tx_is_done(&t, &reborn), "an empty ack is not complete");
}

static void
test_lies(void)
{
	static const uint8_t data[BLOB_FRAGMENT];
	struct blob_out o;
	struct blob_tx t;
	struct blob_in in;
	struct fragment f = { 1, 10, 0, data, 10 };

	begin(&o, &t, &in);
	f.version = 0;
	is_num(blob_in_take(&in, &f), BLOB_BAD, "version 0");
	f.version = 1;
	f.len = 9;
	is_num(blob_in_take(&in, &f), BLOB_BAD, "shorter than it says");
	f.len = 10;
	f.index = 1;
	is_num(blob_in_take(&in, &f), BLOB_BAD, "a part past the end");
	f.index = 0;
	f.total = BLOB_MAX + 1;
	f.len = BLOB_FRAGMENT;
	is_num(blob_in_take(&in, &f), BLOB_BAD, "more than 64 KiB");
	f.total = 2 * BLOB_FRAGMENT;
	is_num(blob_in_take(&in, &f), BLOB_MORE, "a sound one");
	f.total = 3 * BLOB_FRAGMENT;
	is_num(blob_in_take(&in, &f), BLOB_BAD, "another size midway");
}

int
main(void)
{
	test_small();
	test_large();
	test_order();
	test_lives();
	test_lies();
	return tap_done();
}

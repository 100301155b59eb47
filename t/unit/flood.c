/* SPDX-License-Identifier: ISC */
/* Probes of a vmac: heard, not heard, heard again. */
#include "../../bin/farmd/delivery.h"
#include "../../bin/farmd/flood.h"

#include "tap.h"

static struct mono
at(int64_t ms)
{
	return (struct mono){ ms * 1000000 + 1 };
}

static void
test_mine(void)
{
	struct flood f = { 0 };

	is_num(flood_mine(&f, 1, at(0)), FLOOD_GOOD, "alone: nothing is lost");
	flood_expect(&f, 1 << 1 | 1 << 2, at(100));
	is_num(flood_mine(&f, 1, at(200)), FLOOD_UNKNOWN, "just begun");
	is_num(flood_mine(&f, 1, at(3099)), FLOOD_UNKNOWN, "not yet 3 s");
	is_num(flood_mine(&f, 1, at(3100)), FLOOD_BAD, "nobody for 3 s");
	flood_hear(&f, 0, 2, at(3200));
	is_num(flood_mine(&f, 1, at(3200)), FLOOD_GOOD, "one is enough");
	is_num(flood_mine(&f, 3, at(3200)), FLOOD_BAD,
	    "but of every address");
	is_num(flood_mine(&f, 1, at(6200)), FLOOD_BAD, "silent since 3 s");
	flood_hear(&f, 0, 7, at(6300));
	is_num(flood_mine(&f, 1, at(6300)), FLOOD_BAD,
	    "a node that is not expected does not count");
	flood_expect(&f, 0, at(6400));
	is_num(flood_mine(&f, 1, at(6400)), FLOOD_GOOD, "alone again");
	flood_expect(&f, 1 << 1, at(7000));
	is_num(flood_mine(&f, 1, at(9900)), FLOOD_UNKNOWN,
	    "a new sibling gets its 3 s");
}

static void
test_next(void)
{
	struct flood f = { 0 };

	ok(!mono_is_set(flood_next(&f, 1, at(0))), "alone: nothing due");
	flood_expect(&f, 1 << 1, at(100));
	is_num(mono_diff_ms(flood_next(&f, 1, at(200)), at(0)), 3100,
	    "the end of the first wait");
	flood_hear(&f, 0, 1, at(1000));
	is_num(mono_diff_ms(flood_next(&f, 1, at(3200)), at(0)), 4000,
	    "the silence after the last");
	ok(!mono_is_set(flood_next(&f, 1, at(5000))), "all told");
}

static void
test_conclude(void)
{
	struct flood f = { 0 };

	ok(!flood_conclude(&f, false, false, at(0)), "not proven: director");
	ok(flood_conclude(&f, false, true, at(100)), "all good: vmac");
	ok(flood_conclude(&f, false, false, at(200)),
	    "a newcomer that does not know yet changes nothing");
	ok(!flood_conclude(&f, true, false, at(300)), "one bad: director");
	ok(!flood_conclude(&f, false, true, at(1000)), "good again: wait");
	is_num(mono_diff_ms(flood_next(&f, 1, at(1000)), at(0)), 30300,
	    "and look then");
	ok(!flood_conclude(&f, false, true, at(30299)), "not yet 30 s");
	ok(flood_conclude(&f, false, true, at(30300)), "30 s good: vmac");
	ok(!flood_conclude(&f, true, true, at(30400)), "and bad once more");
}

static void
test_frames(void)
{
	struct filter_mac vmac = { { 0x5a, 0xfe, 10, 88, 1, 100 } };
	struct filter_mac mine = { { 2, 0, 0, 0, 0, 1 } };
	struct delivery_frame in = { 513, 7, 3 }, out = { 0 };
	uint8_t frame[DELIVERY_FRAME_LEN];

	delivery_pack(frame, &in, &vmac, &mine);
	ok(delivery_parse(&out, frame, sizeof(frame), &vmac) == 0 &&
	    out.module == 513 && out.node == 7 && out.addr == 3,
	    "a probe comes back");
	ok(memcmp(frame + 6, mine.byte, 6) == 0,
	    "its source is never the virtual MAC");
	ok(delivery_parse(&out, frame, sizeof(frame), &mine) == -1,
	    "of another MAC");
	ok(delivery_parse(&out, frame, 20, &vmac) == -1, "cut short");
	frame[14] ^= 1;
	ok(delivery_parse(&out, frame, sizeof(frame), &vmac) == -1,
	    "no probe of ours");
}

int
main(void)
{
	test_mine();
	test_next();
	test_conclude();
	test_frames();
	return tap_done();
}

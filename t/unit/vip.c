/* SPDX-License-Identifier: ISC */
/* vipd's plan for one address, played with a clock of our own. */

#include "../../bin/vipd/vip.h"

#include "tap.h"

static struct mono now = { 1000000000000LL };

static void
pass_ms(int64_t ms)
{
	now = mono_add_ms(now, ms);
}

/* Carries out what is planned, all of it good; the bits. */
static unsigned
step(struct vip *v)
{
	unsigned done = 0;

	for (unsigned a = VA_RESET; a <= VA_ANNOUNCE; a <<= 1)
		if (vip_plan(v, now) & a) {
			vip_did(v, a, true, now);
			done |= a;
		}
	return done;
}

static void
test_takeover(void)
{
	struct vip v = { .timing.tcpreset = true };
	unsigned announced = 1;

	vip_want(&v, true);
	is_num(vip_plan(&v, now), 0, "nothing without its owner's link");
	v.owner_is_up = true;
	is_num(step(&v), VA_ADD | VA_ANNOUNCE, "set and announced at once");
	for (int i = 0; i < 600; i++) {
		pass_ms(10);
		announced += (step(&v) & VA_ANNOUNCE) != 0;
	}
	is_num(announced, 8, "announced 8 times in all, then silence");
	pass_ms(1001);
	ok(step(&v) & VA_RENEW, "lifetime renewed every second");
	v.owner_is_up = false;
	pass_ms(5000);
	is_num(step(&v), 0, "no renewal without the owner");
	vip_seen(&v, false, now);
	is_num(step(&v), 0, "and it is not set again");
	v.owner_is_up = true;
	vip_want(&v, true);
	is_num(step(&v), VA_ADD | VA_ANNOUNCE, "until the owner is back");
}

static void
test_leave(void)
{
	struct vip v = { .timing.tcpreset = true, .owner_is_up = true };

	vip_want(&v, true);
	(void)step(&v);
	vip_want(&v, false);
	is_num(step(&v), VA_RESET | VA_REMOVE, "connections first, then it");
	is_num(step(&v), 0, "once");
	ok(!mono_is_set(vip_next(&v)), "no timer for nothing");
	vip_want(&v, true);
	(void)step(&v);
	vip_want(&v, false);
	vip_did(&v, VA_RESET, true, now);
	vip_did(&v, VA_REMOVE, false, now);
	is_num(vip_plan(&v, now), 0, "a refused removal waits");
	ok(mono_diff_ms(vip_next(&v), now) > 0, "and not in a busy loop");
	pass_ms(1000);
	is_num(vip_plan(&v, now), VA_REMOVE, "then it is tried again");
}

static void
test_leftover(void)
{
	struct vip v = { .timing.tcpreset = true };

	vip_found(&v, now);
	is_num(vip_plan(&v, now), 0, "a leftover waits for its owner");
	pass_ms(1000);
	v.owner_is_up = true;
	vip_want(&v, true);
	ok((vip_plan(&v, now) & (VA_ADD | VA_REMOVE)) == 0 &&
	    (vip_plan(&v, now) & VA_RENEW), "the owner's is only renewed");

	v = (struct vip){ .timing.tcpreset = true };
	vip_found(&v, now);
	pass_ms(4001);
	is_num(step(&v), VA_RESET | VA_REMOVE, "nobody's is removed");
}

static void
test_lost(void)
{
	struct vip v = { .owner_is_up = true };

	vip_want(&v, true);
	(void)step(&v);
	vip_seen(&v, false, now);
	ok(vip_plan(&v, now) & VA_ADD, "deleted by hand: set again at once");
	vip_did(&v, VA_ADD, false, now);
	is_num(vip_plan(&v, now), 0, "refused: not in a busy loop");
	ok(mono_diff_ms(vip_next(&v), now) > 0, "but later");
	pass_ms(1000);
	(void)step(&v);
	pass_ms(60000);
	(void)step(&v);
	vip_doubt(&v, now);
	ok(vip_plan(&v, now) & VA_ANNOUNCE, "doubt: announced anew");
}

static void
test_periodic(void)
{
	struct vip v = { .owner_is_up = true, .timing = { .periodic = true,
	    .interval_s = 60, .elapse_s = 600 } };
	int count = 0;

	vip_want(&v, true);
	for (int i = 0; i < 1200; i++) {
		count += (step(&v) & VA_ANNOUNCE) != 0;
		pass_ms(1000);
	}
	ok(count >= 5 + 9 && count <= 8 + 10, "periodic for its time: %d",
	    count);
}

static void
test_held(void)
{
	struct vip v = { .timing = { .silent = true, .tcpreset = true },
	    .owner_is_up = true };

	vip_want(&v, true);
	is_num(step(&v), VA_ADD, "held: set, and the network is not told");
	vip_doubt(&v, now);
	is_num(step(&v), 0, "not in doubt either");
	vip_want(&v, false);
	is_num(step(&v), VA_RESET | VA_REMOVE, "connections end with it");
}

static void
test_answered(void)
{
	struct vip v = { .timing.lifetime_ms = 10000, .owner_is_up = true };
	int renewals = 0;

	vip_want(&v, true);
	(void)step(&v);
	vip_want_form(&v, VF_ANSWER);
	is_num(step(&v), VA_REMOVE | VA_ADD | VA_ANNOUNCE,
	    "to be answered: off the link, announced anew");
	ok(v.form == VF_ANSWER, "and answered it is");
	vip_seen(&v, false, now);
	ok(v.present, "the kernel has no say in it");
	for (int i = 0; i < 30; i++) {
		pass_ms(1000);
		renewals += (step(&v) & VA_RENEW) != 0;
	}
	ok(renewals >= 29 && v.present, "renewed it stays");
	v.owner_is_up = false;
	pass_ms(9000);
	is_num(step(&v), 0, "without its owner for a while");
	ok(mono_diff_ms(vip_next(&v), now) <= 1000, "and no longer");
	pass_ms(1000);
	is_num(step(&v), VA_REMOVE, "then it ends, as in the kernel");
	is_num(step(&v), 0, "and stays ended");
	v.owner_is_up = true;
	vip_want(&v, true);
	is_num(step(&v), VA_ADD | VA_ANNOUNCE, "until the owner is back");
	vip_want_form(&v, VF_KERNEL);
	is_num(step(&v), VA_REMOVE | VA_ADD | VA_ANNOUNCE, "and back again");
	ok(v.form == VF_KERNEL, "to the link");
	vip_want_form(&v, VF_ANSWER);
	vip_did(&v, VA_REMOVE, false, now);
	is_num(vip_plan(&v, now), 0, "refused: not in a busy loop");
	pass_ms(1000);
	is_num(vip_plan(&v, now), VA_REMOVE, "but tried again");
}

int
main(void)
{
	test_held();
	test_answered();
	test_takeover();
	test_leave();
	test_leftover();
	test_lost();
	test_periodic();
	return tap_done();
}

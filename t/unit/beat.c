/* SPDX-License-Identifier: ISC */
/* Timeouts, loss, own lateness, lease: time is played by hand. */

#include "../../bin/heartd/beat.h"

#include "tap.h"

#define T 2000

static struct mono
at(int64_t ms)
{
	struct mono zero = { 1000000000 };

	return mono_add_ms(zero, ms);
}

struct play {
	struct beat		b;
	struct ear		e;
	struct beat_change	c;
};

static void
begin(struct play *p, unsigned lans)
{
	memset(p, 0, sizeof(*p));
	beat_init(&p->b, T, lans, at(0));
}

static bool
update(struct play *p, int64_t ms)
{
	return beat_update(&p->b, &p->e, at(ms), &p->c);
}

static void
test_first(void)
{
	struct play p;

	begin(&p, 3);
	ok(!update(&p, 100), "nothing heard, nothing to say yet");
	is_num(p.b.peer, BEAT_UNKNOWN, "the peer is unknown");
	ok(!update(&p, T), "still unknown at the timeout");
	ok(update(&p, T + 1), "past it, it is down");
	is_num(p.c.lans, 3, "on both networks");
	ok(p.c.peer && p.b.peer == BEAT_DOWN, "and so is the peer");
	ok(!p.c.loss, "a peer never heard is no loss");
	p.e.heard[1] = at(3000);
	ok(update(&p, 3000), "a datagram on lan2 changes it");
	is_num(p.c.lans, 2, "on that network only");
	is_num(p.b.peer, BEAT_UP, "the peer is up");
	is_num(p.b.lan[0], BEAT_DOWN, "lan1 stays down");
}

static void
test_loss(void)
{
	struct play p;
	struct mono due;

	begin(&p, 3);
	p.e.heard[0] = p.e.heard[1] = at(100);
	(void)update(&p, 100);
	p.e.heard[1] = at(500);
	(void)update(&p, 500);
	ok(!update(&p, 500 + 1200), "D not yet over");
	due = beat_deadline(&p.b, &p.e);
	ok(mono_diff_ns(due, at(1700)) == 1, "the timer is set to D");
	ok(beat_update(&p.b, &p.e, due, &p.c) && p.c.loss && p.b.is_lost,
	    "silent on all networks for D: loss");
	is_num(p.c.silence_ms, 1200, "with the silence");
	ok(update(&p, 2101) && p.c.lans == 1 && !p.c.peer,
	    "lan1 goes down first");
	ok(!update(&p, 2200), "loss is told once");
	p.e.heard[0] = at(2300);
	ok(update(&p, 2300) && p.c.loss && !p.b.is_lost,
	    "a pulse on either network ends it");
}

static void
test_one_lan_is_no_loss(void)
{
	struct play p;
	int64_t ms;
	bool told = false;

	begin(&p, 3);
	p.e.heard[0] = p.e.heard[1] = at(100);
	(void)update(&p, 100);
	for (ms = 300; ms < 10000; ms += 200) {
		p.e.heard[1] = at(ms);
		if (update(&p, ms) && (p.c.peer || p.c.loss))
			told = true;
	}
	ok(!told, "one dead network of two is neither loss nor death");
	is_num(p.b.lan[0], BEAT_DOWN, "but it is known to be down");
}

static void
test_down_then_back(void)
{
	struct play p;

	begin(&p, 1);
	p.e.heard[0] = at(100);
	(void)update(&p, 100);
	ok(update(&p, 2101) && p.c.peer && p.c.loss && p.b.is_lost,
	    "death includes loss, even when seen at once");
	ok(!mono_is_set(beat_deadline(&p.b, &p.e)),
	    "nothing more to wait for");
	p.e.heard[0] = at(9000);
	ok(update(&p, 9000) && p.b.peer == BEAT_UP && !p.b.is_lost &&
	    p.c.loss, "one datagram brings it back and ends the loss");
}

static void
test_void(void)
{
	struct play p;

	begin(&p, 1);
	p.e.heard[0] = at(100);
	(void)update(&p, 100);
	/* This process stood still from 150 to 3150. */
	beat_void(&p.b, at(3150));
	ok(update(&p, 3150) && p.b.peer == BEAT_UNKNOWN && !p.c.loss,
	    "own lateness: unknown, not down");
	p.e.heard[0] = at(3140);
	ok(!update(&p, 3150), "what came during the gap does not count");
	(void)update(&p, 5150);
	ok(p.b.peer == BEAT_UNKNOWN && p.b.is_lost,
	    "it listens T before it says more than loss");
	ok(update(&p, 5151) && p.b.peer == BEAT_DOWN, "then it may say down");
	begin(&p, 1);
	p.e.heard[0] = at(100);
	(void)update(&p, 100);
	beat_void(&p.b, at(3150));
	(void)update(&p, 3150);
	p.e.heard[0] = at(3200);
	ok(update(&p, 3200) && p.b.peer == BEAT_UP && !p.c.loss,
	    "a datagram after the gap is proof enough of life");
}

static void
test_lans_change(void)
{
	struct play p;

	begin(&p, 3);
	p.e.heard[0] = at(100);
	(void)update(&p, 100);
	(void)update(&p, 2050);
	beat_set(&p.b, T, T * 6 / 10, 2);
	(void)update(&p, 2060);
	is_num(p.b.peer, BEAT_DOWN, "only the module's networks count");
	beat_set(&p.b, T, T * 6 / 10, 0);
	(void)update(&p, 9000);
	is_num(p.b.peer, BEAT_UNKNOWN, "no common network: nothing to say");
	ok(!mono_is_set(beat_deadline(&p.b, &p.e)), "and nothing to wait for");
}

static void
test_a_day(void)
{
	struct play p;
	int64_t ms;
	unsigned changes = 0;

	begin(&p, 3);
	for (ms = 200; ms < 24 * 3600 * 1000; ms += 200) {
		p.e.heard[0] = p.e.heard[1] = at(ms);
		changes += update(&p, ms);
	}
	is_num(changes, 1, "a day of pulses is one change: up");
}

static void
test_wake(void)
{
	struct wake w = { { 0 }, 0 };
	struct mono never = { 0 };

	is_num(wake_up(&w, never, at(0)), 0, "the first wake-up is no gap");
	is_num(wake_up(&w, at(200), at(201)), 201, "gap since the last one");
	is_num(w.late_max_ms, 1, "late by 1 ms");
	is_num(wake_up(&w, at(400), at(3201)), 3000, "a stop shows as a gap");
	is_num(w.late_max_ms, 2801, "and in the maximum");
}

static void
test_lease(void)
{
	struct sent s;
	uint64_t n, first;
	unsigned i;

	memset(&s, 0, sizeof(s));
	first = sent_next(&s, at(0));
	is_num(first, 1, "pulses are counted from 1");
	n = sent_next(&s, at(200));
	ok(mono_diff_ms(sent_at(&s, n), at(200)) == 0, "send times are kept");
	ok(!mono_is_set(sent_at(&s, 0)), "number 0 was never sent");
	ok(!mono_is_set(sent_at(&s, n + 1)), "nor one of the future");
	for (i = 0; i < SENT_RING; i++)
		(void)sent_next(&s, at(400));
	ok(!mono_is_set(sent_at(&s, n)), "too long ago is never");
	ok(mono_is_set(sent_at(&s, n + 1)), "the ring holds 256");
	is_num(mono_diff_ms(lease_until(at(200), T), at(0)), 2200,
	    "L6: send time + T");
	is_num(mono_diff_ms(grant_until(at(0), 1000), at(0)), 1110,
	    "L7: T 1000: 1110 ms");
	is_num(mono_diff_ms(grant_until(at(0), 100), at(0)), 111,
	    "L7: T 100: 111 ms");
	ok(mono_diff_ms(grant_until(at(0), 30), at(0)) >= 36,
	    "L7: T 30: G is at least 5 ms, drift rounded up");
	is_num(beat_loss_ms(2000), 1200, "D is 0.6 T");
}

int
main(void)
{
	test_first();
	test_loss();
	test_one_lan_is_no_loss();
	test_down_then_back();
	test_void();
	test_lans_change();
	test_a_day();
	test_wake();
	test_lease();
	return tap_done();
}

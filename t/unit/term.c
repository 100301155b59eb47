/* SPDX-License-Identifier: ISC */
/* Leases of addresses, played with a clock of our own. */

#include "../../bin/vipd/term.h"

#include "tap.h"

static struct mono now = { 1000000000000LL };

static struct mono
after_ms(int64_t ms)
{
	return mono_add_ms(now, ms);
}

/* What is planned is carried out. */
static enum term_act
step(struct term *t)
{
	enum term_act act = term_plan(t, now);

	term_did(t, act);
	return act;
}

static void
test_unleased(void)
{
	struct term t = { .is_leased = false };

	term_say(&t, after_ms(100), now);
	is_num(step(&t), TA_NONE, "no lease is needed: nothing to do");
	ok(!term_is_over(&t, after_ms(1000)), "and it is never over");
	ok(!mono_is_set(term_next(&t, now)), "nor due");
}

static void
test_pulses(int64_t lease_ms, int64_t pulse_ms)
{
	struct term t = { .is_leased = true };
	unsigned renewals = 0, gaps = 0;

	ok(term_is_over(&t, now), "over before it was said to run");
	is_num(step(&t), TA_NONE, "and the kernel has nothing");
	for (int64_t ms = 0; ms < 10 * lease_ms; ms += pulse_ms) {
		term_say(&t, after_ms(lease_ms), now);
		renewals += step(&t) == TA_RENEW;
		gaps += mono_diff_ns(t.in_kernel, now) < 0 ||
		    mono_diff_ns(t.in_kernel, t.until) > 0;
		now = after_ms(pulse_ms);
	}
	is_num(gaps, 0, "the kernel never ends it early, nor has it late");
	ok(renewals >= 10 && renewals <= 25,
	    "about two transactions a lease: %u in ten", renewals);
}

static void
test_silence(void)
{
	struct term t = { .is_leased = true };
	struct mono last;
	int rounds = 0;

	term_say(&t, after_ms(1000), now);
	(void)step(&t);
	now = after_ms(300);
	term_say(&t, after_ms(1000), now);
	last = after_ms(1000);
	is_num(step(&t), TA_NONE, "more than half is left: not yet");
	while (mono_is_set(term_next(&t, now)) && rounds++ < 10) {
		now = term_next(&t, now);
		if (!mono_passed(last, now))
			(void)step(&t);
	}
	is_num(mono_diff_ns(t.in_kernel, last), 0,
	    "in silence the kernel has its last words in time");
	ok(rounds < 4 && term_is_over(&t, now), "and then it is over");
	is_num(step(&t), TA_END, "said once, for a suspended machine's sake");
	is_num(step(&t), TA_NONE, "once only");
}

static void
test_cut_short(void)
{
	struct term t = { .is_leased = true };

	term_say(&t, after_ms(1000), now);
	(void)step(&t);
	term_say(&t, after_ms(100), now);
	is_num(step(&t), TA_RENEW, "a shorter lease is told at once");
	term_say(&t, (struct mono){ 0 }, now);
	ok(term_is_over(&t, now), "none is over");
	is_num(step(&t), TA_END, "and told at once");
	term_say(&t, after_ms(1000), now);
	is_num(step(&t), TA_RENEW, "and a new one");
	term_lost(&t);
	is_num(step(&t), TA_RENEW, "what the kernel lost is told again");
}

int
main(void)
{
	test_unleased();
	test_pulses(2000, 200);
	test_pulses(30, 3);
	test_silence();
	test_cut_short();
	return tap_done();
}

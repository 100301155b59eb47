/* SPDX-License-Identifier: ISC */
/* A node that comes and goes is held down, longer each time. */
#include <string.h>

#include "../../bin/moduled/flap.h"
#include "tap.h"

#define MINUTE	60000

static struct flap f;
static struct mono now = { 1000000000 };

static bool
leave_after(int64_t ms)
{
	now = mono_add_ms(now, ms);
	return flap_left(&f, now);
}

static int64_t
held_ms(void)
{
	return flap_is_held(&f, now) ? mono_diff_ms(f.until, now) : 0;
}

int
main(void)
{
	int64_t want = FLAP_FIRST_MS;

	for (int i = 0; i < FLAP_FREE; i++)
		ok(!leave_after(MINUTE), "leaving %d times is free", i + 1);
	ok(leave_after(MINUTE), "one more is held");
	is_num(held_ms(), FLAP_FIRST_MS, "for a while");
	is_num(flap_count(&f, now), FLAP_FREE + 1, "so often it left");
	for (int i = 0; i < 8; i++) {
		want = 2 * want < FLAP_MAX_MS ? 2 * want : FLAP_MAX_MS;
		(void)leave_after(10000);
		is_num(held_ms(), want, "each time longer: %lld s",
		    (long long)want / 1000);
	}
	now = mono_add_ms(now, FLAP_MAX_MS);
	ok(!flap_is_held(&f, now), "it ends by itself");
	for (int i = 0; i < FLAP_FREE; i++)
		(void)leave_after(MINUTE);
	ok(leave_after(MINUTE) && held_ms() == FLAP_MAX_MS,
	    "the same day it is remembered");
	now = mono_add_ms(now, FLAP_MAX_MS + FLAP_FORGET_MS + 1);
	for (int i = 0; i < FLAP_FREE; i++)
		ok(!leave_after(1000), "a day later it is free again");
	ok(leave_after(1000) && held_ms() == FLAP_FIRST_MS,
	    "and begins anew");
	flap_clear(&f);
	ok(!flap_is_held(&f, now) && flap_count(&f, now) == 0,
	    "a word of the operator forgets all");
	/* Once in three minutes is no flapping, however long it goes on. */
	for (int i = 0; i < 100 && !leave_after(3 * MINUTE); i++)
		;
	ok(!flap_is_held(&f, now), "leaving each three minutes is no flapping");
	return tap_done();
}

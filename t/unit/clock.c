/* SPDX-License-Identifier: ISC */
/* Time that goes one way, and a wall stamp turned into it. */

#include "../../libcommon/clock.h"

#include "tap.h"

int
main(void)
{
	struct mono a = mono_now(), b = mono_now(), t;
	struct mono never = { 0 };
	struct timespec wall;

	ok(mono_is_set(a) && mono_diff_ns(b, a) >= 0, "time goes on");
	is_num(mono_diff_ms(mono_add_ms(a, 1500), a), 1500, "1.5 s later");
	is_num(mono_diff_ms(a, mono_add_ms(a, 1500)), -1500, "earlier");
	ok(!mono_passed(never, a), "never does not pass");
	ok(mono_passed(a, a), "a deadline passes at its time");
	ok(!mono_passed(mono_add_ms(a, 1000), a), "and not before");

	(void)timespec_get(&wall, TIME_UTC);
	t = mono_of_wall(&wall);
	ok(mono_diff_ms(mono_now(), t) < 500 && mono_diff_ms(t, a) > -500,
	    "a wall stamp of now is now");
	wall.tv_sec -= 10;
	ok(mono_diff_ms(t, mono_of_wall(&wall)) >= 9500,
	    "one of 10 s ago is 10 s ago");
	return tap_done();
}

/* SPDX-License-Identifier: ISC */
/* What is logged of something that goes on without end. */
#include "clock.h"
#include "log.h"
#include "tap.h"

static struct log_limit
aged(int64_t age_ms, int64_t window_ms, unsigned swallowed)
{
	return (struct log_limit){ .start_ns = mono_now().ns -
	    age_ms * 1000000, .window_ms = window_ms, .seen = 3,
	    .swallowed = swallowed };
}

int
main(void)
{
	struct log_limit l = { 0 };

	ok(log_limit_ok(&l, 2) && log_limit_ok(&l, 2), "the first two");
	ok(!log_limit_ok(&l, 2), "not the third");
	is_num(l.swallowed, 1, "which is counted");
	is_num(l.window_ms, 10000, "for ten seconds");
	l = aged(9000, 10000, 7);
	ok(!log_limit_ok(&l, 3), "nothing before the window is over");
	l = aged(11000, 10000, 7);
	ok(log_limit_ok(&l, 3), "one after it");
	is_num(l.window_ms, 20000, "and the next window is longer");
	l = aged(1000000, 600000, 7);
	ok(log_limit_ok(&l, 3), "it still goes on");
	is_num(l.window_ms, 600000, "ten minutes at most");
	l = aged(2000000, 600000, 7);
	ok(log_limit_ok(&l, 3), "after a pause");
	is_num(l.window_ms, 10000, "it is news again");
	l = aged(11000, 10000, 0);
	ok(log_limit_ok(&l, 3), "what was let through all the time");
	is_num(l.window_ms, 10000, "does not get rarer");
	return tap_done();
}

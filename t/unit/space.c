/* SPDX-License-Identifier: ISC */
/* When a filesystem is foreseen to be full: days of samples by hand. */
#include <math.h>

#include "space.h"
#include "tap.h"

#define HOUR	3600
#define DAY	(24 * HOUR)
#define GIB	(1024.0 * 1024 * 1024)

static struct space_window w;
static int64_t now;

static void
fresh(void)
{
	space_forget(&w);
	now = 1700000000;
}

/* Goes on for `seconds', used being a function of the time since then. */
static void
pass(int64_t seconds, double (*used)(double t))
{
	int64_t begin = now;

	for (; now < begin + seconds; now += 60)
		(void)space_add(&w, now, (uint64_t)used((double)(now -
		    begin)));
}

static double
linear(double t)
{
	return 10 * GIB + t * GIB / DAY;	/* a GiB a day */
}

static double
fast(double t)
{
	return 10 * GIB + t * 5 * GIB / HOUR;
}

static double
flat(double t)
{
	(void)t;
	return 12 * GIB;
}

/* Two GiB a day, and each night they go. */
static double
sawtooth(double t)
{
	return 10 * GIB + fmod(t, DAY) * 2 * GIB / DAY;
}

static double
one_big_file(double t)
{
	return t < DAY ? 10 * GIB : 14 * GIB;
}

static double
shrinking(double t)
{
	return 20 * GIB - t * GIB / DAY;
}

static double
noisy(double t)
{
	return linear(t) + sin(t / 1000) * 0.05 * GIB;
}

/* Nothing for 40 hours, then it begins. */
static double
late(double t)
{
	return 10 * GIB + (t < 40 * HOUR ? 0 : (t - 40 * HOUR) * GIB / HOUR);
}

static void
is_near(int64_t got, double want, const char *what)
{
	ok(got >= want * 0.9 && got <= want * 1.1, "%s: %.1f h, want %.1f h",
	    what, (double)got / HOUR, want / HOUR);
}

int
main(void)
{
	fresh();
	is_num(space_full_in(&w, 1), -1, "nothing is known");
	pass(600, linear);
	is_num(space_full_in(&w, (uint64_t)GIB), -1, "ten minutes say nothing");
	fresh();
	pass(2 * DAY, linear);
	is_near(space_full_in(&w, (uint64_t)(3 * GIB)), 3.0 * DAY,
	    "a GiB a day, three left");
	is_num(space_full_in(&w, (uint64_t)(20 * GIB)), -1,
	    "20 days are not foreseen from two");
	is_num(space_full_in(&w, 0), 0, "none left is now");
	is_num(w.count, SPACE_SAMPLES, "the window is bounded");
	pass(4 * DAY, flat);
	is_num(space_full_in(&w, (uint64_t)GIB), -1, "it has stopped");
	fresh();
	pass(2 * DAY, noisy);
	is_near(space_full_in(&w, (uint64_t)(3 * GIB)), 3.0 * DAY,
	    "the same with noise");
	fresh();
	pass(HOUR, fast);
	is_near(space_full_in(&w, (uint64_t)(10 * GIB)), 2.0 * HOUR,
	    "5 GiB an hour, seen after one");
	is_num(space_full_in(&w, (uint64_t)(100 * GIB)), -1,
	    "but an hour tells nothing of tomorrow");
	fresh();
	pass(2 * DAY, sawtooth);
	is_num(space_full_in(&w, (uint64_t)(12 * GIB)), -1,
	    "what goes each night is no growth");
	fresh();
	pass(2 * DAY, one_big_file);
	is_num(space_full_in(&w, (uint64_t)(4 * GIB)), -1,
	    "one big file is no growth");
	fresh();
	pass(2 * DAY, shrinking);
	is_num(space_full_in(&w, (uint64_t)GIB), -1, "it shrinks");
	fresh();
	pass(47 * HOUR, late);
	is_near(space_full_in(&w, (uint64_t)(8 * GIB)), 8.0 * HOUR,
	    "growth that began some hours ago");

	fresh();
	pass(2 * DAY, linear);
	now -= DAY;
	ok(space_add(&w, now, 1) && w.count == 1, "a clock that was set back");
	now += 8 * DAY;
	ok(space_add(&w, now, 1) && w.count == 1, "and one far ahead");
	ok(!space_add(&w, now + SPACE_STEP_S - 1, 1), "too soon");
	ok(space_add(&w, now + SPACE_STEP_S, 1), "a step later");
	return tap_done();
}

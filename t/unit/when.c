/* SPDX-License-Identifier: ISC */
/* What an attribute says of the time, with the time zone given. */
#include <stdlib.h>
#include <time.h>

#include "tap.h"

#include "when.h"

static void
zone(const char *name)
{
	(void)setenv("TZ", name, 1); /* memory only */
	tzset();
}

static int64_t
next(const char *text, int64_t now)
{
	struct when w;

	return when_parse(&w, text) == 0 ? when_next(&w, now) : -1;
}

/* Day of 1970, hour, minute. */
static int64_t
at(int day, int hour, int minute)
{
	return (day * 24 + hour) * 3600LL + minute * 60;
}

static void
test_when(void)
{
	struct when w;

	zone("UTC");
	ok(when_parse(&w, "") == 0 && !w.is_on &&
	    when_next(&w, 5) == 0, "never");
	ok(when_parse(&w, "off") == 0 && !w.is_on, "off");
	ok(when_parse(&w, "24:00") == -1 &&
	    when_parse(&w, "3:00") == -1 &&
	    when_parse(&w, "0300") == -1 &&
	    when_parse(&w, "xyz 03:00") == -1 &&
	    when_parse(&w, "03:60") == -1 &&
	    when_parse(&w, "03:00 ") == -1, "no times");
	ok(when_parse(&w, "03:00") == 0, "each day");
	/* 1 January 1970 was a Thursday. */
	ok(when_next(&w, 0) == 3 * 3600, "the first");
	ok(when_next(&w, 3 * 3600) == 27 * 3600, "the next");
	ok(when_parse(&w, "Sun 03:00") == 0, "each week");
	ok(when_next(&w, 0) == (3 * 24 + 3) * 3600, "on Sunday");
	ok(when_next(&w, (3 * 24 + 3) * 3600) == (10 * 24 + 3) * 3600,
	    "a week later");
	ok(when_parse(&w, "thu 03:00") == 0 &&
	    when_next(&w, 4 * 3600) == (7 * 24 + 3) * 3600,
	    "today is over");
	zone("Europe/Berlin");
	ok(when_parse(&w, "02:30") == 0 &&
	    when_next(&w, 1774659600) > 1774659600,
	    "an hour that a change of the clock leaves out");
}

static void
test_crontab(void)
{
	static const char *const bad[] = { "* * * *", "* * * * * *",
	    "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *",
	    "* * * 13 *", "* * * * 8", "5-3 * * * *", "*/0 * * * *",
	    "*/60 * * * *", "1, * * * *", "a * * * *", "0 0 30 feb *",
	    "@daily", "-1 * * * *" };
	struct when w;
	unsigned i;

	zone("UTC");
	ok(next("* * * * *", 59) == 60 && next("* * * * *", 60) == 120,
	    "each minute");
	ok(next("*/15 * * * *", at(0, 5, 16)) == at(0, 5, 30),
	    "each quarter");
	ok(next("5/20 * * * *", at(0, 5, 30)) == at(0, 5, 45),
	    "from 5 on, each 20 minutes");
	ok(next("30 1,13 * * *", at(0, 2, 0)) == at(0, 13, 30), "a list");
	ok(next("0 22-23 * * *", at(0, 22, 30)) == at(0, 23, 0),
	    "a range");
	ok(next("0 0 * * mon-fri", at(1, 1, 0)) == at(4, 0, 0),
	    "not at the weekend");
	ok(next("0 3 * * 7", 0) == at(3, 3, 0) &&
	    next("0 3 * * 0", 0) == at(3, 3, 0), "Sunday is 0 and 7");
	ok(next("0 3 1 * sun", 0) == at(0, 3, 0) &&
	    next("0 3 1 * sun", at(0, 4, 0)) == at(3, 3, 0),
	    "of two lists of days either is enough");
	ok(next("0 0 29 2 *", 0) == at(365 + 365 + 31 + 28, 0, 0),
	    "a leap year");
	ok(next("  0\t0 1 MAR *  ", 0) == at(31 + 28, 0, 0),
	    "names, blanks");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(when_parse(&w, bad[i]) == -1 && !w.is_on, "no time: %s",
		    bad[i]);
}

int
main(void)
{
	test_when();
	test_crontab();
	return tap_done();
}

/* SPDX-License-Identifier: ISC */
/* A restart is a restart; a life that returns is a second machine. */

#include "../../bin/heartd/twin.h"

#include "tap.h"

int
main(void)
{
	struct incarnation none = { 0, 0 }, a = { 5, 1 }, b = { 6, 2 },
	    c = { 7, 3 };
	struct mono now = mono_now(), later = mono_add_ms(now, TWIN_MS + 1);
	struct twin t;

	memset(&t, 0, sizeof(t));
	ok(!twin_accept(&t, none, a, now), "the first life");
	ok(!twin_accept(&t, a, b, now), "it restarted");
	ok(!twin_accept(&t, b, c, now), "and again");
	ok(!twin_is_there(&t, now) && !twin_is_refused(&t, b, now),
	    "nobody is refused");
	ok(twin_accept(&t, c, b, now), "an earlier life speaks: there are two");
	ok(twin_is_refused(&t, c, now), "the later one is refused");
	ok(!twin_is_refused(&t, b, now), "the earlier one is not");
	ok(!twin_is_refused(&t, c, later), "it may prove itself later");
	ok(!twin_accept(&t, b, c, later) && !twin_is_there(&t, later),
	    "the other one may be off by then");
	ok(twin_accept(&t, c, b, later) && twin_is_refused(&t, c, later),
	    "it is not: the later one is refused again");
	return tap_done();
}

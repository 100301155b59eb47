/* SPDX-License-Identifier: ISC */
/* How long a SECOND has to ask for nothing, on the safe side. */
#include "tap.h"

#include "../../bin/moduled/grant.h"

#define T	1000

static struct mono
at(int64_t ms)
{
	return (struct mono){ ms * 1000000 };
}

static bool
ends_at(const struct grant *g, int64_t ms)
{
	return mono_diff_ms(g->until, at(ms)) == 0;
}

int
main(void)
{
	struct grant g = { { 0 } };

	is_num(grant_ms(1000), 1110, "T, 1 %% and G");
	is_num(grant_ms(30), 36, "G is 5 ms at least, the drift rounded up");
	grant_look(&g, at(5000), false, NET_UP, at(0), T);
	ok(!mono_is_set(g.until), "who follows nobody gives nothing");
	grant_look(&g, at(5000), true, NET_UP, at(0), T);
	ok(ends_at(&g, 6110), "followed: as if a beat came just now");
	grant_look(&g, at(5300), true, NET_UNKNOWN, at(5200), T);
	ok(ends_at(&g, 6410), "a heartd that is gone may still echo");
	grant_look(&g, at(6400), true, NET_DOWN, at(6300), T);
	ok(ends_at(&g, 6410), "silent: counted from its last beat");
	grant_look(&g, at(7000), true, NET_UP, at(6500), T);
	ok(ends_at(&g, 8110), "heard again");
	grant_look(&g, at(7500), false, NET_UP, at(6500), T);
	ok(ends_at(&g, 8110), "not followed any more: it runs out");
	grant_assume(&g, at(7200), T);
	ok(ends_at(&g, 8310), "a restart: one was given just now");
	grant_assume(&g, at(7000), T);
	ok(ends_at(&g, 8310), "never shorter");
	return tap_done();
}

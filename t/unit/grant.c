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
	struct grant g = { .told = false };

	is_num(grant_ms(1000), 1110, "T, 1 %% and G");
	is_num(grant_ms(30), 36, "G is 5 ms at least, the drift rounded up");
	grant_look(&g, at(5000), false, T);
	ok(!mono_is_set(g.until), "who follows nobody gives nothing");
	grant_look(&g, at(5000), true, T);
	ok(ends_at(&g, 6110), "followed, and heartd has told nothing yet: "
	    "as if a beat came just now");
	grant_tell(&g, at(6200));
	grant_look(&g, at(5300), true, T);
	ok(ends_at(&g, 6200), "what it tells is exact");
	grant_tell(&g, at(6150));
	ok(ends_at(&g, 6200), "never shorter");
	grant_forget(&g);
	grant_look(&g, at(5400), true, T);
	ok(ends_at(&g, 6510), "a heartd that is not heard may still echo");
	grant_look(&g, at(7500), false, T);
	ok(ends_at(&g, 6510), "not followed any more: it runs out");
	grant_assume(&g, at(7200), T);
	ok(ends_at(&g, 8310), "a restart: one was given just now");
	return tap_done();
}

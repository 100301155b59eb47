/* SPDX-License-Identifier: ISC */
/* The arithmetic of grant.h. */
#include "grant.h"

int64_t
grant_ms(int64_t timeout_ms)
{
	int64_t drift = (timeout_ms + 99) / 100;	/* rho is 1 % */
	int64_t fence = timeout_ms / 10 > 5 ? timeout_ms / 10 : 5;

	return timeout_ms + drift + fence;
}

void
grant_assume(struct grant *g, struct mono now, int64_t timeout_ms)
{
	struct mono until = mono_add_ms(now, grant_ms(timeout_ms));

	if (mono_diff_ns(until, g->until) > 0)
		g->until = until;
}

void
grant_tell(struct grant *g, struct mono until)
{
	g->told = true;
	if (mono_diff_ns(until, g->until) > 0)
		g->until = until;
}

void
grant_forget(struct grant *g)
{
	g->told = false;
}

void
grant_look(struct grant *g, struct mono now, bool follows,
    int64_t timeout_ms)
{
	if (follows && !g->told)
		grant_assume(g, now, timeout_ms);
}

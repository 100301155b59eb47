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
grant_look(struct grant *g, struct mono now, bool follows,
    enum net_state net, struct mono since, int64_t timeout_ms)
{
	if (!follows)
		return;
	if (net == NET_DOWN)
		/* Its last beat came T before it was called silent. */
		g->until = mono_add_ms(since, grant_ms(timeout_ms) -
		    timeout_ms);
	else
		g->until = mono_add_ms(now, grant_ms(timeout_ms));
}

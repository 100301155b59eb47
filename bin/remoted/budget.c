/* SPDX-License-Identifier: ISC */
/* How much strangers may make us do. */

#include "budget.h"

#define ONE	1000000

void
budget_init(struct budget *b, int64_t rate, struct mono now)
{
	b->rate = rate;
	b->micro = rate * ONE;
	b->at = now;
}

bool
budget_take(struct budget *b, struct mono now)
{
	int64_t ms = mono_diff_ms(now, b->at);

	/* In whole milliseconds, so that nothing is lost by rounding. */
	if (ms > 0) {
		b->at = mono_add_ms(b->at, ms);
		b->micro = ms >= 1000 ? b->rate * ONE :
		    b->micro + ms * b->rate * (ONE / 1000);
		if (b->micro > b->rate * ONE)
			b->micro = b->rate * ONE;
	}
	if (b->micro < ONE)
		return false;
	b->micro -= ONE;
	return true;
}

bool
budget_has_place(const unsigned used[ROLE_ADMIN + 1], enum role role,
    unsigned max)
{
	unsigned lower = used[ROLE_MONITOR] + used[ROLE_CONTROL];
	/* One place alone is for whoever comes. */
	unsigned kept = max > 1 ? (max + 3) / 4 : 0;

	if (lower + used[ROLE_ADMIN] >= max)
		return false;
	if (role == ROLE_ADMIN)
		return true;
	return lower < max - kept && (role != ROLE_MONITOR ||
	    used[ROLE_MONITOR] < (max + 1) / 2);
}

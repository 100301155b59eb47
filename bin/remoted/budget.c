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

/* SPDX-License-Identifier: ISC */
/* Called by parts.c. */
#include "lives.h"

bool
lives_begin(struct lives *l, struct mono now)
{
	if (l->begun_ns != 0)
		l->short_ones++;
	l->begun_ns = now.ns;
	return l->short_ones >= LIVES_MANY &&
	    (l->short_ones - LIVES_MANY) % 2 == 0;
}

void
lives_go_on(struct lives *l, struct mono now)
{
	struct mono begun = { l->begun_ns };

	if (mono_diff_ms(now, begun) >= LIVES_SHORT_MS)
		l->short_ones = l->begun_ns = 0;
}

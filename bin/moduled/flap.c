/* SPDX-License-Identifier: ISC */
/* The rule of flap.h. */
#include "flap.h"

#include <string.h>

#define SLOTS (FLAP_FREE + 1)

unsigned
flap_count(const struct flap *f, struct mono now)
{
	unsigned n = 0;

	while (n < SLOTS && mono_is_set(f->left[n]) &&
	    mono_diff_ms(now, f->left[n]) <= FLAP_WINDOW_MS)
		n++;
	return n;
}

bool
flap_left(struct flap *f, struct mono now)
{
	int64_t ms = FLAP_FIRST_MS;

	if (mono_is_set(f->until) &&
	    mono_diff_ms(now, f->until) > FLAP_FORGET_MS)
		flap_clear(f);
	memmove(f->left + 1, f->left, (SLOTS - 1) * sizeof(f->left[0]));
	f->left[0] = now;
	if (flap_count(f, now) <= FLAP_FREE)
		return false;
	for (unsigned i = 0; i < f->holds && ms < FLAP_MAX_MS; i++)
		ms *= 2;
	f->until = mono_add_ms(now, ms < FLAP_MAX_MS ? ms : FLAP_MAX_MS);
	f->holds++;
	return true;
}

bool
flap_is_held(const struct flap *f, struct mono now)
{
	return mono_is_set(f->until) && mono_diff_ns(f->until, now) > 0;
}

void
flap_clear(struct flap *f)
{
	memset(f, 0, sizeof(*f));
}

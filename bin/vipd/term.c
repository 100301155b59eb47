/* SPDX-License-Identifier: ISC */
/*
 * Each pulse brings a later end.  The kernel is told when half of its time
 * is gone, so that a transaction is needed twice a lease and not ten times,
 * and every other program that watches nftables is left in peace; the same
 * rule gives it the last words of an owner that fell silent.  A daemon that
 * hangs here ends the addresses early, by half a lease at most, never late.
 */

#include "term.h"

#include <stddef.h>

void
term_say(struct term *t, struct mono until, struct mono now)
{
	t->until = until;
	t->span_ms = mono_is_set(until) ? mono_diff_ms(until, now) : 0;
}

/* At this time or later the kernel is told. */
static struct mono
renew_at(const struct term *t)
{
	return mono_add_ms(t->in_kernel, -t->span_ms / 2);
}

enum term_act
term_plan(const struct term *t, struct mono now)
{
	if (!t->is_leased)
		return TA_NONE;
	if (term_is_over(t, now))
		/*
		 * What it has ends by itself, unless it was cut short, or the
		 * machine was suspended: the kernel's timers stand still then.
		 */
		return mono_is_set(t->in_kernel) ? TA_END : TA_NONE;
	if (mono_diff_ns(t->until, t->in_kernel) == 0)
		return TA_NONE;
	if (mono_diff_ns(t->until, t->in_kernel) < 0 ||
	    mono_passed(renew_at(t), now))
		return TA_RENEW;
	return mono_is_set(t->in_kernel) ? TA_NONE : TA_RENEW;
}

void
term_did(struct term *t, enum term_act act)
{
	if (act == TA_RENEW)
		t->in_kernel = t->until;
	else if (act == TA_END)
		t->in_kernel = (struct mono){ 0 };
}

void
term_lost(struct term *t)
{
	t->in_kernel = (struct mono){ 0 };
}

bool
term_is_over(const struct term *t, struct mono now)
{
	return t->is_leased &&
	    (!mono_is_set(t->until) || mono_passed(t->until, now));
}

struct mono
term_next(const struct term *t, struct mono now)
{
	if (!t->is_leased || term_is_over(t, now))
		return (struct mono){ 0 };
	if (mono_diff_ns(t->until, t->in_kernel) <= 0 ||
	    mono_passed(renew_at(t), now))
		return t->until;
	return renew_at(t);
}

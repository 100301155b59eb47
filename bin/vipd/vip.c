/* SPDX-License-Identifier: ISC */
/*
 * Times.  The lifetime is renewed every second; the kernel counts in whole
 * seconds and the shortest lifetime is 10 s, so nine renewals may be missed.
 * A takeover is announced at once and then in a burst, because a switch or a
 * host may lose one frame while it is learning; one host that missed all of
 * them would talk to a dead machine until its cache ends.
 */

#include "vip.h"

#include <stddef.h>

#define RENEW_MS	1000
#define RETRY_MS	1000
/* moduled reconnects within 1 s and restates; three more for a slow start. */
#define LEFTOVER_MS	4000

static const int burst_ms[] = { 0, 50, 150, 300, 500, 1000, 2000, 4000 };
#define BURST	(sizeof(burst_ms) / sizeof(burst_ms[0]))

static bool
due(struct mono t, struct mono now)
{
	return !mono_is_set(t) || mono_passed(t, now);
}

unsigned
vip_plan(const struct vip *v, struct mono now)
{
	unsigned plan = 0;

	/* Its owner is gone for a lifetime. */
	if (v->present && v->form == VF_ANSWER && mono_passed(v->ends, now))
		return VA_REMOVE;
	if (!v->wanted) {
		/* An owner may still come and want it. */
		if (!v->present || (mono_is_set(v->leftover_until) &&
		    !mono_passed(v->leftover_until, now)))
			return 0;
		if (!due(v->next_try, now))
			return 0;
		return (v->timing.tcpreset && !v->reset_done ? VA_RESET : 0) |
		    VA_REMOVE;
	}
	if (!v->present) {
		/* Without its owner the address ends, and stays ended. */
		if (v->owner_is_up && due(v->next_try, now))
			plan |= VA_ADD;
		return plan;
	}
	if (v->form != v->form_wanted)
		return due(v->next_try, now) ? VA_REMOVE : 0;
	if (v->owner_is_up && due(v->next_renew, now))
		plan |= VA_RENEW;
	if (!v->muted && mono_passed(v->next_announce, now))
		plan |= VA_ANNOUNCE;
	return plan;
}

static void
burst_begin(struct vip *v, struct mono now)
{
	if (v->timing.silent)
		return;
	v->announced = 0;
	v->announced_since = now;
	v->next_announce = now;
}

static void
announced(struct vip *v, struct mono now)
{
	const struct vip_timing *t = &v->timing;
	struct mono next;

	v->announced++;
	v->next_announce = (struct mono){ 0 };
	if (v->announced < BURST) {
		v->next_announce = mono_add_ms(v->announced_since,
		    burst_ms[v->announced]);
		return;
	}
	next = mono_add_ms(now, t->interval_s * 1000LL);
	if (t->periodic && (t->elapse_s == 0 ||
	    mono_diff_ms(next, v->announced_since) <= t->elapse_s * 1000LL))
		v->next_announce = next;
}

static void
renewed(struct vip *v, struct mono now)
{
	v->next_renew = mono_add_ms(now, RENEW_MS);
	v->ends = mono_add_ms(now, v->timing.lifetime_ms);
}

void
vip_did(struct vip *v, unsigned action, bool good, struct mono now)
{
	switch (action) {
	case VA_RESET:
		v->reset_done = true;
		break;
	case VA_REMOVE:
		v->leftover_until = (struct mono){ 0 };
		if (good)
			v->present = false;
		v->next_try = good ? (struct mono){ 0 } :
		    mono_add_ms(now, RETRY_MS);
		break;
	case VA_ADD:
		v->present = good;
		v->next_try = good ? (struct mono){ 0 } :
		    mono_add_ms(now, RETRY_MS);
		renewed(v, now);
		if (!good)
			break;
		v->form = v->form_wanted;
		burst_begin(v, now);
		break;
	case VA_RENEW:
		renewed(v, now);
		break;
	case VA_ANNOUNCE:
		announced(v, now);
		break;
	}
}

void
vip_want(struct vip *v, bool own)
{
	v->wanted = own;
	v->leftover_until = (struct mono){ 0 };
	v->next_try = (struct mono){ 0 };
	if (own) {
		v->reset_done = false;
		/* Found at start: its lifetime runs already. */
		v->next_renew = (struct mono){ 0 };
	}
}

void
vip_want_form(struct vip *v, enum vip_form form)
{
	v->form_wanted = form;
}

void
vip_found(struct vip *v, struct mono now)
{
	v->present = true;
	v->form = VF_KERNEL;
	v->reset_done = false;
	v->leftover_until = mono_add_ms(now, LEFTOVER_MS);
}

void
vip_seen(struct vip *v, bool present, struct mono now)
{
	if (present == v->present || (v->present && v->form == VF_ANSWER))
		return;
	v->present = present;
	v->form = VF_KERNEL;
	v->next_try = (struct mono){ 0 };
	if (present && v->wanted)
		burst_begin(v, now);
	/* Somebody added it by hand where nobody wants it: not ours to keep
	 * secret, but ours to remove, after the same grace. */
	if (present && !v->wanted)
		vip_found(v, now);
}

void
vip_doubt(struct vip *v, struct mono now)
{
	if (v->present && v->wanted)
		burst_begin(v, now);
}

void
vip_mute(struct vip *v, bool muted, struct mono now)
{
	if (v->muted && !muted)
		vip_doubt(v, now);
	v->muted = muted;
}

static struct mono
earlier(struct mono a, struct mono b)
{
	if (!mono_is_set(a))
		return b;
	if (!mono_is_set(b))
		return a;
	return a.ns < b.ns ? a : b;
}

struct mono
vip_next(const struct vip *v)
{
	struct mono next = { 0 };

	if (v->present && v->form == VF_ANSWER)
		next = v->ends;
	if (!v->wanted)
		return v->present ? earlier(next, earlier(v->leftover_until,
		    v->next_try)) : next;
	if (!v->present)
		return v->owner_is_up ? v->next_try : next;
	if (v->form != v->form_wanted)
		return earlier(next, v->next_try);
	if (v->owner_is_up)
		next = earlier(next, v->next_renew);
	return v->muted ? next : earlier(next, v->next_announce);
}

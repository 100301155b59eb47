/* SPDX-License-Identifier: ISC */
/* See sync-plan.h; called by think.c. */
#include "sync-plan.h"

void
sync_plan_step(struct sync_plan *p, struct sync_window *w, int64_t now_s,
    bool level, bool ordered)
{
	int64_t next;

	if (!p->when.is_on) {
		*w = (struct sync_window){ 0 };
		return;
	}
	if (p->next_s != 0 && now_s >= p->next_s) {
		w->open = true;
		w->kept = false;
		p->next_s = 0;
	}
	/* Each minute anew: the clock may have been set. */
	if (p->next_s == 0 || now_s / 60 != p->looked_s / 60) {
		next = when_next(&p->when, now_s);
		if (p->next_s == 0 || next < p->next_s)
			p->next_s = next;
		p->looked_s = now_s;
	}
	if (ordered)
		w->open = w->kept = true;
	else if (level && !w->kept)
		w->open = false;
}

/* SPDX-License-Identifier: ISC */
/*
 * A secondary that is brought level now and then (<rfs syncat>): between the
 * times it waits, and the primary runs alone.  At each time the window opens,
 * and it closes when this node is in step.  The operator's word `second' opens
 * it, too, until the next time, so that he can swap.  Pure.
 */
#ifndef MODULED_SYNC_PLAN_H
#define MODULED_SYNC_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "when.h"

struct sync_plan {
	struct when	when;
	int64_t		next_s;		/* wall seconds; 0: not looked yet */
	int64_t		looked_s;
};

/* What of it outlives a restart of moduled. */
struct sync_window {
	bool		open;
	bool		kept;		/* by the operator: level is no end */
};

/*
 * now_s: wall seconds.  level: secondary and in step.  ordered: the operator
 * said `second'.
 */
void	sync_plan_step(struct sync_plan *p, struct sync_window *w,
	    int64_t now_s, bool level, bool ordered);

#endif

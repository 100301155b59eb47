/* SPDX-License-Identifier: ISC */
/*
 * Is a node there twice?  Pure.  A life of a node that was left for another
 * one does not speak again, unless two machines have its name and key: then
 * each answers challenges, in turn.  The one that came later is refused as
 * long as the earlier one lives.
 */
#ifndef HEARTD_TWIN_H
#define HEARTD_TWIN_H

#include <stdbool.h>

#include "clock.h"

#include "incarnation.h"

/* So long the later one is refused before it may prove itself again. */
#define TWIN_MS	10000

struct twin {
	struct incarnation	before;		/* the life before this one */
	struct incarnation	refused;
	struct mono		until;
};

/*
 * A life was accepted in place of another (none: the first).  True when it
 * is the one before that: there are two, and the other is refused now.
 */
bool	twin_accept(struct twin *t, struct incarnation was,
	    struct incarnation is, struct mono now);
/* This life is the later one of two. */
bool	twin_is_refused(const struct twin *t, struct incarnation from,
	    struct mono now);
bool	twin_is_there(const struct twin *t, struct mono now);

#endif

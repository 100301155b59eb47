/* SPDX-License-Identifier: ISC */
/*
 * A node that comes and goes: each time it leaves, the primary's writes wait
 * for it, and each time it returns, it is brought level.  One that left more
 * than FLAP_FREE times within FLAP_WINDOW_MS is held down: it waits before it
 * follows the primary again, and each further time twice as long.  Pure.
 *
 * Only following is held.  A level SECOND takes over as ever, and so does a
 * node that finds no primary: the hold is over when there is none to follow.
 * A day without a hold, or a word of the operator, forgets all.
 */
#ifndef MODULED_FLAP_H
#define MODULED_FLAP_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

#define FLAP_FREE	4
#define FLAP_WINDOW_MS	(10 * 60 * 1000)
#define FLAP_FIRST_MS	15000
#define FLAP_MAX_MS	(10 * 60 * 1000)
#define FLAP_FORGET_MS	(24 * 60 * 60 * 1000)

struct flap {
	struct mono	left[FLAP_FREE + 1];	/* newest first; 0: none */
	struct mono	until;			/* held, 0: not */
	unsigned	holds;			/* in a row */
};

/* It left against its wish.  True: from now on it is held. */
bool	flap_left(struct flap *f, struct mono now);
/* How often it left within the window. */
unsigned flap_count(const struct flap *f, struct mono now);
bool	flap_is_held(const struct flap *f, struct mono now);
void	flap_clear(struct flap *f);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * A daemon that dies again and again, soon after each start, may do so for a
 * request that it finds in hand.  Pure; the memory is what keepd holds, zeros
 * at first.
 */
#ifndef MIRRORD_LIVES_H
#define MIRRORD_LIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

/* Shorter lives than this, so many in a row, are no accidents. */
#define LIVES_SHORT_MS	2000
#define LIVES_MANY	5

struct lives {
	int64_t		 begun_ns;	/* 0: the last one was long */
	uint32_t	 short_ones;	/* before it, in a row */
	uint32_t	 unused;
};

/*
 * A life begins now.  True: those before it give reason to be wary.  Not of
 * every one: who is killed from outside, again and again, does some work too.
 */
bool	lives_begin(struct lives *l, struct mono now);
/* It goes on; called now and then. */
void	lives_go_on(struct lives *l, struct mono now);

#endif

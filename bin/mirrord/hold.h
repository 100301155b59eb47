/* SPDX-License-Identifier: ISC */
/*
 * The door that changes pass on their way in, and that `holdfast freeze'
 * shuts for a while.  Who comes then waits; nobody is turned away.  It opens
 * by itself when the time is over: no process has to live for that but the
 * one whose requests wait.
 */
#ifndef MIRRORD_HOLD_H
#define MIRRORD_HOLD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

struct hold {
	atomic_uint	 inside;
	atomic_bool	 shut;
	pthread_mutex_t	 lock;		/* of the rest */
	pthread_cond_t	 opened, empty;
	struct mono	 until;
	uint64_t	 number;	/* of the present or the last hold */
};

void	hold_init(struct hold *h);
void	hold_fini(struct hold *h);

/* A change begins: waits while the door is shut.  Ended by hold_leave(). */
void	hold_enter(struct hold *h);
void	hold_leave(struct hold *h);

/*
 * Shuts the door for `ms' and waits until nobody is inside, for as long at
 * most.  0 and *number; -EBUSY: it is shut already; -ETIMEDOUT: it is open
 * again.
 */
int	hold_begin(struct hold *h, int64_t ms, uint64_t *number);
/* Opens it, if `number' is the present hold; true: it held until now. */
bool	hold_end(struct hold *h, uint64_t number);
/* Whoever holds it: the role ends. */
void	hold_break(struct hold *h);
/* Milliseconds it will be shut; 0: it is open. */
int64_t	hold_left_ms(struct hold *h);
/* Is this still the present hold? */
bool	hold_is(struct hold *h, uint64_t number);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The two promises that keep two nodes from serving at once.  The lease is
 * the primary's (L6): heartd tells until when.  The grant is what the other
 * node gave with each beat that it echoed (L7): while it runs, it asks for
 * nothing (L8).  Here is the grant.  heartd tells it with each echo, and what
 * it tells comes before its word that it echoes nothing any more; where it
 * cannot be heard, it is taken for running.  Pure.
 */
#ifndef MODULED_GRANT_H
#define MODULED_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

struct grant {
	struct mono	until;		/* 0: never given */
	bool		told;		/* heartd does tell */
	/* Its answers to whom to follow: none is confirmed; still open. */
	bool		off;
	unsigned	open;
};

/* L (1 + rho) + G, in milliseconds, for the timeout T. */
int64_t	grant_ms(int64_t timeout_ms);
/* A restart forgot what was given: one was given just now. */
void	grant_assume(struct grant *g, struct mono now, int64_t timeout_ms);
/* heartd: a beat was echoed. */
void	grant_tell(struct grant *g, struct mono until);
/* Its link broke: what it echoes from now on is not known. */
void	grant_forget(struct grant *g);
/*
 * follows: heartd was told to echo, or has not yet confirmed that it does not
 * any more.
 */
void	grant_look(struct grant *g, struct mono now, bool follows,
	    int64_t timeout_ms);

#endif

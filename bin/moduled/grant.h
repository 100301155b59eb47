/* SPDX-License-Identifier: ISC */
/*
 * The two promises that keep two nodes from serving at once.  The lease is
 * the primary's (L6): heartd tells until when.  The grant is what the other
 * node gave with each beat that it echoed (L7): while it runs, it asks for
 * nothing (L8).  Here is the grant, on the safe side: it is taken for running
 * for as long as heartd may have echoed a beat.  Pure.
 */
#ifndef MODULED_GRANT_H
#define MODULED_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

#include "facts.h"

struct grant {
	struct mono	until;		/* 0: never given */
};

/* L (1 + rho) + G, in milliseconds, for the timeout T. */
int64_t	grant_ms(int64_t timeout_ms);
/* A restart forgot what was given: one was given just now. */
void	grant_assume(struct grant *g, struct mono now, int64_t timeout_ms);
/*
 * follows: heartd was told to echo, or has not yet confirmed that it does not
 * any more.  net and since: what it says of the peer.
 */
void	grant_look(struct grant *g, struct mono now, bool follows,
	    enum net_state net, struct mono since, int64_t timeout_ms);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * An ask and its answer: the ballot's rules over what the store remembers,
 * in the order that makes it a vote.
 */
#ifndef WITNESSD_VOTER_H
#define WITNESSD_VOTER_H

#include "vote.h"

#include "store.h"

/*
 * What to answer; what was promised or accepted is durable when this returns.
 * True when it was written, false when nothing had to be.
 */
bool	voter_ask(struct store *s, const struct vote_ask *a,
	    struct vote_answer *out);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * What a voter promised and accepted for one module, and what it says to an
 * ask: rules L1 and L2.  Pure; voter.c makes it durable before it is said.
 */
#ifndef WITNESSD_BALLOT_H
#define WITNESSD_BALLOT_H

#include <stdbool.h>

#include "vote.h"

struct ballot {
	struct epoch		promised;
	struct reg_value	value;	/* accepted last; none: nothing yet */
};

/*
 * `next' becomes what must be on disk before the answer is given; true when
 * it is not what is there already.  A repeat of an ask changes nothing.
 */
bool	ballot_ask(const struct ballot *b, const struct vote_ask *a,
	    struct ballot *next, enum vote_result *result);

#endif

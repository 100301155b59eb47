/* SPDX-License-Identifier: ISC */
/*
 * So many a second and no more: tokens, refilled by time.  So many at once,
 * and of whom.  Pure.
 */
#ifndef REMOTED_BUDGET_H
#define REMOTED_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "serve.h"

struct budget {
	int64_t		rate;		/* a second; also the most it holds */
	int64_t		micro;		/* tokens, in millionths */
	struct mono	at;
};

void	budget_init(struct budget *b, int64_t rate, struct mono now);
/* True, and one less; or false: none is left. */
bool	budget_take(struct budget *b, struct mono now);

/*
 * May one more of this role have one of max places, of which used[] by role
 * are taken?  A quarter is for admins alone, and monitors have at most half.
 */
bool	budget_has_place(const unsigned used[ROLE_ADMIN + 1], enum role role,
	    unsigned max);

#endif

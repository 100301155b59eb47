/* SPDX-License-Identifier: ISC */
/*
 * So many a second and no more: tokens, refilled by time.  Pure.
 */
#ifndef REMOTED_BUDGET_H
#define REMOTED_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

struct budget {
	int64_t		rate;		/* a second; also the most it holds */
	int64_t		micro;		/* tokens, in millionths */
	struct mono	at;
};

void	budget_init(struct budget *b, int64_t rate, struct mono now);
/* True, and one less; or false: none is left. */
bool	budget_take(struct budget *b, struct mono now);

#endif

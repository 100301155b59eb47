/* SPDX-License-Identifier: ISC */
/*
 * Until when a module's addresses may be answered here, and until when the
 * kernel answers them without being told again: a pure function of what the
 * owner said and of time (lease rules L6, L9).
 */
#ifndef VIPD_TERM_H
#define VIPD_TERM_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

struct term {
	bool		is_leased;	/* else they are answered without end */
	struct mono	until;		/* as the owner said last; unset: not */
	int64_t		span_ms;	/* how long that was when it said so */
	struct mono	in_kernel;	/* what that has; unset: nothing */
};

enum term_act {
	TA_NONE,
	TA_RENEW,	/* the kernel is to have `until' */
	TA_END,		/* the kernel is to have nothing */
};

/* The owner's words; unset: it is over now. */
void	term_say(struct term *t, struct mono until, struct mono now);
enum term_act	term_plan(const struct term *t, struct mono now);
/* It was carried out. */
void	term_did(struct term *t, enum term_act act);
/* What the kernel had is gone: a table made anew. */
void	term_lost(struct term *t);
/* They are not answered. */
bool	term_is_over(const struct term *t, struct mono now);
/* When to ask term_plan() and term_is_over() again; unset: not by time. */
struct mono	term_next(const struct term *t, struct mono now);

#endif

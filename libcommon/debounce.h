/* SPDX-License-Identifier: ISC */
/*
 * From single tries to a state that can be acted upon: down when n of the
 * last m tries failed, up when k of the last l passed.  Pure.
 */
#ifndef COMMON_DEBOUNCE_H
#define COMMON_DEBOUNCE_H

#include <stdbool.h>
#include <stdint.h>

/* The most tries that are remembered. */
#define DEBOUNCE_MAX	32

enum check_state { CS_INIT, CS_UP, CS_DOWN };

struct debounce {
	unsigned		fails, fails_of;
	unsigned		passes, passes_of;
	uint32_t		past;		/* 1: failed; newest: bit 0 */
	unsigned		count;		/* of them */
	enum check_state	state;
};

/* "2/3", or "2" for 2/2; false: not 1 <= n <= m <= DEBOUNCE_MAX. */
bool	debounce_parse(const char *text, unsigned *n, unsigned *of);
/* Nothing is known any more. */
void	debounce_reset(struct debounce *d);
/* One try; true when the state changed. */
bool	debounce_take(struct debounce *d, bool good);

/* "init", "up", "down". */
const char	*check_state_name(enum check_state s);

#endif

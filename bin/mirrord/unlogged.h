/* SPDX-License-Identifier: ISC */
/*
 * Rule R21: may changes go on although the activity log cannot be written?
 * Only when it was made durable that no log tells what changed.  Used by
 * change.c alone.
 */
#ifndef MIRRORD_UNLOGGED_H
#define MIRRORD_UNLOGGED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct unlogged {
	/* From before it is asked for: who would take back what on_error
	 * stores sees that it is wanted. */
	atomic_bool	 wanted;
	atomic_bool	 given;		/* it was stored */
	int		(*on_error)(int error, void *arg);
	void		*arg;
	pthread_mutex_t	 lock;		/* of asking */
};

void	unlogged_init(struct unlogged *u);
void	unlogged_fini(struct unlogged *u);
/* error: what the log said.  0: go on without it; else -errno. */
int	unlogged_ask(struct unlogged *u, int error);
/* The log can be written again, and what it lacked is nobody's now. */
void	unlogged_end(struct unlogged *u);

#endif

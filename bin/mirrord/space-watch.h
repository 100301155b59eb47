/* SPDX-License-Identifier: ISC */
/*
 * How full the filesystems of the replicated directories are, and whether they
 * still take writes: looked at every two seconds by a thread of its own, since
 * statfs(2) of a dead disk does not return; what was seen before stays then.
 */
#ifndef MIRRORD_SPACE_WATCH_H
#define MIRRORD_SPACE_WATCH_H

#include "mirrord-conf.h"
#include "space.h"

struct space_watch;

struct space_calls {
	/* A descriptor below directory i, the caller's; -1: not open now. */
	int	(*root)(unsigned i, void *arg);
	/* A copy to this node runs: no growth is told from it. */
	bool	(*is_copying)(void *arg);
	/* The disk of a directory takes no writes; from the thread. */
	void	(*on_error)(int error, void *arg);
	/* Something to be told; from the thread. */
	void	(*on_change)(void *arg);
};

/* state_fd: where the samples are kept over restarts; -1: nowhere. */
struct space_watch *space_watch_new(const struct mirrord_conf *conf,
		    int state_fd, const struct space_calls *calls, void *arg);
void		 space_watch_get(struct space_watch *w, unsigned i,
		    struct space *out);

#endif

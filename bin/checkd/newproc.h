/* SPDX-License-Identifier: ISC */
/*
 * What the kernel tells of processes that begin, or become something else:
 * its process connector.  It speaks to the machine's own first namespaces
 * only, not in a container; then who asked has to look at intervals.
 */
#ifndef CHECKD_NEWPROC_H
#define CHECKD_NEWPROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "loop.h"

struct newproc;

struct newproc_calls {
	/* pid began, or has another program or name now; parent 0: the
	 * latter. */
	void	(*on_process)(pid_t pid, pid_t parent, void *arg);
	/* Events were lost: look at everything. */
	void	(*on_lost)(void *arg);
	/* Whether it works, known after a moment; once. */
	void	(*on_known)(bool works, void *arg);
};

/* NULL with errno: refused; on_known is not called. */
struct newproc	*newproc_open(struct loop *l,
		    const struct newproc_calls *calls, void *arg);

/* One datagram: the pure part.  Calls on_process at most once; true when it
 * was the kernel's word that events will come. */
bool		 newproc_take(const void *data, size_t len,
		    const struct newproc_calls *calls, void *arg);

#endif

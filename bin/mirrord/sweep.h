/* SPDX-License-Identifier: ISC */
/*
 * Rule R42: what was changed in the replicated directories while the module
 * was stopped.  Every object is looked at once, in a thread of low priority:
 * its ctime tells, which no tool can set back, also of what came from outside.
 * What is found joins what the other node lacks, durably; what that means is
 * the role machine's business.
 */
#ifndef MIRRORD_SWEEP_H
#define MIRRORD_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "change.h"
#include "object.h"

struct sweep;

struct sweep_conf {
	struct objects	*objects;
	struct change	*change;
	/* Wall time of the clean stop, ns. */
	int64_t		 since_ns;
	/*
	 * All that was found is durable; -errno: it could not be looked
	 * through, or not stored.  From the thread, before sweep_await()
	 * says that it is over; not when it was stopped.
	 */
	void		(*on_done)(uint64_t found, int error, void *arg);
	void		*arg;
};

/* NULL with errno: no thread. */
struct sweep	*sweep_start(const struct sweep_conf *conf);
/* Stops it, if it still runs, and waits. */
void		 sweep_free(struct sweep *s);
/* Waits up to so long; true: it is over. */
bool		 sweep_await(struct sweep *s, int64_t ms);
/* Objects looked at so far. */
uint64_t	 sweep_looked(struct sweep *s);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * What a resync of a set costs, before it is made.
 */
#ifndef MIRRORD_RESYNC_ESTIMATE_H
#define MIRRORD_RESYNC_ESTIMATE_H

#include <stdint.h>

#include "dirty.h"
#include "object.h"

struct resync_estimate {
	uint64_t	 objects;
	uint64_t	 names;		/* single ones */
	uint64_t	 lists;		/* directories to be listed */
	uint64_t	 bytes;		/* of data, at most */
};

/* Asks the file system for sizes of what is owed whole. */
void	resync_estimate(struct resync_estimate *e, struct objects *o,
	    const struct dirtyset *set);
/* Of everything: what is used of the file systems is not less. */
void	resync_estimate_all(struct resync_estimate *e, struct objects *o);

#endif

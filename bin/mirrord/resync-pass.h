/* SPDX-License-Identifier: ISC */
/*
 * One walk of the source over a set: what resync-source.c begins,
 * resync-names.c and resync-data.c carry out.
 */
#ifndef MIRRORD_RESYNC_PASS_H
#define MIRRORD_RESYNC_PASS_H

#include "dirty.h"
#include "oidset.h"
#include "resync-int.h"

struct pass {
	struct resync	*r;
	const struct dirtyset *set;
	const struct dirtyset *marks;	/* of the first pass: rule R15 */
	bool		 full;
	bool		 by_hash;	/* much of it may be there already */
	/* kept over all passes */
	struct oidset	 seen;
	/* of this pass */
	uint64_t	*walk;
	size_t		 walk_count, walk_room;
	uint64_t	*next;		/* directories of the next level */
	size_t		 next_count, next_room;
	struct oidset	 compare;
	struct oidset	 fresh;
	struct oidset	 trusted;	/* data as here, said the operator */
	struct oidset	 attr;
	struct oidset	 owed;		/* durably: may be made there */
	struct oidset	 missing;
	struct oidset	 deferred;
};

/* 0 or -1: no connection, stopped, or past the bound of the freeze. */
int	resync_names(struct pass *p);
int	resync_data(struct pass *p);
int	resync_attrs(struct pass *p);

#endif

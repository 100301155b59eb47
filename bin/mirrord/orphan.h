/* SPDX-License-Identifier: ISC */
/*
 * Objects whose last name is gone while the kernel still knows them: no-open
 * hides who has them open, so each is held by a descriptor, which keepd has
 * too, until its FORGET (rule R35).  Their data is not replicated: no name
 * can reach it on the other node (rule R36).  Thread-safe.
 */
#ifndef MIRRORD_ORPHAN_H
#define MIRRORD_ORPHAN_H

#include <stdbool.h>
#include <stdint.h>

#include "keep.h"

struct orphans;

/* Takes up what an earlier life kept; k stays the caller's. */
struct orphans	*orphans_open(struct keep *k);
void		 orphans_close(struct orphans *o);

/*
 * Before the call that removes the last name: holds a duplicate of fd, here
 * and in keepd.  0 or -errno.
 */
int		 orphan_hold(struct orphans *o, uint64_t oid, int fd);
/* The call was made: from now on orphan_is() says true. */
void		 orphan_set(struct orphans *o, uint64_t oid);
/* It is about to get a name: its changes are everybody's again. */
void		 orphan_unset(struct orphans *o, uint64_t oid);
bool		 orphan_is(struct orphans *o, uint64_t oid);
/* The call failed, or the last FORGET came.  false: was not held. */
bool		 orphan_drop(struct orphans *o, uint64_t oid);
/* The mount is gone. */
void		 orphan_drop_all(struct orphans *o);

#endif

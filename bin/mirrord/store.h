/* SPDX-License-Identifier: ISC */
/*
 * Carries out one op on the local tree through the private clone.  Knows
 * nothing of FUSE, network or logs.  The caller holds the object locks.
 */
#ifndef MIRRORD_STORE_H
#define MIRRORD_STORE_H

#include "object.h"
#include "op.h"

/*
 * 0 or -errno.  On the primary the caller has set fsuid, fsgid and groups of
 * its thread for quota (rule R43), and raised its capabilities again without
 * CAP_SYS_RESOURCE: a changed fsuid drops those that handles need.
 * Creations bind op->obj.  OP_SYNC syncs.  OP_WRITE writes all or fails;
 * OP_RENAME handles RENAME_EXCHANGE, RENAME_NOREPLACE.  OP_COPY: *done gets
 * the bytes copied (may be NULL).
 * An unlinked victim stays reachable by its open descriptors only.
 */
int	store_exec(struct objects *o, const struct op *op, uint64_t *done);

/*
 * Whether the names an op takes away are those of the objects it means: false
 * when it was carried out before, and when this tree is not the primary's.
 */
bool	store_is_meant(struct objects *o, const struct op *op);

/*
 * Whether an op that a crash may have interrupted was already carried out:
 * the evidence of rule R56, from the tree as it is.  What such a crash left
 * undone of it (an id, an owner, times, a name in stage) is done now.  False
 * for what may simply be repeated (data, attributes, syncs).
 */
bool	store_is_done(struct objects *o, const struct op *op);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The one door every change of the primary goes through, so that the logs
 * cannot be forgotten: activity log before the call, queue or dirty set
 * after it (rules R1, R2, R13, R14, R47, R48).
 *
 *	change_begin()	AL records durable
 *	store_exec()	the local call, under the object locks
 *	change_commit()	queued for the peer, or noted as dirty
 *
 * Also rotates the two in-memory sets at checkpoints, turns their union into
 * the durable dirty log when the peer is lost, and tells resync what moved.
 */
#ifndef MIRRORD_CHANGE_H
#define MIRRORD_CHANGE_H

#include "actlog.h"
#include "dirty.h"
#include "gen.h"
#include "stream.h"

struct change;

struct change	*change_new(struct actlog *a, struct dirty *d,
		    struct dirtyset *durable_set, struct stream *s);
void		 change_free(struct change *c);

/* 0 or -errno (EIO when the log cannot be written while alone: R21). */
int		 change_begin(struct change *c, const struct op *op);
/* The sequence in the stream, 0 when the peer is not to get it. */
uint64_t	 change_commit(struct change *c, const struct op *op);

/*
 * The peer leaves the set: union of both sets -> dirty log, durable; then
 * gen was written by the caller; then stream_set(SS_SELF) and stream_reset().
 * 0 or -errno.
 */
int		 change_go_alone(struct change *c);
/* A checkpoint was begun at seq / is durable on both nodes up to seq. */
void		 change_checkpoint_begin(struct change *c, uint64_t seq);
void		 change_checkpoint_done(struct change *c, uint64_t seq);
uint64_t	 change_dirty_bytes(struct change *c);

/*
 * The resync owns the dirty set while it runs.  filter is asked, under the
 * object locks, whether the peer shall get this op by the stream now; false:
 * it was marked instead.  NULL: no resync.
 */
typedef bool change_filter_fn(const struct op *op, void *arg);
void		 change_set_filter(struct change *c, change_filter_fn *f,
		    void *arg);
/* Exclusive access to the live dirty set for the resync. */
struct dirtyset	*change_dirty_lock(struct change *c);
void		 change_dirty_unlock(struct change *c);
/* The reunion is complete and durable on the peer: the log is emptied. */
int		 change_level(struct change *c);
/* Namespace freeze, bounded (rule R48). */
void		 change_freeze_names(struct change *c, bool frozen);

#endif

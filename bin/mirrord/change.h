/* SPDX-License-Identifier: ISC */
/*
 * The one door every change of the primary goes through, so that the logs
 * cannot be forgotten: activity log before the call, queue or dirty set
 * after it (rules R1, R2, R13, R14, R15, R19).
 *
 *	change_begin()	AL records durable
 *	store_exec()	the local call, under the object locks
 *	change_commit()	queued for the peer, or noted as dirty
 *	change_abort()	instead: store_exec() failed
 *
 * Each begin is ended by one commit or abort of the same thread: a
 * checkpoint and a freeze wait for what is in between.
 *
 * Also rotates the in-memory sets at checkpoints, turns their union into the
 * durable dirty log when the peer is lost, and tells resync what moved.
 */
#ifndef MIRRORD_CHANGE_H
#define MIRRORD_CHANGE_H

#include "actlog.h"
#include "dirty.h"
#include "gen.h"
#include "object.h"
#include "stream.h"

struct change;

/*
 * durable_set is what dirty_open() replayed; it becomes the change's own to
 * use, and stays the caller's to free.  What the activity log holds counts
 * as changed and not yet on the peer: after a crash, and after a restart.
 */
struct change	*change_new(struct actlog *a, struct dirty *d,
		    struct dirtyset *durable_set, struct stream *s);
void		 change_free(struct change *c);
/*
 * Rule R21: the activity log cannot be written.  on_error makes it durable
 * that no log tells what changed, and returns 0: then changes go on without
 * it, until change_free().  -errno: they fail.  Called once at a time; NULL
 * is -errno.
 */
void		 change_on_log_error(struct change *c,
		    int (*on_error)(int error, void *arg), void *arg);
/* Do they?  Then gen has to go on saying so. */
bool		 change_is_unlogged(struct change *c);
/* The epoch that goes into both logs. */
void		 change_set_epoch(struct change *c, struct epoch epoch);

/* 0 or -errno (EIO when the log cannot be written while alone: R21).  May be
 * called with or without the object locks. */
int		 change_begin(struct change *c, const struct op *op);
/* The sequence in the stream, 0 when the peer is not to get it.  OP_SYNC
 * needs no begin. */
uint64_t	 change_commit(struct change *c, const struct op *op);
/* The local call failed: what it may have done is noted as dirty. */
void		 change_abort(struct change *c, const struct op *op);
/*
 * On the secondary: op, of the primary, cannot be done here.  Its names and
 * object are hot, durably, as after a crash: they are compared at the reunion
 * (rule R25).  0 or -errno.
 */
int		 change_differs(struct change *c, const struct op *op);
/*
 * object_lookup() that gives an id to an object without one (rule R30): its
 * name is hot before it has the id, so that it counts as new (rule R15).
 * `by_resync': the pass at work sends it, so that it is not noted as moved.
 */
int		 change_found(struct change *c, struct objects *o,
		    uint64_t dir, const char *name, bool by_resync,
		    uint64_t *oid, struct stat *st);
/* The last name and the last user of oid are gone: nothing of it is owed to
 * the peer any more (rule R36). */
void		 change_gone(struct change *c, uint64_t oid);

/*
 * The peer leaves the set, or this node starts alone: union of the sets ->
 * dirty log, durable.  The caller writes gen before or after it, and only
 * then calls stream_set(SS_SELF) and stream_reset().  0 or -errno.
 */
int		 change_go_alone(struct change *c);
/*
 * A checkpoint was begun at seq (read after all that it covers was
 * committed, as stream_marks.enqueued) / is durable on both nodes up to seq.
 */
void		 change_checkpoint_begin(struct change *c, uint64_t seq);
void		 change_checkpoint_done(struct change *c, uint64_t seq);
/* Alone: what was noted goes to the dirty log, idle slots cool (R19).  Call
 * it every few seconds; a full activity log does it by itself. */
int		 change_flush(struct change *c);
uint64_t	 change_dirty_bytes(struct change *c);
/* A copy of all that the peer lacks, or would if it were lost now.  The
 * caller frees it. */
struct dirtyset	*change_lacks(struct change *c);

/*
 * Resync.  track_start: a copy of all that the peer lacks, durable here, and
 * from now on what changes is noted for track_next, which hands it over and
 * begins again.  The caller frees both.  track_stop ends it.
 */
struct dirtyset	*change_track_start(struct change *c);
struct dirtyset	*change_track_next(struct change *c);
void		 change_track_stop(struct change *c);
/* Adds to what the peer lacks, durably: the AL of a returning primary, or
 * the logs cannot be trusted: `all'.  0 or -errno. */
int		 change_merge(struct change *c, const struct dirtyset *more);
/* The same for what the resync at work takes care of itself: it counts for
 * the next one, should this one be cut short. */
int		 change_owe(struct change *c, const struct dirtyset *more);
/*
 * Bounded freeze (rule R48): changes wait in change_begin() and none is in
 * between when it returns 0; -ETIMEDOUT: not frozen.
 */
int		 change_freeze(struct change *c, int64_t timeout_ms);
void		 change_thaw(struct change *c);
/* While frozen: the peer is answered for again, nothing is noted as dirty
 * from here on (strict phase, rule L12). */
void		 change_connect(struct change *c);
/* The reunion is complete and durable on the peer: the log is emptied. */
int		 change_level(struct change *c);
/*
 * This node owes nobody anything: the target of a resync, before its first
 * change, since the source has taken over what was owed; a clean stop, when
 * both nodes are durable (rule R28).  No change may be in hand.  Empties both
 * logs durably.  0 or -errno.
 */
int		 change_reset(struct change *c);

#endif

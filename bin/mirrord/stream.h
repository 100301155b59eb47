/* SPDX-License-Identifier: ISC */
/*
 * The primary's side of replication: an ordered queue of ops in shared
 * memory that keepd holds, one sender, and the marks the peer reports.
 * Sequence numbers are given under the object locks, before the reply
 * (rule R1).  The connection itself is link.h's.
 */
#ifndef MIRRORD_STREAM_H
#define MIRRORD_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epoch.h"
#include "op.h"

struct stream;

enum stream_set {
	/* Syncs are answered here alone; ops are not queued, the caller
	 * records them as dirty. */
	SS_SELF,
	/* A resync runs: ops are queued, but syncs are answered here alone
	 * (stream_enqueue() of OP_SYNC returns 0). */
	SS_FEED,
	/* The strict phase and after it: every sync waits for the
	 * peer, connected or not. */
	SS_BOTH,
};

enum stream_ack { SA_RECEIVED, SA_SYNCED };

struct stream_marks {
	uint64_t	first;		/* oldest still queued */
	uint64_t	enqueued;
	uint64_t	sent;
	uint64_t	applied;	/* received, as rule R6 defines it */
	uint64_t	durable;	/* below the peer's last checkpoint */
};

/*
 * memory: MAP_SHARED mapping of `size' bytes (keepd holds its memfd); what
 * an earlier life left in it is taken up (rule R59).
 */
struct stream	*stream_new(void *memory, size_t size);
void		 stream_free(struct stream *s);
/* Random, made with the empty memory: which numbering this is. */
uint64_t	 stream_id(const struct stream *s);
#define STREAM_MEMORY_SIZE	(8u * 1024 * 1024)

/*
 * Copies the op (data included) and commits it: from its return on a killed
 * mirrord does not lose it.  An OP_SYNC that got a sequence is waited for once
 * by stream_wait().  Waits when the queue is full until there is
 * room or the set becomes SS_SELF.  Returns the sequence; 0 when the set is
 * SS_SELF and nothing was queued.
 */
uint64_t	 stream_enqueue(struct stream *s, const struct op *op);

/* The same for a finished frame of wire.h (resync, types 64..95), in order
 * with the ops: call it under the object locks. */
uint64_t	 stream_enqueue_frame(struct stream *s,
		    const struct frame_out *f);
/* A finished frame while the peer is a member; never waits: 0 when there is
 * no room now, or it is none. */
uint64_t	 stream_offer_frame(struct stream *s, const void *frame,
		    size_t len);
/* Queues a checkpoint request; the peer answers with durable(seq). */
uint64_t	 stream_checkpoint(struct stream *s);

/*
 * Waits until the peer answered for seq, or is out of the set.  0: answered
 * or no longer needed.  The caller then compares epoch and lease once more
 * before it replies (rule R27).  Aborted (role ends): -ECANCELED.
 */
int		 stream_wait(struct stream *s, uint64_t seq,
		    enum stream_ack ack);

/* Role machine's calls.  Going to SS_SELF releases all waiters: call it only
 * after gen and the dirty header are durable (rule R24). */
void		 stream_set(struct stream *s, enum stream_set set);
void		 stream_abort(struct stream *s);
/* Since it was last SS_SELF a change was made here after stream_abort(), which
 * the peer will never hear of: only the activity log knows. */
bool		 stream_has_cut(struct stream *s);
/* Forgets everything queued: only after it was merged into the dirty set. */
void		 stream_reset(struct stream *s);
void		 stream_marks(struct stream *s, struct stream_marks *m);
/* Age in ms of the oldest unanswered sync, of a blocked enqueue or of a wait
 * for a mark that does not rise; 0 none. */
int64_t		 stream_stall_ms(struct stream *s);

/*
 * A sync is queued without waking the sender; this sends it, and all before
 * it, on the caller's thread.  Call it between stream_enqueue() of a sync
 * and the local sync, without object locks; stream_wait() calls it too.
 */
void		 stream_push(struct stream *s);

/* link.c's side: the next committed entry at or after seq, NULL when none.
 * The frame bytes stay valid until acked; the sender stamps them in place. */
void		*stream_next(struct stream *s, uint64_t seq, size_t *len);
/* Waits until the sender should look: at once for much or for what somebody
 * waits for, else after a millisecond; also after a second or a kick. */
void		 stream_await(struct stream *s);
/* What stream_push() calls; NULL: waits until no call runs, then none. */
void		 stream_set_push(struct stream *s, void (*push)(void *arg),
		    void *arg);
/* Makes stream_await() return now. */
void		 stream_kick(struct stream *s);
/* Unanswered syncs at or below seq, to be sent again (rule L13). */
void		 stream_each_sync(struct stream *s, uint64_t seq,
		    void (*on_sync)(const struct op *op, void *arg),
		    void *arg);
void		 stream_sent(struct stream *s, uint64_t seq);
void		 stream_on_applied(struct stream *s, uint64_t seq);
void		 stream_on_synced(struct stream *s, uint64_t seq);
void		 stream_on_durable(struct stream *s, uint64_t seq);

#endif

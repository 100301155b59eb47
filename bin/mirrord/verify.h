/* SPDX-License-Identifier: ISC */
/*
 * Compares what the two nodes hold, while the application works.
 *
 * The two trees are equal at equal points of the stream, and at no other
 * moment: the second is always some changes behind.  So a difference is only
 * one when both sides looked at the same point.  Two steps, since looking
 * costs disk reads and being exact costs a lock:
 *
 *  1. A look.  The primary walks its tree and reads without any lock, and
 *     sends what it saw beside the stream: names with their ids, attributes,
 *     the hash of each 128 KiB.  A thread of the second, of idle priority,
 *     looks at its own.  What is not equal, because it is or because it was
 *     being changed, is a suspicion, and it says so.  What is equal is done:
 *     a lasting difference is not equal at any time, whoever looks when.
 *  2. A statement.  For each suspicion the primary takes the lock of the
 *     object, under which changes of it are made and queued (rule R1), reads
 *     once more, and queues what it saw in the stream.  The second comes to
 *     it when it has applied all that is before, and nothing that is behind
 *     (R4), and compares its own then, on the thread that applies: nothing
 *     of the object can move in between.  Its verdict is a fact.
 *
 * So a healthy mirror costs reads only, and a busy block one read under its
 * lock.  Objects without a name are not replicated (R36) and not compared.
 * A name that only the second has is found by listing its directory after the
 * last of the primary's names, and is a suspicion like the others.
 *
 * Nothing is changed on either node, and nothing durable is written but the
 * result.  Whatever dies or ends meanwhile ends the comparison with a reason.
 */
#ifndef MIRRORD_VERIFY_H
#define MIRRORD_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "object.h"
#include "stream.h"
#include "verify-list.h"

struct verify;

struct verify_conf {
	int		 state_fd;	/* borrowed; -1: no file */
	const char	*node;		/* this one's name */
	const char	*const *dir;	/* for paths, as the roots */
	unsigned	 dir_count;
	uint64_t	 rate_bytes_s;	/* 0: as fast as it goes */
	/* link_send(). */
	int		(*send)(struct frame_out *f, void *arg);
	/* It began, went on or ended; from any thread. */
	void		(*on_change)(void *arg);
	void		*arg;
};

struct verify	*verify_new(const struct verify_conf *conf);
/* While the tree is open.  detach: nothing of them is used any more. */
void		 verify_attach(struct verify *v, struct objects *o,
		    struct stream *s);
void		 verify_detach(struct verify *v);

/* Primary, the peer is a member.  0; -EBUSY: one runs; -errno. */
int		 verify_start(struct verify *v, const char *who,
		    const char *epoch);
/* Ends it soon, if one runs: VS_CANCELLED or VS_BROKEN. */
void		 verify_cancel(struct verify *v, enum verify_state how,
		    const char *why);
bool		 verify_is_running(struct verify *v);
/* A frame of 96..111; -1: close the connection. */
int		 verify_on_frame(struct verify *v, struct frame_in *f,
		    uint64_t oid, bool is_primary);

/* The thread that calls it is of the least priority from now. */
void		 verify_idle_thread(void);

struct verify_progress {
	struct verify_result res;	/* diff: NULL */
	uint64_t	total;		/* objects there are, about */
	uint64_t	statements;	/* suspicions looked into */
};
void		 verify_progress(struct verify *v, struct verify_progress *p);
/* The last result with each difference. */
void		 verify_each(struct verify *v, void (*on_diff)(
		    const struct verify_diff *d, void *arg), void *arg);
/*
 * Repair: what a resync has to look at; then that it was asked for.  -ENOENT:
 * no differences; -ESTALE: found in another epoch than this.
 */
int		 verify_dirty(struct verify *v, const char *epoch,
		    struct dirtyset *set);
void		 verify_note_repair(struct verify *v);

#endif

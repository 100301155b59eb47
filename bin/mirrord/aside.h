/* SPDX-License-Identifier: ISC */
/*
 * Sets aside what this node has beyond the common base before it becomes
 * the target of another history (rules L15, R49, R50):
 * .holdfast/diverged/NAME, libcommon/asidelist.h.  Nothing of it is ever
 * replicated.
 *
 *	aside_take()	builds it, from the set of what was changed here or,
 *			without one, of everything there is
 *	then `resyncing' is durable, and the resync begins
 *	aside_before()	before the first change of each object
 *	aside_settle()	what turned out to be the other node's as well goes
 *	aside_last()	from here on nothing of it is shared
 *	aside_finish()	LIST tells what is left
 *
 * What was changed is copied at once.  All else is held by a hard link, which
 * costs no room: an object that the resync removes stays by it, and of one
 * that it is about to change a copy takes the link's place first, durably.
 * So it does not matter what the logs are worth, and a crash at any moment
 * finds in the set-aside itself how far it was:
 *
 *	BUILDING	nothing was overwritten: it is thrown away
 *	HELD		complete; of what is linked nothing was overwritten
 *	neither		done: never touched again but by the operator
 */
#ifndef MIRRORD_ASIDE_H
#define MIRRORD_ASIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "asidelist.h"
#include "dirty.h"
#include "object.h"

struct aside;

struct aside_conf {
	struct objects	*objects;
	unsigned	 root_count;
	/*
	 * What there is are edits of a stopped node (R42): the set tells what
	 * was touched, not that it differs, so that nothing is copied before
	 * it is known to; and a time alone is no content.
	 */
	bool		 edits;
	/* Both may be NULL.  From the thread of aside_take(). */
	bool		(*stop)(void *arg);
	void		(*on_bytes)(uint64_t done, uint64_t total, void *arg);
	void		*arg;
};

struct aside	*aside_new(const struct aside_conf *conf);
void		 aside_free(struct aside *a);

/*
 * set NULL: everything, compared later.  0 when it is complete and synced;
 * -ENOSPC with what is needed and there; -ECANCELED; another -errno.  After
 * a failure nothing of it is left, and nothing was changed.
 */
struct aside_room {
	uint64_t	need;
	uint64_t	have;
};
int		 aside_take(struct aside *a, const struct aside_head *head,
		    const struct dirtyset *set, struct aside_room *room);
/* Of an earlier life: 1 taken up, 0 there is none, -errno. */
int		 aside_resume(struct aside *a);
/* What an earlier life left before it was complete, or, `held' too, before
 * anything was overwritten.  0 or -errno. */
int		 aside_drop(struct aside *a, bool held);
bool		 aside_is_open(const struct aside *a);

/* oid is about to be changed, or a name of it.  0 or -errno: then not. */
int		 aside_before(struct aside *a, uint64_t oid);
/*
 * oid is being compared.  settle: that is over for those that were, and what
 * is as it was is the other node's as well.  durable: it is let go, and the
 * caller syncs; else a crash would bring back a link to what has changed.
 */
int		 aside_compared(struct aside *a, uint64_t oid);
int		 aside_settle(struct aside *a, bool durable);
/* After -ENOSPC or -EDQUOT of one of these: for the object it was about. */
void		 aside_lacks(struct aside *a, struct aside_room *room);
/* Links of ours to the object behind fd. */
unsigned	 aside_links(struct aside *a, unsigned root, uint64_t ino);
int		 aside_last(struct aside *a);
/* Closed before the resync was through: what the tree still has is let go,
 * all else stays. */
int		 aside_release(struct aside *a, bool *left);
/* *left: something was set aside.  0 or -errno: it is tried again. */
int		 aside_finish(struct aside *a, bool *left);

/*
 * Rule R50: what lies in stage when a half copied node is forced to be
 * primary; its names are not known.  head NULL: only what an earlier life
 * began.  *left: something is there now.  0 or -errno.
 */
int		 aside_stage(struct objects *o, unsigned root_count,
		    const struct aside_head *head, bool *left);

/* .holdfast/diverged below a root, -1 with errno; the caller's. */
int		 aside_open_top(int root_fd, bool make);

#endif

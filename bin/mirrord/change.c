/* SPDX-License-Identifier: ISC */
/*
 * The one door of changes.  Decides which activity records a change needs,
 * keeps the sets of what the peer may lack, and lets go of both only when
 * they are durable elsewhere.
 *
 * Time is cut into periods by checkpoints.  A change belongs to the period
 * of its change_begin(), which also pins its activity slots; its note goes
 * into the set of the period of its change_commit().  `settled' is the
 * oldest period of which something is still in hand when a checkpoint
 * begins.  What the peer confirms at a checkpoint lets go of what was
 * settled, and noted, at the checkpoint before it: the sequence number was
 * read later than that, so that it covers all of it, whatever was queued
 * while it was read.
 *
 * Rule R15: while w is the period, objects from new_from[w] on are written
 * without records of their own.  Their directory is pinned by the period
 * they were noted in, and the mark in the activity log is new_from of a
 * settled period, so all such writes are durable before either lets go.
 */
#include "change.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "fail.h"
#include "xalloc.h"

#include "change-keys.h"
#include "unlogged.h"

#define PERIODS		4u	/* counters; a period waits for its cell */
#define ROOM_WAIT_MS	200
#define STORE_OF(oid)	((oid) >> 40)

struct change {
	struct actlog	*al;
	struct dirty	*log;
	struct stream	*stream;

	/* The hot path reads these without the lock. */
	_Atomic uint64_t period;
	_Atomic uint64_t new_from;	/* of this period; UINT64_MAX: none */
	atomic_uint	 in_hand[PERIODS];
	atomic_bool	 frozen;

	struct unlogged	 unlogged;

	pthread_mutex_t	 flush_lock;	/* the log; taken before lock */
	pthread_mutex_t	 lock;		/* all below */
	pthread_cond_t	 thawed;
	pthread_cond_t	 idle;
	bool		 alone;
	struct dirtyset	*durable;	/* what the log holds, and more */
	struct dirtyset	*cur, *prev, *older;
	struct dirtyset	*moved;		/* while a resync runs */
	uint64_t	 newest;	/* highest oid created here */
	uint64_t	 from[PERIODS];	/* new_from of the last periods */
	uint64_t	 settled;	/* when the last checkpoint began */
	bool		 pending;	/* a checkpoint is under way */
	uint64_t	 checkpoint;	/* its sequence */
	uint64_t	 cool_below;	/* what it will let go of */
};

/* The change this thread has in hand; a thread serves one at a time. */
static _Thread_local struct {
	struct change	*owner;
	uint64_t	 period;
} hand;

struct change *
change_new(struct actlog *a, struct dirty *d, struct dirtyset *durable_set,
    struct stream *s)
{
	struct change *c = xcalloc(1, sizeof(*c));
	struct actlog_slot *slot;
	unsigned count = 0;

	c->al = a;
	c->log = d;
	c->stream = s;
	c->durable = durable_set;
	c->cur = dirtyset_new();
	c->prev = dirtyset_new();
	c->older = dirtyset_new();
	atomic_init(&c->period, 1);
	atomic_init(&c->new_from, UINT64_MAX);
	memset(c->from, 0xff, sizeof(c->from));
	c->settled = 1;
	unlogged_init(&c->unlogged);
	pthread_mutex_init(&c->flush_lock, NULL);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->thawed, NULL);
	clock_cond_init(&c->idle);

	slot = actlog_list(a, &count);
	dirtyset_slots(c->cur, slot, count);
	free(slot);
	return c;
}

void
change_free(struct change *c)
{
	if (c == NULL)
		return;
	dirtyset_free(c->cur);
	dirtyset_free(c->prev);
	dirtyset_free(c->older);
	dirtyset_free(c->moved);
	pthread_cond_destroy(&c->idle);
	pthread_cond_destroy(&c->thawed);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->flush_lock);
	unlogged_fini(&c->unlogged);
	free(c);
}

void
change_on_log_error(struct change *c, int (*on_error)(int error, void *arg),
    void *arg)
{
	c->unlogged.on_error = on_error;
	c->unlogged.arg = arg;
}

bool
change_is_unlogged(struct change *c)
{
	return atomic_load(&c->unlogged.wanted);
}

void
change_set_epoch(struct change *c, struct epoch epoch)
{
	pthread_mutex_lock(&c->flush_lock);
	actlog_set_epoch(c->al, epoch);
	dirty_set_epoch(c->log, epoch);
	pthread_mutex_unlock(&c->flush_lock);
}

/* Rule R15: created since the last checkpoint began, below a directory that
 * is hot for that reason: compared whole after a crash. */
static bool
is_new(struct change *c, uint64_t oid)
{
	uint64_t from = atomic_load_explicit(&c->new_from,
	    memory_order_acquire);

	return oid >= from && STORE_OF(oid) == STORE_OF(from);
}

static void
keys_of(struct change_keys *k, struct change *c, const struct op *op)
{
	change_keys(k, op, is_new(c, op->dir), is_new(c, op->dir2));
}

/* ---- in hand ---- */

static void
hand_put(struct change *c)
{
	unsigned cell;

	if (hand.owner != c)
		return;
	cell = hand.period % PERIODS;
	hand.owner = NULL;
	if (atomic_fetch_sub(&c->in_hand[cell], 1) == 1 &&
	    atomic_load(&c->frozen)) {
		pthread_mutex_lock(&c->lock);
		pthread_cond_broadcast(&c->idle);
		pthread_mutex_unlock(&c->lock);
	}
}

/* Enters the present period; waits while frozen. */
static uint64_t
hand_take(struct change *c)
{
	uint64_t p;

	/* A missing end of the last change must not stop checkpoints. */
	hand_put(c);
	for (;;) {
		p = atomic_load(&c->period);
		atomic_fetch_add(&c->in_hand[p % PERIODS], 1);
		hand.owner = c;
		hand.period = p;
		if (!atomic_load(&c->frozen) && atomic_load(&c->period) == p)
			return p;
		hand_put(c);
		pthread_mutex_lock(&c->lock);
		while (atomic_load(&c->frozen))
			pthread_cond_wait(&c->thawed, &c->lock);
		pthread_mutex_unlock(&c->lock);
	}
}

/* The oldest period something is in hand of; `now' when nothing is. */
static uint64_t
oldest_in_hand(struct change *c, uint64_t now)
{
	uint64_t p;

	for (p = now >= PERIODS ? now - (PERIODS - 1) : 1; p < now; p++)
		if (atomic_load(&c->in_hand[p % PERIODS]) != 0)
			return p;
	return now;
}

/* Lock held.  False: a change of four periods ago still occupies the cell. */
static bool
next_period(struct change *c)
{
	uint64_t p = atomic_load(&c->period);

	if (atomic_load(&c->in_hand[(p + 1) % PERIODS]) != 0)
		return false;
	if (c->newest != 0 &&
	    STORE_OF(actlog_mark(c->al)) == STORE_OF(c->newest))
		atomic_store(&c->new_from, c->newest + 1);
	c->from[(p + 1) % PERIODS] = atomic_load(&c->new_from);
	atomic_store(&c->period, p + 1);
	return true;
}

/* ---- the door ---- */

static int	flush_locked(struct change *c);

/* All slots are pinned.  Alone we make room ourselves; else a checkpoint of
 * both nodes does, or the peer leaves. */
static int
make_room(struct change *c, unsigned count)
{
	int rc = 0;

	pthread_mutex_lock(&c->flush_lock);
	/* Somebody else may have made it while we waited for the lock. */
	if (c->alone && !actlog_wait_room(c->al, count, 0))
		rc = flush_locked(c);
	pthread_mutex_unlock(&c->flush_lock);
	if (rc == 0)
		(void)actlog_wait_room(c->al, count, ROOM_WAIT_MS);
	return rc; /* without room it is tried again */
}

int
change_begin(struct change *c, const struct op *op)
{
	struct change_keys k = { 0 };
	uint64_t object = change_object(op), p;
	int rc;

	if (object == 0 || !is_new(c, object))
		keys_of(&k, c, op);
	for (;;) {
		p = hand_take(c);
		/* It may have aged while we waited outside. */
		if (k.count == 0 && object != 0 && !is_new(c, object))
			keys_of(&k, c, op);
		rc = k.count == 0 || atomic_load(&c->unlogged.given) ? 0 :
		    actlog_touch_many(c->al, k.key, k.count, p);
		if (rc != 0 && rc != -EAGAIN)
			rc = unlogged_ask(&c->unlogged, rc);
		if (rc != -EAGAIN)
			break;
		/* Not in hand meanwhile: room comes of a checkpoint, which
		 * waits for what is in hand. */
		hand_put(c);
		rc = make_room(c, k.count);
		if (rc != 0)
			return rc;
	}
	if (rc != 0)
		hand_put(c);
	return rc;
}

static void
note(struct change *c, const struct op *op, bool moved)
{
	pthread_mutex_lock(&c->lock);
	dirtyset_note(c->cur, op);
	if (moved && c->moved != NULL)
		dirtyset_note(c->moved, op);
	switch (op->type) {
	case OP_CREATE:
	case OP_MKDIR:
	case OP_MKNOD:
	case OP_SYMLINK:
	case OP_TMPFILE:
		/* The highest of the newest store: that is ours. */
		if (op->obj > c->newest)
			c->newest = op->obj;
		break;
	default:
		break;
	}
	pthread_mutex_unlock(&c->lock);
}

/* A change of names that was in hand while a checkpoint began: its
 * directories are pinned by the period it is noted in, for the sake of new
 * objects below them.  They are still hot, so this does not wait. */
static void
pin_again(struct change *c, const struct op *op)
{
	uint64_t p = atomic_load(&c->period);
	struct change_keys k = { 0 };

	if (hand.owner != c || hand.period == p || change_object(op) != 0)
		return;
	keys_of(&k, c, op);
	if (k.count > 0)
		(void)actlog_touch_many(c->al, k.key, k.count, p); /* hot */
}

uint64_t
change_commit(struct change *c, const struct op *op)
{
	uint64_t seq = stream_enqueue(c->stream, op);

	if (op->type != OP_SYNC) {
		note(c, op, true);
		pin_again(c, op);
		hand_put(c);
	}
	return seq;
}

void
change_abort(struct change *c, const struct op *op)
{
	note(c, op, true);
	pin_again(c, op);
	hand_put(c);
}

int
change_differs(struct change *c, const struct op *op)
{
	struct change_keys k = { 0 };
	struct actlog_slot slot;
	unsigned i;
	int rc;

	change_keys_whole(&k, op);
	rc = actlog_touch_many(c->al, k.key, k.count,
	    atomic_load(&c->period));
	pthread_mutex_lock(&c->lock);
	for (i = 0; i < k.count; i++) {
		slot = (struct actlog_slot){ k.key[i].kind, k.key[i].oid,
		    k.key[i].extent };
		dirtyset_slots(c->cur, &slot, 1);
	}
	pthread_mutex_unlock(&c->lock);
	return rc;
}

int
change_found(struct change *c, struct objects *o, uint64_t dir,
    const char *name, bool by_resync, uint64_t *oid, struct stat *st)
{
	struct op op = { .type = OP_CREATE, .dir = dir };
	int rc;

	if (strlen(name) > OP_NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(op.name, name, strlen(name) + 1);
	rc = change_begin(c, &op);
	if (rc != 0)
		return rc;
	rc = object_lookup(o, dir, name, true, oid, st);
	if (rc == 0) {
		op.obj = *oid;
		note(c, &op, !by_resync);
		pin_again(c, &op);
	}
	hand_put(c);
	return rc;
}

void
change_gone(struct change *c, uint64_t oid)
{
	pthread_mutex_lock(&c->lock);
	dirtyset_remove(c->cur, oid);
	dirtyset_remove(c->prev, oid);
	dirtyset_remove(c->older, oid);
	dirtyset_remove(c->durable, oid);
	if (c->moved != NULL)
		dirtyset_remove(c->moved, oid);
	pthread_mutex_unlock(&c->lock);
}

/* ---- checkpoints ---- */

/* Lock held: cur -> prev -> older. */
static void
rotate(struct change *c)
{
	struct dirtyset *empty;

	if (dirtyset_is_empty(c->older)) {
		empty = c->older;
		c->older = c->prev;
	} else {
		dirtyset_merge(c->older, c->prev);
		empty = c->prev;
	}
	dirtyset_clear(empty);
	c->prev = c->cur;
	c->cur = empty;
}

/* Flush lock held.  A mark must be durable before the first new object goes
 * without records; after that it only rises. */
static void
first_mark(struct change *c)
{
	uint64_t newest;

	pthread_mutex_lock(&c->lock);
	newest = c->newest;
	pthread_mutex_unlock(&c->lock);
	if (newest != 0 && STORE_OF(actlog_mark(c->al)) != STORE_OF(newest))
		(void)actlog_touch(c->al, AK_MARK, newest + 1, 0, 0);
		/* failing: nothing goes without records */
}

/* Flush lock held.  Slots of the periods below leave the activity log. */
static void
cool_below(struct change *c, uint64_t below)
{
	uint64_t mark = UINT64_MAX, old = actlog_mark(c->al);

	if (below <= 1)
		return;
	pthread_mutex_lock(&c->lock);
	if (below + PERIODS > atomic_load(&c->period))
		mark = c->from[below % PERIODS];
	pthread_mutex_unlock(&c->lock);
	if (mark != UINT64_MAX && mark > old &&
	    STORE_OF(mark) == STORE_OF(old))
		(void)actlog_touch(c->al, AK_MARK, mark, 0, 0);
	/* Not written: they are compared once more after a crash. */
	(void)actlog_cool(c->al, below - 1);
}

void
change_checkpoint_begin(struct change *c, uint64_t seq)
{
	pthread_mutex_lock(&c->flush_lock);
	first_mark(c);
	pthread_mutex_lock(&c->lock);
	/* One under way is answered by this one, too. */
	if (!c->pending && !c->alone && next_period(c)) {
		rotate(c);
		c->pending = true;
		c->checkpoint = seq;
		c->cool_below = c->settled;
		c->settled = oldest_in_hand(c, atomic_load(&c->period));
	}
	pthread_mutex_unlock(&c->lock);
	pthread_mutex_unlock(&c->flush_lock);
}

void
change_checkpoint_done(struct change *c, uint64_t seq)
{
	uint64_t below = 0;

	pthread_mutex_lock(&c->flush_lock);
	pthread_mutex_lock(&c->lock);
	if (c->pending && seq >= c->checkpoint) {
		dirtyset_clear(c->older);
		c->pending = false;
		below = c->cool_below;
	}
	pthread_mutex_unlock(&c->lock);
	cool_below(c, below);
	pthread_mutex_unlock(&c->flush_lock);
}

/* Flush lock held: all that was noted goes into the log, durable. */
static int
flush_locked(struct change *c)
{
	struct dirtyset *delta;
	uint64_t below;
	int rc = 0;

	first_mark(c);
	delta = dirtyset_new();
	pthread_mutex_lock(&c->lock);
	(void)next_period(c); /* an old change in hand: cool less */
	c->settled = oldest_in_hand(c, atomic_load(&c->period));
	below = c->settled;
	dirtyset_merge(delta, c->older);
	dirtyset_merge(delta, c->prev);
	dirtyset_merge(delta, c->cur);
	dirtyset_merge(c->durable, delta);
	dirtyset_clear(c->older);
	dirtyset_clear(c->prev);
	dirtyset_clear(c->cur);
	pthread_mutex_unlock(&c->lock);

	if (dirty_append(c->log, delta) == -1) {
		rc = errno == 0 ? -EIO : -errno;
		pthread_mutex_lock(&c->lock);
		dirtyset_merge(c->older, delta);
		pthread_mutex_unlock(&c->lock);
	}
	fail_point(30);
	dirtyset_free(delta);
	if (rc == 0)
		cool_below(c, below);
	return rc;
}

int
change_flush(struct change *c)
{
	int rc = 0;

	pthread_mutex_lock(&c->flush_lock);
	if (c->alone)
		rc = flush_locked(c);
	pthread_mutex_unlock(&c->flush_lock);
	return rc;
}

int
change_go_alone(struct change *c)
{
	int rc;

	pthread_mutex_lock(&c->flush_lock);
	pthread_mutex_lock(&c->lock);
	c->alone = true;
	c->pending = false;
	pthread_mutex_unlock(&c->lock);
	rc = flush_locked(c);
	pthread_mutex_unlock(&c->flush_lock);
	return rc;
}

uint64_t
change_dirty_bytes(struct change *c)
{
	uint64_t bytes;

	pthread_mutex_lock(&c->lock);
	bytes = dirtyset_bytes(c->durable);
	if (c->alone)
		bytes += dirtyset_bytes(c->cur) + dirtyset_bytes(c->prev) +
		    dirtyset_bytes(c->older);
	pthread_mutex_unlock(&c->lock);
	return bytes;
}

/* ---- resync ---- */

/* Lock held. */
static void
merge_all(struct change *c, struct dirtyset *into)
{
	dirtyset_merge(into, c->durable);
	dirtyset_merge(into, c->older);
	dirtyset_merge(into, c->prev);
	dirtyset_merge(into, c->cur);
}

struct dirtyset *
change_lacks(struct change *c)
{
	struct dirtyset *all = dirtyset_new();

	pthread_mutex_lock(&c->lock);
	merge_all(c, all);
	pthread_mutex_unlock(&c->lock);
	return all;
}

struct dirtyset *
change_track_start(struct change *c)
{
	struct dirtyset *all = dirtyset_new();

	/* Failing, it is in memory and in the activity log all the same. */
	(void)change_flush(c);
	pthread_mutex_lock(&c->lock);
	merge_all(c, all);
	dirtyset_free(c->moved);
	c->moved = dirtyset_new();
	pthread_mutex_unlock(&c->lock);
	return all;
}

struct dirtyset *
change_track_next(struct change *c)
{
	struct dirtyset *next = dirtyset_new(), *moved;

	pthread_mutex_lock(&c->lock);
	moved = c->moved;
	if (moved != NULL)
		c->moved = next;
	pthread_mutex_unlock(&c->lock);
	return moved != NULL ? moved : next;
}

void
change_track_stop(struct change *c)
{
	pthread_mutex_lock(&c->lock);
	dirtyset_free(c->moved);
	c->moved = NULL;
	pthread_mutex_unlock(&c->lock);
}

static int
merge(struct change *c, const struct dirtyset *more, bool moved)
{
	int rc;

	pthread_mutex_lock(&c->flush_lock);
	pthread_mutex_lock(&c->lock);
	dirtyset_merge(c->durable, more);
	if (moved && c->moved != NULL)
		dirtyset_merge(c->moved, more);
	pthread_mutex_unlock(&c->lock);
	rc = dirty_append(c->log, more) == -1 ? -errno : 0;
	pthread_mutex_unlock(&c->flush_lock);
	return rc;
}

int
change_merge(struct change *c, const struct dirtyset *more)
{
	return merge(c, more, true);
}

int
change_owe(struct change *c, const struct dirtyset *more)
{
	return merge(c, more, false);
}

static bool
none_in_hand(struct change *c)
{
	unsigned i;

	for (i = 0; i < PERIODS; i++)
		if (atomic_load(&c->in_hand[i]) != 0)
			return false;
	return true;
}

int
change_freeze(struct change *c, int64_t timeout_ms)
{
	struct timespec t;
	bool idle, late = false;

	clock_after(&t, timeout_ms * 1000000);
	pthread_mutex_lock(&c->lock);
	atomic_store(&c->frozen, true);
	/* Once idle, it is: who comes now counts for a moment, turns back. */
	while (!(idle = none_in_hand(c)) && !late)
		late = pthread_cond_timedwait(&c->idle, &c->lock, &t) != 0;
	pthread_mutex_unlock(&c->lock);
	if (idle)
		return 0;
	change_thaw(c);
	return -ETIMEDOUT;
}

void
change_thaw(struct change *c)
{
	pthread_mutex_lock(&c->lock);
	atomic_store(&c->frozen, false);
	pthread_cond_broadcast(&c->thawed);
	pthread_mutex_unlock(&c->lock);
}

void
change_connect(struct change *c)
{
	pthread_mutex_lock(&c->flush_lock);
	pthread_mutex_lock(&c->lock);
	c->alone = false;
	c->pending = false;
	pthread_mutex_unlock(&c->lock);
	pthread_mutex_unlock(&c->flush_lock);
}

int
change_level(struct change *c)
{
	struct dirtyset *none = dirtyset_new();
	int rc = 0;

	pthread_mutex_lock(&c->flush_lock);
	fail_point(45);
	if (c->alone)
		rc = -EBUSY; /* it went alone again meanwhile: all is owed */
	else if (dirty_replace(c->log, none) == -1)
		rc = -errno;
	if (rc == 0) {
		pthread_mutex_lock(&c->lock);
		dirtyset_clear(c->durable);
		pthread_mutex_unlock(&c->lock);
	}
	pthread_mutex_unlock(&c->flush_lock);
	dirtyset_free(none);
	return rc;
}

int
change_reset(struct change *c)
{
	int rc;

	pthread_mutex_lock(&c->flush_lock);
	pthread_mutex_lock(&c->lock);
	c->alone = false;
	c->pending = false;
	dirtyset_clear(c->cur);
	dirtyset_clear(c->prev);
	dirtyset_clear(c->older);
	pthread_mutex_unlock(&c->lock);
	/* A new life: what was created before has records again. */
	atomic_store(&c->new_from, UINT64_MAX);
	pthread_mutex_unlock(&c->flush_lock);
	rc = actlog_reset(c->al);
	if (rc != 0)
		return rc;
	unlogged_end(&c->unlogged);
	return change_level(c);
}

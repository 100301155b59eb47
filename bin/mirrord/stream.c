/* SPDX-License-Identifier: ISC */
/*
 * Locks, waiting and marks around queue.c.  A sequence is given under the
 * lock, the bytes are copied outside of it, and the sender takes entries in
 * order as they are committed.  Called by the FUSE workers (enqueue, wait),
 * by link.c (next, marks) and by the role machine (set, reset, stall).
 */
#include "stream.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"

#include "queue.h"
#include "wire.h"

/* More syncs than this in flight wait; a FUSE mount has far fewer. */
#define PENDING_MAX	1024

/* So much unsent is worth a wake-up by itself. */
#define URGENT_BYTES	(64 * 1024)
/*
 * Small writes wait so long for company: a sync, which sends them along, or
 * more of them.  After some empty rounds the sender sleeps until woken, so
 * that an idle node has no timer and a busy one no wake-up a request.
 */
#define LINGER_NS	1000000
#define LINGER_ROUNDS	20

enum sender_state { SENDER_BUSY, SENDER_LINGERS, SENDER_SLEEPS };

enum pending_state { PS_FREE, PS_WAITING, PS_ANSWERED };

/* A sync that was queued and whose waiter has not left yet. */
struct pending {
	enum pending_state state;
	bool		 want_received;
	uint64_t	 seq;
	uint64_t	 oid;
	uint32_t	 flags;
	struct timespec	 mtime;
	struct mono	 since;
	pthread_cond_t	 cond;
};

struct stream {
	pthread_mutex_t	 lock;
	struct queue	 queue;
	enum stream_set	 set;
	bool		 is_aborted;
	bool		 has_cut;	/* a change was refused for that */

	pthread_cond_t	 room;		/* blocked enqueues */
	unsigned	 blocked;
	struct mono	 blocked_since;	/* or since the last progress */

	pthread_cond_t	 commit;	/* the sender */
	_Atomic int	 sender;	/* enum sender_state */
	atomic_bool	 is_urgent;	/* it should not linger */
	uint64_t	 cursor_seq;	/* what the sender asks for next */
	uint64_t	 cursor_pos;
	uint64_t	 sent;
	void		(*push)(void *arg);
	void		*push_arg;
	unsigned	 pushing;
	pthread_cond_t	 pushed;

	pthread_cond_t	 marks;		/* who waits for `applied' */
	unsigned	 marks_waiters;
	struct mono	 marks_since;	/* they wait, or it rose last */
	uint64_t	 applied;
	uint64_t	 durable;

	struct pending	 pending[PENDING_MAX];
	unsigned	 waiting;	/* in state PS_WAITING */
};

struct stream *
stream_new(void *memory, size_t size)
{
	struct stream *s;
	unsigned i;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	if (!queue_init(&s->queue, memory, size)) {
		free(s);
		errno = EINVAL;
		return NULL;
	}
	queue_marks(&s->queue, &s->applied, &s->durable);
	s->cursor_seq = s->queue.tail_seq;
	s->cursor_pos = s->queue.tail_pos;
	(void)pthread_mutex_init(&s->lock, NULL);
	clock_cond_init(&s->room);
	clock_cond_init(&s->commit);
	clock_cond_init(&s->marks);
	clock_cond_init(&s->pushed);
	for (i = 0; i < PENDING_MAX; i++)
		clock_cond_init(&s->pending[i].cond);
	return s;
}

void
stream_free(struct stream *s)
{
	unsigned i;

	if (s == NULL)
		return;
	for (i = 0; i < PENDING_MAX; i++)
		(void)pthread_cond_destroy(&s->pending[i].cond);
	(void)pthread_cond_destroy(&s->room);
	(void)pthread_cond_destroy(&s->commit);
	(void)pthread_cond_destroy(&s->marks);
	(void)pthread_cond_destroy(&s->pushed);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

uint64_t
stream_id(const struct stream *s)
{
	return queue_id(&s->queue);
}

static struct pending *
pending_find(struct stream *s, uint64_t seq)
{
	struct pending *p;
	unsigned i;

	for (i = 0; i < PENDING_MAX; i++) {
		p = &s->pending[(seq + i) % PENDING_MAX];
		if (p->state != PS_FREE && p->seq == seq)
			return p;
	}
	return NULL;
}

/* A place for the sync that will be seq.  An answer nobody came for may be
 * forgotten: who comes late finds nothing and is answered too. */
static struct pending *
pending_place(struct stream *s, uint64_t seq)
{
	struct pending *p, *answered = NULL;
	unsigned i;

	for (i = 0; i < PENDING_MAX; i++) {
		p = &s->pending[(seq + i) % PENDING_MAX];
		if (p->state == PS_FREE)
			return p;
		if (p->state == PS_ANSWERED && answered == NULL)
			answered = p;
	}
	return answered;
}

/* The caller signals p->cond, best after the lock is free again. */
static bool
pending_answer(struct stream *s, struct pending *p)
{
	if (p->state != PS_WAITING)
		return false;
	p->state = PS_ANSWERED;
	s->waiting--;
	return true;
}

/* Whether an op of this kind goes into the queue now. */
static bool
is_wanted(const struct stream *s, uint16_t type)
{
	if (s->is_aborted || s->set == SS_SELF)
		return false;
	return type != OP_SYNC || s->set == SS_BOTH;
}

/*
 * Reserves room under the lock; waits for it.  NULL: not wanted (any more).
 * *p gets the place of a sync.
 */
static struct queue_entry *
reserve(struct stream *s, uint16_t type, size_t len, uint8_t **buf,
    uint64_t *seq, struct pending **p)
{
	struct queue_entry *e = NULL;

	*p = NULL;
	while (is_wanted(s, type)) {
		if (type == OP_SYNC)
			*p = pending_place(s, s->queue.next_seq);
		if (type != OP_SYNC || *p != NULL)
			e = queue_reserve(&s->queue, len, buf, seq);
		if (e != NULL)
			break;
		if (s->blocked++ == 0)
			s->blocked_since = mono_now();
		(void)pthread_cond_wait(&s->room, &s->lock);
		s->blocked--;
	}
	return e;
}

/* After a commit.  The fence pairs with that of stream_await(): one of the
 * two sees the other's store. */
static void
wake_sender(struct stream *s, bool is_urgent)
{
	int sender;

	if (is_urgent)
		atomic_store(&s->is_urgent, true);
	atomic_thread_fence(memory_order_seq_cst);
	sender = atomic_load_explicit(&s->sender, memory_order_relaxed);
	if (sender == SENDER_BUSY ||
	    (sender == SENDER_LINGERS && !is_urgent))
		return;
	(void)pthread_mutex_lock(&s->lock);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_cond_signal(&s->commit);
}

static uint64_t
unsent_bytes(const struct stream *s)
{
	return s->queue.head_pos - s->cursor_pos;
}

uint64_t
stream_enqueue(struct stream *s, const struct op *op)
{
	struct queue_entry *e;
	struct frame_out f;
	struct pending *p;
	uint8_t *buf;
	uint64_t seq = 0;
	size_t room = op_frame_max(op);
	bool is_much;

	(void)pthread_mutex_lock(&s->lock);
	e = reserve(s, (uint16_t)op->type, room, &buf, &seq, &p);
	if (e != NULL && p != NULL) {
		/* A forgotten answer may have been here. */
		p->state = PS_WAITING;
		p->want_received = false;
		p->seq = seq;
		p->oid = op->obj;
		p->flags = op->flags;
		p->mtime = op->mtime;
		p->since = mono_now();
		s->waiting++;
	}
	is_much = unsent_bytes(s) >= URGENT_BYTES;
	if (e == NULL && s->set != SS_SELF && op->type != OP_SYNC)
		s->has_cut = true;
	(void)pthread_mutex_unlock(&s->lock);
	if (e == NULL)
		return 0;
	op_put(&f, buf, room, op);
	queue_commit(e, seq, frame_end(&f));
	wake_sender(s, is_much);
	return seq;
}

uint64_t
stream_offer_frame(struct stream *s, const void *frame, size_t len)
{
	struct queue_entry *e = NULL;
	uint8_t *buf;
	uint64_t seq = 0;

	(void)pthread_mutex_lock(&s->lock);
	if (!s->is_aborted && s->set == SS_BOTH)
		e = queue_reserve(&s->queue, len, &buf, &seq);
	(void)pthread_mutex_unlock(&s->lock);
	if (e == NULL)
		return 0;
	memcpy(buf, frame, len);
	queue_commit(e, seq, len);
	wake_sender(s, true);
	return seq;
}

uint64_t
stream_enqueue_frame(struct stream *s, const struct frame_out *f)
{
	struct queue_entry *e;
	struct pending *none;
	uint8_t *buf;
	uint64_t seq = 0;

	(void)pthread_mutex_lock(&s->lock);
	e = reserve(s, WT_VOID, f->len, &buf, &seq, &none);
	(void)pthread_mutex_unlock(&s->lock);
	if (e == NULL)
		return 0;
	memcpy(buf, f->buf, f->len);
	queue_commit(e, seq, f->len);
	wake_sender(s, true);
	return seq;
}

uint64_t
stream_checkpoint(struct stream *s)
{
	uint8_t buf[FRAME_HEADER_LEN + WIRE_COMMON_LEN];
	struct frame_out f;

	wire_begin(&f, buf, sizeof(buf), WT_CHECKPOINT, 0);
	(void)frame_end(&f);
	return stream_enqueue_frame(s, &f);
}

void
stream_push(struct stream *s)
{
	void (*push)(void *arg) = NULL;

	(void)pthread_mutex_lock(&s->lock);
	if (s->set == SS_BOTH && s->push != NULL) {
		push = s->push;
		s->pushing++;
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (push == NULL)
		return;
	push(s->push_arg);
	(void)pthread_mutex_lock(&s->lock);
	if (--s->pushing == 0)
		(void)pthread_cond_broadcast(&s->pushed);
	(void)pthread_mutex_unlock(&s->lock);
}

void
stream_set_push(struct stream *s, void (*push)(void *arg), void *arg)
{
	(void)pthread_mutex_lock(&s->lock);
	s->push = NULL;
	while (s->pushing > 0)
		(void)pthread_cond_wait(&s->pushed, &s->lock);
	s->push_arg = arg;
	s->push = push;
	(void)pthread_mutex_unlock(&s->lock);
}

/* Somebody is about to wait for seq: it must be on its way. */
static void
push_for(struct stream *s, uint64_t seq)
{
	bool is_sent;

	(void)pthread_mutex_lock(&s->lock);
	is_sent = s->cursor_seq > seq;
	(void)pthread_mutex_unlock(&s->lock);
	if (!is_sent)
		stream_push(s);
}

int
stream_wait(struct stream *s, uint64_t seq, enum stream_ack ack)
{
	struct pending *p;
	int rc;

	if (seq == 0)
		return 0;
	push_for(s, seq);
	(void)pthread_mutex_lock(&s->lock);
	p = pending_find(s, seq);
	if (p != NULL)
		p->want_received = ack == SA_RECEIVED;
	while (s->set == SS_BOTH && !s->is_aborted) {
		if (ack == SA_RECEIVED && s->applied >= seq)
			break;
		if (p == NULL && ack == SA_SYNCED)
			break;
		if (p != NULL && (p->seq != seq || p->state != PS_WAITING))
			break;
		if (p != NULL) {
			(void)pthread_cond_wait(&p->cond, &s->lock);
			continue;
		}
		if (s->marks_waiters++ == 0)
			s->marks_since = mono_now();
		(void)pthread_cond_wait(&s->marks, &s->lock);
		s->marks_waiters--;
	}
	if (p != NULL && p->seq == seq && p->state != PS_FREE) {
		if (p->state == PS_WAITING)
			s->waiting--;
		p->state = PS_FREE;
		if (s->blocked > 0)
			(void)pthread_cond_broadcast(&s->room);
	}
	rc = s->is_aborted ? -ECANCELED : 0;
	(void)pthread_mutex_unlock(&s->lock);
	return rc;
}

static void
wake_all(struct stream *s)
{
	unsigned i;

	(void)pthread_cond_broadcast(&s->room);
	(void)pthread_cond_broadcast(&s->marks);
	(void)pthread_cond_broadcast(&s->commit);
	for (i = 0; i < PENDING_MAX; i++)
		if (s->pending[i].state != PS_FREE)
			(void)pthread_cond_broadcast(&s->pending[i].cond);
}

void
stream_set(struct stream *s, enum stream_set set)
{
	(void)pthread_mutex_lock(&s->lock);
	s->set = set;
	s->is_aborted = false;
	if (set == SS_SELF)
		s->has_cut = false;
	wake_all(s);
	(void)pthread_mutex_unlock(&s->lock);
}

void
stream_abort(struct stream *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->is_aborted = true;
	wake_all(s);
	(void)pthread_mutex_unlock(&s->lock);
}

bool
stream_has_cut(struct stream *s)
{
	bool cut;

	(void)pthread_mutex_lock(&s->lock);
	cut = s->has_cut;
	(void)pthread_mutex_unlock(&s->lock);
	return cut;
}

void
stream_reset(struct stream *s)
{
	(void)pthread_mutex_lock(&s->lock);
	queue_release(&s->queue, s->queue.next_seq - 1);
	s->cursor_seq = s->queue.tail_seq;
	s->cursor_pos = s->queue.tail_pos;
	(void)pthread_cond_broadcast(&s->room);
	(void)pthread_mutex_unlock(&s->lock);
}

void
stream_marks(struct stream *s, struct stream_marks *m)
{
	(void)pthread_mutex_lock(&s->lock);
	m->first = s->queue.tail_seq;
	m->enqueued = s->queue.next_seq - 1;
	m->sent = s->sent;
	m->applied = s->applied;
	m->durable = s->durable;
	(void)pthread_mutex_unlock(&s->lock);
}

int64_t
stream_stall_ms(struct stream *s)
{
	struct mono oldest = { 0 };
	const struct pending *p;
	unsigned i;

	(void)pthread_mutex_lock(&s->lock);
	if (s->blocked > 0 && s->set != SS_SELF)
		oldest = s->blocked_since;
	if (s->marks_waiters > 0 && s->set == SS_BOTH &&
	    (!mono_is_set(oldest) || s->marks_since.ns < oldest.ns))
		oldest = s->marks_since;
	for (i = 0; i < PENDING_MAX && s->waiting > 0; i++) {
		p = &s->pending[i];
		if (p->state == PS_WAITING && s->set == SS_BOTH &&
		    (!mono_is_set(oldest) || p->since.ns < oldest.ns))
			oldest = p->since;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return mono_is_set(oldest) ? mono_diff_ms(mono_now(), oldest) : 0;
}

/* Moves the cursor to seq, by walking from the tail when it is not there. */
static bool
cursor_seek(struct stream *s, uint64_t seq)
{
	uint64_t at = s->queue.tail_seq, pos = s->queue.tail_pos;
	size_t len;

	if (s->cursor_seq == seq && seq != at)
		return true;
	while (at < seq) {
		if (queue_at(&s->queue, &pos, at, &len) == NULL)
			return false;
		at++;
	}
	s->cursor_seq = at;
	s->cursor_pos = pos;
	return true;
}

void *
stream_next(struct stream *s, uint64_t seq, size_t *len)
{
	uint8_t *frame = NULL;

	(void)pthread_mutex_lock(&s->lock);
	if (seq < s->queue.tail_seq)
		seq = s->queue.tail_seq;
	if (cursor_seek(s, seq))
		frame = queue_at(&s->queue, &s->cursor_pos, seq, len);
	if (frame != NULL)
		s->cursor_seq = seq + 1;
	(void)pthread_mutex_unlock(&s->lock);
	return frame;
}

/* The lock is held; ETIMEDOUT or 0. */
static int
wait_commit(struct stream *s, int64_t ns)
{
	struct timespec until;

	clock_after(&until, ns);
	return pthread_cond_timedwait(&s->commit, &s->lock, &until);
}

void
stream_await(struct stream *s)
{
	uint64_t before = 0;
	unsigned round;
	bool sleeps;
	int rc = 0;

	(void)pthread_mutex_lock(&s->lock);
	for (round = 0; !atomic_load(&s->is_urgent) &&
	    unsent_bytes(s) < URGENT_BYTES; round++) {
		if (s->cursor_seq != before)
			round = 0;	/* syncs took it along */
		before = s->cursor_seq;
		sleeps = round >= LINGER_ROUNDS;
		atomic_store(&s->sender, sleeps ? SENDER_SLEEPS :
		    SENDER_LINGERS);
		atomic_thread_fence(memory_order_seq_cst);
		if (sleeps && unsent_bytes(s) > 0)
			break;
		rc = wait_commit(s, sleeps ? 1000000000 : LINGER_NS);
		if (sleeps && rc == ETIMEDOUT)
			break;
		if (sleeps)
			round = 0;	/* the first one: linger for more */
		else if (rc == ETIMEDOUT && unsent_bytes(s) > 0)
			break;
	}
	atomic_store(&s->is_urgent, false);
	atomic_store(&s->sender, SENDER_BUSY);
	(void)pthread_mutex_unlock(&s->lock);
}

void
stream_kick(struct stream *s)
{
	wake_sender(s, true);
}

void
stream_each_sync(struct stream *s, uint64_t seq,
    void (*on_sync)(const struct op *op, void *arg), void *arg)
{
	struct pending *p;
	struct op op;
	unsigned i;

	memset(&op, 0, sizeof(op));
	op.type = OP_SYNC;
	for (i = 0; i < PENDING_MAX; i++) {
		(void)pthread_mutex_lock(&s->lock);
		p = &s->pending[i];
		op.seq = 0;
		if (p->state != PS_FREE && p->seq <= seq) {
			/* The answer of an older connection is void. */
			if (p->state == PS_ANSWERED)
				s->waiting++;
			p->state = PS_WAITING;
			op.seq = p->seq;
			op.obj = p->oid;
			op.flags = p->flags;
			op.mtime = p->mtime;
		}
		(void)pthread_mutex_unlock(&s->lock);
		if (op.seq != 0)
			on_sync(&op, arg);
	}
}

void
stream_sent(struct stream *s, uint64_t seq)
{
	(void)pthread_mutex_lock(&s->lock);
	s->sent = seq;
	(void)pthread_mutex_unlock(&s->lock);
}

void
stream_on_applied(struct stream *s, uint64_t seq)
{
	struct pending *p;
	unsigned i;

	(void)pthread_mutex_lock(&s->lock);
	if (seq > s->applied && seq < s->queue.next_seq) {
		s->applied = seq;
		queue_set_marks(&s->queue, s->applied, s->durable);
		queue_release(&s->queue, seq);
		if (s->blocked > 0) {
			s->blocked_since = mono_now();
			(void)pthread_cond_broadcast(&s->room);
		}
		if (s->marks_waiters > 0) {
			s->marks_since = mono_now();
			(void)pthread_cond_broadcast(&s->marks);
		}
		for (i = 0; i < PENDING_MAX && s->waiting > 0; i++) {
			p = &s->pending[i];
			if (p->state == PS_WAITING && p->want_received &&
			    p->seq <= seq && pending_answer(s, p))
				(void)pthread_cond_signal(&p->cond);
		}
	}
	(void)pthread_mutex_unlock(&s->lock);
}

void
stream_on_synced(struct stream *s, uint64_t seq)
{
	struct pending *p;
	bool is_answered;

	(void)pthread_mutex_lock(&s->lock);
	p = pending_find(s, seq);
	is_answered = p != NULL && pending_answer(s, p);
	(void)pthread_mutex_unlock(&s->lock);
	if (is_answered)
		(void)pthread_cond_signal(&p->cond);
}

void
stream_on_durable(struct stream *s, uint64_t seq)
{
	(void)pthread_mutex_lock(&s->lock);
	if (seq > s->durable) {
		s->durable = seq;
		queue_set_marks(&s->queue, s->applied, s->durable);
	}
	(void)pthread_mutex_unlock(&s->lock);
}

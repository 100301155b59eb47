/* SPDX-License-Identifier: ISC */
/*
 * Where the entries are is found by walking from the tail: an entry belongs
 * to the queue when its tag names the expected sequence.  Sequences never
 * repeat, so what an older lap left behind never matches.  A hole (tag, but
 * no commit) is what a kill left of a request that was not answered: it is
 * run again from its intake slot, under a new sequence.
 */
#include "queue.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#include "wire.h"

#define QUEUE_MAGIC	0x4846515545554531ull	/* HFQUEUE1 */
#define HEAD_LEN	4096
#define ALIGN		64
#define TAG_ENTRY	0x5bd1e9955bd1e995ull
#define TAG_SKIP	0x9e3779b97f4a7c15ull
#define TAG_COMMIT	0xc2b2ae3d27d4eb4full

struct tail {
	uint64_t	pos;
	uint64_t	seq;
};

struct queue_head {
	uint64_t		magic;
	uint64_t		size;
	uint64_t		id;
	/* The copy `which' names is whole; the other may be half written. */
	struct tail		tail[2];
	_Atomic uint32_t	which;
	uint32_t		pad;
	_Atomic uint64_t	applied;
	_Atomic uint64_t	durable;
};
_Static_assert(sizeof(struct queue_head) <= HEAD_LEN, "head fits");

struct queue_entry {
	_Atomic uint64_t	tag;
	_Atomic uint64_t	commit;
	uint32_t		room;	/* of all of it */
	uint32_t		len;	/* of the frame */
	uint8_t			frame[];
};

static struct queue_entry *
entry_at(const struct queue *q, uint64_t pos)
{
	return (struct queue_entry *)(void *)(q->ring + pos % q->size);
}

static void
tail_store(struct queue *q)
{
	uint32_t other = 1 - (atomic_load(&q->head->which) & 1);

	q->head->tail[other].pos = q->tail_pos;
	q->head->tail[other].seq = q->tail_seq;
	atomic_store_explicit(&q->head->which, other, memory_order_release);
}

static void
begin_new(struct queue *q, size_t size)
{
	memset(q->head, 0, sizeof(*q->head));
	q->head->size = size;
	while (q->head->id == 0)
		if (getrandom(&q->head->id, sizeof(q->head->id), 0) == -1)
			q->head->id = 0;
	q->tail_pos = 0;
	q->tail_seq = 1;
	tail_store(q);
	/* Nothing of an older use of this memory may look like an entry. */
	atomic_store(&entry_at(q, 0)->tag, 0);
	atomic_thread_fence(memory_order_release);
	q->head->magic = QUEUE_MAGIC;
}

static bool
room_is_good(const struct queue *q, const struct queue_entry *e, uint64_t pos)
{
	return e->room >= ALIGN && e->room % ALIGN == 0 &&
	    e->room <= q->size - pos % q->size &&
	    pos + e->room - q->tail_pos <= q->size;
}

static void
make_void(struct queue_entry *e, uint64_t seq)
{
	struct frame_out f;

	wire_begin(&f, e->frame, e->room - sizeof(*e), WT_VOID, 0);
	queue_commit(e, seq, frame_end(&f));
}

/* Finds the head; fills holes. */
static void
recover(struct queue *q)
{
	struct queue_entry *e;
	uint64_t pos = q->tail_pos, seq = q->tail_seq, tag;

	while (pos - q->tail_pos < q->size) {
		e = entry_at(q, pos);
		tag = atomic_load_explicit(&e->tag, memory_order_acquire);
		if ((tag != (seq ^ TAG_SKIP) && tag != (seq ^ TAG_ENTRY)) ||
		    !room_is_good(q, e, pos))
			break;
		pos += e->room;
		if (tag == (seq ^ TAG_SKIP))
			continue;
		if (atomic_load(&e->commit) != (seq ^ TAG_COMMIT) ||
		    e->len > e->room - sizeof(*e))
			make_void(e, seq);
		seq++;
	}
	q->head_pos = pos;
	q->next_seq = seq;
}

bool
queue_init(struct queue *q, void *memory, size_t size)
{
	const struct tail *t;

	memset(q, 0, sizeof(*q));
	if (size < HEAD_LEN + 4 * (size_t)FRAME_MAX_LEN)
		return false;
	q->head = memory;
	q->ring = (uint8_t *)memory + HEAD_LEN;
	q->size = (size - HEAD_LEN) / ALIGN * ALIGN;
	if (q->head->magic != QUEUE_MAGIC || q->head->size != size)
		begin_new(q, size);
	t = &q->head->tail[atomic_load(&q->head->which) & 1];
	q->tail_pos = t->pos;
	q->tail_seq = t->seq;
	recover(q);
	return true;
}

uint64_t
queue_id(const struct queue *q)
{
	return q->head->id;
}

static struct queue_entry *
reserve_at(struct queue *q, uint32_t room, uint64_t tag)
{
	struct queue_entry *e = entry_at(q, q->head_pos);

	atomic_store_explicit(&e->commit, 0, memory_order_relaxed);
	e->room = room;
	e->len = 0;
	/* From here on recover() finds it. */
	atomic_store_explicit(&e->tag, q->next_seq ^ tag,
	    memory_order_release);
	q->head_pos += room;
	return e;
}

struct queue_entry *
queue_reserve(struct queue *q, size_t len, uint8_t **buf, uint64_t *seq)
{
	struct queue_entry *e;
	uint64_t room, to_end, need;

	room = (sizeof(*e) + len + ALIGN - 1) / ALIGN * ALIGN;
	to_end = q->size - q->head_pos % q->size;
	need = room <= to_end ? room : to_end + room;
	if (room > UINT32_MAX || q->head_pos + need - q->tail_pos > q->size)
		return NULL;
	if (room > to_end)
		(void)reserve_at(q, (uint32_t)to_end, TAG_SKIP);
	e = reserve_at(q, (uint32_t)room, TAG_ENTRY);
	*seq = q->next_seq++;
	*buf = e->frame;
	return e;
}

void
queue_commit(struct queue_entry *e, uint64_t seq, size_t len)
{
	wire_stamp_seq(e->frame, seq);
	e->len = (uint32_t)len;
	atomic_store_explicit(&e->commit, seq ^ TAG_COMMIT,
	    memory_order_release);
}

/* The entry of seq at or right after *pos, committed or not. */
static struct queue_entry *
entry_of(const struct queue *q, uint64_t *pos, uint64_t seq)
{
	struct queue_entry *e;

	if (seq >= q->next_seq)
		return NULL;
	e = entry_at(q, *pos);
	if (atomic_load(&e->tag) == (seq ^ TAG_SKIP)) {
		*pos += e->room;
		e = entry_at(q, *pos);
	}
	return e;
}

uint8_t *
queue_at(const struct queue *q, uint64_t *pos, uint64_t seq, size_t *len)
{
	struct queue_entry *e = entry_of(q, pos, seq);

	if (e == NULL || atomic_load_explicit(&e->commit,
	    memory_order_acquire) != (seq ^ TAG_COMMIT))
		return NULL;
	*len = e->len;
	*pos += e->room;
	return e->frame;
}

void
queue_release(struct queue *q, uint64_t seq)
{
	const struct queue_entry *e;
	uint64_t pos = q->tail_pos;

	if (q->tail_seq > seq)
		return;
	while (q->tail_seq <= seq) {
		e = entry_of(q, &pos, q->tail_seq);
		if (e == NULL)
			break;
		pos += e->room;
		q->tail_seq++;
	}
	q->tail_pos = pos;
	tail_store(q);
}

void
queue_set_marks(struct queue *q, uint64_t applied, uint64_t durable)
{
	atomic_store(&q->head->applied, applied);
	atomic_store(&q->head->durable, durable);
}

void
queue_marks(const struct queue *q, uint64_t *applied, uint64_t *durable)
{
	*applied = atomic_load(&q->head->applied);
	*durable = atomic_load(&q->head->durable);
}

/* SPDX-License-Identifier: ISC */
/*
 * Activity log: the file `al' in the state directory, a ring of 128 blocks
 * of 4 KiB, zeros at creation but for block 0 (rule R20).
 *
 *	block n stands at n % 128.  Header of record.h, magic HFal, seq = n,
 *	count = entries, flags 1 = reset (all slots were empty before it),
 *	a = mark (rule R15).  From 96, each entry 20 bytes:
 *	u16 slot, u8 kind (0: the slot is empty), u8 zero, u64 oid,
 *	u64 extent (data), offset (tail), bucket or 256 for all (names)
 *
 * Every block carries up to 136 changed slots and 64 more in rotation, so
 * the last 64 blocks, or those since a reset, rebuild the 4096 slots (rule
 * R18).  Leaving and entering of a slot is one entry.  One block is in
 * flight; who comes meanwhile shares the next one (group commit).
 *
 * Recovery: the highest seq is the head, the blocks before it must be there
 * without a gap.  A bad block right after the head is the write that a crash
 * tore: nobody had been told it was durable.  A bad block anywhere else is
 * rot: EBADMSG, full comparison.
 */
#include "actlog.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "fail.h"
#include "whole.h"
#include "xalloc.h"

#include "gen.h"
#include "record.h"

#define AL_MAGIC	0x4846616cu	/* HFal */
#define AL_FILE		"al"
#define AL_SLOTS	4096u
#define AL_BLOCKS	128u
#define AL_SIZE		(AL_BLOCKS * RECORD_BLOCK)
#define AL_ENTRY	20u
#define AL_ROTATE	64u
/* 64 in rotation x 64 blocks = all slots. */
#define AL_REBUILD	(AL_SLOTS / AL_ROTATE)
#define AL_ENTRIES	((RECORD_BLOCK - RECORD_HEADER_LEN) / AL_ENTRY)
#define AL_CHANGES	(AL_ENTRIES - AL_ROTATE)
#define AL_FLAG_RESET	1u
#define AL_HASH		8192u
#define AL_NONE		UINT16_MAX

enum slot_state { SLOT_FREE, SLOT_PENDING, SLOT_HOT };

struct slot {
	uint64_t	oid;
	uint64_t	extent;
	uint64_t	seq;		/* pins until cooled to it */
	uint16_t	next;		/* in its hash chain or the free list */
	uint8_t		kind;
	uint8_t		state;
	bool		queued;		/* its state is to be written */
};

struct actlog {
	pthread_mutex_t	 lock;
	pthread_cond_t	 written;	/* a block went out, or failed */
	pthread_cond_t	 room;		/* slots became free */
	int		 dirfd;
	int		 fd;
	struct record	 head;		/* of the newest block */
	uint8_t		*block;		/* aligned for O_DIRECT */
	bool		 writing;
	uint64_t	 failures;
	int		 error;		/* of the last failure */
	struct slot	 slot[AL_SLOTS];
	uint16_t	 hash[AL_HASH];
	uint16_t	 free_list;
	unsigned	 free_count;
	uint16_t	 queue[AL_SLOTS];
	unsigned	 queue_head, queue_count;
};

static unsigned
key_hash(unsigned kind, uint64_t oid, uint64_t extent)
{
	uint64_t h = oid * 0x9e3779b97f4a7c15u;

	h ^= (extent + kind) * 0xc2b2ae3d27d4eb4fu;
	h ^= h >> 29;
	h *= 0x9e3779b97f4a7c15u;
	return (unsigned)(h >> 40) % AL_HASH;
}

static uint16_t
find(const struct actlog *a, unsigned kind, uint64_t oid, uint64_t extent)
{
	uint16_t i = a->hash[key_hash(kind, oid, extent)];

	while (i != AL_NONE && (a->slot[i].oid != oid ||
	    a->slot[i].extent != extent || a->slot[i].kind != kind))
		i = a->slot[i].next;
	return i;
}

/* The slot that covers a key. */
static uint16_t
find_cover(const struct actlog *a, const struct actlog_key *k)
{
	uint16_t i = AL_NONE;

	if (k->kind == AK_NAMES)
		i = find(a, k->kind, k->oid, ACTLOG_ALL_NAMES);
	return i != AL_NONE ? i : find(a, k->kind, k->oid, k->extent);
}

static void
hash_add(struct actlog *a, uint16_t i)
{
	struct slot *s = &a->slot[i];
	unsigned h = key_hash(s->kind, s->oid, s->extent);

	s->next = a->hash[h];
	a->hash[h] = i;
}

static void
hash_del(struct actlog *a, uint16_t i)
{
	struct slot *s = &a->slot[i];
	uint16_t *p = &a->hash[key_hash(s->kind, s->oid, s->extent)];

	while (*p != i)
		p = &a->slot[*p].next;
	*p = s->next;
}

static void
enqueue(struct actlog *a, uint16_t i)
{
	if (a->slot[i].queued)
		return;
	a->slot[i].queued = true;
	a->queue[(a->queue_head + a->queue_count++) % AL_SLOTS] = i;
}

static void
slot_free(struct actlog *a, uint16_t i)
{
	struct slot *s = &a->slot[i];

	memset(s, 0, offsetof(struct slot, queued));
	s->next = a->free_list;
	a->free_list = i;
	a->free_count++;
}

static void
table_clear(struct actlog *a)
{
	unsigned i;

	memset(a->slot, 0, sizeof(a->slot));
	memset(a->hash, 0xff, sizeof(a->hash));
	a->free_list = AL_NONE;
	a->free_count = 0;
	a->queue_count = 0;
	for (i = AL_SLOTS; i-- > 0; )
		slot_free(a, (uint16_t)i);
}

static void
put_entry(struct actlog *a, unsigned n, uint16_t i)
{
	uint8_t *p = a->block + RECORD_HEADER_LEN + n * AL_ENTRY;
	const struct slot *s = &a->slot[i];

	record_put(p, i, 2);
	p[2] = s->kind;
	p[3] = 0;
	record_put(p + 4, s->oid, 8);
	record_put(p + 12, s->extent, 8);
}

/* Writes the sealed block in place; falls back once where the file system
 * takes O_DIRECT at open and refuses it here. */
static int
write_block(struct actlog *a, uint64_t seq)
{
	uint64_t at = seq % AL_BLOCKS * RECORD_BLOCK;
	int fd;

	if (whole_pwrite(a->fd, a->block, RECORD_BLOCK, at) == 0)
		return 0;
	if (errno != EINVAL || (fcntl(a->fd, F_GETFL) & O_DIRECT) == 0)
		return -1;
	fd = openat(a->dirfd, AL_FILE, O_RDWR | O_DSYNC | O_CLOEXEC);
	if (fd == -1)
		return -1;
	(void)close(a->fd); /* nothing was written through it */
	a->fd = fd;
	return whole_pwrite(a->fd, a->block, RECORD_BLOCK, at);
}

/*
 * One block: the caller is the leader, holds the lock and finds it held
 * again.  0 or -errno; on failure the entries wait for the next try, which
 * goes to the same place in the ring.
 */
static int
commit(struct actlog *a, uint32_t flags)
{
	struct record r = a->head;
	uint16_t taken[AL_CHANGES];
	unsigned n, i, rotor;
	int rc = 0;

	a->writing = true;
	memset(a->block, 0, RECORD_BLOCK);
	for (n = 0; n < AL_CHANGES && a->queue_count > 0; n++) {
		taken[n] = a->queue[a->queue_head];
		a->queue_head = (a->queue_head + 1) % AL_SLOTS;
		a->queue_count--;
		a->slot[taken[n]].queued = false;
		put_entry(a, n, taken[n]);
	}
	/* From the seq, so that the turn goes on over a restart. */
	r.seq++;
	rotor = (unsigned)(r.seq % AL_REBUILD) * AL_ROTATE;
	for (i = 0; i < AL_ROTATE; i++)
		put_entry(a, n + i, (uint16_t)(rotor + i));
	r.count = (uint16_t)(n + AL_ROTATE);
	r.flags = flags;
	record_seal(a->block, &r);
	pthread_mutex_unlock(&a->lock);

	fail_point(1);
	if (write_block(a, r.seq) == -1)
		rc = -errno;

	pthread_mutex_lock(&a->lock);
	a->writing = false;
	for (i = 0; i < n; i++) {
		struct slot *s = &a->slot[taken[i]];

		if (rc != 0)
			enqueue(a, taken[i]);
		else if (s->state == SLOT_PENDING && !s->queued)
			s->state = SLOT_HOT;
	}
	if (rc == 0) {
		/* The mark may have moved meanwhile. */
		r.a = a->head.a;
		r.epoch = a->head.epoch;
		a->head = r;
	} else {
		a->failures++;
		a->error = rc;
	}
	pthread_cond_broadcast(&a->written);
	return rc;
}

static bool
all_hot(const struct actlog *a, const uint16_t *mine, unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++)
		if (a->slot[mine[i]].state != SLOT_HOT)
			return false;
	return true;
}

/* Lock held.  Leads or follows until all of mine are durable. */
static int
wait_hot(struct actlog *a, const uint16_t *mine, unsigned count)
{
	uint64_t failures = a->failures;

	while (!all_hot(a, mine, count)) {
		if (a->failures != failures)
			return a->error;
		if (a->writing)
			pthread_cond_wait(&a->written, &a->lock);
		else
			(void)commit(a, 0); /* told by failures */
	}
	return 0;
}

static uint16_t
slot_take(struct actlog *a, const struct actlog_key *k)
{
	uint16_t i = a->free_list;
	struct slot *s = &a->slot[i];

	a->free_list = s->next;
	a->free_count--;
	s->kind = (uint8_t)k->kind;
	s->oid = k->oid;
	s->extent = k->extent;
	s->state = SLOT_PENDING;
	hash_add(a, i);
	enqueue(a, i);
	return i;
}

int
actlog_touch_many(struct actlog *a, const struct actlog_key *key,
    unsigned count, uint64_t seq)
{
	uint16_t mine[ACTLOG_KEY_MAX];
	unsigned i, cold = 0;
	int rc;

	if (count > ACTLOG_KEY_MAX)
		return -EINVAL;
	pthread_mutex_lock(&a->lock);
	for (i = 0; i < count; i++) {
		mine[i] = find_cover(a, &key[i]);
		if (mine[i] == AL_NONE)
			cold++;
		else if (a->slot[mine[i]].seq < seq)
			a->slot[mine[i]].seq = seq;
	}
	if (cold > a->free_count) {
		pthread_mutex_unlock(&a->lock);
		return -EAGAIN;
	}
	for (i = 0; cold > 0 && i < count; i++) {
		if (mine[i] != AL_NONE)
			continue;
		/* The same key may stand twice in one call. */
		mine[i] = find_cover(a, &key[i]);
		if (mine[i] == AL_NONE)
			mine[i] = slot_take(a, &key[i]);
		a->slot[mine[i]].seq = seq;
	}
	rc = all_hot(a, mine, count) ? 0 : wait_hot(a, mine, count);
	pthread_mutex_unlock(&a->lock);
	return rc;
}

/* The first mark of a store must be durable before anything relies on it; a
 * later, higher one may travel with the next block. */
static int
touch_mark(struct actlog *a, uint64_t oid)
{
	uint64_t failures;
	int rc = 0;
	bool first;

	pthread_mutex_lock(&a->lock);
	first = a->head.a == 0 || a->head.a >> 40 != oid >> 40;
	a->head.a = oid;
	failures = a->failures;
	if (first) {
		/* A block in flight was sealed without it. */
		while (a->writing)
			pthread_cond_wait(&a->written, &a->lock);
		rc = commit(a, 0);
	}
	if (rc != 0 && a->failures != failures)
		a->head.a = 0;
	pthread_mutex_unlock(&a->lock);
	return rc;
}

int
actlog_touch(struct actlog *a, enum actlog_kind kind, uint64_t oid,
    uint64_t extent, uint64_t seq)
{
	struct actlog_key k = { kind, oid, extent };
	int rc;

	if (kind == AK_MARK)
		return touch_mark(a, oid);
	while ((rc = actlog_touch_many(a, &k, 1, seq)) == -EAGAIN)
		(void)actlog_wait_room(a, 1, 1000);
	return rc;
}

bool
actlog_wait_room(struct actlog *a, unsigned count, int64_t timeout_ms)
{
	struct timespec t;
	bool room;

	clock_after(&t, timeout_ms * 1000000);
	pthread_mutex_lock(&a->lock);
	while (a->free_count < count &&
	    pthread_cond_timedwait(&a->room, &a->lock, &t) == 0)
		continue;
	room = a->free_count >= count;
	pthread_mutex_unlock(&a->lock);
	return room;
}

int
actlog_cool(struct actlog *a, uint64_t seq)
{
	uint64_t failures;
	unsigned i;

	pthread_mutex_lock(&a->lock);
	for (i = 0; i < AL_SLOTS; i++) {
		if (a->slot[i].state != SLOT_HOT || a->slot[i].seq > seq)
			continue;
		hash_del(a, (uint16_t)i);
		slot_free(a, (uint16_t)i);
		enqueue(a, (uint16_t)i);
	}
	pthread_cond_broadcast(&a->room);
	/* On disk too, or a crash of an idle node would compare them all. */
	failures = a->failures;
	while (a->queue_count > 0 && a->failures == failures) {
		if (a->writing)
			pthread_cond_wait(&a->written, &a->lock);
		else
			(void)commit(a, 0); /* told by failures */
	}
	i = a->failures != failures;
	pthread_mutex_unlock(&a->lock);
	return i ? a->error : 0;
}

bool
actlog_is_tight(struct actlog *a)
{
	bool tight;

	pthread_mutex_lock(&a->lock);
	tight = a->free_count < AL_SLOTS / 2;
	pthread_mutex_unlock(&a->lock);
	return tight;
}

int
actlog_reset(struct actlog *a)
{
	int rc;

	pthread_mutex_lock(&a->lock);
	while (a->writing)
		pthread_cond_wait(&a->written, &a->lock);
	table_clear(a);
	a->head.a = 0;
	rc = commit(a, AL_FLAG_RESET);
	pthread_cond_broadcast(&a->room);
	pthread_mutex_unlock(&a->lock);
	return rc;
}

uint64_t
actlog_mark(struct actlog *a)
{
	uint64_t mark;

	pthread_mutex_lock(&a->lock);
	mark = a->head.a;
	pthread_mutex_unlock(&a->lock);
	return mark;
}

void
actlog_set_epoch(struct actlog *a, struct epoch epoch)
{
	pthread_mutex_lock(&a->lock);
	a->head.epoch = epoch;
	pthread_mutex_unlock(&a->lock);
}

struct actlog_slot *
actlog_list(struct actlog *a, unsigned *count)
{
	struct actlog_slot *list;
	unsigned i, n = 0;

	pthread_mutex_lock(&a->lock);
	*count = AL_SLOTS - a->free_count;
	if (*count == 0) {
		pthread_mutex_unlock(&a->lock);
		return NULL;
	}
	list = xcalloc(*count + 1, sizeof(*list));
	for (i = 0; i < AL_SLOTS; i++) {
		if (a->slot[i].state == SLOT_FREE)
			continue;
		list[n].kind = a->slot[i].kind;
		list[n].oid = a->slot[i].oid;
		list[n++].extent = a->slot[i].extent;
	}
	if (a->head.a != 0) {
		list[n].kind = AK_MARK;
		list[n++].oid = a->head.a;
	}
	*count = n;
	pthread_mutex_unlock(&a->lock);
	return list;
}

/* ---- recovery ---- */

struct ring {
	struct record	head[AL_BLOCKS];
	bool		good[AL_BLOCKS];
	bool		zero[AL_BLOCKS];
	uint8_t		*data;
};

static bool
is_zero(const uint8_t *p, size_t len)
{
	while (len > 0 && *p == 0) {
		p++;
		len--;
	}
	return len == 0;
}

/* The index of the newest block, or -1 (EBADMSG). */
static int
ring_judge(struct ring *g)
{
	uint64_t best = 0, seq;
	int head = -1;
	unsigned i, torn;

	for (i = 0; i < AL_BLOCKS; i++)
		if (g->good[i] && (head == -1 || g->head[i].seq > best)) {
			head = (int)i;
			best = g->head[i].seq;
		}
	torn = (unsigned)(head + 1) % AL_BLOCKS;
	for (i = 0; head != -1 && i < AL_BLOCKS; i++) {
		/* Back from the head: best, best - 1, ... */
		unsigned at = ((unsigned)head + AL_BLOCKS - i) % AL_BLOCKS;

		if (i > best) {
			/* Never written yet; the next one may be torn. */
			if (!g->zero[at] && at != torn)
				head = -1;
			continue;
		}
		seq = best - i;
		if (at == torn && i == AL_BLOCKS - 1)
			continue; /* the oldest: torn or not, not needed */
		if (!g->good[at] || g->head[at].seq != seq)
			head = -1;
	}
	if (head == -1)
		errno = EBADMSG;
	return head;
}

static int
ring_read(struct actlog *a, struct ring *g, const char *module, uint8_t node)
{
	unsigned i;

	for (i = 0; i < AL_BLOCKS; i++) {
		uint8_t *b = g->data + (size_t)i * RECORD_BLOCK;

		if (record_pread(a->fd, a->block, RECORD_BLOCK,
		    (uint64_t)i * RECORD_BLOCK) == -1)
			continue; /* unreadable is bad */
		memcpy(b, a->block, RECORD_BLOCK);
		g->zero[i] = is_zero(b, RECORD_BLOCK);
		g->good[i] = !g->zero[i] &&
		    record_check(&g->head[i], b, AL_MAGIC, module, node) == 0 &&
		    g->head[i].seq % AL_BLOCKS == i &&
		    g->head[i].count <= AL_ENTRIES;
	}
	return ring_judge(g);
}

/* 0; or -1: a good block says what no writer of this version does. */
static int
replay_block(struct actlog *a, const uint8_t *b, unsigned count)
{
	const uint8_t *p = b + RECORD_HEADER_LEN;
	struct slot *s;
	unsigned i;

	for (i = 0; i < count; i++, p += AL_ENTRY) {
		if (record_get(p, 2) >= AL_SLOTS || p[2] > AK_MARK)
			return -1;
		s = &a->slot[record_get(p, 2)];
		s->kind = p[2];
		s->oid = record_get(p + 4, 8);
		s->extent = record_get(p + 12, 8);
	}
	return 0;
}

/* The table as the last blocks tell it; everything found is hot, and pinned
 * by the first period of the new life.  0, or -1 (EBADMSG). */
static int
replay(struct actlog *a, const struct ring *g, unsigned head)
{
	uint64_t best = g->head[head].seq;
	unsigned back = 0, i;

	while (back < AL_REBUILD - 1 && back < best &&
	    (g->head[(best - back) % AL_BLOCKS].flags & AL_FLAG_RESET) == 0)
		back++;
	for (i = back + 1; i-- > 0; ) {
		unsigned at = (unsigned)((best - i) % AL_BLOCKS);

		if ((g->head[at].flags & AL_FLAG_RESET) != 0)
			memset(a->slot, 0, sizeof(a->slot));
		if (replay_block(a, g->data + (size_t)at * RECORD_BLOCK,
		    g->head[at].count) == -1) {
			errno = EBADMSG;
			return -1;
		}
	}
	a->head = g->head[head];
	a->head.flags = 0;
	a->free_list = AL_NONE;
	a->free_count = 0;
	for (i = AL_SLOTS; i-- > 0; ) {
		if (a->slot[i].kind == 0) {
			slot_free(a, (uint16_t)i);
			continue;
		}
		a->slot[i].state = SLOT_HOT;
		a->slot[i].seq = 1;
		hash_add(a, (uint16_t)i);
	}
	return 0;
}

int
actlog_create(int state_dirfd, const char *module, uint8_t node)
{
	struct record r = { .magic = AL_MAGIC, .node = node,
	    .flags = AL_FLAG_RESET };
	uint8_t block[RECORD_BLOCK] = { 0 };

	snprintf(r.module, sizeof(r.module), "%s", module);
	record_seal(block, &r);
	return record_create(state_dirfd, AL_FILE, block, sizeof(block),
	    AL_SIZE);
}

static int
open_file(struct actlog *a, const char *module, uint8_t node)
{
	if (faccessat(a->dirfd, AL_FILE, F_OK, 0) == -1) {
		if (errno != ENOENT)
			return -1;
		if (gen_was_written(a->dirfd, module, node)) {
			errno = EBADMSG;
			return -1;
		}
		if (actlog_create(a->dirfd, module, node) == -1)
			return -1;
	}
	a->fd = openat(a->dirfd, AL_FILE,
	    O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC);
	if (a->fd == -1 && errno == EINVAL)
		a->fd = openat(a->dirfd, AL_FILE,
		    O_RDWR | O_DSYNC | O_CLOEXEC);
	return a->fd == -1 ? -1 : 0;
}

struct actlog *
actlog_open(int state_dirfd, const char *module, uint8_t node,
    struct actlog_slot **slots, unsigned *count)
{
	struct actlog *a = xcalloc(1, sizeof(*a));
	struct ring *g = xcalloc(1, sizeof(*g));
	int head = -1, err;

	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->written, NULL);
	clock_cond_init(&a->room);
	table_clear(a);
	a->fd = -1;
	a->block = aligned_alloc(RECORD_BLOCK, RECORD_BLOCK);
	g->data = xcalloc(AL_BLOCKS, RECORD_BLOCK);
	a->dirfd = fcntl(state_dirfd, F_DUPFD_CLOEXEC, 0);
	if (a->block == NULL)
		errno = ENOMEM;
	else if (a->dirfd != -1 && open_file(a, module, node) == 0)
		head = ring_read(a, g, module, node);
	if (head != -1 && replay(a, g, (unsigned)head) == -1)
		head = -1;
	err = errno;
	if (head != -1)
		*slots = actlog_list(a, count);
	free(g->data);
	free(g);
	if (head != -1)
		return a;
	actlog_close(a);
	errno = err;
	return NULL;
}

void
actlog_close(struct actlog *a)
{
	if (a == NULL)
		return;
	if (a->fd != -1)
		(void)close(a->fd); /* all writes were synced */
	if (a->dirfd != -1)
		(void)close(a->dirfd); /* only a name */
	free(a->block);
	pthread_cond_destroy(&a->room);
	pthread_cond_destroy(&a->written);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

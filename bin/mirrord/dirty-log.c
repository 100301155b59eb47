/* SPDX-License-Identifier: ISC */
/*
 * The dirty set made durable: the file `dirty' in the state directory,
 * 32 MiB of zeros at creation, never longer (rule R20).
 *
 *	block 0, 1	header slots, written in turn; magic HFdh, the good one
 *			with the higher seq counts; flags 1 = everything is
 *			dirty; a = area in force, b = blocks acknowledged in
 *			it; at 96: u64 incarnation of the area
 *	then two areas of 4096 blocks: magic HFdl, seq = index in the area,
 *			a = incarnation, count = bytes of records from 96
 *
 * A record is a kind (u8) and its fields, and lies in one block:
 *	1 whole  oid		5 name    oid, u8 length, bytes
 *	2 attr   oid		6 buckets oid, 32 bytes
 *	3 dir    oid		7 bitmap  oid, extent, 128 bytes
 *	4 tail   oid, from	8 full    oid, first extent, u32 count
 *	9 mark   oid
 *
 * Append: new blocks behind the last, durable, then the header, durable.
 * Records only add, so blocks behind `b' that a crash left are used as well.
 * Replace, and an area that is full: all goes into the other area under a
 * new incarnation, then the header.  What does not fit turns coarser, at
 * last into `everything' in the header.  A bad block before `b', or two bad
 * headers: EBADMSG, full comparison (rule R22).
 */
#include "dirty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "whole.h"
#include "xalloc.h"

#include "gen.h"
#include "record.h"

#define DIRTY_HEAD_MAGIC	0x48466468u	/* HFdh */
#define DIRTY_MAGIC		0x4846646cu	/* HFdl */
#define DIRTY_FILE		"dirty"
#define DIRTY_AREA		4096u		/* blocks: 16 MiB */
/* After a compaction a quarter is free, or the next comes at once. */
#define DIRTY_COMPACT		(DIRTY_AREA / 4 * 3)
#define DIRTY_SIZE		((2 + 2 * (uint64_t)DIRTY_AREA) * RECORD_BLOCK)
#define DIRTY_FLAG_ALL		1u
#define BITMAP_LEN		128u
/* 4 TiB in one run: from there on all of the file is compared. */
#define DIRTY_RUN_MAX		(1u << 20)
#define BODY			(RECORD_BLOCK - RECORD_HEADER_LEN)

enum { DK_WHOLE = 1, DK_ATTR, DK_DIR, DK_TAIL, DK_NAME, DK_BUCKETS,
    DK_BITMAP, DK_FULL, DK_MARK };

struct dirty {
	int		 fd;
	struct record	 head;
	uint64_t	 incarnation;
	unsigned	 slot;		/* the header in force */
	unsigned	 tail;		/* blocks used in the area */
};

/* Blocks being filled: bodies now, headers when they are written. */
struct image {
	uint8_t		*data;
	unsigned	 count;
	unsigned	 room;
	unsigned	 used;		/* of the last block's body */
	unsigned	 coarse;	/* 0 exact .. 3; see image_item */
	bool		 full;		/* more than an area */
};

static uint8_t *
image_room(struct image *m, unsigned len)
{
	uint8_t *block;

	if (m->count == 0 || m->used + len > BODY) {
		if (m->count == DIRTY_AREA) {
			m->full = true;
			return NULL;
		}
		if (m->count == m->room) {
			m->room = m->room == 0 ? 4 : m->room * 2;
			m->data = xrealloc(m->data, m->room, RECORD_BLOCK);
		}
		memset(m->data + (size_t)m->count * RECORD_BLOCK, 0,
		    RECORD_BLOCK);
		m->count++;
		m->used = 0;
	}
	block = m->data + (size_t)(m->count - 1) * RECORD_BLOCK;
	m->used += len;
	/* The count travels in the block until record_seal() writes it. */
	record_put(block, m->used, 2);
	return block + RECORD_HEADER_LEN + m->used - len;
}

static void
image_oid(struct image *m, unsigned kind, uint64_t oid)
{
	uint8_t *p = image_room(m, 9);

	if (p == NULL)
		return;
	*p = (uint8_t)kind;
	record_put(p + 1, oid, 8);
}

static void
image_name(struct image *m, uint64_t oid, const char *name)
{
	size_t len = strlen(name);
	uint8_t *p = image_room(m, 10 + (unsigned)len);

	if (p == NULL)
		return;
	*p = DK_NAME;
	record_put(p + 1, oid, 8);
	p[9] = (uint8_t)len;
	memcpy(p + 10, name, len);
}

static bool
bitmap_is_full(const uint8_t *b)
{
	unsigned i;

	for (i = 0; i < BITMAP_LEN; i++)
		if (b[i] != 0xff)
			return false;
	return true;
}

static void
image_extents(struct image *m, const struct dirty_item *it)
{
	unsigned i, run;
	uint8_t *p;

	for (i = 0; i < it->extent_count; i += run) {
		run = 0;
		while (i + run < it->extent_count &&
		    it->extent[i + run] == it->extent[i] + run &&
		    bitmap_is_full(it->bitmap[i + run]))
			run++;
		p = image_room(m, run > 0 ? 21 : 17 + BITMAP_LEN);
		if (p == NULL)
			return;
		*p = run > 0 ? DK_FULL : DK_BITMAP;
		record_put(p + 1, it->oid, 8);
		record_put(p + 9, it->extent[i], 8);
		if (run > 0) {
			record_put(p + 17, run, 4);
		} else {
			memcpy(p + 17, it->bitmap[i], BITMAP_LEN);
			run = 1;
		}
	}
}

/*
 * One object.  Coarser: 1 files of more than 4 extents whole and
 * directories of more than 64 names listed; 2 every file whole, every
 * directory listed.
 */
static int
image_item(const struct dirty_item *it, void *arg)
{
	struct image *m = arg;
	bool whole = it->whole, dir = it->all_names;
	unsigned i;
	uint8_t *p;

	if (m->coarse > 0) {
		whole |= it->extent_count > (m->coarse == 1 ? 4u : 0u);
		dir |= it->name_count > (m->coarse == 1 ? 64u : 0u) ||
		    it->buckets != NULL;
	}
	if (whole)
		image_oid(m, DK_WHOLE, it->oid);
	if (it->attr)
		image_oid(m, DK_ATTR, it->oid);
	if (dir)
		image_oid(m, DK_DIR, it->oid);
	for (i = 0; !dir && i < it->name_count; i++)
		image_name(m, it->oid, it->name[i]);
	if (!dir && it->buckets != NULL && (p = image_room(m, 41)) != NULL) {
		*p = DK_BUCKETS;
		record_put(p + 1, it->oid, 8);
		memcpy(p + 9, it->buckets, 32);
	}
	if (!whole && it->tail_from != UINT64_MAX &&
	    (p = image_room(m, 17)) != NULL) {
		*p = DK_TAIL;
		record_put(p + 1, it->oid, 8);
		record_put(p + 9, it->tail_from, 8);
	}
	if (!whole)
		image_extents(m, it);
	return m->full;
}

static void
image_build(struct image *m, const struct dirtyset *set)
{
	uint64_t mark;
	unsigned i;

	m->count = m->used = 0;
	m->full = false;
	for (i = 0; (mark = dirtyset_marks(set, i)) != 0; i++)
		image_oid(m, DK_MARK, mark);
	(void)dirtyset_walk(set, image_item, m); /* it stops when full */
}

/* ---- replay ---- */

static void
replay_full(struct dirtyset *into, uint64_t oid, const uint8_t *p)
{
	uint64_t first = record_get(p, 8), count = record_get(p + 8, 4);

	/* What a bad record says must not take all memory. */
	if (count > DIRTY_RUN_MAX) {
		dirtyset_whole(into, oid);
		return;
	}
	for (; count > 0 && first < UINT64_MAX / ACTLOG_EXTENT; count--)
		dirtyset_data(into, oid, first++ * ACTLOG_EXTENT,
		    ACTLOG_EXTENT);
}

static void
replay_bitmap(struct dirtyset *into, uint64_t oid, const uint8_t *p)
{
	uint64_t extent = record_get(p, 8);
	unsigned i;

	p += 8;
	for (i = 0; extent < UINT64_MAX / ACTLOG_EXTENT &&
	    i < BITMAP_LEN * 8; i++)
		if ((p[i / 8] & 1u << (i & 7)) != 0)
			dirtyset_data(into, oid, extent * ACTLOG_EXTENT +
			    (uint64_t)i * 4096, 4096);
}

/* The length of the record at p, 0 when it is none. */
static unsigned
record_len(const uint8_t *p, unsigned have)
{
	static const uint8_t fixed[] = {
		[DK_WHOLE] = 9, [DK_ATTR] = 9, [DK_DIR] = 9, [DK_TAIL] = 17,
		[DK_NAME] = 10, [DK_BUCKETS] = 41, [DK_BITMAP] = 145,
		[DK_FULL] = 21, [DK_MARK] = 9,
	};
	unsigned len;

	if (have == 0 || *p >= sizeof(fixed) || fixed[*p] == 0 ||
	    fixed[*p] > have)
		return 0;
	len = fixed[*p];
	if (*p == DK_NAME)
		len += p[9];
	return len <= have ? len : 0;
}

static void
replay_record(struct dirtyset *into, const uint8_t *p)
{
	uint64_t oid = record_get(p + 1, 8);
	char name[256];
	unsigned i;

	switch (*p) {
	case DK_WHOLE:
		dirtyset_whole(into, oid);
		break;
	case DK_ATTR:
		dirtyset_attr(into, oid);
		break;
	case DK_DIR:
		dirtyset_dir(into, oid);
		break;
	case DK_TAIL:
		dirtyset_tail(into, oid, record_get(p + 9, 8));
		break;
	case DK_NAME:
		memcpy(name, p + 10, p[9]);
		name[p[9]] = '\0';
		dirtyset_name(into, oid, name);
		break;
	case DK_BUCKETS:
		for (i = 0; i < 256; i++)
			if ((p[9 + i / 8] & 1u << (i & 7)) != 0)
				dirtyset_bucket(into, oid, i);
		break;
	case DK_BITMAP:
		replay_bitmap(into, oid, p + 9);
		break;
	case DK_FULL:
		replay_full(into, oid, p + 9);
		break;
	case DK_MARK:
		dirtyset_mark(into, oid);
		break;
	}
}

static int
replay_block(struct dirtyset *into, const uint8_t *block, unsigned used)
{
	const uint8_t *p = block + RECORD_HEADER_LEN;
	unsigned len;

	if (used > BODY)
		return -1;
	for (; used > 0; p += len, used -= len) {
		len = record_len(p, used);
		if (len == 0)
			return -1;
		replay_record(into, p);
	}
	return 0;
}

static uint64_t
block_at(uint64_t area, unsigned n)
{
	return (2 + area * DIRTY_AREA + n) * RECORD_BLOCK;
}

/* Everything in the area in force; sets the tail behind the last good. */
static int
replay(struct dirty *d, struct dirtyset *into)
{
	uint8_t block[RECORD_BLOCK];
	struct record r;
	unsigned n;

	if ((d->head.flags & DIRTY_FLAG_ALL) != 0)
		dirtyset_all(into);
	for (n = 0; n < DIRTY_AREA; n++) {
		if (record_pread(d->fd, block, sizeof(block),
		    block_at(d->head.a, n)) == 0 &&
		    record_check(&r, block, DIRTY_MAGIC, d->head.module,
		    d->head.node) == 0 && r.seq == n &&
		    r.a == d->incarnation &&
		    replay_block(into, block, r.count) == 0)
			continue;
		if (n < d->head.b) {
			errno = EBADMSG;
			return -1;
		}
		break;
	}
	d->tail = n;
	return 0;
}

/* ---- writing ---- */

static int
write_head(struct dirty *d, const struct record *head, uint64_t incarnation)
{
	uint8_t block[RECORD_BLOCK] = { 0 };
	struct record r = *head;

	r.seq++;
	record_put(block + RECORD_HEADER_LEN, incarnation, 8);
	record_seal(block, &r);
	if (whole_pwrite(d->fd, block, sizeof(block),
	    (uint64_t)(1 - d->slot) * RECORD_BLOCK) == -1)
		return -1;
	d->slot = 1 - d->slot;
	d->head = r;
	d->incarnation = incarnation;
	d->tail = (unsigned)r.b;
	return 0;
}

static int
write_image(struct dirty *d, struct image *m, uint64_t area, unsigned at,
    uint64_t incarnation)
{
	struct record r = d->head;
	uint8_t *block;
	unsigned i;

	r.magic = DIRTY_MAGIC;
	r.flags = 0;
	r.a = incarnation;
	r.b = 0;
	for (i = 0; i < m->count; i++) {
		block = m->data + (size_t)i * RECORD_BLOCK;
		r.count = (uint16_t)record_get(block, 2);
		r.seq = at + i;
		record_seal(block, &r);
	}
	return whole_pwrite(d->fd, m->data, (size_t)m->count * RECORD_BLOCK,
	    block_at(area, at));
}

/* The whole set into the other area. */
static int
rewrite(struct dirty *d, const struct dirtyset *set)
{
	struct record head = d->head;
	struct image m = { 0 };
	int rc;

	head.flags = dirtyset_is_all(set) ? DIRTY_FLAG_ALL : 0;
	for (image_build(&m, set); m.full || m.count > DIRTY_COMPACT;
	    image_build(&m, set))
		if (++m.coarse == 3) {
			head.flags = DIRTY_FLAG_ALL;
			m.count = 0;
			break;
		}
	fail_point(32);
	head.a = 1 - head.a;
	rc = write_image(d, &m, head.a, 0, d->incarnation + 1);
	head.b = m.count;
	fail_point(31);
	if (rc == 0)
		rc = write_head(d, &head, d->incarnation + 1);
	free(m.data);
	return rc;
}

int
dirty_replace(struct dirty *d, const struct dirtyset *set)
{
	return rewrite(d, set);
}

int
dirty_append(struct dirty *d, const struct dirtyset *delta)
{
	struct record head = d->head;
	struct image m = { 0 };
	struct dirtyset *all;
	int rc;

	if (dirtyset_is_all(delta) && (head.flags & DIRTY_FLAG_ALL) == 0) {
		head.flags |= DIRTY_FLAG_ALL;
		head.b = d->tail;
		return write_head(d, &head, d->incarnation);
	}
	if ((head.flags & DIRTY_FLAG_ALL) != 0)
		return 0;
	image_build(&m, delta);
	if (m.count == 0)
		return 0;
	if (!m.full && d->tail + m.count <= DIRTY_AREA) {
		rc = write_image(d, &m, head.a, d->tail, d->incarnation);
		head.b = d->tail + m.count;
		free(m.data);
		return rc == 0 ? write_head(d, &head, d->incarnation) : -1;
	}
	free(m.data);
	all = dirtyset_new();
	rc = replay(d, all);
	dirtyset_merge(all, delta);
	if (rc == 0)
		rc = rewrite(d, all);
	dirtyset_free(all);
	return rc;
}

void
dirty_set_epoch(struct dirty *d, struct epoch epoch)
{
	d->head.epoch = epoch;
}

/* ---- opening ---- */

static int
load_head(struct dirty *d, const char *module, uint8_t node)
{
	uint8_t block[RECORD_BLOCK];
	struct record r;
	bool found = false;
	unsigned i;

	for (i = 0; i < 2; i++) {
		if (record_pread(d->fd, block, sizeof(block),
		    (uint64_t)i * RECORD_BLOCK) == -1 ||
		    record_check(&r, block, DIRTY_HEAD_MAGIC, module,
		    node) == -1 || r.a > 1 || r.b > DIRTY_AREA)
			continue; /* an unreadable header is a bad one */
		if (found && r.seq < d->head.seq)
			continue;
		d->head = r;
		d->slot = i;
		d->incarnation = record_get(block + RECORD_HEADER_LEN, 8);
		found = true;
	}
	if (!found)
		errno = EBADMSG;
	return found ? 0 : -1;
}

int
dirty_create(int state_dirfd, const char *module, uint8_t node)
{
	struct record r = { .magic = DIRTY_HEAD_MAGIC, .node = node,
	    .seq = 1 };
	uint8_t block[RECORD_BLOCK] = { 0 };

	snprintf(r.module, sizeof(r.module), "%s", module);
	record_put(block + RECORD_HEADER_LEN, 1, 8);
	record_seal(block, &r);
	return record_create(state_dirfd, DIRTY_FILE, block, sizeof(block),
	    DIRTY_SIZE);
}

static int
open_file(int dirfd, const char *module, uint8_t node)
{
	if (faccessat(dirfd, DIRTY_FILE, F_OK, 0) == -1) {
		if (errno != ENOENT)
			return -1;
		if (gen_was_written(dirfd, module, node)) {
			errno = EBADMSG;
			return -1;
		}
		if (dirty_create(dirfd, module, node) == -1)
			return -1;
	}
	return openat(dirfd, DIRTY_FILE, O_RDWR | O_DSYNC | O_CLOEXEC);
}

struct dirty *
dirty_open(int state_dirfd, const char *module, uint8_t node,
    struct dirtyset *into)
{
	struct dirty *d = xcalloc(1, sizeof(*d));
	int err;

	d->fd = open_file(state_dirfd, module, node);
	if (d->fd != -1 && load_head(d, module, node) == 0 &&
	    replay(d, into) == 0)
		return d;
	err = errno;
	dirty_close(d);
	errno = err;
	return NULL;
}

void
dirty_close(struct dirty *d)
{
	if (d == NULL)
		return;
	if (d->fd != -1)
		(void)close(d->fd); /* all writes were synced */
	free(d);
}

/* SPDX-License-Identifier: ISC */
/*
 * The set of what the peer lacks, in memory: objects by id in a hash, each
 * with sorted names and extents.  It only ever says too much, never too
 * little: above a bound a part turns coarser (names -> whole directory,
 * objects -> everything).  dirty-log.c makes it durable, change.c fills it,
 * resync.c walks it.
 */
#include "dirty.h"

#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "xalloc.h"

/* Names of one directory before it is listed whole. */
#define DIRTY_NAMES_MAX		4096u
/* Objects before everything is compared: about 300 MB of memory. */
#define DIRTY_OBJECTS_MAX	(2u * 1024 * 1024)
/* A longer range than this is a tail: the bitmap would cost more. */
#define DIRTY_RANGE_MAX		(1024ull * 1024 * 1024)
#define DIRTY_MARKS		4u
#define BLOCK			4096u
#define BITMAP_LEN		(ACTLOG_EXTENT / BLOCK / 8)
#define STORE_OF(oid)		((oid) >> 40)

struct node {
	struct node	*next;
	uint64_t	 oid;
	uint64_t	 tail_from;
	bool		 whole, attr, all_names;
	unsigned	 name_count, name_room;
	char		**name;
	unsigned	 extent_count, extent_room;
	uint64_t	*extent;
	uint8_t		**bitmap;
	uint8_t		*buckets;
};

struct dirtyset {
	struct node	**table;
	size_t		 size;		/* a power of two */
	size_t		 count;
	uint64_t	 bits;
	uint64_t	 mark[DIRTY_MARKS];
	bool		 all;
	struct node	*last;		/* the one used last: mostly the next */
};

unsigned
dirty_bucket(const char *name)
{
	return (unsigned)(XXH3_64bits(name, strlen(name)) & 0xff);
}

struct dirtyset *
dirtyset_new(void)
{
	struct dirtyset *d = xcalloc(1, sizeof(*d));

	d->size = 256;
	d->table = xcalloc(d->size, sizeof(*d->table));
	return d;
}

static size_t
place(const struct dirtyset *d, uint64_t oid)
{
	uint64_t h = oid * 0x9e3779b97f4a7c15u;

	return (size_t)(h >> 24) & (d->size - 1);
}

static uint64_t
count_bits(const uint8_t *bitmap)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < BITMAP_LEN; i++)
		n += (unsigned)__builtin_popcount(bitmap[i]);
	return n;
}

static void
drop_extents(struct dirtyset *d, struct node *n)
{
	unsigned i;

	for (i = 0; i < n->extent_count; i++) {
		d->bits -= count_bits(n->bitmap[i]);
		free(n->bitmap[i]);
	}
	free(n->extent);
	free(n->bitmap);
	n->extent = NULL;
	n->bitmap = NULL;
	n->extent_count = n->extent_room = 0;
}

static void
drop_names(struct node *n)
{
	unsigned i;

	for (i = 0; i < n->name_count; i++)
		free(n->name[i]);
	free(n->name);
	free(n->buckets);
	n->name = NULL;
	n->buckets = NULL;
	n->name_count = n->name_room = 0;
}

static void
node_free(struct dirtyset *d, struct node *n)
{
	drop_extents(d, n);
	drop_names(n);
	free(n);
}

void
dirtyset_clear(struct dirtyset *d)
{
	struct node *n, *next;
	size_t i;

	for (i = 0; i < d->size; i++) {
		for (n = d->table[i]; n != NULL; n = next) {
			next = n->next;
			node_free(d, n);
		}
		d->table[i] = NULL;
	}
	d->count = 0;
	d->bits = 0;
	d->all = false;
	d->last = NULL;
	memset(d->mark, 0, sizeof(d->mark));
}

void
dirtyset_free(struct dirtyset *d)
{
	if (d == NULL)
		return;
	dirtyset_clear(d);
	free(d->table);
	free(d);
}

static struct node *
find(const struct dirtyset *d, uint64_t oid)
{
	struct node *n = d->table[place(d, oid)];

	while (n != NULL && n->oid != oid)
		n = n->next;
	return n;
}

static void
grow(struct dirtyset *d)
{
	struct node **old = d->table, *n, *next;
	size_t i, size = d->size;

	d->size *= 2;
	d->table = xcalloc(d->size, sizeof(*d->table));
	for (i = 0; i < size; i++)
		for (n = old[i]; n != NULL; n = next) {
			next = n->next;
			n->next = d->table[place(d, n->oid)];
			d->table[place(d, n->oid)] = n;
		}
	free(old);
}

/* NULL when the set says `all' and details mean nothing any more. */
static struct node *
need(struct dirtyset *d, uint64_t oid)
{
	struct node *n;

	if (d->all)
		return NULL;
	if (d->last != NULL && d->last->oid == oid)
		return d->last;
	n = find(d, oid);
	if (n == NULL) {
		if (d->count >= DIRTY_OBJECTS_MAX) {
			dirtyset_all(d);
			return NULL;
		}
		if (d->count >= d->size)
			grow(d);
		n = xcalloc(1, sizeof(*n));
		n->oid = oid;
		n->tail_from = UINT64_MAX;
		n->next = d->table[place(d, oid)];
		d->table[place(d, oid)] = n;
		d->count++;
	}
	d->last = n;
	return n;
}

void
dirtyset_all(struct dirtyset *d)
{
	dirtyset_clear(d);
	d->all = true;
}

/* The bitmap of one extent, made when it is not there. */
static uint8_t *
need_extent(struct node *n, uint64_t number)
{
	unsigned lo = 0, hi = n->extent_count, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (n->extent[mid] < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < n->extent_count && n->extent[lo] == number)
		return n->bitmap[lo];
	if (n->extent_count == n->extent_room) {
		n->extent_room = n->extent_room == 0 ? 2 : n->extent_room * 2;
		n->extent = xrealloc(n->extent, n->extent_room,
		    sizeof(*n->extent));
		n->bitmap = xrealloc(n->bitmap, n->extent_room,
		    sizeof(*n->bitmap));
	}
	memmove(&n->extent[lo + 1], &n->extent[lo],
	    (n->extent_count - lo) * sizeof(*n->extent));
	memmove(&n->bitmap[lo + 1], &n->bitmap[lo],
	    (n->extent_count - lo) * sizeof(*n->bitmap));
	n->extent[lo] = number;
	n->bitmap[lo] = xcalloc(1, BITMAP_LEN);
	n->extent_count++;
	return n->bitmap[lo];
}

static void
set_bits(struct dirtyset *d, uint8_t *bitmap, unsigned first, unsigned last)
{
	for (; first <= last; first++) {
		uint8_t bit = (uint8_t)(1u << (first & 7));

		if ((bitmap[first / 8] & bit) == 0) {
			bitmap[first / 8] |= bit;
			d->bits++;
		}
	}
}

/* What the tail says anyway needs no bits. */
static void
trim(struct dirtyset *d, struct node *n)
{
	uint64_t block, keep = n->tail_from / BLOCK +
	    (n->tail_from % BLOCK != 0);
	unsigned i, b, out = 0;

	if (n->tail_from == UINT64_MAX)
		return;
	for (i = 0; i < n->extent_count; i++) {
		block = n->extent[i] * (ACTLOG_EXTENT / BLOCK);
		if (block >= keep) {
			d->bits -= count_bits(n->bitmap[i]);
			free(n->bitmap[i]);
			continue;
		}
		for (b = 0; b < BITMAP_LEN * 8; b++)
			if (block + b >= keep &&
			    (n->bitmap[i][b / 8] & 1u << (b & 7)) != 0) {
				n->bitmap[i][b / 8] ^= (uint8_t)(1u << (b & 7));
				d->bits--;
			}
		n->extent[out] = n->extent[i];
		n->bitmap[out++] = n->bitmap[i];
	}
	n->extent_count = out;
}

void
dirtyset_data(struct dirtyset *d, uint64_t oid, uint64_t off, uint64_t len)
{
	struct node *n = need(d, oid);
	uint64_t end, e, from, to;

	if (n == NULL || n->whole || len == 0 || off >= n->tail_from)
		return;
	if (len > DIRTY_RANGE_MAX || off + len < off) {
		dirtyset_tail(d, oid, off);
		return;
	}
	end = off + len - 1;
	if (end >= n->tail_from)
		end = n->tail_from - 1;
	for (e = off / ACTLOG_EXTENT; e <= end / ACTLOG_EXTENT; e++) {
		from = e == off / ACTLOG_EXTENT ? off % ACTLOG_EXTENT : 0;
		to = e == end / ACTLOG_EXTENT ? end % ACTLOG_EXTENT :
		    ACTLOG_EXTENT - 1;
		set_bits(d, need_extent(n, e), (unsigned)(from / BLOCK),
		    (unsigned)(to / BLOCK));
	}
}

void
dirtyset_tail(struct dirtyset *d, uint64_t oid, uint64_t from)
{
	struct node *n = need(d, oid);

	if (n == NULL || n->whole || from >= n->tail_from)
		return;
	n->tail_from = from;
	trim(d, n);
}

void
dirtyset_attr(struct dirtyset *d, uint64_t oid)
{
	struct node *n = need(d, oid);

	if (n != NULL)
		n->attr = true;
}

void
dirtyset_whole(struct dirtyset *d, uint64_t oid)
{
	struct node *n = need(d, oid);

	if (n == NULL)
		return;
	drop_extents(d, n);
	n->tail_from = UINT64_MAX;
	n->whole = true;
}

void
dirtyset_dir(struct dirtyset *d, uint64_t dir)
{
	struct node *n = need(d, dir);

	if (n == NULL)
		return;
	drop_names(n);
	n->all_names = true;
}

void
dirtyset_name(struct dirtyset *d, uint64_t dir, const char *name)
{
	struct node *n = need(d, dir);
	unsigned lo = 0, hi, mid;
	int c;

	if (n == NULL || n->all_names)
		return;
	for (hi = n->name_count; lo < hi; ) {
		mid = (lo + hi) / 2;
		c = strcmp(n->name[mid], name);
		if (c == 0)
			return;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (n->name_count >= DIRTY_NAMES_MAX) {
		dirtyset_dir(d, dir);
		return;
	}
	if (n->name_count == n->name_room) {
		n->name_room = n->name_room == 0 ? 4 : n->name_room * 2;
		n->name = xrealloc(n->name, n->name_room, sizeof(*n->name));
	}
	memmove(&n->name[lo + 1], &n->name[lo],
	    (n->name_count - lo) * sizeof(*n->name));
	n->name[lo] = xstrdup(name);
	n->name_count++;
}

void
dirtyset_bucket(struct dirtyset *d, uint64_t dir, unsigned bucket)
{
	struct node *n = need(d, dir);

	if (n == NULL || n->all_names)
		return;
	if (n->buckets == NULL)
		n->buckets = xcalloc(1, 32);
	n->buckets[bucket / 8 % 32] |= (uint8_t)(1u << (bucket & 7));
}

void
dirtyset_mark(struct dirtyset *d, uint64_t oid)
{
	unsigned i;

	for (i = 0; oid != 0 && i < DIRTY_MARKS; i++) {
		if (d->mark[i] == 0 ||
		    (STORE_OF(d->mark[i]) == STORE_OF(oid) &&
		    oid < d->mark[i])) {
			d->mark[i] = oid;
			return;
		}
		if (STORE_OF(d->mark[i]) == STORE_OF(oid))
			return;
	}
	/* More stores than a pair of nodes can have had since they were
	 * level: something is odd, compare everything. */
	if (oid != 0)
		dirtyset_all(d);
}

uint64_t
dirtyset_marks(const struct dirtyset *d, unsigned i)
{
	return i < DIRTY_MARKS ? d->mark[i] : 0;
}

bool
dirtyset_is_new(const struct dirtyset *d, uint64_t oid)
{
	unsigned i;

	for (i = 0; i < DIRTY_MARKS && d->mark[i] != 0; i++)
		if (STORE_OF(d->mark[i]) == STORE_OF(oid) && oid >= d->mark[i])
			return true;
	return false;
}

void
dirtyset_slots(struct dirtyset *d, const struct actlog_slot *slot,
    unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++, slot++) {
		switch (slot->kind) {
		case AK_DATA:
			if (slot->extent < UINT64_MAX / ACTLOG_EXTENT)
				dirtyset_data(d, slot->oid,
				    slot->extent * ACTLOG_EXTENT,
				    ACTLOG_EXTENT);
			break;
		case AK_TAIL:
			dirtyset_tail(d, slot->oid, slot->extent);
			break;
		case AK_ATTR:
			dirtyset_attr(d, slot->oid);
			break;
		case AK_NAMES:
			if (slot->extent == ACTLOG_ALL_NAMES)
				dirtyset_dir(d, slot->oid);
			else
				dirtyset_bucket(d, slot->oid,
				    (unsigned)(slot->extent & 0xff));
			break;
		case AK_MARK:
			dirtyset_mark(d, slot->oid);
			break;
		}
	}
}

void
dirtyset_note(struct dirtyset *d, const struct op *op)
{
	switch (op->type) {
	case OP_WRITE:
		dirtyset_data(d, op->obj, op->off, op->data_len);
		break;
	case OP_SYNC:
		break;
	case OP_CREATE:
	case OP_MKDIR:
	case OP_MKNOD:
	case OP_SYMLINK:
		dirtyset_name(d, op->dir, op->name);
		dirtyset_whole(d, op->obj);
		break;
	case OP_LINK:
		dirtyset_name(d, op->dir, op->name);
		dirtyset_attr(d, op->obj);
		break;
	case OP_UNLINK:
	case OP_RMDIR:
		if (op->dir != 0)
			dirtyset_name(d, op->dir, op->name);
		break;
	case OP_RENAME:
		dirtyset_name(d, op->dir, op->name);
		dirtyset_name(d, op->dir2, op->name2);
		break;
	case OP_SETATTR:
		dirtyset_attr(d, op->obj);
		if ((op->valid & OPV_SIZE) != 0)
			dirtyset_tail(d, op->obj, op->size);
		break;
	case OP_FALLOCATE:
		dirtyset_attr(d, op->obj);
		if ((op->flags & ~(uint32_t)FALLOC_FL_KEEP_SIZE) != 0)
			dirtyset_data(d, op->obj, op->off, op->len);
		break;
	case OP_COPY:
		dirtyset_data(d, op->obj2, op->off2, op->len);
		break;
	case OP_SETXATTR:
	case OP_REMOVEXATTR:
		dirtyset_attr(d, op->obj);
		break;
	case OP_TMPFILE:
		dirtyset_whole(d, op->obj);
		break;
	}
}

static void
merge_node(struct dirtyset *into, const struct node *from)
{
	struct node *n = need(into, from->oid);
	unsigned i, k;

	if (n == NULL)
		return;
	n->attr |= from->attr;
	if (from->all_names)
		dirtyset_dir(into, from->oid);
	for (i = 0; i < from->name_count; i++)
		dirtyset_name(into, from->oid, from->name[i]);
	if (from->buckets != NULL && !n->all_names) {
		if (n->buckets == NULL)
			n->buckets = xcalloc(1, 32);
		for (i = 0; i < 32; i++)
			n->buckets[i] |= from->buckets[i];
	}
	if (from->whole)
		dirtyset_whole(into, from->oid);
	if (n->whole)
		return;
	if (from->tail_from < n->tail_from)
		n->tail_from = from->tail_from;
	for (i = 0; i < from->extent_count; i++) {
		uint8_t *b = need_extent(n, from->extent[i]);

		into->bits -= count_bits(b);
		for (k = 0; k < BITMAP_LEN; k++)
			b[k] |= from->bitmap[i][k];
		into->bits += count_bits(b);
	}
	trim(into, n);
}

void
dirtyset_merge(struct dirtyset *into, const struct dirtyset *from)
{
	const struct node *n;
	unsigned k;
	size_t i;

	if (from->all) {
		dirtyset_all(into);
		return;
	}
	for (k = 0; k < DIRTY_MARKS; k++)
		dirtyset_mark(into, from->mark[k]);
	for (i = 0; i < from->size; i++)
		for (n = from->table[i]; n != NULL; n = n->next)
			merge_node(into, n);
}

/* Marks alone owe the peer nothing. */
bool
dirtyset_is_empty(const struct dirtyset *d)
{
	return d->count == 0 && !d->all;
}

bool
dirtyset_is_all(const struct dirtyset *d)
{
	return d->all;
}

uint64_t
dirtyset_bytes(const struct dirtyset *d)
{
	return d->bits * BLOCK;
}

static int
by_oid(const void *a, const void *b)
{
	uint64_t x = (*(struct node *const *)a)->oid;
	uint64_t y = (*(struct node *const *)b)->oid;

	return x < y ? -1 : x > y;
}

int
dirtyset_walk(const struct dirtyset *d,
    int (*on_item)(const struct dirty_item *i, void *arg), void *arg)
{
	struct node **list, *n;
	struct dirty_item item;
	size_t i, count = 0;
	int rc = 0;

	list = xcalloc(d->count + 1, sizeof(struct node *));
	for (i = 0; i < d->size; i++)
		for (n = d->table[i]; n != NULL; n = n->next)
			list[count++] = n;
	qsort(list, count, sizeof(struct node *), by_oid);
	for (i = 0; i < count && rc == 0; i++) {
		n = list[i];
		item = (struct dirty_item){
			.oid = n->oid,
			.whole = n->whole,
			.attr = n->attr,
			.all_names = n->all_names,
			.tail_from = n->tail_from,
			.name_count = n->name_count,
			.name = (const char *const *)n->name,
			.extent_count = n->extent_count,
			.extent = n->extent,
			.bitmap = (const uint8_t *const *)n->bitmap,
			.buckets = n->buckets,
		};
		rc = on_item(&item, arg);
	}
	free(list);
	return rc;
}

void
dirtyset_remove(struct dirtyset *d, uint64_t oid)
{
	struct node **p = &d->table[place(d, oid)], *n;

	while (*p != NULL && (*p)->oid != oid)
		p = &(*p)->next;
	if ((n = *p) == NULL)
		return;
	*p = n->next;
	d->count--;
	if (d->last == n)
		d->last = NULL;
	node_free(d, n);
}

/* SPDX-License-Identifier: ISC */
/*
 * Open addressing with linear probing in a mapped, preallocated file.  A
 * crash may lose entries put since the last sync or tear one: its crc then
 * fails and it counts as a deleted slot, which lookups step over.  Growth
 * writes a new file of twice the slots and renames it: for ten million objects
 * that takes seconds, in which lookups go on in the old one.
 */
#include "object-index.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crc32c.h"
#include "log.h"

#define INDEX_MAGIC	0x484649445831ull	/* HFIDX1 */
#define INDEX_HEAD	4096
#define INDEX_FIRST	(1u << 16)
#define SLOT_DELETED	UINT64_MAX
/* Larger tables are counted by so many pieces of that many slots. */
#define PIECES		64u
#define PIECE_SLOTS	2048u
#define COUNT_ALL	(2 * PIECES * PIECE_SLOTS)

struct slot {
	uint64_t	oid;		/* 0 free */
	uint32_t	crc;
	struct handle	handle;
	uint8_t		pad;
};
_Static_assert(sizeof(struct slot) == 40, "slot is part of the file format");

struct head {
	uint64_t	magic;
	uint32_t	version;
	uint32_t	node;
	uint64_t	slots;
	uint32_t	crc;
};

struct table {
	int		 fd;
	void		*map;
	size_t		 size;
	struct slot	*slot;
	uint64_t	 mask;
	uint64_t	 used;		/* deleted ones included */
	uint64_t	 live;
};

struct object_index {
	pthread_mutex_t	 put_lock;	/* of who changes it; before lock */
	pthread_rwlock_t lock;		/* of the table's memory */
	pthread_mutex_t	 sync_lock;
	char		*dir;
	uint8_t		 node;
	struct table	 t;
	atomic_uint_fast64_t put_count;
	uint64_t	 synced_count;	/* under sync_lock */
};

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	x ^= x >> 32;
	return x;
}

static uint32_t
slot_crc(const struct slot *s)
{
	return crc32c(crc32c(0, &s->oid, sizeof(s->oid)), &s->handle,
	    sizeof(s->handle));
}

static bool
slot_is_good(const struct slot *s)
{
	return s->oid != 0 && s->oid != SLOT_DELETED &&
	    s->handle.len <= HANDLE_MAX && s->crc == slot_crc(s);
}

static void
table_close(struct table *t)
{
	if (t->map != NULL)
		(void)munmap(t->map, t->size);
	if (t->fd != -1)
		(void)close(t->fd);
	t->map = NULL;
	t->fd = -1;
}

static int
table_map(struct table *t, uint64_t slots)
{
	t->size = INDEX_HEAD + slots * sizeof(struct slot);
	t->map = mmap(NULL, t->size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    t->fd, 0);
	if (t->map == MAP_FAILED) {
		t->map = NULL;
		return -1;
	}
	t->slot = (struct slot *)((uint8_t *)t->map + INDEX_HEAD);
	t->mask = slots - 1;
	/* It may be far larger than what is in use of it: main.c locks all
	 * memory, but these are pages of a file like those of any other. */
	(void)munlock(t->map, t->size);
	return 0;
}

static int
table_create(struct table *t, const char *path, uint8_t node, uint64_t slots)
{
	struct head h = { INDEX_MAGIC, 1, node, slots, 0 };

	memset(t, 0, sizeof(*t));
	t->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (t->fd == -1)
		return -1;
	/* Room is taken now: a full disk must not be a SIGBUS later. */
	errno = posix_fallocate(t->fd, 0,
	    (off_t)(INDEX_HEAD + slots * sizeof(struct slot)));
	if (errno != 0 || table_map(t, slots) == -1) {
		table_close(t);
		return -1;
	}
	h.crc = crc32c(0, &h, offsetof(struct head, crc));
	memcpy(t->map, &h, sizeof(h));
	return 0;
}

static bool
head_is_good(const struct head *h, uint8_t node, off_t size)
{
	return h->magic == INDEX_MAGIC && h->version == 1 &&
	    h->node == node && h->crc == crc32c(0, h,
	    offsetof(struct head, crc)) && h->slots >= INDEX_FIRST &&
	    (h->slots & (h->slots - 1)) == 0 &&
	    h->slots <= UINT32_MAX && size >= (off_t)(INDEX_HEAD +
	    h->slots * sizeof(struct slot));
}

static void
count_slots(struct table *t, uint64_t from, uint64_t count)
{
	for (; count > 0; from++, count--) {
		if (t->slot[from].oid == 0)
			continue;
		t->used++;
		if (slot_is_good(&t->slot[from]))
			t->live++;
	}
}

/*
 * How full it is tells when it must grow, and people how many objects there
 * are, about.  A start must not read all of a large one for that: entries
 * are scattered evenly, so that pieces tell, to half a percent.
 */
static void
table_count(struct table *t)
{
	uint64_t slots = t->mask + 1, i;

	if (slots <= COUNT_ALL) {
		count_slots(t, 0, slots);
		return;
	}
	for (i = 0; i < PIECES; i++)
		count_slots(t, slots / PIECES * i, PIECE_SLOTS);
	t->used *= slots / (PIECES * PIECE_SLOTS);
	t->live *= slots / (PIECES * PIECE_SLOTS);
}

static int
table_open(struct table *t, const char *path, uint8_t node)
{
	struct head h;
	off_t size;

	memset(t, 0, sizeof(*t));
	t->fd = open(path, O_RDWR | O_CLOEXEC);
	if (t->fd == -1)
		return -1;
	size = lseek(t->fd, 0, SEEK_END);
	if (size < INDEX_HEAD ||
	    pread(t->fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
	    !head_is_good(&h, node, size) || table_map(t, h.slots) == -1) {
		log_warnx("%s: not readable, made again", path);
		table_close(t);
		return -1;
	}
	table_count(t);
	return 0;
}

/* The slot of oid, or NULL. */
static struct slot *
table_find(const struct table *t, uint64_t oid)
{
	uint64_t i, n;
	struct slot *s;

	for (i = mix(oid) & t->mask, n = 0; n <= t->mask; n++) {
		s = &t->slot[i];
		if (s->oid == 0)
			return NULL;
		if (s->oid == oid && slot_is_good(s))
			return s;
		i = (i + 1) & t->mask;
	}
	return NULL;
}

static void
slot_fill(struct slot *s, uint64_t oid, const struct handle *h)
{
	struct slot n;

	memset(&n, 0, sizeof(n));
	n.oid = oid;
	n.handle = *h;
	n.crc = slot_crc(&n);
	*s = n;
}

/* oid is not in the table. */
static void
table_insert(struct table *t, uint64_t oid, const struct handle *h)
{
	uint64_t i;
	struct slot *s;

	for (i = mix(oid) & t->mask;; i = (i + 1) & t->mask) {
		s = &t->slot[i];
		if (s->oid != 0 && s->oid != SLOT_DELETED && s->oid != oid)
			continue;
		if (s->oid == 0)
			t->used++;
		t->live++;
		slot_fill(s, oid, h);
		return;
	}
}

static int
index_path(const struct object_index *x, char *path, const char *suffix)
{
	int n = snprintf(path, PATH_MAX, "%s/index%s", x->dir, suffix);

	return n < 0 || n >= PATH_MAX ? -1 : 0;
}

static int
dir_sync(const char *dir)
{
	int fd, rc;

	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	rc = fsync(fd);
	(void)close(fd);
	return rc;
}

/* With put_lock. */
static int
index_grow(struct object_index *x)
{
	char aside[PATH_MAX], path[PATH_MAX];
	struct table n;
	uint64_t i, slots;

	slots = x->t.mask + 1;
	if (x->t.live * 2 > slots)	/* else many are deleted ones */
		slots *= 2;
	if (index_path(x, aside, ".new") == -1 ||
	    index_path(x, path, "") == -1)
		return -ENAMETOOLONG;
	if (table_create(&n, aside, x->node, slots) == -1)
		return -errno;
	for (i = 0; i <= x->t.mask; i++)
		if (slot_is_good(&x->t.slot[i]))
			table_insert(&n, x->t.slot[i].oid,
			    &x->t.slot[i].handle);
	/* Durable before it takes the name: older entries were synced. */
	if (fdatasync(n.fd) == -1 || rename(aside, path) == -1 ||
	    dir_sync(x->dir) == -1) {
		int err = errno;

		table_close(&n);
		(void)unlink(aside);
		return -err;
	}
	(void)pthread_rwlock_wrlock(&x->lock);
	(void)pthread_mutex_lock(&x->sync_lock);
	table_close(&x->t);
	x->t = n;
	(void)pthread_mutex_unlock(&x->sync_lock);
	(void)pthread_rwlock_unlock(&x->lock);
	return 0;
}

/*
 * Durable before there is an index that lacks anything: who finds that one
 * after a crash must not take what it lacks for gone.
 */
static int
mark_scan(struct object_index *x)
{
	char path[PATH_MAX];
	int fd;

	if (index_path(x, path, ".scan") == -1)
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	(void)close(fd);	/* it is empty */
	return dir_sync(x->dir);
}

int
object_index_complete(struct object_index *x)
{
	char path[PATH_MAX];
	int rc;

	if (index_path(x, path, ".scan") == -1)
		return -ENAMETOOLONG;
	rc = object_index_sync(x);
	if (rc != 0)
		return rc;
	if (unlink(path) == -1)
		return errno == ENOENT ? 0 : -errno;
	return dir_sync(x->dir) == -1 ? -errno : 0;
}

struct object_index *
object_index_open(const char *state_dir, uint8_t node, bool *to_scan)
{
	struct object_index *x;
	char path[PATH_MAX], mark[PATH_MAX];

	*to_scan = false;
	x = calloc(1, sizeof(*x));
	if (x == NULL)
		return NULL;
	x->t.fd = -1;
	x->node = node;
	x->dir = strdup(state_dir);
	(void)pthread_mutex_init(&x->put_lock, NULL);
	(void)pthread_rwlock_init(&x->lock, NULL);
	(void)pthread_mutex_init(&x->sync_lock, NULL);
	if (x->dir == NULL || index_path(x, path, "") == -1 ||
	    index_path(x, mark, ".scan") == -1) {
		object_index_close(x);
		return NULL;
	}
	*to_scan = access(mark, F_OK) == 0;
	if (table_open(&x->t, path, node) == 0)
		return x;
	*to_scan = true;
	if (mark_scan(x) == -1 ||
	    table_create(&x->t, path, node, INDEX_FIRST) == -1) {
		int err = errno;

		object_index_close(x);
		errno = err;
		return NULL;
	}
	return x;
}

void
object_index_close(struct object_index *x)
{
	if (x == NULL)
		return;
	table_close(&x->t);
	(void)pthread_mutex_destroy(&x->put_lock);
	(void)pthread_rwlock_destroy(&x->lock);
	(void)pthread_mutex_destroy(&x->sync_lock);
	free(x->dir);
	free(x);
}

int
object_index_get(struct object_index *x, uint64_t oid, struct handle *h)
{
	const struct slot *s;

	(void)pthread_rwlock_rdlock(&x->lock);
	s = table_find(&x->t, oid);
	if (s != NULL)
		*h = s->handle;
	(void)pthread_rwlock_unlock(&x->lock);
	return s == NULL ? -ENOENT : 0;
}

int
object_index_put(struct object_index *x, uint64_t oid, const struct handle *h)
{
	struct handle known;
	struct slot *s;
	int err = 0;

	if (object_index_get(x, oid, &known) == 0 &&
	    memcmp(&known, h, sizeof(known)) == 0)
		return 0;
	(void)pthread_mutex_lock(&x->put_lock);
	if (x->t.used * 10 > x->t.mask * 7 && table_find(&x->t, oid) == NULL)
		err = index_grow(x);
	/* Without room to grow the last slots are used up first. */
	if (err != 0 && x->t.used * 20 < x->t.mask * 19)
		err = 0;
	(void)pthread_rwlock_wrlock(&x->lock);
	s = table_find(&x->t, oid);
	if (err == 0 && s != NULL)
		slot_fill(s, oid, h);
	else if (err == 0)
		table_insert(&x->t, oid, h);
	atomic_fetch_add(&x->put_count, 1);
	(void)pthread_rwlock_unlock(&x->lock);
	(void)pthread_mutex_unlock(&x->put_lock);
	return err;
}

void
object_index_del(struct object_index *x, uint64_t oid)
{
	struct slot *s;

	(void)pthread_mutex_lock(&x->put_lock);
	(void)pthread_rwlock_wrlock(&x->lock);
	s = table_find(&x->t, oid);
	if (s != NULL) {
		s->oid = SLOT_DELETED;
		if (x->t.live > 0)	/* an estimate, perhaps */
			x->t.live--;
	}
	(void)pthread_rwlock_unlock(&x->lock);
	(void)pthread_mutex_unlock(&x->put_lock);
}

int
object_index_sync(struct object_index *x)
{
	uint64_t upto;
	int err = 0;

	(void)pthread_mutex_lock(&x->sync_lock);
	upto = atomic_load(&x->put_count);
	if (upto != x->synced_count) {
		/* Growth, which replaces the file, takes sync_lock too. */
		if (fdatasync(x->t.fd) == -1)
			err = -errno;
		else
			x->synced_count = upto;
	}
	(void)pthread_mutex_unlock(&x->sync_lock);
	return err;
}

void
object_index_trim(struct object_index *x)
{
	(void)pthread_rwlock_rdlock(&x->lock);
	/* What was written stays in the file's pages. */
	(void)madvise(x->t.map, x->t.size, MADV_DONTNEED);
	(void)pthread_rwlock_unlock(&x->lock);
}

size_t
object_index_count(struct object_index *x)
{
	size_t n;

	(void)pthread_rwlock_rdlock(&x->lock);
	n = x->t.live;
	(void)pthread_rwlock_unlock(&x->lock);
	return n;
}

/* SPDX-License-Identifier: ISC */
/*
 * The file `gen' in the state directory: what this node's data is.  Two
 * slots of 4 KiB, written in turn, in place, with O_DSYNC (rule R20); the
 * good slot with the higher seq is the record.  A crash in a write tears the
 * older slot only, so the record before it stands (failpoint 26).
 *
 *	slot: header of record.h, magic HFgn, seq +1 a write,
 *	      flags 1 = never written by the role machine,
 *	      at 96: the fields of gen_encode(), 1 KiB, rest zero
 *
 * Neither slot good: EBADMSG, and the node is not promotable (rule R22).  A
 * missing gen beside an existing log is the same: it was lost, not new.
 */
#include "gen.h"

#include <sys/random.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "whole.h"
#include "xalloc.h"

#include "record.h"

#define GEN_MAGIC	0x4846676eu	/* HFgn */
#define GEN_FILE	"gen"
#define GEN_SIZE	(2 * RECORD_BLOCK)
#define GEN_FLAG_NEW	1u

struct gen_file {
	pthread_mutex_t	 lock;
	int		 fd;
	struct record	 head;		/* of the slot in force */
	unsigned	 slot;
	struct gen	 gen;
};

/* Offsets of the encoded fields; they are never moved, only added to. */
enum {
	GO_FENCE = 0, GO_EPOCH = 13, GO_SINCE = 26, GO_HANDED = 39,
	GO_HANDED_TO = 52, GO_ROLE = 53, GO_FLAGS = 54, GO_CURRENT = 56,
	GO_BASE = 72, GO_RESYNCING = 88, GO_HISTORY = 104,
	GO_CLEAN_STOP = 232, GO_SESSION = 240, GO_PEER_SESSION = 248,
	GO_OID_NEXT = 256, GO_STORE = 264, GO_PEER_STORE = 266,
	GO_PEER_DURABLE = 268, GO_VOTER = 276, GO_END = 276 + 8 * 13,
};

enum {
	GF_LEVEL = 1, GF_ALONE = 2, GF_UNCLEAN = 4,
	GF_DIRTY_ALL = 16, GF_KNOWN = 23,
};

static void
put_uuid(uint8_t *p, const struct gen_uuid *u)
{
	memcpy(p, u->byte, GEN_UUID_LEN);
}

static void
get_uuid(struct gen_uuid *u, const uint8_t *p)
{
	memcpy(u->byte, p, GEN_UUID_LEN);
}

void
gen_encode(uint8_t out[GEN_ENCODED_LEN], const struct gen *g)
{
	unsigned i, flags;

	memset(out, 0, GEN_ENCODED_LEN);
	flags = (g->level ? GF_LEVEL : 0u) | (g->alone ? GF_ALONE : 0u) |
	    (g->unclean ? GF_UNCLEAN : 0u) |
	    (g->dirty_all ? GF_DIRTY_ALL : 0u);
	record_put_epoch(out + GO_FENCE, g->fence);
	record_put_epoch(out + GO_EPOCH, g->epoch);
	record_put_epoch(out + GO_SINCE, g->since);
	record_put_epoch(out + GO_HANDED, g->handed);
	out[GO_HANDED_TO] = g->handed_to;
	out[GO_ROLE] = (uint8_t)g->role;
	record_put(out + GO_FLAGS, flags, 2);
	put_uuid(out + GO_CURRENT, &g->current);
	put_uuid(out + GO_BASE, &g->base);
	put_uuid(out + GO_RESYNCING, &g->resyncing);
	for (i = 0; i < GEN_HISTORY; i++)
		put_uuid(out + GO_HISTORY + i * GEN_UUID_LEN, &g->history[i]);
	record_put(out + GO_CLEAN_STOP, (uint64_t)g->clean_stop_ns, 8);
	record_put(out + GO_SESSION, g->session, 8);
	record_put(out + GO_PEER_SESSION, g->peer_session, 8);
	record_put(out + GO_OID_NEXT, g->oid_next, 8);
	record_put(out + GO_STORE, g->store_number, 2);
	record_put(out + GO_PEER_STORE, g->peer_store_number, 2);
	record_put(out + GO_PEER_DURABLE, g->peer_durable, 8);
	for (i = 0; i < 8; i++)
		record_put_epoch(out + GO_VOTER + i * 13, g->voter[i]);
}

int
gen_decode(struct gen *g, const uint8_t in[GEN_ENCODED_LEN])
{
	unsigned i, flags;

	memset(g, 0, sizeof(*g));
	flags = record_get(in + GO_FLAGS, 2);
	if (in[GO_ROLE] > GR_SECOND || (flags & ~(unsigned)GF_KNOWN) != 0) {
		errno = EPROTO;
		return -1;
	}
	g->fence = record_get_epoch(in + GO_FENCE);
	g->epoch = record_get_epoch(in + GO_EPOCH);
	g->since = record_get_epoch(in + GO_SINCE);
	g->handed = record_get_epoch(in + GO_HANDED);
	g->handed_to = in[GO_HANDED_TO];
	g->role = in[GO_ROLE];
	g->level = (flags & GF_LEVEL) != 0;
	g->alone = (flags & GF_ALONE) != 0;
	g->unclean = (flags & GF_UNCLEAN) != 0;
	g->dirty_all = (flags & GF_DIRTY_ALL) != 0;
	get_uuid(&g->current, in + GO_CURRENT);
	get_uuid(&g->base, in + GO_BASE);
	get_uuid(&g->resyncing, in + GO_RESYNCING);
	for (i = 0; i < GEN_HISTORY; i++)
		get_uuid(&g->history[i], in + GO_HISTORY + i * GEN_UUID_LEN);
	g->clean_stop_ns = (int64_t)record_get(in + GO_CLEAN_STOP, 8);
	g->session = record_get(in + GO_SESSION, 8);
	g->peer_session = record_get(in + GO_PEER_SESSION, 8);
	g->oid_next = record_get(in + GO_OID_NEXT, 8);
	g->store_number = record_get(in + GO_STORE, 2);
	g->peer_store_number = record_get(in + GO_PEER_STORE, 2);
	g->peer_durable = record_get(in + GO_PEER_DURABLE, 8);
	for (i = 0; i < 8; i++)
		g->voter[i] = record_get_epoch(in + GO_VOTER + i * 13);
	return 0;
}

static void
build_slot(uint8_t block[RECORD_BLOCK], const struct record *head,
    const struct gen *g)
{
	memset(block, 0, RECORD_BLOCK);
	gen_encode(block + RECORD_HEADER_LEN, g);
	record_seal(block, head);
}

static int
create(int dirfd, const char *module, uint8_t node, uint32_t flags)
{
	struct record head = { .magic = GEN_MAGIC, .node = node, .seq = 1,
	    .flags = flags };
	uint8_t block[RECORD_BLOCK];
	struct gen none = { 0 };

	snprintf(head.module, sizeof(head.module), "%s", module);
	build_slot(block, &head, &none);
	return record_create(dirfd, GEN_FILE, block, sizeof(block), GEN_SIZE);
}

static int
load(struct gen_file *f, const char *module, uint8_t node)
{
	uint8_t block[RECORD_BLOCK];
	struct record r;
	struct gen g;
	bool found = false;
	unsigned i;

	for (i = 0; i < 2; i++) {
		if (record_pread(f->fd, block, sizeof(block),
		    (uint64_t)i * RECORD_BLOCK) == -1)
			continue; /* an unreadable slot is a bad one */
		if (record_check(&r, block, GEN_MAGIC, module, node) == -1 ||
		    gen_decode(&g, block + RECORD_HEADER_LEN) == -1)
			continue;
		if (found && r.seq < f->head.seq)
			continue;
		f->head = r;
		f->gen = g;
		f->slot = i;
		found = true;
	}
	if (!found)
		errno = EBADMSG;
	return found ? 0 : -1;
}

struct gen_file *
gen_open(int state_dirfd, const char *module, uint8_t node)
{
	struct gen_file *f;
	int fd, err;

	fd = openat(state_dirfd, GEN_FILE, O_RDWR | O_DSYNC | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT) {
		/* The logs are made after gen: it was lost, not new. */
		if (faccessat(state_dirfd, "al", F_OK, 0) == 0 ||
		    faccessat(state_dirfd, "dirty", F_OK, 0) == 0) {
			errno = EBADMSG;
			return NULL;
		}
		if (create(state_dirfd, module, node, GEN_FLAG_NEW) == -1)
			return NULL;
		fd = openat(state_dirfd, GEN_FILE,
		    O_RDWR | O_DSYNC | O_CLOEXEC);
	}
	if (fd == -1)
		return NULL;
	f = xcalloc(1, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	f->fd = fd;
	if (load(f, module, node) == -1) {
		err = errno;
		gen_close(f);
		errno = err;
		return NULL;
	}
	return f;
}

int
gen_create(int state_dirfd, const char *module, uint8_t node)
{
	return create(state_dirfd, module, node, 0);
}

bool
gen_was_written(int state_dirfd, const char *module, uint8_t node)
{
	struct gen_file *f;
	bool written;

	if (faccessat(state_dirfd, GEN_FILE, F_OK, 0) == -1)
		return false;
	f = gen_open(state_dirfd, module, node);
	written = f == NULL || !gen_is_new(f);
	gen_close(f);
	return written;
}

void
gen_close(struct gen_file *f)
{
	if (f == NULL)
		return;
	(void)close(f->fd); /* all writes were synced */
	pthread_mutex_destroy(&f->lock);
	free(f);
}

void
gen_read(struct gen_file *f, struct gen *g)
{
	pthread_mutex_lock(&f->lock);
	*g = f->gen;
	pthread_mutex_unlock(&f->lock);
}

bool
gen_is_new(const struct gen_file *f)
{
	return (f->head.flags & GEN_FLAG_NEW) != 0;
}

/*
 * Always into the slot that is not in force: after a failed write that slot
 * may be torn, and the next try must not touch the good one.
 */
static int
write_locked(struct gen_file *f, const struct gen *g)
{
	struct record head = f->head;
	uint8_t block[RECORD_BLOCK];
	unsigned slot = 1 - f->slot;

	head.seq++;
	head.flags &= ~GEN_FLAG_NEW;
	head.epoch = g->epoch;
	build_slot(block, &head, g);
	fail_point(26);
	if (whole_pwrite(f->fd, block, sizeof(block),
	    (uint64_t)slot * RECORD_BLOCK) == -1)
		return -1;
	f->head = head;
	f->slot = slot;
	f->gen = *g;
	return 0;
}

int
gen_write(struct gen_file *f, const struct gen *g)
{
	int rc;

	pthread_mutex_lock(&f->lock);
	rc = write_locked(f, g);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

int
gen_update(struct gen_file *f, void (*change)(struct gen *g, void *arg),
    void *arg)
{
	struct gen g;
	int rc;

	pthread_mutex_lock(&f->lock);
	g = f->gen;
	change(&g, arg);
	rc = write_locked(f, &g);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

static void
set_dirty_all(struct gen *g, void *arg)
{
	(void)arg;
	g->dirty_all = true;
}

int
gen_distrust_logs(struct gen_file *f)
{
	struct gen g;

	gen_read(f, &g);
	return g.dirty_all ? 0 : gen_update(f, set_dirty_all, NULL);
}

static void
remember(struct gen *g, const struct gen_uuid *u)
{
	if (gen_uuid_is_none(u) || gen_uuid_equal(u, &g->history[0]))
		return;
	memmove(&g->history[1], &g->history[0],
	    (GEN_HISTORY - 1) * sizeof(g->history[0]));
	g->history[0] = *u;
}

void
gen_begin(struct gen *g, const struct gen_uuid *fresh)
{
	if (gen_uuid_is_none(&g->base))
		g->base = g->current;
	/* A half copied target that was forced: what it holds is of no
	 * generation, so no log of ours tells how it differs (R50). */
	if (!gen_uuid_is_none(&g->resyncing))
		g->dirty_all = true;
	g->resyncing = (struct gen_uuid){ 0 };
	remember(g, &g->current);
	g->current = *fresh;
}

void
gen_joined(struct gen *g)
{
	g->base = (struct gen_uuid){ 0 };
	g->dirty_all = false;
}

void
gen_follow(struct gen *g, const struct gen *source)
{
	g->current = source->current;
	memcpy(g->history, source->history, sizeof(g->history));
	g->base = (struct gen_uuid){ 0 };
	g->resyncing = (struct gen_uuid){ 0 };
	g->dirty_all = false;
	g->alone = false;
	g->level = true;
	g->clean_stop_ns = 0;
}

void
gen_target(struct gen *g, const struct gen_uuid *of)
{
	g->resyncing = *of;
	g->level = false;
	g->alone = false;
}

bool
gen_uuid_equal(const struct gen_uuid *a, const struct gen_uuid *b)
{
	return memcmp(a->byte, b->byte, GEN_UUID_LEN) == 0;
}

bool
gen_uuid_is_none(const struct gen_uuid *u)
{
	static const struct gen_uuid none;

	return gen_uuid_equal(u, &none);
}

void
gen_uuid_random(struct gen_uuid *u)
{
	size_t have = 0;
	ssize_t n;

	while (have < GEN_UUID_LEN) {
		n = getrandom(u->byte + have, GEN_UUID_LEN - have, 0);
		if (n > 0)
			have += (size_t)n;
	}
	/* RFC 9562: version 4, variant 1. */
	u->byte[6] = (u->byte[6] & 0x0f) | 0x40;
	u->byte[8] = (u->byte[8] & 0x3f) | 0x80;
}

const char *
gen_uuid_str(char buf[GEN_UUID_STR], const struct gen_uuid *u)
{
	const uint8_t *b = u->byte;

	snprintf(buf, GEN_UUID_STR, "%02x%02x%02x%02x-%02x%02x-%02x%02x-"
	    "%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
	    b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
	    b[14], b[15]);
	return buf;
}

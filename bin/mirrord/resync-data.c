/* SPDX-License-Identifier: ISC */
/*
 * Content and attributes of one pass, at the source.  What is known to
 * differ is sent; what the target may have already is offered by hash, 4 KiB
 * a block, and only blocks it asks for travel.  Holes stay holes.  No locks
 * are taken: whatever is written while it is read is in the next set.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <xxhash.h>

#include "whole.h"

#include "resync-int.h"
#include "resync-pass.h"

/* Extents offered by hash and not answered yet: bounds what waits. */
#define HASH_WINDOW	32u
#define DATA_CHUNK	(1024u * 1024)

struct source {
	struct pass	*p;
	struct resync	*r;
	uint64_t	 oid;
	int		 fd;
	uint64_t	 size;
};

static void
count(struct resync *r, uint64_t done, uint64_t sent, uint64_t hashed)
{
	pthread_mutex_lock(&r->lock);
	r->st.done_bytes += done;
	r->st.sent_bytes += sent;
	r->st.hashed_bytes += hashed;
	pthread_mutex_unlock(&r->lock);
}

/* The range as data; a file that became shorter is read short (R46). */
static int
send_range(struct source *s, uint64_t off, uint64_t len)
{
	uint8_t *chunk = s->r->scratch;
	struct frame_out f;
	ssize_t n;

	while (len > 0 && off < s->size) {
		if (resync_is_late(s->r))
			return -1;
		n = whole_pread(s->fd, chunk, len < DATA_CHUNK ? len :
		    DATA_CHUNK, off);
		if (n == -1) {
			resync_fail(s->r, "object %016llx: read: %s",
			    (unsigned long long)s->oid, strerror(errno));
			return -1;
		}
		if (n == 0)
			break;
		resync_frame(s->r, &f, RF_DATA, s->oid);
		frame_put_u64(&f, off);
		frame_put_bytes(&f, chunk, (size_t)n);
		if (resync_send(s->r, &f) == -1)
			return -1;
		count(s->r, 0, (uint64_t)n, 0);
		off += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static int
send_hole(struct source *s, uint64_t off, uint64_t len)
{
	struct frame_out f;

	resync_frame(s->r, &f, RF_HOLE, s->oid);
	frame_put_u64(&f, off);
	frame_put_u64(&f, len);
	return resync_send(s->r, &f);
}

/* ---- by hash ---- */

static int
answer_want(struct resync *r, struct want *w)
{
	struct source s = { .r = r, .oid = w->oid };
	struct stat st;
	unsigned i, run, n = (unsigned)((w->len + RB_BLOCK - 1) / RB_BLOCK);
	int rc = 0;

	s.fd = object_fd(r->conf.objects, w->oid, O_RDONLY);
	if (s.fd < 0)
		return 0; /* gone meanwhile */
	s.size = fstat(s.fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	for (i = 0; rc == 0 && i < n; i += run) {
		for (run = 0; i + run < n && (w->bitmap[(i + run) / 8] &
		    1u << ((i + run) & 7)) != 0; run++)
			continue;
		if (run > 0)
			rc = send_range(&s, w->off + (uint64_t)i * RB_BLOCK,
			    (uint64_t)run * RB_BLOCK);
		else
			run = 1;
	}
	object_fd_done(r->conf.objects, w->oid, s.fd);
	return rc;
}

/* Sends what was asked for; waits until at most `open' offers are open. */
static int
serve_wants(struct resync *r, unsigned open)
{
	struct want *w;
	int rc = 0;

	for (;;) {
		pthread_mutex_lock(&r->lock);
		while (r->want == NULL && r->hash_open > open && !r->stop)
			pthread_cond_wait(&r->cond, &r->lock);
		w = r->want;
		if (w != NULL) {
			r->want = w->next;
			if (r->want == NULL)
				r->want_end = &r->want;
		}
		if (r->stop)
			rc = -1;
		pthread_mutex_unlock(&r->lock);
		if (w == NULL)
			return rc;
		if (rc == 0)
			rc = answer_want(r, w);
		free(w);
		if (rc != 0)
			return rc;
	}
}

/* Offers a range within one extent. */
static int
offer(struct source *s, uint64_t off, uint64_t len)
{
	uint8_t *data = s->r->scratch;
	uint8_t hash[RB_BLOCKS * RB_HASH_LEN];
	XXH128_canonical_t c;
	struct frame_out f;
	size_t at, part;
	ssize_t n;

	if (resync_is_late(s->r))
		return -1;
	n = whole_pread(s->fd, data, len, off);
	if (n == -1) {
		resync_fail(s->r, "object %016llx: read: %s",
		    (unsigned long long)s->oid, strerror(errno));
		return -1;
	}
	if (n == 0)
		return 0;
	for (at = 0; at < (size_t)n; at += RB_BLOCK) {
		part = (size_t)n - at < RB_BLOCK ? (size_t)n - at : RB_BLOCK;
		XXH128_canonicalFromHash(&c, XXH3_128bits(data + at, part));
		memcpy(hash + at / RB_BLOCK * RB_HASH_LEN, c.digest,
		    RB_HASH_LEN);
	}
	if (serve_wants(s->r, HASH_WINDOW - 1) == -1)
		return -1;
	pthread_mutex_lock(&s->r->lock);
	s->r->hash_open++;
	pthread_mutex_unlock(&s->r->lock);
	resync_frame(s->r, &f, RF_HASH, s->oid);
	frame_put_u64(&f, off);
	frame_put_u64(&f, (uint64_t)n);
	frame_put_bytes(&f, hash, ((size_t)n + RB_BLOCK - 1) / RB_BLOCK *
	    RB_HASH_LEN);
	if (resync_send(s->r, &f) == -1)
		return -1;
	count(s->r, 0, 0, (uint64_t)n);
	return 0;
}

/* ---- ranges ---- */

enum how { HOW_FRESH, HOW_SEND, HOW_HASH };

static int
send_data(struct source *s, uint64_t off, uint64_t end, enum how how)
{
	uint64_t n;
	int rc = 0;

	if (how != HOW_HASH)
		return send_range(s, off, end - off);
	for (; rc == 0 && off < end; off += n) {
		n = RB_EXTENT - off % RB_EXTENT;
		if (n > end - off)
			n = end - off;
		rc = offer(s, off, n);
	}
	return rc;
}

/*
 * off and end are multiples of the block or the size.  Data segments and
 * holes as the file system tells them, cut to whole blocks; where it cannot
 * tell, all is data.
 */
static int
send_part(struct source *s, uint64_t off, uint64_t end, enum how how)
{
	uint64_t data, hole;
	off_t at;
	int rc = 0;

	if (end > s->size)
		end = s->size;
	while (rc == 0 && off < end) {
		at = lseek(s->fd, (off_t)off, SEEK_DATA);
		data = at != -1 ? (uint64_t)at - (uint64_t)at % RB_BLOCK :
		    errno == ENXIO ? end : off;
		if (data < off)
			data = off;
		if (data > end)
			data = end;
		if (data > off && how != HOW_FRESH)
			rc = send_hole(s, off, data - off);
		if (rc != 0 || data == end)
			break;
		/* From the data itself: where blocks of the file system are
		 * smaller than ours, ours begins in a hole. */
		if (at == -1 || (uint64_t)at < data)
			at = (off_t)data;
		at = lseek(s->fd, at, SEEK_HOLE);
		hole = at == -1 ? end : (uint64_t)at;
		hole += (RB_BLOCK - hole % RB_BLOCK) % RB_BLOCK;
		if (hole > end || hole <= data)
			hole = end;
		rc = send_data(s, data, hole, how);
		count(s->r, hole - data, 0, 0);
		off = hole;
	}
	return rc;
}

/* 1: open for its data, the size is sent; 0: nothing to send; -1. */
static int
source_open(struct source *s, struct pass *p, uint64_t oid)
{
	struct frame_out f;
	struct stat st;

	s->p = p;
	s->r = p->r;
	s->oid = oid;
	if (resync_stat(s->r, oid, &st) != 0 || !S_ISREG(st.st_mode))
		return 0;
	s->fd = object_fd(s->r->conf.objects, oid, O_RDONLY);
	if (s->fd < 0)
		return 0;
	s->size = fstat(s->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	pthread_mutex_lock(&s->r->lock);
	s->r->st.files++;
	pthread_mutex_unlock(&s->r->lock);
	resync_frame(s->r, &f, RF_SIZE, oid);
	frame_put_u64(&f, s->size);
	if (resync_send(s->r, &f) == 0)
		return 1;
	object_fd_done(s->r->conf.objects, oid, s->fd);
	return -1;
}

static int
send_whole(struct pass *p, uint64_t oid, enum how how)
{
	struct source s;
	int rc = source_open(&s, p, oid);

	if (rc != 1)
		return rc;
	rc = send_part(&s, 0, s.size, how);
	object_fd_done(p->r->conf.objects, oid, s.fd);
	return rc;
}

/* A bitmap of an extent, run by run.  A full one is mostly an activity
 * record of which little was written: by hash. */
static int
send_extent(struct source *s, uint64_t number, const uint8_t *bitmap)
{
	uint64_t base = number * RB_EXTENT;
	unsigned i, run;
	enum how how;
	int rc = 0;

	for (i = 0; rc == 0 && i < RB_BLOCKS; i += run) {
		for (run = 0; i + run < RB_BLOCKS && (bitmap[(i + run) / 8] &
		    1u << ((i + run) & 7)) != 0; run++)
			continue;
		if (run == 0) {
			run = 1;
			continue;
		}
		how = s->p->by_hash || run == RB_BLOCKS ? HOW_HASH : HOW_SEND;
		rc = send_part(s, base + (uint64_t)i * RB_BLOCK,
		    base + (uint64_t)(i + run) * RB_BLOCK, how);
	}
	return rc;
}

static int
data_item(const struct dirty_item *it, void *arg)
{
	struct pass *p = arg;
	struct source s;
	unsigned i;
	int rc;

	(void)oidset_add(&p->attr, it->oid);
	if (oidset_has(&p->fresh, it->oid) ||
	    oidset_has(&p->compare, it->oid) ||
	    oidset_has(&p->trusted, it->oid))
		return 0;
	if (it->whole)
		return send_whole(p, it->oid, HOW_HASH);
	if (it->extent_count == 0 && it->tail_from == UINT64_MAX)
		return 0;
	rc = source_open(&s, p, it->oid);
	if (rc != 1)
		return rc;
	rc = 0;
	for (i = 0; rc == 0 && i < it->extent_count; i++)
		rc = send_extent(&s, it->extent[i], it->bitmap[i]);
	if (rc == 0 && it->tail_from < s.size)
		rc = send_part(&s, it->tail_from - it->tail_from % RB_BLOCK,
		    s.size, HOW_HASH);
	object_fd_done(p->r->conf.objects, it->oid, s.fd);
	return rc;
}

static int
each(struct pass *p, const struct oidset *set, enum how how)
{
	uint64_t *list = oidset_list(set);
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < set->count; i++)
		if (how == HOW_FRESH || (!oidset_has(&p->fresh, list[i]) &&
		    !oidset_has(&p->trusted, list[i])))
			rc = send_whole(p, list[i], how);
	free(list);
	return rc;
}

int
resync_data(struct pass *p)
{
	int rc;

	rc = each(p, &p->fresh, HOW_FRESH);
	if (rc == 0)
		rc = each(p, &p->compare, HOW_HASH);
	if (rc == 0)
		rc = dirtyset_walk(p->set, data_item, p);
	if (rc == 0)
		rc = serve_wants(p->r, 0);
	return rc == 0 ? 0 : -1;
}

/* ---- attributes ---- */

static int
send_xattrs(struct resync *r, uint64_t oid, const char *path, const char *list,
    ssize_t len)
{
	uint8_t *value = r->value;
	struct frame_out f;
	const char *n;
	ssize_t got;

	for (n = list; n < list + len; n += strlen(n) + 1) {
		if (strncmp(n, "trusted.holdfast.", 17) == 0)
			continue;
		got = getxattr(path, n, value, RB_XATTR_MAX);
		if (got == -1)
			continue; /* gone meanwhile: in the next set */
		resync_frame(r, &f, RF_XATTR, oid);
		frame_put_str(&f, n);
		frame_put_bytes(&f, value, (size_t)got);
		if (resync_send(r, &f) == -1)
			return -1;
	}
	return 0;
}

static int
send_attr(struct pass *p, uint64_t oid)
{
	struct resync *r = p->r;
	char *list = r->names;
	char path[OBJECT_PROC_LEN];
	struct frame_out f;
	struct stat st;
	uint32_t names = 0;
	ssize_t len;
	const char *n;
	int fd, rc;

	if (resync_stat(r, oid, &st) != 0)
		return 0; /* gone: its names are in this set or the next */
	fd = object_fd(r->conf.objects, oid, O_PATH);
	if (fd < 0)
		return 0;
	object_proc_path(path, fd);
	len = listxattr(path, list, RB_XATTR_MAX);
	if (len < 0)
		len = 0;
	for (n = list; n < list + len; n += strlen(n) + 1)
		names++;
	resync_frame(r, &f, RF_ATTR, oid);
	frame_put_u32(&f, st.st_mode);
	frame_put_u32(&f, st.st_uid);
	frame_put_u32(&f, st.st_gid);
	frame_put_i64(&f, st.st_atim.tv_sec);
	frame_put_u32(&f, (uint32_t)st.st_atim.tv_nsec);
	frame_put_i64(&f, st.st_mtim.tv_sec);
	frame_put_u32(&f, (uint32_t)st.st_mtim.tv_nsec);
	frame_put_u32(&f, names);
	for (n = list; n < list + len; n += strlen(n) + 1)
		frame_put_str(&f, n);
	rc = resync_send(r, &f);
	if (rc == 0)
		rc = send_xattrs(r, oid, path, list, len);
	object_fd_done(r->conf.objects, oid, fd);
	pthread_mutex_lock(&r->lock);
	r->st.objects++;
	pthread_mutex_unlock(&r->lock);
	return rc;
}

/* Last, since data and names change times and set-ids. */
int
resync_attrs(struct pass *p)
{
	uint64_t *list = oidset_list(&p->attr);
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < p->attr.count; i++)
		rc = resync_is_late(p->r) ? -1 : send_attr(p, list[i]);
	free(list);
	return rc;
}

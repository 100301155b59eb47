/* SPDX-License-Identifier: ISC */
/*
 * Content and attributes at the target.  An object that is not here has no
 * name the source told us, so nobody can reach it: its frames are dropped
 * (rules R36, R47).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <xxhash.h>

#include "fail.h"

#include "resync-int.h"
#include "store.h"

/* What a frame that could not be carried out means: 0 go on, -1 close. */
static int
verdict(struct resync *r, const char *what, int rc)
{
	return rc == 0 || rc == -ESTALE ? 0 : resync_refuse(r, what, rc);
}

static int
on_size(struct resync *r, struct frame_in *f, uint64_t oid)
{
	struct op op = { .type = OP_SETATTR, .obj = oid, .valid = OPV_SIZE };
	struct stat st;

	op.size = frame_get_u64(f);
	if (!frame_done(f))
		return -1;
	if (resync_stat(r, oid, &st) != 0 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size == op.size)
		return 0;
	if (resync_aside_before(r, oid) == -1)
		return -1;
	return verdict(r, "size", store_exec(r->conf.objects, &op, NULL));
}

static int
on_data(struct resync *r, struct frame_in *f, uint64_t oid)
{
	struct op op = { .type = OP_WRITE, .obj = oid,
	    .mtime = { 0, UTIME_OMIT } };

	op.off = frame_get_u64(f);
	op.data = frame_get_bytes(f, OP_DATA_MAX, &op.data_len);
	if (!frame_done(f))
		return -1;
	if (resync_aside_before(r, oid) == -1)
		return -1;
	fail_point(40);
	pthread_mutex_lock(&r->lock);
	r->st.done_bytes += op.data_len;
	pthread_mutex_unlock(&r->lock);
	return verdict(r, "write", store_exec(r->conf.objects, &op, NULL));
}

/*
 * Only where there is data: a hole in a hole costs a journal entry.  One that
 * ends with the file takes the rest of the last block along, or the block
 * stays, full of zeroes; nothing of the file is there.
 */
static int
on_hole(struct resync *r, struct frame_in *f, uint64_t oid)
{
	struct op op = { .type = OP_FALLOCATE, .obj = oid,
	    .flags = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE };
	struct stat st;
	off_t data;
	int fd;

	op.off = frame_get_u64(f);
	op.len = frame_get_u64(f);
	if (!frame_done(f))
		return -1;
	fd = object_fd(r->conf.objects, oid, O_RDONLY);
	if (fd < 0)
		return 0;
	data = lseek(fd, (off_t)op.off, SEEK_DATA);
	object_fd_done(r->conf.objects, oid, fd);
	if (data == -1 || (uint64_t)data >= op.off + op.len)
		return 0;
	if (resync_stat(r, oid, &st) == 0 &&
	    op.off + op.len >= (uint64_t)st.st_size)
		op.len += (RB_BLOCK - (op.off + op.len) % RB_BLOCK) % RB_BLOCK;
	if (resync_aside_before(r, oid) == -1)
		return -1;
	return verdict(r, "hole", store_exec(r->conf.objects, &op, NULL));
}

/* ---- hashes ---- */

static size_t
read_own(struct resync *r, uint64_t oid, void *buf, size_t len, uint64_t off)
{
	size_t have = 0;
	ssize_t n;
	int fd;

	fd = object_fd(r->conf.objects, oid, O_RDONLY);
	while (fd >= 0 && have < len) {
		n = pread(fd, (uint8_t *)buf + have, len - have,
		    (off_t)(off + have));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break; /* unreadable here: it is asked for */
		have += (size_t)n;
	}
	object_fd_done(r->conf.objects, oid, fd);
	return have;
}

static bool
block_differs(const uint8_t *own, size_t have, size_t at, size_t part,
    const uint8_t *hash)
{
	XXH128_canonical_t c;

	if (at + part > have)
		return true;
	XXH128_canonicalFromHash(&c, XXH3_128bits(own + at, part));
	return memcmp(c.digest, hash + at / RB_BLOCK * RB_HASH_LEN,
	    RB_HASH_LEN) != 0;
}

static int
on_hash(struct resync *r, struct frame_in *f, uint64_t oid)
{
	uint8_t *own = r->scratch;
	uint64_t off = frame_get_u64(f), len = frame_get_u64(f);
	uint8_t bitmap[RB_BLOCKS / 8] = { 0 };
	struct frame_out out;
	const uint8_t *hash;
	size_t n, have, at, part, blocks;
	struct stat st;

	hash = frame_get_bytes(f, RB_BLOCKS * RB_HASH_LEN, &n);
	blocks = (size_t)((len + RB_BLOCK - 1) / RB_BLOCK);
	if (!frame_done(f) || len == 0 || len > RB_EXTENT ||
	    n != blocks * RB_HASH_LEN)
		return -1;
	/* Not here: nothing of it is wanted. */
	have = resync_stat(r, oid, &st) != 0 ? (size_t)-1 :
	    read_own(r, oid, own, len, off);
	for (at = 0; have != (size_t)-1 && at < len; at += RB_BLOCK) {
		part = len - at < RB_BLOCK ? len - at : RB_BLOCK;
		if (block_differs(own, have, at, part, hash))
			bitmap[at / RB_BLOCK / 8] |=
			    (uint8_t)(1u << (at / RB_BLOCK & 7));
	}
	pthread_mutex_lock(&r->lock);
	r->st.done_bytes += len;
	r->st.hashed_bytes += len;
	pthread_mutex_unlock(&r->lock);
	resync_frame(r, &out, RF_WANT, oid);
	frame_put_u64(&out, off);
	frame_put_u64(&out, len);
	frame_put_bytes(&out, bitmap, (blocks + 7) / 8);
	return resync_send(r, &out);
}

/* ---- attributes ---- */

struct attr {
	uint32_t	 mode, uid, gid;
	struct timespec	 atime, mtime;
	uint32_t	 names;
};

static bool
time_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Only what differs: an equal object is not written. */
static int
set_attr(struct resync *r, uint64_t oid, const struct attr *a)
{
	struct op op = { .type = OP_SETATTR, .obj = oid, .mode = a->mode,
	    .uid = a->uid, .gid = a->gid, .atime = a->atime,
	    .mtime = a->mtime };
	struct stat st;
	int rc;

	rc = resync_stat(r, oid, &st);
	if (rc != 0)
		return rc == -ESTALE ? 0 : rc;
	if (st.st_uid != a->uid || st.st_gid != a->gid)
		op.valid |= OPV_UID | OPV_GID | OPV_MODE;
	if ((st.st_mode & 07777) != (a->mode & 07777))
		op.valid |= OPV_MODE;
	if (S_ISLNK(st.st_mode))
		op.valid &= ~(uint32_t)OPV_MODE;
	if (!time_equal(&st.st_mtim, &a->mtime))
		op.valid |= OPV_MTIME | OPV_ATIME;
	if (op.valid == 0)
		return 0;
	/* Edits that changed no more than times are nothing to keep; content
	 * was compared before. */
	if (!r->meet.edits || (op.valid & ~(OPV_MTIME | OPV_ATIME)) != 0)
		rc = resync_aside_before(r, oid);
	return rc == -1 ? -ENOTCONN : store_exec(r->conf.objects, &op, NULL);
}

/* `keep' has a->names strings one behind the other. */
static int
drop_xattrs(struct resync *r, uint64_t oid, const char *keep, uint32_t names)
{
	char *own = (char *)r->scratch;
	struct op op = { .type = OP_REMOVEXATTR, .obj = oid };
	char path[OBJECT_PROC_LEN];
	const char *n, *k;
	uint32_t i;
	ssize_t len;
	size_t at;
	int fd, rc = 0;

	fd = object_fd(r->conf.objects, oid, O_PATH);
	if (fd < 0)
		return 0;
	len = listxattr(object_proc_path(path, fd), own, RB_XATTR_MAX);
	object_fd_done(r->conf.objects, oid, fd);
	for (n = own; rc == 0 && n < own + len; n += strlen(n) + 1) {
		for (k = keep, i = 0; i < names && strcmp(k, n) != 0; i++)
			k += strlen(k) + 1;
		/* Our own marks are no attributes of the application. */
		if (i < names || strncmp(n, "trusted.holdfast.", 17) == 0 ||
		    strcmp(n, "security.selinux") == 0)
			continue;
		at = strnlen(n, OP_NAME_MAX);
		memcpy(op.name, n, at);
		op.name[at] = '\0';
		if (resync_aside_before(r, oid) == -1)
			return -ENOTCONN;
		rc = store_exec(r->conf.objects, &op, NULL);
		if (rc == -ENODATA)
			rc = 0;
	}
	return rc;
}

static int
on_attr(struct resync *r, struct frame_in *f, uint64_t oid)
{
	char *keep = r->names;
	struct attr a;
	size_t at = 0;
	uint32_t i;
	int rc;

	a.mode = frame_get_u32(f);
	a.uid = frame_get_u32(f);
	a.gid = frame_get_u32(f);
	a.atime.tv_sec = frame_get_i64(f);
	a.atime.tv_nsec = frame_get_u32(f);
	a.mtime.tv_sec = frame_get_i64(f);
	a.mtime.tv_nsec = frame_get_u32(f);
	a.names = frame_get_u32(f);
	if (a.atime.tv_nsec >= 1000000000 || a.mtime.tv_nsec >= 1000000000)
		return -1;
	for (i = 0; i < a.names && !f->bad; i++) {
		if (at + 256 > 2 * RB_XATTR_MAX ||
		    frame_get_str(f, keep + at, 256) == -1)
			return -1;
		at += strlen(keep + at) + 1;
	}
	if (!frame_done(f))
		return -1;
	rc = drop_xattrs(r, oid, keep, a.names);
	if (rc == 0)
		rc = set_attr(r, oid, &a);
	if (rc == -ENOTCONN)
		return -1; /* refused already */
	if (rc == 0)
		rc = aside_compared(r->aside, oid);
	pthread_mutex_lock(&r->lock);
	r->st.objects++;
	pthread_mutex_unlock(&r->lock);
	return verdict(r, "attributes", rc);
}

static int
on_xattr(struct resync *r, struct frame_in *f, uint64_t oid)
{
	uint8_t *own = r->value;
	struct op op = { .type = OP_SETXATTR, .obj = oid };
	char path[OBJECT_PROC_LEN];
	ssize_t len;
	int fd;

	(void)frame_get_str(f, op.name, sizeof(op.name)); /* f->bad tells */
	op.data = frame_get_bytes(f, RB_XATTR_MAX, &op.data_len);
	if (!frame_done(f) || strncmp(op.name, "trusted.holdfast.", 17) == 0)
		return -1;
	fd = object_fd(r->conf.objects, oid, O_PATH);
	if (fd < 0)
		return 0;
	len = getxattr(object_proc_path(path, fd), op.name, own, RB_XATTR_MAX);
	object_fd_done(r->conf.objects, oid, fd);
	if (len >= 0 && (size_t)len == op.data_len &&
	    memcmp(own, op.data, op.data_len) == 0)
		return 0;
	if (resync_aside_before(r, oid) == -1)
		return -1;
	return verdict(r, "extended attribute",
	    store_exec(r->conf.objects, &op, NULL));
}

int
resync_write_frame(struct resync *r, struct frame_in *f, uint64_t oid)
{
	switch (f->type) {
	case RF_SIZE:
		return on_size(r, f, oid);
	case RF_DATA:
		return on_data(r, f, oid);
	case RF_HOLE:
		return on_hole(r, f, oid);
	case RF_HASH:
		return on_hash(r, f, oid);
	case RF_ATTR:
		return on_attr(r, f, oid);
	case RF_XATTR:
		return on_xattr(r, f, oid);
	default:
		return -1;
	}
}

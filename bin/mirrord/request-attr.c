/* SPDX-License-Identifier: ISC */
/*
 * Attributes and extended attributes.  trusted.holdfast.* is ours: hidden,
 * and nobody may set it.
 */
#include "request.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define HIDDEN_PREFIX	"trusted.holdfast."

/* Linux 7.33; a request without it is 8 bytes shorter, but SETXATTR_EXT is
 * always negotiated. */
#ifndef FUSE_SETXATTR_ACL_KILL_SGID
#define FUSE_SETXATTR_ACL_KILL_SGID (1 << 0)
#endif

int
rq_getattr(struct request *r)
{
	return request_reply_attr(r, r->oid);
}

/* Asked for only where somebody wants the time of birth. */
int
rq_statx(struct request *r)
{
	struct fuse_sx_out *out = (void *)r->out;
	struct statx st;
	int fd, error = 0;

	fd = object_fd(r->f->objects, r->oid, O_PATH);
	if (fd < 0)
		return fd;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME,
	    &st) == -1)
		error = -errno;
	object_fd_done(r->f->objects, r->oid, fd);
	if (error != 0)
		return error;
	memset(out, 0, sizeof(*out));
	out->attr_valid = REQUEST_VALID_S;
	fuse_sx_from(out, &st, r->oid);
	r->reply = out;
	r->reply_len = sizeof(*out);
	return 0;
}

int
rq_statfs(struct request *r)
{
	struct fuse_statfs_out *out = (void *)r->small;
	struct statvfs st;

	if (fstatvfs(r->m->root_fd, &st) == -1)
		return -errno;
	memset(out, 0, sizeof(*out));
	out->st.blocks = st.f_blocks;
	out->st.bfree = st.f_bfree;
	out->st.bavail = st.f_bavail;
	out->st.files = st.f_files;
	out->st.ffree = st.f_ffree;
	out->st.bsize = (uint32_t)st.f_bsize;
	out->st.frsize = (uint32_t)st.f_frsize;
	out->st.namelen = (uint32_t)st.f_namemax;
	r->reply = out;
	r->reply_len = sizeof(*out);
	return 0;
}

/* suid and sgid as a change by somebody else than the owner leaves them. */
static uint32_t
without_privileges(mode_t mode)
{
	uint32_t m = mode & 07777;

	m &= ~(uint32_t)S_ISUID;
	if (m & S_IXGRP)
		m &= ~(uint32_t)S_ISGID;
	return m;
}

static void
setattr_times(struct op *op, const struct fuse_setattr_in *in,
    const struct timespec *now)
{
	if (in->valid & FATTR_ATIME) {
		op->valid |= OPV_ATIME;
		op->atime.tv_sec = (time_t)in->atime;
		op->atime.tv_nsec = in->atimensec;
		if (in->valid & FATTR_ATIME_NOW)
			op->atime = *now;
	}
	if (in->valid & FATTR_MTIME) {
		op->valid |= OPV_MTIME;
		op->mtime.tv_sec = (time_t)in->mtime;
		op->mtime.tv_nsec = in->mtimensec;
		if (in->valid & FATTR_MTIME_NOW)
			op->mtime = *now;
	}
}

/*
 * The kernel asks for it by a flag with a new size.  Before fallocate(2) and
 * copy_file_range(2) by somebody without CAP_FSETID, and at a chown(2) of
 * nothing, it sends a request that sets nothing at all: the bits to clear
 * were all there was in it, and it leaves them to us.
 */
static bool
clears_privileges(const struct fuse_setattr_in *in)
{
	const uint32_t all = FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_SIZE |
	    FATTR_ATIME | FATTR_MTIME;

	return (in->valid & FATTR_KILL_SUIDGID) != 0 ||
	    (in->valid & all) == 0;
}

static void
setattr_op(struct op *op, const struct fuse_setattr_in *in,
    const struct stat *st)
{
	if (in->valid & FATTR_MODE) {
		op->valid |= OPV_MODE;
		op->mode = in->mode & 07777;
	} else if (clears_privileges(in) && S_ISREG(st->st_mode) &&
	    without_privileges(st->st_mode) != (st->st_mode & 07777)) {
		op->valid |= OPV_MODE;
		op->mode = without_privileges(st->st_mode);
	}
	if (in->valid & FATTR_UID) {
		op->valid |= OPV_UID;
		op->uid = in->uid;
	}
	if (in->valid & FATTR_GID) {
		op->valid |= OPV_GID;
		op->gid = in->gid;
	}
	if (in->valid & FATTR_SIZE) {
		op->valid |= OPV_SIZE;
		op->size = in->size;
	}
}

/* A repeat finds the bits cleared, and the other node has them still. */
static void
note_clearing(struct request *r, struct op *op,
    const struct fuse_setattr_in *in, struct evidence *ev)
{
	if (in->valid & FATTR_MODE)
		return;
	if (!r->again) {
		ev->clears = (op->valid & OPV_MODE) != 0;
		ev->mode = op->mode;
	} else if (ev->clears) {
		op->valid |= OPV_MODE;
		op->mode = ev->mode;
	}
}

/* A chown(2) of nothing: only the time of change, which each node has of its
 * own. */
static int
note_change(struct request *r)
{
	int fd = object_fd(r->f->objects, r->oid, O_PATH), rc = 0;

	if (fd < 0)
		return fd;
	if (fchownat(fd, "", (uid_t)-1, (gid_t)-1, AT_EMPTY_PATH) == -1)
		rc = -errno;
	object_fd_done(r->f->objects, r->oid, fd);
	return rc;
}

int
rq_setattr(struct request *r)
{
	const struct fuse_setattr_in *in = r->in.arg;
	struct evidence ev = { 0 };
	struct op op = { .type = OP_SETATTR, .obj = r->oid };
	struct stat st;
	int error;

	error = object_stat(r->f->objects, r->oid, &st);
	if (error != 0)
		return error;
	/* "Now" is one moment, here, there and at a repeat. */
	if (r->again)
		ev = r->slot->ev;
	else
		clock_gettime(CLOCK_REALTIME_COARSE, &ev.now);
	setattr_op(&op, in, &st);
	note_clearing(r, &op, in, &ev);
	setattr_times(&op, in, &ev.now);
	if (op.valid == 0)
		error = note_change(r);
	else {
		error = request_begin(r, &op, &r->oid, 1);
		if (error == 0)
			error = request_change(r, &op, &ev, NULL);
	}
	if (error == 0)
		error = request_reply_attr(r, r->oid);
	return error;
}

static bool
is_hidden(const char *name)
{
	return strncmp(name, HIDDEN_PREFIX, strlen(HIDDEN_PREFIX)) == 0;
}

/* The size a caller asked for, or the value itself. */
static int
reply_xattr(struct request *r, ssize_t len, uint32_t size)
{
	struct fuse_getxattr_out *out = (void *)r->small;

	if (size == 0) {
		memset(out, 0, sizeof(*out));
		out->size = (uint32_t)len;
		r->reply = out;
		r->reply_len = sizeof(*out);
		return 0;
	}
	if ((size_t)len > size)
		return -ERANGE;
	r->reply = r->out;
	r->reply_len = (size_t)len;
	return 0;
}

int
rq_getxattr(struct request *r)
{
	const struct fuse_getxattr_in *in = r->in.arg;
	char path[OBJECT_PROC_LEN];
	ssize_t len;
	int fd, error = 0;

	if (is_hidden(r->in.name))
		return -ENODATA;
	if (in->size > FUSE_DATA_MAX)
		return -E2BIG;
	fd = object_fd(r->f->objects, r->oid, O_PATH);
	if (fd < 0)
		return fd;
	len = getxattr(object_proc_path(path, fd), r->in.name,
	    in->size == 0 ? NULL : r->out, in->size);
	if (len == -1)
		error = -errno;
	object_fd_done(r->f->objects, r->oid, fd);
	return error != 0 ? error : reply_xattr(r, len, in->size);
}

/*
 * Takes our own names out of a list, and for others than root what only
 * CAP_SYS_ADMIN may know of; the new length.
 */
static ssize_t
hide_names(char *list, ssize_t len, bool is_root)
{
	ssize_t in = 0, out = 0, n;

	while (in < len) {
		n = (ssize_t)strlen(list + in) + 1;
		if (!is_hidden(list + in) && (is_root ||
		    strncmp(list + in, "trusted.", 8) != 0)) {
			memmove(list + out, list + in, (size_t)n);
			out += n;
		}
		in += n;
	}
	return out;
}

int
rq_listxattr(struct request *r)
{
	const struct fuse_getxattr_in *in = r->in.arg;
	char path[OBJECT_PROC_LEN];
	ssize_t len;
	int fd, error = 0;

	fd = object_fd(r->f->objects, r->oid, O_PATH);
	if (fd < 0)
		return fd;
	/* At most 64 KiB: the kernel's XATTR_LIST_MAX. */
	len = listxattr(object_proc_path(path, fd), (char *)r->out,
	    FUSE_DATA_MAX);
	if (len == -1)
		error = -errno;
	object_fd_done(r->f->objects, r->oid, fd);
	if (error != 0)
		return error;
	return reply_xattr(r, hide_names((char *)r->out, len,
	    r->in.h->uid == 0), in->size);
}

static int
xattr_exists(struct request *r, const char *name)
{
	char path[OBJECT_PROC_LEN];
	ssize_t len;
	int fd;

	fd = object_fd(r->f->objects, r->oid, O_PATH);
	if (fd < 0)
		return 0;
	len = getxattr(object_proc_path(path, fd), name, NULL, 0);
	object_fd_done(r->f->objects, r->oid, fd);
	return len != -1;
}

static bool
has_sgid(struct request *r)
{
	struct stat st;

	return object_stat(r->f->objects, r->oid, &st) == 0 &&
	    (st.st_mode & S_ISGID) != 0;
}

/*
 * Setting an ACL by somebody outside the group clears sgid.  It is a second
 * change of one request: a repeat finds it made here, and perhaps not there.
 */
static int
kill_sgid(struct request *r, const struct evidence *ev)
{
	struct op op = { .type = OP_SETATTR, .obj = r->oid,
	    .valid = OPV_MODE };
	struct stat st;
	int error;

	error = object_stat(r->f->objects, r->oid, &st);
	if (error != 0)
		return error;
	op.mode = st.st_mode & 07777 & ~(uint32_t)S_ISGID;
	error = request_begin(r, &op, &r->oid, 1);
	if (error == 0)
		error = request_change(r, &op, ev, NULL);
	return error;
}

int
rq_setxattr(struct request *r)
{
	const struct fuse_setxattr_in *in = r->in.arg;
	bool kills = in->setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID;
	struct evidence ev = { 0 };
	struct op op = { .type = OP_SETXATTR, .obj = r->oid };
	int error;

	if (is_hidden(r->in.name))
		return -EPERM;
	if (in->size > r->in.data_len || strlen(r->in.name) > OP_NAME_MAX)
		return -EINVAL;
	memcpy(op.name, r->in.name, strlen(r->in.name) + 1);
	op.data = r->in.data;
	op.data_len = in->size;
	op.flags = in->flags;
	if (r->again)
		ev = r->slot->ev;
	else {
		ev.existed = (uint8_t)xattr_exists(r, op.name);
		ev.clears = kills && has_sgid(r);
	}
	/* A repeat may find its own work: judge by what was there before. */
	if (op.flags & XATTR_CREATE && ev.existed)
		return -EEXIST;
	if (op.flags & XATTR_REPLACE && !ev.existed)
		return -ENODATA;
	op.flags = 0;
	error = request_begin(r, &op, &r->oid, 1);
	if (error == 0)
		error = request_change(r, &op, &ev, NULL);
	if (error == 0 && ev.clears) {
		request_unlock(r);
		error = kill_sgid(r, &ev);
	}
	return error;
}

int
rq_removexattr(struct request *r)
{
	struct evidence ev = { 0 };
	struct op op = { .type = OP_REMOVEXATTR, .obj = r->oid };
	int error;

	if (is_hidden(r->in.name))
		return -EPERM;
	if (strlen(r->in.name) > OP_NAME_MAX)
		return -EINVAL;
	memcpy(op.name, r->in.name, strlen(r->in.name) + 1);
	ev.existed = (uint8_t)xattr_exists(r, op.name);
	error = request_begin(r, &op, &r->oid, 1);
	if (error == 0)
		error = request_change(r, &op, &ev, NULL);
	return error;
}

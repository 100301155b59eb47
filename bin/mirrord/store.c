/* SPDX-License-Identifier: ISC */
/*
 * One handler an op type, in a table.  Everything is reached by descriptors
 * of objects; the only names are single components.  Called by the primary
 * for a request, by apply.c for a frame, by the recovery of both.
 */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fail.h"
#include "whole.h"

#define COPY_CHUNK	32768	/* on the stack of a 256 KiB thread */

static bool
time_is_set(const struct timespec *t)
{
	return t->tv_nsec != UTIME_OMIT && (t->tv_sec != 0 || t->tv_nsec != 0);
}

static int
set_mtime(int fd, const struct timespec *mtime)
{
	struct timespec t[2] = { { 0, UTIME_OMIT }, *mtime };

	if (!time_is_set(mtime))
		return 0;
	return utimensat(fd, "", t, AT_EMPTY_PATH) == -1 ? -errno : 0;
}

static int
kill_priv(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -errno;
	if ((st.st_mode & (S_ISUID | S_ISGID)) == 0)
		return 0;
	st.st_mode &= 07777 & ~(mode_t)S_ISUID;
	/* Without group execution the bit means mandatory locking. */
	if (st.st_mode & S_IXGRP)
		st.st_mode &= ~(mode_t)S_ISGID;
	return fchmod(fd, st.st_mode) == -1 ? -errno : 0;
}

static int
do_write(struct objects *o, const struct op *op, uint64_t *done)
{
	int fd, rc;

	(void)done;
	fd = object_fd(o, op->obj, O_RDWR);
	if (fd < 0)
		return fd;
	rc = whole_pwrite(fd, op->data, op->data_len, op->off) == -1 ?
	    -errno : 0;
	if (rc == 0 && op->flags & OPF_KILLPRIV)
		rc = kill_priv(fd);
	if (rc == 0)
		rc = set_mtime(fd, &op->mtime);
	object_fd_done(o, op->obj, fd);
	return rc;
}

static int
do_sync(struct objects *o, const struct op *op, uint64_t *done)
{
	int fd, rc;

	(void)done;
	fd = object_fd(o, op->obj, O_RDONLY);
	if (fd < 0)
		return fd;
	rc = set_mtime(fd, &op->mtime);
	if (rc == 0 && (op->flags & OPF_DATAONLY ? fdatasync(fd) :
	    fsync(fd)) == -1)
		rc = -errno;
	object_fd_done(o, op->obj, fd);
	return rc;
}

/* Owner as asked; a change of owner must not cost setuid and setgid. */
static int
set_owner(int fd, const struct op *op)
{
	struct stat st;
	uid_t uid = op->uid;
	gid_t gid = op->gid;
	char path[OBJECT_PROC_LEN];

	if (fstat(fd, &st) == -1)
		return -errno;
	if (uid == st.st_uid)
		uid = (uid_t)-1;
	if (gid == st.st_gid)
		gid = (gid_t)-1;
	if (uid == (uid_t)-1 && gid == (gid_t)-1)
		return 0;
	if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) == -1)
		return -errno;
	if ((st.st_mode & (S_ISUID | S_ISGID)) == 0 || S_ISLNK(st.st_mode))
		return 0;
	if (chmod(object_proc_path(path, fd), st.st_mode & 07777) == -1)
		return -errno;
	return 0;
}

/* The last step of a creation. */
static int
set_made(int fd, const struct op *op)
{
	int rc = set_owner(fd, op);

	return rc == 0 ? set_mtime(fd, &op->mtime) : rc;
}

/* Makes the name.  A descriptor of the new object (O_PATH or better). */
static int
make_name(int dfd, const char *name, const struct op *op)
{
	char target[4096];
	int fd, rc = 0;

	switch (op->type) {
	case OP_CREATE:
	case OP_TMPFILE:
		fd = openat(dfd, name, O_CREAT | O_EXCL | O_RDWR |
		    O_NOFOLLOW | O_CLOEXEC, op->mode & 07777);
		return fd == -1 ? -errno : fd;
	case OP_MKDIR:
		rc = mkdirat(dfd, name, op->mode & 07777);
		break;
	case OP_MKNOD:
		rc = mknodat(dfd, name, op->mode, op->rdev);
		break;
	case OP_SYMLINK:
		if (op->data_len >= sizeof(target))
			return -ENAMETOOLONG;
		memcpy(target, op->data, op->data_len);
		target[op->data_len] = '\0';
		rc = symlinkat(target, dfd, name);
		break;
	default:
		return -EINVAL;
	}
	if (rc == -1)
		return -errno;
	fd = openat(dfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd == -1 ? -errno : fd;
}

static int
make_in(struct objects *o, const struct op *op, int dfd, const char *name)
{
	int fd, rc;

	object_make_begin(o);
	fd = make_name(dfd, name, op);
	fail_point(6);
	rc = fd < 0 ? fd : object_bind_fd(o, op->dir, fd, op->obj);
	object_make_end(o);
	if (fd < 0)
		return fd;
	if (rc == 0)
		rc = set_made(fd, op);
	(void)close(fd);
	/* Half made is not made: the caller reports an error. */
	if (rc != 0) {
		(void)unlinkat(dfd, name,
		    op->type == OP_MKDIR ? AT_REMOVEDIR : 0);
		object_forget(o, op->obj);
	}
	return rc;
}

static int
do_make(struct objects *o, const struct op *op, uint64_t *done)
{
	int dfd, rc;

	(void)done;
	dfd = object_fd(o, op->dir, O_PATH);
	if (dfd < 0)
		return dfd;
	rc = make_in(o, op, dfd, op->name);
	object_fd_done(o, op->dir, dfd);
	return rc;
}

static int
stage_of(struct objects *o, uint64_t oid)
{
	int root = object_root(o, oid);

	return root < 0 ? root : objects_stage_fd(o, (unsigned)root);
}

static int
do_tmpfile(struct objects *o, const struct op *op, uint64_t *done)
{
	char name[OBJECT_STAGE_LEN];
	int sfd;

	(void)done;
	sfd = stage_of(o, op->dir);
	if (sfd < 0)
		return sfd;
	return make_in(o, op, sfd, object_stage_name(name, op->obj));
}

/* What O_TMPFILE made has a name now and needs that of stage no longer. */
static void
leave_stage(struct objects *o, uint64_t oid)
{
	char name[OBJECT_STAGE_LEN];
	int sfd = stage_of(o, oid);

	if (sfd >= 0)
		(void)unlinkat(sfd, object_stage_name(name, oid), 0);
}

static int
do_link(struct objects *o, const struct op *op, uint64_t *done)
{
	int dfd, fd, rc = 0;

	(void)done;
	dfd = object_fd(o, op->dir, O_PATH);
	if (dfd < 0)
		return dfd;
	fd = object_fd(o, op->obj, O_PATH);
	if (fd < 0)
		rc = fd;
	else if (linkat(fd, "", dfd, op->name, AT_EMPTY_PATH) == -1)
		rc = -errno;
	if (rc == 0) {
		fail_point(87);
		leave_stage(o, op->obj);
	}
	object_fd_done(o, op->obj, fd);
	object_fd_done(o, op->dir, dfd);
	return rc;
}

static int
do_unlink(struct objects *o, const struct op *op, uint64_t *done)
{
	char name[OBJECT_STAGE_LEN];
	int dfd, rc = 0;

	(void)done;
	if (op->dir == 0) {
		dfd = stage_of(o, op->victim);
		if (dfd < 0)
			return dfd;
		if (unlinkat(dfd, object_stage_name(name, op->victim),
		    0) == -1)
			rc = -errno;
		return rc;
	}
	dfd = object_fd(o, op->dir, O_PATH);
	if (dfd < 0)
		return dfd;
	if (unlinkat(dfd, op->name,
	    op->type == OP_RMDIR ? AT_REMOVEDIR : 0) == -1)
		rc = -errno;
	object_fd_done(o, op->dir, dfd);
	return rc;
}

static int
do_rename(struct objects *o, const struct op *op, uint64_t *done)
{
	int from, to, rc = 0;

	(void)done;
	from = object_fd(o, op->dir, O_PATH);
	if (from < 0)
		return from;
	to = object_fd(o, op->dir2, O_PATH);
	if (to < 0)
		rc = to;
	else if (renameat2(from, op->name, to, op->name2, op->flags) == -1)
		rc = -errno;
	object_fd_done(o, op->dir2, to);
	object_fd_done(o, op->dir, from);
	return rc;
}

static int
set_size(struct objects *o, const struct op *op)
{
	int fd, rc = 0;

	fd = object_fd(o, op->obj, O_RDWR);
	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)op->size) == -1)
		rc = -errno;
	object_fd_done(o, op->obj, fd);
	return rc;
}

static int
set_attr(int fd, const struct op *op)
{
	struct timespec t[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } };
	char path[OBJECT_PROC_LEN];

	/* Owner before mode: a change of owner clears setuid. */
	if (op->valid & (OPV_UID | OPV_GID) && fchownat(fd, "",
	    op->valid & OPV_UID ? op->uid : (uid_t)-1,
	    op->valid & OPV_GID ? op->gid : (gid_t)-1, AT_EMPTY_PATH) == -1)
		return -errno;
	if (op->valid & OPV_MODE && chmod(object_proc_path(path, fd),
	    op->mode & 07777) == -1)
		return -errno;
	if (op->valid & OPV_ATIME)
		t[0] = op->atime;
	if (op->valid & OPV_MTIME)
		t[1] = op->mtime;
	if (op->valid & (OPV_ATIME | OPV_MTIME) &&
	    utimensat(fd, "", t, AT_EMPTY_PATH) == -1)
		return -errno;
	return 0;
}

static int
do_setattr(struct objects *o, const struct op *op, uint64_t *done)
{
	int fd, rc = 0;

	(void)done;
	/* Size first: it sets mtime, which the op may then set itself. */
	if (op->valid & OPV_SIZE)
		rc = set_size(o, op);
	if (rc != 0 || (op->valid & ~(uint32_t)OPV_SIZE) == 0)
		return rc;
	fd = object_fd(o, op->obj, O_PATH);
	if (fd < 0)
		return fd;
	rc = set_attr(fd, op);
	object_fd_done(o, op->obj, fd);
	return rc;
}

static int
do_fallocate(struct objects *o, const struct op *op, uint64_t *done)
{
	int fd, rc = 0;

	(void)done;
	fd = object_fd(o, op->obj, O_RDWR);
	if (fd < 0)
		return fd;
	if (fallocate(fd, (int)op->flags, (off_t)op->off,
	    (off_t)op->len) == -1)
		rc = -errno;
	if (rc == 0)
		rc = set_mtime(fd, &op->mtime);
	object_fd_done(o, op->obj, fd);
	return rc;
}

/* Where the file system cannot copy by itself. */
static ssize_t
copy_by_hand(int in, off_t off_in, int out, off_t off_out, size_t len)
{
	uint8_t buf[COPY_CHUNK];
	ssize_t n;

	n = whole_pread(in, buf, len < sizeof(buf) ? len : sizeof(buf),
	    (uint64_t)off_in);
	if (n <= 0)
		return n;
	return whole_pwrite(out, buf, (size_t)n, (uint64_t)off_out) == -1 ?
	    -1 : n;
}

static int
copy_range(int in, int out, const struct op *op, uint64_t *done)
{
	off_t off_in = (off_t)op->off, off_out = (off_t)op->off2;
	uint64_t left = op->len;
	ssize_t n;
	bool by_hand = false;

	while (left > 0) {
		if (by_hand) {
			n = copy_by_hand(in, off_in, out, off_out, left);
			off_in += n > 0 ? n : 0;
			off_out += n > 0 ? n : 0;
		} else
			n = copy_file_range(in, &off_in, out, &off_out, left,
			    0);
		if (n == -1 && !by_hand && (errno == EXDEV ||
		    errno == EOPNOTSUPP || errno == ENOSYS)) {
			by_hand = true;
			continue;
		}
		if (n == -1)
			return -errno;
		if (n == 0)
			break;
		left -= (uint64_t)n;
		*done += (uint64_t)n;
	}
	return 0;
}

static int
do_copy(struct objects *o, const struct op *op, uint64_t *done)
{
	uint64_t copied = 0;
	int in, out, rc;

	in = object_fd(o, op->obj, O_RDONLY);
	if (in < 0)
		return in;
	out = object_fd(o, op->obj2, O_RDWR);
	rc = out < 0 ? out : copy_range(in, out, op, &copied);
	/* Some bytes are a result, as for the system call. */
	if (rc != 0 && copied > 0 && done != NULL)
		rc = 0;
	if (done != NULL)
		*done = copied;
	else if (rc == 0 && copied != op->len)
		rc = -ESTALE;	/* the source differs from the primary's */
	if (rc == 0)
		rc = set_mtime(out, &op->mtime);
	object_fd_done(o, op->obj2, out);
	object_fd_done(o, op->obj, in);
	return rc;
}

static int
do_xattr(struct objects *o, const struct op *op, uint64_t *done)
{
	char path[OBJECT_PROC_LEN];
	int fd, rc;

	(void)done;
	if (strcmp(op->name, OID_XATTR) == 0)
		return -EPERM;
	fd = object_fd(o, op->obj, O_PATH);
	if (fd < 0)
		return fd;
	(void)object_proc_path(path, fd);
	if (op->type == OP_SETXATTR)
		rc = setxattr(path, op->name, op->data, op->data_len,
		    (int)op->flags);
	else
		rc = removexattr(path, op->name);
	if (rc == -1)
		rc = -errno;
	object_fd_done(o, op->obj, fd);
	return rc;
}

typedef int handler(struct objects *o, const struct op *op, uint64_t *done);

static handler *const handlers[] = {
	[OP_WRITE]	 = do_write,
	[OP_SYNC]	 = do_sync,
	[OP_CREATE]	 = do_make,
	[OP_MKDIR]	 = do_make,
	[OP_MKNOD]	 = do_make,
	[OP_SYMLINK]	 = do_make,
	[OP_LINK]	 = do_link,
	[OP_UNLINK]	 = do_unlink,
	[OP_RMDIR]	 = do_unlink,
	[OP_RENAME]	 = do_rename,
	[OP_SETATTR]	 = do_setattr,
	[OP_FALLOCATE]	 = do_fallocate,
	[OP_COPY]	 = do_copy,
	[OP_SETXATTR]	 = do_xattr,
	[OP_REMOVEXATTR] = do_xattr,
	[OP_TMPFILE]	 = do_tmpfile,
};

/* On the peer: the directory changed when the primary's did (rule R45). */
static int
set_dir_mtime(struct objects *o, uint64_t dir, const struct timespec *mtime)
{
	int fd, rc;

	if (dir == 0 || !time_is_set(mtime))
		return 0;
	fd = object_fd(o, dir, O_PATH);
	if (fd < 0)
		return fd;
	rc = set_mtime(fd, mtime);
	object_fd_done(o, dir, fd);
	return rc;
}

int
store_exec(struct objects *o, const struct op *op, uint64_t *done)
{
	int rc;

	if ((unsigned)op->type >= sizeof(handlers) / sizeof(handlers[0]) ||
	    handlers[op->type] == NULL)
		return -EINVAL;
	rc = handlers[op->type](o, op, done);
	if (rc == 0)
		rc = set_dir_mtime(o, op->dir, &op->dir_mtime);
	if (rc == 0)
		rc = set_dir_mtime(o, op->dir2, &op->dir2_mtime);
	return rc;
}

/* Whether `name' in dir is oid; -ENOENT counts as oid 0. */
static bool
name_is(struct objects *o, uint64_t dir, const char *name, uint64_t oid)
{
	uint64_t found = 0;
	int rc;

	rc = object_lookup(o, dir, name, false, &found, NULL);
	if (rc == -ENOENT)
		return oid == 0;
	return rc == 0 && found == oid;
}

/* For a creation whose end was cut off. */
static bool
own(struct objects *o, const struct op *op)
{
	int fd, rc;

	fd = object_fd(o, op->obj, O_PATH);
	if (fd < 0)
		return false;
	rc = set_made(fd, op);
	object_fd_done(o, op->obj, fd);
	return rc == 0;
}

/*
 * A creation that was killed before it bound the object left a name without
 * oid: it is finished now and counts as done, since the name was free when
 * the op began and the directory was locked (rule R56).
 */
static bool
make_is_done(struct objects *o, const struct op *op)
{
	uint64_t found;
	int rc;

	rc = object_lookup(o, op->dir, op->name, false, &found, NULL);
	if (rc == -ENODATA)
		rc = object_bind(o, op->dir, op->name, op->obj);
	else if (rc == 0 && found != op->obj)
		rc = -EEXIST;
	if (rc != 0)
		return false;
	return own(o, op);
}

/* The same of what O_TMPFILE makes: its name in stage is that of its oid. */
static bool
tmpfile_is_done(struct objects *o, const struct op *op)
{
	char name[OBJECT_STAGE_LEN];
	struct stat st;
	int fd, sfd, rc;

	if (object_stat(o, op->obj, &st) == 0)
		return own(o, op);
	sfd = stage_of(o, op->dir);
	if (sfd < 0)
		return false;
	fd = openat(sfd, object_stage_name(name, op->obj), O_PATH |
	    O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return false;
	rc = object_bind_fd(o, op->dir, fd, op->obj);
	(void)close(fd);
	return rc == 0 && own(o, op);
}

static bool
link_is_done(struct objects *o, const struct op *op)
{
	if (!name_is(o, op->dir, op->name, op->obj))
		return false;
	leave_stage(o, op->obj);
	return true;
}

static bool
xattr_is_gone(struct objects *o, const struct op *op)
{
	char path[OBJECT_PROC_LEN];
	bool gone;
	int fd;

	fd = object_fd(o, op->obj, O_PATH);
	if (fd < 0)
		return false;
	gone = getxattr(object_proc_path(path, fd), op->name, NULL,
	    0) == -1 && errno == ENODATA;
	object_fd_done(o, op->obj, fd);
	return gone;
}

bool
store_is_meant(struct objects *o, const struct op *op)
{
	switch (op->type) {
	case OP_UNLINK:
	case OP_RMDIR:
		return op->dir == 0 ||
		    name_is(o, op->dir, op->name, op->victim);
	case OP_RENAME:
		return name_is(o, op->dir, op->name, op->obj) &&
		    name_is(o, op->dir2, op->name2, op->victim);
	default:
		return true;
	}
}

static bool
is_done(struct objects *o, const struct op *op)
{
	struct stat st;

	switch (op->type) {
	case OP_CREATE:
	case OP_MKDIR:
	case OP_MKNOD:
	case OP_SYMLINK:
		return make_is_done(o, op);
	case OP_LINK:
		return link_is_done(o, op);
	case OP_UNLINK:
	case OP_RMDIR:
		if (op->dir == 0)
			return object_stat(o, op->victim, &st) != 0;
		/* Another object there would be a difference. */
		return name_is(o, op->dir, op->name, 0);
	case OP_RENAME:
		return name_is(o, op->dir2, op->name2, op->obj);
	case OP_REMOVEXATTR:
		return xattr_is_gone(o, op);
	case OP_TMPFILE:
		return tmpfile_is_done(o, op);
	default:
		return false;
	}
}

bool
store_is_done(struct objects *o, const struct op *op)
{
	/* The directories' times may be what is missing. */
	return is_done(o, op) && set_dir_mtime(o, op->dir,
	    &op->dir_mtime) == 0 && set_dir_mtime(o, op->dir2,
	    &op->dir2_mtime) == 0;
}

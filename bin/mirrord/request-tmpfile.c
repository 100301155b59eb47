/* SPDX-License-Identifier: ISC */
/*
 * O_TMPFILE.  A file that never had a name is what an unlinked one is: held
 * by a descriptor here and in keepd, gone with its last user, and no business
 * of the other node (rule R36).  When linkat(2) gives it a name, the other
 * node gets all of it before the name, in its stage, and has synced it before
 * the name is acknowledged: the application may have synced the file while
 * nobody told the other node, and need not sync it again.
 *
 * A kill while it is sent finds the request without an intent, and it is sent
 * again; the intent is that of the name only.
 */
#include "request.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fail.h"
#include "log.h"

/* What the kernel answers an application's open with. */
static int
reply_open(struct request *r, uint64_t oid)
{
	struct fuse_open_out *out;
	int error = request_reply_entry(r, oid);

	if (error != 0)
		return error;
	out = (void *)(r->small + r->reply_len);
	memset(out, 0, sizeof(*out));
	out->open_flags = FOPEN_KEEP_CACHE;
	r->reply_len += sizeof(*out);
	return 0;
}

/* A descriptor of the caller's, bound to its id. */
static int
make(struct request *r, const struct op *op)
{
	int dfd, fd, error;

	dfd = object_fd(r->f->objects, op->dir, O_PATH);
	if (dfd < 0)
		return dfd;
	request_as_caller(r);
	fd = openat(dfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, op->mode);
	if (fd == -1)
		fd = -errno;
	request_as_self(r);
	object_fd_done(r->f->objects, op->dir, dfd);
	if (fd < 0)
		return fd;
	error = object_bind_fd(r->f->objects, op->dir, fd, op->obj);
	if (error == 0)
		return fd;
	(void)close(fd); /* it vanishes */
	return error;
}

int
rq_tmpfile(struct request *r)
{
	const struct fuse_create_in *in = r->in.arg;
	struct evidence ev = { 0 };
	struct op op = { .type = OP_TMPFILE, .mode = in->mode & 07777 };
	int fd, error;

	op.dir = r->oid;
	error = request_inherit(r, &op, in->umask);
	if (error != 0)
		return error;
	ev.obj = r->again ? r->slot->ev.obj : object_new_oid(r->f->objects);
	if (ev.obj == 0)
		return -EIO;
	/* Below what is left out it can have names of its kind only. */
	if (object_is_local(op.dir))
		ev.obj |= OID_LOCAL;
	op.obj = ev.obj;
	request_enter(r);
	if (!r->again)
		slot_intent(r->slot, &ev);
	r->is_change = true;
	/* An earlier life came as far as keepd: that is the one. */
	if (!orphan_is(r->f->orphans, op.obj)) {
		fd = make(r, &op);
		if (fd < 0)
			return fd;
		error = orphan_hold(r->f->orphans, op.obj, fd);
		(void)close(fd); /* orphan_hold() has its own */
		if (error != 0)
			return error;
		orphan_set(r->f->orphans, op.obj);
	}
	return reply_open(r, op.obj);
}

/*
 * From here on what others change of it goes the way of all changes: under
 * the lock, so that nothing of it is ahead of the file in the stream.  The
 * sequence, 0 when there is no peer to tell.
 */
static int
announce(struct request *r, uint64_t oid, uint64_t *seq)
{
	struct op op = { .type = OP_TMPFILE, .dir = r->oid, .obj = oid };
	struct front *f = r->f;
	struct stat st;
	int error;

	error = object_stat(f->objects, oid, &st);
	if (error == 0)
		error = change_begin(f->change, &op);
	if (error != 0)
		return error;
	request_lock(r, &oid, 1);
	op.mode = st.st_mode & 07777;
	op.uid = st.st_uid;
	op.gid = st.st_gid;
	*seq = change_commit(f->change, &op);
	orphan_unset(f->orphans, oid);
	request_unlock(r);
	return 0;
}

static int
take_stat(struct op *op, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -errno;
	op->size = (uint64_t)st.st_size;
	op->atime = st.st_atim;
	op->mtime = st.st_mtim;
	return 0;
}

/* A change that is done here already, for the peer.  Data of a WRITE, and with
 * fd size and times of a SETATTR, are read under the lock: what comes later is
 * behind it in the stream. */
static int
tell(struct request *r, struct op *op, int fd)
{
	ssize_t n;
	int error;

	error = request_begin(r, op, &op->obj, 1);
	if (error != 0)
		return error;
	if (op->type == OP_WRITE) {
		n = pread(fd, r->out, op->data_len, (off_t)op->off);
		if (n <= 0) {
			/* It was truncated meanwhile. */
			error = n == 0 ? 0 : -errno;
			request_cancel(r, op);
			return error;
		}
		op->data = r->out;
		op->data_len = (size_t)n;
	}
	if (op->type == OP_SETATTR && fd != -1 &&
	    (error = take_stat(op, fd)) != 0) {
		request_cancel(r, op);
		return error;
	}
	r->logged = false;
	(void)change_commit(r->f->change, op);
	request_unlock(r);
	return 0;
}

static int
tell_data(struct request *r, uint64_t oid, int fd)
{
	struct op op = { .type = OP_WRITE, .obj = oid };
	off_t at = 0, end;
	int error = 0;

	while (error == 0) {
		at = lseek(fd, at, SEEK_DATA);
		end = at == -1 ? -1 : lseek(fd, at, SEEK_HOLE);
		if (end == -1)
			return errno == ENXIO ? 0 : -errno;
		for (; error == 0 && at < end; at += FUSE_DATA_MAX) {
			op.off = (uint64_t)at;
			op.data_len = end - at < FUSE_DATA_MAX ?
			    (size_t)(end - at) : FUSE_DATA_MAX;
			error = tell(r, &op, fd);
		}
		at = end;
	}
	return error;
}

static int
tell_xattrs(struct request *r, uint64_t oid, int fd)
{
	char list[4096], path[OBJECT_PROC_LEN], *name;
	struct op op = { .type = OP_SETXATTR, .obj = oid };
	ssize_t len, n;
	int error = 0;

	(void)object_proc_path(path, fd);
	len = listxattr(path, list, sizeof(list));
	if (len == -1)
		return -errno;
	for (name = list; error == 0 && name < list + len;
	    name += strlen(name) + 1) {
		if (strcmp(name, OID_XATTR) == 0)
			continue;
		n = getxattr(path, name, r->out, FUSE_DATA_MAX);
		if (n == -1 && errno == ENODATA)
			continue;
		if (n == -1)
			return -errno;
		memcpy(op.name, name, strlen(name) + 1);
		op.data = r->out;
		op.data_len = (size_t)n;
		error = tell(r, &op, fd);
	}
	return error;
}

static int
tell_all(struct request *r, uint64_t oid, uint64_t *sync)
{
	struct op op = { .type = OP_SETATTR, .obj = oid,
	    .valid = OPV_SIZE | OPV_ATIME | OPV_MTIME };
	struct op end = { .type = OP_SYNC, .obj = oid };
	int fd, error;

	/* The shared descriptor's offset serves nobody else. */
	fd = object_fd(r->f->objects, oid, O_RDONLY);
	if (fd < 0)
		return fd;
	/* An earlier life may have told what is a hole by now. */
	error = tell(r, &op, -1);
	if (error == 0)
		error = tell_xattrs(r, oid, fd);
	if (error == 0)
		error = tell_data(r, oid, fd);
	if (error == 0)
		error = tell(r, &op, fd);
	object_fd_done(r->f->objects, oid, fd);
	if (error == 0)
		*sync = change_commit(r->f->change, &end);
	return error;
}

/* An earlier life told it all; whether it was all that is in it now, nobody
 * knows.  It is compared at the next meeting. */
static int
doubt(struct request *r, uint64_t oid)
{
	struct dirtyset *more = dirtyset_new();
	int error;

	dirtyset_whole(more, oid);
	error = change_merge(r->f->change, more);
	dirtyset_free(more);
	orphan_unset(r->f->orphans, oid);
	return error;
}

/* It stays without a name. */
static void
take_back(struct request *r, uint64_t oid, bool told)
{
	struct op op = { .type = OP_UNLINK, .victim = oid };
	struct front *f = r->f;
	bool begun = told && change_begin(f->change, &op) == 0;

	/* Nothing of it goes between the two into the stream. */
	request_lock(r, &oid, 1);
	if (begun)
		(void)change_commit(f->change, &op);
	orphan_set(f->orphans, oid);
	request_unlock(r);
}

/* The VFS holds the object locked: it is linked by one at a time. */
int
request_link_nameless(struct request *r, struct op *op)
{
	struct evidence ev = { .obj = op->obj };
	struct front *f = r->f;
	uint64_t lock[2] = { op->dir, op->obj }, told = 0, sync = 0;
	int error = 0;

	request_enter(r);
	if (r->local)
		orphan_unset(f->orphans, op->obj);
	else
		error = r->again ? doubt(r, op->obj) :
		    announce(r, op->obj, &told);
	if (error == 0 && told != 0)
		error = tell_all(r, op->obj, &sync);
	if (error == 0)
		error = request_begin(r, op, lock, 2);
	if (error == 0)
		error = request_change(r, op, &ev, NULL);
	request_unlock(r);
	if (error != 0) {
		take_back(r, op->obj, told != 0);
		return error;
	}
	(void)orphan_drop(f->orphans, op->obj);
	error = request_reply_entry(r, op->obj);
	if (error == 0 && sync != 0 && stream_wait(f->stream, sync,
	    f->async_second ? SA_RECEIVED : SA_SYNCED) != 0)
		return RQ_SILENT;
	return error;
}

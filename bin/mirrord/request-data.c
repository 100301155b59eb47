/* SPDX-License-Identifier: ISC */
/*
 * Requests about a file's data: READ, WRITE, FSYNC, FALLOCATE, LSEEK and
 * COPY_FILE_RANGE.
 */
#include "request.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "fail.h"
#include "log.h"

int
rq_read(struct request *r)
{
	const struct fuse_read_in *in = r->in.arg;
	size_t want = in->size, have = 0;
	ssize_t n = 0;
	int fd, error = 0;

	if (want > FUSE_DATA_MAX)
		return -EINVAL;
	fd = object_fd(r->f->objects, r->oid, O_RDONLY);
	if (fd < 0)
		return fd;
	while (have < want) {
		n = pread(fd, r->out + have, want - have,
		    (off_t)(in->offset + have));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	if (n == -1 && have == 0)
		error = -errno;
	object_fd_done(r->f->objects, r->oid, fd);
	if (error == -EIO)
		r->f->on_disk_error(EIO, r->f->arg);
	r->reply = r->out;
	r->reply_len = have;
	return error;
}

int
rq_lseek(struct request *r)
{
	const struct fuse_lseek_in *in = r->in.arg;
	struct fuse_lseek_out *out = (void *)r->small;
	off_t off;
	int fd;

	/* Pages the kernel keeps would be holes; refused once, it says that
	 * all is data (fuse_file_llseek() of Linux). */
	if (r->m->writeback)
		return -ENOSYS;
	if (in->whence != SEEK_DATA && in->whence != SEEK_HOLE)
		return -EINVAL;
	fd = object_fd(r->f->objects, r->oid, O_RDONLY);
	if (fd < 0)
		return fd;
	/* The shared descriptor's offset serves nobody else. */
	off = lseek(fd, (off_t)in->offset, (int)in->whence);
	object_fd_done(r->f->objects, r->oid, fd);
	if (off == -1)
		return -errno;
	out->offset = (uint64_t)off;
	r->reply = out;
	r->reply_len = sizeof(*out);
	return 0;
}

/*
 * Of pages it kept the kernel says by a SETATTR when they were written, which
 * may overtake them: they leave the time as it is.  Under the object's lock.
 */
static void
keep_time(struct request *r, struct op *op)
{
	struct stat st;

	if (object_stat(r->f->objects, op->obj, &st) == 0)
		op->mtime = st.st_mtim;
}

static int
write_data(struct request *r)
{
	const struct fuse_write_in *in = r->in.arg;
	struct fuse_write_out *out = (void *)r->small;
	struct evidence none = { 0 };
	struct op op = { .type = OP_WRITE, .obj = r->oid };
	uint64_t done = 0;
	int error;

	if (in->size > r->in.data_len)
		return -EINVAL;
	op.off = in->offset;
	op.len = in->size;
	op.data = r->in.data;
	op.data_len = in->size;
	/* With HANDLE_KILLPRIV_V2 the kernel leaves suid and sgid to us:
	 * mirrord has CAP_FSETID, for which they would stay. */
	if (in->write_flags & FUSE_WRITE_KILL_SUIDGID)
		op.flags |= OPF_KILLPRIV;
	error = request_begin(r, &op, &r->oid, 1);
	if (error == 0 && r->m->writeback &&
	    in->write_flags & FUSE_WRITE_CACHE)
		keep_time(r, &op);
	if (error == 0)
		error = request_change(r, &op, &none, &done);
	if (error != 0)
		return error;
	out->size = in->size;
	out->padding = 0;
	r->reply = out;
	r->reply_len = sizeof(*out);
	return 0;
}

int
rq_write(struct request *r)
{
	const struct fuse_write_in *in = r->in.arg;
	struct front *f = r->f;
	int error;

	if (!(in->write_flags & FUSE_WRITE_CACHE))
		return write_data(r);
	__atomic_fetch_add(&f->kept_in_hand, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&f->kept_come, 1, __ATOMIC_SEQ_CST);
	error = write_data(r);
	__atomic_fetch_sub(&f->kept_in_hand, 1, __ATOMIC_SEQ_CST);
	return error;
}

static void
sync_begin(struct front *f)
{
	pthread_mutex_lock(&f->sync_lock);
	if (f->syncing++ == 0)
		f->sync_since_ns = mono_now().ns;
	pthread_mutex_unlock(&f->sync_lock);
}

/* One that returns shows that the disk still answers. */
static void
sync_end(struct front *f)
{
	pthread_mutex_lock(&f->sync_lock);
	f->syncing--;
	f->sync_since_ns = mono_now().ns;
	pthread_mutex_unlock(&f->sync_lock);
}

static int
sync_local(struct front *f, uint64_t oid, bool data_only)
{
	int fd, error = 0;

	fd = object_fd(f->objects, oid, O_RDONLY);
	if (fd < 0)
		return fd;
	sync_begin(f);
	if ((data_only ? fdatasync(fd) : fsync(fd)) == -1)
		error = -errno;
	sync_end(f);
	object_fd_done(f->objects, oid, fd);
	fail_point(8);
	/* Rule R34: what was created before is found again. */
	if (error == 0)
		error = objects_sync_index(f->objects);
	return error;
}

static void
compare_again(struct front *f, uint64_t oid)
{
	struct dirtyset *more = dirtyset_new();

	dirtyset_whole(more, oid);
	if (change_merge(f->change, more) != 0)
		log_warnx("object %016llx: cannot be noted as changed",
		    (unsigned long long)oid);
	dirtyset_free(more);
}

/*
 * Rule R9: the kernel forgets a failed sync after one report, so whatever
 * the peer said, the object must be compared again.
 */
static void
sync_failed(struct front *f, uint64_t oid, int error)
{
	log_warnx("object %016llx: local sync failed: %s",
	    (unsigned long long)oid, strerror(-error));
	if (!object_is_local(oid))
		compare_again(f, oid);
	f->on_disk_error(-error, f->arg);
}

int
rq_fsync(struct request *r)
{
	const struct fuse_fsync_in *in = r->in.arg;
	struct front *f = r->f;
	bool data_only = in->fsync_flags & FUSE_FSYNC_FDATASYNC;
	struct op op = { .type = OP_SYNC, .obj = r->oid };
	struct stat st;
	uint64_t seq = 0;
	int error;

	op.flags = (data_only ? OPF_DATAONLY : 0) |
	    (f->async_second ? OPF_RECEIVED : 0);
	if (!object_is_local(r->oid) && !orphan_is(f->orphans, r->oid)) {
		/* The lock puts it behind every write that was answered. */
		request_lock(r, &r->oid, 1);
		if (object_stat(f->objects, r->oid, &st) == 0)
			op.mtime = st.st_mtim;
		seq = change_commit(f->change, &op);
		request_unlock(r);
		/* The peer's sync runs beside the local one. */
		if (seq != 0)
			stream_push(f->stream);
	}
	fail_point(5);
	error = sync_local(f, r->oid, data_only);
	if (error != 0) {
		sync_failed(f, r->oid, error);
		return error == -ESTALE ? error : -EIO;
	}
	fail_point(20);
	if (seq != 0) {
		error = stream_wait(f->stream, seq,
		    f->async_second ? SA_RECEIVED : SA_SYNCED);
		/* The role ends: the mount is about to be aborted, and an
		 * EIO would tell a database that its disk is broken. */
		if (error != 0)
			return RQ_SILENT;
	}
	return __atomic_load_n(&f->ending, __ATOMIC_ACQUIRE) ? RQ_SILENT : 0;
}

int
rq_fallocate(struct request *r)
{
	const struct fuse_fallocate_in *in = r->in.arg;
	struct evidence none = { 0 };
	struct op op = { .type = OP_FALLOCATE, .obj = r->oid };
	int error;

	op.flags = in->mode;
	op.off = in->offset;
	op.len = in->length;
	error = request_begin(r, &op, &r->oid, 1);
	if (error == 0)
		error = request_change(r, &op, &none, NULL);
	return error;
}

int
rq_copy(struct request *r)
{
	const struct fuse_copy_file_range_in *in = r->in.arg;
	struct fuse_write_out *out = (void *)r->small;
	struct evidence none = { 0 };
	struct op op = { .type = OP_COPY, .obj = r->oid };
	uint64_t done = 0, lock[2];
	int error;

	op.obj2 = request_oid(r->m, in->nodeid_out);
	/* The peer does not have it: the kernel copies by read and write. */
	if (orphan_is(r->f->orphans, op.obj) ||
	    orphan_is(r->f->orphans, op.obj2) ||
	    object_is_local(op.obj) != object_is_local(op.obj2))
		return -EXDEV;
	op.off = in->off_in;
	op.off2 = in->off_out;
	/* Bounded, so that the lock and the reply are. */
	op.len = in->len < (64u << 20) ? in->len : 64u << 20;
	lock[0] = op.obj;
	lock[1] = op.obj2;
	error = request_begin(r, &op, lock, 2);
	if (error == 0)
		error = request_change(r, &op, &none, &done);
	if (error != 0)
		return error;
	out->size = (uint32_t)done;
	out->padding = 0;
	r->reply = out;
	r->reply_len = sizeof(*out);
	return 0;
}

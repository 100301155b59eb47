/* SPDX-License-Identifier: ISC */
/*
 * Takes frames in order, without a gap and without a repeat, and carries
 * them out by store_exec().  Called by link.c: apply_frame() by the one
 * thread that reads the connection, apply_run() by any number beside it.
 *
 * The memory keepd holds has the sequence being carried out before the call
 * and the one carried out after it; a killed mirrord therefore knows which
 * single op may have happened unnoticed, and looks (rule R56).
 */
#include "apply.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "log.h"

#include "object-local.h"
#include "store.h"

#define APPLY_MAGIC	0x48464150504c5931ull	/* HFAPPLY1 */

struct apply_memory {
	_Atomic uint64_t	magic;
	_Atomic uint64_t	stream_id;
	_Atomic uint64_t	doing;
	_Atomic uint64_t	applied;
};
_Static_assert(sizeof(struct apply_memory) <= APPLY_MEMORY_SIZE, "fits");

struct apply {
	struct objects		*objects;
	struct apply_calls	 calls;
	void			*arg;
	struct apply_memory	*m;
	struct apply_memory	 own;	/* when keepd holds none */
	uint64_t		 doubtful;	/* may have been carried out */
	pthread_mutex_t		 lock;
	pthread_cond_t		 idle;
	unsigned		 jobs;
	struct op		 op;	/* big: not on the stack */
};

struct apply *
apply_new(struct objects *o, void *memory, const struct apply_calls *calls,
    void *arg)
{
	struct apply *a;

	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return NULL;
	a->objects = o;
	a->calls = *calls;
	a->arg = arg;
	a->m = memory != NULL ? memory : &a->own;
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)pthread_cond_init(&a->idle, NULL);
	if (atomic_load(&a->m->magic) != APPLY_MAGIC) {
		memset(a->m, 0, sizeof(*a->m));
		atomic_store(&a->m->magic, APPLY_MAGIC);
	}
	if (atomic_load(&a->m->doing) == atomic_load(&a->m->applied) + 1)
		a->doubtful = atomic_load(&a->m->doing);
	return a;
}

void
apply_free(struct apply *a)
{
	if (a == NULL)
		return;
	(void)pthread_mutex_destroy(&a->lock);
	(void)pthread_cond_destroy(&a->idle);
	free(a);
}

void
apply_marks(struct apply *a, uint64_t *stream_id, uint64_t *applied)
{
	*stream_id = atomic_load(&a->m->stream_id);
	*applied = *stream_id == 0 ? 0 : atomic_load(&a->m->applied);
}

void
apply_begin(struct apply *a, uint64_t stream_id, uint64_t next)
{
	if (atomic_load(&a->m->stream_id) == stream_id &&
	    next <= atomic_load(&a->m->applied) + 1)
		return;
	/* id last: a kill in between leaves "nothing is known" */
	atomic_store(&a->m->stream_id, 0);
	atomic_store(&a->m->doing, next - 1);
	atomic_store(&a->m->applied, next - 1);
	atomic_store(&a->m->stream_id, stream_id);
	a->doubtful = 0;
}

void
apply_forget(struct apply *a)
{
	atomic_store(&a->m->stream_id, 0);
	a->doubtful = 0;
}

uint64_t
apply_applied(struct apply *a)
{
	return atomic_load(&a->m->applied);
}

/* The tree is not what the primary's is, or the op was done before. */
static bool
err_is_difference(int err)
{
	switch (err) {
	case EEXIST:
	case ENOENT:
	case ESTALE:
	case ENOTEMPTY:
	case EISDIR:
	case ENOTDIR:
	case ENODATA:
	case EINVAL:
		return true;
	default:
		return false;
	}
}

/*
 * op: the one that failed, NULL for a sync or a checkpoint.  The mark of what
 * is `applied' stays before it, so that a kill at any line here meets it
 * again at the next connection.
 */
static enum apply_result
failed(struct apply *a, struct apply_job *job, const struct op *op, int err)
{
	job->err = err;
	fail_point(23);
	if (a->calls.not_level(err, op, a->arg) != 0)
		log_warnx("level: could not be withdrawn durably");
	fail_point(24);
	return AR_FAILED;
}

static enum apply_result
start_job(struct apply *a)
{
	(void)pthread_mutex_lock(&a->lock);
	a->jobs++;
	(void)pthread_mutex_unlock(&a->lock);
	return AR_SYNC;
}

/* The time in order, since later writes may set it again; the sync beside
 * the stream, on a descriptor that a later unlink cannot take away. */
static enum apply_result
take_sync(struct apply *a, const struct op *op, struct apply_job *job)
{
	struct timespec t[2] = { { 0, UTIME_OMIT }, op->mtime };
	int fd, rc;

	fd = object_fd(a->objects, op->obj, O_RDONLY);
	if (fd < 0)
		return failed(a, job, op, -fd);
	if ((op->mtime.tv_sec != 0 || op->mtime.tv_nsec != 0) &&
	    utimensat(fd, "", t, AT_EMPTY_PATH) == -1) {
		object_fd_done(a->objects, op->obj, fd);
		return failed(a, job, op, errno);
	}
	if (op->flags & OPF_RECEIVED) {
		object_fd_done(a->objects, op->obj, fd);
		rc = a->calls.receipt(a->arg);
		if (rc != 0)
			return failed(a, job, NULL, -rc);
		job->answer_now = true;
		return AR_DONE;
	}
	job->fd = fd;
	return start_job(a);
}

/* An object without a name is gone here: nothing can open it (R36). */
static void
drop_victim(struct apply *a, const struct op *op)
{
	if (op->victim != 0 && (op->type == OP_UNLINK ||
	    op->type == OP_RMDIR || op->type == OP_RENAME))
		object_forget_if_gone(a->objects, op->victim);
}

static enum apply_result
take_op(struct apply *a, struct frame_in *f, uint64_t oid,
    struct apply_job *job)
{
	struct op *op = &a->op;
	int rc;

	if (op_get(op, f, oid) == -1)
		return AR_BROKEN;
	job->dir = op->dir;
	job->flags = op->flags;
	memcpy(job->name, op->name, strlen(op->name) + 1);
	if (op->type == OP_SYNC)
		return take_sync(a, op, job);
	if (f->sequence == a->doubtful && store_is_done(a->objects, op))
		return AR_DONE;
	rc = store_is_meant(a->objects, op) ?
	    store_exec(a->objects, op, NULL) : -ESTALE;
	/* A primary that was killed between its queue and its notes sends
	 * the op again under a new number (rule R56). */
	if (rc != 0 && err_is_difference(-rc) &&
	    store_is_done(a->objects, op))
		rc = 0;
	if (rc != 0 && rc != -ESTALE && err_is_difference(-rc) &&
	    object_make_way(a->objects, op))
		rc = store_exec(a->objects, op, NULL);
	if (rc != 0)
		return failed(a, job, op, -rc);
	drop_victim(a, op);
	return AR_DONE;
}

static enum apply_result
take(struct apply *a, struct frame_in *f, uint64_t oid, struct apply_job *job)
{
	if (wire_is_work(f->type))
		return a->calls.on_frame(f, oid, a->arg) == 0 ? AR_DONE :
		    AR_BROKEN;
	if (f->type == WT_VOID) {
		job->answer_now = true;
		return frame_done(f) ? AR_DONE : AR_BROKEN;
	}
	if (f->type == WT_CHECKPOINT)
		return frame_done(f) ? start_job(a) : AR_BROKEN;
	return take_op(a, f, oid, job);
}

enum apply_result
apply_frame(struct apply *a, struct frame_in *f, const struct wire *w,
    struct apply_job *job)
{
	uint64_t applied = atomic_load(&a->m->applied);
	enum apply_result r;

	job->type = f->type;
	job->seq = f->sequence;
	job->oid = w->oid;
	job->dir = 0;
	job->flags = 0;
	job->fd = -1;
	job->err = 0;
	job->answer_now = false;
	job->name[0] = '\0';
	if (f->sequence <= applied) {
		/* A repeat after a reconnection; syncs are wanted again. */
		job->answer_now = f->type != OP_SYNC;
		return f->type == OP_SYNC ? take_op(a, f, w->oid, job) :
		    AR_DONE;
	}
	if (f->sequence != applied + 1) {
		log_warnx("stream: sequence %llu after %llu: gap",
		    (unsigned long long)f->sequence,
		    (unsigned long long)applied);
		return AR_BROKEN;
	}
	fail_point(16);
	atomic_store(&a->m->doing, f->sequence);
	r = take(a, f, w->oid, job);
	if (r == AR_BROKEN || r == AR_FAILED)
		return r;
	atomic_store(&a->m->applied, f->sequence);
	fail_point(17);
	return r;
}

static int
run_sync(struct apply *a, const struct apply_job *job)
{
	int rc;

	/* The object first: its creation may be what the entry is about. */
	rc = (job->flags & OPF_DATAONLY ? fdatasync(job->fd) :
	    fsync(job->fd)) == -1 ? -errno : 0;
	fail_point(18);
	if (rc == 0)
		rc = objects_sync_index(a->objects);
	return rc;
}

enum apply_result
apply_run(struct apply *a, struct apply_job *job)
{
	enum apply_result r = AR_DONE;
	int rc;

	if (job->type == OP_SYNC) {
		rc = run_sync(a, job);
		object_fd_done(a->objects, job->oid, job->fd);
	} else
		rc = objects_checkpoint(a->objects);
	if (rc != 0)
		r = failed(a, job, NULL, -rc);
	fail_point(19);
	(void)pthread_mutex_lock(&a->lock);
	if (--a->jobs == 0)
		(void)pthread_cond_broadcast(&a->idle);
	(void)pthread_mutex_unlock(&a->lock);
	return r;
}

int
apply_drain(struct apply *a)
{
	(void)pthread_mutex_lock(&a->lock);
	while (a->jobs > 0)
		(void)pthread_cond_wait(&a->idle, &a->lock);
	(void)pthread_mutex_unlock(&a->lock);
	fail_point(46);
	return objects_checkpoint(a->objects);
}

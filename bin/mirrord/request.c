/* SPDX-License-Identifier: ISC */
/*
 * Dispatch of FUSE requests and the one way a change takes.  The order in
 * request_change() and serve() is what makes a kill at any line harmless;
 * the numbers are those of holdfast-failures(7).  Called by intake.c.
 */
#include "request.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "fail.h"
#include "log.h"

#include "store.h"

/* Much shorter than the fastest lease. */
#define LEASE_LOOK_NS	1000000

static request_fn *const handlers[] = {
	[FUSE_INIT]		= rq_init,
	[FUSE_LOOKUP]		= rq_lookup,
	[FUSE_FORGET]		= rq_forget,
	[FUSE_BATCH_FORGET]	= rq_batch_forget,
	[FUSE_GETATTR]		= rq_getattr,
	[FUSE_SETATTR]		= rq_setattr,
	[FUSE_READLINK]		= rq_readlink,
	[FUSE_SYMLINK]		= rq_symlink,
	[FUSE_MKNOD]		= rq_mknod,
	[FUSE_MKDIR]		= rq_mkdir,
	[FUSE_UNLINK]		= rq_unlink,
	[FUSE_RMDIR]		= rq_rmdir,
	[FUSE_RENAME]		= rq_rename,
	[FUSE_RENAME2]		= rq_rename2,
	[FUSE_LINK]		= rq_link,
	[FUSE_READ]		= rq_read,
	[FUSE_WRITE]		= rq_write,
	[FUSE_STATFS]		= rq_statfs,
	[FUSE_FSYNC]		= rq_fsync,
	[FUSE_FSYNCDIR]		= rq_fsync,
	[FUSE_SETXATTR]		= rq_setxattr,
	[FUSE_GETXATTR]		= rq_getxattr,
	[FUSE_LISTXATTR]	= rq_listxattr,
	[FUSE_REMOVEXATTR]	= rq_removexattr,
	[FUSE_READDIR]		= rq_readdir,
	[FUSE_READDIRPLUS]	= rq_readdirplus,
	[FUSE_FALLOCATE]	= rq_fallocate,
	[FUSE_LSEEK]		= rq_lseek,
	[FUSE_COPY_FILE_RANGE]	= rq_copy,
	[FUSE_OP_STATX]		= rq_statx,
	[FUSE_OP_TMPFILE]	= rq_tmpfile,
	/*
	 * ENOSYS is the answer that is wanted of the others: OPEN, OPENDIR
	 * (no state of handles), CREATE (the kernel then makes MKNOD), FLUSH
	 * (nothing is held back), INTERRUPT, ACCESS (default_permissions).
	 */
};

void
front_init(struct front *f)
{
	pthread_mutex_init(&f->sync_lock, NULL);
	hold_init(&f->hold);
}

void
front_fini(struct front *f)
{
	hold_fini(&f->hold);
	pthread_mutex_destroy(&f->sync_lock);
}

int64_t
front_disk_silence_ms(struct front *f)
{
	int64_t ms = 0;

	pthread_mutex_lock(&f->sync_lock);
	if (f->syncing > 0)
		ms = (mono_now().ns - f->sync_since_ns) / 1000000;
	pthread_mutex_unlock(&f->sync_lock);
	return ms;
}

void
front_set_leased(struct front *f, bool leased)
{
	__atomic_store_n(&f->leased, leased, __ATOMIC_SEQ_CST);
}

static bool
is_leased(struct front *f)
{
	return __atomic_load_n(&f->leased, __ATOMIC_SEQ_CST);
}

const char *
front_lease(struct front *f)
{
	if (!is_leased(f))
		return "none";
	return lease_runs(f->lease, mono_now()) ? "runs" : "over";
}

/*
 * Pages that the kernel writes back, and with cache="writeback" the time of
 * it, which it sends with these bits and no others, are nobody's request; and
 * the unmount at the end of a role, whose lease may be over, waits for them.
 */
static bool
is_written_back(const struct fuse_req *in)
{
	const uint32_t times = FATTR_MTIME | FATTR_CTIME;
	const struct fuse_write_in *w = in->arg;
	const struct fuse_setattr_in *s = in->arg;

	if (in->h->opcode == FUSE_WRITE && in->arg_len >= sizeof(*w))
		return (w->write_flags & FUSE_WRITE_CACHE) != 0;
	return in->h->opcode == FUSE_SETATTR && in->arg_len >= sizeof(*s) &&
	    (s->valid & ~(uint32_t)FATTR_FH) == times;
}

/* What tells an application nothing about the data. */
static bool
needs_no_lease(const struct fuse_req *in)
{
	uint32_t opcode = in->h->opcode;

	if (is_written_back(in))
		return true;
	return opcode == FUSE_INIT || opcode == FUSE_FORGET ||
	    opcode == FUSE_BATCH_FORGET || opcode == FUSE_STATFS ||
	    opcode >= sizeof(handlers) / sizeof(handlers[0]) ||
	    handlers[opcode] == NULL;
}

/*
 * The last look before a reply leaves, after all that it waited for (rules
 * L10, R27): also a primary that was frozen meanwhile thaws here.  A lease
 * that is over holds the reply: it may be renewed, or the role ends, and then
 * nobody is answered.
 */
static bool
may_reply(struct front *f, const struct fuse_req *in)
{
	struct timespec pause = { 0, LEASE_LOOK_NS };

	if (needs_no_lease(in))
		return true;
	while (is_leased(f) && !lease_runs(f->lease, mono_now())) {
		if (__atomic_load_n(&f->ending, __ATOMIC_ACQUIRE))
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

uint64_t
request_oid(const struct front_mount *m, uint64_t nodeid)
{
	return nodeid == FUSE_ROOT_ID ? m->root : nodeid;
}

uint64_t
request_nodeid(const struct front_mount *m, uint64_t oid)
{
	return oid == m->root ? FUSE_ROOT_ID : oid;
}

void
request_lock(struct request *r, const uint64_t *oid, unsigned count)
{
	object_lock(r->f->objects, &r->locks, oid, count);
}

void
request_unlock(struct request *r)
{
	object_unlock(r->f->objects, &r->locks);
	r->locks.count = 0;
}

void
request_enter(struct request *r)
{
	if (!r->entered)
		hold_enter(&r->f->hold);
	r->entered = true;
}

/* The other node has no use for it: no name leads there (R36), or it is left
 * out. */
static bool
is_unlogged(const struct request *r, const struct op *op)
{
	return r->local || object_is_local(op->obj) ||
	    (op->obj != 0 && orphan_is(r->f->orphans, op->obj));
}

/*
 * Quota and reserved blocks count for the caller (rule R43): his ids, and
 * not CAP_SYS_RESOURCE.  The other capabilities stay, since main.c set
 * SECBIT_NO_SETUID_FIXUP: the kernel has checked permissions already, with
 * groups that we do not know.
 */
static void
drop_resource_capability(void)
{
	static _Thread_local bool done;
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct d[2];

	if (done)
		return;
	done = true;
	if (syscall(SYS_capget, &h, d) == -1)
		return;
	d[0].effective &= ~(1u << CAP_SYS_RESOURCE);
	(void)syscall(SYS_capset, &h, d); /* then quota is root's: as before */
}

void
request_as_caller(const struct request *r)
{
	const struct fuse_in_header *h = r->in.h;

	if (h->uid == 0 && h->gid == 0)
		return;
	(void)setfsgid(h->gid);
	(void)setfsuid(h->uid);
}

void
request_as_self(const struct request *r)
{
	const struct fuse_in_header *h = r->in.h;

	if (h->uid == 0 && h->gid == 0)
		return;
	(void)setfsuid(0);
	(void)setfsgid(0);
}

static struct at
at_name(struct front *f, uint64_t dir, const char *name)
{
	struct at at = { AT_NONE, 0 };
	uint64_t oid;
	int error;

	error = object_lookup_here(f->objects, dir, name, false, &oid, NULL);
	if (error == 0) {
		at.what = AT_OBJ;
		at.oid = oid;
	} else if (error != -ENOENT) {
		at.what = error == -ENODATA ? AT_FOREIGN : AT_UNKNOWN;
	}
	return at;
}

static enum evidence_verdict
judge(struct request *r, const struct op *op)
{
	struct at none = { AT_NONE, 0 }, name = none, name2 = none;
	char path[OBJECT_PROC_LEN];
	int fd;

	if (op->dir != 0 && op->name[0] != '\0')
		name = at_name(r->f, op->dir, op->name);
	if (op->dir2 != 0 && op->name2[0] != '\0')
		name2 = at_name(r->f, op->dir2, op->name2);
	if (op->type == OP_REMOVEXATTR) {
		fd = object_fd(r->f->objects, op->obj, O_PATH);
		if (fd >= 0) {
			if (getxattr(object_proc_path(path, fd), op->name,
			    NULL, 0) != -1)
				name2.what = AT_OBJ;
			object_fd_done(r->f->objects, op->obj, fd);
		}
	}
	return evidence_judge(op, &r->slot->ev, name, name2);
}

static int
local_call(struct request *r, struct op *op, enum evidence_verdict verdict,
    uint64_t *done)
{
	int error;

	if (verdict == EV_DONE)
		return 0;
	if (verdict == EV_BIND)
		return object_bind(r->f->objects, op->dir, op->name,
		    r->slot->ev.obj);
	request_as_caller(r);
	error = store_exec(r->f->objects, op, done);
	request_as_self(r);
	return error;
}

int
request_begin(struct request *r, const struct op *op, const uint64_t *lock,
    unsigned count)
{
	struct front *f = r->f;
	int error;

	/* Before the locks: reads of the same objects go on. */
	request_enter(r);
	for (;;) {
		r->logged = !is_unlogged(r, op);
		if (r->logged) {
			error = change_begin(f->change, op);
			if (error != 0) {
				r->logged = false;
				return error;
			}
		}
		fail_point(2);
		request_lock(r, lock, count);
		/* It may have been given a name while we waited. */
		if (r->logged || is_unlogged(r, op))
			return 0;
		request_unlock(r);
	}
}

void
request_cancel(struct request *r, const struct op *op)
{
	if (r->logged)
		change_abort(r->f->change, op);
	r->logged = false;
	request_unlock(r);
}

static void
take_dir_time(struct front *f, uint64_t dir, struct timespec *t)
{
	struct stat st;

	if (dir != 0 && object_stat(f->objects, dir, &st) == 0)
		*t = st.st_mtim;
}

/* Rule R45: the peer's clock is not ours.  Under the objects' locks. */
static void
take_time(struct front *f, struct op *op)
{
	struct stat st;

	if (op->type != OP_TMPFILE) {
		take_dir_time(f, op->dir, &op->dir_mtime);
		take_dir_time(f, op->dir2, &op->dir2_mtime);
	}
	switch (op->type) {
	case OP_WRITE:
	case OP_CREATE:
	case OP_MKDIR:
	case OP_MKNOD:
	case OP_SYMLINK:
	case OP_FALLOCATE:
	case OP_COPY:
		if (object_stat(f->objects, op->type == OP_COPY ? op->obj2 :
		    op->obj, &st) == 0)
			op->mtime = st.st_mtim;
		break;
	case OP_SETATTR:
		if ((op->valid & (OPV_SIZE | OPV_MTIME)) == OPV_SIZE &&
		    object_stat(f->objects, op->obj, &st) == 0) {
			op->valid |= OPV_MTIME;
			op->mtime = st.st_mtim;
		}
		break;
	default:
		break;
	}
}

int
request_change(struct request *r, struct op *op, const struct evidence *ev,
    uint64_t *done)
{
	struct front *f = r->f;
	enum evidence_verdict verdict = EV_REPEAT;
	int error;

	if (r->again)
		verdict = judge(r, op);
	else
		slot_intent(r->slot, ev);
	r->is_change = true;
	fail_point(12);
	error = local_call(r, op, verdict, done);
	fail_point(3);
	if (error == -EIO || error == -EROFS)
		f->on_disk_error(-error, f->arg);
	if (!r->logged)
		return error;
	r->logged = false;
	if (error != 0) {
		change_abort(f->change, op);
		return error;
	}
	if (op->type == OP_COPY && done != NULL)
		op->len = *done;
	take_time(f, op);
	if (op->type == OP_LINK || op->type == OP_RENAME)
		fail_point(9);
	op->seq = change_commit(f->change, op);
	if (f->meta_receipt && !op_is_data(op->type))
		r->receipt = op->seq;
	fail_point(4);
	return 0;
}

int
request_reply_attr(struct request *r, uint64_t oid)
{
	struct fuse_attr_out *out = (void *)r->small;
	struct stat st;
	int error;

	error = object_stat(r->f->objects, oid, &st);
	if (error != 0)
		return error;
	memset(out, 0, sizeof(*out));
	out->attr_valid = REQUEST_VALID_S;
	fuse_attr_from(&out->attr, &st);
	r->reply = out;
	r->reply_len = sizeof(*out);
	return 0;
}

int
request_reply_entry(struct request *r, uint64_t oid)
{
	struct fuse_entry_out *out = (void *)r->small;
	struct stat st;
	int error;

	error = object_stat(r->f->objects, oid, &st);
	if (error != 0)
		return error;
	memset(out, 0, sizeof(*out));
	out->nodeid = request_nodeid(r->m, oid);
	out->entry_valid = REQUEST_VALID_S;
	out->attr_valid = REQUEST_VALID_S;
	fuse_attr_from(&out->attr, &st);
	/* Before the result is stored: a kill here leaves one too many. */
	lookup_add(r->f->lookup, oid, 1);
	r->reply = out;
	r->reply_len = sizeof(*out);
	return 0;
}

/* Is this the reply the kernel counts as a lookup? */
static void
take_back_lookup(struct request *r, int error)
{
	const struct fuse_entry_out *e = r->reply;

	switch (r->in.h->opcode) {
	case FUSE_LOOKUP:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
	case FUSE_OP_TMPFILE:
		if (error == 0 && r->reply_len >= sizeof(*e) &&
		    e->nodeid != 0)
			(void)lookup_forget(r->f->lookup,
			    request_oid(r->m, e->nodeid), 1);
		break;
	default:
		break;
	}
}

static int
run_handler(struct request *r)
{
	uint32_t opcode = r->in.h->opcode;

	r->oid = request_oid(r->m, r->in.h->nodeid);
	if (opcode >= sizeof(handlers) / sizeof(handlers[0]) ||
	    handlers[opcode] == NULL)
		return opcode == FUSE_RELEASE || opcode == FUSE_RELEASEDIR ||
		    opcode == FUSE_DESTROY ? 0 : -ENOSYS;
	return handlers[opcode](r);
}

/*
 * meta="receipt": the other node has made it, too, though no disk may have it.
 * With nothing locked, as a sync waits.  The next life of a mirrord that was
 * killed in here answers at once: it does so before it has a connection.
 */
static bool
await_receipt(struct request *r, int error)
{
	return error != 0 || r->receipt == 0 || r->again ||
	    stream_wait(r->f->stream, r->receipt, SA_RECEIVED) == 0;
}

static void
serve(struct slot *s, void *data, size_t len, void *arg)
{
	struct front_mount *m = arg;
	struct request r;
	int error;

	/* Not all of it: `small' needs no zeros. */
	memset(&r, 0, offsetof(struct request, small));
	r.m = m;
	r.f = m->front;
	r.slot = s;
	r.out = (uint8_t *)data + 4096;
	drop_resource_capability();
	error = fuse_decode(&r.in, data, len);
	if (r.in.h == NULL)
		return;
	if (s->state == SLOT_DONE) {
		/* ENOENT: it had arrived before the end of that life. */
		if (may_reply(m->front, &r.in))
			(void)fuse_reply(m->fuse_fd, r.in.h->unique,
			    s->error, s->reply, s->reply_len);
		return;
	}
	r.again = s->state == SLOT_INTENT;
	if (error == 0)
		error = run_handler(&r);
	if (r.entered)
		hold_leave(&m->front->hold);
	if (r.is_change)
		fail_point(13);
	if (r.is_change)
		slot_done(s, error, r.reply, error == 0 ? r.reply_len : 0);
	fail_point(14);
	object_unlock(m->front->objects, &r.locks);
	if (error == RQ_SILENT || !await_receipt(&r, error) ||
	    !may_reply(m->front, &r.in))
		return;
	if (fuse_reply(m->fuse_fd, r.in.h->unique, error, r.reply,
	    r.reply_len) == -1) {
		if (errno != ENOENT && errno != ENODEV)
			log_warn("fuse: reply to %s",
			    fuse_opcode_name(r.in.h->opcode));
		take_back_lookup(&r, error);
	}
	fail_point(15);
}

static bool
may_wait(const void *data, size_t len)
{
	const struct fuse_in_header *h = data;

	return len >= sizeof(*h) &&
	    (h->opcode == FUSE_FSYNC || h->opcode == FUSE_FSYNCDIR ||
	    /* One of a file without a name may wait as a sync does. */
	    h->opcode == FUSE_LINK);
}

/* Whatever may change a name or an attribute. */
static bool
may_wait_for_receipt(const void *data, size_t len)
{
	const struct fuse_in_header *h = data;

	if (len < sizeof(*h))
		return false;
	switch (h->opcode) {
	case FUSE_SETATTR:
	case FUSE_SYMLINK:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_SETXATTR:
	case FUSE_REMOVEXATTR:
	case FUSE_OP_TMPFILE:
		return true;
	default:
		return may_wait(data, len);
	}
}

const struct intake_calls request_calls = { serve, may_wait };
const struct intake_calls request_calls_receipt = { serve,
	may_wait_for_receipt };

int
rq_init(struct request *r)
{
	struct fuse_init_out *out = (void *)r->small;
	const char *missing;
	int error;

	error = fuse_negotiate(r->in.arg, r->in.arg_len, r->m->writeback, out,
	    &r->reply_len, &missing);
	if (error != 0) {
		log_warnx("fuse: this kernel lacks %s", missing);
		return error;
	}
	r->reply = out;
	return 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * Requests that change names: MKNOD, MKDIR, SYMLINK, LINK, UNLINK, RMDIR,
 * RENAME.  Each notes the ids the names hold before the call (rule R56).
 * The VFS holds the directories locked, so ids looked up before our own
 * locks are still right under them; it is tested all the same.
 */
#include "request.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fail.h"
#include "log.h"

#include "object-local.h"

#ifndef RENAME_EXCHANGE
#define RENAME_NOREPLACE	(1 << 0)
#define RENAME_EXCHANGE		(1 << 1)
#endif

static int
take_name(struct request *r, char out[OP_NAME_MAX + 1], uint64_t dir,
    const char *name)
{
	if (strlen(name) > OP_NAME_MAX)
		return -ENAMETOOLONG;
	/* They are hidden, and cannot be made. */
	if (object_name_is_reserved(r->f->objects, dir, name))
		return -EPERM;
	memcpy(out, name, strlen(name) + 1);
	return 0;
}

int
request_inherit(struct request *r, struct op *op, uint32_t umask)
{
	char path[OBJECT_PROC_LEN];
	struct stat st;
	bool has_acl;
	int fd, error;

	error = object_stat(r->f->objects, r->oid, &st);
	if (error != 0)
		return error;
	fd = object_fd(r->f->objects, r->oid, O_PATH);
	if (fd < 0)
		return fd;
	has_acl = getxattr(object_proc_path(path, fd),
	    "system.posix_acl_default", NULL, 0) > 0;
	object_fd_done(r->f->objects, r->oid, fd);
	op->uid = r->in.h->uid;
	op->gid = r->in.h->gid;
	/* A default ACL stands in for the umask. */
	if (!has_acl)
		op->mode &= ~umask;
	if (st.st_mode & S_ISGID) {
		op->gid = st.st_gid;
		if (op->type == OP_MKDIR)
			op->mode |= S_ISGID;
	}
	return 0;
}

static int
create(struct request *r, struct op *op, const char *name, uint32_t umask)
{
	struct evidence ev = { 0 };
	uint64_t lock[2];
	int error;

	op->dir = r->oid;
	error = take_name(r, op->name, r->oid, name);
	if (error == 0)
		error = request_inherit(r, op, umask);
	if (error != 0)
		return error;
	r->local = object_name_is_local(r->f->objects, op->dir, op->name,
	    op->type == OP_MKDIR);
	ev.obj = r->again ? r->slot->ev.obj :
	    object_new_oid(r->f->objects);
	if (ev.obj == 0)
		return -EIO;
	if (r->local)
		ev.obj |= OID_LOCAL;
	op->obj = ev.obj;
	lock[0] = op->dir;
	lock[1] = op->obj;
	error = request_begin(r, op, lock, 2);
	if (error == 0)
		error = request_change(r, op, &ev, NULL);
	if (error == 0)
		error = request_reply_entry(r, op->obj);
	return error;
}

int
rq_mknod(struct request *r)
{
	const struct fuse_mknod_in *in = r->in.arg;
	struct op op = { .type = OP_MKNOD, .mode = in->mode };

	if (S_ISREG(in->mode) || (in->mode & S_IFMT) == 0) {
		op.type = OP_CREATE;
		op.mode = in->mode & 07777;
	} else {
		op.rdev = in->rdev;
	}
	return create(r, &op, r->in.name, in->umask);
}

int
rq_mkdir(struct request *r)
{
	const struct fuse_mkdir_in *in = r->in.arg;
	struct op op = { .type = OP_MKDIR, .mode = in->mode & 07777 };

	return create(r, &op, r->in.name, in->umask);
}

int
rq_symlink(struct request *r)
{
	struct op op = { .type = OP_SYMLINK, .mode = 0777 };

	op.data = r->in.name2;
	op.data_len = strlen(r->in.name2);
	return create(r, &op, r->in.name, 0);
}

int
rq_link(struct request *r)
{
	const struct fuse_link_in *in = r->in.arg;
	struct evidence ev = { 0 };
	struct op op = { .type = OP_LINK, .dir = r->oid };
	uint64_t lock[2];
	int error;

	error = take_name(r, op.name, r->oid, r->in.name);
	if (error != 0)
		return error;
	op.obj = ev.obj = request_oid(r->m, in->oldnodeid);
	r->local = object_name_is_local(r->f->objects, op.dir, op.name, false);
	if (r->local != object_is_local(op.obj))
		return -EXDEV;
	if (orphan_is(r->f->orphans, op.obj))
		return request_link_nameless(r, &op);
	lock[0] = op.dir;
	lock[1] = op.obj;
	error = request_begin(r, &op, lock, 2);
	if (error == 0)
		error = request_change(r, &op, &ev, NULL);
	if (error == 0)
		error = request_reply_entry(r, op.obj);
	return error;
}

/*
 * The object loses its last name by what follows: while the kernel knows it,
 * it is held by a descriptor, here and in keepd (rule R35).
 */
static int
hold_victim(struct request *r, uint64_t oid, bool *held)
{
	struct stat st;
	int fd, error;

	*held = false;
	if (oid == 0)
		return 0;
	error = object_stat(r->f->objects, oid, &st);
	if (error != 0)
		return error;
	if (!S_ISDIR(st.st_mode) && st.st_nlink > 1)
		return 0;
	if (lookup_count(r->f->lookup, oid) == 0)
		return 0;
	fd = object_fd(r->f->objects, oid,
	    S_ISREG(st.st_mode) ? O_RDWR : O_PATH);
	if (fd < 0)
		return fd;
	error = orphan_hold(r->f->orphans, oid, fd);
	object_fd_done(r->f->objects, oid, fd);
	*held = error == 0;
	fail_point(10);
	return error;
}

/* A repeat found one name and held the victim for it; it may be the one that
 * is left after the call, which was made before. */
static bool
has_name(struct request *r, uint64_t oid)
{
	struct stat st;

	return r->again && object_stat(r->f->objects, oid, &st) == 0 &&
	    st.st_nlink > 0;
}

/* After the call. */
static void
settle_victim(struct request *r, uint64_t oid, bool held, int error)
{
	if (oid == 0)
		return;
	if (held && error == 0 && !has_name(r, oid))
		orphan_set(r->f->orphans, oid);
	else if (held)
		(void)orphan_drop(r->f->orphans, oid);
	else if (error == 0)
		object_forget_if_gone(r->f->objects, oid);
	fail_point(11);
}

/* The id a name holds; 0 none.  At a repeat the slot knows better. */
static int
held_by(struct request *r, uint64_t dir, const char *name, uint64_t *oid)
{
	int error;

	error = object_lookup_here(r->f->objects, dir, name, true, oid, NULL);
	if (error == -ENOENT) {
		*oid = 0;
		error = 0;
	}
	return error;
}

static int
unlink_name(struct request *r, enum op_type type)
{
	struct evidence ev = { 0 };
	struct op op = { .type = type, .dir = r->oid };
	uint64_t lock[2];
	bool held;
	int error;

	error = take_name(r, op.name, r->oid, r->in.name);
	if (error == 0 && !r->again)
		error = held_by(r, r->oid, op.name, &ev.victim);
	if (error != 0)
		return error;
	if (r->again)
		ev = r->slot->ev;
	if (ev.victim == 0)
		return -ENOENT;
	op.victim = ev.victim;
	r->local = object_name_is_local(r->f->objects, op.dir, op.name,
	    type == OP_RMDIR);
	lock[0] = op.dir;
	lock[1] = op.victim;
	error = request_begin(r, &op, lock, 2);
	if (error != 0)
		return error;
	error = hold_victim(r, op.victim, &held);
	if (error != 0 && !r->again) {
		request_cancel(r, &op);
		return error;
	}
	error = request_change(r, &op, &ev, NULL);
	settle_victim(r, op.victim, held, error);
	return error;
}

int
rq_unlink(struct request *r)
{
	return unlink_name(r, OP_UNLINK);
}

int
rq_rmdir(struct request *r)
{
	return unlink_name(r, OP_RMDIR);
}

static int
rename_ids(struct request *r, const struct op *op, struct evidence *ev)
{
	int error;

	if (r->again) {
		*ev = r->slot->ev;
		return 0;
	}
	error = held_by(r, op->dir, op->name, &ev->obj);
	if (error == 0)
		error = held_by(r, op->dir2, op->name2, &ev->victim);
	if (error == 0 && ev->obj == 0)
		error = -ENOENT;
	return error;
}

static bool
is_dir(struct request *r, uint64_t oid)
{
	struct stat st;

	return oid != 0 && object_stat(r->f->objects, oid, &st) == 0 &&
	    S_ISDIR(st.st_mode);
}

/*
 * What is left out and what is replicated are as on two file systems: who
 * renames between them copies.  So does who would move a directory through
 * which a path that is left out leads, since that is told by its place.
 */
static int
rename_kind(struct request *r, const struct op *op)
{
	struct objects *o = r->f->objects;
	bool dir, local;

	if (!excludes_any(objects_excludes(o)))
		return 0;
	dir = is_dir(r, op->obj);
	local = object_name_is_local(o, op->dir, op->name, dir);
	if (object_name_is_local(o, op->dir2, op->name2, dir) != local)
		return -EXDEV;
	if (op->flags & RENAME_EXCHANGE) {
		dir = is_dir(r, op->victim);
		if (object_name_is_local(o, op->dir, op->name, dir) != local ||
		    object_name_is_local(o, op->dir2, op->name2, dir) != local)
			return -EXDEV;
		dir = dir || is_dir(r, op->obj);
	}
	if (dir && (object_name_leads(o, op->dir, op->name) ||
	    object_name_leads(o, op->dir2, op->name2)))
		return -EXDEV;
	r->local = local;
	return 0;
}

static int
rename_name(struct request *r, uint64_t newdir, uint32_t flags)
{
	struct evidence ev = { 0 };
	struct op op = { .type = OP_RENAME, .dir = r->oid, .flags = flags };
	uint64_t lock[4];
	bool held = false;
	int error;

	if (flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	op.dir2 = request_oid(r->m, newdir);
	error = take_name(r, op.name, op.dir, r->in.name);
	if (error == 0)
		error = take_name(r, op.name2, op.dir2, r->in.name2);
	if (error == 0)
		error = rename_ids(r, &op, &ev);
	if (error != 0)
		return error;
	op.obj = ev.obj;
	op.victim = ev.victim;
	error = rename_kind(r, &op);
	if (error != 0)
		return error;
	lock[0] = op.dir;
	lock[1] = op.dir2;
	lock[2] = op.obj;
	lock[3] = op.victim;
	error = request_begin(r, &op, lock, 4);
	if (error != 0)
		return error;
	/* One object at both names, or an exchange: nothing goes away. */
	if (op.victim != op.obj && !(flags & RENAME_EXCHANGE))
		error = hold_victim(r, op.victim, &held);
	if (error != 0 && !r->again) {
		request_cancel(r, &op);
		return error;
	}
	error = request_change(r, &op, &ev, NULL);
	if (op.victim != op.obj && !(flags & RENAME_EXCHANGE))
		settle_victim(r, op.victim, held, error);
	return error;
}

int
rq_rename(struct request *r)
{
	const struct fuse_rename_in *in = r->in.arg;

	return rename_name(r, in->newdir, 0);
}

int
rq_rename2(struct request *r)
{
	const struct fuse_rename2_in *in = r->in.arg;

	return rename_name(r, in->newdir, in->flags);
}

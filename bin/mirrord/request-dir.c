/* SPDX-License-Identifier: ISC */
/*
 * Requests that read names: LOOKUP, FORGET, READLINK, READDIR.  Cookies are
 * the offsets of the directory underneath, so a successor goes on with a
 * half-read directory.
 */
#include "request.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* An object that had no id is news for the peer (rule R30), unless it is left
 * out, which it does not find. */
static int
find(struct request *r, uint64_t dir, const char *name, uint64_t *oid,
    struct stat *st)
{
	struct objects *o = r->f->objects;
	int error;

	error = object_lookup_here(o, dir, name, false, oid, st);
	if (error != -ENODATA)
		return error;
	error = object_lookup(o, dir, name, false, oid, st);
	if (error == -ENOENT)
		return object_lookup_here(o, dir, name, true, oid, st);
	if (error != -ENODATA)
		return error;
	return change_found(r->f->change, o, dir, name, false, oid, st);
}

int
rq_lookup(struct request *r)
{
	struct fuse_entry_out *out = (void *)r->small;
	struct stat st;
	uint64_t oid;
	int error;

	if (strlen(r->in.name) > OP_NAME_MAX)
		return -ENAMETOOLONG;
	memset(out, 0, sizeof(*out));
	out->entry_valid = REQUEST_VALID_S;
	r->reply = out;
	r->reply_len = sizeof(*out);
	error = find(r, r->oid, r->in.name, &oid, &st);
	if (error == -ENOENT)
		return 0;	/* nodeid 0: absence may be remembered too */
	if (error != 0)
		return error;
	out->nodeid = request_nodeid(r->m, oid);
	out->attr_valid = REQUEST_VALID_S;
	fuse_attr_from(&out->attr, &st);
	lookup_add(r->f->lookup, oid, 1);
	return 0;
}

static void
forget(struct request *r, uint64_t nodeid, uint64_t count)
{
	uint64_t oid = request_oid(r->m, nodeid);

	if (lookup_forget(r->f->lookup, oid, count) != 0 ||
	    !orphan_drop(r->f->orphans, oid))
		return;
	/* The last user of an object without a name. */
	object_forget_if_gone(r->f->objects, oid);
	change_gone(r->f->change, oid);
}

int
rq_forget(struct request *r)
{
	const struct fuse_forget_in *in = r->in.arg;
	struct evidence none = { 0 };

	/* Counted once at most: too many keeps a descriptor for a while,
	 * too few would lose an open file. */
	if (r->again)
		return RQ_SILENT;
	slot_intent(r->slot, &none);
	forget(r, r->in.h->nodeid, in->nlookup);
	return RQ_SILENT;
}

int
rq_batch_forget(struct request *r)
{
	const struct fuse_batch_forget_in *in = r->in.arg;
	const struct fuse_forget_one *one = r->in.data;
	struct evidence none = { 0 };
	uint32_t i;

	if (r->again || in->count > r->in.data_len / sizeof(*one))
		return RQ_SILENT;
	slot_intent(r->slot, &none);
	for (i = 0; i < in->count; i++)
		forget(r, one[i].nodeid, one[i].nlookup);
	return RQ_SILENT;
}

int
rq_readlink(struct request *r)
{
	ssize_t len;
	int fd, error = 0;

	fd = object_fd(r->f->objects, r->oid, O_PATH);
	if (fd < 0)
		return fd;
	len = readlinkat(fd, "", (char *)r->out, 4096);
	if (len == -1)
		error = -errno;
	object_fd_done(r->f->objects, r->oid, fd);
	if (error != 0)
		return error;
	r->reply = r->out;
	r->reply_len = (size_t)len;
	return 0;
}

struct dirent64_head {
	uint64_t	ino;
	int64_t		off;
	uint16_t	reclen;
	uint8_t		type;
	char		name[];
};

/* One entry of the answer; false when there is no room. */
static bool
put_entry(struct request *r, size_t size, bool plus, uint64_t oid,
    const struct stat *st, const struct dirent64_head *d)
{
	size_t name_len = strlen(d->name), head, len;
	struct fuse_entry_out *e = (void *)(r->out + r->reply_len);
	struct fuse_dirent *out;

	head = plus ? sizeof(*e) : 0;
	len = (head + offsetof(struct fuse_dirent, name) + name_len + 7) &
	    ~(size_t)7;
	if (r->reply_len + len > size)
		return false;
	memset(e, 0, len);
	if (plus && st != NULL) {
		e->nodeid = request_nodeid(r->m, oid);
		e->entry_valid = e->attr_valid = REQUEST_VALID_S;
		fuse_attr_from(&e->attr, st);
		lookup_add(r->f->lookup, oid, 1);
	}
	out = (void *)(r->out + r->reply_len + head);
	out->ino = oid;
	out->off = (uint64_t)d->off;
	out->namelen = (uint32_t)name_len;
	out->type = st != NULL ? (uint32_t)(st->st_mode >> 12) : d->type;
	memcpy(out->name, d->name, name_len);
	r->reply_len += len;
	return true;
}

/* d_ino is the oid (rule R32).  0 when the name is not shown. */
static uint64_t
entry_oid(struct request *r, int fd, const char *name, struct stat *st,
    bool *has_stat)
{
	uint64_t oid = 0;
	int up;

	*has_stat = false;
	if (strcmp(name, ".") == 0)
		return r->oid;
	if (strcmp(name, "..") == 0) {
		if (r->oid == r->m->root)
			return r->oid;
		up = openat(fd, "..", O_PATH | O_CLOEXEC);
		if (up != -1) {
			oid = object_oid_of(r->f->objects, up);
			(void)close(up);
		}
		return oid != 0 ? oid : r->m->root;
	}
	if (find(r, r->oid, name, &oid, st) != 0)
		return 0;
	*has_stat = true;
	return oid;
}

static int
read_entries(struct request *r, int fd, size_t size, bool plus)
{
	_Alignas(8) char buf[8192];
	struct dirent64_head *d;
	struct stat st;
	bool has_stat;
	uint64_t oid;
	ssize_t len, at;

	for (;;) {
		len = getdents64(fd, buf, sizeof(buf));
		if (len == -1)
			/* A removed directory has no entries. */
			return errno == ENOENT ? 0 : -errno;
		if (len == 0)
			return 0;
		for (at = 0; at < len; at += d->reclen) {
			d = (void *)(buf + at);
			oid = entry_oid(r, fd, d->name, &st, &has_stat);
			if (oid != 0 && !put_entry(r, size, plus, oid,
			    has_stat ? &st : NULL, d))
				return 0;
		}
	}
}

static int
read_directory(struct request *r, bool plus)
{
	const struct fuse_read_in *in = r->in.arg;
	size_t size = in->size < FUSE_DATA_MAX ? in->size : FUSE_DATA_MAX;
	int dirfd, fd, error = 0;

	r->reply = r->out;
	r->reply_len = 0;
	dirfd = object_fd(r->f->objects, r->oid, O_RDONLY);
	if (dirfd < 0)
		return dirfd;
	/* The shared descriptor has one offset only. */
	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	object_fd_done(r->f->objects, r->oid, dirfd);
	if (fd == -1)
		return errno == ENOENT ? 0 : -errno;
	if (in->offset != 0 &&
	    lseek(fd, (off_t)in->offset, SEEK_SET) == -1)
		error = -errno;
	if (error == 0)
		error = read_entries(r, fd, size, plus);
	(void)close(fd);	/* read only */
	return error;
}

int
rq_readdir(struct request *r)
{
	return read_directory(r, false);
}

int
rq_readdirplus(struct request *r)
{
	return read_directory(r, true);
}

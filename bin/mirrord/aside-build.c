/* SPDX-License-Identifier: ISC */
/*
 * The walk that fills files/: every name of a root is looked at once, and
 * only those that are wanted are touched.  A walk, since an object does not
 * know its names.  Frames instead of recursion: a thread's stack is small and
 * a tree may be deep.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aside-copy.h"
#include "aside-int.h"
#include "fail.h"
#include "xalloc.h"

#define EXT4_ROOT_INO	2

/* What is dirty, by inode: names of a tree tell that and no id. */
struct mark {
	uint64_t	 ino;
	unsigned	 root;
	bool		 used;
	struct dirty_item it;
};

struct marks {
	struct aside	*a;
	struct mark	*slot;
	size_t		 size, count;
	uint64_t	 need;
};

struct frame {
	struct frame	*up;
	DIR		*d;
	int		 fd;		/* of the tree: d's */
	int		 cfd;		/* in files/, -1: not needed yet */
	struct held_dir	*dir;
	const struct mark *mark;
	enum aside_change change;	/* AC_PATH: only on the way */
	bool		 deep;		/* all that is in it */
	size_t		 path_len;	/* of it, within walk.path */
};

struct walk {
	struct aside_build *b;
	struct aside	*a;
	unsigned	 root;
	struct marks	 marks;
	struct frame	*top;
	char		*path;
	size_t		 path_room;
	FILE		*list;
	uint64_t	 entries, bytes;
};

/* ---- what is dirty ---- */

static size_t
slot_of(const struct marks *m, unsigned root, uint64_t ino)
{
	size_t i = (size_t)(((ino + root) * 0x9e3779b97f4a7c15u) >> 24) &
	    (m->size - 1);

	while (m->slot[i].used && (m->slot[i].ino != ino ||
	    m->slot[i].root != root))
		i = (i + 1) & (m->size - 1);
	return i;
}

static const struct mark *
mark_find(const struct marks *m, unsigned root, uint64_t ino)
{
	const struct mark *k = m->size == 0 ? NULL :
	    &m->slot[slot_of(m, root, ino)];

	return k != NULL && k->used ? k : NULL;
}

static void
marks_grow(struct marks *m)
{
	struct mark *old = m->slot;
	size_t i, size = m->size;

	m->size = size == 0 ? 256 : size * 2;
	m->slot = xcalloc(m->size, sizeof(*m->slot));
	for (i = 0; i < size; i++)
		if (old[i].used)
			m->slot[slot_of(m, old[i].root, old[i].ino)] = old[i];
	free(old);
}

static bool
has_data(const struct dirty_item *it)
{
	return it->whole || it->attr || it->tail_from != UINT64_MAX ||
	    it->extent_count > 0;
}

static int
mark_item(const struct dirty_item *it, void *arg)
{
	struct marks *m = arg;
	struct objects *o = m->a->conf.objects;
	int root = object_root(o, it->oid), fd;
	struct stat st;
	struct mark *k;

	fd = root < 0 ? root : object_fd(o, it->oid, O_PATH);
	if (fd < 0)
		return 0; /* gone: its name is in its directory's item */
	if (fstat(fd, &st) == 0) {
		if (m->count * 2 >= m->size)
			marks_grow(m);
		k = &m->slot[slot_of(m, (unsigned)root, st.st_ino)];
		m->count += !k->used;
		k->used = true;
		k->ino = st.st_ino;
		k->root = (unsigned)root;
		k->it = *it;
		if (S_ISREG(st.st_mode) && has_data(it) && !it->whole)
			m->need += (uint64_t)st.st_blocks * 512;
	}
	object_fd_done(o, it->oid, fd);
	return 0;
}

uint64_t
aside_build_need(struct aside *a, const struct dirtyset *set)
{
	struct marks m = { .a = a };

	if (set != NULL && !a->conf.edits)
		(void)dirtyset_walk(set, mark_item, &m); /* it goes on */
	free(m.slot);
	return m.need;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* 2: this very name; 1: one of many that may have been; 0: not. */
static int
name_is_dirty(const struct mark *k, const char *name)
{
	unsigned n;

	if (k == NULL)
		return 0;
	if (k->it.name_count > 0 && bsearch(&name, k->it.name,
	    k->it.name_count, sizeof(*k->it.name), by_name) != NULL)
		return 2;
	n = dirty_bucket(name);
	return k->it.all_names || (k->it.buckets != NULL &&
	    (k->it.buckets[n / 8] & 1u << (n & 7)) != 0);
}

/* ---- the way down in files/ ---- */

static int
need_dir(struct walk *w, struct frame *f)
{
	int up;

	if (f->cfd != -1)
		return 0;
	up = need_dir(w, f->up);
	if (up != 0)
		return up;
	if (mkdirat(f->up->cfd, f->dir->name, 0700) == -1 &&
	    errno != EEXIST)
		return -errno;
	f->cfd = openat(f->up->cfd, f->dir->name, O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC);
	return f->cfd == -1 ? -errno : 0;
}

static void
path_push(struct walk *w, size_t at, const char *name)
{
	size_t need = at + strlen(name) + 2;

	if (need > w->path_room) {
		w->path_room = need * 2;
		w->path = xrealloc(w->path, w->path_room, 1);
	}
	if (at > 0)
		w->path[at++] = '/';
	memcpy(w->path + at, name, strlen(name) + 1);
}

/* stdio does not say everything. */
static int
error_now(void)
{
	return errno != 0 ? -errno : -EIO;
}

/* name within f, NULL f itself. */
static int
list(struct walk *w, const struct frame *f, const char *name,
    enum aside_change change, const struct stat *st)
{
	struct aside_entry e = { .change = change };

	if (name != NULL)
		path_push(w, f->path_len, name);
	else
		w->path[f->path_len] = '\0';
	e.path = w->path;
	e.kind = st == NULL ? AO_NONE : aside_kind_of(st->st_mode);
	if (e.kind == AO_FILE)
		e.bytes = (uint64_t)st->st_size;
	if (change != AC_PATH) {
		w->entries++;
		w->bytes += e.bytes;
	}
	return aside_put_entry(w->list, &e) == -1 ? error_now() : 0;
}

/* ---- one object ---- */

static void
tell(struct walk *w, const struct stat *st)
{
	struct aside_build *b = w->b;

	b->done += (uint64_t)st->st_blocks * 512;
	if (b->a->conf.on_bytes != NULL)
		b->a->conf.on_bytes(b->done, b->total, b->a->conf.arg);
}

/* A second name of what was copied. */
static int
copy_known(struct walk *w, const struct held *h, struct frame *f,
    const char *name)
{
	int dfd = held_open_dir(w->a, h->names->dir), rc = 0;

	if (dfd == -1)
		return -errno;
	if (linkat(dfd, h->names->name, f->cfd, name, 0) == -1)
		rc = -errno;
	(void)close(dfd); /* only a name */
	return rc;
}

static int
copy_object(struct walk *w, struct frame *f, const char *name,
    const struct stat *st)
{
	const struct aside_conf *c = &w->a->conf;
	const struct held *h = held_find(w->a, w->root, st->st_ino);
	int fd, rc;

	if (h != NULL) {
		rc = copy_known(w, h, f, name);
		if (rc != 0)
			return rc;
		held_add(w->a, w->root, st->st_ino, f->dir, name,
		    h->copied);
		return 0;
	}
	fd = openat(f->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -errno;
	rc = aside_copy(fd, f->cfd, name, false, c->stop, c->arg);
	(void)close(fd); /* only a name */
	if (rc != 0)
		return rc;
	/* Its other names find the copy, and who compares it drops it. */
	held_add(w->a, w->root, st->st_ino, f->dir, name, true);
	tell(w, st);
	return 0;
}

/* Too many links, or one that is immutable: then a copy. */
static int
hold_object(struct walk *w, struct frame *f, const char *name,
    const struct stat *st)
{
	const struct held *h = held_find(w->a, w->root, st->st_ino);

	if (h != NULL && h->copied)
		return copy_object(w, f, name, st);
	if (linkat(f->fd, name, f->cfd, name, 0) == -1)
		return errno == EMLINK || errno == EPERM ?
		    copy_object(w, f, name, st) : -errno;
	held_add(w->a, w->root, st->st_ino, f->dir, name, false);
	return 0;
}

static int
set_aside(struct walk *w, struct frame *f, const char *name,
    const struct mark *k, int dirty, enum aside_change change)
{
	struct stat st;
	bool copy;
	int rc;

	if (fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -errno;
	rc = need_dir(w, f);
	if (rc != 0)
		return rc;
	/* What was made here the other node cannot have: it will go. */
	copy = w->b->set != NULL && !w->a->conf.edits && change != AC_NEW &&
	    (dirty == 2 || (k != NULL && has_data(&k->it)));
	rc = copy ? copy_object(w, f, name, &st) :
	    hold_object(w, f, name, &st);
	fail_point(82);
	return rc == 0 ? list(w, f, name, change, &st) : rc;
}

/* ---- frames ---- */

static int
enter(struct walk *w, struct frame *f, const char *name,
    const struct mark *k, enum aside_change change, bool deep)
{
	struct frame *n;
	int fd, rc = 0;

	fd = openat(f->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_NOATIME | O_CLOEXEC);
	if (fd == -1)
		return -errno;
	n = xcalloc(1, sizeof(*n));
	n->d = fdopendir(fd);
	if (n->d == NULL) {
		rc = -errno;
		(void)close(fd); /* it was read only */
		free(n);
		return rc;
	}
	n->fd = fd;
	n->cfd = -1;
	n->up = f;
	n->mark = k;
	n->change = change;
	n->deep = deep;
	n->dir = held_dir_new(w->a, f->dir, w->root, name);
	path_push(w, f->path_len, name);
	n->path_len = strlen(w->path);
	w->top = n;
	return change != AC_PATH ? need_dir(w, n) : 0;
}

/* Names that were removed here, of those the log has one by one. */
static int
list_deleted(struct walk *w, const struct frame *f)
{
	struct stat st;
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && f->mark != NULL &&
	    i < f->mark->it.name_count; i++)
		if (fstatat(f->fd, f->mark->it.name[i], &st,
		    AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT)
			rc = list(w, f, f->mark->it.name[i], AC_DELETED,
			    NULL);
	return rc;
}

static void
frame_free(struct walk *w)
{
	struct frame *f = w->top;

	w->top = f->up;
	if (f->cfd != -1)
		(void)close(f->cfd); /* the file system is synced later */
	(void)closedir(f->d); /* it was read only */
	free(f);
}

static int
leave(struct walk *w)
{
	struct frame *f = w->top;
	struct stat st;
	int rc;

	rc = list_deleted(w, f);
	if (rc == 0 && f->cfd != -1)
		rc = aside_copy_attr(f->fd, f->cfd);
	if (rc == 0 && f->cfd != -1 && f->up != NULL)
		rc = fstat(f->fd, &st) == -1 ? -errno :
		    list(w, f, NULL, f->change, &st);
	frame_free(w);
	return rc;
}

static bool
is_dir(const struct frame *f, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return fstatat(f->fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode);
}

/* Of a crash the log tells only from which id on objects are new (R15). */
static bool
is_new(struct walk *w, const struct frame *f, const char *name)
{
	struct objects *o = w->a->conf.objects;
	uint64_t oid;
	int fd;

	fd = openat(f->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return false;
	oid = object_oid_of(o, fd);
	(void)close(fd); /* only a name */
	return oid == 0 || dirtyset_is_new(w->b->set, oid);
}

static bool
is_reserved(const struct walk *w, const struct frame *f, const char *name)
{
	struct stat st;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	if (f->up != NULL)
		return false;
	(void)w;
	return strcmp(name, ".holdfast") == 0 ||
	    (strcmp(name, "lost+found") == 0 && fstat(f->fd, &st) == 0 &&
	    st.st_ino == EXT4_ROOT_INO);
}

static int
look(struct walk *w, struct frame *f, const struct dirent *e)
{
	bool all = w->b->set == NULL, deep = f->deep, fresh, wanted;
	bool dir = is_dir(f, e), edits = w->a->conf.edits;
	enum aside_change change = AC_CHANGED;
	const struct mark *k;
	int dirty;

	k = all ? NULL : mark_find(&w->marks, w->root, e->d_ino);
	dirty = all ? 0 : name_is_dirty(f->mark, e->d_name);
	fresh = dirty != 0 && ((k != NULL && k->it.whole && !edits) ||
	    is_new(w, f, e->d_name));
	deep = deep || fresh;
	/* Whatever was edited, renamed or linked is hit itself. */
	wanted = all || deep || (dirty != 0 && !edits) ||
	    (k != NULL && has_data(&k->it));
	if (fresh || (f->deep && !all))
		change = AC_NEW;
	else if (dirty == 2 && (dir || k == NULL || !has_data(&k->it)))
		change = AC_RENAMED;
	if (dir)
		return enter(w, f, e->d_name, k, wanted ? change : AC_PATH,
		    deep);
	return wanted ? set_aside(w, f, e->d_name, k, dirty, change) : 0;
}

static int
step(struct walk *w)
{
	const struct aside_conf *c = &w->a->conf;
	struct frame *f = w->top;
	struct dirent *e;

	if (c->stop != NULL && c->stop(c->arg))
		return -ECANCELED;
	errno = 0;
	e = readdir(f->d);
	if (e == NULL)
		return errno != 0 ? -errno : leave(w);
	return is_reserved(w, f, e->d_name) ? 0 : look(w, f, e);
}

static int
begin(struct walk *w)
{
	struct frame *f = xcalloc(1, sizeof(*f));
	struct stat st;
	int fd;

	f->cfd = -1;
	f->dir = held_dir_new(w->a, NULL, w->root, "");
	f->change = AC_PATH;
	path_push(w, 0, "");
	fd = openat(objects_root_fd(w->a->conf.objects, w->root), ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->d = fd == -1 ? NULL : fdopendir(fd);
	if (f->d == NULL) {
		free(f);
		return -errno;
	}
	f->fd = fd;
	if (fstat(fd, &st) == 0)
		f->mark = mark_find(&w->marks, w->root, st.st_ino);
	w->top = f;
	f->cfd = openat(w->a->ffd[w->root], ".", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	return f->cfd == -1 ? -errno : 0;
}

static int
open_list(struct walk *w)
{
	int fd = openat(w->a->dfd[w->root], ASIDE_LIST, O_WRONLY | O_CREAT |
	    O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	w->list = fd == -1 ? NULL : fdopen(fd, "w");
	if (w->list == NULL)
		return -errno;
	return aside_put_head(w->list, w->b->head) == -1 ? error_now() : 0;
}

int
aside_build_root(struct aside_build *b, unsigned root)
{
	struct walk w = { .b = b, .a = b->a, .root = root,
	    .marks = { .a = b->a } };
	int rc;

	if (b->set != NULL)
		(void)dirtyset_walk(b->set, mark_item, &w.marks);
	rc = open_list(&w);
	if (rc == 0)
		rc = begin(&w);
	while (rc == 0 && w.top != NULL)
		rc = step(&w);
	while (w.top != NULL)
		frame_free(&w);
	if (rc == 0 && aside_put_end(w.list, w.entries, w.bytes) == -1)
		rc = error_now();
	if (w.list != NULL && fclose(w.list) != 0 && rc == 0)
		rc = error_now();
	free(w.marks.slot);
	free(w.path);
	return rc;
}

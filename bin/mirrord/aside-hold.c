/* SPDX-License-Identifier: ISC */
/*
 * What files/ shares with the tree: found by inode number, since an object
 * that is compared may have lost its id, its name, or both.  Of the thread
 * that brings the frames alone.
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

/* ---- the table ---- */

static size_t
place(const struct aside *a, uint64_t ino)
{
	return (size_t)((ino * 0x9e3779b97f4a7c15u) >> 24) & (a->size - 1);
}

struct held *
held_find(struct aside *a, unsigned root, uint64_t ino)
{
	struct held *h;

	if (a->size == 0)
		return NULL;
	for (h = a->table[place(a, ino)]; h != NULL; h = h->next)
		if (h->ino == ino && h->root == root)
			return h;
	return NULL;
}

static void
grow(struct aside *a)
{
	struct held **old = a->table, *h, *next;
	size_t i, size = a->size;

	a->size = size == 0 ? 1024 : size * 2;
	a->table = xcalloc(a->size, sizeof(*a->table));
	for (i = 0; i < size; i++)
		for (h = old[i]; h != NULL; h = next) {
			next = h->next;
			h->next = a->table[place(a, h->ino)];
			a->table[place(a, h->ino)] = h;
		}
	free(old);
}

struct held_dir *
held_dir_new(struct aside *a, struct held_dir *up, unsigned root,
    const char *name)
{
	struct held_dir *d = xcalloc(1, sizeof(*d) + strlen(name) + 1);

	d->up = up;
	d->root = root;
	memcpy(d->name, name, strlen(name) + 1);
	d->next = a->dirs;
	a->dirs = d;
	return d;
}

void
held_add(struct aside *a, unsigned root, uint64_t ino, struct held_dir *dir,
    const char *name, bool copied)
{
	struct held_name *n = xcalloc(1, sizeof(*n) + strlen(name) + 1);
	struct held *h;

	h = held_find(a, root, ino);
	if (h == NULL) {
		if (a->count >= a->size)
			grow(a);
		h = xcalloc(1, sizeof(*h));
		h->ino = ino;
		h->root = root;
		h->copied = copied;
		h->next = a->table[place(a, ino)];
		a->table[place(a, ino)] = h;
		a->count++;
	}
	n->dir = dir;
	memcpy(n->name, name, strlen(name) + 1);
	n->next = h->names;
	h->names = n;
}

static void
names_free(struct held *h)
{
	struct held_name *n;

	while ((n = h->names) != NULL) {
		h->names = n->next;
		free(n);
	}
}

static void
held_del(struct aside *a, struct held *h)
{
	struct held **p = &a->table[place(a, h->ino)];

	while (*p != h)
		p = &(*p)->next;
	*p = h->next;
	names_free(h);
	free(h);
	a->count--;
}

void
held_clear(struct aside *a)
{
	struct held_dir *d;
	struct held *h;
	size_t i;

	for (i = 0; i < a->size; i++)
		while ((h = a->table[i]) != NULL) {
			a->table[i] = h->next;
			names_free(h);
			free(h);
		}
	free(a->table);
	a->table = NULL;
	a->size = a->count = 0;
	while ((d = a->dirs) != NULL) {
		a->dirs = d->next;
		free(d);
	}
	free(a->compared);
	free(a->compared_root);
	a->compared = NULL;
	a->compared_root = NULL;
	a->compared_count = a->compared_room = 0;
}

/* ---- directories ---- */

static int
open_below(int top, const struct held_dir *d)
{
	int up, fd;

	if (d->up == NULL)
		return openat(top, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	up = open_below(top, d->up);
	if (up == -1)
		return -1;
	fd = openat(up, d->name, O_PATH | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	(void)close(up); /* only a name */
	return fd;
}

int
held_open_dir(struct aside *a, const struct held_dir *d)
{
	return open_below(a->ffd[d->root], d);
}

int
held_open_live(struct aside *a, const struct held_dir *d)
{
	return open_below(objects_root_fd(a->conf.objects, d->root), d);
}

static int
sync_dir(int fd)
{
	char path[OBJECT_PROC_LEN];
	int own, rc = 0;

	own = open(object_proc_path(path, fd), O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	if (own == -1 || fsync(own) == -1)
		rc = -errno;
	if (own != -1)
		(void)close(own); /* synced */
	return rc;
}

/* ---- a copy in the place of the links ---- */

/* The copy gets the name; the last one takes it along. */
static int
put_copy(struct aside *a, const struct held_name *n, unsigned root, bool last)
{
	int dfd = held_open_dir(a, n->dir), rc = 0;
	const char *from = ASIDE_COPY;

	if (dfd == -1)
		return -errno;
	if (!last) {
		from = ASIDE_COPY "2";
		(void)unlinkat(a->dfd[root], from, 0); /* of a crash */
		if (linkat(a->dfd[root], ASIDE_COPY, a->dfd[root], from,
		    0) == -1)
			rc = -errno;
	}
	if (rc == 0 && renameat(a->dfd[root], from, dfd, n->name) == -1)
		rc = -errno;
	if (rc == 0)
		rc = sync_dir(dfd);
	(void)close(dfd); /* only a name */
	return rc;
}

/* Durable before the object itself may change. */
static int
copy_out(struct aside *a, struct held *h)
{
	struct held_name *n = h->names;
	struct stat st;
	int dfd, fd, rc;

	dfd = held_open_dir(a, n->dir);
	if (dfd == -1)
		return -errno;
	fd = openat(dfd, n->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	rc = fd == -1 ? -errno : 0;
	(void)close(dfd); /* only a name */
	if (rc != 0)
		return rc;
	if (fstat(fd, &st) == 0)
		a->lack = (uint64_t)st.st_blocks * 512;
	a->lack_root = h->root;
	(void)unlinkat(a->dfd[h->root], ASIDE_COPY, 0);	/* of a crash */
	rc = aside_copy(fd, a->dfd[h->root], ASIDE_COPY, true,
	    a->conf.stop, a->conf.arg);
	(void)close(fd); /* only a name */
	fail_point(85);
	for (; rc == 0 && n != NULL; n = n->next)
		rc = put_copy(a, n, h->root, n->next == NULL);
	return rc;
}

/* The tree has the same object under the same path. */
static bool
stands_there(struct aside *a, const struct held *h, const struct held_name *n)
{
	struct stat st;
	int dfd = held_open_live(a, n->dir);
	bool same;

	if (dfd == -1)
		return false;
	same = fstatat(dfd, n->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == h->ino;
	(void)close(dfd); /* only a name */
	return same;
}

static int
let_go_name(struct aside *a, const struct held_name *n)
{
	int dfd = held_open_dir(a, n->dir), rc = 0;

	if (dfd == -1)
		return -errno;
	if (unlinkat(dfd, n->name, 0) == -1 && errno != ENOENT)
		rc = -errno;
	(void)close(dfd); /* only a name */
	return rc;
}

/* Equal under its path: the other node has it.  Under another one: its name
 * here was our own, so that it is copied. */
static int
let_go(struct aside *a, struct held *h)
{
	struct held_name **p = &h->names, *n;
	int rc = 0;

	while (rc == 0 && (n = *p) != NULL) {
		if (!stands_there(a, h, n)) {
			p = &n->next;
			continue;
		}
		rc = let_go_name(a, n);
		*p = n->next;
		free(n);
	}
	if (rc == 0 && h->names != NULL && !h->copied)
		rc = copy_out(a, h);
	if (rc == 0)
		held_del(a, h);
	return rc;
}

int
aside_before(struct aside *a, uint64_t oid)
{
	struct objects *o = a->conf.objects;
	struct held *h = NULL;
	struct stat st;
	int fd, root, rc = 0;

	if (!a->is_open || a->count == 0)
		return 0;
	root = object_root(o, oid);
	fd = root < 0 ? root : object_fd(o, oid, O_PATH);
	if (fd < 0)
		return 0; /* not here */
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		h = held_find(a, (unsigned)root, st.st_ino);
	object_fd_done(o, oid, fd);
	if (h == NULL)
		return 0;
	if (h->equal)
		return let_go(a, h);
	if (!h->copied)
		rc = copy_out(a, h);
	if (rc == 0)
		held_del(a, h);
	return rc;
}

unsigned
aside_links(struct aside *a, unsigned root, uint64_t ino)
{
	const struct held *h = a->is_open ? held_find(a, root, ino) : NULL;
	const struct held_name *n;
	unsigned count = 0;

	for (n = h != NULL && !h->copied ? h->names : NULL; n != NULL;
	    n = n->next)
		count++;
	return count;
}

/* ---- what is equal ---- */

int
aside_compared(struct aside *a, uint64_t oid)
{
	struct objects *o = a->conf.objects;
	struct stat st;
	int fd, root;
	size_t n;

	if (!a->is_open || a->count == 0)
		return 0;
	root = object_root(o, oid);
	fd = root < 0 ? root : object_fd(o, oid, O_PATH);
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == -1)
		st.st_ino = 0;
	object_fd_done(o, oid, fd);
	if (held_find(a, (unsigned)root, st.st_ino) == NULL)
		return 0;
	if (a->compared_count == a->compared_room) {
		a->compared_room = a->compared_room * 2 + 256;
		a->compared = xrealloc(a->compared, a->compared_room,
		    sizeof(*a->compared));
		a->compared_root = xrealloc(a->compared_root,
		    a->compared_room, sizeof(*a->compared_root));
	}
	n = a->compared_count++;
	a->compared[n] = st.st_ino;
	a->compared_root[n] = (unsigned)root;
	return 0;
}

int
aside_settle(struct aside *a, bool durable)
{
	struct held *h;
	size_t i;
	int rc = 0;

	if (!a->is_open)
		return 0;
	for (i = durable ? 0 : a->equal_count; rc == 0 &&
	    i < a->compared_count; i++) {
		h = held_find(a, a->compared_root[i], a->compared[i]);
		if (h != NULL && durable)
			rc = let_go(a, h);
		else if (h != NULL)
			h->equal = true;
	}
	if (durable)
		a->compared_count = 0;
	a->equal_count = a->compared_count;
	return rc;
}

static bool
is_shared(struct aside *a, const struct held *h)
{
	const struct held_name *n;
	nlink_t own = 0;
	struct stat st;
	int dfd, rc;

	if (h->copied)
		return false;
	for (n = h->names; n != NULL; n = n->next)
		own++;
	dfd = held_open_dir(a, h->names->dir);
	if (dfd == -1)
		return false;
	rc = fstatat(dfd, h->names->name, &st, AT_SYMLINK_NOFOLLOW);
	(void)close(dfd); /* only a name */
	return rc == 0 && st.st_nlink > own;
}

int
aside_last(struct aside *a)
{
	struct held *h, *next;
	size_t i;
	int rc;

	if (!a->is_open)
		return 0;
	rc = aside_settle(a, true);
	/* From here on the stream may change what the tree has. */
	for (i = 0; i < a->size; i++)
		for (h = a->table[i]; rc == 0 && h != NULL; h = next) {
			next = h->next;
			if (is_shared(a, h))
				rc = let_go(a, h);
		}
	return rc;
}

/* No room for a copy: the tree, or what is listed of stage, has it. */
static void
drop_links(struct aside *a, struct held *h)
{
	const struct held_name *n;

	for (n = h->names; n != NULL; n = n->next)
		(void)let_go_name(a, n);
	held_del(a, h);
}

int
aside_release(struct aside *a, bool *left)
{
	struct held *h, *next;
	size_t i;

	for (i = 0; i < a->size; i++)
		for (h = a->table[i]; h != NULL; h = next) {
			next = h->next;
			if (is_shared(a, h) && let_go(a, h) != 0)
				drop_links(a, h);
		}
	return aside_finish(a, left);
}

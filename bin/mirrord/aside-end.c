/* SPDX-License-Identifier: ISC */
/*
 * What is left of a set-aside when the resync is through: LIST is written
 * anew from what still lies there, and it is nobody's object any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "aside-copy.h"
#include "aside-int.h"
#include "fail.h"
#include "xalloc.h"

/* ---- trees without frames: depth first, one name a turn ---- */

struct level {
	struct level	*up;
	DIR		*d;
	int		 fd;
	char		 name[];
};

static struct level *
level_open(struct level *up, int dfd, const char *name)
{
	struct level *l = xcalloc(1, sizeof(*l) + strlen(name) + 1);

	l->fd = openat(dfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	l->d = l->fd == -1 ? NULL : fdopendir(l->fd);
	if (l->d == NULL) {
		if (l->fd != -1)
			(void)close(l->fd); /* it was read only */
		free(l);
		return NULL;
	}
	l->up = up;
	memcpy(l->name, name, strlen(name) + 1);
	return l;
}

static struct level *
level_close(struct level *l)
{
	struct level *up = l->up;

	(void)closedir(l->d); /* it was read only */
	free(l);
	return up;
}

int
aside_each(int dfd, const char *name, int (*on_name)(int dfd,
    const char *name, bool is_dir, void *arg), void *arg)
{
	struct level *l, *sub;
	struct dirent *e;
	struct stat st;
	int rc = 0, at;
	char *own;

	l = level_open(NULL, dfd, name);
	if (l == NULL)
		return errno == ENOTDIR || errno == ELOOP ?
		    on_name(dfd, name, false, arg) :
		    errno == ENOENT ? 0 : -errno;
	while (rc == 0 && l != NULL) {
		e = readdir(l->d);
		if (e == NULL) {
			at = l->up != NULL ? l->up->fd : dfd;
			own = xstrdup(l->name);
			l = level_close(l);
			rc = on_name(at, own, true, arg);
			free(own);
		} else if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0) {
			continue;
		} else if (fstatat(l->fd, e->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) {
			sub = level_open(l, l->fd, e->d_name);
			rc = sub == NULL ? -errno : 0;
			l = sub != NULL ? sub : l;
		} else
			rc = on_name(l->fd, e->d_name, false, arg);
	}
	while (l != NULL)
		l = level_close(l);
	return rc;
}

static int
remove_one(int dfd, const char *name, bool is_dir, void *arg)
{
	(void)arg;
	return unlinkat(dfd, name, is_dir ? AT_REMOVEDIR : 0) == -1 &&
	    errno != ENOENT ? -errno : 0;
}

/* The marks last: whatever a crash leaves still says what it is. */
int
aside_remove_tree(int dfd, const char *name)
{
	int fd, rc;

	fd = openat(dfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : -errno;
	rc = aside_each(fd, ASIDE_FILES, remove_one, NULL);
	(void)close(fd); /* a directory */
	return rc == 0 ? aside_each(dfd, name, remove_one, NULL) : rc;
}

int
aside_disown(int dfd, const char *name, bool is_dir, void *arg)
{
	struct objects *o = arg;
	char path[OBJECT_PROC_LEN];
	uint64_t oid;
	int fd, rc = 0;

	(void)is_dir;
	fd = openat(dfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : -errno;
	oid = object_oid_of(o, fd);
	/* One that was copied along is nobody's (R29), and goes as well. */
	if (removexattr(object_proc_path(path, fd), OID_XATTR) == -1 &&
	    oid > OID_ROOT_MAX)
		rc = -errno;
	if (oid > OID_ROOT_MAX)
		object_forget(o, oid);
	(void)close(fd); /* only a name */
	return rc;
}

/* ---- LIST anew ---- */

/* A directory that the other node has alike is only on the way. */
static bool
dir_is_equal(int root_fd, int ffd, const char *path)
{
	struct stat a, b;
	bool equal = false;
	int fd, live;

	fd = openat(ffd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	live = openat(root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd != -1 && live != -1 && fstat(fd, &a) == 0 &&
	    fstat(live, &b) == 0)
		equal = a.st_mode == b.st_mode && a.st_uid == b.st_uid &&
		    a.st_gid == b.st_gid && aside_same_xattr(fd, live);
	if (fd != -1)
		(void)close(fd); /* it was read only */
	if (live != -1)
		(void)close(live); /* it was read only */
	return equal;
}

/*
 * Does the line still hold?  *drop: the thing itself goes as well.  An editor
 * that writes anew leaves what looks new: of edits the primary's tree tells.
 */
static bool
keeps(int root_fd, int ffd, bool edits, struct aside_entry *e, bool *drop)
{
	struct stat st;

	*drop = false;
	if (e->change == AC_DELETED)
		return true;
	if (fstatat(ffd, e->path, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return false;
	if (edits && e->change != AC_PATH)
		e->change = faccessat(root_fd, e->path, F_OK,
		    AT_SYMLINK_NOFOLLOW) == 0 ? AC_CHANGED : AC_NEW;
	if (!S_ISDIR(st.st_mode)) {
		e->bytes = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
		return true;
	}
	*drop = e->change == AC_PATH || (e->change != AC_RENAMED &&
	    dir_is_equal(root_fd, ffd, e->path));
	return !*drop;
}

struct totals {
	uint64_t	entries, bytes;
};

/* What only leads to others is not listed. */
static int
filter(struct aside *a, unsigned i, FILE *out, struct totals *t)
{
	int root_fd = objects_root_fd(a->conf.objects, i), ffd = a->ffd[i];
	struct aside_reader r;
	struct aside_entry e;
	bool drop, edits;
	int rc;

	if (aside_open(&r, a->dfd[i]) == -1)
		return -errno;
	edits = strcmp(r.head.by, ASIDE_EDITS) == 0;
	rc = aside_put_head(out, &r.head);
	while (rc == 0 && (rc = aside_next(&r, &e)) == 1) {
		rc = 0;
		if (!keeps(root_fd, ffd, edits, &e, &drop)) {
			/* Not empty: then it leads to something. */
			if (drop)
				(void)unlinkat(ffd, e.path, AT_REMOVEDIR);
			continue;
		}
		t->entries++;
		t->bytes += e.bytes;
		rc = aside_put_entry(out, &e);
	}
	if (rc == 0)
		rc = aside_put_end(out, t->entries, t->bytes);
	aside_close(&r);
	return rc == 0 ? 0 : errno != 0 ? -errno : -EIO;
}

static int
list_anew(struct aside *a, unsigned i, struct totals *t)
{
	int dfd = a->dfd[i], fd, rc;
	FILE *out;

	fd = openat(dfd, ASIDE_LIST_NEW, O_WRONLY | O_CREAT | O_TRUNC |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	out = fd == -1 ? NULL : fdopen(fd, "w");
	if (out == NULL)
		return -errno;
	rc = filter(a, i, out, t);
	if (rc == 0 && (fflush(out) != 0 || fsync(fd) == -1))
		rc = -errno;
	if (fclose(out) != 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && renameat(dfd, ASIDE_LIST_NEW, dfd, ASIDE_LIST) == -1)
		rc = -errno;
	return rc;
}

/* Nothing was the other node's to lack: then there is nothing to keep. */
static int
finish_root(struct aside *a, unsigned i, bool *left)
{
	int root_fd = objects_root_fd(a->conf.objects, i), top, rc;
	struct totals t = { 0, 0 };

	rc = list_anew(a, i, &t);
	if (rc == 0 && t.entries > 0)
		rc = aside_each(a->dfd[i], ASIDE_FILES, aside_disown,
		    a->conf.objects);
	if (rc == 0)
		rc = aside_sync(a->dfd[i]);
	fail_point(86);
	if (rc != 0)
		return rc;
	if (t.entries == 0) {
		top = aside_open_top(root_fd, false);
		rc = top == -1 ? -errno : aside_remove_tree(top, a->name);
		if (top != -1)
			(void)close(top); /* a directory */
		return rc;
	}
	*left = true;
	if (unlinkat(a->dfd[i], ASIDE_HELD, 0) == -1 && errno != ENOENT)
		return -errno;
	return fsync(a->dfd[i]) == -1 ? -errno : 0;
}

int
aside_finish(struct aside *a, bool *left)
{
	unsigned i;
	int rc = 0;

	*left = false;
	for (i = 0; a->is_open && rc == 0 && i < a->conf.root_count; i++)
		if (a->dfd[i] != -1)
			rc = finish_root(a, i, left);
	if (rc != 0)
		return rc;
	held_clear(a);
	a->is_open = false;
	for (i = 0; i < a->conf.root_count; i++) {
		if (a->dfd[i] != -1)
			(void)close(a->dfd[i]); /* a directory */
		if (a->ffd[i] != -1)
			(void)close(a->ffd[i]); /* a directory */
		a->dfd[i] = a->ffd[i] = -1;
	}
	return 0;
}

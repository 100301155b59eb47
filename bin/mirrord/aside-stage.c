/* SPDX-License-Identifier: ISC */
/*
 * Rule R50: a half copied node is forced to be primary.  What lies in stage
 * had no place yet and may be the only copy: it is moved, not removed, and
 * listed under its numbers.  MOVING stands until LIST is complete, since what
 * was moved is nowhere else.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "aside-int.h"

struct mover {
	struct objects	*o;
	int		 top, dfd, ffd;
	unsigned	 root;
};

/* on_name for what stands in fd, one level.  0, or the first that is not. */
static int
each_in(int fd, int (*on_name)(int fd, const char *name, void *arg),
    void *arg)
{
	struct dirent *e;
	int own, rc = 0;
	DIR *d;

	own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = own == -1 ? NULL : fdopendir(own);
	if (d == NULL)
		return -errno;
	while (rc == 0 && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0)
			rc = on_name(own, e->d_name, arg);
	(void)closedir(d); /* it was read only */
	return rc;
}

static int
found_one(int fd, const char *name, void *arg)
{
	(void)fd;
	(void)name;
	*(bool *)arg = true;
	return 1;
}

static bool
is_empty(int fd)
{
	bool found = false;

	(void)each_in(fd, found_one, &found);
	return !found;
}

static int
move_one(int fd, const char *name, void *arg)
{
	struct mover *m = arg;

	return renameat(fd, name, m->ffd, name) == -1 ? -errno : 0;
}

/* ---- LIST ---- */

struct lister {
	struct objects	*o;
	FILE		*out;
	uint64_t	 entries, bytes;
};

static int
count_one(int dfd, const char *name, bool is_dir, void *arg)
{
	struct stat st;

	(void)is_dir;
	if (fstatat(dfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode))
		*(uint64_t *)arg += (uint64_t)st.st_size;
	return 0;
}

static int
list_one(int fd, const char *name, void *arg)
{
	struct aside_entry e = { .change = AC_NAMELESS,
	    .path = (char *)(uintptr_t)name };
	struct lister *l = arg;
	struct stat st;
	int rc;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -errno;
	rc = aside_each(fd, name, aside_disown, l->o);
	if (rc == 0)
		rc = aside_each(fd, name, count_one, &e.bytes);
	if (rc != 0)
		return rc;
	e.kind = aside_kind_of(st.st_mode);
	l->entries++;
	l->bytes += e.bytes;
	return aside_put_entry(l->out, &e) == -1 ? -EIO : 0;
}

static int
write_list(struct mover *m, const struct aside_head *head, bool whole)
{
	struct lister l = { .o = m->o };
	int fd, rc;

	fd = openat(m->dfd, ASIDE_LIST_NEW, O_WRONLY | O_CREAT | O_TRUNC |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	l.out = fd == -1 ? NULL : fdopen(fd, "w");
	if (l.out == NULL)
		return -errno;
	rc = aside_put_head(l.out, head) == -1 ? -EIO : 0;
	if (rc == 0 && whole)
		rc = each_in(m->ffd, list_one, &l);
	if (rc == 0 && ((whole && aside_put_end(l.out, l.entries,
	    l.bytes) == -1) || fflush(l.out) != 0 || fsync(fd) == -1))
		rc = errno != 0 ? -errno : -EIO;
	if (fclose(l.out) != 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && renameat(m->dfd, ASIDE_LIST_NEW, m->dfd,
	    ASIDE_LIST) == -1)
		rc = -errno;
	return rc;
}

/* ---- one directory ---- */

static int
open_mover(struct mover *m, const char *name)
{
	m->dfd = aside_open_dir(m->top, name, true);
	if (m->dfd == -1)
		return -errno;
	m->ffd = aside_open_dir(m->dfd, ASIDE_FILES, true);
	return m->ffd == -1 ? -errno : 0;
}

/* The head is in LIST before anything is moved: a later life needs it. */
static int
begin(struct mover *m, const struct aside_head *head)
{
	int rc = open_mover(m, head->epoch);

	if (rc == 0)
		rc = write_list(m, head, false);
	if (rc == 0)
		rc = aside_put_mark(m->dfd, ASIDE_MOVING);
	return rc == 0 ? aside_sync(m->dfd) : rc;
}

static int
go_on(struct mover *m, int sfd)
{
	struct aside_reader r;
	struct aside_head head;
	int rc;

	if (aside_open(&r, m->dfd) == -1)
		return -errno;
	head = r.head;
	aside_close(&r);
	rc = each_in(sfd, move_one, m);
	if (rc == 0)
		rc = write_list(m, &head, true);
	if (rc == 0)
		rc = aside_sync(m->dfd);
	if (rc == 0 && unlinkat(m->dfd, ASIDE_MOVING, 0) == -1)
		rc = -errno;
	return rc == 0 ? aside_sync(m->dfd) : rc;
}

static int
stage_root(struct mover *m, const struct aside_head *head, bool *left)
{
	int sfd = objects_stage_fd(m->o, m->root), rc;
	char name[ASIDE_NAME_LEN];

	if (sfd < 0)
		return sfd;
	if (aside_find_marked(m->top, ASIDE_MOVING, name))
		rc = open_mover(m, name);
	else if (head == NULL || is_empty(sfd))
		return 0;
	else
		rc = begin(m, head);
	if (rc == 0)
		rc = go_on(m, sfd);
	*left = *left || rc == 0;
	return rc;
}

int
aside_stage(struct objects *o, unsigned root_count,
    const struct aside_head *head, bool *left)
{
	struct mover m = { .o = o };
	int rc = 0;

	*left = false;
	for (; rc == 0 && m.root < root_count; m.root++) {
		m.dfd = m.ffd = -1;
		m.top = aside_open_top(objects_root_fd(o, m.root),
		    head != NULL);
		if (m.top == -1) {
			rc = head == NULL ? 0 : -errno;
			continue;
		}
		rc = stage_root(&m, head, left);
		(void)close(m.top); /* a directory */
		if (m.ffd != -1)
			(void)close(m.ffd); /* a directory */
		if (m.dfd != -1)
			(void)close(m.dfd); /* a directory */
	}
	return rc;
}

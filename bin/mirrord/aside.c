/* SPDX-License-Identifier: ISC */
/*
 * The life of a set-aside, in durable steps (the numbers are failpoints):
 *
 *	.holdfast/diverged/NAME with BUILDING in it		81
 *	files/ filled						82
 *	LIST written						83
 *	all synced, BUILDING becomes HELD			84
 *	the record says `resyncing': by the resync
 *	a link becomes a copy before its object is changed	85
 *	LIST written anew, HELD taken away			86
 */
#include "aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "aside-copy.h"
#include "aside-int.h"
#include "fail.h"
#include "log.h"
#include "xalloc.h"

#define RESERVED	".holdfast"

struct aside *
aside_new(const struct aside_conf *conf)
{
	struct aside *a = xcalloc(1, sizeof(*a));
	unsigned i;

	a->conf = *conf;
	for (i = 0; i < OID_ROOT_MAX; i++)
		a->dfd[i] = a->ffd[i] = -1;
	return a;
}

static void
close_all(struct aside *a)
{
	unsigned i;

	for (i = 0; i < OID_ROOT_MAX; i++) {
		if (a->dfd[i] != -1)
			(void)close(a->dfd[i]); /* a directory */
		if (a->ffd[i] != -1)
			(void)close(a->ffd[i]); /* a directory */
		a->dfd[i] = a->ffd[i] = -1;
	}
	held_clear(a);
	a->is_open = false;
}

void
aside_free(struct aside *a)
{
	if (a == NULL)
		return;
	close_all(a);
	free(a);
}

bool
aside_is_open(const struct aside *a)
{
	return a->is_open;
}

int
aside_open_dir(int dfd, const char *name, bool make)
{
	if (make && mkdirat(dfd, name, 0700) == -1 && errno != EEXIST)
		return -1;
	return openat(dfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
}

int
aside_open_top(int root_fd, bool make)
{
	int top, fd, err;

	top = aside_open_dir(root_fd, RESERVED, make);
	if (top == -1)
		return -1;
	fd = aside_open_dir(top, ASIDE_DIR, make);
	err = errno;
	(void)close(top); /* a directory */
	errno = err;
	return fd;
}

static bool
has(int dfd, const char *name)
{
	return faccessat(dfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int
aside_put_mark(int dfd, const char *name)
{
	int fd = openat(dfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1)
		return -errno;
	(void)close(fd); /* empty; the directory is synced */
	return 0;
}

/* ---- what an earlier life left ---- */

bool
aside_find_marked(int top, const char *mark, char name[ASIDE_NAME_LEN])
{
	struct dirent *e;
	bool found = false;
	int fd, sub;
	DIR *d;

	fd = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd == -1 ? NULL : fdopendir(fd);
	while (d != NULL && !found && (e = readdir(d)) != NULL) {
		if (!aside_is_name(e->d_name))
			continue;
		sub = aside_open_dir(fd, e->d_name, false);
		found = sub != -1 && has(sub, mark);
		if (found)
			(void)snprintf(name, ASIDE_NAME_LEN, "%.47s",
			    e->d_name);
		if (sub != -1)
			(void)close(sub); /* a directory */
	}
	if (d != NULL)
		(void)closedir(d); /* it was read only */
	return found;
}

static int
drop_marked(int root_fd, const char *mark)
{
	char name[ASIDE_NAME_LEN];
	int top, rc = 0;

	top = aside_open_top(root_fd, false);
	if (top == -1)
		return errno == ENOENT ? 0 : -errno;
	while (rc == 0 && aside_find_marked(top, mark, name))
		rc = aside_remove_tree(top, name);
	(void)close(top); /* a directory */
	return rc;
}

int
aside_drop(struct aside *a, bool held)
{
	unsigned i;
	int rc = 0, fd;

	for (i = 0; rc == 0 && i < a->conf.root_count; i++) {
		fd = objects_root_fd(a->conf.objects, i);
		rc = drop_marked(fd, ASIDE_BUILDING);
		if (rc == 0 && held)
			rc = drop_marked(fd, ASIDE_HELD);
	}
	return rc;
}

/* ---- taking ---- */

static int
open_root(struct aside *a, unsigned i, bool make)
{
	int top = aside_open_top(objects_root_fd(a->conf.objects, i), make);

	if (top == -1)
		return -errno;
	a->dfd[i] = aside_open_dir(top, a->name, make);
	if (a->dfd[i] != -1 && make && aside_put_mark(a->dfd[i],
	    ASIDE_BUILDING) != 0) {
		(void)close(a->dfd[i]); /* a directory */
		a->dfd[i] = -1;
	}
	if (a->dfd[i] != -1)
		a->ffd[i] = aside_open_dir(a->dfd[i], ASIDE_FILES, make);
	if (a->ffd[i] != -1) {
		(void)close(top); /* a directory */
		return 0;
	}
	(void)close(top); /* a directory */
	return errno != 0 ? -errno : -EIO;
}

/* One that no directory has: what was set aside stays. */
static void
choose_name(struct aside *a, const char *epoch)
{
	bool taken = true;
	unsigned i, n;
	int top;

	(void)snprintf(a->name, sizeof(a->name), "%.32s", epoch);
	for (n = 2; taken && n < 10000; n++) {
		taken = false;
		for (i = 0; i < a->conf.root_count; i++) {
			top = aside_open_top(objects_root_fd(a->conf.objects,
			    i), false);
			if (top == -1)
				continue;
			taken = taken || has(top, a->name);
			(void)close(top); /* a directory */
		}
		if (taken)
			(void)snprintf(a->name, sizeof(a->name), "%.32s-%u",
			    epoch, n);
	}
}

static uint64_t
avail(int fd)
{
	struct statvfs v;

	return fstatvfs(fd, &v) == -1 ? UINT64_MAX :
	    (uint64_t)v.f_bavail * v.f_frsize;
}

void
aside_lacks(struct aside *a, struct aside_room *room)
{
	room->need = a->lack;
	room->have = avail(a->dfd[a->lack_root]);
}

static bool
has_room(struct aside *a, struct aside_room *room)
{
	unsigned i;

	room->have = UINT64_MAX;
	for (i = 0; i < a->conf.root_count; i++)
		if (avail(a->dfd[i]) < room->have)
			room->have = avail(a->dfd[i]);
	return room->need <= room->have || aside_can_reflink(a->dfd[0]);
}

int
aside_sync(int fd)
{
	return syncfs(fd) == -1 ? -errno : 0;
}

static int
sync_all(struct aside *a)
{
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < a->conf.root_count; i++)
		rc = aside_sync(a->dfd[i]);
	return rc;
}

static int
build(struct aside *a, const struct aside_head *head,
    const struct dirtyset *set, struct aside_room *room)
{
	struct aside_build b = { .a = a, .head = head, .set = set };
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < a->conf.root_count; i++)
		rc = open_root(a, i, true);
	if (rc != 0)
		return rc;
	fail_point(81);
	room->need = b.total = aside_build_need(a, set);
	if (!has_room(a, room))
		return -ENOSPC;
	for (i = 0; rc == 0 && i < a->conf.root_count; i++)
		rc = aside_build_root(&b, i);
	fail_point(83);
	if (rc == 0)
		rc = sync_all(a);
	for (i = 0; rc == 0 && i < a->conf.root_count; i++)
		if (renameat(a->dfd[i], ASIDE_BUILDING, a->dfd[i],
		    ASIDE_HELD) == -1)
			rc = -errno;
	if (rc == 0)
		rc = sync_all(a);
	if (b.done > room->need)
		room->need = b.done;
	return rc;
}

int
aside_take(struct aside *a, const struct aside_head *head,
    const struct dirtyset *set, struct aside_room *room)
{
	int rc;

	memset(room, 0, sizeof(*room));
	close_all(a);
	rc = aside_drop(a, true);
	if (rc != 0)
		return rc;
	choose_name(a, head->epoch);
	rc = build(a, head, set, room);
	if (rc == -EDQUOT)
		rc = -ENOSPC;
	if (rc == 0) {
		fail_point(84);
		a->is_open = true;
		return 0;
	}
	close_all(a);
	if (aside_drop(a, true) != 0)
		log_warnx("diverged: what was begun cannot be removed");
	return rc;
}

/* ---- taking up ---- */

struct todo {
	struct todo	*next;
	struct held_dir	*dir;
};

static int
scan_dir(struct aside *a, struct held_dir *dir, struct todo **todo)
{
	struct dirent *e;
	struct todo *t;
	struct stat st;
	int fd, own;
	DIR *d;

	fd = held_open_dir(a, dir);
	own = fd == -1 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	if (fd != -1)
		(void)close(fd); /* only a name */
	d = own == -1 ? NULL : fdopendir(own);
	if (d == NULL)
		return -errno;
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 || fstatat(own, e->d_name,
		    &st, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		if (S_ISDIR(st.st_mode)) {
			t = xcalloc(1, sizeof(*t));
			t->dir = held_dir_new(a, dir, dir->root, e->d_name);
			t->next = *todo;
			*todo = t;
		} else if (st.st_nlink > 1)
			held_add(a, dir->root, st.st_ino, dir, e->d_name,
			    false);
	}
	(void)closedir(d); /* it was read only */
	return 0;
}

/* What files/ shares with the tree, from the numbers of links. */
static int
scan(struct aside *a, unsigned root)
{
	struct todo *todo = xcalloc(1, sizeof(*todo)), *t;
	int rc = 0;

	todo->dir = held_dir_new(a, NULL, root, "");
	while ((t = todo) != NULL) {
		todo = t->next;
		if (rc == 0)
			rc = scan_dir(a, t->dir, &todo);
		free(t);
	}
	return rc;
}

int
aside_resume(struct aside *a)
{
	bool found = false;
	unsigned i;
	int rc, top;

	close_all(a);
	rc = aside_drop(a, false);
	for (i = 0; rc == 0 && !found && i < a->conf.root_count; i++) {
		top = aside_open_top(objects_root_fd(a->conf.objects, i),
		    false);
		if (top == -1)
			continue;
		found = aside_find_marked(top, ASIDE_HELD, a->name);
		(void)close(top); /* a directory */
	}
	if (rc != 0 || !found)
		return rc;
	for (i = 0; rc == 0 && i < a->conf.root_count; i++) {
		rc = open_root(a, i, false);
		if (rc == -ENOENT) {
			/* Finished, or killed while it was taken away. */
			if (a->dfd[i] != -1)
				(void)close(a->dfd[i]);
			a->dfd[i] = -1;
			rc = 0;
			continue;
		}
		if (rc == 0)
			rc = scan(a, i);
	}
	if (rc != 0) {
		close_all(a);
		return rc;
	}
	a->is_open = true;
	return 1;
}

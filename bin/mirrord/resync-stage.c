/* SPDX-License-Identifier: ISC */
/*
 * .holdfast/stage at the target: where an object waits under its id while
 * names are sorted out, so that nothing is lost before it is known to be
 * nowhere (rule R49).  Emptied only after the last name stands.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "object-local.h"
#include "resync-int.h"
#include "xalloc.h"

static int
stage_of(struct resync *r, uint64_t dir)
{
	int root = object_root(r->conf.objects, dir);

	return root < 0 ? root :
	    objects_stage_fd(r->conf.objects, (unsigned)root);
}

/* dfd/name -> stage.  Another name of the same file in stage is enough. */
static int
put_aside(struct resync *r, int dfd, const char *name, uint64_t own, int sfd)
{
	char to[OBJECT_STAGE_LEN + 8];

	if (own != 0) {
		object_stage_name(to, own);
		if (renameat2(dfd, name, sfd, to, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
		if (unlinkat(dfd, name, 0) == 0)
			return 0;
		if (errno != EISDIR && errno != EPERM)
			return -errno;
	}
	do {
		snprintf(to, sizeof(to), "f%llu",
		    (unsigned long long)++r->foreign);
		if (renameat2(dfd, name, sfd, to, RENAME_NOREPLACE) == 0)
			return 0;
	} while (errno == EEXIST);
	return -errno;
}

int
resync_stage(struct resync *r, uint64_t dir, const char *name)
{
	struct objects *o = r->conf.objects;
	uint64_t own = 0;
	int dfd, sfd, rc;

	rc = object_lookup(o, dir, name, false, &own, NULL);
	if (rc == -ENOENT)
		return 0; /* not there, or a reserved name */
	if (rc != 0 && rc != -ENODATA)
		return rc;
	if (rc == -ENODATA)
		own = 0;
	sfd = stage_of(r, dir);
	if (sfd < 0)
		return sfd;
	dfd = object_fd(o, dir, O_PATH);
	if (dfd < 0)
		return dfd;
	rc = put_aside(r, dfd, name, own, sfd);
	object_fd_done(o, dir, dfd);
	return rc;
}

int
resync_placeholder(struct resync *r, uint64_t dir, unsigned root)
{
	struct objects *o = r->conf.objects;
	char name[OBJECT_STAGE_LEN];
	int sfd, fd, rc;

	sfd = objects_stage_fd(o, root);
	if (sfd < 0)
		return sfd;
	object_forget(o, dir);
	object_stage_name(name, dir);
	if (mkdirat(sfd, name, 0700) == -1 && errno != EEXIST)
		return -errno;
	fd = openat(sfd, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -errno;
	rc = object_bind_fd(o, root + 1, fd, dir);
	(void)close(fd); /* only a name */
	return rc;
}

/* The name of st's directory within pfd; *name is malloc'd. */
static int
name_within(int pfd, const struct stat *want, char **name)
{
	struct dirent *e;
	struct stat st;
	int fd;
	DIR *d;

	*name = NULL;
	fd = openat(pfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd == -1 ? NULL : fdopendir(fd);
	if (d == NULL)
		return -errno;
	while (*name == NULL && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 &&
		    fstatat(pfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_ino == want->st_ino && st.st_dev == want->st_dev)
			*name = xstrdup(e->d_name);
	(void)closedir(d); /* it was read only */
	return *name != NULL ? 0 : -ENOENT;
}

/* Not in stage itself: somewhere in the tree, or below what is staged.  The
 * name it leaves is looked at once more. */
static int
move_from_tree(struct resync *r, int fd, int dfd, const char *name)
{
	struct stat st;
	uint64_t parent;
	char *old;
	int pfd, rc;

	if (fstat(fd, &st) == -1)
		return -errno;
	pfd = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (pfd == -1)
		return -errno;
	parent = object_oid_of(r->conf.objects, pfd);
	rc = name_within(pfd, &st, &old);
	if (rc == 0 && renameat2(pfd, old, dfd, name, RENAME_NOREPLACE) == -1)
		rc = -errno;
	if (rc == 0 && parent != 0)
		resync_reply_retry(r, parent, old);
	free(old);
	(void)close(pfd); /* it was read only */
	return rc;
}

int
resync_relocate(struct resync *r, uint64_t dir, const char *name,
    uint64_t obj)
{
	struct objects *o = r->conf.objects;
	char staged[OBJECT_STAGE_LEN];
	int sfd, dfd, fd, rc;

	sfd = stage_of(r, obj);
	if (sfd < 0)
		return sfd;
	dfd = object_fd(o, dir, O_PATH);
	if (dfd < 0)
		return dfd;
	object_stage_name(staged, obj);
	rc = renameat2(sfd, staged, dfd, name, RENAME_NOREPLACE) == 0 ? 0 :
	    -errno;
	if (rc == -ENOENT) {
		fd = object_fd(o, obj, O_RDONLY);
		rc = fd < 0 ? fd : move_from_tree(r, fd, dfd, name);
		object_fd_done(o, obj, fd);
	}
	object_fd_done(o, dir, dfd);
	return rc;
}

/* ---- the end of it ---- */

int
resync_doom(struct resync *r)
{
	unsigned i;
	size_t room = 0;
	struct dirent *e;
	int sfd, fd;
	DIR *d;

	for (i = 0; i < r->conf.root_count; i++) {
		sfd = objects_stage_fd(r->conf.objects, i);
		fd = sfd < 0 ? -1 : openat(sfd, ".",
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		d = fd == -1 ? NULL : fdopendir(fd);
		if (d == NULL)
			return sfd < 0 ? sfd : -errno;
		while ((e = readdir(d)) != NULL) {
			if (strcmp(e->d_name, ".") == 0 ||
			    strcmp(e->d_name, "..") == 0)
				continue;
			if (r->doomed_count == room) {
				room = room * 2 + 64;
				r->doomed = xrealloc(r->doomed, room,
				    sizeof(*r->doomed));
			}
			r->doomed[r->doomed_count++] = xasprintf("%u/%s", i,
			    e->d_name);
		}
		(void)closedir(d); /* it was read only */
	}
	return 0;
}

int
resync_empty_stage(struct resync *r)
{
	char *end;
	size_t i;
	long root;
	int sfd, rc = 0;

	for (i = 0; rc == 0 && i < r->doomed_count; i++) {
		root = strtol(r->doomed[i], &end, 10);
		sfd = objects_stage_fd(r->conf.objects, (unsigned)root);
		rc = sfd < 0 ? sfd : object_remove_tree(r->conf.objects, sfd,
		    end + 1);
	}
	return rc;
}

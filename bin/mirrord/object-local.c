/* SPDX-License-Identifier: ISC */
/*
 * What is left out of replication, in the trees: which names, and what becomes
 * of it where the primary, which does not know of it, removes or makes a
 * directory.
 */
#include "object-local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "xalloc.h"

struct at {
	struct objects	*o;
	unsigned	 root;
	uint64_t	 dir;
};

/* A symbolic link on the way is none of the directories meant.  0: it is not
 * there, or nobody has looked at it. */
static uint64_t
directory_at(struct objects *o, unsigned root, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	uint64_t oid;
	int fd;

	if (path[0] == '\0')
		return root + 1;
	fd = (int)syscall(SYS_openat2, objects_root_fd(o, root), path, &how,
	    sizeof(how));
	if (fd == -1)
		return 0;
	oid = object_oid_of(o, fd);
	(void)close(fd);	/* only a name */
	return oid;
}

static bool
is_at(const char *path, void *arg)
{
	const struct at *at = arg;

	return directory_at(at->o, at->root, path) == at->dir;
}

static bool
look_at(struct at *at, struct objects *o, uint64_t dir)
{
	int root;

	if (!excludes_any(objects_excludes(o)))
		return false;
	root = object_root(o, dir);
	*at = (struct at){ o, (unsigned)root, dir };
	return root >= 0;
}

bool
object_name_is_local(struct objects *o, uint64_t dir, const char *name,
    bool is_dir)
{
	struct at at;

	if (objects_excludes(o) != NULL && object_is_local(dir))
		return true;
	return look_at(&at, o, dir) && excludes_name(objects_excludes(o),
	    at.root, name, is_dir, is_at, &at);
}

bool
object_name_leads(struct objects *o, uint64_t dir, const char *name)
{
	struct at at;

	return look_at(&at, o, dir) && excludes_leads(objects_excludes(o),
	    at.root, name, is_at, &at);
}

int
object_leave_out(struct objects *o, unsigned root, const char *path)
{
	char *parent = xstrdup(path), *slash = strrchr(parent, '/');
	const char *base = slash != NULL ? slash + 1 : path;
	uint64_t dir;
	int rc = 0;

	if (slash != NULL)
		*slash = '\0';
	dir = directory_at(o, root, slash != NULL ? parent : "");
	if (dir != 0)
		rc = objects_walk_local(o, dir, base);
	free(parent);
	return rc;
}

/* ---- removal ---- */

static DIR *
open_list(int dfd, const char *name)
{
	int fd = openat(dfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);

	if (d == NULL && fd != -1)
		(void)close(fd);	/* nothing was done with it */
	return d;
}

static bool
is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int
object_remove_tree(struct objects *o, int dfd, const char *name)
{
	struct dirent *e;
	uint64_t oid;
	int fd, rc = 0;
	DIR *d;

	fd = openat(dfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : -errno;
	oid = object_oid_of(o, fd);
	(void)close(fd); /* only a name */
	if (unlinkat(dfd, name, 0) == -1) {
		if (errno != EISDIR && errno != EPERM)
			return errno == ENOENT ? 0 : -errno;
		d = open_list(dfd, name);
		if (d == NULL)
			return -errno;
		while (rc == 0 && (e = readdir(d)) != NULL)
			if (!is_dot(e->d_name))
				rc = object_remove_tree(o, dirfd(d),
				    e->d_name);
		(void)closedir(d); /* it was read only */
		if (rc == 0 && unlinkat(dfd, name, AT_REMOVEDIR) == -1)
			rc = -errno;
	}
	if (rc == 0 && oid != 0)
		object_forget_if_gone(o, oid);
	return rc;
}

/* The entry, if it is left out.  True: it was, and is gone. */
static bool
remove_local(struct objects *o, uint64_t dir, const char *name)
{
	uint64_t oid;
	struct stat st;
	int fd, rc;

	/* Of those with a reserved name it finds none. */
	if (object_lookup_here(o, dir, name, true, &oid, &st) != 0 ||
	    !object_name_is_local(o, dir, name, S_ISDIR(st.st_mode)))
		return false;
	fd = object_fd(o, dir, O_PATH);
	if (fd < 0)
		return false;
	rc = object_remove_tree(o, fd, name);
	object_fd_done(o, dir, fd);
	if (rc != 0)
		log_warnx("%s, which is not replicated, is in the way of the "
		    "primary and cannot be removed: %s", name, strerror(-rc));
	else
		log_info("%s, which is not replicated, was in the way of the "
		    "primary and is removed", name);
	return rc == 0;
}

static bool
empty_of_local(struct objects *o, uint64_t dir)
{
	bool any = false;
	struct dirent *e;
	DIR *d;
	int fd;

	fd = object_fd(o, dir, O_PATH);
	d = fd < 0 ? NULL : open_list(fd, ".");
	while (d != NULL && (e = readdir(d)) != NULL)
		if (!is_dot(e->d_name) && remove_local(o, dir, e->d_name))
			any = true;
	if (d != NULL)
		(void)closedir(d); /* it was read only */
	object_fd_done(o, dir, fd);
	return any;
}

bool
object_make_way(struct objects *o, const struct op *op)
{
	bool any = false;

	if (!excludes_any(objects_excludes(o)))
		return false;
	switch (op->type) {
	case OP_MKDIR:
		return remove_local(o, op->dir, op->name);
	case OP_RENAME:
		any = remove_local(o, op->dir2, op->name2);
		/* FALLTHROUGH */
	case OP_RMDIR:
		return (op->victim != 0 && empty_of_local(o, op->victim)) ||
		    any;
	default:
		return false;
	}
}

/* SPDX-License-Identifier: ISC */
/*
 * Mount table work for one replicated directory.  What was done is read
 * from the table and never remembered: a successor sees the same.  Called by
 * role.c.
 */
#include "mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "log.h"

#include "mountinfo.h"

/* <sys/mount.h> and <linux/mount.h> of Debian 12 exclude each other. */
extern int umount2(const char *dir, int flags);
extern int mount(const char *source, const char *dir, const char *type,
    unsigned long flags, const void *data);
#ifndef MNT_FORCE
#define MNT_FORCE	1
#define MNT_DETACH	2
#endif
#ifndef MS_RDONLY
#define MS_RDONLY	1
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE	0x8000
#endif

#define RESERVED	".holdfast"
/* An empty directory that nobody can write to. */
#define EMPTY_OPTIONS	"size=4k,nr_inodes=2,mode=0555"

static int
open_tree_clone(const char *dir)
{
	return (int)syscall(SYS_open_tree, AT_FDCWD, dir,
	    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

static int
set_attr(int fd, uint64_t set, uint64_t clear)
{
	struct mount_attr a = {
		.attr_set = set, .attr_clr = clear,
	};

	return (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &a,
	    sizeof(a));
}

struct table {
	unsigned	 count;
	struct mountinfo *m;
};

static int
table_read(struct table *t)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	struct mountinfo m, *grown;

	t->count = 0;
	t->m = NULL;
	if (f == NULL)
		return -1;
	while (mountinfo_next(&m, f)) {
		grown = reallocarray(t->m, t->count + 1, sizeof(m));
		if (grown == NULL)
			break;
		t->m = grown;
		t->m[t->count++] = m;
	}
	fclose(f);	/* read only */
	return 0;
}

/*
 * The mount that `path' is seen through, leaving out those of index >= top:
 * the longest mount point above it, the latest among equals.
 */
static int
table_find(const struct table *t, const char *path, unsigned top)
{
	size_t best_len = 0;
	unsigned i;
	int best = -1;

	for (i = 0; i < top && i < t->count; i++)
		if (path_is_below(path, t->m[i].point) &&
		    strlen(t->m[i].point) >= best_len) {
			best = (int)i;
			best_len = strlen(t->m[i].point);
		}
	return best;
}

static bool
is_mirror(const struct mountinfo *m)
{
	return strcmp(m->type, "fuse.holdfast") == 0;
}

/*
 * A view of ours: read-only, mounted at dir, and either what dir is below it
 * or the empty one.
 */
static bool
is_view(const struct table *t, unsigned top, const char *dir)
{
	const struct mountinfo *m = &t->m[top];
	char inner[PATH_MAX];
	int below;

	if (strcmp(m->point, dir) != 0 || !m->read_only)
		return false;
	below = table_find(t, dir, top);
	if (below == -1)
		return false;
	if (strcmp(m->type, "tmpfs") == 0 && m->dev != t->m[below].dev)
		return true;
	return m->dev == t->m[below].dev &&
	    mountinfo_inner(inner, sizeof(inner), &t->m[below], dir) &&
	    strcmp(inner, m->root) == 0;
}

int
mount_look(struct mount_info *info, const char *dir)
{
	struct table t;
	int top;

	memset(info, 0, sizeof(*info));
	if (table_read(&t) == -1)
		return -1;
	top = table_find(&t, dir, t.count);
	if (top != -1) {
		info->id = t.m[top].id;
		info->dev = t.m[top].dev;
		if (is_mirror(&t.m[top]) && strcmp(t.m[top].point, dir) == 0)
			info->kind = MK_MIRROR;
		else if (is_view(&t, (unsigned)top, dir))
			info->kind = MK_VIEW;
	}
	free(t.m);
	return 0;
}

int
mount_clone(const char *dir, int *clone)
{
	int fd, root, error;

	fd = open_tree_clone(dir);
	if (fd == -1)
		return -1;
	/* The clone may come from a mount that is read-only by mistake; the
	 * file system's own state decides, not the mount's. */
	if (set_attr(fd, MOUNT_ATTR_NOATIME,
	    MOUNT_ATTR__ATIME | MOUNT_ATTR_RDONLY) == -1) {
		error = errno;
		(void)close(fd);	/* detached: it vanishes */
		errno = error;
		return -1;
	}
	root = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root == -1) {
		error = errno;
		(void)close(fd);	/* as above */
		errno = error;
		return -1;
	}
	*clone = fd;
	return root;
}

static int
cover_hidden(const char *dir)
{
	return mount("holdfast", dir, "tmpfs", MS_RDONLY, EMPTY_OPTIONS);
}

static int
cover_readonly(const char *dir)
{
	char reserved[PATH_MAX];
	int fd, rc;

	fd = open_tree_clone(dir);
	if (fd == -1)
		return -1;
	rc = set_attr(fd, MOUNT_ATTR_RDONLY, 0);
	if (rc == 0)
		rc = (int)syscall(SYS_move_mount, fd, "", AT_FDCWD, dir,
		    MOVE_MOUNT_F_EMPTY_PATH);
	if (rc == -1) {
		rc = errno;
		(void)close(fd);	/* detached: it vanishes */
		errno = rc;
		return -1;
	}
	(void)close(fd);	/* mounted by now */
	/* What is set aside or half copied is no business of a reader. */
	if ((size_t)snprintf(reserved, sizeof(reserved), "%s/" RESERVED,
	    dir) >= sizeof(reserved))
		return 0;
	if (mount("holdfast", reserved, "tmpfs", MS_RDONLY,
	    "size=4k,nr_inodes=2,mode=0500") == -1 && errno != ENOENT)
		log_warn("%s: cannot be hidden", reserved);
	return 0;
}

int
mount_cover(const char *dir, bool hidden)
{
	struct mount_info m;

	if (mount_look(&m, dir) == -1)
		return -1;
	if (m.kind != MK_PLAIN)
		return 0;
	return hidden ? cover_hidden(dir) : cover_readonly(dir);
}

int
mount_uncover(const char *dir)
{
	struct mount_info m;

	if (mount_look(&m, dir) == -1)
		return -1;
	if (m.kind == MK_MIRROR) {
		errno = EBUSY;
		return -1;
	}
	if (m.kind != MK_VIEW)
		return 0;
	/* Lazily: a reader that stays sees what it saw, and cannot write. */
	return umount2(dir, MNT_DETACH);
}

int
mount_leave(const char *dir)
{
	struct mount_info m;

	if (mount_look(&m, dir) == -1)
		return -1;
	if (m.kind != MK_MIRROR)
		return 0;
	return umount2(dir, 0);
}

int
mount_abort(const char *dir)
{
	struct mount_info m;

	if (mount_look(&m, dir) == -1)
		return -1;
	if (m.kind != MK_MIRROR)
		return 0;
	return umount2(dir, MNT_FORCE | MNT_DETACH);
}

bool
mount_has_submount(const char *dir, char *out, size_t size)
{
	char reserved[PATH_MAX];
	struct table t;
	unsigned i;
	bool has = false;

	if (table_read(&t) == -1)
		return false;
	snprintf(reserved, sizeof(reserved), "%s/" RESERVED, dir);
	for (i = 0; i < t.count && !has; i++) {
		has = path_is_below(t.m[i].point, dir) &&
		    strcmp(t.m[i].point, dir) != 0 &&
		    strcmp(t.m[i].point, reserved) != 0;
		if (has)
			snprintf(out, size, "%s", t.m[i].point);
	}
	free(t.m);
	return has;
}

void
mount_set_readahead(const char *dir, unsigned kib)
{
	struct mount_info m;
	char path[96];
	FILE *f;

	if (mount_look(&m, dir) == -1 || m.kind != MK_MIRROR)
		return;
	snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb",
	    major(m.dev), minor(m.dev));
	f = fopen(path, "we");
	if (f == NULL) {
		/* No sysfs here, or read-only: slower, not wrong. */
		log_debug("%s: cannot be set", path);
		return;
	}
	fprintf(f, "%u\n", kib);
	fclose(f);	/* slower at worst */
}

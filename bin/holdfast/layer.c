/* SPDX-License-Identifier: ISC */
/*
 * The layers over a replicated directory, read from the mount table and never
 * remembered.  Called by rescue.c, which takes them off, and by freeze.c,
 * whose command reads below them: in the mirror the kernel keeps the inode
 * and the page of a held write locked, so that a reader of that file, or its
 * close(2), would wait for the end of the hold that waits for the reader.
 */
#include "layer.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* mirror, view, and what an unlucky start may have left twice. */
#define LAYERS_MAX	8
/* As mirrord's: an empty directory over its own one. */
#define EMPTY_OPTIONS	"size=4k,nr_inodes=2,mode=0500"

/* A view is read-only and lies over another mount with the same files, or is
 * an empty file system of ours. */
enum layer
layer_top(const char *dir)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[2 * PATH_MAX], point[PATH_MAX], dev[32], below[32] = "";
	char options[256], *rest;
	enum layer top = LAYER_NONE;
	bool ro;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%*d %*d %31s %*s %4095s %255s", dev, point,
		    options) != 3 || (rest = strstr(line, " - ")) == NULL)
			continue;
		if (strncmp(dir, point, strlen(point)) == 0 &&
		    strcmp(dir, point) != 0) {
			snprintf(below, sizeof(below), "%s", dev);
			continue;
		}
		if (strcmp(dir, point) != 0)
			continue;
		ro = strncmp(options, "ro", 2) == 0;
		if (strncmp(rest, " - fuse.holdfast ", 17) == 0)
			top = LAYER_MIRROR;
		else if (ro && strncmp(rest, " - tmpfs holdfast ", 18) == 0)
			top = LAYER_EMPTY;
		else
			top = ro && strcmp(dev, below) == 0 ? LAYER_VIEW :
			    LAYER_NONE;
		snprintf(below, sizeof(below), "%s", dev);
	}
	if (f != NULL)
		fclose(f);	/* only read */
	return top;
}

int
layer_take_off(const char *dir)
{
	unsigned i;
	enum layer top;

	for (i = 0; i < LAYERS_MAX && (top = layer_top(dir)) != LAYER_NONE;
	    i++)
		if (umount2(dir, top == LAYER_MIRROR ? MNT_FORCE |
		    MNT_DETACH : MNT_DETACH) == -1)
			break;
	if (layer_top(dir) == LAYER_NONE)
		return 0;
	fprintf(stderr, "holdfast: %s: cannot be uncovered: %s\n", dir,
	    strerror(errno));
	return -1;
}

/* --- what is on the disk ------------------------------------------------- */

static int
lay_view(const char *dir)
{
	struct statvfs v;
	unsigned long keep;

	if (mount(dir, dir, NULL, MS_BIND, NULL) == -1 ||
	    statvfs(dir, &v) == -1)
		return -1;
	/* These have the same values as MS_*. */
	keep = v.f_flag & (ST_NOSUID | ST_NODEV | ST_NOEXEC);
	return mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY |
	    MS_NOATIME | keep, NULL);
}

/*
 * The view under the mirror is kept, if there is one.  Never MNT_FORCE here:
 * it would abort the mirror for all.
 */
static int
show_one(const char *dir)
{
	char own[PATH_MAX];
	enum layer top;
	unsigned i;

	for (i = 0; i < LAYERS_MAX; i++) {
		top = layer_top(dir);
		if (top != LAYER_MIRROR && top != LAYER_EMPTY)
			break;
		if (umount2(dir, MNT_DETACH) == -1)
			return -1;
	}
	if (top == LAYER_NONE && lay_view(dir) == -1)
		return -1;
	if (layer_top(dir) != LAYER_VIEW) {
		errno = EBUSY;
		return -1;
	}
	/* A view of the early boot shows what is set aside there. */
	if (snprintf(own, sizeof(own), "%s/.holdfast", dir) >=
	    (int)sizeof(own) || layer_top(own) == LAYER_EMPTY)
		return 0;
	return mount("holdfast", own, "tmpfs", MS_RDONLY, EMPTY_OPTIONS) ==
	    0 || errno == ENOENT ? 0 : -1;
}

/* A mirror that does not go from here when it is unmounted there. */
static bool
find_kept(char point[PATH_MAX])
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[2 * PATH_MAX];
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = strstr(line, " - fuse.holdfast ") != NULL &&
		    strstr(line, " master:") == NULL &&
		    sscanf(line, "%*d %*d %*s %*s %4095s", point) == 1;
	if (f != NULL)
		fclose(f);	/* only read */
	return found;
}

/*
 * Without shared mounts, as where no systemd is, a copy of another module's
 * mirror would outlive its unmount, and its mirrord wait for the command.
 */
static void
leave_others(void)
{
	char point[PATH_MAX];

	while (find_kept(point))
		if (umount2(point, MNT_DETACH) == -1)
			break;
}

/* The hold is on already: the mirror would answer, but late, or with nothing.
 * 0: it may be run on what is mounted. */
static int
show_as_is(const struct safe *m, int error)
{
	unsigned i;

	for (i = 0; i < m->dir_count; i++)
		if (layer_top(m->dir[i]) == LAYER_EMPTY) {
			fprintf(stderr, "holdfast: %s: is hidden here, and "
			    "cannot be shown to the command: %s\n", m->dir[i],
			    strerror(error));
			return -1;
		}
	fprintf(stderr, "holdfast: %s: no mount namespace for the command: "
	    "%s: on the primary it may wait for the writes that are held\n",
	    m->name, strerror(error));
	return 0;
}

int
layer_show_disk(const struct safe *m)
{
	char cwd[PATH_MAX];
	bool has_cwd = getcwd(cwd, sizeof(cwd)) != NULL;
	unsigned i;

	/* Slaves: what is mounted here stays here, what others unmount goes. */
	if (unshare(CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == -1)
		return show_as_is(m, errno);
	for (i = 0; i < m->dir_count; i++)
		if (show_one(m->dir[i]) == -1) {
			fprintf(stderr, "holdfast: %s: cannot be shown as it "
			    "is on the disk: %s\n", m->dir[i],
			    strerror(errno));
			return -1;
		}
	leave_others();
	/* Where it stands may be in the mirror still. */
	if (has_cwd && chdir(cwd) == -1) {
		fprintf(stderr, "holdfast: %s: %s\n", cwd, strerror(errno));
		return -1;
	}
	return 0;
}

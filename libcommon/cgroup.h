/* SPDX-License-Identifier: ISC */
/*
 * Cgroups of the applications: v2 only, found in /proc/self/mountinfo, no
 * controller needed.  A module's is MODULE below
 * <mount point>/holdfast.slice/holdfast-apps.service, which that unit has
 * made and left to us, or below <mount point>/holdfast where there is none;
 * with `app' (the application) and one for each script that runs below it.
 * To freeze the module's is to freeze all of them.
 *
 * HOLDFAST_CGROUP, when set, is used instead of both; with
 * HOLDFAST_ROOT and without it there are no cgroups, so that a test does not
 * touch the machine's.
 */
#ifndef COMMON_CGROUP_H
#define COMMON_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CGROUP_PATH_LEN	512

/*
 * The cgroup2 mount point in the text of a mountinfo: /sys/fs/cgroup, else
 * its unified/, else the first other one.  False: none, or it does not fit.
 */
bool	cgroup_find(char buf[CGROUP_PATH_LEN], const char *mountinfo);

/* Makes the module's cgroup when it is not there.  -1: errno ENOENT when the
 * machine has no cgroup v2, else what mkdir says. */
int	cgroup_module(char buf[CGROUP_PATH_LEN], const char *module);
/* The same with the mount point given; where it is already, it stays. */
int	cgroup_module_at(char buf[CGROUP_PATH_LEN], const char *mount,
	    const char *module);
/* A cgroup `name' below `parent', made when it is not there. */
int	cgroup_below(char buf[CGROUP_PATH_LEN], const char *parent,
	    const char *name);

/* Writes text into one of the control files: "cgroup.freeze", "1". */
int	cgroup_write(const char *path, const char *file, const char *text);
/*
 * All that runs in it and below stands still, or goes on; the kernel says
 * "frozen 1" in cgroup.events when none runs user code any more.  0, or -1.
 */
int	cgroup_freeze(const char *path, bool on);
/* Whether that was asked for, by whomever. */
bool	cgroup_is_frozen(const char *path);
/* pid 0: the caller. */
int	cgroup_join(const char *path, pid_t pid);
/* How many pids it holds (at most max into pid[]), or -1 with errno. */
int	cgroup_pids(const char *path, pid_t *pid, size_t max);
/* Moves every process; -1 when some stayed after many rounds. */
int	cgroup_move_all(const char *from, const char *to);
/* SIGKILL to every process, frozen ones too. */
int	cgroup_kill(const char *path);

#endif

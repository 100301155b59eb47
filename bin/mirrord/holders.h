/* SPDX-License-Identifier: ISC */
/*
 * Which processes have a mount open: descriptors, working and root
 * directories, programs, mappings, in every mount namespace (rules R51 to
 * R53).  Reads /proc only and never follows anything into the mount: that
 * could hang.
 */
#ifndef MIRRORD_HOLDERS_H
#define MIRRORD_HOLDERS_H

#include <stdbool.h>
#include <sys/types.h>

struct holder {
	pid_t		 pid;
	char		 comm[32];
	const char	*how;	/* "fd 7", "cwd", "root", "exe", "map", path */
	char		 how_buf[32];
};

typedef void holder_fn(const struct holder *h, void *arg);

/* Of the mount with device dev, which only a FUSE mount or tmpfs has to
 * itself.  Each process once; never the caller itself.  The number. */
unsigned holders_of_device(dev_t dev, holder_fn *on_holder, void *arg);
/* Kills them, waits up to wait_ms until they are gone; who is left. */
unsigned holders_kill(dev_t dev, holder_fn *on_killed, void *arg,
	    int (*between)(void *arg), void *between_arg, int wait_ms);

/*
 * Rule R40: who could write to the plain directory, not through our mirror:
 * processes with something open in it, and other mounts of it.  The number.
 */
unsigned holders_of_plain(const char *dir, holder_fn *on_holder, void *arg);

#endif

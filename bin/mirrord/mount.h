/* SPDX-License-Identifier: ISC */
/*
 * Where a replicated directory is seen: the private clone through which
 * mirrord alone reaches it (rule R38), the read-only view that covers it
 * while this node is not primary (R41), and the mirror itself on top of the
 * view.  The view stays below the mirror, so that there is no moment in
 * which the plain directory is open to writers.
 */
#ifndef MIRRORD_MOUNT_H
#define MIRRORD_MOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What stands on top at a path. */
enum mount_kind { MK_PLAIN, MK_VIEW, MK_MIRROR };

struct mount_info {
	enum mount_kind	kind;
	int		id;		/* mount id of what stands on top */
	dev_t		dev;
};

/* Looks at our own mount table; dir must be absolute and exist.  0 or -1. */
int	mount_look(struct mount_info *m, const char *dir);

/*
 * The private clone of a plain directory, noatime.  *clone is the mount, the
 * result is "." opened in it.  -1 with errno.  Both are the caller's, and
 * both have to live.
 */
int	mount_clone(const char *dir, int *clone);

/* Covers dir; hidden: by an empty directory.  Nothing when it is covered.
 * 0, or -1 with errno. */
int	mount_cover(const char *dir, bool hidden);
/* Takes the view away, if there is one on top. 0 or -1. */
int	mount_uncover(const char *dir);

/*
 * A plain unmount of the mirror.  0; -1 with errno, EBUSY when something
 * holds it.
 */
int	mount_leave(const char *dir);
/* Aborts and detaches at once, whoever holds it (rule R51). */
int	mount_abort(const char *dir);

/*
 * Submounts inside dir, which would not be replicated: the path of the first
 * into out, true; false when there is none.
 */
bool	mount_has_submount(const char *dir, char *out, size_t size);
/* Readahead of a FUSE mount stays 128 KiB whatever INIT says. */
void	mount_set_readahead(const char *dir, unsigned kib);

#endif

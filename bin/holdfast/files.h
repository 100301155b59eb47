/* SPDX-License-Identifier: ISC */
/*
 * Durable files and small trees: what installing a module and writing a
 * generation need.  All return 0, or -1 with errno.
 */
#ifndef HOLDFAST_FILES_H
#define HOLDFAST_FILES_H

#include <stddef.h>
#include <sys/types.h>

/* A new file, written and synced. */
int	file_write_sync(const char *path, const void *data, size_t len,
	    mode_t mode);
int	dir_sync(const char *path);
/*
 * Copies a directory of regular files and directories, synced.  Anything
 * else in it is skipped with a warning.  A missing source makes an empty
 * directory.
 */
int	tree_copy(const char *from, const char *to);
/*
 * All below it and itself on the disk: before a rename that relies on it.
 * Links are left alone.
 */
int	tree_sync(const char *path);
/* rm -r, never through a link, never across a mount. */
int	tree_remove(const char *path);
/*
 * Calls for each regular file below dir, in the order of their names, with
 * the path relative to dir.  Stops at the first non-zero answer.
 */
int	tree_each(const char *dir, int (*call)(const char *rel,
	    const char *path, void *arg), void *arg);

#endif

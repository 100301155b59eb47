/* SPDX-License-Identifier: ISC */
/*
 * Small durable files: written aside, synced, renamed, directory synced.  A
 * crash at any point leaves the old or the new content, never a mix.
 */
#ifndef COMMON_STATEFILE_H
#define COMMON_STATEFILE_H

#include <stddef.h>

/* 0 when durable; -1 with errno, and the old content is in place. */
int	statefile_write(const char *path, const void *data, size_t len,
	    unsigned mode);
/* The same without fsync: for observers (/run), where order is enough. */
int	statefile_write_volatile(const char *path, const void *data,
	    size_t len, unsigned mode);
/*
 * Reads all, at most max bytes (more: EFBIG), NUL-terminated; *len without
 * the NUL.  The caller frees.  NULL with errno.
 */
char	*statefile_read(const char *path, size_t max, size_t *len);

#endif

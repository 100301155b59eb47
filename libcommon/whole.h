/* SPDX-License-Identifier: ISC */
/*
 * All the bytes of a read or write: a signal or a short count does not end
 * it.  For files; a socket or a pipe that does not block goes through loop.h.
 */
#ifndef COMMON_WHOLE_H
#define COMMON_WHOLE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* 0, or -1 with errno; some of it may then be written. */
int	whole_write(int fd, const void *data, size_t len);
int	whole_pwrite(int fd, const void *data, size_t len, uint64_t off);
/* Bytes read, fewer than len only at the end of the file; or -1 with errno. */
ssize_t	whole_pread(int fd, void *buf, size_t len, uint64_t off);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Durable small files.  Order: content written aside, fsync of the file,
 * rename, fsync of the directory.  A crash before the rename leaves the old
 * content and a file NAME.new that the next write replaces; a crash after it
 * leaves the new content, or, before the directory is synced, either.
 */

#include "statefile.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "whole.h"

#define STATE_PATH_LEN	4096

static int
sync_parent(const char *path)
{
	char copy[STATE_PATH_LEN];
	int fd, rc;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	rc = fsync(fd);
	(void)close(fd);	/* opened for reading */
	return rc;
}

static int
write_aside(const char *aside, const void *data, size_t len, unsigned mode,
    bool durable)
{
	int fd, rc, saved;

	fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
	    O_NOFOLLOW, mode);
	if (fd == -1)
		return -1;
	rc = whole_write(fd, data, len);
	if (rc == 0 && fchmod(fd, mode) == -1)
		rc = -1;
	if (rc == 0 && durable)
		rc = fsync(fd);
	saved = errno;
	if (close(fd) == -1 && rc == 0)
		return -1;
	errno = saved;
	return rc;
}

static int
replace(const char *path, const void *data, size_t len, unsigned mode,
    bool durable)
{
	char aside[STATE_PATH_LEN];
	int saved;

	if ((size_t)snprintf(aside, sizeof(aside), "%s.new", path) >=
	    sizeof(aside)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (write_aside(aside, data, len, mode, durable) == -1 ||
	    rename(aside, path) == -1) {
		saved = errno;
		(void)unlink(aside);	/* best effort: replaced next time */
		errno = saved;
		return -1;
	}
	return durable ? sync_parent(path) : 0;
}

int
statefile_write(const char *path, const void *data, size_t len, unsigned mode)
{
	return replace(path, data, len, mode, true);
}

int
statefile_write_volatile(const char *path, const void *data, size_t len,
    unsigned mode)
{
	return replace(path, data, len, mode, false);
}

static char *
read_fd(int fd, size_t max, size_t *len)
{
	struct stat st;
	size_t size;
	char *buf;

	if (fstat(fd, &st) == -1)
		return NULL;
	if (!S_ISREG(st.st_mode) || (uintmax_t)st.st_size > max) {
		errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
		return NULL;
	}
	size = (size_t)st.st_size;
	buf = malloc(size + 1);
	if (buf == NULL)
		return NULL;
	for (*len = 0; *len < size; ) {
		ssize_t n = read(fd, buf + *len, size - *len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			free(buf);
			return NULL;
		}
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	buf[*len] = '\0';
	return buf;
}

char *
statefile_read(const char *path, size_t max, size_t *len)
{
	char *buf;
	int fd, saved;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		return NULL;
	buf = read_fd(fd, max, len);
	saved = errno;
	(void)close(fd);	/* opened for reading */
	errno = saved;
	return buf;
}

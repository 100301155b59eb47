/* SPDX-License-Identifier: ISC */
/*
 * Repeats what the kernel may cut short (a signal, a full quota, the end of a
 * page) until all is done or something is wrong.  A write that takes nothing
 * and says nothing is EIO, so that no caller turns for ever.
 */

#include "whole.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

/* One more step of n bytes?  False ends the loop with errno. */
static bool
go_on(ssize_t n)
{
	if (n == 0)
		errno = EIO;
	return n > 0 || (n == -1 && errno == EINTR);
}

int
whole_write(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = write(fd, p + done, len - done);
		if (!go_on(n))
			return -1;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

int
whole_pwrite(int fd, const void *data, size_t len, uint64_t off)
{
	const uint8_t *p = data;
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pwrite(fd, p + done, len - done, (off_t)(off + done));
		if (!go_on(n))
			return -1;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

ssize_t
whole_pread(int fd, void *buf, size_t len, uint64_t off)
{
	uint8_t *p = buf;
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(fd, p + done, len - done, (off_t)(off + done));
		if (n == 0)
			break;
		if (!go_on(n))
			return -1;
		if (n > 0)
			done += (size_t)n;
	}
	return (ssize_t)done;
}

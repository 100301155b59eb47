/* SPDX-License-Identifier: ISC */
/*
 * A directory for one input, in memory where that is possible, for parsers of
 * files; and how to take an input apart.
 */
#ifndef FUZZ_STATE_H
#define FUZZ_STATE_H

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char state_path[64];

static inline int
state_up(void)
{
	const char *top = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	int fd;

	(void)snprintf(state_path, sizeof(state_path), "%s/hf-fuzz-XXXXXX",
	    top);
	if (mkdtemp(state_path) == NULL || (fd = open(state_path,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		abort();
	return fd;
}

/* Closes it, too. */
static inline void
state_down(int dirfd)
{
	DIR *d = fdopendir(dirfd);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' &&
		    unlinkat(dirfd, e->d_name, 0) == -1)
			(void)unlinkat(dirfd, e->d_name, AT_REMOVEDIR);
	if (d == NULL || closedir(d) == -1 || rmdir(state_path) == -1)
		abort();
}

static inline void
state_put(int dirfd, const char *name, const void *data, size_t len)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);

	if (fd == -1 || write(fd, data, len) != (ssize_t)len ||
	    close(fd) == -1)
		abort();
}

/* What comes next of an input; zeros behind its end. */
struct state_in {
	const uint8_t	*p;
	size_t		 len;
};

static inline uint64_t
state_get(struct state_in *in, unsigned bytes)
{
	uint64_t v = 0;

	for (; bytes > 0; bytes--) {
		v = v << 8 | (in->len > 0 ? *in->p : 0);
		if (in->len > 0) {
			in->p++;
			in->len--;
		}
	}
	return v;
}

#endif

/* SPDX-License-Identifier: ISC */
/* A state directory for a test, removed afterwards. */
#ifndef UNIT_SCRATCH_H
#define UNIT_SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch_path[64];

static inline int
scratch_up(void)
{
	int fd;

	snprintf(scratch_path, sizeof(scratch_path),
	    "/var/tmp/hf-state-XXXXXX");
	if (mkdtemp(scratch_path) == NULL ||
	    (fd = open(scratch_path, O_RDONLY | O_DIRECTORY)) == -1) {
		perror("scratch directory");
		exit(1);
	}
	return fd;
}

static inline void
scratch_down(int fd)
{
	struct dirent *e;
	DIR *d = fdopendir(fd);

	while (d != NULL && (e = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), e->d_name, 0); /* . and .. stay */
	if (d != NULL)
		closedir(d);
	rmdir(scratch_path);
}

#endif

/* SPDX-License-Identifier: ISC */
/* /proc/PID/mountinfo, one line at a time.  Pure parsing. */
#ifndef MIRRORD_MOUNTINFO_H
#define MIRRORD_MOUNTINFO_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct mountinfo {
	int	id;
	int	parent;
	dev_t	dev;
	char	root[PATH_MAX];		/* within its file system */
	char	point[PATH_MAX];
	bool	read_only;		/* of the mount */
	char	type[64];
};

/* One line of text (modified); false when it is not one. */
bool	mountinfo_parse(struct mountinfo *m, char *line);
/* The next entry of an open file; false at its end. */
bool	mountinfo_next(struct mountinfo *m, FILE *f);
/* Is path the same as, or below, dir? */
bool	path_is_below(const char *path, const char *dir);
/* Where path is within the file system of m, which contains it. */
bool	mountinfo_inner(char *out, size_t size, const struct mountinfo *m,
	    const char *path);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Which processes of a script's cgroup are the script's own: it and its
 * descendants.  One whose parent ended has been left behind on purpose - it
 * is the application.
 */
#ifndef RUNSCRIPT_FAMILY_H
#define RUNSCRIPT_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct family_member {
	pid_t	pid;
	pid_t	parent;
};

/* True when pid is `script' or descends from it within the table. */
bool	family_is_own(pid_t script, const struct family_member *m,
	    size_t count, pid_t pid);
/* The parent out of the text of /proc/PID/stat; 0 when it is damaged. */
pid_t	family_parse_parent(const char *text);
/* Reads /proc/PID/stat of each pid; those that ended get parent 0. */
void	family_read(struct family_member *m, const pid_t *pid, size_t count);

#endif

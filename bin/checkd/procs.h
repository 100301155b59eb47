/* SPDX-License-Identifier: ISC */
/*
 * Which processes of the machine are meant: by command name and command
 * line.  What is dead and not yet reaped is none.
 */
#ifndef CHECKD_PROCS_H
#define CHECKD_PROCS_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PROCS_COMM	16	/* the kernel's: 15 characters and NUL */

struct procs_match {
	char	 name[PROCS_COMM];	/* of the command; "": by regex */
	bool	 has_name_regex, has_arg_regex;
	regex_t	 name_regex, arg_regex;
};

/*
 * Command and state out of the text of /proc/PID/stat; the name may hold any
 * byte.  false: damaged.
 */
bool	procs_parse_stat(const char *text, char comm[PROCS_COMM],
	    char *state);
/* The pure part: args is the command line, its words parted by blanks. */
bool	procs_matches(const struct procs_match *m, const char *comm,
	    const char *args);
/* Is this process, now, one of them? */
bool	procs_is(const struct procs_match *m, pid_t pid);
/* Calls for each that is; never for the caller itself.  0, or -1. */
int	procs_each(const struct procs_match *m,
	    void (*on_pid)(pid_t pid, void *arg), void *arg);

#endif

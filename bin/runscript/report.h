/* SPDX-License-Identifier: ISC */
/*
 * What others read of a run: its log, and the two files that tell moduled,
 * or the next moduled, what runs and how it ended.
 */
#ifndef RUNSCRIPT_REPORT_H
#define RUNSCRIPT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct report {
	const char	*module;
	const char	*script;
	pid_t		 pid;		/* runscript's */
	uint64_t	 start;		/* its start time in ticks */
	const char	*cgroup;	/* of the run, or "" */
	int64_t		 deadline_s;
	char		 log[512];	/* path, "" without one */
	/* How it ended. */
	bool		 missing;
	bool		 timeout;	/* at the deadline */
	bool		 stopped;	/* by a signal to runscript */
	bool		 stuck;		/* killed and not gone */
	int		 status;	/* waitpid's, when it ended */
	int64_t		 ms;
};

/* Opens the log of this run, r->log is its path; -1: none, said. */
int	report_open_log(struct report *r);
/* Removes the oldest logs of the module's runs but for `keep'. */
void	report_prune_logs(const char *module, int keep);
/* RUN/M/script, and no RUN/M/script.exit of an earlier run. */
void	report_begin(const struct report *r);
/* RUN/M/script.exit by rename, then no RUN/M/script.  Exit status of
 * runscript. */
int	report_end(const struct report *r);
/* The line of script.exit. */
size_t	report_format_exit(char *buf, size_t size, const struct report *r);

#endif

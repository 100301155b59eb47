/* SPDX-License-Identifier: ISC */
/*
 * What an earlier holdfastd started and left running.  Every process is
 * written down with its start time before it may run (spawn.h), so that the
 * next holdfastd finds it and starts no second one beside it.
 */
#ifndef HOLDFASTD_ADOPT_H
#define HOLDFASTD_ADOPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "paths.h"
#include "service.h"

#define ADOPT_MAX	512	/* processes in the file */

struct adopt_record {
	char		name[SERVICE_NAME_MAX];
	char		module[MODULE_NAME_MAX + 1];	/* or "" */
	pid_t		pid;
	uint64_t	start;	/* field 22 of /proc/PID/stat, in ticks */
	unsigned	starts;
};

/*
 * One line a record.  adopt_parse() returns how many it read into r, or -1
 * with *line set when the text is not what adopt_format() writes.
 * adopt_format() returns the length, or 0 when it does not fit.
 */
int	adopt_parse(struct adopt_record *r, size_t max, const char *text,
	    unsigned *line);
size_t	adopt_format(char *buf, size_t size, const struct adopt_record *r,
	    size_t count);

/* Start time out of the text of /proc/PID/stat; 0 when it is damaged. */
uint64_t	adopt_parse_stat(const char *text);
/* Start time of a process; 0 when there is none. */
uint64_t	adopt_start_time(pid_t pid);
/*
 * A pidfd of the very process that was recorded, or -1 (ESRCH): it is gone,
 * is a zombie, or its number belongs to another one now.
 */
int	adopt_open(pid_t pid, uint64_t start);

/* PATH/holdfastd.state.  adopt_load(): none or damaged is 0 records. */
int	adopt_load(struct adopt_record *r, size_t max);
int	adopt_save(const struct adopt_record *r, size_t count);

#endif

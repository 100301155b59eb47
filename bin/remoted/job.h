/* SPDX-License-Identifier: ISC */
/*
 * One run of holdfast(8) for somebody: with the rights of a role, its output
 * in pieces, its end.  Nothing but holdfast(8) is ever run.
 */
#ifndef REMOTED_JOB_H
#define REMOTED_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "remote.h"
#include "serve.h"

struct job;

struct job_calls {
	void	(*on_output)(enum remote_stream s, const void *p, size_t len,
		    void *arg);
	/* Its output has ended, and so has it.  The owner frees it. */
	void	(*on_end)(uint8_t status, const char *what, void *arg);
};

/* The groups of the roles are looked up: once, at the start. */
void		 job_init(void);
/*
 * argv without the program's name, ended by NULL; who is "alice@n1".
 * input_fd is duplicated; -1: none.  NULL with *why, constant text.
 */
struct job	*job_new(struct loop *l, enum role role, const char *who,
		    const char *const *argv, int input_fd,
		    const struct job_calls *calls, void *arg,
		    const char **why);
/* Its output waits in its pipes as long as it is paused. */
void		 job_pause(struct job *j, bool pause);
/* Ends it when it still runs; not a word more comes. */
void		 job_free(struct job *j);
/*
 * remoted ends: from now on job_free() leaves what runs alone, so that a
 * command which restarts remoted, or is half done, is not cut off.
 */
void		 job_leave_all(void);
/*
 * May one more run for this role, max in all?  Those that were freed and have
 * not ended yet count.
 */
bool		 job_has_place(enum role role, unsigned max);

#endif

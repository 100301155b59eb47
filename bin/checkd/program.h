/* SPDX-License-Identifier: ISC */
/*
 * A program of the module that a checker runs: with the environment of the
 * scripts, as its own session and cgroup, so that it can be ended with all
 * that it started.  Its last line of output is kept, to tell why.
 */
#ifndef CHECKD_PROGRAM_H
#define CHECKD_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "env.h"
#include "loop.h"

struct program;

struct program_calls {
	/* status is waitpid's, -1 unknown; word: its last line, or "". */
	void	(*on_end)(int status, const char *word, void *arg);
	/* One that was killed is gone: it can be started again.  Or NULL. */
	void	(*on_gone)(void *arg);
};

/*
 * name tells its cgroup from others'.  What an earlier life left in it is
 * killed.  env, argv (NULL at the end) and calls are kept.
 */
struct program	*program_new(struct loop *l, const char *module,
		    const char *name, const struct env *env,
		    char *const argv[], const struct program_calls *calls,
		    void *arg);
/*
 * The same for a function of ours that may block, in a child without exec;
 * it returns the exit status.
 */
struct program	*program_new_call(struct loop *l, int (*call)(void *arg),
		    void *call_arg, const struct program_calls *calls,
		    void *arg);
/* 0, or -1 with errno; EBUSY: the last run was killed and is not gone. */
int		 program_start(struct program *p);
/* Kills it and what it started; on_gone is called later, and not on_end. */
void		 program_kill(struct program *p);
/* Of the present run, or of the one that is not gone; 0. */
pid_t		 program_pid(const struct program *p);

#endif

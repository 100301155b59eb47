/* SPDX-License-Identifier: ISC */
/*
 * The executables of /etc/holdfast/alert.d, run for one message after the
 * other: in the order of their names, one at a time, each with a time-out, as
 * children of ours.  Nothing waits for them but the next message.
 */
#ifndef ALERTD_HOOK_H
#define ALERTD_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

#define HOOK_ENV_MAX	32
#define HOOK_OUTPUT	1024
#define HOOK_NAME	64
/* Messages that wait; a hook that hangs must not fill the memory. */
#define HOOK_QUEUE_MAX	64

struct hooks;

/* What a hook did; output is its last words, "" none. */
struct hook_result {
	const char	*name;
	const char	*end;	/* "ok", "exit 3", "signal 9", "timeout" ... */
	int64_t		 ms;
	const char	*output;
};

struct hook_calls {
	void	(*on_hook)(const struct hook_result *r, void *arg);
	/* All were run; `count' hooks.  Also when the queue was full: -1. */
	void	(*on_done)(int count, void *arg);
};

/* dir is kept: the directory.  timeout_ms: of one hook. */
struct hooks	*hooks_new(struct loop *l, const char *dir,
		    int64_t timeout_ms);
/* Ends the one that runs. */
void		 hooks_free(struct hooks *h);
/*
 * Runs all with this environment, NULL at the end; the strings are copied.
 * calls may be NULL.
 */
void		 hooks_run(struct hooks *h, char *const *env,
		    const struct hook_calls *calls, void *arg);
/* Nobody is told any more: who asked is gone. */
void		 hooks_forget(struct hooks *h, const void *arg);
/* Messages that wait, the one in hand included. */
unsigned	 hooks_waiting(const struct hooks *h);

/* A name that is run: hidden files, samples and left-overs of editors and
 * packages are not. */
bool		 hook_name_ok(const char *name);

#endif

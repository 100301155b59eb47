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
	/* All were run; `count' hooks.  -1: hooks_run() did not take it. */
	void	(*on_done)(int count, void *arg);
};

/* dir is kept: the directory.  timeout_ms: of one hook. */
struct hooks	*hooks_new(struct loop *l, const char *dir,
		    int64_t timeout_ms);
/* Ends the one that runs. */
void		 hooks_free(struct hooks *h);
/*
 * Runs all with this environment, NULL at the end; the strings are copied.
 * calls may be NULL; of those with calls only one waits at a time, so that
 * nobody who asks keeps alerts out.  False: not taken.
 */
bool		 hooks_run(struct hooks *h, char *const *env,
		    const struct hook_calls *calls, void *arg);
/* Would one without calls be taken?  Says once in the log that it is full. */
bool		 hooks_have_room(struct hooks *h);
/* Nobody is told any more: who asked is gone. */
void		 hooks_forget(struct hooks *h, const void *arg);
/* Messages that wait, the one in hand included. */
unsigned	 hooks_waiting(const struct hooks *h);

/* A name that is run: hidden files, samples and left-overs of editors and
 * packages are not. */
bool		 hook_name_ok(const char *name);

#endif

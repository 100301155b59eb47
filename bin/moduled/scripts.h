/* SPDX-License-Identifier: ISC */
/*
 * Runs the scripts of a transition one after another, each in a runscript(8)
 * of its own, which survives moduled: after a restart the run in hand is
 * adopted and nothing is run twice.
 */
#ifndef MODULED_SCRIPTS_H
#define MODULED_SCRIPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"

#include "fsm.h"

struct scripts_conf {
	const char	*module;
	const char	*dir;		/* where they are */
	bool		 enabled;	/* <user> is there */
	int64_t		 nice_ms, force_ms;
	char *const	*env;		/* "NAME=value", NULL at the end */
};

enum script_end { SE_OK, SE_FAILED, SE_TIMEOUT, SE_MISSING };

struct scripts_calls {
	/* A script begins, or ended; text says how, for the operator. */
	void	(*on_begin)(const char *script, bool force, void *arg);
	void	(*on_end)(const char *script, enum script_end end,
		    const char *text, void *arg);
	/* Something changed: decide again, and save scripts_save(). */
	void	(*on_change)(void *arg);
};

struct scripts;

/* conf and calls are kept.  Never NULL. */
struct scripts	*scripts_new(struct loop *l, const struct scripts_conf *conf,
		    const struct scripts_calls *calls, void *arg);
/* Ends the watching, not the run. */
void		 scripts_free(struct scripts *s);

/*
 * The wish: be at this state; the part behind the gate only when it is open.
 * action is the third argument of the scripts.  Idempotent.
 */
void		 scripts_want(struct scripts *s, enum state target, bool gate,
		    const char *action);
/* Stop and start in place; false when not at rest. services may be NULL. */
bool		 scripts_restart(struct scripts *s, const char *services);
/* Kills the present run and goes on by force only. */
void		 scripts_force(struct scripts *s);

/*
 * L9: all that runs of the application stands still, runscript does not; or
 * it goes on.  What an earlier life froze counts as frozen.  While it is, no
 * script of a way to a role begins; one of the way down thaws first, and on
 * that way nothing is frozen.  False: it is not as asked.
 */
bool		 scripts_freeze(struct scripts *s, bool on);
bool		 scripts_frozen(const struct scripts *s);

enum state	 scripts_at(const struct scripts *s);
enum state	 scripts_target(const struct scripts *s);
bool		 scripts_busy(const struct scripts *s);
/* Waits at the gate: the old role has ended. */
bool		 scripts_gated(const struct scripts *s);
/* The application may be running as primary. */
bool		 scripts_prim(const struct scripts *s);

/* The one that runs now, and its time-out; NULL: none. */
const char	*scripts_running(const struct scripts *s, int64_t *limit_ms);

/* One line, for the file under /run, and back. */
bool		 scripts_save(const struct scripts *s, char *buf, size_t size);
bool		 scripts_restore(struct scripts *s, const char *text);
/* No file, but the data is mounted here: taken as running. */
void		 scripts_assume(struct scripts *s, enum state at);

#endif

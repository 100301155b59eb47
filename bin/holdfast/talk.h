/* SPDX-License-Identifier: ISC */
/*
 * The command's words with the daemons, and what it says when one is not
 * there.
 */
#ifndef HOLDFAST_TALK_H
#define HOLDFAST_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "line.h"

/* Patience with one answer; acting verbs wait by `watch' instead. */
#define TALK_MS		5000

/*
 * One request to a daemon (module NULL: of the node).  on_line gets every
 * line, also those that are not the answer's pairs; it may be NULL.  0 on
 * ok; 1 on err, with code and text kept for talk_error(); -1 with errno.
 */
int	talk(const char *module, const char *daemon, struct line_out *o,
	    void (*on_line)(const struct line *l, void *arg), void *arg);
/* "code" of the last err, "" when there was none. */
const char	*talk_code(void);
/* Prints what went wrong with `daemon' after talk() was not 0, and what to
 * do about it; the exit status. */
int	talk_failed(const char *module, const char *daemon, int rc);
/* The same for a word of an err line. */
int	talk_exit_status(const char *code);

/* Who calls: "root", "alice (sudo)", for logs. */
const char	*talk_who(void);
/*
 * Is the role of who calls at least this one?  Here everybody has what the
 * daemons give him; remoted says what a caller of another node has.
 */
bool	talk_has_role(const char *role);
/* The module's daemons run, or could: is holdfastd there? */
bool	talk_is_up(void);

#endif

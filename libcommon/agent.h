/* SPDX-License-Identifier: ISC */
/*
 * A fence agent, as those of fence-agents: a program that is told by
 * "key=value" lines on its standard input and answers by its exit status.
 * Nothing of it is in a command line or an environment, which others see.
 *
 * The option password_script=FILE (or passwd_script=) is acted upon here: the
 * first line that FILE prints is given as password=.  So it is known what must
 * not be in a message, whatever the agent prints.
 */
#ifndef COMMON_AGENT_H
#define COMMON_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

#define AGENT_WORDS	160

/* What "status" ends with. */
#define AGENT_IS_ON	0
#define AGENT_IS_OFF	2

struct agent_conf {
	const char	*agent;		/* a path, or a name in /usr/sbin */
	const char	*peer;		/* whose power */
	char		**option;	/* "ip=10.0.0.9" */
	unsigned	 option_count;
	int64_t		 timeout_ms;	/* of each question */
};

enum agent_end {
	AGENT_EXITED,
	AGENT_FAILED,		/* not run, killed, too late: no status */
	AGENT_CALLED_OFF	/* by agent_cancel() */
};

struct agent_answer {
	enum agent_end	 end;
	int		 status;	/* of AGENT_EXITED */
	/* "fence_x failed: Login failed", for whom it is a failure. */
	char		 text[2 * AGENT_WORDS];
};

struct agent;

/*
 * conf and on_done's answer are the caller's and the agent's; on_done may ask
 * the next question.
 */
struct agent	*agent_new(struct loop *l, const struct agent_conf *conf,
		    void (*on_done)(const struct agent_answer *a, void *arg),
		    void *arg);
/* What runs is killed, without on_done. */
void		 agent_free(struct agent *a);
bool		 agent_is_busy(const struct agent *a);
/* "off", "on", "status", "monitor"; only when it is not busy. */
void		 agent_ask(struct agent *a, const char *action);
/* Kills what runs; its end is told as AGENT_CALLED_OFF. */
void		 agent_cancel(struct agent *a);

/*
 * Pure.  The last line of what was printed that says something, without the
 * secret ("" is none) and without what follows a word like "password" and
 * `=' or `:'.  is_cut: the beginning of text is missing.  text is changed.
 */
void		 agent_words(char out[AGENT_WORDS], char *text,
		    const char *secret, bool is_cut);

#endif

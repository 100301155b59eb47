/* SPDX-License-Identifier: ISC */
/*
 * One supervised daemon as a state machine, and whose turn it is.  Pure: the
 * caller brings events and the time, and carries out the actions.
 */
#ifndef HOLDFASTD_SERVICE_H
#define HOLDFASTD_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "paths.h"

#define SERVICE_NAME_MAX	32

enum service_state {
	SS_NONE,	/* no state: an empty cell of the table */
	SS_DOWN,	/* no process, and none is due */
	SS_STARTING,	/* runs, has not said that it is ready */
	SS_UP,
	SS_STOPPING,	/* was told to end */
	SS_RESTARTING,	/* was told to end, and runs again after */
	SS_DELAY,	/* died, is started again when the timer fires */
	SS_COUNT
};

enum service_event {
	SE_START,	/* its turn to run */
	SE_STOP,	/* its turn to end */
	SE_READY,	/* it said so */
	SE_EXIT,	/* the process is gone, all its threads */
	SE_TIMER,
	SE_RESTART,	/* the operator wants a new process */
	SE_ADOPT,	/* an earlier holdfastd's child, found alive */
	SE_COUNT
};

/* What the caller does after a step, in this order. */
#define SA_TERM		0x01	/* send SIGTERM */
#define SA_KILL		0x02	/* send SIGKILL */
#define SA_SPAWN	0x04	/* start a process */
#define SA_TIMER	0x08	/* arm the timer for timer_ms; else cancel */
/* What the caller logs. */
#define SA_DIED		0x10	/* died, comes again in delay_ms */
#define SA_DYING	0x20	/* keeps dying: said once */
#define SA_STABLE	0x40	/* the one that kept dying has stayed up */
#define SA_LATE		0x80	/* not ready in time; the next goes on */
#define SA_HUNG		0x100	/* did not end in time; killed */

struct service_times {
	int64_t	ready_ms;	/* how long the next one waits for this */
	int64_t	kill_ms;	/* from SIGTERM to SIGKILL */
};

struct service {
	char			name[SERVICE_NAME_MAX];
	char			module[MODULE_NAME_MAX + 1];	/* or "" */
	unsigned		pos;		/* in its roster */
	bool			wanted;
	enum service_state	state;
	bool			late;		/* SA_LATE was returned */
	bool			bad_config;	/* exit status 78 at the last */
	unsigned		deaths;		/* since it was last stable */
	unsigned		stillborn;	/* of these, never ready */
	unsigned		starts;		/* processes so far */
	int64_t			delay_ms;	/* of the last death */
	int64_t			timer_ms;	/* for SA_TIMER */
	struct mono		since;		/* of the state */
	struct mono		started;	/* of the process */
};

void	service_init(struct service *s, const char *name, const char *module,
	    unsigned pos, struct mono now);
/* Takes the event; the actions.  s->state is the new state. */
unsigned service_step(struct service *s, enum service_event e,
	    const struct service_times *t, struct mono now);
/* Nothing that starts after it needs to wait for it any longer. */
bool	service_is_settled(const struct service *s);
bool	service_has_process(const struct service *s);
/* It keeps dying and that was said: its comings and goings are no news. */
bool	service_is_quiet(const struct service *s);

/*
 * list is in starting order, node daemons first.  Whose turn is list[i]?
 * SE_START, SE_STOP, or SE_COUNT: nothing to do now.
 */
enum service_event	service_turn(struct service *const *list,
			    unsigned count, unsigned i);
/* Order of starting: node daemons, then modules by name; by pos within. */
int	service_cmp(const struct service *a, const struct service *b);

/* The four words of `status'. */
const char	*service_word(const struct service *s);
const char	*service_state_name(enum service_state st);
const char	*service_event_name(enum service_event e);
/* For the test: the table has a row for this pair. */
bool		 service_has_cell(enum service_state st, enum service_event e);

#endif

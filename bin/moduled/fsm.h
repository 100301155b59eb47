/* SPDX-License-Identifier: ISC */
/*
 * The states of a module and what each event does in each of them: a complete
 * table.  UP is of farms, ALONE, PRIM and SECOND of the other modules.  Which
 * event it is, decide.c says; what is done on the way is the wishes that
 * follow from the new state.
 */
#ifndef MODULED_FSM_H
#define MODULED_FSM_H

enum state {
	ST_STOP,
	ST_WAIT,
	ST_ALONE,
	ST_PRIM,
	ST_SECOND,
	ST_UP,
	ST_COUNT
};

/* Red, magenta, green. */
enum quality { Q_NOTREADY, Q_TRANSIENT, Q_READY, Q_COUNT };

enum event {
	EV_NONE,	/* nothing to do now */
	EV_START,	/* the operator wishes it to run */
	EV_LEAVE,	/* stop, swap, a rule, or no right to the role */
	EV_STOPPED,	/* scripts, address and mount are all down */
	EV_PROMOTED,	/* the data is mounted here at our own epoch, alone */
	EV_FOLLOW,	/* the peer is primary */
	EV_JOINED,	/* the peer is a member again */
	EV_SHRUNK,	/* the peer is no member any more */
	EV_HELD,	/* a farm's addresses are here, their traffic shut */
	EV_COUNT
};

enum fsm_verdict {
	FV_EMPTY,	/* the cell was forgotten: a test fails */
	FV_GO,
	FV_STAY,	/* has no meaning here and does no harm */
	FV_NEVER	/* decide.c broke a rule */
};

struct fsm_cell {
	enum fsm_verdict	verdict;
	enum state		next;
};

/* The cell; both values must be in range. */
struct fsm_cell	fsm_next(enum state s, enum event e);

const char	*state_name(enum state s);
/* ST_COUNT when it is no state. */
enum state	 state_parse(const char *name);
const char	*quality_name(enum quality q);
enum quality	 quality_parse(const char *name);
const char	*event_name(enum event e);

#endif

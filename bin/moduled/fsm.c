/* SPDX-License-Identifier: ISC */
/*
 * The table of fsm.h.  Pure.
 */
#include "fsm.h"

#include <string.h>

#define GO(s)	{ FV_GO, ST_##s }
#define STAY(s)	{ FV_STAY, ST_##s }
#define NEVER(s) { FV_NEVER, ST_##s }

static const struct fsm_cell table[ST_COUNT][EV_COUNT] = {
	[ST_STOP] = {
		[EV_NONE]	= STAY(STOP),
		[EV_START]	= GO(WAIT),
		[EV_LEAVE]	= STAY(STOP),
		[EV_STOPPED]	= STAY(STOP),
		/* A stopped module takes no role: it must be started. */
		[EV_PROMOTED]	= NEVER(STOP),
		[EV_FOLLOW]	= NEVER(STOP),
		[EV_JOINED]	= NEVER(STOP),
		[EV_SHRUNK]	= NEVER(STOP),
		[EV_HELD]	= NEVER(STOP),
	},
	[ST_WAIT] = {
		[EV_NONE]	= STAY(WAIT),
		[EV_START]	= STAY(WAIT),
		[EV_LEAVE]	= STAY(WAIT),
		[EV_STOPPED]	= GO(STOP),
		[EV_PROMOTED]	= GO(ALONE),
		[EV_FOLLOW]	= GO(SECOND),
		[EV_JOINED]	= NEVER(WAIT),
		[EV_SHRUNK]	= NEVER(WAIT),
		[EV_HELD]	= GO(UP),
	},
	[ST_ALONE] = {
		[EV_NONE]	= STAY(ALONE),
		[EV_START]	= STAY(ALONE),
		[EV_LEAVE]	= GO(WAIT),
		/* The mount goes only by way of WAIT. */
		[EV_STOPPED]	= NEVER(ALONE),
		[EV_PROMOTED]	= STAY(ALONE),
		[EV_FOLLOW]	= NEVER(ALONE),
		[EV_JOINED]	= GO(PRIM),
		[EV_SHRUNK]	= STAY(ALONE),
		[EV_HELD]	= NEVER(ALONE),
	},
	[ST_PRIM] = {
		[EV_NONE]	= STAY(PRIM),
		[EV_START]	= STAY(PRIM),
		[EV_LEAVE]	= GO(WAIT),
		[EV_STOPPED]	= NEVER(PRIM),
		/* A new primary is alone; a member is not promoted twice. */
		[EV_PROMOTED]	= NEVER(PRIM),
		[EV_FOLLOW]	= NEVER(PRIM),
		[EV_JOINED]	= STAY(PRIM),
		[EV_SHRUNK]	= GO(ALONE),
		[EV_HELD]	= NEVER(PRIM),
	},
	[ST_SECOND] = {
		[EV_NONE]	= STAY(SECOND),
		[EV_START]	= STAY(SECOND),
		[EV_LEAVE]	= GO(WAIT),
		[EV_STOPPED]	= NEVER(SECOND),
		[EV_PROMOTED]	= GO(ALONE),
		[EV_FOLLOW]	= STAY(SECOND),
		[EV_JOINED]	= NEVER(SECOND),
		[EV_SHRUNK]	= NEVER(SECOND),
		[EV_HELD]	= NEVER(SECOND),
	},
	[ST_UP] = {
		[EV_NONE]	= STAY(UP),
		[EV_START]	= STAY(UP),
		[EV_LEAVE]	= GO(WAIT),
		/* The addresses go only by way of WAIT. */
		[EV_STOPPED]	= NEVER(UP),
		/* A farm has no primary. */
		[EV_PROMOTED]	= NEVER(UP),
		[EV_FOLLOW]	= NEVER(UP),
		[EV_JOINED]	= NEVER(UP),
		[EV_SHRUNK]	= NEVER(UP),
		[EV_HELD]	= STAY(UP),
	},
};

struct fsm_cell
fsm_next(enum state s, enum event e)
{
	return table[s][e];
}

static const char *const state_names[ST_COUNT] = {
	[ST_STOP] = "STOP", [ST_WAIT] = "WAIT", [ST_ALONE] = "ALONE",
	[ST_PRIM] = "PRIM", [ST_SECOND] = "SECOND",
	[ST_UP] = "UP",
};

static const char *const quality_names[Q_COUNT] = {
	[Q_NOTREADY] = "NotReady", [Q_TRANSIENT] = "Transient",
	[Q_READY] = "Ready",
};

static const char *const event_names[EV_COUNT] = {
	[EV_NONE] = "none", [EV_START] = "start", [EV_LEAVE] = "leave",
	[EV_STOPPED] = "stopped", [EV_PROMOTED] = "promoted",
	[EV_FOLLOW] = "follow", [EV_JOINED] = "joined",
	[EV_SHRUNK] = "alone", [EV_HELD] = "held",
};

const char *
state_name(enum state s)
{
	return (unsigned)s < ST_COUNT ? state_names[s] : "?";
}

enum state
state_parse(const char *name)
{
	int i;

	for (i = 0; i < ST_COUNT; i++)
		if (name != NULL && strcmp(name, state_names[i]) == 0)
			return (enum state)i;
	return ST_COUNT;
}

const char *
quality_name(enum quality q)
{
	return (unsigned)q < Q_COUNT ? quality_names[q] : "?";
}

enum quality
quality_parse(const char *name)
{
	int i;

	for (i = 0; i < Q_COUNT; i++)
		if (name != NULL && strcmp(name, quality_names[i]) == 0)
			return (enum quality)i;
	return Q_NOTREADY;
}

const char *
event_name(enum event e)
{
	return (unsigned)e < EV_COUNT ? event_names[e] : "?";
}

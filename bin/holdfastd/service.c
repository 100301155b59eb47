/* SPDX-License-Identifier: ISC */
/*
 * When a daemon is started, told to end, killed and started again, and what
 * of it is worth a line in the log.  Knows no process and no clock: super.c
 * brings the events and does what is decided here.
 */
#include "service.h"

#include <string.h>

/* First delay, its bound, and the time up after which it begins anew. */
#define DELAY_FIRST_MS	10
#define DELAY_MAX_MS	2000
#define STABLE_MS	60000
/*
 * One that was ready and did its work for a second costs nothing to start at
 * once, however often: a moduled under a lease has T until its primary stops.
 */
#define LIVED_MS	1000
#define DELAY_LIVED_MS	80
/* After exit status 78: `holdfast config' restarts it, this is the spare. */
#define DELAY_CONFIG_MS	60000
/* Deaths that get a line of their own; the next one is "keeps dying". */
#define LOUD_DEATHS	4
/* So many deaths in a row, and the daemons behind it wait no longer. */
#define HOPELESS_DEATHS	3

struct cell {
	enum service_state	next;
	unsigned		actions;
};

#define GO(state, actions)	{ (state), (actions) }

/*
 * SE_EXIT of a process that nobody told to end leads to SS_DELAY; which line
 * is logged and the length of the delay come from on_death().  A process that
 * hangs in SS_STOPPING is killed and waited for without end: its successor
 * must not run beside it, a thread stuck in fsync is still writing (R58).
 */
static const struct cell table[SS_COUNT][SE_COUNT] = {
	[SS_DOWN] = {
		[SE_START] =	GO(SS_STARTING,		SA_SPAWN | SA_TIMER),
		[SE_STOP] =	GO(SS_DOWN,		0),
		[SE_READY] =	GO(SS_DOWN,		0),
		[SE_EXIT] =	GO(SS_DOWN,		0),
		[SE_TIMER] =	GO(SS_DOWN,		0),
		[SE_RESTART] =	GO(SS_DOWN,		0),
		[SE_ADOPT] =	GO(SS_UP,		SA_TIMER),
	},
	[SS_STARTING] = {
		[SE_START] =	GO(SS_STARTING,		0),
		[SE_STOP] =	GO(SS_STOPPING,		SA_TERM | SA_TIMER),
		[SE_READY] =	GO(SS_UP,		SA_TIMER),
		[SE_EXIT] =	GO(SS_DELAY,		SA_TIMER),
		[SE_TIMER] =	GO(SS_STARTING,		SA_LATE),
		[SE_RESTART] =	GO(SS_RESTARTING,	SA_TERM | SA_TIMER),
		[SE_ADOPT] =	GO(SS_STARTING,		0),
	},
	[SS_UP] = {
		[SE_START] =	GO(SS_UP,		0),
		[SE_STOP] =	GO(SS_STOPPING,		SA_TERM | SA_TIMER),
		[SE_READY] =	GO(SS_UP,		0),
		[SE_EXIT] =	GO(SS_DELAY,		SA_TIMER),
		[SE_TIMER] =	GO(SS_UP,		0),
		[SE_RESTART] =	GO(SS_RESTARTING,	SA_TERM | SA_TIMER),
		[SE_ADOPT] =	GO(SS_UP,		0),
	},
	[SS_STOPPING] = {
		[SE_START] =	GO(SS_RESTARTING,	SA_TIMER),
		[SE_STOP] =	GO(SS_STOPPING,		0),
		[SE_READY] =	GO(SS_STOPPING,		0),
		[SE_EXIT] =	GO(SS_DOWN,		0),
		[SE_TIMER] =	GO(SS_STOPPING,		SA_KILL | SA_HUNG),
		[SE_RESTART] =	GO(SS_STOPPING,		0),
		[SE_ADOPT] =	GO(SS_STOPPING,		0),
	},
	[SS_RESTARTING] = {
		[SE_START] =	GO(SS_RESTARTING,	0),
		[SE_STOP] =	GO(SS_STOPPING,		SA_TIMER),
		[SE_READY] =	GO(SS_RESTARTING,	0),
		[SE_EXIT] =	GO(SS_STARTING,		SA_SPAWN | SA_TIMER),
		[SE_TIMER] =	GO(SS_RESTARTING,	SA_KILL | SA_HUNG),
		[SE_RESTART] =	GO(SS_RESTARTING,	0),
		[SE_ADOPT] =	GO(SS_RESTARTING,	0),
	},
	[SS_DELAY] = {
		[SE_START] =	GO(SS_DELAY,		0),
		[SE_STOP] =	GO(SS_DOWN,		0),
		[SE_READY] =	GO(SS_DELAY,		0),
		[SE_EXIT] =	GO(SS_DELAY,		0),
		[SE_TIMER] =	GO(SS_STARTING,		SA_SPAWN | SA_TIMER),
		[SE_RESTART] =	GO(SS_STARTING,		SA_SPAWN | SA_TIMER),
		[SE_ADOPT] =	GO(SS_UP,		SA_TIMER),
	},
};

static const char *const state_names[SS_COUNT] = {
	[SS_NONE] = "none",
	[SS_DOWN] = "down",
	[SS_STARTING] = "starting",
	[SS_UP] = "up",
	[SS_STOPPING] = "stopping",
	[SS_RESTARTING] = "restarting",
	[SS_DELAY] = "delay",
};

static const char *const event_names[SE_COUNT] = {
	[SE_START] = "start",
	[SE_STOP] = "stop",
	[SE_READY] = "ready",
	[SE_EXIT] = "exit",
	[SE_TIMER] = "timer",
	[SE_RESTART] = "restart",
	[SE_ADOPT] = "adopt",
};

void
service_init(struct service *s, const char *name, const char *module,
    unsigned pos, struct mono now)
{
	memset(s, 0, sizeof(*s));
	strncpy(s->name, name, sizeof(s->name) - 1);
	strncpy(s->module, module, sizeof(s->module) - 1);
	s->pos = pos;
	s->state = SS_DOWN;
	s->since = now;
}

/* A death nobody asked for: how long to wait, and what to say of it. */
static unsigned
on_death(struct service *s, bool is_stillborn, struct mono now)
{
	if (mono_diff_ms(now, s->started) >= STABLE_MS)
		s->deaths = s->stillborn = 0;
	s->deaths++;
	s->stillborn += is_stillborn;
	s->delay_ms = DELAY_FIRST_MS;
	for (unsigned i = 1; i < s->deaths && s->delay_ms < DELAY_MAX_MS; i++)
		s->delay_ms *= 2;
	if (s->delay_ms > DELAY_MAX_MS)
		s->delay_ms = DELAY_MAX_MS;
	if (!is_stillborn && s->delay_ms > DELAY_LIVED_MS &&
	    mono_diff_ms(now, s->started) >= LIVED_MS)
		s->delay_ms = DELAY_LIVED_MS;
	if (s->bad_config)
		s->delay_ms = DELAY_CONFIG_MS;
	if (s->deaths <= LOUD_DEATHS)
		return SA_DIED;
	return s->deaths == LOUD_DEATHS + 1 ? SA_DYING : 0;
}

/* What the timer means in the state just entered. */
static int64_t
timer_for(const struct service *s, const struct service_times *t)
{
	switch (s->state) {
	case SS_STARTING:
		return t->ready_ms;
	case SS_UP:
		return STABLE_MS;
	case SS_STOPPING:
	case SS_RESTARTING:
		return t->kill_ms;
	case SS_DELAY:
		return s->delay_ms;
	default:
		return 0;
	}
}

unsigned
service_step(struct service *s, enum service_event e,
    const struct service_times *t, struct mono now)
{
	const struct cell *c = &table[s->state][e];
	enum service_state before = s->state;
	unsigned actions = c->actions;

	s->state = c->next;
	if (s->state == SS_DELAY && before != SS_DELAY)
		actions |= on_death(s, before == SS_STARTING, now);
	/*
	 * What kept it from starting is over: those deaths must not delay it
	 * when it is killed a moment later.
	 */
	if (before == SS_STARTING && e == SE_READY && s->stillborn > 0) {
		if (s->deaths > LOUD_DEATHS)
			actions |= SA_STABLE;
		s->deaths -= s->stillborn;
		s->stillborn = 0;
	}
	if (before == SS_UP && e == SE_TIMER) {
		if (s->deaths > LOUD_DEATHS)
			actions |= SA_STABLE;
		s->deaths = s->stillborn = 0;
	}
	if (actions & SA_LATE)
		s->late = true;
	if (actions & SA_SPAWN) {
		s->starts++;
		s->started = now;
		s->late = false;
	}
	if (e == SE_ADOPT && s->state == SS_UP && before != SS_UP) {
		s->starts++;
		s->started = now;
	}
	if (s->state != before)
		s->since = now;
	if (actions & SA_TIMER)
		s->timer_ms = timer_for(s, t);
	return actions;
}

bool
service_is_settled(const struct service *s)
{
	switch (s->state) {
	case SS_UP:
		return true;
	case SS_STARTING:
		return s->late || s->deaths >= HOPELESS_DEATHS;
	case SS_DELAY:
		return s->bad_config || s->deaths >= HOPELESS_DEATHS;
	default:
		return false;
	}
}

bool
service_has_process(const struct service *s)
{
	return s->state == SS_STARTING || s->state == SS_UP ||
	    s->state == SS_STOPPING || s->state == SS_RESTARTING;
}

bool
service_is_quiet(const struct service *s)
{
	return s->deaths > LOUD_DEATHS;
}

/* Module daemons need all node daemons and those before them in the module. */
static bool
needs(const struct service *s, const struct service *earlier)
{
	return earlier->module[0] == '\0' ||
	    strcmp(earlier->module, s->module) == 0;
}

enum service_event
service_turn(struct service *const *list, unsigned count, unsigned i)
{
	const struct service *s = list[i];

	if (s->wanted) {
		if (s->state == SS_STOPPING)
			return SE_START;
		if (s->state != SS_DOWN)
			return SE_COUNT;
		for (unsigned j = 0; j < i; j++) {
			if (list[j]->wanted && needs(s, list[j]) &&
			    !service_is_settled(list[j]))
				return SE_COUNT;
		}
		return SE_START;
	}
	if (s->state == SS_DOWN || s->state == SS_STOPPING)
		return SE_COUNT;
	for (unsigned j = i + 1; j < count; j++) {
		/* One that stays does so without it: the roster changed. */
		if (needs(list[j], s) && !list[j]->wanted &&
		    list[j]->state != SS_DOWN)
			return SE_COUNT;
	}
	return SE_STOP;
}

int
service_cmp(const struct service *a, const struct service *b)
{
	int c = strcmp(a->module, b->module);	/* "" comes first */

	if (c != 0)
		return c;
	if (a->pos != b->pos)
		return a->pos < b->pos ? -1 : 1;
	return strcmp(a->name, b->name);
}

const char *
service_word(const struct service *s)
{
	switch (s->state) {
	case SS_STARTING:
		return "starting";
	case SS_UP:
		return "up";
	case SS_STOPPING:
	case SS_RESTARTING:
		return "stopping";
	case SS_DOWN:
		/* Wanted, and waits for its turn. */
		return s->wanted ? "starting" : "down";
	default:
		return "down";
	}
}

const char *
service_state_name(enum service_state st)
{
	return state_names[st];
}

const char *
service_event_name(enum service_event e)
{
	return event_names[e];
}

bool
service_has_cell(enum service_state st, enum service_event e)
{
	return table[st][e].next != SS_NONE;
}

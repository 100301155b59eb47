/* SPDX-License-Identifier: ISC */
/*
 * Goals of the acting verbs.  The status just after the request may still be
 * that of before: an end that looks like the beginning counts only once
 * something else was seen, or after SETTLE_MS.
 */
#include "goal.h"

#include <stdio.h>
#include <string.h>

#define SETTLE_MS	2000

static const struct {
	const char	*verb;
	enum goal_kind	 kind;
} kinds[] = {
	{ "start",	GK_RUN },
	{ "second",	GK_RUN },
	{ "stopstart",	GK_RUN },
	{ "prim",	GK_PRIM },
	{ "primforce",	GK_PRIM },
	{ "stop",	GK_STOP },
	{ "forcestop",	GK_STOP },
	{ "release",	GK_STOP },
	{ "swap",	GK_ROLE },
	{ "restart",	GK_RESTART },
};

void
goal_begin(struct goal *g, const char *verb, const char *state,
    const char *quality)
{
	size_t i;

	memset(g, 0, sizeof(*g));
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].verb, verb) == 0)
			g->kind = kinds[i].kind;
	snprintf(g->first, sizeof(g->first), "%.15s %.15s", state, quality);
	if (g->kind == GK_ROLE)
		snprintf(g->state, sizeof(g->state), "%s",
		    strcmp(state, "SECOND") == 0 ? "PRIM" : "SECOND");
	else
		snprintf(g->state, sizeof(g->state), "%.15s", state);
	/* start of what runs, stop of what is stopped: done at once. */
	g->fresh = (g->kind == GK_RUN && strcmp(verb, "stopstart") != 0 &&
	    strcmp(state, "WAIT") != 0) || g->kind == GK_STOP;
}

bool
goal_wait(struct goal *g, const char *state)
{
	static const char *const words[] = {
		"STOP", "WAIT", "ALONE", "PRIM", "SECOND", "UP", "Ready"
	};
	size_t i;

	memset(g, 0, sizeof(*g));
	g->kind = GK_STATE;
	g->fresh = true;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], state) == 0) {
			snprintf(g->state, sizeof(g->state), "%s", state);
			return true;
		}
	return false;
}

static bool
is_primary(const char *s)
{
	return strcmp(s, "ALONE") == 0 || strcmp(s, "PRIM") == 0 ||
	    strcmp(s, "UP") == 0;
}

static bool
is_reached(const struct goal *g, const struct goal_view *v)
{
	bool ready = strcmp(v->quality, "Ready") == 0;

	switch (g->kind) {
	case GK_RUN:
		return ready;
	case GK_PRIM:
		return ready && is_primary(v->state);
	case GK_STOP:
		return strcmp(v->state, "STOP") == 0;
	case GK_ROLE:
	case GK_RESTART:
		return ready && strcmp(v->state, g->state) == 0;
	case GK_STATE:
		return strcmp(g->state, "Ready") == 0 ? ready :
		    strcmp(v->state, g->state) == 0 && (ready ||
		    strcmp(v->state, "STOP") == 0 ||
		    strcmp(v->state, "WAIT") == 0);
	}
	return false;
}

enum goal_answer
goal_look(struct goal *g, const struct goal_view *v)
{
	char now[32];
	bool settled;

	snprintf(now, sizeof(now), "%.15s %.15s", v->state, v->quality);
	if (strcmp(now, g->first) != 0)
		g->fresh = true;
	settled = g->fresh || v->elapsed_ms >= SETTLE_MS;
	if (is_reached(g, v) && (settled || g->kind == GK_PRIM ||
	    g->kind == GK_ROLE))
		return GOAL_REACHED;
	if (g->kind == GK_STATE || g->kind == GK_STOP)
		return GOAL_OPEN;
	settled = v->elapsed_ms >= SETTLE_MS;
	if (settled && strcmp(v->state, "WAIT") == 0 &&
	    strcmp(v->quality, "NotReady") == 0)
		return GOAL_BLOCKED;
	if (settled && strcmp(v->state, "STOP") == 0)
		return GOAL_FAILED;
	return GOAL_OPEN;
}

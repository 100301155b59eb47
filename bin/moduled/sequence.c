/* SPDX-License-Identifier: ISC */
/*
 * The table of scripts, as the reference's automaton has it.  A name with
 * `*' runs twice, plain and then with force; with `!' by force only; `|' is
 * the gate.
 */
#include "sequence.h"

#include <stdio.h>
#include <string.h>

static const char *const plan[ST_COUNT][ST_COUNT] = {
	[ST_STOP][ST_WAIT] = "transition prestart",
	[ST_WAIT][ST_ALONE] =
	    "| transition start_both start_prim start_sec",
	[ST_WAIT][ST_UP] = "transition start_both start_prim start_sec",
	[ST_WAIT][ST_PRIM] = "| transition start_both start_prim",
	[ST_WAIT][ST_SECOND] =
	    "| transition start_both start_second start_sec",
	[ST_ALONE][ST_PRIM] = "stop_sec transition",
	[ST_PRIM][ST_ALONE] = "transition start_sec",
	[ST_SECOND][ST_ALONE] = "stop_second | transition start_prim",
	[ST_SECOND][ST_PRIM] = "stop_sec stop_second | transition start_prim",
	[ST_ALONE][ST_SECOND] = "stop_prim* | transition start_second",
	[ST_PRIM][ST_SECOND] =
	    "stop_prim* | transition start_second start_sec",
	[ST_ALONE][ST_WAIT] = "stop_sec stop_prim stop_both | transition",
	[ST_PRIM][ST_WAIT] = "stop_prim stop_both | transition",
	[ST_SECOND][ST_WAIT] = "stop_sec stop_second stop_both | transition",
	[ST_UP][ST_WAIT] = "stop_sec stop_prim stop_both transition",
	[ST_WAIT][ST_STOP] = "stop_sec! stop_prim! stop_second! stop_both! "
	    "poststop transition",
};

static const char *const restart[ST_COUNT] = {
	[ST_ALONE] = "stop_sec* stop_prim* stop_both* "
	    "start_both start_prim start_sec",
	[ST_UP] = "stop_sec* stop_prim* stop_both* "
	    "start_both start_prim start_sec",
	[ST_PRIM] = "stop_prim* stop_both* start_both start_prim",
	[ST_SECOND] = "stop_sec* stop_second* stop_both* "
	    "start_both start_second start_sec",
};

static void
add(struct sequence *s, const char *name, int len, bool force)
{
	struct sequence_step *t = &s->step[s->count++];

	(void)snprintf(t->name, sizeof(t->name), "%.*s", len, name);
	t->force = force;
}

static bool
expand(struct sequence *s, const char *text)
{
	size_t len;
	int n;

	s->count = 0;
	if (text == NULL)
		return false;
	for (; *text != '\0'; text += len + (text[len] == ' ')) {
		len = strcspn(text, " ");
		n = (int)strcspn(text, " *!");
		if (text[0] == '|') {
			add(s, "", 0, false);
			continue;
		}
		if (text[n] != '!')
			add(s, text, n, false);
		if (text[n] == '*' || text[n] == '!')
			add(s, text, n, true);
	}
	return true;
}

bool
sequence_plan(struct sequence *s, enum state from, enum state to)
{
	return expand(s, plan[from][to]);
}

bool
sequence_restart(struct sequence *s, enum state at)
{
	return expand(s, restart[at]);
}

enum state
sequence_via(enum state from, enum state to)
{
	return plan[from][to] != NULL ? to : ST_WAIT;
}

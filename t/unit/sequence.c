/* SPDX-License-Identifier: ISC */
/* The order of scripts, word by word. */
#include <stdio.h>
#include <string.h>

#include "tap.h"

#include "../../bin/moduled/sequence.h"

static const char *
text(const struct sequence *s)
{
	static char buf[512];
	size_t len = 0;
	unsigned i;

	buf[0] = '\0';
	for (i = 0; i < s->count; i++)
		len += (size_t)snprintf(buf + len, sizeof(buf) - len,
		    "%s%s%s", i > 0 ? " " : "",
		    s->step[i].name[0] != '\0' ? s->step[i].name : "|",
		    s->step[i].force ? "+" : "");
	return buf;
}

static void
row(enum state from, enum state to, const char *want)
{
	struct sequence s;

	ok(sequence_plan(&s, from, to), "%s -> %s", state_name(from),
	    state_name(to));
	is_str(text(&s), want, "%s -> %s: its scripts", state_name(from),
	    state_name(to));
}

int
main(void)
{
	struct sequence s;
	int a, b, lost = 0;

	row(ST_STOP, ST_WAIT, "transition prestart");
	row(ST_WAIT, ST_ALONE,
	    "| transition start_both start_prim start_sec");
	row(ST_WAIT, ST_UP, "transition start_both start_prim start_sec");
	row(ST_UP, ST_WAIT, "stop_sec stop_prim stop_both transition");
	row(ST_WAIT, ST_PRIM, "| transition start_both start_prim");
	row(ST_WAIT, ST_SECOND,
	    "| transition start_both start_second start_sec");
	row(ST_ALONE, ST_PRIM, "stop_sec transition");
	row(ST_PRIM, ST_ALONE, "transition start_sec");
	row(ST_SECOND, ST_ALONE, "stop_second | transition start_prim");
	row(ST_ALONE, ST_SECOND,
	    "stop_prim stop_prim+ | transition start_second");
	row(ST_SECOND, ST_PRIM,
	    "stop_sec stop_second | transition start_prim");
	row(ST_PRIM, ST_SECOND,
	    "stop_prim stop_prim+ | transition start_second start_sec");
	row(ST_ALONE, ST_WAIT, "stop_sec stop_prim stop_both | transition");
	row(ST_PRIM, ST_WAIT, "stop_prim stop_both | transition");
	row(ST_SECOND, ST_WAIT,
	    "stop_sec stop_second stop_both | transition");
	row(ST_WAIT, ST_STOP, "stop_sec+ stop_prim+ stop_second+ stop_both+ "
	    "poststop transition");
	ok(sequence_restart(&s, ST_ALONE), "restart in ALONE");
	is_str(text(&s), "stop_sec stop_sec+ stop_prim stop_prim+ stop_both "
	    "stop_both+ start_both start_prim start_sec", "its scripts");
	ok(sequence_restart(&s, ST_UP), "restart in UP");
	is_str(text(&s), "stop_sec stop_sec+ stop_prim stop_prim+ stop_both "
	    "stop_both+ start_both start_prim start_sec", "its scripts");
	ok(sequence_restart(&s, ST_PRIM), "restart in PRIM");
	is_str(text(&s), "stop_prim stop_prim+ stop_both stop_both+ "
	    "start_both start_prim", "its scripts");
	ok(sequence_restart(&s, ST_SECOND), "restart in SECOND");
	ok(!sequence_restart(&s, ST_WAIT), "nothing to restart in WAIT");
	for (a = 0; a < ST_COUNT; a++)
		for (b = 0; b < ST_COUNT; b++) {
			enum state via = sequence_via((enum state)a,
			    (enum state)b);

			if (a != b && !sequence_plan(&s, (enum state)a, via))
				lost++;
		}
	is_num(lost, 0, "every state is reached, if by way of WAIT");
	return tap_done();
}

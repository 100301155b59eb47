/* SPDX-License-Identifier: ISC */
/* The table of fsm.h is complete, and some of its rows are known by heart. */
#include "tap.h"

#include "../../bin/moduled/fsm.h"

int
main(void)
{
	struct fsm_cell c;
	int s, e, empty = 0, wild = 0;

	for (s = 0; s < ST_COUNT; s++)
		for (e = 0; e < EV_COUNT; e++) {
			c = fsm_next((enum state)s, (enum event)e);
			if (c.verdict == FV_EMPTY) {
				printf("# empty: %s in %s\n",
				    event_name((enum event)e),
				    state_name((enum state)s));
				empty++;
			}
			if (c.verdict != FV_GO && (int)c.next != s)
				wild++;
		}
	is_num(empty, 0, "every state has an answer to every event");
	is_num(wild, 0, "only GO leads to another state");
	for (s = 0; s < ST_COUNT; s++)
		is_num(state_parse(state_name((enum state)s)), s,
		    "%s is read back", state_name((enum state)s));
	for (e = 0; e < EV_COUNT; e++)
		if (e != EV_NONE && e != EV_START && e != EV_LEAVE &&
		    e != EV_HELD)
			ok(fsm_next(ST_UP, (enum event)e).verdict == FV_NEVER,
			    "UP knows no %s", event_name((enum event)e));
	is_num(state_parse("UP?"), ST_COUNT, "no state");
	for (e = 0; e < EV_COUNT; e++)
		ok(event_name((enum event)e)[0] != '?', "event %d has a name",
		    e);
	c = fsm_next(ST_SECOND, EV_PROMOTED);
	ok(c.verdict == FV_GO && c.next == ST_ALONE, "failover");
	c = fsm_next(ST_PRIM, EV_LEAVE);
	ok(c.verdict == FV_GO && c.next == ST_WAIT, "stop of PRIM");
	c = fsm_next(ST_WAIT, EV_HELD);
	ok(c.verdict == FV_GO && c.next == ST_UP, "WAIT -> UP");
	c = fsm_next(ST_UP, EV_LEAVE);
	ok(c.verdict == FV_GO && c.next == ST_WAIT, "stop of UP");
	c = fsm_next(ST_STOP, EV_PROMOTED);
	ok(c.verdict == FV_NEVER, "a stopped module takes no role");
	c = fsm_next(ST_PRIM, EV_FOLLOW);
	ok(c.verdict == FV_NEVER, "PRIM does not follow without WAIT");
	return tap_done();
}

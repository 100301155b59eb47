/* SPDX-License-Identifier: ISC */
/* When an acting verb is done. */

#include "../../bin/holdfast/goal.h"

#include "tap.h"

static struct goal g;

static enum goal_answer
look(const char *state, const char *quality, int64_t ms)
{
	struct goal_view v = { state, quality, false, ms };

	return goal_look(&g, &v);
}

static void
test_start(void)
{
	goal_begin(&g, "start", "STOP", "NotReady");
	is_num(look("STOP", "NotReady", 0), GOAL_OPEN, "not yet begun");
	is_num(look("WAIT", "Transient", 10), GOAL_OPEN, "starting");
	is_num(look("WAIT", "NotReady", 20), GOAL_OPEN, "waits a moment");
	is_num(look("SECOND", "Transient", 30), GOAL_OPEN, "being copied");
	is_num(look("SECOND", "Ready", 40), GOAL_REACHED, "level");
	is_num(look("WAIT", "NotReady", 3000), GOAL_BLOCKED, "waits for good");
	is_num(look("STOP", "NotReady", 3000), GOAL_FAILED, "stopped again");
	goal_begin(&g, "start", "ALONE", "Ready");
	is_num(look("ALONE", "Ready", 0), GOAL_REACHED, "it runs already");
}

static void
test_roles(void)
{
	goal_begin(&g, "swap", "PRIM", "Ready");
	is_num(look("PRIM", "Ready", 0), GOAL_OPEN, "not exchanged");
	is_num(look("SECOND", "Ready", 9), GOAL_REACHED, "exchanged");
	goal_begin(&g, "swap", "SECOND", "Ready");
	is_num(look("ALONE", "Ready", 9), GOAL_OPEN, "alone in between");
	is_num(look("PRIM", "Ready", 9), GOAL_REACHED, "from the other side");
	goal_begin(&g, "prim", "WAIT", "NotReady");
	is_num(look("WAIT", "NotReady", 100), GOAL_OPEN, "just asked");
	is_num(look("ALONE", "Ready", 200), GOAL_REACHED, "primary");
}

static void
test_restart(void)
{
	goal_begin(&g, "restart", "PRIM", "Ready");
	is_num(look("PRIM", "Ready", 0), GOAL_OPEN, "not yet begun");
	is_num(look("PRIM", "Transient", 10), GOAL_OPEN, "scripts run");
	is_num(look("PRIM", "Ready", 20), GOAL_REACHED, "done");
	goal_begin(&g, "restart", "PRIM", "Ready");
	is_num(look("PRIM", "Ready", 3000), GOAL_REACHED,
	    "too quick to be seen");
	goal_begin(&g, "stopstart", "PRIM", "Ready");
	is_num(look("PRIM", "Ready", 0), GOAL_OPEN, "stopstart: not begun");
	is_num(look("STOP", "NotReady", 100), GOAL_OPEN, "on its way");
	is_num(look("SECOND", "Ready", 200), GOAL_REACHED, "back");
}

int
main(void)
{
	test_start();
	test_roles();
	test_restart();
	goal_begin(&g, "stop", "STOP", "NotReady");
	is_num(look("STOP", "NotReady", 0), GOAL_REACHED, "stop of STOP");
	goal_begin(&g, "stop", "PRIM", "Ready");
	is_num(look("PRIM", "Ready", 0), GOAL_OPEN, "stop: not yet");
	is_num(look("STOP", "NotReady", 0), GOAL_REACHED, "stop: there");
	ok(goal_wait(&g, "PRIM"), "wait PRIM");
	is_num(look("PRIM", "Transient", 0), GOAL_OPEN, "Transient is not");
	is_num(look("PRIM", "Ready", 0), GOAL_REACHED, "Ready is");
	ok(!goal_wait(&g, "PRIMARY"), "no such state");
	return tap_done();
}

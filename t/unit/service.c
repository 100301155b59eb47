/* SPDX-License-Identifier: ISC */
/* The state machine of a supervised daemon, and whose turn it is. */
#include "../../bin/holdfastd/service.h"

#include "tap.h"

static const struct service_times times = {
	.ready_ms = 10000,
	.kill_ms = 5000,
};

static struct mono now = { 1000000000 };

static void
pass(int64_t ms)
{
	now = mono_add_ms(now, ms);
}

static unsigned
step(struct service *s, enum service_event e)
{
	return service_step(s, e, &times, now);
}

static void
test_table(void)
{
	for (int st = SS_NONE + 1; st < SS_COUNT; st++) {
		ok(service_state_name(st) != NULL, "state %d has a name", st);
		for (int e = 0; e < SE_COUNT; e++)
			ok(service_has_cell(st, e), "%s x %s has a row",
			    service_state_name(st), service_event_name(e));
	}
}

static void
test_life(void)
{
	struct service s;

	service_init(&s, "heartd", "", 1, now);
	is_str(service_word(&s), "down", "not wanted: down");
	s.wanted = true;
	is_str(service_word(&s), "starting", "waits for its turn");
	ok(step(&s, SE_START) == (SA_SPAWN | SA_TIMER), "start: spawn");
	is_num(s.timer_ms, 10000, "readiness is bounded");
	is_num(step(&s, SE_START), 0, "a second start does nothing");
	ok(!service_is_settled(&s), "not ready: not settled");
	ok(step(&s, SE_READY) == SA_TIMER && s.state == SS_UP, "ready: up");
	ok(service_is_settled(&s), "up: settled");
	ok(step(&s, SE_STOP) == (SA_TERM | SA_TIMER), "stop: SIGTERM");
	is_num(s.timer_ms, 5000, "the end is bounded");
	is_str(service_word(&s), "stopping", "stopping");
	ok(step(&s, SE_TIMER) == (SA_KILL | SA_HUNG), "too long: SIGKILL");
	ok(s.state == SS_STOPPING && service_has_process(&s),
	    "killed is not gone (R58)");
	is_num(step(&s, SE_EXIT), 0, "gone: no restart");
	is_num(s.state, SS_DOWN, "down");
	is_num(s.starts, 1, "one process");
}

static void
test_restart_waits(void)
{
	struct service s;

	service_init(&s, "mirrord", "ledger", 0, now);
	s.wanted = true;
	step(&s, SE_START);
	step(&s, SE_READY);
	ok(step(&s, SE_RESTART) == (SA_TERM | SA_TIMER), "restart: SIGTERM");
	is_num(step(&s, SE_TIMER) & SA_SPAWN, 0,
	    "a hung one gets no successor (R58)");
	is_num(step(&s, SE_START) & SA_SPAWN, 0, "not by a start either");
	ok(step(&s, SE_EXIT) == (SA_SPAWN | SA_TIMER),
	    "its successor comes when it is gone, without a delay");
	step(&s, SE_READY);
	step(&s, SE_STOP);
	ok(step(&s, SE_START) == SA_TIMER && s.state == SS_RESTARTING,
	    "wanted again while stopping: its end stays bounded");
	ok(step(&s, SE_STOP) == SA_TIMER && s.state == SS_STOPPING,
	    "and not wanted again: so it does");
	step(&s, SE_START);
	ok(step(&s, SE_EXIT) & SA_SPAWN, "starts when the old one is gone");
}

static void
test_delay(void)
{
	static const int64_t want[] = {
		10, 20, 40, 80, 160, 320, 640, 1280, 2000, 2000,
	};
	unsigned said_died = 0, said_dying = 0;
	struct service s;

	service_init(&s, "vipd", "", 2, now);
	s.wanted = true;
	step(&s, SE_START);
	step(&s, SE_READY);
	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		unsigned a = step(&s, SE_EXIT);

		is_num(s.timer_ms, want[i], "death %u: delay", i + 1);
		said_died += (a & SA_DIED) != 0;
		said_dying += (a & SA_DYING) != 0;
		ok(!(a & SA_SPAWN) && s.state == SS_DELAY, "waits");
		pass(s.timer_ms);
		ok(step(&s, SE_TIMER) & SA_SPAWN, "starts again");
		if (i == 2)
			ok(service_is_settled(&s),
			    "one that keeps dying holds up nobody");
		step(&s, SE_READY);
		pass(100);
	}
	pass(900);
	step(&s, SE_EXIT);
	is_num(s.timer_ms, 80, "one that lived for a second: no such delay");
	step(&s, SE_TIMER);
	pass(1000);
	step(&s, SE_EXIT);
	is_num(s.timer_ms, 2000, "but one that was never ready");
	step(&s, SE_TIMER);
	step(&s, SE_READY);
	is_num(said_died, 4, "the first deaths are told one by one");
	is_num(said_dying, 1, "repeated death is told once");
	ok(service_is_quiet(&s), "its comings and goings are no news");
	pass(60000);
	ok(step(&s, SE_TIMER) & SA_STABLE, "a minute up: told");
	is_num(step(&s, SE_EXIT) & SA_DIED, SA_DIED, "then it begins anew");
	ok(!service_is_quiet(&s), "and is news");
	is_num(s.timer_ms, 10, "with the first delay");
	is_num(s.starts, 13, "processes are counted");
	step(&s, SE_STOP);
	is_num(s.state, SS_DOWN, "stop while it waits: down");
}

static void
test_bad_config(void)
{
	struct service s;

	service_init(&s, "heartd", "", 1, now);
	s.wanted = true;
	step(&s, SE_START);
	s.bad_config = true;
	step(&s, SE_EXIT);
	is_num(s.timer_ms, 60000, "no configuration: not tried all the time");
	ok(service_is_settled(&s), "and nobody waits for it");
	ok(step(&s, SE_RESTART) & SA_SPAWN, "`holdfast config' starts it");
}

/* No configuration yet, then there is one, and a moment later it is killed. */
static void
test_stillborn(void)
{
	struct service s;

	service_init(&s, "heartd", "", 1, now);
	s.wanted = true;
	step(&s, SE_START);
	for (unsigned i = 0; i < 8; i++) {
		step(&s, SE_EXIT);
		pass(s.timer_ms);
		step(&s, SE_TIMER);
	}
	is_num(s.timer_ms, times.ready_ms, "it starts after a long delay");
	ok(step(&s, SE_READY) & SA_STABLE, "ready at last: told");
	pass(1000);
	step(&s, SE_EXIT);
	is_num(s.timer_ms, 10, "killed then, it is back at once");
}

static void
test_late(void)
{
	struct service s;

	service_init(&s, "heartd", "", 1, now);
	s.wanted = true;
	step(&s, SE_START);
	ok(step(&s, SE_TIMER) == SA_LATE, "not ready in time: said");
	ok(s.state == SS_STARTING && service_is_settled(&s),
	    "the others go on, it is not killed");
	step(&s, SE_READY);
	is_num(s.state, SS_UP, "ready late is ready");
}

static void
test_adopt(void)
{
	struct service s;

	service_init(&s, "heartd", "", 1, now);
	ok(step(&s, SE_ADOPT) == SA_TIMER && s.state == SS_UP, "adopted: up");
	s.wanted = true;
	ok(step(&s, SE_EXIT) & SA_DIED, "and watched like an own child");
}

#define N 6
static struct service all[N];
static struct service *list[N];

/* What each may do now, as letters: s start, x stop, - nothing. */
static const char *
turns(void)
{
	static char buf[N + 1];

	for (unsigned i = 0; i < N; i++) {
		enum service_event e = service_turn(list, N, i);

		buf[i] = e == SE_START ? 's' : e == SE_STOP ? 'x' : '-';
	}
	return buf;
}

static void
test_turns(void)
{
	static const char *const who[N][2] = {
		{ "keepd", "" }, { "heartd", "" },
		{ "mirrord", "a" }, { "moduled", "a" },
		{ "mirrord", "b" }, { "moduled", "b" },
	};

	for (unsigned i = 0; i < N; i++) {
		service_init(&all[i], who[i][0], who[i][1], i, now);
		all[i].wanted = true;
		list[i] = &all[i];
		if (i > 0)
			ok(service_cmp(list[i - 1], list[i]) < 0, "in order");
	}
	is_str(turns(), "s-----", "keepd first");
	step(list[0], SE_START);
	is_str(turns(), "------", "heartd waits for its readiness");
	step(list[0], SE_READY);
	is_str(turns(), "-s----", "then heartd");
	step(list[1], SE_START);
	step(list[1], SE_READY);
	is_str(turns(), "--s-s-", "then the modules, side by side");
	step(list[2], SE_START);
	step(list[2], SE_READY);
	is_str(turns(), "---ss-", "one module does not wait for another");
	step(list[3], SE_START);
	step(list[3], SE_READY);
	step(list[1], SE_EXIT);
	is_str(turns(), "------", "a dead heartd is waited for");
	step(list[1], SE_TIMER);
	step(list[1], SE_READY);
	step(list[4], SE_START);
	step(list[4], SE_READY);

	all[2].wanted = false;
	is_str(turns(), "--x--s", "one that left the roster ends alone");
	all[3].wanted = false;
	is_str(turns(), "---x-s", "a module ends in reverse");
	step(list[3], SE_STOP);
	is_str(turns(), "-----s", "mirrord waits for moduled's end");
	step(list[3], SE_EXIT);
	is_str(turns(), "--x--s", "then mirrord");
	step(list[2], SE_STOP);
	step(list[2], SE_EXIT);
	for (unsigned i = 0; i < N; i++)
		all[i].wanted = false;
	is_str(turns(), "----x-", "the node ends with the last module");
	step(list[4], SE_STOP);
	step(list[4], SE_EXIT);
	is_str(turns(), "-x----", "then heartd");
	step(list[1], SE_STOP);
	step(list[1], SE_EXIT);
	is_str(turns(), "x-----", "keepd is the last");
	all[0].wanted = true;
	step(list[0], SE_STOP);
	is_str(turns(), "s-----", "wanted again while it ends");
}

int
main(void)
{
	test_table();
	test_life();
	test_restart_waits();
	test_delay();
	test_bad_config();
	test_stillborn();
	test_late();
	test_adopt();
	test_turns();
	return tap_done();
}

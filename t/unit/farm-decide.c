/* SPDX-License-Identifier: ISC */
/*
 * A node of a farm on its way up and down: each condition alone, and each
 * reason that keeps it from serving.
 */
#include <stdio.h>
#include <string.h>

#include "tap.h"

#include "../../bin/moduled/decide-standing.h"
#include "../../bin/moduled/farm-decide.h"

#define MS	INT64_C(1000000)

static struct decide_conf conf;
static struct farm_view farm;
static struct machine m;
static struct view v;
static struct decision d;

static void
at(int64_t ms)
{
	v.now.ns = ms * MS;
}

static void
think(void)
{
	decide(&m, &v, &d);
	if (farm.want_serve != d.serve) {
		farm.want_serve = d.serve;
		farm.want_i++;
	}
}

/* farmd does as it was told, and says so. */
static void
farmd_answers(void)
{
	farm.f.known = true;
	farm.f.serve = farm.want_serve;
	farm.f.i = farm.want_i;
	think();
}

static void
scripts_reach(enum state s)
{
	v.scripts_at = v.scripts_target = s;
	v.scripts_busy = false;
	think();
}

static void
scripts_run(enum state to)
{
	v.scripts_target = to;
	v.scripts_busy = true;
	think();
}

static void
probe_answers(bool found)
{
	v.probe_done = d.probe_id;
	v.probe_answered = found;
	(void)snprintf(v.probe_text, sizeof(v.probe_text),
	    "10.0.0.1 (02:aa:aa:aa:aa:aa)");
	think();
}

static void
world(void)
{
	conf = (struct decide_conf){ .module = "web", .node = "n1",
	    .peer = "", .node_id = 1, .timeout_ms = 500, .probe_gap_ms = 50,
	    .pulse_ms = 100, .vip = true, .addresses = "10.0.0.1" };
	machine_init(&m);
	memset(&v, 0, sizeof(v));
	memset(&farm, 0, sizeof(farm));
	farm.stopdrain_ms = 30000;
	farm.f.i = -1;
	v.farm = &farm;
	v.conf = &conf;
	v.lan_up = v.vip_link_up = v.wish_start = v.self.known = true;
	v.probe_done = UINT64_MAX;
	at(100000);
}

/* In WAIT, its scripts too; farmd has spoken. */
static void
be_waiting(void)
{
	world();
	farm.f.known = true;
	think();
	scripts_reach(ST_WAIT);
}

static void
be_held(void)
{
	be_waiting();
	probe_answers(false);
	farmd_answers();
}

static void
be_up(void)
{
	be_held();
	scripts_reach(ST_UP);
	farmd_answers();
}

static void
reason_is(enum reason r, enum quality q, const char *what)
{
	is_str(reason_row(d.reason)->code, reason_row(r)->code, "%s", what);
	is_str(quality_name(d.quality), quality_name(q), "%s: %s", what,
	    quality_name(q));
}

static void
test_start(void)
{
	world();
	v.wish_start = false;
	think();
	ok(m.state == ST_STOP && d.serve == FARM_NONE, "stopped");
	v.wish_start = true;
	think();
	ok(m.state == ST_WAIT && d.script_target == ST_WAIT &&
	    d.serve == FARM_NONE, "prestart first");
	scripts_reach(ST_WAIT);
	reason_is(RS_STARTING, Q_TRANSIENT, "no word from farmd yet");
	is_num((int)d.probe_id, 0, "and nothing asked of the network");
	farm.f.known = true;
	think();
	ok(d.probe_id != 0 && d.serve == FARM_NONE,
	    "the first one asks who answers for the address");
	probe_answers(false);
	ok(m.state == ST_WAIT && d.serve == FARM_HOLD &&
	    d.script_target == ST_WAIT, "then it is held, shut");
	farmd_answers();
	ok(m.state == ST_UP && d.script_target == ST_UP &&
	    d.serve == FARM_HOLD, "held: the start scripts run");
	reason_is(RS_STARTING, Q_TRANSIENT, "while they run");
	scripts_run(ST_UP);
	ok(d.serve == FARM_HOLD, "still shut");
	scripts_reach(ST_UP);
	ok(d.serve == FARM_OPEN, "they ended: open");
	reason_is(RS_FARM_JOINING, Q_TRANSIENT, "not agreed on yet");
	farmd_answers();
	reason_is(RS_NONE, Q_READY, "UP");
}

/* Each thing that keeps a node in WAIT, alone. */
static void
test_wait(void)
{
	world();
	think();
	scripts_reach(ST_WAIT);
	at(100000 + FARM_SILENT_MS);
	think();
	reason_is(RS_FARMD_SILENT, Q_NOTREADY, "farmd never speaks");

	be_waiting();
	v.rule_wait = true;
	v.rule_reason = RS_RESOURCE;
	(void)snprintf(v.rule_name, sizeof(v.rule_name), "intf.10.0.0.0");
	think();
	reason_is(RS_RESOURCE, Q_NOTREADY, "a rule");
	ok(d.serve == FARM_NONE && d.probe_id == 0, "nothing is asked then");
	is_str(d.detail, "intf.10.0.0.0", "which");

	be_waiting();
	(void)snprintf(v.rule_init, sizeof(v.rule_init), "ping.gw");
	think();
	reason_is(RS_CHECKING, Q_TRANSIENT, "a checker's first result");

	be_waiting();
	(void)snprintf(farm.f.code, sizeof(farm.f.code), "config-differs");
	farm.f.blocked = true;
	think();
	reason_is(RS_CONFIG_DIFFERS, Q_NOTREADY, "another configuration");
	ok(d.serve == FARM_NONE, "no table of another digest");

	be_waiting();
	probe_answers(true);
	reason_is(RS_ADDRESS_IN_USE, Q_NOTREADY, "a foreign host answers");
	is_str(d.detail, "10.0.0.1 (02:aa:aa:aa:aa:aa)", "its MAC");
	ok(mono_is_set(d.wake), "it is asked again");
	at(104000);
	think();
	probe_answers(false);
	ok(d.serve == FARM_HOLD, "it fell silent");

	be_waiting();
	farm.nodes.count = 1;
	farm.nodes.node[0].net = NET_UP;
	farm.nodes.node[0].serve = FARM_DRAIN;
	think();
	ok(d.probe_id == 0 && d.serve == FARM_HOLD,
	    "a node of the farm answers: nothing is asked");

	be_waiting();
	probe_answers(false);
	(void)snprintf(farm.f.code, sizeof(farm.f.code), "farm-no-address");
	farm.f.blocked = true;
	think();
	reason_is(RS_FARM_NO_ADDRESS, Q_NOTREADY, "no address");
	ok(d.serve == FARM_HOLD && m.state == ST_WAIT, "still wished for");
}

static void
test_held_down(void)
{
	int i;

	be_waiting();
	for (i = 0; i <= FLAP_FREE; i++)
		(void)flap_left(&m.flap, v.now);
	think();
	reason_is(RS_HELD_DOWN, Q_TRANSIENT, "it came and went");
	at(100000 + FLAP_FIRST_MS + 1);
	think();
	ok(d.reason != RS_HELD_DOWN, "for a time");
}

static void
test_old_answer(void)
{
	be_waiting();
	farm.f.serve = FARM_HOLD;	/* of an earlier wish */
	probe_answers(false);
	ok(m.state == ST_WAIT, "an old answer is none");
	farm.f.i = farm.want_i;
	think();
	ok(m.state == ST_UP, "the answer");
	be_up();
	farm.f.known = false;
	think();
	reason_is(RS_NONE, Q_READY, "farmd is being restarted");
	at(100000 + FARM_SILENT_MS);
	think();
	reason_is(RS_FARMD_SILENT, Q_NOTREADY, "it does not come back");
	ok(m.state == ST_UP && d.script_target == ST_UP &&
	    d.serve == FARM_OPEN, "and the application runs on");
}

static void
test_codes(void)
{
	static const struct {
		const char	*code;
		enum reason	 r;
	} rows[] = {
		{ "farm-outcast", RS_FARM_OUTCAST },
		{ "farm-no-address", RS_FARM_NO_ADDRESS },
		{ "farm-filter", RS_FARM_FILTER },
		{ "config-differs", RS_CONFIG_DIFFERS },
		{ "module-id", RS_MODULE_ID },
		{ "not-invented-yet", RS_FARMD_ERROR },
	};
	static const char *const warn[] = { "farm-no-flood", "farm-no-power",
	    "farm-rules-gone", "farm-waits", "config-differs" };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		be_up();
		(void)snprintf(farm.f.code, sizeof(farm.f.code), "%s",
		    rows[i].code);
		(void)snprintf(farm.f.text, sizeof(farm.f.text), "so");
		farm.f.blocked = true;
		think();
		reason_is(rows[i].r, Q_NOTREADY, rows[i].code);
		is_str(d.detail, "so", "in farmd's words");
		ok(m.state == ST_UP, "the application goes on");
		ok(d.serve == (rows[i].r == RS_FARM_NO_ADDRESS ?
		    FARM_DRAIN : FARM_OPEN), "and no client comes "
		    "where the address ends");
	}
	for (i = 0; i < sizeof(warn) / sizeof(warn[0]); i++) {
		be_up();
		(void)snprintf(farm.f.code, sizeof(farm.f.code), "%s",
		    warn[i]);
		think();
		reason_is(RS_NONE, Q_READY, warn[i]);
	}
}

static void
test_stop(void)
{
	be_up();
	v.wish_start = false;
	farm.f.draining = 2;
	think();
	ok(m.state == ST_UP && d.serve == FARM_DRAIN &&
	    d.script_target == ST_UP, "a stop drains first");
	reason_is(RS_DRAINING, Q_TRANSIENT, "and says so");
	farmd_answers();
	ok(m.state == ST_UP, "two connections are left");
	farm.f.draining = 0;
	farm.f.drained = true;
	think();
	ok(m.state == ST_WAIT && d.serve == FARM_DRAIN &&
	    d.script_target == ST_STOP, "none: the stop scripts");
	scripts_run(ST_WAIT);
	ok(d.serve == FARM_DRAIN, "nothing new while they run");
	scripts_reach(ST_STOP);
	ok(d.serve == FARM_NONE && m.state == ST_WAIT,
	    "then the addresses go");
	farmd_answers();
	ok(m.state == ST_STOP, "stopped");

	be_up();
	v.wish_start = false;
	farm.f.draining = 2;
	think();
	farmd_answers();
	at(100000 + 30000);
	think();
	ok(m.state == ST_WAIT, "the bound of the drain");
	is_num((int)d.note_count, 1, "whose end is told");

	be_up();
	v.wish_start = false;
	think();
	v.wish_start = true;
	think();
	ok(m.state == ST_UP && d.serve == FARM_OPEN,
	    "wished for again: open as before");

	be_up();
	v.wish_start = false;
	m.sick = true;
	think();
	ok(m.state == ST_WAIT && d.serve == FARM_HOLD,
	    "who is sick does not drain");

	be_held();
	scripts_run(ST_UP);
	v.wish_start = false;
	think();
	ok(m.state == ST_WAIT, "nobody is connected while it starts");

	be_up();
	v.rule_wait = true;
	v.rule_reason = RS_RULE;
	think();
	ok(d.serve == FARM_DRAIN, "a rule that waits drains, too");
	is_str(d.action, "stopwait", "the scripts' third word");
	v.vip_link_up = false;
	think();
	ok(m.state == ST_WAIT, "but not through a dead link");
}

static void
test_farmd_gone(void)
{
	be_up();
	v.wish_start = false;
	farm.f.draining = 2;
	think();
	farmd_answers();
	farm.f.known = false;
	think();
	ok(m.state == ST_UP && d.serve == FARM_DRAIN,
	    "a farmd that is restarted in a drain cuts nobody off");
	farm.f.known = true;
	think();
	at(100000 + FARM_SILENT_MS);
	farm.f.known = false;
	think();
	ok(m.state == ST_UP, "nor one that is restarted again later");
	at(100000 + 2 * FARM_SILENT_MS);
	think();
	ok(m.state == ST_WAIT, "without farmd nobody tells of a drain");
	scripts_reach(ST_STOP);
	ok(m.state == ST_WAIT, "nor that the addresses are gone");
	at(100000 + 3 * FARM_SILENT_MS);
	think();
	ok(m.state == ST_STOP, "but that is not waited for for ever");
	be_up();
	v.wish_start = false;
	m.sick = true;
	think();
	scripts_reach(ST_STOP);
	at(100000 + FARM_SILENT_MS);
	think();
	ok(m.state == ST_WAIT, "a farmd that speaks is");
}

static void
test_restart(void)
{
	be_up();
	m.restart = true;
	farm.f.draining = 1;
	think();
	ok(d.serve == FARM_DRAIN && !d.restart, "a restart drains first");
	farmd_answers();
	farm.f.drained = true;
	think();
	ok(d.restart && d.serve == FARM_HOLD && !m.restart, "then once");
	scripts_run(ST_UP);
	ok(!d.restart && d.serve == FARM_HOLD && m.state == ST_UP,
	    "shut while it starts");
	scripts_reach(ST_UP);
	ok(d.serve == FARM_OPEN, "open again");

	be_up();
	m.restart = m.sick = true;
	think();
	ok(d.restart && d.serve == FARM_HOLD, "of a sick one: at once");
	scripts_run(ST_UP);
	scripts_reach(ST_UP);
	ok(d.serve == FARM_OPEN && !m.sick, "and well again");

	be_up();
	m.restart = true;
	think();
	at(100000 + 30000);
	think();
	ok(d.restart, "the bound holds here, too");
}

static void
test_words(void)
{
	be_up();
	farm.drain = true;
	think();
	ok(d.serve == FARM_DRAIN, "drained by the operator");
	farmd_answers();
	reason_is(RS_NONE, Q_READY, "that is no fault");
	farm.drain = false;
	think();
	ok(d.serve == FARM_OPEN, "and taken back");

	be_up();
	(void)snprintf(farm.sick, sizeof(farm.sick), "tcp.http is down");
	think();
	ok(d.serve == FARM_HOLD && m.state == ST_UP, "a checker fails: shut");
	reason_is(RS_CHECKER_FAILED, Q_TRANSIENT, "and says so");

	be_up();
	v.vip_link_up = false;
	think();
	ok(d.serve == FARM_HOLD && m.state == ST_UP,
	    "a dead link: its clients go elsewhere at once");
	reason_is(RS_CHECKER_FAILED, Q_TRANSIENT, "and says so");
	v.vip_link_up = true;
	think();
	ok(d.serve == FARM_OPEN, "it is back before its rule acted");

	be_held();
	farm.scriptcontrol = true;
	scripts_run(ST_UP);
	ok(d.serve == FARM_HOLD, "scriptcontrol: shut");
	m.traffic = true;
	think();
	ok(d.serve == FARM_OPEN, "until a script says so");
	scripts_reach(ST_UP);
	farmd_answers();
	reason_is(RS_NONE, Q_READY, "open by a script");
	m.traffic = false;
	think();
	farmd_answers();
	ok(d.serve == FARM_HOLD, "and shut by one");
	reason_is(RS_NONE, Q_READY, "which is no fault");
	m.restart = m.sick = m.traffic = true;
	think();
	ok(!m.traffic, "a new life opens anew");
}

static void
test_standby(void)
{
	be_up();
	v.standby = true;
	ok(decide_wish(&m, &v, true), "on standby, and nobody else serves");
	farm.nodes.count = 1;
	farm.nodes.node[0].net = NET_UP;
	farm.nodes.node[0].serve = FARM_OPEN;
	ok(!decide_wish(&m, &v, true), "another one does: it leaves");
	farm.nodes.count = 0;
	v.standby_now = true;
	ok(!decide_wish(&m, &v, true), "or it was to leave all the same");
	v.standby = v.standby_now = false;
	v.released = true;
	ok(decide_wish(&m, &v, true), "a release is not of farms");
	be_waiting();
	v.standby = true;
	ok(!decide_wish(&m, &v, true), "it does not start either");
}

static void
test_memory(void)
{
	char text[2048];
	struct machine back;
	struct line l;
	const char *why;

	be_up();
	v.wish_start = false;
	m.traffic = true;
	farm.f.draining = 1;
	think();
	ok(machine_save(text, sizeof(text), &m) && line_parse(&l, text,
	    strcspn(text, "\n"), &why) == 0 && machine_restore(&back, &l),
	    "saved and restored");
	ok(back.state == ST_UP && back.traffic && back.leave == LV_UP &&
	    mono_diff_ms(back.leave_since, m.leave_since) == 0,
	    "in the midst of a drain");
}

int
main(void)
{
	test_start();
	test_wait();
	test_held_down();
	test_old_answer();
	test_codes();
	test_stop();
	test_farmd_gone();
	test_restart();
	test_words();
	test_standby();
	test_memory();
	return tap_done();
}

/* SPDX-License-Identifier: ISC */
/*
 * Two nodes without a third voter that have fencing devices, or witnesses:
 * nothing else counts in their place.  What it does together, pair.c plays.
 */
#include "decide-world.h"

#define DELAY	5000

static void
with_device(void)
{
	v.power.on = true;
	conf.power_delay_ms = DELAY;
	think();
}

static void
device_says(bool off, const char *text)
{
	v.power.done = d.power_id;
	v.power.is_off = off;
	(void)snprintf(v.power.text, sizeof(v.power.text), "%s", text);
	think();
}

static void
later(int64_t ms)
{
	v.now = mono_add_ms(v.now, ms);
	think();
}

static void
second(void)
{
	uint64_t id;

	be_second();
	with_device();
	peer_falls_silent();
	ok(d.power_id == 0 && d.probe_id == 0 && d.reason == RS_FENCING &&
	    mono_diff_ms(d.wake, v.now) == DELAY,
	    "SECOND waits: the primary may be asking, and wins");
	later(DELAY);
	id = d.power_id;
	ok(id != 0 && !m.promoting, "then it asks its device");
	later(100000);
	ok(d.power_id == id && !m.promoting,
	    "and goes by nothing else, however long that takes");
	device_says(true, "");
	ok(!m.promoting && d.probe_id != 0, "off: then the address is asked");
	probe_answers(false);
	ok(m.promoting && !d.want.both, "free: it takes over");

	be_second();
	with_device();
	peer_falls_silent();
	later(DELAY);
	device_says(false, "Login failed");
	ok(!m.promoting && d.reason == RS_FENCE_FAILED &&
	    d.quality == Q_NOTREADY && strcmp(d.detail, "Login failed") == 0 &&
	    d.power_id == 0, "a device that fails: it waits and says so");
	later(9999);
	ok(d.power_id == 0, "ten seconds");
	id = m.power_id;
	later(1);
	ok(d.power_id == id + 1, "and asks again");
	device_says(true, "");
	probe_answers(false);
	ok(m.promoting, "which may go well");

	be_second();
	with_device();
	peer_falls_silent();
	later(DELAY);
	device_says(true, "");
	probe_answers(true);
	ok(!m.promoting && m.state == ST_SECOND &&
	    d.reason == RS_FENCE_FAILED && d.quality == Q_NOTREADY &&
	    strstr(d.detail, "10.0.0.1 answers") != NULL,
	    "a device that lies: %s", d.detail);
	think();
	ok(d.reason == RS_FENCE_FAILED && d.probe_id == 0 && d.power_id == 0,
	    "that stands");
	later(10000);
	ok(d.power_id != 0, "until it is asked again");
	device_says(true, "");
	ok(d.probe_id != 0 && d.probe_id != v.probe_done,
	    "and the address again");
	probe_answers(false);
	ok(m.promoting, "which is free now");
}

static void
operator_knows(void)
{
	bool risk;

	be_second();
	with_device();
	peer_falls_silent();
	v.order = OR_PRIM;
	later(DELAY);
	ok(d.order_done && d.power_id != 0,
	    "`prim' before it failed changes nothing");
	v.order = OR_NONE;
	device_says(false, "no route");
	ok(decide_may_prim(&m, &v, false, &risk) == RS_NONE && risk,
	    "after it failed `prim' asks for the module's name");
	v.order = OR_PRIM;
	think();
	v.order = OR_NONE;
	ok(d.probe_id != 0 && !m.promoting, "then the address is asked");
	probe_answers(false);
	ok(m.promoting, "and it takes over");

	be_prim();
	with_device();
	peer_falls_silent();
	device_says(false, "no route");
	later(2 * T);
	ok(m.member && d.reason == RS_FENCE_FAILED,
	    "a primary whose device fails holds its writes");
	ok(decide_may_prim(&m, &v, false, &risk) == RS_NONE && risk,
	    "`prim' asks for the name there, too");
	v.order = OR_PRIM;
	think();
	ok(!m.member && m.state == ST_ALONE && d.order_done,
	    "and it goes on alone");
}

static void
prim(void)
{
	be_prim();
	with_device();
	peer_falls_silent();
	ok(d.power_id != 0 && m.member && d.reason == RS_FENCING,
	    "PRIM asks at once, and holds its writes");
	later(10 * T);
	ok(m.member, "no silence is long enough without it");
	device_says(true, "");
	ok(m.state == ST_ALONE && !d.want.both, "off: it goes on alone");

	/* The answer counts for the silence it was asked in. */
	be_prim();
	with_device();
	peer_falls_silent();
	v.power.done = d.power_id;
	v.power.is_off = true;
	v.peer.net = NET_UP;
	think();
	ok(m.member && d.power_id == 0, "heard again: it is called off");
	peer_falls_silent();
	ok(m.member && d.power_id != 0 && d.power_id != v.power.done,
	    "and asked anew at the next silence");

	be_prim();
	with_device();
	v.self.stall_ms = v.conf->stall_ms;
	think();
	later(v.conf->stall_ms);
	ok(m.member && d.power_id != 0,
	    "a SECOND that is heard and does not answer is fenced first");
	device_says(true, "");
	ok(m.member && d.power_id == 0, "while it is heard that is no proof");
	peer_falls_silent();
	ok(m.state == ST_ALONE, "it falls silent: left out");

	be_prim();
	with_device();
	v.self.stall_ms = v.conf->stall_ms;
	think();
	later(v.conf->stall_ms);
	device_says(true, "");
	later(T);
	ok(m.member && d.reason == RS_FENCE_FAILED &&
	    strstr(d.detail, "it is still heard") != NULL,
	    "it does not: %s", d.detail);

	be_prim();
	with_device();
	conf.node_id = 3;
	peer_falls_silent();
	later(DELAY / 2 - 1);
	ok(d.power_id == 0, "of two primaries the higher id waits");
	later(1);
	ok(d.power_id != 0, "half of the delay");

	be_prim();
	with_device();
	peer_falls_silent();
	v.wish_start = false;
	think();
	later(10 * T);
	ok(d.want.both && d.power_id != 0,
	    "a stop meanwhile records nothing before");
	device_says(true, "");
	ok(!d.want.both, "and then that the peer is behind");
}

static void
maintenance(void)
{
	be_second();
	with_device();
	v.maintain = true;
	peer_falls_silent();
	later(10 * DELAY);
	ok(d.power_id == 0 && d.reason == RS_MAINTENANCE,
	    "in maintenance SECOND fences nobody");
	be_second();
	with_device();
	peer_falls_silent();
	v.lan_up = false;
	later(DELAY);
	ok(d.power_id == 0 && m.state == ST_WAIT,
	    "nor without a network of its own");
	be_second();
	with_device();
	v.self.level = false;
	peer_falls_silent();
	later(DELAY);
	ok(d.power_id == 0, "nor when it is not level");
}

static void
witnesses_say(bool reached)
{
	v.ping.done = d.ping_id;
	v.ping.is_reached = reached;
	think();
}

static void
with_witnesses(void)
{
	v.ping.on = true;
	(void)snprintf(v.ping.names, sizeof(v.ping.names), "10.0.0.254");
	think();
}

static void
splitbrain(void)
{
	be_second();
	with_witnesses();
	ok(d.ping_id == 0, "as long as beats come no witness is asked");
	peer_falls_silent();
	ok(d.ping_id != 0 && d.probe_id == 0 && d.reason == RS_WITNESSES,
	    "silence: they are asked first");
	witnesses_say(true);
	ok(d.probe_id != 0 && !m.promoting, "one answers: then the address");
	probe_answers(false);
	ok(m.promoting, "free: it takes over");

	be_second();
	with_witnesses();
	peer_falls_silent();
	witnesses_say(false);
	settle();
	ok(m.state == ST_WAIT && d.reason == RS_SPLITBRAIN && !m.mark,
	    "none answers: WAIT, and its data stays level");

	be_prim();
	with_witnesses();
	peer_falls_silent();
	later(10 * T);
	ok(m.member && d.ping_id != 0, "PRIM asks them, too");
	witnesses_say(true);
	ok(m.state == ST_ALONE, "one answers: it goes on alone");

	be_prim();
	with_witnesses();
	peer_falls_silent();
	witnesses_say(false);
	ok(m.leave == LV_PRIM && m.fenced && m.block == RS_SPLITBRAIN,
	    "none answers: it steps down at once");

	be_second();
	with_device();
	with_witnesses();
	peer_falls_silent();
	later(DELAY);
	ok(d.ping_id != 0 && d.power_id == 0, "with both: witnesses first");
	witnesses_say(true);
	later(DELAY);
	ok(d.power_id != 0 && d.ping_id == 0, "then the device");
}

int
main(void)
{
	second();
	operator_knows();
	prim();
	maintenance();
	splitbrain();
	return tap_done();
}

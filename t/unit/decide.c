/* SPDX-License-Identifier: ISC */
/*
 * The rules of the mode without a third voter, one by one: each condition of
 * a decision is taken away alone, and the decision must not be made.  What
 * they do together, pair.c plays.
 */
#include "decide-world.h"

static void
second(void)
{
	be_second();
	ok(d.quality == Q_READY && d.want.role == SR_SECOND,
	    "SECOND follows and is Ready");
	peer_falls_silent();
	ok(d.probe_id != 0 && !m.promoting, "silent: the address is asked");
	probe_answers(false);
	ok(m.promoting && d.want.role == SR_PRIM && !d.want.both &&
	    d.want.epoch.n == 8 && d.want.epoch.node == 1 && !d.vip_own,
	    "nobody: the next epoch is asked of the store, no address yet");
	v.self.role = SR_PRIM;
	v.self.epoch = v.self.fence = d.want.epoch;
	v.self.mounted = v.self.alone = true;
	think();
	ok(m.state == ST_ALONE && d.vip_own && !d.script_gate,
	    "mounted: ALONE, the address, no script before it");
	v.vip_owned = true;
	think();
	ok(d.script_gate && d.script_target == ST_ALONE,
	    "address set: the scripts");

	be_second();
	peer_falls_silent();
	probe_answers(true);
	ok(m.state == ST_WAIT && d.want.notlevel, "answered: not level");
	v.self.level = false;
	settle();
	ok(d.reason == RS_ADDRESS_ANSWERED && d.quality == Q_NOTREADY,
	    "answered: WAIT, and who answers");

	be_second();
	v.self.level = false;
	peer_falls_silent();
	settle();
	ok(m.state == ST_WAIT && !m.promoting && d.reason == RS_STALE,
	    "not level: never");
	be_second();
	v.lan_up = false;
	peer_falls_silent();
	settle();
	ok(m.state == ST_WAIT && d.reason == RS_NO_NETWORK,
	    "own links down: never");
	be_second();
	v.vip_link_up = false;
	peer_falls_silent();
	ok(d.probe_id == 0 && d.reason == RS_NO_NETWORK,
	    "the address cannot be asked: not");
	be_second();
	v.late = true;
	peer_falls_silent();
	ok(m.state == ST_WAIT && !m.promoting, "late: never");
	be_second();
	conf.failover = false;
	peer_falls_silent();
	settle();
	ok(m.state == ST_WAIT && d.reason == RS_FAILOVER_OFF,
	    "failover off: waits and says so");
	be_second();
	v.peer.epoch = ballot(8, 2);
	peer_falls_silent();
	settle();
	ok(m.state == ST_WAIT && d.reason == RS_PEER_NEWER,
	    "a later epoch was heard of: never");
	be_second();
	v.peer.stamp_prim = true;
	v.peer.stamp_epoch = ballot(8, 2);
	peer_falls_silent();
	ok(!m.promoting, "also when only a pulse said so");
	be_second();
	v.peer.net = NET_UNKNOWN;
	think();
	ok(d.probe_id == 0 && m.state == ST_SECOND, "unknown is not silent");
	be_second();
	v.peer.intent = IN_GOING_ALONE;
	think();
	ok(m.state == ST_WAIT && m.mark && d.want.notlevel,
	    "R24: leaves at once");
	be_second();
	v.wish_start = false;
	think();
	ok(m.leave == LV_SECOND && d.want.notlevel,
	    "stop: not level first, and the primary is told");
}

static void
prim(void)
{
	be_prim();
	ok(d.quality == Q_READY && d.vip_own && d.want.both, "PRIM is Ready");
	peer_falls_silent();
	at(100000 + 3 * G + PULSE - 1);
	think();
	ok(m.state == ST_PRIM && d.want.both && d.vip_own &&
	    d.reason == RS_PEER_SILENT,
	    "silent: holds its writes and the address");
	at(100000 + 3 * G + PULSE);
	think();
	ok(m.state == ST_ALONE && !d.want.both && d.want.epoch.n == 8,
	    "a living peer has probed by now: ALONE");

	be_prim();
	v.lan_up = false;
	think();
	at(100000 + T);
	peer_falls_silent();
	ok(m.state == ST_PRIM && d.reason == RS_NO_NETWORK && d.want.both,
	    "no link: decides nothing");
	at(100000 + T + 3001);
	think();
	ok(m.state == ST_WAIT && m.fenced && !d.vip_own,
	    "after fencehold: stops, address first");
	be_prim();
	v.lan_up = false;
	think();
	at(100000 + T);
	peer_falls_silent();
	v.lan_up = true;
	at(100000 + T + 2000);
	think();
	ok(m.state == ST_PRIM && d.want.both,
	    "link back, peer silent: it may have served; not alone");

	be_prim();
	v.peer.state = ST_ALONE;
	v.peer.role = SR_PRIM;
	v.peer.epoch = ballot(8, 2);
	think();
	ok(m.state == ST_WAIT && m.fenced && !d.vip_own &&
	    d.want.role == SR_PRIM, "a later primary: address off at once");
	v.vip_owned = false;
	think();
	ok(d.want.role == SR_DOWN, "then the mount, scripts or not");
	be_prim();
	v.peer.stamp_prim = true;
	v.peer.stamp_epoch = ballot(8, 2);
	think();
	ok(m.state == ST_WAIT, "its pulse is enough");

	be_prim();
	v.self.stall_ms = 500;
	think();
	ok(d.intent == IN_GOING_ALONE && d.want.both,
	    "R24: the intent is out before anything is done");
	v.peer.state = ST_WAIT;
	v.peer.level = false;
	v.peer.durable = true;
	think();
	ok(m.state == ST_ALONE && !d.want.both, "left and recorded: alone");
	be_prim();
	v.self.stall_ms = 500;
	think();
	at(100000 + 499);
	think();
	ok(m.state == ST_PRIM, "R24 without an answer: waits");
	at(100000 + 500);
	think();
	ok(m.state == ST_ALONE, "but not longer than stall");
	be_prim();
	(void)snprintf(v.self.peer_failed, sizeof(v.self.peer_failed),
	    "write: No space left on device");
	think();
	ok(d.intent == IN_GOING_ALONE,
	    "R25: a peer that failed is left out without waiting");
	be_prim();
	v.peer.fence = ballot(9, 2);
	think();
	ok(m.state == ST_ALONE && d.want.epoch.n == 10,
	    "L17: a higher fence is topped");
}

static void
store(void)
{
	struct peer_facts blob;
	int64_t t;

	be_prim();
	v.self.known = false;
	think();
	at(100000 + 9999);
	think();
	ok(m.state == ST_PRIM && d.reason == RS_MIRRORD_ERROR,
	    "mirrord is gone: for a while nothing is done");
	at(100000 + 10000);
	think();
	ok(m.state == ST_WAIT && m.fenced && m.hand && !d.vip_own,
	    "not back: the peer is to serve, the address goes first");
	at(100000 + 13999);
	v.vip_owned = false;
	think();
	decide_blob(&m, &v, &d, &blob);
	ok(blob.role == SR_PRIM, "it may have come back to hand over");
	at(100000 + 14000);
	v.vip_owned = true;
	think();
	decide_blob(&m, &v, &d, &blob);
	ok(blob.role == SR_PRIM, "a node that answers the address is primary");
	v.vip_owned = false;
	think();
	decide_blob(&m, &v, &d, &blob);
	ok(blob.role == SR_WAIT && !blob.level && d.quality == Q_NOTREADY &&
	    d.want.role == SR_DOWN, "not back at all: the peer need not wait");
	v.self.known = true;
	think();
	decide_blob(&m, &v, &d, &blob);
	ok(blob.role == SR_PRIM && blob.level && d.want.role == SR_DOWN,
	    "back: it ends the mount first");
	be_prim();
	v.self.known = false;
	think();
	v.self.known = true;
	at(100000 + 7000);
	think();
	at(100000 + 10000);
	think();
	at(100000 + 20000);
	think();
	ok(m.state == ST_PRIM, "back for a while: nothing is done");
	be_prim();
	for (t = 0; t < 10000; t += 500) {
		at(100000 + t);
		v.self.known = t % 2000 != 0;
		think();
	}
	ok(m.state == ST_PRIM, "again and again");
	at(100000 + t);
	think();
	ok(m.state == ST_WAIT && m.hand, "is as good as gone");
	be_prim();
	v.self.mounted = false;
	think();
	at(100000 + 10000);
	think();
	ok(m.state == ST_WAIT, "and so is one that does not mount");
	be_prim();
	v.self.known = false;
	v.maintain = true;
	think();
	at(100000 + 30000);
	think();
	ok(m.state == ST_PRIM && m.leave == LV_NONE,
	    "maintenance: nothing is done by itself");
	be_prim();
	v.self.known = false;
	conf.failover = false;
	think();
	at(100000 + 30000);
	think();
	ok(m.state == ST_PRIM && m.leave == LV_NONE, "nor without failover");
	be_prim();
	v.self.known = false;
	v.peer.level = false;
	think();
	at(100000 + 30000);
	think();
	ok(m.state != ST_WAIT && m.leave == LV_NONE,
	    "nobody could take over: it is waited for");
}

/* The disk of the records takes none any more. */
static void
disk(void)
{
	struct peer_facts blob;

	be_prim();
	v.wish_start = v.scripts_prim = v.vip_owned = false;
	think();
	v.self.mounted = false;
	v.self.role = SR_DOWN;
	v.self.drained = v.self.disk_down = true;
	(void)snprintf(v.self.code, sizeof(v.self.code), "statedir");
	think();
	ok(m.handing && d.want.handed,
	    "a bad disk: what it lacks was not acknowledged");
	at(100000 + 999);
	think();
	decide_blob(&m, &v, &d, &blob);
	ok(m.leave == LV_PRIM && blob.role == SR_DOWN, "if it can be recorded");
	at(100000 + 1000);
	v.scripts_at = ST_STOP;
	think();
	decide_blob(&m, &v, &d, &blob);
	ok(m.leave == LV_NONE && blob.role == SR_WAIT && !blob.level,
	    "it cannot: the other one need not wait for it");
	ok(d.quality == Q_NOTREADY && d.reason == RS_STATEDIR,
	    "and it says why");
	v.vip_owned = true;
	think();
	decide_blob(&m, &v, &d, &blob);
	ok(blob.role == SR_DOWN, "not while it answers the address");
	v.vip_owned = false;
	v.self.role = SR_NONE;
	v.self.code[0] = '\0';
	think();
	decide_blob(&m, &v, &d, &blob);
	ok(blob.level, "the disk is well again");
}

static void
swap(void)
{
	be_prim();
	v.order = OR_SWAP;
	think();
	ok(m.state == ST_WAIT && d.vip_own && d.want.role == SR_PRIM &&
	    d.script_target == ST_SECOND && !d.script_gate,
	    "swap: the application first");
	v.order = OR_NONE;
	v.scripts_prim = false;
	v.scripts_busy = v.scripts_gated = true;
	v.scripts_target = ST_SECOND;
	think();
	ok(!d.vip_own && d.want.role == SR_PRIM, "then the address");
	v.vip_owned = false;
	think();
	ok(d.want.role == SR_DOWN && !d.want.handed, "then the data");
	v.self.role = SR_DOWN;
	v.self.mounted = v.self.joined = false;
	v.self.drained = v.self.equal = true;
	think();
	ok(d.want.handed && d.want.epoch.n == 8 && d.want.epoch.node == 2,
	    "then the hand-over, in its epoch");
	(void)snprintf(v.self.handed, sizeof(v.self.handed), "n2");
	v.self.handed_epoch = d.want.epoch;
	think();
	ok(m.leave == LV_PRIM, "and nothing before it answers");
	v.peer.epoch = v.peer.fence = d.want.epoch;
	v.peer.role = SR_PRIM;
	v.peer.state = ST_ALONE;
	v.self.role = SR_WAIT;
	think();
	ok(m.state == ST_SECOND && d.want.role == SR_SECOND &&
	    d.script_gate, "it serves: SECOND");

	be_prim();
	v.order = OR_SWAP;
	think();
	v.order = OR_NONE;
	v.scripts_prim = v.vip_owned = false;
	v.self.role = SR_DOWN;
	v.self.mounted = false;
	v.self.drained = true;
	v.self.equal = false;
	think();
	ok(!d.want.handed, "not equal: not handed");
	be_second();
	v.peer.state = ST_WAIT;
	v.peer.role = SR_DOWN;
	(void)snprintf(v.peer.handed, sizeof(v.peer.handed), "n1");
	v.peer.handed_epoch = ballot(8, 1);
	think();
	ok(m.promoting && d.want.epoch.n == 8, "handed to us: taken");
	be_second();
	v.self.level = false;
	v.peer.state = ST_WAIT;
	v.peer.role = SR_DOWN;
	(void)snprintf(v.peer.handed, sizeof(v.peer.handed), "n1");
	v.peer.handed_epoch = ballot(8, 1);
	think();
	ok(!m.promoting && d.refuse.n == 8, "not level: refused, durably");
}

static void
restart(void)
{
	be_waiting();
	v.peer.net = NET_DOWN;
	v.peer.net_since = v.now;
	think();
	ok(d.reason == RS_PEER_ABSENT && d.quality == Q_NOTREADY,
	    "level, without the peer: waits");
	v.self.alone = true;
	think();
	ok(d.probe_id != 0, "alone on record: asks for the address");
	probe_answers(false);
	ok(m.promoting && d.want.epoch.n == 8, "and starts");
	be_waiting();
	v.self.alone = true;
	v.peer.net = NET_DOWN;
	v.peer.net_since = v.now;
	(void)snprintf(v.self.handed, sizeof(v.self.handed), "n2");
	v.self.handed_epoch = ballot(8, 2);
	think();
	ok(d.reason == RS_HANDED, "handed over: waits for its answer");

	be_waiting();
	think();
	ok(!m.promoting && d.reason == RS_LISTENING,
	    "equal, the lower id: first shown for T");
	at(100000 + T);
	think();
	ok(!m.promoting && d.probe_id != 0, "then it asks for the address");
	probe_answers(false);
	ok(m.promoting, "and leads");
	be_waiting();
	(void)snprintf(v.lastprim, sizeof(v.lastprim), "n2");
	(void)snprintf(v.peer.lastprim, sizeof(v.peer.lastprim), "n2");
	at(100000 + T);
	think();
	ok(!m.promoting && d.reason == RS_PEER_STARTS,
	    "equal: the last primary leads");
	be_waiting();
	v.peer.epoch = ballot(8, 2);
	at(100000 + T);
	think();
	ok(!m.promoting, "a later epoch leads");
	be_waiting();
	v.peer.state = ST_ALONE;
	v.peer.role = SR_PRIM;
	think();
	ok(m.state == ST_SECOND, "a primary is followed");
	be_waiting();
	v.mismatch = RS_CONFIG_DIFFERS;
	v.peer.state = ST_ALONE;
	v.peer.role = SR_PRIM;
	think();
	ok(m.state == ST_WAIT && d.reason == RS_CONFIG_DIFFERS,
	    "not with another configuration");
}

static void
orders(void)
{
	bool risk;

	be_waiting();
	v.self.is_new = v.peer.is_new = true;
	v.self.level = false;
	v.self.epoch = v.self.fence = v.peer.epoch = v.peer.fence =
	    (struct epoch){ 0 };
	think();
	ok(d.reason == RS_NEW_MODULE, "new on both: waits");
	is_num(decide_may_prim(&m, &v, false, &risk), RS_NONE, "prim may");
	ok(!risk, "without risk");
	v.order = OR_PRIM;
	think();
	probe_answers(false);
	ok(m.promoting && d.want.fresh && d.want.epoch.n == 1 &&
	    d.want.epoch.era == 0, "prim: epoch 1");
	be_waiting();
	v.self.level = false;
	v.peer.net = NET_DOWN;
	is_num(decide_may_prim(&m, &v, false, &risk), RS_NONE, "stale");
	ok(risk, "asks for the name");
	v.order = OR_PRIM;
	think();
	probe_answers(false);
	ok(d.want.epoch.era == 1 && d.want.force, "forced: a new era");
	be_waiting();
	v.self.level = false;
	v.self.resyncing = true;
	v.peer.net = NET_DOWN;
	is_num(decide_may_prim(&m, &v, false, &risk), RS_HALF_COPIED,
	    "half copied: not by prim");
	is_num(decide_may_prim(&m, &v, true, &risk), RS_NONE,
	    "but by primforce");
	be_second();
	is_num(decide_may_prim(&m, &v, true, &risk), RS_PEER_STARTS,
	    "never beside a primary");
	be_waiting();
	v.peer.net = NET_DOWN;
	v.order = OR_PRIM;
	think();
	probe_answers(true);
	ok(d.order_done && !m.promoting && d.reason == RS_ADDRESS_ANSWERED,
	    "prim, but somebody answers: dropped, with the reason");
}

static void
maintenance(void)
{
	be_second();
	v.maintain = true;
	peer_falls_silent();
	ok(d.probe_id != 0, "maintenance: the address is asked as ever");
	probe_answers(false);
	ok(m.state == ST_SECOND && !m.promoting &&
	    d.reason == RS_MAINTENANCE && d.quality == Q_NOTREADY,
	    "nobody: no takeover, and it says so");
	at(100000 + T / 2 - 1);
	think();
	ok(d.probe_id == 0, "a pause");
	at(100000 + T / 2);
	think();
	ok(d.probe_id != 0, "asked again within T");
	probe_answers(true);
	ok(m.state == ST_WAIT && d.want.notlevel,
	    "answered: leaves, not level, as ever");
	be_second();
	v.maintain = true;
	peer_falls_silent();
	probe_answers(false);
	v.maintain = false;
	think();
	ok(d.probe_id != 0 && !m.promoting, "over: asked once more");
	probe_answers(false);
	ok(m.promoting && d.want.epoch.n == 8, "then it takes over");

	be_second();
	v.maintain = true;
	peer_falls_silent();
	probe_answers(false);
	v.order = OR_PRIM;
	think();
	ok(!d.order_done && d.probe_id != 0, "prim: asked once more");
	probe_answers(false);
	ok(m.promoting && d.want.epoch.n == 8 && !d.want.force,
	    "and it takes over by the ordinary way");

	be_prim();
	v.maintain = true;
	v.lan_up = false;
	think();
	at(100000 + T);
	peer_falls_silent();
	at(100000 + T + 60000);
	think();
	ok(m.state == ST_PRIM && d.want.both && d.reason == RS_NO_NETWORK,
	    "no link: holds its writes past fencehold");
	be_prim();
	v.maintain = true;
	peer_falls_silent();
	at(100000 + 3 * G + PULSE);
	think();
	ok(m.state == ST_ALONE, "the peer lost: ALONE as ever");
	be_prim();
	conf.defaultprim = "n2";
	v.maintain = true;
	think();
	ok(m.state == ST_PRIM, "defaultprim waits");
}

/* As moduled does it: the wish that counts, then the decision. */
static void
think_wish(void)
{
	v.wish_start = decide_wish(&m, &v, true);
	think();
}

static void
standby(void)
{
	be_prim();
	v.standby = true;
	think_wish();
	ok(m.leave == LV_PRIM && m.hand && d.intent == IN_STOP,
	    "standby: hands over");
	think_wish();
	ok(!v.wish_start, "and does not think better of it on the way");
	be_prim();
	v.standby = true;
	v.peer.level = false;
	think_wish();
	ok(m.state == ST_ALONE, "to nobody: serves");
	think_wish();
	ok(m.state == ST_ALONE && v.wish_start, "also ALONE");
	v.standby_now = true;
	think_wish();
	ok(m.leave == LV_PRIM && !m.hand, "confirmed: stops");
	be_second();
	v.standby = true;
	think_wish();
	ok(m.leave == LV_SECOND && d.want.notlevel, "SECOND leaves");
	be_waiting();
	v.standby = true;
	think_wish();
	ok(!v.wish_start, "WAIT stops");
	be_prim();
	conf.defaultprim = "n2";
	v.peer.standby = true;
	think_wish();
	ok(m.state == ST_PRIM, "defaultprim does not send it there");
}

static void
release(void)
{
	be_prim();
	v.released = true;
	think_wish();
	ok(m.state == ST_PRIM && v.wish_start,
	    "released: first the peer leaves");
	v.peer.level = false;
	v.peer.durable = true;
	v.peer.state = ST_WAIT;
	m.seen_level = true;
	think_wish();
	v.self.epoch = d.want.epoch;
	v.self.alone = true;
	think_wish();
	ok(m.leave == LV_PRIM && !m.hand && d.intent == IN_STOP,
	    "then it stops, and hands to nobody");
	be_second();
	v.released = true;
	think_wish();
	ok(m.leave == LV_SECOND && d.want.notlevel,
	    "the other one: not level, so that it never starts");
	be_prim();
	v.released = true;
	peer_falls_silent();
	think_wish();
	ok(m.leave == LV_PRIM && !m.hand, "nobody to wait for: stops");
	be_waiting();
	v.compare = true;
	think();
	ok(d.want.compare, "the way back: the store is told");
}

/* Both are stopped at once: the last syncs must not wait for the peer. */
static void
test_both_stop(void)
{
	be_prim();
	think();
	v.wish_start = false;
	think();
	ok(m.leave == LV_PRIM && d.want.role == SR_PRIM && d.want.both,
	    "stopping: the application ends with both");
	v.peer.wish_start = false;
	v.peer.state = ST_WAIT;
	v.peer.role = SR_WAIT;
	v.peer.level = false;
	v.self.link_up = false;
	think();
	ok(!d.want.both && d.want.role == SR_PRIM &&
	    epoch_cmp(d.want.epoch, ballot(7, 1)) > 0 && !m.hand,
	    "the peer left meanwhile and recorded it: without it");
	be_prim();
	think();
	v.wish_start = false;
	think();
	v.self.link_up = false;
	think();
	ok(d.want.both, "only the link is down: patience");
	at(100000 + conf.stall_ms + 1);
	think();
	ok(d.intent == IN_GOING_ALONE, "not for ever: the peer is told");
	at(100000 + 2 * conf.stall_ms + 2);
	think();
	ok(!d.want.both, "and the application can end");
}

static void
test_prestart(void)
{
	be_waiting();
	v.scripts_at = ST_STOP;
	v.scripts_busy = true;
	v.self.role = SR_NONE;
	think();
	ok(d.want.role == SR_NONE, "prestart runs: nothing is covered yet");
	v.scripts_at = ST_WAIT;
	v.scripts_busy = false;
	think();
	ok(d.want.role == SR_WAIT, "prestart is over: covered");
	be_waiting();
	v.scripts_at = ST_STOP;
	v.scripts_busy = true;
	think();
	ok(d.want.role == SR_WAIT, "what is covered stays covered");
}

int
main(void)
{
	second();
	prim();
	store();
	disk();
	swap();
	restart();
	orders();
	maintenance();
	standby();
	release();
	test_both_stop();
	test_prestart();
	return tap_done();
}

/* SPDX-License-Identifier: ISC */
/* A secondary that is not always in step: <rfs syncat, syncdelta>. */
#include "decide-world.h"

/* A secondary with a schedule. */
static void
between_syncs(void)
{
	be_second();
	conf.syncat = true;
	m.sync.open = true;
	think();
	ok(m.state == ST_SECOND && m.leave == LV_NONE, "its time: it follows");
	m.sync.open = false;
	think();
	ok(m.leave == LV_SECOND && d.want.notlevel && m.state == ST_WAIT,
	    "level: it leaves, and records it");
	be_waiting();
	conf.syncat = true;
	(void)snprintf(v.sync_next, sizeof(v.sync_next), ", soon");
	v.peer.state = ST_ALONE;
	v.peer.role = SR_PRIM;
	think();
	ok(m.state == ST_WAIT && d.reason == RS_SYNCAT &&
	    d.quality == Q_TRANSIENT && strcmp(d.detail, ", soon") == 0,
	    "between the times it waits");
	m.sync.open = true;
	think();
	ok(m.state == ST_SECOND, "and follows when it is time");
	be_second();
	conf.syncat = true;
	peer_falls_silent();
	probe_answers(false);
	ok(m.promoting && !d.want.force, "level, the primary lost: takes over");
	be_prim();
	conf.syncat = true;
	think();
	ok(m.state == ST_PRIM, "a primary has no schedule");
}

/* WAIT, not level, the peer gone; was in step s ago. */
static void
be_young(int64_t s)
{
	be_waiting();
	conf.syncdelta_s = 600;
	v.self.level = false;
	v.in_step_s = s;
	peer_falls_silent();
}

static void
young(void)
{
	be_young(599);
	ok(d.reason == RS_SYNCDELTA && d.quality == Q_TRANSIENT &&
	    d.probe_id == 0, "syncdelta: first the peer is listened for");
	v.in_step_s += 59;
	at(NOW + 59999);
	think();
	ok(d.probe_id == 0, "for a minute, which does not make it older");
	v.in_step_s++;
	at(NOW + 60000);
	think();
	ok(d.probe_id != 0 && !m.promoting, "then the address is asked");
	probe_answers(false);
	ok(m.promoting && d.want.force && d.want.epoch.era == 1,
	    "and it starts by force");
	be_young(599);
	at(NOW + 60000);
	think();
	probe_answers(true);
	ok(!m.promoting && d.reason == RS_ADDRESS_ANSWERED,
	    "not while somebody answers");
	be_young(599);
	at(NOW + 59000);
	v.peer.net = NET_UP;
	think();
	at(NOW + 61000);
	peer_falls_silent();
	ok(d.reason == RS_SYNCDELTA && d.probe_id == 0,
	    "the peer was heard: from the beginning");
	be_young(600);
	ok(d.reason == RS_STALE, "older data waits");
	be_young(-1);
	ok(d.reason == RS_STALE, "so does what nobody knows the age of");
	be_young(5);
	v.self.resyncing = true;
	think();
	ok(d.reason == RS_HALF_COPIED, "half copied files never start");
	be_young(5);
	conf.failover = false;
	think();
	ok(d.reason == RS_STALE, "failover off: nothing by itself");
	be_young(5);
	v.maintain = true;
	think();
	ok(d.reason == RS_STALE, "nor in maintenance");
	be_young(5);
	v.self.level = true;
	think();
	ok(d.reason == RS_SYNCDELTA, "after both lost their power, too");
	be_young(5);
	v.lan_up = false;
	think();
	ok(d.reason == RS_NO_NETWORK, "who is cut off waits");
}

int
main(void)
{
	between_syncs();
	young();
	return tap_done();
}

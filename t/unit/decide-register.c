/* SPDX-License-Identifier: ISC */
/*
 * The rules of the mode with voters, one by one: each condition of a decision
 * is taken away alone, and the decision must not be made.  What they do
 * together, pair-register.c plays.
 */
#include "decide-node.h"

static void
think(void)
{
	decide(&m, &v, &d);
	if (d.registered)
		v.registered = true;
}

static struct mono
mono(int64_t ms)
{
	return (struct mono){ ms * MS };
}

/* What a majority of the voters says: primary, members, chosen or not. */
static void
voters_say(uint64_t n, uint8_t by, uint8_t primary, bool both, bool chosen)
{
	struct reg_value *p = &v.reg.present;

	memset(p, 0, sizeof(*p));
	p->epoch = ballot(n, by);
	p->primary = primary;
	(void)reg_member_add(p, primary, p->epoch);
	if (both)
		(void)reg_member_add(p, primary == 1 ? 2 : 1, p->epoch);
	v.reg.known = true;
	v.reg.empty = false;
	v.reg.chosen = chosen;
}

static void
voters_know_nothing(void)
{
	memset(&v.reg.present, 0, sizeof(v.reg.present));
	v.reg.known = v.reg.empty = true;
	v.reg.chosen = false;
}

/* What became of the ask that stands. */
static void
result(enum reg_result r)
{
	v.reg.change = d.ask.change;
	v.reg.node = d.ask.node;
	v.reg.result = r;
}

static void
world(void)
{
	node_begin();
	conf.startgrace_ms = 10000;
	v.reg.on = v.registered = v.follow_off = true;
	v.reg.voters = v.reg.answering = 3;
	v.peer.votes = true;
	voters_say(7, 2, 2, true, true);
}

static void
be_second(void)
{
	world();
	node_is_second();
	v.follow_off = false;
	v.grant_until = mono(NOW + 1110);
	think();
}

static void
be_prim(bool both)
{
	world();
	node_is_prim(both);
	v.vip_leased = true;
	v.lease_until = mono(NOW + T);
	voters_say(7, 1, 1, both, true);
	think();
}

static void
be_waiting(uint8_t last, bool both)
{
	world();
	m.state = v.scripts_at = v.scripts_target = ST_WAIT;
	m.wait_since = m.start_since = v.now;
	v.self.role = SR_WAIT;
	peer_is_silent();
	voters_say(7, 2, last, both, true);
	think();
}

static void
peer_falls_silent(void)
{
	peer_is_silent();
	v.grant_until = mono(NOW + 110);
	think();
}

static void
takeover(void)
{
	be_second();
	ok(d.quality == Q_READY && epoch_cmp(decide_follows(&m),
	    ballot(7, 2)) == 0, "SECOND follows and is Ready");
	peer_falls_silent();
	ok(d.probe_id != 0 && d.ask.change == RC_NONE &&
	    d.reason == RS_GRANT_RUNNING,
	    "silent: the address in the last 3 G of the grant, no vote");
	probe_answers(false);
	ok(!m.bid && d.ask.change == RC_NONE, "nobody: not before its end");
	at(NOW + 110);
	think();
	ok(m.bid && epoch_is_none(decide_follows(&m)) &&
	    d.ask.change == RC_NONE,
	    "the grant is over: follows nobody, before it asks");
	v.follow_off = true;
	think();
	ok(d.ask.change == RC_PROMOTE && d.want.role == SR_SECOND,
	    "nothing is echoed any more: the voters are asked");
	result(RR_CHOSEN);
	voters_say(8, 1, 1, false, true);
	v.self.fence = ballot(8, 1);
	think();
	ok(m.promoting && d.want.role == SR_PRIM && !d.want.both &&
	    d.want.epoch.n == 8 && d.ask.change == RC_NONE,
	    "chosen: primary in the epoch of the ballot");
	v.self.role = SR_PRIM;
	v.self.epoch = ballot(8, 1);
	v.self.mounted = v.self.alone = true;
	think();
	ok(m.state == ST_ALONE && d.vip_own && d.lease == LU_NONE,
	    "mounted: ALONE, the address, no lease");
}

/* New voters raise the epoch; of the member only the fence follows. */
static void
raised(void)
{
	be_second();
	v.peer.epoch = v.peer.fence = ballot(9, 2);
	think();
	ok(d.quality == Q_TRANSIENT, "a later epoch, not followed yet");
	v.self.fence = ballot(9, 2);
	think();
	ok(d.quality == Q_READY, "followed, and still a member: Ready");
	v.peer.alone = true;
	think();
	ok(d.quality == Q_TRANSIENT, "no member any more: not");
}

static void
no_takeover(void)
{
	be_second();
	v.peer.loss = true;
	v.grant_until = mono(NOW + 301);
	think();
	ok(d.probe_id == 0, "beats are missed: the address not yet");
	v.grant_until = mono(NOW + 300);
	think();
	ok(d.probe_id != 0 && m.state == ST_SECOND && !m.bid,
	    "but 3 G before the end of the grant, silent or not");
	v.peer.loss = false;
	think();
	ok(d.probe_id == 0, "and not when it is heard again");
	be_second();
	peer_falls_silent();
	probe_answers(true);
	ok(m.state == ST_SECOND && !m.bid, "answered during the grant");
	at(NOW + 110);
	think();
	ok(m.state == ST_SECOND && d.probe_id == m.probe_id && !m.bid,
	    "asked once more after it");
	probe_answers(true);
	settle();
	ok(m.state == ST_WAIT && !d.want.notlevel && v.self.level,
	    "answered again: WAIT, and as level as it was");
	be_second();
	v.self.level = false;
	peer_falls_silent();
	ok(m.state == ST_WAIT && d.ask.change == RC_NONE, "not level: never");
	be_second();
	conf.failover = false;
	peer_falls_silent();
	ok(m.state == ST_WAIT, "failover off: waits");
	be_second();
	v.maintain = true;
	peer_falls_silent();
	at(NOW + 110);
	think();
	ok(m.state == ST_SECOND && d.probe_id == 0 &&
	    d.reason == RS_MAINTENANCE, "maintenance: holds back");
	be_second();
	peer_falls_silent();
	probe_answers(false);
	at(NOW + 110);
	v.follow_off = true;
	think();
	v.peer.net = NET_UP;
	think();
	ok(!m.bid && d.ask.change == RC_NONE && m.state == ST_SECOND,
	    "heard again before the accept left: not asked any more");
	m.bid = true;
	v.reg.accept_left = true;
	think();
	ok(d.ask.change == RC_PROMOTE, "after it: until it is known (L5)");
	be_second();
	v.late = true;
	think();
	ok(m.state == ST_SECOND, "late: only its grant is counted anew");
	be_second();
	v.peer.state = ST_WAIT;
	v.peer.role = SR_WAIT;
	v.peer.quality = Q_NOTREADY;
	think();
	probe_answers(false);
	ok(m.bid, "the primary left: asked without waiting");
	v.follow_off = true;
	think();
	ok(d.ask.change == RC_PROMOTE, "for the place");
	be_second();
	v.peer.fenced = true;
	think();
	probe_answers(false);
	ok(m.bid, "a primary that is fenced for good, too");
}

static void
shrink(void)
{
	be_prim(true);
	ok(d.quality == Q_READY && d.want.both && d.want.lease &&
	    d.lease == LU_RUNS && d.ask.change == RC_NONE,
	    "PRIM is Ready under a lease");
	v.peer.loss = true;
	think();
	ok(d.ask.change == RC_SHRINK && d.want.both && m.state == ST_PRIM,
	    "silent for D: the voters are asked, the set stays");
	ok(d.ask.soon, "and read at once, for who looks at the status");
	v.peer.loss = false;
	think();
	ok(d.ask.change == RC_NONE, "heard again before an accept left: no");
	v.peer.loss = true;
	think();
	v.reg.accept_left = true;
	v.peer.loss = false;
	think();
	ok(d.ask.change == RC_SHRINK, "after it: until it is known (L5)");
	v.reg.accept_left = false;
	voters_say(8, 1, 1, false, true);
	think();
	ok(m.state == ST_ALONE && !d.want.both && d.want.epoch.n == 8 &&
	    d.lease == LU_NONE && !d.want.lease, "chosen: ALONE, no lease");
	be_prim(true);
	at(NOW + 601);
	think();
	ok(d.ask.change == RC_SHRINK, "heard, but no echo for D: asked");
	be_prim(true);
	v.self.stall_ms = 500;
	think();
	ok(d.ask.change == RC_SHRINK, "no answer for stall: asked");
	be_prim(true);
	v.peer.state = ST_WAIT;
	think();
	ok(d.ask.change == RC_SHRINK, "it left: asked");
	be_prim(true);
	v.peer.fence = ballot(9, 2);
	think();
	ok(d.ask.change == RC_SHRINK, "L17: a higher fence: asked");
	be_prim(false);
	v.peer.fence = ballot(9, 2);
	think();
	ok(d.ask.change == RC_SHRINK && d.lease == LU_NONE,
	    "L17 when alone: asked, and no lease needed");
	be_prim(true);
	m.asking = true;
	m.doubt = true;
	think();
	ok(d.ask.change == RC_SHRINK, "a life before may have asked: so, too");
}

static void
lease(void)
{
	be_prim(true);
	v.peer.loss = true;
	at(NOW + T);
	think();
	ok(d.lease == LU_OVER && d.freeze && d.want.both &&
	    d.quality == Q_NOTREADY && d.reason == RS_LEASE_OVER &&
	    m.state == ST_PRIM, "the lease is over: fenced, and asking");
	v.peer.loss = false;
	v.lease_until = mono(NOW + T + T);
	think();
	ok(d.lease == LU_RUNS && !d.freeze && d.quality == Q_READY,
	    "a fresh echo puts it right");
	be_prim(true);
	v.peer.loss = true;
	at(NOW + T);
	think();
	at(NOW + T + T);
	think();
	v.lease_until = mono(NOW + T + T + T);
	think();
	ok(m.sealed && d.freeze, "after T no echo does");
	voters_say(8, 1, 1, false, true);
	think();
	ok(m.state == ST_ALONE && !d.freeze, "a vote does");
	be_prim(true);
	v.peer.loss = true;
	at(NOW + T);
	think();
	at(NOW + T + 3000);
	think();
	ok(m.state == ST_WAIT && m.fenced && !d.vip_own,
	    "fenced for fencehold: stops, the address first");
	be_prim(true);
	voters_say(8, 2, 2, false, true);
	think();
	ok(m.state == ST_WAIT && m.fenced, "the register names the other");
	be_prim(false);
	v.reg.known = false;
	v.reg.answering = 1;
	v.peer.net = NET_DOWN;
	at(NOW + 9000);
	think();
	ok(m.state == ST_ALONE && d.quality == Q_READY &&
	    d.lease == LU_NONE, "ALONE needs no voter");
}

static void
join(void)
{
	be_prim(false);
	ok(d.ask.change == RC_NONE && !d.want.lease, "not level: no join");
	v.self.ready = true;
	think();
	ok(d.ask.change == RC_JOIN && d.ask.node == 2 && d.want.lease &&
	    d.lease == LU_RUNS && !d.want.both && m.joining,
	    "level: the lease counts before the voters are asked");
	v.self.ready = false;
	think();
	ok(d.ask.change == RC_NONE && !d.want.lease, "lost before: dropped");
	v.self.ready = true;
	think();
	v.reg.accept_left = true;
	v.self.ready = false;
	v.peer.loss = true;
	think();
	ok(d.ask.change == RC_SHRINK && d.want.lease,
	    "lost after the accept: both hold until it is known (L5)");
	voters_say(9, 1, 1, false, true);
	v.reg.accept_left = false;
	think();
	ok(m.state == ST_ALONE && !m.joining && d.want.epoch.n == 9 &&
	    !d.want.lease, "a later value ends it");
	be_prim(false);
	v.self.ready = true;
	v.lease_until = mono(NOW + T / 2);
	think();
	ok(d.ask.change == RC_NONE, "half a lease at least");
	be_prim(false);
	v.self.ready = true;
	v.self.stall_ms = 500;
	think();
	think();
	ok(d.ask.change == RC_NONE && !m.joining && !d.want.lease,
	    "nor with one that does not answer, in this call or the next");
	be_prim(false);
	v.self.ready = true;
	v.vip_leased = false;
	think();
	ok(d.ask.change == RC_NONE && m.joining && d.lease == LU_RUNS,
	    "nor before the kernel ends the address with the lease");
	v.vip_leased = true;
	think();
	ok(d.ask.change == RC_JOIN, "then it is");
	be_prim(false);
	v.self.ready = true;
	v.reg.known = false;
	think();
	ok(d.ask.change == RC_NONE, "no majority: not even asked");
	be_prim(false);
	v.self.ready = true;
	v.peer.votes = false;
	think();
	ok(d.ask.change == RC_NONE, "nor with a peer that knows no voters");
	be_prim(false);
	v.self.ready = true;
	think();
	voters_say(8, 1, 1, true, true);
	think();
	ok(d.want.both && d.want.epoch.n == 8 && d.want.lease &&
	    m.state == ST_ALONE, "chosen: both, in its epoch");
	v.self.ready = v.self.alone = false;
	v.self.joined = true;
	v.self.epoch = ballot(8, 1);
	think();
	ok(m.state == ST_PRIM, "and in the store: PRIM");
}

static void
waiting(void)
{
	be_waiting(1, true);
	probe_answers(false);
	ok(d.ask.change == RC_PROMOTE, "the last primary asks at once");
	be_waiting(2, true);
	ok(d.ask.change == RC_NONE && d.probe_id == 0,
	    "another member does not");
	at(NOW + 10000);
	think();
	probe_answers(false);
	ok(d.ask.change == RC_PROMOTE, "but after startgrace");
	be_waiting(2, true);
	v.peer.net = NET_UP;
	v.peer.state = ST_STOP;
	v.peer.wish_start = false;
	think();
	probe_answers(false);
	ok(d.ask.change == RC_PROMOTE, "at once when the other cannot");
	be_waiting(2, false);
	ok(d.reason == RS_PEER_NEWER, "no member: the other has it");
	voters_say(8, 2, 2, false, false);
	think();
	ok(d.reason == RS_IN_DOUBT, "asked for and not known: in doubt");
	be_waiting(1, true);
	v.grant_until = mono(NOW + 500);
	think();
	probe_answers(false);
	ok(d.ask.change == RC_NONE && d.reason == RS_GRANT_RUNNING,
	    "its own grant runs: not yet");
	be_waiting(1, true);
	v.self.level = false;
	v.self.resyncing = true;
	think();
	ok(d.reason == RS_HALF_COPIED && d.probe_id == 0, "half copied: not");
	be_waiting(1, true);
	v.reg.known = false;
	think();
	at(NOW + T);
	think();
	ok(d.reason == RS_NO_MAJORITY && d.ask.change == RC_NONE,
	    "no majority: waits and says so");
	(void)snprintf(v.reg.odd, sizeof(v.reg.odd), "w1 began anew");
	think();
	ok(strcmp(d.detail, "w1 began anew") == 0,
	    "and who answers for nothing is named");
	v.reg.etcd = true;
	think();
	ok(d.reason == RS_NO_ETCD, "of etcd other words");
	be_waiting(1, true);
	probe_answers(true);
	ok(d.reason == RS_ADDRESS_ANSWERED && d.ask.change == RC_NONE,
	    "the address is answered: not");
	be_waiting(1, true);
	voters_know_nothing();
	think();
	ok(d.reason == RS_REGISTER_EMPTY, "the voters forgot: an operator");
	be_waiting(2, true);
	v.peer.net = NET_UP;
	v.peer.state = ST_ALONE;
	v.peer.role = SR_PRIM;
	think();
	ok(m.state == ST_SECOND, "a primary is followed");
	be_waiting(2, false);
	voters_say(9, 2, 1, false, true);
	think();
	ok(m.promoting && d.want.epoch.n == 9,
	    "a value that names this node: it enters");
}

static void
orders(void)
{
	bool risk;

	be_waiting(2, false);
	(void)decide_may_prim(&m, &v, false, &risk);
	ok(risk, "prim on a node that is no member is a risk");
	v.order = OR_PRIM;
	think();
	probe_answers(false);
	ok(d.ask.change == RC_NONE && d.order_done, "and not taken unasked");
	v.order_risk = true;
	think();
	ok(d.ask.change == RC_FORCE && !d.ask.minority, "by force");
	v.reg.known = false;
	think();
	ok(d.ask.change == RC_FORCE && d.ask.minority,
	    "without a majority with those that answer");
	v.reg.etcd = true;
	at(NOW + T);
	think();
	ok(d.ask.change == RC_NONE && d.reason == RS_NO_ETCD,
	    "where etcd is all there is, nobody is left to ask");
	v.reg.etcd = false;
	voters_say(1, 1, 1, false, true);
	v.reg.present.epoch.era = 1;
	v.reg.present.forced = true;
	v.self.fence = v.reg.present.epoch;
	think();
	ok(m.promoting && d.want.force && d.want.epoch.era == 1, "chosen");
	be_waiting(1, true);
	(void)decide_may_prim(&m, &v, false, &risk);
	ok(!risk, "on a member it is none");
	v.order = OR_PRIM;
	think();
	probe_answers(false);
	ok(d.ask.change == RC_PROMOTE, "and no force");
	be_waiting(1, true);
	v.registered = false;
	voters_know_nothing();
	v.self.is_new = v.peer.is_new = true;
	v.self.epoch = v.self.fence = (struct epoch){ 0 };
	v.peer.epoch = v.peer.fence = (struct epoch){ 0 };
	v.self.level = false;
	think();
	ok(d.reason == RS_NEW_MODULE, "nothing anywhere: new module");
	v.order = OR_PRIM;
	think();
	probe_answers(false);
	ok(d.ask.change == RC_FIRST, "prim: the first value");
	voters_say(1, 1, 1, false, true);
	v.self.fence = ballot(1, 1);
	think();
	ok(m.promoting && d.want.fresh && d.want.epoch.n == 1, "and enters");
}

static void
handing(void)
{
	be_prim(true);
	v.order = OR_SWAP;
	think();
	ok(m.leave == LV_PRIM && d.want.lease && d.lease == LU_RUNS &&
	    decide_runs(&m, &v), "swap: the lease counts until it is down");
	v.order = OR_NONE;
	v.scripts_prim = false;
	v.scripts_busy = v.scripts_gated = true;
	v.scripts_target = ST_SECOND;
	v.vip_owned = false;
	v.self.role = SR_DOWN;
	v.self.mounted = v.self.joined = false;
	v.self.drained = v.self.equal = true;
	think();
	ok(d.ask.change == RC_HAND && d.ask.node == 2 && !d.want.handed,
	    "all down and equal: by vote");
	voters_say(8, 1, 2, false, true);
	think();
	ok(m.leave == LV_NONE && m.state == ST_WAIT, "chosen: done");
	be_prim(true);
	v.wish_start = false;
	think();
	v.peer.loss = true;
	think();
	ok(d.ask.change == RC_SHRINK && !m.hand,
	    "lost while the scripts stop: voted out");
	voters_say(8, 1, 1, false, true);
	think();
	ok(!d.want.both && d.want.epoch.n == 8, "and the last syncs end");
	be_prim(true);
	v.wish_start = false;
	think();
	v.lease_until = mono(NOW);
	think();
	ok(m.fenced && !d.vip_own, "the lease ends there: address first");
	be_second();
	v.wish_start = false;
	think();
	ok(m.leave == LV_SECOND && !d.want.notlevel &&
	    d.want.role == SR_SECOND, "SECOND stops: it goes on answering");
	v.peer.alone = true;
	think();
	ok(m.leave == LV_NONE, "until it is voted out");
}

/* Voters of a running module that had none. */
static void
migration(void)
{
	be_prim(true);
	v.registered = false;
	voters_know_nothing();
	think();
	ok(d.ask.change == RC_FIRST && d.want.both && d.lease == LU_NONE &&
	    d.quality == Q_READY, "the primary tells the voters");
	voters_say(8, 1, 1, false, true);
	think();
	ok(v.registered && m.state == ST_ALONE && d.want.epoch.n == 8,
	    "they know: from now on they rule");
	be_second();
	v.registered = false;
	voters_know_nothing();
	peer_falls_silent();
	probe_answers(false);
	at(NOW + 110);
	v.follow_off = true;
	think();
	ok(!m.promoting, "its SECOND promotes by no other rule");
}

int
main(void)
{
	takeover();
	raised();
	no_takeover();
	shrink();
	lease();
	join();
	waiting();
	orders();
	handing();
	migration();
	return tap_done();
}

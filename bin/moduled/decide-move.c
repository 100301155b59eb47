/* SPDX-License-Identifier: ISC */
/*
 * The ways in and out of a role: promotion until the data is mounted here;
 * the end of a primary (scripts, address, drain and unmount, hand-over) and
 * of a secondary (record "not level", let the primary know, go).
 */
#include <stdio.h>
#include <string.h>

#include "decide-register.h"

/* How long an orderly way out waits for the peer (heartbeats only). */
#define LEAVE_BOUND_MS	2000
/* A hand-over that is not answered by then is left to the records. */
#define HANDED_BOUND_MS	10000
/* A mirrord that is only started again, or dies in each life, was heard. */
#define STORE_GONE_MS	4000
/* A record that is written has been by then. */
#define STORE_MUTE_MS	1000

void
promote(struct machine *m, struct epoch e)
{
	m->promoting = true;
	m->epoch = e;
	m->member = m->joined = m->fresh = m->force = false;
	m->joining = m->asking = m->doubt = m->bid = m->seen_level = false;
	m->tried_default = false;
	m->store_since = m->store_good = (struct mono){ 0 };
	m->block = RS_NONE;
	probe_stop(m);
}

enum event
step_promoting(struct machine *m, const struct view *v, struct decision *d)
{
	bool is_prim = v->self.known && v->self.role == SR_PRIM, too_old;

	d->want.role = SR_PRIM;
	d->want.epoch = m->epoch;
	d->want.fresh = m->fresh && v->self.is_new;
	d->want.force = m->force;
	d->script_target = ST_ALONE;
	d->script_gate = false;
	d->intent = IN_PROMOTE;
	/* Another claim was followed or used here since: too late. */
	too_old = v->self.known && !is_prim &&
	    epoch_cmp(v->self.fence, m->epoch) > 0;
	too_old = too_old || (has_register(v) &&
	    register_names_other(v, m->epoch));
	if (!v->wish_start || too_old || (peer_up(v) &&
	    v->peer.role == SR_PRIM && peer_outranks(m, v))) {
		m->promoting = false;
		if (is_prim || !v->self.known) {
			leave_prim(m, v, false, true);
			return EV_LEAVE;
		}
		note(d, "promotion given up");
		return EV_LEAVE;
	}
	if (is_prim && v->self.mounted && v->self.alone &&
	    epoch_cmp(v->self.epoch, m->epoch) == 0) {
		m->promoting = m->force = m->fresh = false;
		if (v->order != OR_NONE)
			d->order_done = true;
		return EV_PROMOTED;
	}
	if (!because_store(d, v, Q_NOTREADY))
		because(d, Q_TRANSIENT, RS_PROMOTING, "mounting");
	return EV_NONE;
}

void
leave_prim(struct machine *m, const struct view *v, bool hand, bool fenced)
{
	m->leave = LV_PRIM;
	m->leave_since = v->now;
	m->hand = hand;
	m->handing = m->lost = false;
	m->gone_since = (struct mono){ 0 };
	m->fenced = fenced;
}

static enum event
leave_done(struct machine *m, const struct view *v)
{
	m->leave = LV_NONE;
	m->hand = m->handing = m->fenced = m->swap = false;
	m->member = m->joined = m->relisten = false;
	m->joining = m->asking = m->doubt = m->frozen = m->sealed = false;
	m->wait_since = v->now;
	/* Not a new state, but the rest of WAIT must be asked now. */
	return EV_LEAVE;
}

/* The peer's record answers, one way or the other. */
static bool
hand_answered(const struct view *v)
{
	return v->peer.has_blob &&
	    (round_cmp(v->peer.epoch, v->self.handed_epoch) >= 0 ||
	    epoch_cmp(v->peer.refused, v->self.handed_epoch) >= 0);
}

static enum event
hand_over(struct machine *m, const struct view *v, struct decision *d)
{
	struct epoch e = epoch_next(m->epoch, v->conf->peer_id);
	bool stored = v->self.known &&
	    strcmp(v->self.handed, v->conf->peer) == 0 &&
	    epoch_cmp(v->self.handed_epoch, e) == 0;

	if (!m->handing) {
		m->handing = true;
		m->leave_since = v->now;
	}
	d->want.role = SR_DOWN;
	d->want.handed = true;
	d->want.epoch = e;
	because(d, Q_TRANSIENT, RS_SWAPPING, "%s", "");
	if (!stored && v->self.known && v->self.code[0] != '\0' &&
	    lasted(&m->leave_since, v, d, STORE_MUTE_MS)) {
		note(d, "no hand-over, %s: left to %s", v->self.error,
		    v->conf->peer);
		return leave_done(m, v);
	}
	if (!stored)
		return EV_NONE;
	if (!hand_answered(v) &&
	    !lasted(&m->leave_since, v, d, HANDED_BOUND_MS))
		return EV_NONE;
	if (m->swap && round_cmp(v->peer.epoch, e) < 0)
		note(d, "%s has not taken the place handed to it",
		    v->conf->peer);
	return leave_done(m, v);
}

/* Down and drained: hand over, or that was it. */
static enum event
primary_is_down(struct machine *m, const struct view *v, struct decision *d)
{
	/* What is here and not there was never acknowledged: with a mirrord
	 * or a disk that is lost it is given up, as by a crash of the node. */
	bool lost = m->lost || v->self.disk_down;
	bool may = m->hand && (v->self.equal || lost) && peer_up(v) &&
	    v->peer.state == ST_SECOND && v->peer.level;

	if (has_register(v) && (m->handing || (may && v->reg.known)))
		return register_hand(m, v, d) == EV_NONE ? EV_NONE :
		    leave_done(m, v);
	if (!has_register(v) && (m->handing || may))
		return hand_over(m, v, d);
	/*
	 * Not handed, and our address was not answered for a while: a peer
	 * that is silent may have taken over, so the records must decide.
	 */
	if (m->hand)
		note(d, "no hand-over: %s is not level or not heard",
		    v->conf->peer);
	return leave_done(m, v);
}

/* While the scripts stop: the peer is gone, provably. */
static bool
is_lost(struct machine *m, const struct view *v, struct decision *d)
{
	if (v->peer.net != NET_DOWN) {
		if (!m->r24)
			evidence_stop(m);
		return false;
	}
	switch (outside(m, v, d, prim_power_delay(v))) {
	case OU_NOTHING:
		return peer_has_probed(v, d);
	case OU_OFF:
		return true;
	case OU_WAIT:
	case OU_CUT:
		break;
	}
	return false;
}

/*
 * Who could end the mount does not come back: nothing is answered in it, a
 * mirrord that starts later is wished down, and what it still has was not
 * acknowledged.  Or the mount has ended, and the disk takes no record of it.
 */
bool
leave_is_mute(const struct machine *m, const struct view *v)
{
	if (v->vip_owned)
		return false;
	if (m->leave == LV_PRIM)
		return m->lost && !v->self.known &&
		    mono_is_set(m->gone_since) &&
		    mono_diff_ms(v->now, m->gone_since) >= STORE_GONE_MS;
	return m->state == ST_WAIT && m->leave == LV_NONE && v->self.known &&
	    v->self.role == SR_DOWN && !v->self.mounted &&
	    v->self.code[0] != '\0' &&
	    strcmp(v->self.handed, v->conf->peer) != 0;
}

/* How long there has been no word of a mirrord. */
static void
watch_store(struct machine *m, const struct view *v, struct decision *d)
{
	if (v->self.known) {
		m->gone_since = (struct mono){ 0 };
		return;
	}
	(void)lasted(&m->gone_since, v, d, STORE_GONE_MS);
	because(d, leave_is_mute(m, v) ? Q_NOTREADY : Q_TRANSIENT,
	    RS_STOPPING, ": mirrord does not answer");
}

enum event
step_leave_prim(struct machine *m, const struct view *v, struct decision *d)
{
	bool down = v->self.known && !v->self.mounted &&
	    (v->self.role == SR_DOWN || v->self.role == SR_WAIT ||
	    v->self.role == SR_NONE);

	d->action = !v->wish_start ? "stop" : m->swap ? "swap" : "stopwait";
	d->script_target = m->swap && m->hand ? ST_SECOND : ST_WAIT;
	d->script_gate = false;
	d->intent = v->wish_start ? IN_NONE : IN_STOP;
	because(d, Q_TRANSIENT, m->hand ? RS_SWAPPING : RS_STOPPING,
	    "%s", "");
	if (v->order == OR_SWAP)
		d->order_done = true;
	d->want.role = SR_PRIM;
	d->want.epoch = m->epoch;
	d->want.both = m->member;
	/*
	 * Order of safekit: application, address, data.  Without a right to
	 * the role the address goes first and the mount is aborted at once:
	 * what it would still write is nobody's.
	 */
	watch_store(m, v, d);
	if (has_register(v) && v->self.mounted)
		register_leaving(m, v, d);
	if (!m->fenced && v->scripts_prim) {
		d->vip_own = true;
		if (has_register(v))
			return EV_NONE;
		if (!links_ok(v))
			m->relisten = true;
		if (m->member && !m->relisten && is_lost(m, v, d)) {
			m->epoch = d->want.epoch = next_epoch(m, v);
			m->member = m->hand = d->want.both = false;
			note(d, "%s was lost on the way: recorded as behind",
			    v->conf->peer);
		}
		if (serve_goes_alone(m, v, d))
			m->hand = false;
		return EV_NONE;
	}
	if (v->vip_owned && !m->handing)
		return EV_NONE;
	d->want.role = SR_DOWN;
	d->want.both = false;
	if (m->handing)
		return primary_is_down(m, v, d);
	if (!down || !(v->self.drained || v->self.role != SR_DOWN))
		return EV_NONE;
	if (v->scripts_prim)
		return EV_NONE;
	return primary_is_down(m, v, d);
}

void
leave_second(struct machine *m, const struct view *v, bool notlevel)
{
	if (notlevel && v->self.level)
		m->mark = true;
	/* Only who goes for good owes the primary a word. */
	if ((m->mark || v->reg.on) && peer_serves(v) &&
	    second_is_to_go(m, v)) {
		m->leave = LV_SECOND;
		m->leave_since = v->now;
	}
}

enum event
step_leave_second(struct machine *m, const struct view *v,
    struct decision *d)
{
	bool told = !m->mark && v->self.known;
	bool heard = !peer_serves(v) || v->peer.alone;

	if (v->reg.on)
		return register_leave_second(m, v, d) == EV_NONE ? EV_NONE :
		    leave_done(m, v);
	d->script_target = ST_WAIT;
	d->action = v->wish_start ? "stopwait" : "stop";
	d->want.notlevel = m->mark;
	because(d, Q_TRANSIENT, RS_STOPPING, "%s", "");
	if (!(told && heard) &&
	    !lasted(&m->leave_since, v, d, LEAVE_BOUND_MS))
		return EV_NONE;
	return leave_done(m, v);
}

/* SPDX-License-Identifier: ISC */
/*
 * ALONE and PRIM: keep serving, take the peer in when it is level, and go on
 * without it only when that is safe: it said that it does not follow, or a
 * living peer must have probed and found our address answered (heartbeats
 * only), or it was asked to leave and had its time (R24).
 */
#include <stdio.h>
#include <string.h>

#include "decide-register.h"
#include "decide-standing.h"

/* Without a mirrord that serves, on and off, for so long: it is lost. */
#define STORE_LOST_MS	10000
/* It is back when it has served for this long. */
#define STORE_GOOD_MS	3000

static enum event
go_alone(struct machine *m, const struct view *v, struct decision *d,
    const char *why)
{
	char text[EPOCH_LEN];

	m->epoch = next_epoch(m, v);
	m->member = m->joined = m->r24 = m->relisten = false;
	m->seen_level = false;
	m->left_since = m->unlinked_since = (struct mono){ 0 };
	evidence_stop(m);
	note(d, "going on alone in %s: %s", epoch_human(text, m->epoch), why);
	return m->state == ST_PRIM ? EV_SHRUNK : EV_NONE;
}

/* Alone only now, in state ALONE already: the wish must carry it. */
static enum event
alone_now(struct machine *m, const struct view *v, struct decision *d,
    const char *why)
{
	enum event e = go_alone(m, v, d, why);

	d->want.epoch = m->epoch;
	d->want.both = false;
	return e;
}

static enum event
step_down(struct machine *m, const struct view *v, struct decision *d,
    enum reason why, const char *text)
{
	m->block = why;
	(void)snprintf(m->block_text, sizeof(m->block_text), "%s", text);
	note(d, "steps down: %s %s", reason_row(why)->code, text);
	leave_prim(m, v, false, true);
	return EV_LEAVE;
}

/*
 * A peer that probed while our links were down found nobody, and may have
 * served and died since: after T without links only its own word (heard when
 * they are back) or the operator's lets this node go on.
 */
static enum event
peer_silent(struct machine *m, const struct view *v, struct decision *d)
{
	m->r24 = false;
	/* A peer that hears us, though we do not hear it, leaves at once. */
	d->intent = IN_GOING_ALONE;
	if (!links_ok(v) || m->relisten) {
		/* Acknowledges nothing, decides nothing, then stops. */
		because(d, Q_NOTREADY, RS_NO_NETWORK, "; writes are held");
		/* On patch day the switch comes back, too. */
		if (v->maintain || !lasted(&m->left_since, v, d,
		    v->conf->fencehold_ms))
			return EV_NONE;
		return step_down(m, v, d, RS_NO_NETWORK, "");
	}
	because(d, Q_TRANSIENT, RS_PEER_SILENT, "%s", "");
	if (v->conflict[0] != '\0')
		return step_down(m, v, d, RS_ADDRESS_ANSWERED, v->conflict);
	switch (outside(m, v, d, prim_power_delay(v))) {
	case OU_WAIT:
		return EV_NONE;
	case OU_CUT:
		return step_down(m, v, d, RS_SPLITBRAIN, v->ping.names);
	case OU_OFF:
		return alone_now(m, v, d, "the peer's power is off");
	case OU_NOTHING:
		break;
	}
	if (!peer_has_probed(v, d))
		return EV_NONE;
	return alone_now(m, v, d, "the peer is silent and has not taken over");
}

/* R24: the peer is heard, but does not answer or does not follow. */
static enum event
leave_it_out(struct machine *m, const struct view *v, struct decision *d)
{
	bool left = v->peer.state != ST_SECOND && !v->peer.level;

	d->intent = IN_GOING_ALONE;
	because(d, Q_TRANSIENT, RS_GOING_ALONE, "%s", "");
	if (left && v->peer.durable)
		return alone_now(m, v, d, "the peer has left and recorded it");
	if (!lasted(&m->r24_since, v, d, v->conf->stall_ms))
		return EV_NONE;
	/* A SECOND may hear nothing of us, and be asking its own device. */
	if (v->power.on && v->peer.state == ST_SECOND) {
		if (peer_is_off(m, v, d, prim_power_delay(v)) &&
		    lasted(&m->power_off_since, v, d, v->conf->timeout_ms))
			power_lied(m, v, d, "it is still heard");
		return EV_NONE;		/* till it is silent */
	}
	note(d, "%s could not record that it is behind: if both lose power, "
	    "do not start %s first", v->conf->peer, v->conf->peer);
	return alone_now(m, v, d, "the peer did not answer in time");
}

static bool
must_leave_out(struct machine *m, const struct view *v, struct decision *d)
{
	if (m->r24)
		return true;
	/* It recorded "not level" before it said so (R25). */
	if (v->self.known && v->self.peer_failed[0] != '\0')
		return true;
	if (v->self.known && v->self.stall_ms >= v->conf->stall_ms)
		return true;
	/* A restart of its mirrord or moduled is shorter than this; and while
	 * our own mirrord comes and goes it is not the peer that is behind. */
	if (v->self.known && !v->self.link_up &&
	    !mono_is_set(m->store_since)) {
		if (lasted(&m->unlinked_since, v, d, v->conf->stall_ms))
			return true;
	} else
		m->unlinked_since = (struct mono){ 0 };
	if (v->peer.state != ST_SECOND) {
		if (lasted(&m->left_since, v, d, v->conf->stall_ms))
			return true;
	} else
		m->left_since = (struct mono){ 0 };
	return false;
}

static enum event
peer_heard(struct machine *m, const struct view *v, struct decision *d)
{
	if (m->relisten)
		m->left_since = (struct mono){ 0 };
	m->relisten = false;
	if (!m->r24)
		evidence_stop(m);
	/*
	 * Blobs are slower than the join: the peer's word counts once it has
	 * called itself level in this very epoch.
	 */
	if (m->joined && v->peer.level &&
	    round_cmp(v->peer.epoch, m->epoch) == 0)
		m->seen_level = true;
	if (m->seen_level && !v->peer.level && v->peer.durable)
		return alone_now(m, v, d, "the peer is not level");
	if (must_leave_out(m, v, d)) {
		if (!m->r24) {
			m->r24 = true;
			m->r24_since = v->now;
			if (v->self.peer_failed[0] != '\0')
				note(d, "%s failed: %s: going alone",
				    v->conf->peer, v->self.peer_failed);
			else
				note(d, "%s does not answer (%lld ms): going "
				    "alone", v->conf->peer,
				    (long long)v->self.stall_ms);
		}
		return leave_it_out(m, v, d);
	}
	if (m->state == ST_ALONE && v->self.known && v->self.joined &&
	    epoch_cmp(v->self.epoch, m->epoch) == 0 && !v->self.alone) {
		m->joined = true;
		note(d, "%s is level and a member", v->conf->peer);
		return EV_JOINED;
	}
	if (v->peer.loss && d->quality == Q_READY)
		because(d, Q_TRANSIENT, RS_PEER_SILENT, "%s", "");
	return EV_NONE;
}

bool
serve_goes_alone(struct machine *m, const struct view *v, struct decision *d)
{
	if (!m->member || !peer_up(v))
		return false;
	(void)peer_heard(m, v, d);	/* the state is left in any case */
	return !m->member;
}

/* The peer is not in the set: nobody can take over, nothing to wait for. */
static enum event
without_peer(struct machine *m, const struct view *v, struct decision *d)
{
	if (!v->self.known || !v->self.ready || !peer_up(v))
		return EV_NONE;
	if (v->peer.state != ST_SECOND ||
	    epoch_cmp(v->self.epoch, m->epoch) != 0)
		return EV_NONE;
	/* From here on both answers are needed for each sync (L12). */
	m->member = true;
	m->joined = m->seen_level = false;
	d->want.both = true;
	return EV_NONE;
}

static bool
entered(const struct machine *m, const struct view *v)
{
	return v->self.known && v->self.role == SR_PRIM && v->self.mounted &&
	    epoch_cmp(v->self.epoch, m->epoch) == 0 &&
	    (!v->conf->vip || v->vip_owned) && !v->scripts_busy &&
	    v->scripts_at == m->state;
}

/* Once for each join, both Ready: the place goes to whom it belongs. */
static bool
default_wants_peer(struct machine *m, const struct view *v)
{
	const char *def = v->conf->defaultprim;

	if (m->tried_default || v->peer.quality != Q_READY || v->maintain ||
	    v->peer.state != ST_SECOND || v->peer.standby)
		return false;
	m->tried_default = true;
	if (strcmp(def, "lastprim") == 0)
		return strcmp(v->peer.stoprole, "prim") == 0;
	return strcmp(def, v->conf->peer) == 0;
}

/* Operator, rule, swap: why this node should leave.  EV_NONE: it stays. */
static enum event
asked_to_leave(struct machine *m, const struct view *v, struct decision *d)
{
	if (!v->wish_start || v->rule_wait) {
		leave_prim(m, v, decide_may_hand(m, v), false);
		return EV_LEAVE;
	}
	if (v->order == OR_SWAP)
		d->order_done = true;
	if (m->state != ST_PRIM)
		return EV_NONE;
	if (v->order != OR_SWAP && v->peer.intent != IN_SWAP &&
	    !(entered(m, v) && default_wants_peer(m, v)))
		return EV_NONE;
	if (!decide_may_hand(m, v) || !entered(m, v))
		return EV_NONE;
	note(d, "swap: handing over to %s (%s)", v->conf->peer,
	    v->order == OR_SWAP ? "operator here" :
	    v->peer.intent == IN_SWAP ? "asked there" : "from defaultprim");
	m->swap = true;
	leave_prim(m, v, true, false);
	return EV_LEAVE;
}

/*
 * A mirrord that is killed is back within a moment, and nobody notices.  One
 * that does not come back, or dies again and again, serves nobody, while the
 * peer has all that was acknowledged.
 */
static bool
store_is_lost(struct machine *m, const struct view *v, struct decision *d)
{
	if (!v->self.known || !v->self.mounted) {
		m->store_good = (struct mono){ 0 };
		(void)lasted(&m->store_since, v, d, STORE_LOST_MS);
	} else if (mono_is_set(m->store_since) &&
	    lasted(&m->store_good, v, d, STORE_GOOD_MS))
		m->store_since = (struct mono){ 0 };
	return mono_is_set(m->store_since) && v->conf->failover &&
	    !v->maintain && decide_may_hand(m, v) &&
	    lasted(&m->store_since, v, d, STORE_LOST_MS);
}

static void
show_serving(const struct machine *m, const struct view *v,
    struct decision *d)
{
	if (entered(m, v))
		because(d, Q_READY, RS_NONE, "%s", "");
	else if (!v->self.known)
		because(d, Q_TRANSIENT, RS_MIRRORD_ERROR,
		    "mirrord is being restarted");
	else if (v->self.mounted || !because_store(d, v, Q_NOTREADY))
		because(d, Q_TRANSIENT, RS_STARTING, "%s", "");
}

/*
 * Meeting: the higher (era, n) has the data, whether it runs or not; two
 * that run at the same one are told apart by the tie.
 */
static bool
is_superseded(const struct machine *m, const struct view *v)
{
	if (has_register(v) && register_names_other(v, m->epoch))
		return true;
	if (v->peer.net == NET_UP && v->peer.stamp_prim &&
	    round_cmp(v->peer.stamp_epoch, m->epoch) > 0)
		return true;
	if (!peer_up(v))
		return false;
	if (v->peer.role == SR_PRIM)
		return peer_outranks(m, v);
	if (has_register(v))
		return false;
	return v->peer.level && round_cmp(v->peer.epoch, m->epoch) > 0;
}

static void
watch_links(struct machine *m, const struct view *v, struct decision *d)
{
	if (links_ok(v))
		m->nolink_since = (struct mono){ 0 };
	else if (lasted(&m->nolink_since, v, d,
	    v->conf->timeout_ms - v->conf->pulse_ms))
		m->relisten = true;
}

enum event
step_serve(struct machine *m, const struct view *v, struct decision *d)
{
	enum event e;

	if ((e = register_learn(m, v, d)) != EV_NONE)
		return e;
	if (m->joined)
		d->lastprim = v->conf->node;
	d->want.role = SR_PRIM;
	d->want.epoch = m->epoch;
	d->want.both = m->member;
	d->want.fresh = m->fresh && v->self.known && v->self.is_new;
	d->vip_own = true;
	d->script_gate = !v->conf->vip || v->vip_owned;
	show_serving(m, v, d);
	if (v->order == OR_PRIM || v->order == OR_PRIMFORCE ||
	    v->order == OR_SECOND)
		d->order_done = true;
	if (is_superseded(m, v)) {
		m->block = RS_NONE;
		note(d, "steps down: %s holds later data", v->conf->peer);
		leave_prim(m, v, false, true);
		return EV_LEAVE;
	}
	if (store_is_lost(m, v, d)) {
		note(d, "mirrord does not serve: %s is to take over",
		    v->conf->peer);
		leave_prim(m, v, true, true);
		m->lost = true;
		return EV_LEAVE;
	}
	if ((e = asked_to_leave(m, v, d)) != EV_NONE)
		return e;
	if (has_register(v))
		return register_serve(m, v, d);
	/* Voters are new here: from now on they shall know. */
	if (v->reg.on && v->reg.known && (v->reg.empty || register_is_old(v)))
		register_ask(m, v, d, RC_FIRST, 0);
	/* A higher fence locks the pair until it is topped (L17). */
	if (peer_up(v) && v->peer.role != SR_PRIM &&
	    epoch_cmp(v->peer.fence, m->epoch) > 0)
		return alone_now(m, v, d, "the peer holds a later epoch");
	if (!m->member)
		return without_peer(m, v, d);
	watch_links(m, v, d);
	if (v->peer.net == NET_DOWN)
		return peer_silent(m, v, d);
	if (peer_up(v))
		return peer_heard(m, v, d);
	evidence_stop(m);	/* of a silence that has ended */
	if (v->peer.net == NET_UNKNOWN)
		because(d, Q_TRANSIENT, RS_LISTENING, "%s", "");
	return EV_NONE;
}

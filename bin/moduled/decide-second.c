/* SPDX-License-Identifier: ISC */
/*
 * SECOND: follow the primary; take its place only when all of this holds
 * (heartbeats only): level at the newest epoch known, every heartbeat
 * network silent for T, own links up, not late, nobody answers the address.
 */
#include <stdio.h>

#include "decide-register.h"

/*
 * Level in the very epoch that the peer was last heard in.  Two that parted
 * may both have taken the next one: who still has `alone' on record has not
 * joined since.
 */
static bool
is_member(const struct machine *m, const struct view *v)
{
	if (v->peer.stamp_prim &&
	    round_cmp(v->peer.stamp_epoch, v->self.epoch) > 0)
		return false;
	return v->self.known && v->self.level && !v->self.alone && !m->mark &&
	    round_cmp(v->self.epoch, m->epoch) == 0 &&
	    round_cmp(v->peer.epoch, v->self.epoch) <= 0;
}

static enum event
give_up(struct machine *m, const struct view *v, struct decision *d,
    enum reason why, const char *text)
{
	m->block = why;
	(void)snprintf(m->block_text, sizeof(m->block_text), "%s", text);
	leave_second(m, v, why == RS_ADDRESS_ANSWERED);
	note(d, "leaves SECOND: %s %s", reason_row(why)->code, text);
	return EV_LEAVE;
}

static bool
is_ordered(const struct view *v)
{
	return v->order == OR_PRIM || v->order == OR_PRIMFORCE;
}

/*
 * Maintenance: nobody answers, and yet no takeover.  The address is asked
 * again and again, at least once in T: a primary that comes back unheard goes
 * on alone only after T + 3G, and must be found before it does.
 */
static enum event
hold_back(struct machine *m, const struct view *v, struct decision *d)
{
	probe_stop(m);
	m->probe_retry = mono_add_ms(v->now, v->conf->timeout_ms / 2);
	wake_at(d, m->probe_retry);
	return EV_NONE;
}

static enum event
take_over(struct machine *m, const struct view *v, struct decision *d,
    const char *why)
{
	note(d, "%s is silent and %s", v->conf->peer, why);
	promote(m, next_epoch(m, v));
	return step_promoting(m, v, d);
}

/* The word of the device against that of the address. */
static enum event
peer_off(struct machine *m, const struct view *v, struct decision *d)
{
	char text[FACT_TEXT];

	because(d, Q_TRANSIENT, RS_PROMOTING, "probing %s",
	    v->conf->addresses);
	switch (probe(m, v, d)) {
	case PB_PENDING:
		return EV_NONE;
	case PB_ANSWERED:
		(void)snprintf(text, sizeof(text), "%.100s answers",
		    v->probe_text);
		power_lied(m, v, d, text);
		probe_stop(m);
		return EV_NONE;
	case PB_FREE:
		break;
	}
	return take_over(m, v, d, "its power is off");
}

static enum event
peer_silent(struct machine *m, const struct view *v, struct decision *d)
{
	bool held = v->maintain && !is_ordered(v);

	if (!v->self.known) {
		because(d, Q_NOTREADY, RS_MIRRORD_ERROR, "no mirrord");
		return EV_NONE;
	}
	if (!v->lan_up)
		return give_up(m, v, d, RS_NO_NETWORK, "");
	if (!is_member(m, v)) {
		leave_second(m, v, false);
		return EV_LEAVE;
	}
	if (!v->conf->failover)
		return give_up(m, v, d, RS_FAILOVER_OFF, "");
	/* A state that lasts an hour: it does not change with each probe. */
	if (held)
		because(d, Q_NOTREADY, RS_MAINTENANCE, "%s", "");
	else
		because(d, Q_TRANSIENT, RS_PROMOTING, "probing %s",
		    v->conf->addresses);
	if (!links_ok(v)) {
		because(d, Q_NOTREADY, RS_NO_NETWORK,
		    ": the address cannot be probed");
		probe_stop(m);
		return EV_NONE;
	}
	switch (held ? OU_NOTHING : outside(m, v, d,
	    v->conf->power_delay_ms)) {
	case OU_WAIT:
		return EV_NONE;
	case OU_CUT:
		return give_up(m, v, d, RS_SPLITBRAIN, v->ping.names);
	case OU_OFF:
		return peer_off(m, v, d);
	case OU_NOTHING:
		break;
	}
	if (held && mono_is_set(m->probe_retry) &&
	    !mono_passed(m->probe_retry, v->now)) {
		wake_at(d, m->probe_retry);
		return EV_NONE;
	}
	switch (probe(m, v, d)) {
	case PB_PENDING:
		return EV_NONE;
	case PB_ANSWERED:
		return give_up(m, v, d, RS_ADDRESS_ANSWERED, v->probe_text);
	case PB_FREE:
		break;
	}
	if (held)
		return hold_back(m, v, d);
	return take_over(m, v, d, "nobody answers the address");
}

/* The peer is heard and is no primary any more. */
static enum event
peer_left(struct machine *m, const struct view *v, struct decision *d)
{
	if (v->peer.role == SR_PRIM || v->peer.role == SR_DOWN ||
	    v->peer.intent == IN_PROMOTE) {
		/* On its way down: a hand-over may come; or coming back. */
		because(d, Q_TRANSIENT, RS_PEER_LEAVES, "%s", "");
		return EV_NONE;
	}
	leave_second(m, v, false);
	return EV_LEAVE;
}

static void
show_following(const struct machine *m, const struct view *v,
    struct decision *d)
{
	if (is_member(m, v) && !v->scripts_busy &&
	    v->scripts_at == ST_SECOND) {
		because(d, Q_READY, RS_NONE, "%s", "");
		d->lastprim = v->conf->peer;
	} else if (!because_store(d, v, Q_TRANSIENT))
		because(d, Q_TRANSIENT, RS_COPYING, "%s", "");
}

static enum event
follow(struct machine *m, const struct view *v, struct decision *d)
{
	probe_stop(m);
	evidence_stop(m);
	if (v->peer.intent == IN_GOING_ALONE) {
		/* R24: leave at once; the disk may answer later. */
		leave_second(m, v, true);
		return EV_LEAVE;
	}
	if (handed_to_me(v) && is_member(m, v) &&
	    epoch_cmp(v->refused, v->peer.handed_epoch) < 0) {
		note(d, "%s handed over", v->conf->peer);
		promote(m, v->peer.handed_epoch);
		return step_promoting(m, v, d);
	}
	refuse_hand(v, d);
	if (!peer_serves(v))
		return peer_left(m, v, d);
	if (v->self.known && epoch_cmp(v->peer.epoch, v->self.fence) < 0) {
		/* Refused by our fence until it has refreshed (L17). */
		because(d, Q_TRANSIENT, RS_LISTENING, "%s", "");
		return EV_NONE;
	}
	m->epoch = d->want.epoch = v->peer.epoch;
	show_following(m, v, d);
	return EV_NONE;
}

enum event
step_second(struct machine *m, const struct view *v, struct decision *d)
{
	bool fullsync = v->order == OR_SECOND && v->order_fullsync;

	d->want.role = SR_SECOND;
	d->want.epoch = m->epoch;
	d->want.fullsync = fullsync;
	if (v->order == OR_SWAP)
		d->intent = IN_SWAP;
	if (v->order == OR_SECOND && is_member(m, v))
		d->order_done = true;
	/* In maintenance it is the operator who takes over, and where the
	 * peer cannot be fenced. */
	if (is_ordered(v) && !((v->maintain || m->power_failed) &&
	    v->peer.net == NET_DOWN)) {
		note(d, "prim refused: %s is primary", v->conf->peer);
		d->order_done = true;
	}
	if (second_is_to_go(m, v)) {
		leave_second(m, v, v->self.level && !v->reg.on);
		return EV_LEAVE;
	}
	/* With voters the grant counts, and it is taken anew (L8). */
	if (m->late && !v->reg.on) {
		m->late = false;
		note(d, "this node was late: it leaves SECOND and listens");
		leave_second(m, v, false);
		return EV_LEAVE;
	}
	if (v->self.known && v->self.diverged[0] != '\0' && !fullsync)
		return give_up(m, v, d, RS_DIVERGED, v->self.diverged);
	if (v->self.known && v->self.no_room[0] != '\0')
		return give_up(m, v, d, RS_DIVERGED_NO_SPACE,
		    v->self.no_room);
	if (v->reg.on)
		return register_second(m, v, d);
	switch (v->peer.net) {
	case NET_DOWN:
		return peer_silent(m, v, d);
	case NET_UP:
		if (v->peer.has_blob)
			return follow(m, v, d);
		break;
	case NET_UNKNOWN:
		break;
	}
	probe_stop(m);
	evidence_stop(m);
	because(d, Q_TRANSIENT, RS_LISTENING, "%s", "");
	return EV_NONE;
}

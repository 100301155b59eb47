/* SPDX-License-Identifier: ISC */
/*
 * WAIT: who shall be primary?  A peer that serves is followed.  Two that
 * wait compare their records, by the same rule on both nodes.  Without the
 * peer only that node may start which has on record that the peer is behind
 * (`alone'), and only when nobody answers the address.  Everything else
 * waits and says why.
 */
#include <stdio.h>
#include <string.h>

#include "decide-register.h"

/* An answered address is asked again at this interval. */
#define PROBE_AGAIN_MS	3000

/* How long a silent peer is listened for before older data is taken. */
#define YOUNG_LISTEN_MS	60000

enum choice { CH_ME, CH_PEER, CH_NONE };

static enum choice
choose_equal(const struct view *v)
{
	const struct self_facts *s = &v->self;
	const struct peer_facts *p = &v->peer;

	if (s->alone != p->alone)
		return s->alone ? CH_ME : CH_PEER;
	if (!p->level)
		return CH_ME;
	if (tie_is_mine(v))
		return CH_ME;
	/* Equal and in step, and the other one is not going to run. */
	if (!p->wish_start && p->state == ST_STOP)
		return CH_ME;
	return CH_PEER;
}

/* Both are heard and none is primary: who should be?  Same rule on both. */
static enum choice
choose(const struct view *v, enum reason *why)
{
	const struct self_facts *s = &v->self;
	const struct peer_facts *p = &v->peer;
	int c = round_cmp(s->epoch, p->epoch);
	enum choice ch;

	*why = RS_NONE;
	if (s->is_new) {
		*why = p->is_new ? RS_NEW_MODULE : RS_PEER_NEWER;
		return CH_NONE;
	}
	if (!s->level) {
		*why = s->resyncing ? RS_HALF_COPIED : RS_STALE;
		return p->level ? CH_PEER : CH_NONE;
	}
	if (p->is_new || c > 0)
		return CH_ME;
	*why = RS_PEER_NEWER;
	if (c < 0)
		return p->level ? CH_PEER : CH_NONE;
	ch = choose_equal(v);
	if (ch == CH_ME)
		*why = RS_NONE;
	return ch;
}

static struct epoch
forced_epoch(const struct machine *m, const struct view *v)
{
	struct epoch e = next_epoch(m, v);

	e.era++;
	return e;
}

bool
is_ordinary(const struct view *v)
{
	enum reason why;

	if (v->self.is_new)
		return !peer_up(v) || v->peer.is_new;
	if (peer_up(v))
		return choose(v, &why) == CH_ME;
	return v->self.level && v->self.alone &&
	    round_cmp(v->peer.epoch, v->self.epoch) <= 0;
}

enum reason
decide_may_prim(const struct machine *m, const struct view *v,
    bool primforce, bool *risk)
{
	*risk = false;
	if (peer_up(v) && v->peer.role == SR_PRIM)
		return RS_PEER_STARTS;
	if (m->state == ST_ALONE || m->state == ST_PRIM) {
		*risk = m->power_failed && v->peer.net == NET_DOWN;
		return RS_NONE;
	}
	if (m->state == ST_SECOND && v->peer.net != NET_DOWN)
		return RS_PEER_STARTS;
	if (v->self.resyncing && !v->self.level && !primforce)
		return RS_HALF_COPIED;
	*risk = !(v->reg.on ? register_is_ordinary(v) : is_ordinary(v));
	return RS_NONE;
}

static enum event
take(struct machine *m, const struct view *v, struct decision *d,
    struct epoch e, const char *why)
{
	char text[EPOCH_LEN];

	if (v->reg.on)
		return register_first(m, v, d, why);
	note(d, "takes the data in %s: %s", epoch_human(text, e), why);
	promote(m, e);
	m->fresh = v->self.is_new;
	return step_promoting(m, v, d);
}

/* The order `prim' or `primforce': the address is asked in any case. */
static enum event
ordered_prim(struct machine *m, const struct view *v, struct decision *d)
{
	struct epoch e = { .n = 1, .node = v->conf->node_id };
	bool risk, fresh, force = v->order == OR_PRIMFORCE;
	enum reason r = decide_may_prim(m, v, force, &risk);

	if (r != RS_NONE) {
		note(d, "prim refused: %s", reason_row(r)->code);
		d->order_done = true;
		return EV_NONE;
	}
	because(d, Q_TRANSIENT, RS_PROMOTING, "probing %s",
	    v->conf->addresses);
	switch (probe(m, v, d)) {
	case PB_PENDING:
		return EV_NONE;
	case PB_ANSWERED:
		probe_stop(m);
		if (force)
			break;
		note(d, "prim refused: %s still answers", v->probe_text);
		d->order_done = true;
		m->block = RS_ADDRESS_ANSWERED;
		(void)snprintf(m->block_text, sizeof(m->block_text), "%s",
		    v->probe_text);
		because(d, Q_NOTREADY, m->block, "%s", m->block_text);
		return EV_NONE;
	case PB_FREE:
		break;
	}
	fresh = v->self.is_new && is_ordinary(v);
	if (!fresh)
		e = risk ? forced_epoch(m, v) : next_epoch(m, v);
	promote(m, e);
	m->fresh = v->self.is_new;
	m->force = risk;
	note(d, "prim by the operator%s", risk ? ", forced" : "");
	return step_promoting(m, v, d);
}

static void
show_newer(const struct view *v, struct decision *d, enum reason r)
{
	char text[EPOCH_LEN + 8];
	bool soon = peer_up(v) && v->peer.wish_start &&
	    v->peer.state == ST_WAIT && v->peer.level;

	if (soon)
		because(d, Q_TRANSIENT, RS_PEER_STARTS, "%s", "");
	else if (epoch_is_none(v->peer.epoch))
		because(d, Q_NOTREADY, r, "%s", "");
	else
		because(d, Q_NOTREADY, r, "%s",
		    epoch_detail(text, sizeof(text), v->peer.epoch));
}

bool
address_is_free(struct machine *m, const struct view *v, struct decision *d,
    enum reason r)
{
	if (mono_is_set(m->probe_retry) &&
	    !mono_passed(m->probe_retry, v->now)) {
		wake_at(d, m->probe_retry);
		because(d, Q_NOTREADY, r, "%s",
		    m->block_text);
		return false;
	}
	switch (probe(m, v, d)) {
	case PB_PENDING:
		return false;
	case PB_ANSWERED:
		probe_stop(m);
		m->probe_retry = mono_add_ms(v->now, PROBE_AGAIN_MS);
		wake_at(d, m->probe_retry);
		(void)snprintf(m->block_text, sizeof(m->block_text), "%s",
		    v->probe_text);
		because(d, Q_NOTREADY, r, "%s",
		    m->block_text);
		return false;
	case PB_FREE:
		break;
	}
	return true;
}

static enum event
both_wait(struct machine *m, const struct view *v, struct decision *d)
{
	char text[EPOCH_LEN + 8];
	enum reason why;

	if (v->peer.intent == IN_PROMOTE || v->peer.role == SR_PRIM ||
	    v->peer.role == SR_DOWN) {
		because(d, Q_TRANSIENT, RS_PEER_STARTS, "%s", "");
		return EV_NONE;
	}
	if (v->peer.state != ST_WAIT && v->peer.state != ST_STOP) {
		/* SECOND of whom?  It will see that we wait. */
		because(d, Q_TRANSIENT, RS_LISTENING, "%s", "");
		return EV_NONE;
	}
	if (strcmp(v->self.handed, v->conf->peer) == 0 &&
	    round_cmp(v->self.handed_epoch, v->self.epoch) > 0 &&
	    round_cmp(v->peer.epoch, v->self.handed_epoch) < 0) {
		/* Only its durable word frees us. */
		if (epoch_cmp(v->peer.refused, v->self.handed_epoch) < 0) {
			because(d, Q_NOTREADY, RS_HANDED, "%s",
			    epoch_detail(text, sizeof(text),
			    v->self.handed_epoch));
			return EV_NONE;
		}
		return take(m, v, d, next_epoch(m, v),
		    "the peer did not take the place handed to it");
	}
	if (choose(v, &why) != CH_ME) {
		if (why == RS_NEW_MODULE)
			because(d, Q_NOTREADY, why, "%s", "");
		else
			show_newer(v, d, why);
		return EV_NONE;
	}
	/*
	 * Shown to the peer for T first: then two that decide on what each
	 * saw of the other cannot both be wrong.
	 */
	because(d, Q_TRANSIENT, RS_LISTENING, "%s", "");
	if (!lasted(&m->wait_since, v, d, v->conf->timeout_ms) ||
	    !address_is_free(m, v, d, RS_ADDRESS_ANSWERED))
		return EV_NONE;
	return take(m, v, d, next_epoch(m, v), "the newest record is here");
}

/* Why this node may not start by itself without the peer; RS_NONE: it may. */
static enum reason
alone_forbidden(const struct machine *m, const struct view *v)
{
	/* A module of one node has nobody to ask. */
	if (v->self.is_new)
		return v->conf->peer[0] == '\0' ? RS_NONE : RS_NEW_MODULE;
	if (!v->self.level || m->mark)
		return v->self.resyncing ? RS_HALF_COPIED : RS_STALE;
	if (strcmp(v->self.handed, v->conf->peer) == 0 &&
	    round_cmp(v->self.handed_epoch, v->self.epoch) > 0)
		return RS_HANDED;
	if (round_cmp(v->peer.epoch, v->self.epoch) > 0)
		return RS_PEER_NEWER;
	if (!v->self.alone)
		return v->conf->failover ? RS_PEER_ABSENT : RS_FAILOVER_OFF;
	return RS_NONE;
}

static enum event
start_alone(struct machine *m, const struct view *v, struct decision *d)
{
	because(d, Q_TRANSIENT, RS_LISTENING, "%s", "");
	if (!address_is_free(m, v, d, RS_ADDRESS_ANSWERED))
		return EV_NONE;
	return take(m, v, d, next_epoch(m, v),
	    "the peer is on record as behind");
}

/*
 * <rfs syncdelta>: data that was in step so short a time ago may serve when
 * the peer stays away.  Where there are voters they rule.
 */
static bool
is_young(const struct machine *m, const struct view *v, enum reason why)
{
	int64_t listened_s = mono_is_set(m->young_since) ?
	    mono_diff_ms(v->now, m->young_since) / 1000 : 0;

	return (why == RS_STALE || why == RS_PEER_ABSENT ||
	    why == RS_PEER_NEWER || why == RS_HANDED) && !v->reg.on &&
	    v->conf->failover && !v->maintain && v->in_step_s >= 0 &&
	    v->in_step_s - listened_s < v->conf->syncdelta_s;
}

/* As the operator's `prim' would, and on what a takeover asks for. */
static enum event
start_young(struct machine *m, const struct view *v, struct decision *d)
{
	int64_t left_ms = YOUNG_LISTEN_MS;

	(void)lasted(&m->young_since, v, d, YOUNG_LISTEN_MS);
	left_ms -= mono_diff_ms(v->now, m->young_since);
	if (left_ms > 0) {
		because(d, Q_TRANSIENT, RS_SYNCDELTA, " in %lld s",
		    (long long)(left_ms + 999) / 1000);
		wake_at(d, mono_add_ms(v->now, (left_ms - 1) % 1000 + 1));
		return EV_NONE;
	}
	switch (outside(m, v, d, v->conf->power_delay_ms)) {
	case OU_WAIT:
		return EV_NONE;
	case OU_CUT:
		because(d, Q_NOTREADY, RS_SPLITBRAIN, "%s", v->ping.names);
		return EV_NONE;
	case OU_OFF:
	case OU_NOTHING:
		break;
	}
	because(d, Q_TRANSIENT, RS_SYNCDELTA, "%s", "");
	if (!address_is_free(m, v, d, RS_ADDRESS_ANSWERED))
		return EV_NONE;
	note(d, "takes data that was in step %lld s ago, as syncdelta allows",
	    (long long)v->in_step_s);
	promote(m, forced_epoch(m, v));
	m->force = true;
	return step_promoting(m, v, d);
}

static enum event
peer_is_out(struct machine *m, const struct view *v, struct decision *d)
{
	char text[EPOCH_LEN + 8];
	enum reason r;

	if (!links_ok(v)) {
		/* Once back, they are listened to again. */
		m->wait_since = v->now;
		m->young_since = (struct mono){ 0 };
		probe_stop(m);
		because(d, Q_NOTREADY, RS_NO_NETWORK, "%s", "");
		return EV_NONE;
	}
	if ((r = alone_forbidden(m, v)) == RS_NONE)
		return start_alone(m, v, d);
	if (is_young(m, v, r))
		return start_young(m, v, d);
	probe_stop(m);
	if (m->block != RS_NONE && m->block != RS_NO_NETWORK)
		because(d, Q_NOTREADY, m->block, "%s", m->block_text);
	else if (r == RS_HANDED)
		because(d, Q_NOTREADY, r, "%s", epoch_detail(text,
		    sizeof(text), v->self.handed_epoch));
	else if (r == RS_PEER_NEWER)
		because(d, Q_NOTREADY, r, "%s", epoch_detail(text,
		    sizeof(text), v->peer.epoch));
	else
		because(d, Q_NOTREADY, r, "%s", "");
	return EV_NONE;
}

/*
 * There is a primary to follow, but this node came and went (flap.h).  The
 * seconds are shown, so it is looked at each second.
 */
static bool
held_down(const struct machine *m, const struct view *v, struct decision *d)
{
	int64_t left_s;

	if (!flap_is_held(&m->flap, v->now) || v->order == OR_SECOND)
		return false;
	left_s = (mono_diff_ms(m->flap.until, v->now) + 999) / 1000;
	because(d, Q_TRANSIENT, RS_HELD_DOWN, "left %u times in %d minutes; "
	    "comes back in %lld s", flap_count(&m->flap, v->now),
	    FLAP_WINDOW_MS / 60000, (long long)left_s);
	wake_at(d, mono_add_ms(m->flap.until, -1000 * (left_s - 1)));
	return true;
}

/* mirrord says when there is room again. */
static bool
lacks_room(const struct view *v, struct decision *d)
{
	if (v->self.no_room[0] == '\0')
		return false;
	because(d, Q_NOTREADY, RS_DIVERGED_NO_SPACE, "%s", v->self.no_room);
	return true;
}

enum event
wait_follow(struct machine *m, const struct view *v, struct decision *d)
{
	bool fullsync = v->order == OR_SECOND && v->order_fullsync;

	probe_stop(m);
	m->probe_retry = (struct mono){ 0 };
	if (v->self.diverged[0] != '\0' && !fullsync) {
		because(d, Q_NOTREADY, RS_DIVERGED, "%s", v->self.diverged);
		return EV_NONE;
	}
	if (lacks_room(v, d))
		return EV_NONE;
	if (epoch_cmp(v->peer.epoch, v->self.fence) < 0) {
		/* The primary tops our fence first (L17). */
		because(d, Q_TRANSIENT, RS_LISTENING, "%s", "");
		return EV_NONE;
	}
	m->block = RS_NONE;
	if (held_down(m, v, d))
		return EV_NONE;
	if (is_between_syncs(m, v)) {
		because(d, Q_TRANSIENT, RS_SYNCAT, "%s", v->sync_next);
		return EV_NONE;
	}
	m->epoch = v->peer.epoch;
	return EV_FOLLOW;
}

static enum event
peer_is_heard(struct machine *m, const struct view *v, struct decision *d)
{
	bool fullsync = v->order == OR_SECOND && v->order_fullsync;

	/* Only two that wait still have to ask for the address. */
	if (peer_serves(v)) {
		probe_stop(m);
		m->probe_retry = (struct mono){ 0 };
	}
	m->young_since = (struct mono){ 0 };
	if (m->block == RS_ADDRESS_ANSWERED || m->block == RS_NO_NETWORK ||
	    m->block == RS_FAILOVER_OFF)
		m->block = RS_NONE;
	if (v->self.diverged[0] != '\0' && !fullsync) {
		because(d, Q_NOTREADY, RS_DIVERGED, "%s", v->self.diverged);
		return EV_NONE;
	}
	if (lacks_room(v, d))
		return EV_NONE;
	if (v->peer.intent == IN_GOING_ALONE || m->mark) {
		because(d, Q_TRANSIENT, RS_LISTENING, "%s", "");
		return EV_NONE;
	}
	if (handed_to_me(v) && v->self.level && !m->mark &&
	    round_cmp(v->self.epoch, v->peer.epoch) == 0 &&
	    epoch_cmp(v->refused, v->peer.handed_epoch) < 0)
		return take(m, v, d, v->peer.handed_epoch,
		    "the peer handed over");
	refuse_hand(v, d);
	if (!peer_serves(v))
		return both_wait(m, v, d);
	return wait_follow(m, v, d);
}

enum event
wait_by_records(struct machine *m, const struct view *v, struct decision *d)
{
	return peer_up(v) ? both_wait(m, v, d) : peer_is_out(m, v, d);
}

static enum event
go_to_stop(const struct view *v, struct decision *d)
{
	d->script_target = ST_STOP;
	because(d, Q_TRANSIENT, RS_STOPPING, "%s", "");
	refuse_hand(v, d);
	if (v->scripts_busy || v->scripts_at != ST_STOP)
		return EV_NONE;
	d->want.role = SR_NONE;
	if (!v->self.mounted)
		(void)because_store(d, v, Q_NOTREADY);
	if (v->self.known && (v->self.role != SR_NONE || v->self.mounted))
		return EV_NONE;
	return v->vip_owned ? EV_NONE : EV_STOPPED;
}

/*
 * After a swap the scripts stand between the roles: they go on to SECOND as
 * soon as the peer serves, and turn back to WAIT when it does not.
 */
static bool
between_roles(struct machine *m, const struct view *v, struct decision *d)
{
	if (!v->scripts_gated || v->scripts_target != ST_SECOND ||
	    !peer_up(v))
		return false;
	if (v->peer.role != SR_PRIM &&
	    lasted(&m->wait_since, v, d, v->conf->timeout_ms))
		return false;
	d->script_target = ST_SECOND;
	d->script_gate = false;
	d->action = "swap";
	because(d, Q_TRANSIENT, RS_SWAPPING, "%s", "");
	return true;
}

enum event
step_wait(struct machine *m, const struct view *v, struct decision *d)
{
	d->want.notlevel = m->mark;
	if (v->order == OR_SWAP)
		d->order_done = true;
	if (!v->wish_start)
		return go_to_stop(v, d);
	if (between_roles(m, v, d)) {
		/* One that is going alone would have it leave again. */
		if (!peer_serves(v) || !v->self.known ||
		    (!v->reg.on && v->peer.intent == IN_GOING_ALONE) ||
		    epoch_cmp(v->peer.epoch, v->self.fence) < 0)
			return EV_NONE;
		m->epoch = v->peer.epoch;
		return EV_FOLLOW;
	}
	because(d, Q_TRANSIENT, RS_STARTING, "%s", "");
	if (v->scripts_busy || v->scripts_at != ST_WAIT || !v->self.known) {
		/* prestart may have to write where it will be covered (R41),
		 * and to stop who holds it (R40). */
		if (v->scripts_at == ST_STOP && v->self.role == SR_NONE)
			d->want.role = SR_NONE;
		if (!v->self.known)
			because(d, Q_TRANSIENT, RS_STARTING,
			    ": no word from mirrord yet");
		return EV_NONE;
	}
	if (v->self.role != SR_WAIT) {
		(void)because_store(d, v, Q_NOTREADY);
		return EV_NONE;
	}
	if (v->mismatch != RS_NONE) {
		because(d, Q_NOTREADY, v->mismatch, "%s", v->mismatch_text);
		return EV_NONE;
	}
	if (v->rule_wait) {
		because(d, Q_NOTREADY, v->rule_reason, "%s", v->rule_name);
		return EV_NONE;
	}
	if (v->rule_init[0] != '\0') {
		because(d, Q_TRANSIENT, RS_CHECKING, "%s", v->rule_init);
		return EV_NONE;
	}
	if (v->order == OR_PRIM || v->order == OR_PRIMFORCE)
		return v->reg.on ? register_ordered(m, v, d) :
		    ordered_prim(m, v, d);
	if (v->reg.on)
		return register_wait(m, v, d);
	if (peer_up(v))
		return peer_is_heard(m, v, d);
	if (v->peer.net == NET_DOWN || v->conf->peer[0] == '\0')
		return peer_is_out(m, v, d);
	if (!v->lan_up && mono_is_set(v->heard_since)) {
		because(d, Q_NOTREADY, RS_NO_NETWORK, "%s", "");
		return EV_NONE;
	}
	because(d, Q_TRANSIENT, RS_LISTENING, "%s", "");
	return EV_NONE;
}

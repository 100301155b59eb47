/* SPDX-License-Identifier: ISC */
/*
 * SECOND where there are voters: it gives the primary its grant with each
 * beat (L7), and asks for the place when that has run out (L8) and nobody
 * answers for the address.  The register decides; the address only spares
 * a primary that is well a change that nobody needs.
 */
#include "decide-register.h"

#include <stdio.h>
#include <string.h>

/* How long a stop waits for the primary to vote this node out. */
#define LEAVE_BOUND_MS	2000

static enum event
give_up(struct machine *m, const struct view *v, struct decision *d,
    enum reason why, const char *text)
{
	m->bid = false;
	leave_second(m, v, false);
	note(d, "leaves SECOND: %s %s", reason_row(why)->code, text);
	return EV_LEAVE;
}

/*
 * Its data is that of the epoch it follows.  When the primary's epoch rises
 * and the members stay (new voters), only the fence of a member follows.
 */
static bool
is_level(const struct machine *m, const struct view *v)
{
	if (!register_is_sound(m, v))
		return false;
	return epoch_cmp(v->self.epoch, m->epoch) == 0 ||
	    (!v->peer.alone && epoch_cmp(v->peer.epoch, m->epoch) == 0 &&
	    epoch_cmp(v->self.fence, m->epoch) == 0);
}

static void
show_bid(const struct view *v, struct decision *d)
{
	if (v->reg.result == RR_NO_MAJORITY)
		register_mute(v, d);
	else
		because(d, Q_TRANSIENT, RS_VOTING, "for the place of %s",
		    v->conf->peer);
}

/*
 * Follows nobody any more, so that no beat is echoed; then asks.  Once an
 * accept has left only a later value says how it ended (L5).
 */
static enum event
bid(struct machine *m, const struct view *v, struct decision *d)
{
	show_bid(v, d);
	if (register_refused(v, RC_PROMOTE) && !v->reg.accept_left) {
		note(d, "no takeover: %s", v->reg.why);
		return give_up(m, v, d, RS_REFUSED, "");
	}
	if (register_grant_is_over(v, d))
		register_ask(m, v, d, RC_PROMOTE, 0);
	return EV_NONE;
}

/*
 * The address is asked in the grant's last 3 G, so that it costs no time.
 * Who answers then may be a primary that is about to be fenced: it is asked
 * once more when the grant is over.
 */
static enum probe
look_address(struct machine *m, const struct view *v, struct decision *d,
    bool over)
{
	enum probe p;

	if (!m->probing)
		m->probed_early = !over;
	p = probe(m, v, d);
	if (p != PB_ANSWERED || !m->probed_early)
		return p == PB_FREE && !over ? PB_PENDING : p;
	if (!over)
		return PB_PENDING;
	probe_stop(m);
	m->probed_early = false;
	return probe(m, v, d);
}

/* What keeps a node from taking over, whatever the register says. */
static bool
may_claim(const struct machine *m, const struct view *v, enum reason *why)
{
	if (!v->conf->failover)
		*why = RS_FAILOVER_OFF;
	else if (!v->lan_up)
		*why = RS_NO_NETWORK;
	else if (!is_level(m, v))
		*why = v->self.resyncing ? RS_HALF_COPIED : RS_STALE;
	else
		return true;
	return false;
}

/*
 * It misses beats: 3 G before the end of the grant the question begins, which
 * is before the peer counts as silent.
 */
static bool
asks_early(struct machine *m, const struct view *v, struct decision *d)
{
	struct mono begin = mono_add_ms(v->grant_until,
	    -PROBE_COUNT * v->conf->probe_gap_ms);
	enum reason why;

	if (!v->peer.loss || v->maintain || !links_ok(v) ||
	    !may_claim(m, v, &why))
		return false;
	if (!mono_passed(begin, v->now))
		wake_at(d, begin);
	else
		(void)look_address(m, v, d, false);
	return true;
}

static enum event
claim(struct machine *m, const struct view *v, struct decision *d)
{
	int64_t left_ms = mono_diff_ms(v->grant_until, v->now);
	int64_t ask_ms = PROBE_COUNT * v->conf->probe_gap_ms;
	bool over = left_ms <= 0 || register_peer_is_off(v);

	because(d, Q_TRANSIENT, RS_GRANT_RUNNING, "%lld ms",
	    (long long)left_ms);
	if (!over && left_ms > ask_ms) {
		wake_at(d, mono_add_ms(v->grant_until, -ask_ms));
		return EV_NONE;
	}
	if (!over)
		wake_at(d, v->grant_until);
	else
		because(d, Q_TRANSIENT, RS_PROMOTING, "probing %s",
		    v->conf->addresses);
	switch (look_address(m, v, d, over)) {
	case PB_PENDING:
		return EV_NONE;
	case PB_ANSWERED:
		return give_up(m, v, d, RS_ADDRESS_ANSWERED, v->probe_text);
	case PB_FREE:
		break;
	}
	note(d, "%s %s and nobody answers the address", v->conf->peer,
	    peer_up(v) ? "is no primary any more" : "is silent");
	m->bid = true;
	return bid(m, v, d);
}

static enum event
silent(struct machine *m, const struct view *v, struct decision *d)
{
	enum reason why;

	if (!v->self.known) {
		because(d, Q_NOTREADY, RS_MIRRORD_ERROR, "no mirrord");
		return EV_NONE;
	}
	if (!may_claim(m, v, &why))
		return give_up(m, v, d, why, "");
	if (v->maintain && v->order != OR_PRIM && v->order != OR_PRIMFORCE) {
		probe_stop(m);
		because(d, Q_NOTREADY, RS_MAINTENANCE, "%s", "");
		return EV_NONE;
	}
	if (!links_ok(v)) {
		probe_stop(m);
		because(d, Q_NOTREADY, RS_NO_NETWORK,
		    ": the address cannot be probed");
		return EV_NONE;
	}
	return claim(m, v, d);
}

/* Heard, and no primary any more. */
static enum event
peer_left(struct machine *m, const struct view *v, struct decision *d)
{
	enum reason why = v->maintain ? RS_MAINTENANCE : RS_NO_NETWORK;
	bool may;

	if (!register_peer_is_off(v)) {
		/* On its way down: a hand-over may come. */
		because(d, Q_TRANSIENT, RS_PEER_LEAVES, "%s", "");
		d->ask.soon = v->peer.role == SR_DOWN;
		return EV_NONE;
	}
	if (!v->self.known)
		return EV_NONE;
	may = !v->maintain && links_ok(v) && may_claim(m, v, &why);
	if (may)
		return claim(m, v, d);
	m->bid = false;
	/* Fenced, and here nobody takes its place: it is followed on. */
	if (peer_serves(v)) {
		because(d, Q_NOTREADY, why, "%s", "");
		return EV_NONE;
	}
	leave_second(m, v, false);
	return EV_LEAVE;
}

static enum event
follow(struct machine *m, const struct view *v, struct decision *d)
{
	if (!peer_serves(v) || v->peer.fenced)
		return peer_left(m, v, d);
	if (!asks_early(m, v, d))
		probe_stop(m);
	if (v->self.known && epoch_cmp(v->peer.epoch, v->self.fence) < 0) {
		/* Refused by our fence until it has refreshed (L17). */
		because(d, Q_TRANSIENT, RS_LISTENING, "%s", "");
		return EV_NONE;
	}
	m->epoch = d->want.epoch = v->peer.epoch;
	if (is_level(m, v) && !v->scripts_busy &&
	    v->scripts_at == ST_SECOND) {
		because(d, Q_READY, RS_NONE, "%s", "");
		d->lastprim = v->conf->peer;
	} else if (!because_store(d, v, Q_TRANSIENT))
		because(d, Q_TRANSIENT, RS_COPYING, "%s", "");
	return EV_NONE;
}

enum event
register_second(struct machine *m, const struct view *v, struct decision *d)
{
	if (register_names_me(v) && register_is_sound(m, v))
		return register_take(m, v, d);
	if (m->bid && !v->reg.accept_left && peer_serves(v) &&
	    !v->peer.fenced) {
		note(d, "%s is heard again", v->conf->peer);
		m->bid = false;
	}
	if (m->bid)
		return bid(m, v, d);
	if (v->peer.net == NET_DOWN)
		return silent(m, v, d);
	if (peer_up(v))
		return follow(m, v, d);
	probe_stop(m);
	because(d, Q_TRANSIENT, RS_LISTENING, "%s", "");
	return EV_NONE;
}

/*
 * The primary votes this node out, so that it can go on without waiting for
 * answers; until then this node goes on answering.  Nothing is recorded here:
 * who is a member says the register.
 */
enum event
register_leave_second(struct machine *m, const struct view *v,
    struct decision *d)
{
	d->script_target = ST_WAIT;
	d->action = v->wish_start ? "stopwait" : "stop";
	because(d, Q_TRANSIENT, RS_STOPPING, "%s", "");
	if (peer_serves(v) && !v->peer.alone &&
	    !lasted(&m->leave_since, v, d, LEAVE_BOUND_MS)) {
		d->want.role = SR_SECOND;
		d->want.epoch = m->epoch;
		return EV_NONE;
	}
	return EV_LEAVE;
}

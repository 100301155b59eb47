/* SPDX-License-Identifier: ISC */
/*
 * WAIT where there are voters.  A primary that serves is followed.  Else the
 * register says who may be one: a member of the set, with its own record in
 * order, when its own grant is over and nobody answers the address.  Of two
 * members the last primary goes first.
 */
#include "decide-register.h"

#include <stdio.h>
#include <string.h>

/* The epoch that the register names, in words. */
static const char *
present_text(const struct view *v, char *buf, size_t size)
{
	return epoch_detail(buf, size, v->reg.present.epoch);
}

static enum event
ask(struct machine *m, const struct view *v, struct decision *d,
    enum reg_change c)
{
	register_ask(m, v, d, c, 0);
	if (register_refused(v, c))
		because(d, Q_NOTREADY, RS_REFUSED, "%s", v->reg.why);
	else if (v->reg.result == RR_NO_MAJORITY && v->reg.change == c)
		register_mute(v, d);
	else
		because(d, Q_TRANSIENT, RS_VOTING, "%s", "who is primary");
	return EV_NONE;
}

static bool
wait_for_grant(const struct view *v, struct decision *d)
{
	if (register_grant_is_over(v, d))
		return false;
	because(d, Q_TRANSIENT, RS_GRANT_RUNNING, "%lld ms",
	    (long long)mono_diff_ms(v->grant_until, v->now));
	return true;
}

/* The peer is there, willing and able: it was primary last, so it goes on. */
static bool
peer_will(const struct view *v)
{
	return peer_up(v) && v->peer.wish_start && v->peer.level &&
	    v->peer.state == ST_WAIT && v->peer.quality != Q_NOTREADY &&
	    reg_has_member(&v->reg.present, v->conf->peer_id);
}

/* Not the last primary: it goes when the other one cannot, or after a time. */
static bool
is_my_turn(struct machine *m, const struct view *v, struct decision *d)
{
	if (v->reg.present.primary == v->conf->node_id)
		return true;
	if (peer_up(v) && !peer_will(v))
		return true;
	because(d, Q_TRANSIENT, RS_PEER_STARTS, "%s", "");
	if (!peer_up(v))
		because(d, Q_TRANSIENT, RS_LISTENING, "%s", "");
	return lasted(&m->start_since, v, d, v->conf->startgrace_ms);
}

static bool
is_held_back(const struct view *v, struct decision *d)
{
	if (v->reg.present.primary == v->conf->node_id)
		return false;
	if (!v->conf->failover)
		because(d, Q_NOTREADY, RS_FAILOVER_OFF, "%s", "");
	else if (v->maintain)
		because(d, Q_NOTREADY, RS_MAINTENANCE, "%s", "");
	else
		return false;
	return true;
}

/*
 * Chosen by force for this node and never carried out: it was stopped, or had
 * asked again since.  The operator's word still holds, and nobody else can be
 * primary; but by since, which the force renewed, its disk is not that of
 * the register.
 */
static bool
is_left_over(const struct view *v)
{
	const struct reg_value *p = &v->reg.present;

	return v->reg.chosen && p->forced &&
	    p->primary == v->conf->node_id &&
	    epoch_cmp(p->epoch, v->self.epoch) > 0;
}

static enum event
as_member(struct machine *m, const struct view *v, struct decision *d)
{
	if (!register_is_sound(m, v)) {
		because(d, Q_NOTREADY, v->self.resyncing ? RS_HALF_COPIED :
		    RS_STALE, "%s", "");
		return EV_NONE;
	}
	if (is_held_back(v, d) || !is_my_turn(m, v, d))
		return EV_NONE;
	if (wait_for_grant(v, d))
		return EV_NONE;
	because(d, Q_TRANSIENT, RS_PROMOTING, "probing %s",
	    v->conf->addresses);
	if (!address_is_free(m, v, d, RS_ADDRESS_ANSWERED))
		return EV_NONE;
	return ask(m, v, d, is_left_over(v) ? RC_FORCE : RC_PROMOTE);
}

static enum event
no_member(const struct view *v, struct decision *d)
{
	char text[EPOCH_LEN + 8];

	/* Whatever became of a vote of the last primary: it has the data. */
	if (peer_will(v))
		because(d, Q_TRANSIENT, RS_PEER_STARTS, "%s", "");
	else if (!v->reg.chosen &&
	    strcmp(v->lastprim, v->conf->peer) != 0)
		because(d, Q_NOTREADY, RS_IN_DOUBT, "%s",
		    present_text(v, text, sizeof(text)));
	else
		because(d, Q_NOTREADY, RS_PEER_NEWER, "%s",
		    present_text(v, text, sizeof(text)));
	return EV_NONE;
}

static enum event
by_register(struct machine *m, const struct view *v, struct decision *d)
{
	if (v->reg.empty && v->registered) {
		because(d, Q_NOTREADY, RS_REGISTER_EMPTY, "%s", "");
		return EV_NONE;
	}
	if (v->reg.empty)
		return wait_by_records(m, v, d);
	return register_has_me(v) ? as_member(m, v, d) : no_member(v, d);
}

/* Nothing is read yet: for T that is only a start. */
static enum event
no_register(struct machine *m, const struct view *v, struct decision *d)
{
	if (!lasted(&m->wait_since, v, d, v->conf->timeout_ms))
		because(d, Q_TRANSIENT, RS_VOTING, "%s",
		    "which node is primary");
	else
		register_mute(v, d);
	d->ask.soon = true;
	return EV_NONE;
}

/* On its way in or out: it is waited for, and the register is read. */
static bool
peer_moves(const struct view *v)
{
	return peer_up(v) && (v->peer.intent == IN_PROMOTE ||
	    v->peer.role == SR_PRIM || v->peer.role == SR_DOWN ||
	    (v->peer.state != ST_WAIT && v->peer.state != ST_STOP));
}

enum event
register_wait(struct machine *m, const struct view *v, struct decision *d)
{
	bool hint = v->peer.has_blob && strcmp(v->peer.handed,
	    v->conf->node) == 0 &&
	    epoch_cmp(v->peer.handed_epoch, v->self.epoch) > 0;

	d->ask.soon = hint;
	if (register_names_me(v) && register_is_sound(m, v))
		return register_take(m, v, d);
	if (peer_serves(v))
		return wait_follow(m, v, d);
	if (peer_moves(v)) {
		because(d, Q_TRANSIENT, RS_PEER_STARTS, "%s", "");
		return EV_NONE;
	}
	if (!links_ok(v)) {
		probe_stop(m);
		m->wait_since = v->now;
		because(d, Q_NOTREADY, RS_NO_NETWORK, "%s", "");
		return EV_NONE;
	}
	if (v->peer.net == NET_UNKNOWN || (v->peer.net == NET_UP &&
	    !v->peer.has_blob)) {
		because(d, Q_TRANSIENT, RS_LISTENING, "%s", "");
		return EV_NONE;
	}
	return v->reg.known ? by_register(m, v, d) : no_register(m, v, d);
}

enum event
register_first(struct machine *m, const struct view *v, struct decision *d,
    const char *why)
{
	(void)why;
	return wait_for_grant(v, d) ? EV_NONE : ask(m, v, d, RC_FIRST);
}

bool
register_is_ordinary(const struct view *v)
{
	const struct reg_member *me = reg_member(&v->reg.present,
	    v->conf->node_id);

	/* A force that was begun elsewhere lets nothing else pass. */
	if (!v->reg.known ||
	    v->reg.highest.era != v->reg.present.epoch.era)
		return false;
	if (v->reg.empty)
		return !v->registered && is_ordinary(v);
	/* As reg_may() would refuse it: then only force helps. */
	if (me == NULL || (!epoch_is_none(v->self.since) &&
	    epoch_cmp(v->self.since, me->since) != 0))
		return false;
	return v->self.level && !v->self.resyncing &&
	    (v->reg.chosen || v->reg.present.primary == v->conf->node_id);
}

static void
refuse_order(struct machine *m, const struct view *v, struct decision *d)
{
	note(d, "prim refused: %s still answers", v->probe_text);
	d->order_done = true;
	because(d, Q_NOTREADY, RS_ADDRESS_ANSWERED, "%s", v->probe_text);
	probe_stop(m);
}

/*
 * The value as it should be; by force, when it does not let this node and the
 * operator knew what that costs.  What has left is asked for until it is
 * known: the register shows it then, and looks as if it forbade it.
 */
static enum event
ordered_ask(struct machine *m, const struct view *v, struct decision *d)
{
	enum reg_change was = v->reg.accept_left ? v->reg.change : RC_NONE;

	if (was == RC_FIRST || was == RC_PROMOTE)
		return ask(m, v, d, was);
	if (wait_for_grant(v, d))
		return EV_NONE;
	if (register_is_ordinary(v))
		return ask(m, v, d, v->reg.empty ? RC_FIRST : RC_PROMOTE);
	/* etcd is all there is: no list of voters can be cut to the rest. */
	if ((!v->order_risk || v->reg.etcd) && !v->reg.known)
		return no_register(m, v, d);
	if (!v->order_risk) {
		note(d, "prim refused: the data here may be older than that "
		    "of %s", v->conf->peer);
		d->order_done = true;
		return EV_NONE;
	}
	(void)ask(m, v, d, RC_FORCE);
	d->ask.minority = !v->reg.known && d->ask.change == RC_FORCE;
	return EV_NONE;
}

enum event
register_ordered(struct machine *m, const struct view *v,
    struct decision *d)
{
	bool risk, force = v->order == OR_PRIMFORCE;
	enum reason r = decide_may_prim(m, v, force, &risk);

	/* By force, half copied files too: step_promoting() tells mirrord. */
	if (register_names_me(v) && (v->reg.present.forced ||
	    register_is_sound(m, v) || v->self.is_new))
		return register_take(m, v, d);
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
		if (!force) {
			refuse_order(m, v, d);
			return EV_NONE;
		}
		break;
	case PB_FREE:
		break;
	}
	return ordered_ask(m, v, d);
}

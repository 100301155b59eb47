/* SPDX-License-Identifier: ISC */
/*
 * ALONE and PRIM where there are voters.  The lease (L9), the join of a
 * level peer, and its way out: nothing is acknowledged alone before a
 * majority took the peer out of the set.  ALONE needs no lease and no voter.
 */
#include "decide-register.h"

#include <stdio.h>
#include <string.h>

/* A peer that is silent, or does not echo, for so long is taken out: D. */
#define LOSS_MS(v)	((v)->conf->timeout_ms * 6 / 10)
/* How long a hand-over waits for the voters; and for what they voted. */
#define HAND_BOUND_MS	2000
#define DOUBT_BOUND_MS	10000
/* Longer than two reads of a primary: who was found mute stays so. */
#define SOON_MS		15000

enum event
register_learn(struct machine *m, const struct view *v, struct decision *d)
{
	const struct reg_value *p = &v->reg.present;
	bool both, was = m->member;
	char text[EPOCH_LEN];

	if (!v->reg.on || !v->reg.known || !v->reg.chosen ||
	    p->primary != v->conf->node_id ||
	    epoch_cmp(p->epoch, m->epoch) <= 0)
		return EV_NONE;
	both = reg_has_member(p, v->conf->peer_id);
	m->epoch = p->epoch;
	/* A higher ballot that has left is in doubt all the same (L5). */
	if (!v->reg.accept_left || epoch_cmp(v->reg.doubt, p->epoch) <= 0)
		m->joining = m->asking = false;
	m->doubt = false;
	m->frozen = m->sealed = false;
	m->left_since = m->unlinked_since = (struct mono){ 0 };
	note(d, "%s by vote: %s", epoch_human(text, m->epoch), both ?
	    "both are members" : "this node alone is a member");
	if (both == was)
		return EV_NONE;
	m->member = both;
	m->joined = m->seen_level = false;
	return m->state == ST_PRIM && !both ? EV_SHRUNK : EV_NONE;
}

static void
lease_is_over(struct machine *m, const struct view *v, struct decision *d)
{
	if (!m->frozen) {
		m->frozen_since = v->now;
		note(d, "fenced: the lease is over, and %s may take over",
		    v->conf->peer);
	}
	m->frozen = true;
	d->lease = LU_OVER;
	d->freeze = true;
	if (lasted(&m->frozen_since, v, d, v->conf->timeout_ms))
		m->sealed = true;
}

/*
 * L9.  At the end of the lease nothing is served; a fresh echo puts that
 * right.  When it has lasted for T, the peer is told that it need not wait,
 * and from then on only a vote brings this node back.
 */
static void
look_lease(struct machine *m, const struct view *v, struct decision *d)
{
	if (!m->member && !m->joining) {
		m->frozen = m->sealed = false;
		return;
	}
	d->want.lease = true;
	if (m->sealed || !mono_is_set(v->lease_until) ||
	    mono_passed(v->lease_until, v->now)) {
		lease_is_over(m, v, d);
		return;
	}
	if (m->frozen)
		note(d, "goes on: %s is heard again", v->conf->peer);
	m->frozen = false;
	d->lease = LU_RUNS;
	d->lease_until = v->lease_until;
	wake_at(d, v->lease_until);
}

/* No echo for D, though it may be heard: it cannot hear us. */
static bool
echo_is_late(const struct view *v, struct decision *d)
{
	struct mono due = mono_add_ms(v->lease_until,
	    LOSS_MS(v) - v->conf->timeout_ms);

	if (mono_passed(due, v->now))
		return true;
	if (mono_is_set(v->lease_until))
		wake_at(d, due);
	return !mono_is_set(v->lease_until);
}

static const char *
is_behind(struct machine *m, const struct view *v, struct decision *d)
{
	if (v->self.peer_failed[0] != '\0')
		return v->self.peer_failed;
	if (v->self.stall_ms >= v->conf->stall_ms)
		return "it does not answer";
	/* Who never took its place too: a member is not resynced (L15).  While
	 * our own mirrord comes and goes it is not the peer that is behind. */
	if (m->member && !v->self.link_up && !mono_is_set(m->store_since)) {
		if (lasted(&m->unlinked_since, v, d, v->conf->stall_ms))
			return "its replication link is down";
	} else
		m->unlinked_since = (struct mono){ 0 };
	/* Blobs are slower than the join. */
	if (m->joined && v->peer.level &&
	    epoch_cmp(v->peer.fence, m->epoch) == 0)
		m->seen_level = true;
	if (m->joined && m->seen_level && peer_up(v) && !v->peer.level &&
	    v->peer.durable)
		return "it is not level";
	return NULL;
}

/* A member like that must leave, and nobody like that is to become one. */
static const char *
out_of_touch(struct machine *m, const struct view *v, struct decision *d)
{
	if (v->peer.net == NET_DOWN || v->peer.loss)
		return "it is silent";
	if (echo_is_late(v, d))
		return "it does not answer the beats";
	if (peer_up(v) && v->peer.state != ST_SECOND)
		return "it has left";
	return is_behind(m, v, d);
}

/* Why the peer must leave the set, or the set be said anew (L17). */
static const char *
trouble(struct machine *m, const struct view *v, struct decision *d)
{
	/* Of a join that goes on nothing has to be asked but that. */
	if (m->doubt || (m->asking && !m->joining && v->reg.accept_left))
		return "the outcome of a vote is not known";
	if (peer_up(v) && v->peer.role != SR_PRIM &&
	    epoch_cmp(v->peer.fence, m->epoch) > 0)
		return "it has asked for a later epoch";
	return m->member || m->joining ? out_of_touch(m, v, d) : NULL;
}

/* Shown while the peer is being voted out: nothing is acknowledged alone. */
static void
show_shrink(struct machine *m, const struct view *v, struct decision *d,
    const char *why)
{
	bool silent = v->peer.net == NET_DOWN || v->peer.loss;
	const char *missing = reg_lacks(&v->reg)[0] != '\0' ?
	    reg_lacks(&v->reg) : why;

	if (m->frozen)
		because(d, Q_NOTREADY, RS_LEASE_OVER, "%s", missing);
	else if (m->member || m->joining)
		because(d, Q_TRANSIENT, silent ? RS_PEER_SILENT :
		    RS_GOING_ALONE, "%s", "");
}

/* Only a proposal that was never sent can be taken back (L12). */
static void
drop_ask(struct machine *m, const struct view *v)
{
	if (v->reg.accept_left || m->doubt)
		return;
	m->joining = m->asking = false;
}

static void
ask_shrink(struct machine *m, const struct view *v, struct decision *d,
    const char *why)
{
	/* A join that was not voted on is simply not wanted any more. */
	if (m->joining && !m->member) {
		drop_ask(m, v);
		if (!m->joining)
			return;
	}
	if (!m->asking)
		note(d, "%s: %s: asks the voters to go on without it",
		    v->conf->peer, why);
	m->asking = true;
	register_ask(m, v, d, RC_SHRINK, 0);
}

/* The peer is level and every write waits for it: may it be a member? */
static bool
may_ask_join(const struct machine *m, const struct view *v)
{
	if (m->member || !v->self.known || !v->self.ready || !peer_up(v))
		return false;
	/* One that knows of no voters would take over by evidence alone. */
	if (!v->peer.votes)
		return false;
	if (v->peer.state != ST_SECOND || !v->reg.known ||
	    epoch_cmp(v->self.epoch, m->epoch) != 0)
		return false;
	/* Half a lease at least, to see the vote through. */
	return m->joining || mono_diff_ms(v->lease_until, v->now) >
	    v->conf->timeout_ms / 2;
}

static void
look_join(struct machine *m, const struct view *v, struct decision *d)
{
	if (!may_ask_join(m, v) || out_of_touch(m, v, d) != NULL) {
		drop_ask(m, v);
		if (m->joining)
			register_ask(m, v, d, RC_JOIN, v->conf->peer_id);
		return;
	}
	m->joining = m->asking = true;
	/* The kernel must know that the address ends with the lease (L9). */
	if (!v->vip_owned || v->vip_leased || v->reg.accept_left)
		register_ask(m, v, d, RC_JOIN, v->conf->peer_id);
}

/* PRIM is said when the store has it, too. */
static enum event
look_joined(struct machine *m, const struct view *v, struct decision *d)
{
	if (!m->member || m->state != ST_ALONE || !v->self.known ||
	    !v->self.joined || v->self.alone ||
	    epoch_cmp(v->self.epoch, m->epoch) != 0)
		return EV_NONE;
	m->joined = true;
	note(d, "%s is level and a member", v->conf->peer);
	return EV_JOINED;
}

/* Fenced for long: others may serve, and what waits here must know. */
static enum event
look_fencehold(struct machine *m, const struct view *v, struct decision *d)
{
	struct mono end = mono_add_ms(m->frozen_since,
	    v->conf->fencehold_ms);

	if (!m->frozen || v->maintain)
		return EV_NONE;
	if (!mono_passed(end, v->now)) {
		wake_at(d, end);
		return EV_NONE;
	}
	note(d, "steps down: fenced for %lld s",
	    (long long)(v->conf->fencehold_ms / 1000));
	leave_prim(m, v, false, true);
	return EV_LEAVE;
}

/* The voters lost all of it: what runs here is what they shall know. */
static bool
is_forgotten(const struct view *v)
{
	return v->reg.known && v->reg.empty;
}

/* The peer was just lost: the voters too?  The status must not say they do. */
static bool
is_lost_now(const struct view *v)
{
	return v->peer.loss || (v->peer.net == NET_DOWN &&
	    !mono_passed(mono_add_ms(v->peer.net_since, SOON_MS), v->now));
}

enum event
register_serve(struct machine *m, const struct view *v, struct decision *d)
{
	const char *why = trouble(m, v, d);
	enum event e;

	if (is_forgotten(v))
		register_ask(m, v, d, RC_FIRST, 0);
	else if (why != NULL)
		ask_shrink(m, v, d, why);
	else if (m->member)
		drop_ask(m, v);
	else
		look_join(m, v, d);
	d->ask.soon = is_lost_now(v);
	/* What is asked for counts already (L9). */
	look_lease(m, v, d);
	if (why != NULL || m->frozen)
		show_shrink(m, v, d, why != NULL ? why : "no echo");
	if ((e = look_joined(m, v, d)) != EV_NONE)
		return e;
	return look_fencehold(m, v, d);
}

void
register_leaving(struct machine *m, const struct view *v,
    struct decision *d)
{
	const char *why;

	(void)register_learn(m, v, d);
	d->want.epoch = m->epoch;
	d->want.both = m->member;
	look_lease(m, v, d);
	/* The scripts must run to their end, and nobody waits for that. */
	if (m->frozen) {
		m->fenced = true;
		m->hand = false;
		d->freeze = v->vip_owned;
	}
	if ((why = trouble(m, v, d)) == NULL)
		return;
	m->hand = false;
	ask_shrink(m, v, d, why);
}

/* The value that gives the place away. */
static bool
is_handed(const struct machine *m, const struct view *v)
{
	return v->reg.chosen && register_names_other(v, m->epoch) &&
	    v->reg.present.primary == v->conf->peer_id;
}

/*
 * Before an accept has left the place can be kept; afterwards only the
 * register knows whose it is, and this node serves nothing until it is read.
 */
enum event
register_hand(struct machine *m, const struct view *v, struct decision *d)
{
	d->want.role = SR_DOWN;
	because(d, Q_TRANSIENT, RS_SWAPPING, "%s", "");
	if (!m->handing) {
		m->handing = true;
		m->leave_since = v->now;
	}
	if (is_handed(m, v)) {
		note(d, "%s has the place by vote", v->conf->peer);
		return EV_LEAVE;
	}
	if (register_refused(v, RC_HAND)) {
		note(d, "no hand-over: %s", v->reg.why);
		return EV_LEAVE;
	}
	if (lasted(&m->leave_since, v, d, v->reg.accept_left ?
	    DOUBT_BOUND_MS : HAND_BOUND_MS)) {
		note(d, "no hand-over: %s", v->reg.accept_left ?
		    "the voters have not answered whether it holds" :
		    "no majority of the voters answers");
		return EV_LEAVE;
	}
	register_ask(m, v, d, RC_HAND, v->conf->peer_id);
	return EV_NONE;
}

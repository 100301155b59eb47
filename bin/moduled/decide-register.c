/* SPDX-License-Identifier: ISC */
/*
 * What all states ask of the register, and how they ask it.  A standing ask
 * is repeated in each call of decide() for as long as it is wanted; the
 * driver (propose.h) says what came of it.
 */
#include "decide-register.h"

#include <stdio.h>
#include <string.h>

bool
register_names_me(const struct view *v)
{
	const struct reg_view *r = &v->reg;

	/* An operator's force that these voters do not know of yet. */
	if (peer_up(v) && v->peer.role == SR_PRIM &&
	    epoch_cmp(v->peer.epoch, r->present.epoch) > 0)
		return false;
	/* With the peer in the set it takes a vote to go on without it. */
	return r->known && r->chosen &&
	    r->present.primary == v->conf->node_id &&
	    !reg_has_member(&r->present, v->conf->peer_id) &&
	    epoch_cmp(r->present.epoch, v->self.epoch) > 0 &&
	    epoch_cmp(r->present.epoch, v->self.fence) >= 0 &&
	    /* Not yet in the store, and on its way there. */
	    epoch_cmp(r->present.epoch, r->fence) >= 0;
}

/*
 * Chosen or not: a proposer takes the highest value it meets as the present
 * one (L3), so from here on all that this node proposes would be refused.
 */
bool
register_names_other(const struct view *v, struct epoch mine)
{
	const struct reg_view *r = &v->reg;

	return r->known && !r->empty && r->present.primary != 0 &&
	    r->present.primary != v->conf->node_id &&
	    epoch_cmp(r->present.epoch, mine) > 0;
}

bool
register_has_me(const struct view *v)
{
	return v->reg.known && !v->reg.empty &&
	    reg_has_member(&v->reg.present, v->conf->node_id);
}

bool
register_is_sound(const struct machine *m, const struct view *v)
{
	return v->self.known && v->self.level && !v->self.resyncing &&
	    !v->self.is_new && !m->mark;
}

bool
register_peer_is_off(const struct view *v)
{
	if (!peer_up(v))
		return false;
	if (peer_serves(v))
		return v->peer.fenced;
	return v->peer.role != SR_PRIM && v->peer.role != SR_DOWN &&
	    v->peer.intent != IN_PROMOTE;
}

bool
register_grant_is_over(const struct view *v, struct decision *d)
{
	/* Only the other node's word frees us before the time. */
	if (v->follow_off && register_peer_is_off(v))
		return true;
	if (!mono_is_set(v->grant_until) ||
	    mono_passed(v->grant_until, v->now))
		return v->follow_off;
	wake_at(d, v->grant_until);
	return false;
}

/*
 * What came of an ask stays until nothing is asked for a moment: what was
 * chosen is learnt by now, and what was refused may be allowed in a while.
 */
static bool
is_answered(struct machine *m, const struct view *v, struct decision *d,
    enum reg_change c, uint8_t node)
{
	bool same = v->reg.change == c && v->reg.node == node;

	if (!same || v->reg.result != RR_REFUSED)
		m->refused_since = (struct mono){ 0 };
	if (same && v->reg.result == RR_CHOSEN)
		return true;
	return same && v->reg.result == RR_REFUSED &&
	    lasted(&m->refused_since, v, d, v->conf->timeout_ms);
}

void
register_ask(struct machine *m, const struct view *v, struct decision *d,
    enum reg_change c, uint8_t node)
{
	if (is_answered(m, v, d, c, node)) {
		m->refused_since = (struct mono){ 0 };
		wake_at(d, mono_add_ms(v->now, 1));
		return;
	}
	d->ask.change = c;
	d->ask.node = node;
	(void)snprintf(d->ask.who, sizeof(d->ask.who), "%s", v->order_who);
}

bool
register_refused(const struct view *v, enum reg_change c)
{
	return v->reg.change == c && v->reg.result == RR_REFUSED;
}

void
register_mute(const struct view *v, struct decision *d)
{
	because(d, Q_NOTREADY, v->reg.etcd ? RS_NO_ETCD : RS_NO_MAJORITY,
	    "%s", reg_lacks(&v->reg));
}

enum event
register_take(struct machine *m, const struct view *v, struct decision *d)
{
	char text[EPOCH_LEN];

	note(d, "primary by vote in %s", epoch_human(text,
	    v->reg.present.epoch));
	m->bid = false;
	promote(m, v->reg.present.epoch);
	m->fresh = v->self.is_new;
	m->force = v->reg.present.forced;
	return step_promoting(m, v, d);
}

struct epoch
decide_follows(const struct machine *m)
{
	return m->state == ST_SECOND && !m->bid ? m->epoch :
	    (struct epoch){ 0 };
}

/*
 * An orderly stop takes as long as the scripts do, and the address is
 * answered all the while: until it is down the beats say primary, or the
 * lease would end in the middle.
 */
bool
decide_runs(const struct machine *m, const struct view *v)
{
	if (m->state == ST_ALONE || m->state == ST_PRIM)
		return true;
	return v->reg.on && m->leave == LV_PRIM && !m->handing &&
	    !m->fenced && v->self.mounted;
}

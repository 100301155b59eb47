/* SPDX-License-Identifier: ISC */
/*
 * What standing words of the operator do to his wish: a node on standby, a
 * module that is released.  Both mean STOP, but never at the price of the
 * service or of data: a primary goes when somebody can take its place, or, to
 * be released, when it is on record that the peer is behind.  Pure.
 */
#include "decide-standing.h"

#include "decide-int.h"
#include "farm-decide.h"

bool
decide_may_hand(const struct machine *m, const struct view *v)
{
	return m->state == ST_PRIM && m->joined && !m->r24 && peer_up(v) &&
	    v->peer.state == ST_SECOND && v->peer.level &&
	    v->peer.wish_start && !v->released &&
	    (!has_register(v) || v->reg.known);
}

/*
 * The peer has heard of the release and leaves; then this node is ALONE, and
 * that, durable, says where the data is.  A peer that is silent ends in the
 * same way.
 */
static bool
must_part_first(const struct machine *m, const struct view *v)
{
	return m->state == ST_PRIM && m->member && peer_up(v) &&
	    v->peer.state == ST_SECOND;
}

bool
decide_wish(const struct machine *m, const struct view *v, bool wish_start)
{
	bool serves = m->leave == LV_NONE && (m->promoting ||
	    m->state == ST_ALONE || m->state == ST_PRIM);

	if (!wish_start)
		return false;
	if (v->farm != NULL)
		return !v->standby || (m->state == ST_UP &&
		    m->leave == LV_NONE && !v->standby_now &&
		    !farm_may_leave(v));
	if (v->released)
		return serves && must_part_first(m, v);
	if (!v->standby)
		return true;
	return serves && !v->standby_now && !decide_may_hand(m, v);
}

/* SPDX-License-Identifier: ISC */
/* See newest.h.  Called by status-wait.c. */
#include "newest.h"

#include "decide-int.h"

static enum newest
both_heard(const struct view *v)
{
	const struct self_facts *s = &v->self;
	const struct peer_facts *p = &v->peer;
	int c = round_cmp(s->epoch, p->epoch);

	if (s->is_new && p->is_new)
		return NW_NOBODY;
	if (s->is_new != p->is_new)
		return s->is_new ? NW_PEER : NW_HERE;
	if (s->level != p->level)
		return s->level ? NW_HERE : NW_PEER;
	if (!s->level)
		return NW_UNKNOWN;
	if (c != 0)
		return c > 0 ? NW_HERE : NW_PEER;
	if (s->alone != p->alone)
		return s->alone ? NW_HERE : NW_PEER;
	return NW_BOTH;
}

static enum newest
one_heard(const struct view *v, struct epoch seen)
{
	if (v->self.is_new)
		return epoch_is_none(seen) ? NW_UNKNOWN : NW_PEER;
	if (!v->self.level || round_cmp(seen, v->self.epoch) > 0)
		return NW_PEER;
	return v->self.alone || v->conf->peer[0] == '\0' ? NW_HERE :
	    NW_UNKNOWN;
}

enum newest
newest_look(const struct view *v, struct epoch seen, struct epoch *epoch)
{
	bool heard = peer_up(v);
	struct epoch peer = heard || round_cmp(v->peer.epoch, seen) > 0 ?
	    v->peer.epoch : seen;
	enum newest n;

	*epoch = (struct epoch){ 0 };
	if (!v->self.known)
		return NW_UNKNOWN;
	n = heard ? both_heard(v) : one_heard(v, peer);
	if (n == NW_HERE || n == NW_BOTH)
		*epoch = v->self.epoch;
	/* An old one would be taken for the newest. */
	else if (n == NW_PEER && (heard || round_cmp(peer,
	    v->self.epoch) > 0))
		*epoch = peer;
	return n;
}

/* SPDX-License-Identifier: ISC */
/*
 * What a wish does to the record of a module without directories.
 */
#include "record.h"

#include <stdio.h>
#include <string.h>

static void
be_prim(struct self_facts *f, const struct want *w,
    const struct peer_facts *peer)
{
	/* A ballot in hand raises the fence, and the role goes on. */
	if (epoch_cmp(w->epoch, f->fence) < 0 && (f->role != SR_PRIM ||
	    epoch_cmp(w->epoch, f->epoch) < 0))
		return;
	if (epoch_cmp(w->epoch, f->epoch) != 0) {
		f->epoch = w->epoch;
		if (epoch_cmp(w->epoch, f->fence) > 0)
			f->fence = w->epoch;
		f->alone = f->level = true;
		f->is_new = false;
		f->handed[0] = '\0';
		f->handed_epoch = (struct epoch){ 0 };
	}
	/* Cleared (durably) before the peer calls itself level. */
	if (w->both)
		f->alone = false;
	f->role = SR_PRIM;
	f->mounted = true;
	f->ready = f->alone && peer->net == NET_UP &&
	    peer->state == ST_SECOND;
	f->joined = !f->alone && peer->level &&
	    epoch_cmp(peer->epoch, f->epoch) == 0;
}

static void
be_down(struct self_facts *f, const struct want *w, const char *peer_name)
{
	if (f->role == SR_PRIM) {
		f->equal = f->joined;
		f->drained = true;
	}
	f->role = SR_DOWN;
	f->mounted = false;
	if (!w->handed || epoch_cmp(w->epoch, f->handed_epoch) == 0)
		return;
	f->handed_epoch = w->epoch;
	(void)snprintf(f->handed, sizeof(f->handed), "%s", peer_name);
}

static void
be_second(struct self_facts *f, const struct want *w,
    const struct peer_facts *peer)
{
	f->role = SR_SECOND;
	f->mounted = false;
	f->is_new = false;
	if (epoch_cmp(w->epoch, f->fence) > 0)
		f->fence = w->epoch;
	if (epoch_cmp(f->epoch, w->epoch) != 0) {
		f->level = f->alone = false;
		f->epoch = w->epoch;
	}
	if (epoch_cmp(f->handed_epoch, w->epoch) <= 0) {
		f->handed[0] = '\0';
		f->handed_epoch = (struct epoch){ 0 };
	}
	if (!peer->alone && epoch_cmp(peer->epoch, f->epoch) == 0)
		f->level = true;
}

static bool
differs(const struct self_facts *a, const struct self_facts *b)
{
	return epoch_cmp(a->epoch, b->epoch) != 0 ||
	    epoch_cmp(a->fence, b->fence) != 0 || a->level != b->level ||
	    a->alone != b->alone || a->is_new != b->is_new ||
	    epoch_cmp(a->handed_epoch, b->handed_epoch) != 0;
}

bool
record_step(struct self_facts *f, const struct want *w,
    const struct peer_facts *peer, const char *peer_name)
{
	struct self_facts old = *f;

	if (epoch_cmp(w->fence, f->fence) > 0)
		f->fence = w->fence;
	f->link_up = peer->net == NET_UP;
	f->joined = f->ready = false;
	if (w->role == SR_PRIM)
		be_prim(f, w, peer);
	else if (w->role == SR_DOWN) {
		f->joined = old.joined;
		be_down(f, w, peer_name);
	} else {
		f->drained = f->equal = false;
		if (w->role == SR_SECOND)
			be_second(f, w, peer);
		else {
			f->role = w->role;
			f->mounted = false;
			if (w->notlevel)
				f->level = false;
		}
	}
	return differs(f, &old);
}

/* SPDX-License-Identifier: ISC */
/*
 * Clients of a node that died.  They notice when they next send: what they
 * had sent already is repeated after 200 ms at the earliest, and who only
 * listens never notices.  So they are made to send, once their new node is
 * ready to answer; before, the answer would be lost, and TCP gives no second
 * one for half a second.
 */
#include "bereft.h"

#include "log.h"

#include "farm.h"

/* Everybody acts on our share. */
static bool
all_act(const struct farm *f)
{
	const struct share *s = accord_share(f->accord);
	uint64_t digest = share_digest(s);

	for (unsigned i = 0; i < f->cluster.node_count; i++) {
		const struct farm_blob *b = f->peer[i].blob;

		if (i == f->in.self || !(f->members >> i & 1))
			continue;
		if (b == NULL || b->acting.epoch != s->epoch ||
		    b->acting_digest != digest)
			return false;
	}
	return true;
}

static void
note_dead(struct farm *f)
{
	uint64_t now = accord_members(f->accord);
	uint64_t gone = f->members & ~now;

	for (unsigned i = 0; i < f->cluster.node_count; i++)
		if (gone >> i & 1 && f->peer[i].net == ACCORD_DOWN)
			f->dead |= 1ULL << i;
	f->dead &= ~now;
	f->members = now;
}

void
bereft_look(struct farm *f)
{
	const struct share *s = accord_share(f->accord);

	note_dead(f);
	if (f->dead == 0 || !f->is_filtered || !all_act(f))
		return;
	for (unsigned i = 0; i < f->cluster.node_count; i++) {
		unsigned count;

		if (!(f->dead >> i & 1) ||
		    share_member(s, f->cluster.node[i].id) != NULL)
			continue;
		f->dead &= ~(1ULL << i);
		count = filters_tickle(f->filters, i);
		if (count > 0)
			log_info("%s: %u connections told that it is gone",
			    f->cluster.node[i].name, count);
	}
}

/* SPDX-License-Identifier: ISC */
/*
 * Who is there, and with whom this node has to agree.
 *
 * The view of a node is a clique: nodes that all hear each other, taken
 * greedily by ascending id (F7).  Two of which one says that it does not hear
 * the other count as hearing for a grace of one timeout and a bit: every node
 * notices a death or a birth at another moment, and what is only that must
 * change no view.
 *
 * Whoever is outside of the view of a node that hears it stands down, if that
 * view is the lower one in the order of ids.  The view of the lowest node of
 * a connected component is that of all its members (each of them begins with
 * that node and can add nobody it left out), so there always is one that
 * stays.  Further away the news spreads from neighbour to neighbour, with a
 * count of hops that ends it when its reason is gone.
 */

#include "accord-int.h"

#include <string.h>

static bool
serves(enum share_role r)
{
	return r == SHARE_DRAIN || r == SHARE_SERVE;
}

static void
look_at(struct accord *a, unsigned i, const struct accord_peer *in)
{
	struct acquaintance *p = &a->peer[i];
	bool was_up = p->is_up;

	/* A heartd that was restarted knows less than we do. */
	if (in->net != ACCORD_UNKNOWN)
		p->net = in->net;
	p->is_up = p->net == ACCORD_UP;
	if (p->is_up && !was_up)
		p->up_since = a->now;
	p->blob = p->is_up ? in->blob : NULL;
	p->heard = p->blob != NULL ? farm_blob_echo(p->blob->life,
	    farm_blob_salt(p->blob, a->conf.node[a->conf.self].id)) : 0;
	if (peer_hears_us(a, i))
		p->answered = farm_blob_echo(a->life, p->salt);
	p->is_same = p->blob != NULL &&
	    strcmp(p->blob->conf, a->conf.digest) == 0 &&
	    p->blob->node == a->conf.node[i].id;
}

static void
look_at_keeps(struct accord *a, unsigned i)
{
	static const struct share_set none;
	struct acquaintance *p = &a->peer[i];
	const struct share_set *keeps = p->is_same ? &p->blob->keeps : &none;

	if (memcmp(&p->keeps, keeps, sizeof(*keeps)) != 0) {
		p->keeps = *keeps;
		a->new_buckets = true;
	}
}

/*
 * A restored memory counts as long as nobody went on without us; who did does
 * not list this life any more.
 */
static void
verify(struct accord *a, uint32_t random)
{
	bool all_known = true;

	for (unsigned i = 0; i < a->conf.node_count; i++) {
		struct acquaintance *p = &a->peer[i];

		if (i == a->conf.self ||
		    share_member(&a->acting, a->conf.node[i].id) == NULL)
			continue;
		if (p->is_same && !peer_hears_us(a, i)) {
			step_renew(a, random);
			return;
		}
		if (p->net == ACCORD_UNKNOWN ||
		    (p->is_up && p->blob == NULL))
			all_known = false;
	}
	a->is_unsure = !all_known;
}

/*
 * F2: what heartd has of a node that was away is from before; only an answer
 * to a new question is not.  The others need not be asked.
 */
static void
ask_anew(struct accord *a, unsigned i, uint32_t random)
{
	struct acquaintance *p = &a->peer[i];
	uint16_t salt = (uint16_t)(random >> i % 16);

	p->salt = salt != 0 && salt != p->salt ? salt :
	    (uint16_t)(p->salt % UINT16_MAX + 1);
}

void
view_look(struct accord *a, const struct accord_in *in)
{
	if (in->was_late) {
		for (unsigned i = 0; i < a->conf.node_count; i++)
			a->peer[i].net = ACCORD_UNKNOWN;
		step_renew(a, in->random);
	}
	for (unsigned i = 0; i < a->conf.node_count; i++) {
		if (i == a->conf.self)
			continue;
		if (a->peer[i].net == ACCORD_DOWN &&
		    in->peer[i].net == ACCORD_UP)
			ask_anew(a, i, in->random);
		look_at(a, i, &in->peer[i]);
		look_at_keeps(a, i);
	}
	if (a->life == 0) {
		a->life = in->random;
		a->life_since = a->now;
	} else if (a->is_unsure)
		verify(a, in->random);
}

bool
peer_hears_us(const struct accord *a, unsigned i)
{
	return a->peer[i].blob != NULL && farm_blob_hears(a->peer[i].blob,
	    a->conf.node[a->conf.self].id,
	    farm_blob_echo(a->life, a->peer[i].salt));
}

static bool
lists(const struct accord *a, unsigned i, unsigned j)
{
	if (i == a->conf.self)
		return a->peer[j].blob != NULL;
	if (j == a->conf.self)
		return peer_hears_us(a, i);
	return farm_blob_hears(a->peer[i].blob, a->conf.node[j].id, 0);
}

static bool
lacks(const struct accord *a, unsigned i, unsigned j)
{
	return i != a->conf.self &&
	    farm_blob_lacks(a->peer[i].blob, a->conf.node[j].id);
}

/* They hear each other, or the grace since they do not has not passed. */
static bool
is_pair(struct accord *a, unsigned i, unsigned j)
{
	unsigned lo = i < j ? i : j, hi = i < j ? j : i;
	struct mono *apart = &a->apart[lo][hi], end;
	bool said = lacks(a, i, j) || lacks(a, j, i);

	if (lists(a, i, j) && lists(a, j, i)) {
		apart->ns = 0;
		return true;
	}
	if (!mono_is_set(*apart) || said != a->said[lo][hi])
		*apart = a->now;
	a->said[lo][hi] = said;
	end = mono_add_ms(*apart, said ? a->grace_ms : a->silent_ms);
	if (mono_passed(end, a->now))
		return false;
	accord_wake_at(a, end);
	return true;
}

static bool
is_candidate(const struct accord *a, unsigned i)
{
	return i == a->conf.self ||
	    (a->peer[i].is_same && serves(a->peer[i].blob->role));
}

/* Indices by ascending id; configurations name nodes in any order. */
static unsigned
by_id(const struct accord *a, unsigned *out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->conf.node_count; i++) {
		unsigned at = n++;

		for (; at > 0 && a->conf.node[out[at - 1]].id >
		    a->conf.node[i].id; at--)
			out[at] = out[at - 1];
		out[at] = i;
	}
	return n;
}

static void
clique(struct accord *a)
{
	unsigned order[SHARE_NODE_MAX], n = by_id(a, order);

	a->view_count = 0;
	memset(a->in_view, 0, sizeof(a->in_view));
	for (unsigned k = 0; k < n; k++) {
		unsigned i = order[k];
		bool fits = is_candidate(a, i);

		/* All pairs are looked at: each has a grace of its own. */
		for (unsigned j = 0; j < n; j++) {
			if (j == i || !is_candidate(a, i) ||
			    !is_candidate(a, j))
				continue;
			if (!is_pair(a, i, j) &&
			    (j == a->conf.self || a->in_view[j]))
				fits = false;
		}
		if (fits) {
			a->view[a->view_count++] = i;
			a->in_view[i] = true;
		}
	}
}

/* Is the published view before ours?  The one that ends first is. */
static bool
is_before(const struct accord *a, const struct farm_blob *b)
{
	for (unsigned i = 0; i < a->view_count; i++) {
		uint8_t ours = a->conf.node[a->view[i]].id;

		if (i == b->view_count)
			return true;
		if (b->view[i] != ours)
			return b->view[i] < ours;
	}
	return false;
}

/* Hops to who left this node out, 0: nobody did. */
static unsigned
find_outcast(const struct accord *a, uint8_t *anchor)
{
	uint8_t self = a->conf.node[a->conf.self].id;
	unsigned least = 0;

	*anchor = a->conf.node[a->view[0]].id;
	if (!a->in_view[a->conf.self])
		return 1;
	for (unsigned i = 0; i < a->conf.node_count; i++) {
		const struct farm_blob *b = a->peer[i].blob;
		unsigned hops = 0;

		if (i == a->conf.self || !is_candidate(a, i) ||
		    !peer_hears_us(a, i))
			continue;
		if (b->outcast == 0 && b->view_count > 0 &&
		    !farm_blob_views(b, self) && is_before(a, b))
			hops = 1;
		else if (b->outcast != 0 && b->outcast < a->conf.node_count &&
		    b->anchor < a->conf.node[a->view[0]].id)
			hops = b->outcast + 1;
		if (hops != 0 && (least == 0 || hops < least)) {
			least = hops;
			*anchor = b->outcast == 0 ? b->view[0] : b->anchor;
		}
	}
	return least;
}

/* A state that holds since *since, or not at all, has held for the grace. */
static bool
persists(struct accord *a, bool holds, struct mono *since)
{
	struct mono end;

	if (!holds) {
		since->ns = 0;
		return false;
	}
	if (!mono_is_set(*since))
		*since = a->now;
	end = mono_add_ms(*since, a->grace_ms);
	if (mono_passed(end, a->now))
		return true;
	accord_wake_at(a, end);
	return false;
}

struct side {
	unsigned	count;		/* who would serve */
	bool		is_acting;	/* one of them does */
	unsigned	lowest;		/* id */
};

static void
side_add(struct side *s, unsigned id, bool is_acting)
{
	if (s->count++ == 0 || id < s->lowest)
		s->lowest = id;
	s->is_acting = s->is_acting || is_acting;
}

static bool
side_is_before(const struct side *a, const struct side *b)
{
	if (a->count != b->count)
		return a->count > b->count;
	if (a->is_acting != b->is_acting)
		return a->is_acting;
	return a->lowest < b->lowest;
}

/*
 * F8: of two configurations the one of more nodes goes on; of equal sides
 * the one that is serving, then that of the lowest id.
 */
static bool
find_differs(struct accord *a)
{
	struct side ours = { 0 };
	bool is_second = false;

	a->differs_from = -1;
	side_add(&ours, a->conf.node[a->conf.self].id,
	    !share_set_is_empty(&a->takes));
	for (unsigned i = 0; i < a->conf.node_count; i++)
		if (i != a->conf.self && is_candidate(a, i))
			side_add(&ours, a->conf.node[i].id,
			    !a->peer[i].blob->is_idle);
	for (unsigned i = 0; i < a->conf.node_count; i++) {
		const struct farm_blob *b = a->peer[i].blob;
		struct side theirs = { 0 };

		if (b == NULL || a->peer[i].is_same || !serves(b->role))
			continue;
		for (unsigned j = 0; j < a->conf.node_count; j++) {
			const struct farm_blob *c = a->peer[j].blob;

			if (c != NULL && serves(c->role) &&
			    strcmp(b->conf, c->conf) == 0)
				side_add(&theirs, a->conf.node[j].id,
				    !c->is_idle);
		}
		if (a->differs_from == -1)
			a->differs_from = (int)i;
		if (side_is_before(&theirs, &ours) && !is_second) {
			a->differs_from = (int)i;
			is_second = true;
		}
	}
	return is_second;
}

void
view_make(struct accord *a)
{
	bool is_idle = share_set_is_empty(&a->takes), is_second;
	unsigned hops;

	/* Who is not compared starts its grace anew when it comes back. */
	for (unsigned i = 0; i < a->conf.node_count; i++)
		for (unsigned j = i + 1; j < a->conf.node_count; j++)
			if (!is_candidate(a, i) || !is_candidate(a, j))
				a->apart[i][j].ns = 0;
	clique(a);
	is_second = find_differs(a);
	a->differs = persists(a, is_second, &a->differs_since) ||
	    (is_second && is_idle);
	hops = find_outcast(a, &a->anchor);
	a->outcast = persists(a, hops != 0, &a->outcast_since) ? hops : 0;
}

bool
view_is_blocked(const struct accord *a)
{
	return a->differs || a->outcast != 0;
}

int
view_unknown(struct accord *a)
{
	for (unsigned i = 0; i < a->conf.node_count; i++)
		if (i != a->conf.self && a->peer[i].net == ACCORD_UNKNOWN)
			return (int)i;
	return -1;
}

/*
 * Up, and it, or its farmd if it has one, had no time yet to answer our
 * present life: what is here of it may be from before (F2).
 */
int
view_pending(struct accord *a)
{
	for (unsigned i = 0; i < a->conf.node_count; i++) {
		struct mono since = a->peer[i].up_since, end;

		if (i == a->conf.self || !a->peer[i].is_up ||
		    peer_hears_us(a, i) || a->peer[i].answered ==
		    farm_blob_echo(a->life, a->peer[i].salt))
			continue;
		if (mono_diff_ns(a->life_since, since) > 0)
			since = a->life_since;
		/* heartd is never slow: without a blob there is no farmd. */
		end = mono_add_ms(since, a->peer[i].blob == NULL ?
		    a->grace_ms : a->silent_ms);
		if (mono_passed(end, a->now))
			continue;
		accord_wake_at(a, end);
		return (int)i;
	}
	return -1;
}

/* It takes nothing, and will not before we answered that it wants to. */
static bool
is_aside(const struct farm_blob *b)
{
	return b->is_idle && (b->yields || !serves(b->role));
}

/*
 * Who is not in the view, does not stand aside, and can know that it is to:
 * one of the view and it hear each other.  A deaf node would be waited for in
 * vain.
 */
int
view_outsider(const struct accord *a)
{
	for (unsigned i = 0; i < a->conf.node_count; i++) {
		const struct farm_blob *b = a->peer[i].blob;

		if (i == a->conf.self || a->in_view[i] || b == NULL ||
		    is_aside(b))
			continue;
		for (unsigned j = 0; j < a->view_count; j++) {
			unsigned v = a->view[j];

			if (farm_blob_hears(b, a->conf.node[v].id, 0) &&
			    lists(a, v, i))
				return (int)i;
		}
	}
	return -1;
}

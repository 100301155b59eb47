/* SPDX-License-Identifier: ISC */
/*
 * A fake mirrord with its record: frames on their way, answers of this
 * connection (L13), the epoch of each (L11), strict phase (L12), the lease
 * at each reply (L10), no resync into a member (L15).
 */
#include <stdio.h>
#include <string.h>

#include "pair-register.h"

void
store_power_on(struct store *s)
{
	s->role = SR_NONE;
	s->mounted = s->both = s->strict = s->ready = s->joined = false;
	s->drained = s->equal = s->leased = false;
	s->conn = 0;
	s->pending = s->sent = s->answered = 0;
	s->oldest = 0;
	memset(&s->followed, 0, sizeof(s->followed));
}

static uint64_t
bit_of(unsigned bit)
{
	return UINT64_C(1) << bit;
}

static void
disconnect(struct world *w)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct store *s = &w->n[i].st;

		s->conn = 0;
		s->sent = s->answered = 0;	/* L13 */
		s->ready = s->joined = false;
		/* L12: back only while no join is being voted on. */
		if (!s->both && !s->leased)
			s->strict = false;
	}
}

static void
go_alone(struct world *w, struct node *n, const struct want *k)
{
	struct store *s = &n->st;

	if (!s->level && !k->fresh && !k->force)
		breaks(w, "primary without level data");
	if (s->is_new && !k->fresh && !k->force)
		breaks(w, "primary on a new store");
	if (s->is_new || k->force)
		s->since = k->epoch;
	s->epoch = s->fence = k->epoch;
	s->alone = s->level = true;
	s->is_new = s->resyncing = false;
	s->both = s->strict = false;
	s->copy = 0;
	if (s->conn != 0)
		disconnect(w);
}

static void
be_prim(struct world *w, struct node *n, const struct want *k)
{
	struct store *s = &n->st;

	if (s->role != SR_PRIM) {
		if (epoch_cmp(k->epoch, s->fence) < 0 || k->both)
			return;		/* refused */
		go_alone(w, n, k);
		s->role = SR_PRIM;
		s->mounted = true;
		s->leased = k->lease;
		return;
	}
	if (epoch_cmp(k->epoch, s->epoch) < 0)
		return;
	if (k->lease)
		s->leased = true;
	if (!k->both && (!s->alone || s->both))
		go_alone(w, n, k);
	else if (k->both && s->alone && s->ready) {
		s->epoch = k->epoch;
		if (epoch_cmp(s->fence, k->epoch) < 0)
			s->fence = k->epoch;
		s->alone = false;
		s->both = s->strict = true;
		s->ready = false;
	} else if (epoch_cmp(k->epoch, s->epoch) != 0) {
		s->epoch = k->epoch;
		if (epoch_cmp(s->fence, k->epoch) < 0)
			s->fence = k->epoch;
	}
	s->leased = k->lease;
	if (!s->leased && !s->both && s->conn == 0)
		s->strict = false;
}

static void
be_down(struct world *w, int i)
{
	struct store *s = &w->n[i].st, *p = &w->n[!i].st;

	if (s->role == SR_PRIM) {
		s->equal = s->both && s->joined && p->level &&
		    s->pending == 0 && s->conn != 0 &&
		    (s->has & ~p->has) == 0;
		s->drained = true;
	}
	s->mounted = false;
	s->role = SR_DOWN;
	s->pending = 0;
	if (s->conn != 0)
		disconnect(w);
}

/* Before a prepare leaves: the stream has ended (L8, L14). */
static void
raise_fence(struct world *w, struct node *n)
{
	struct store *s = &n->st;
	const struct want *k = &n->d.want;
	struct epoch f = n->v.reg.fence;

	if (epoch_cmp(f, s->fence) <= 0 || (k->role == SR_SECOND &&
	    epoch_cmp(k->epoch, f) >= 0))
		return;
	s->fence = f;
	if (s->role == SR_SECOND && s->conn != 0)
		disconnect(w);
}

static void
store_wish(struct world *w, int i)
{
	struct node *n = &w->n[i];
	struct store *s = &n->st;
	const struct want *k = &n->d.want;

	if (!k->valid || --s->delay > 0)
		return;
	s->delay = (int)rnd(4);
	raise_fence(w, n);
	if (k->role == SR_PRIM) {
		be_prim(w, n, k);
		return;
	}
	if (k->role == SR_DOWN) {
		be_down(w, i);
		return;
	}
	if (s->role == SR_PRIM || (k->role != SR_SECOND && s->conn != 0))
		disconnect(w);
	s->drained = s->equal = s->mounted = s->both = s->strict = false;
	s->leased = s->ready = s->joined = false;
	s->pending = 0;
	if (k->notlevel)
		s->level = false;
	s->role = k->role;
	if (k->role == SR_SECOND)
		s->followed = k->epoch;
}

static bool
can_talk(const struct world *w)
{
	return alive(&w->n[0]) && alive(&w->n[1]) && passes(w, 0, 1) &&
	    passes(w, 1, 0);
}

/* The target of a copy gives up what it has: was it ever acknowledged? */
static void
overwrite(struct world *w, struct store *s, const struct store *p)
{
	uint64_t lost = w->acked & s->has & ~p->has & ~w->aside;

	if (lost != 0 && epoch_is_none(w->forced))
		breaks(w, "resync over acknowledged data");
	w->aside |= lost;
	if (p->both)
		breaks(w, "resync into a member");
	s->resyncing = true;
	s->is_new = s->level = s->alone = false;
	s->fence = s->epoch = p->epoch;
	s->has = 0;
	s->copy_conn = s->conn;
	s->copy = 2 + (int)rnd(60);
}

/* Node i is SECOND and its peer primary: connect, copy, join. */
static void
follow(struct world *w, int i)
{
	struct store *s = &w->n[i].st, *p = &w->n[!i].st;

	if (s->conn == 0) {
		if (epoch_cmp(s->followed, p->epoch) != 0 ||
		    epoch_cmp(s->fence, p->epoch) > 0 || one_in(3))
			return;
		if (p->both && !(s->level &&
		    (epoch_cmp(s->epoch, p->epoch) == 0 ||
		    epoch_cmp(s->fence, p->epoch) == 0)))
			return;		/* L15: it must be voted out first */
		s->conn = p->conn = ++w->conns;
	}
	if (epoch_cmp(s->followed, p->epoch) != 0 ||
	    epoch_cmp(s->fence, p->epoch) > 0)
		return;
	if (p->both) {
		/* What was strict is a member now, when it is told so. */
		if (!s->level) {
			s->level = true;
			s->resyncing = false;
			s->since = s->epoch = p->epoch;
		}
		s->fence = p->epoch;
		p->joined = true;
		return;
	}
	if (s->copy_conn != s->conn) {
		overwrite(w, s, p);
		return;
	}
	/* A refresh on the way: the connection stands. */
	s->epoch = s->fence = p->epoch;
	if (p->strict && s->copy == 0) {
		p->ready = true;
		return;
	}
	if (s->copy > 0 && --s->copy > 0)
		return;
	s->has |= p->has;
	p->strict = true;
}

static void
send_pending(struct world *w, int i)
{
	struct store *s = &w->n[i].st;
	struct parcel_on_wire *p;
	unsigned bit;

	for (bit = 0; bit < w->issued; bit++) {
		if ((s->pending & ~s->sent & bit_of(bit)) == 0)
			continue;
		p = net_send(w, PA_FRAME, (unsigned)i, (unsigned)!i,
		    (int)rnd(15));
		if (p == NULL)
			return;
		p->conn = s->conn;
		p->epoch = s->epoch;
		p->bit = bit;
		s->sent |= bit_of(bit);
	}
}

void
store_frame(struct world *w, const struct parcel_on_wire *p)
{
	struct store *s = &w->n[p->to].st;
	struct parcel_on_wire *a;

	if (s->role != SR_SECOND || s->conn == 0 || s->conn != p->conn)
		return;
	if (epoch_cmp(p->epoch, s->fence) > 0) {
		/* It waits for the wish of its own side. */
		a = net_send(w, PA_FRAME, p->from, p->to, TICK);
		if (a != NULL) {
			a->conn = p->conn;
			a->epoch = p->epoch;
			a->bit = p->bit;
		}
		return;
	}
	if (epoch_cmp(p->epoch, s->epoch) < 0 && !s->level)
		return;
	s->has |= bit_of(p->bit);
	a = net_send(w, PA_ANSWER, p->to, p->from, (int)rnd(15));
	if (a == NULL)
		return;
	a->conn = p->conn;
	a->bit = p->bit;
}

void
store_answer(struct world *w, const struct parcel_on_wire *p)
{
	struct store *s = &w->n[p->to].st;

	if (s->role == SR_PRIM && s->conn != 0 && s->conn == p->conn)
		s->answered |= bit_of(p->bit);
}

static bool
lease_allows(const struct node *n)
{
	return !n->st.leased || (n->page > 0 &&
	    n->page > node_now(n).ns);
}

static void
acknowledge(struct world *w, int i, unsigned bit)
{
	struct node *n = &w->n[i], *o = &w->n[!i];

	n->st.pending &= ~bit_of(bit);
	w->acked |= bit_of(bit);
	w->acked_in[bit] = n->st.epoch;
	/* I5; of a clock that stood still only data is promised. */
	if (node_serves(o) && epoch_is_none(w->forced) &&
	    w->now - n->resumed > 2 * T && w->now - o->resumed > 2 * T)
		breaks(w, "acknowledged while the other one serves");
}

static void
writes(struct world *w, int i)
{
	struct node *n = &w->n[i];
	struct store *s = &n->st;
	bool both = s->both || s->strict;
	unsigned bit;

	if (w->issued < WRITES && s->pending == 0 && !n->frozen_app &&
	    one_in(60)) {
		s->has |= bit_of(w->issued);
		s->pending |= bit_of(w->issued++);
	}
	if (both && s->conn != 0)
		send_pending(w, i);
	if (s->pending == 0 || (s->pending & ~s->answered) == 0 || !both)
		s->oldest = 0;
	else if (s->oldest == 0)
		s->oldest = w->now;
	for (bit = 0; bit < w->issued; bit++)
		if ((s->pending & bit_of(bit)) != 0 && (!both ||
		    (s->answered & bit_of(bit)) != 0) && lease_allows(n))
			acknowledge(w, i, bit);
}

void
store_tick(struct world *w, int i)
{
	struct store *s = &w->n[i].st, *p = &w->n[!i].st;

	if (w->n[i].moduled_back == 0)
		store_wish(w, i);
	if (s->conn != 0 && (!can_talk(w) || one_in(2000)))
		disconnect(w);
	/* A joiner that does not answer is no reason to wait for long. */
	if (s->conn != 0 && s->strict && !s->both && !s->leased &&
	    s->oldest != 0 && w->now - s->oldest > w->n[i].conf.stall_ms)
		disconnect(w);
	if (s->role == SR_SECOND && p->role == SR_PRIM && can_talk(w))
		follow(w, i);
	else if (s->conn != 0 && !(s->role == SR_PRIM &&
	    p->role == SR_SECOND))
		disconnect(w);
	if (s->role == SR_PRIM && s->mounted)
		writes(w, i);
}

void
store_facts(struct node *n)
{
	struct self_facts *f = &n->v.self;
	struct store *s = &n->st;

	f->known = true;
	f->role = s->role;
	f->mounted = s->mounted;
	f->epoch = s->epoch;
	f->fence = s->fence;
	f->since = s->since;
	f->level = s->level;
	f->alone = s->alone;
	f->is_new = s->is_new;
	f->resyncing = s->resyncing;
	f->link_up = s->conn != 0;
	f->drained = s->drained;
	f->equal = s->equal;
	f->ready = s->ready;
	f->joined = s->joined;
}

void
show_end(const struct world *w)
{
	char e[EPOCH_LEN], f[EPOCH_LEN], p[EPOCH_LEN];
	int i;

	for (i = 0; i < 2; i++) {
		const struct node *n = &w->n[i];
		const struct store *s = &n->st;
		const struct reg_view *r = &n->v.reg;

		printf("# n%d %s %s %s '%s' member %d joining %d asking %d "
		    "doubt %d\n", i + 1, state_name(n->m.state),
		    quality_name(n->d.quality),
		    reason_row(n->d.reason)->code, n->d.detail, n->m.member,
		    n->m.joining, n->m.asking, n->m.doubt);
		printf("#    role %d both %d ready %d level %d alone %d copy "
		    "%d epoch %s fence %s\n", s->role, s->both, s->ready,
		    s->level, s->alone, s->copy, epoch_str(e, s->epoch),
		    epoch_str(f, s->fence));
		printf("#    ask %d result %d known %d chosen %d present %s "
		    "of %u missing '%s' why '%s'\n", n->d.ask.change,
		    r->result, r->known, r->chosen,
		    epoch_str(p, r->present.epoch), r->present.primary,
		    r->missing, r->why);
	}
}

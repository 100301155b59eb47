/* SPDX-License-Identifier: ISC */
/*
 * The networks of pair-register.h, which lose, delay and overtake; fakes of
 * heartd (beats with stamp, echo and blob; silence) and of witnessd (L1, L2).
 */
#include <stdio.h>
#include <string.h>

#include "pair-register.h"

static int64_t
ms_of(struct mono t)
{
	return t.ns / 1000000;
}

struct parcel_on_wire *
net_send(struct world *w, enum parcel kind, unsigned from, unsigned to,
    int delay_ms)
{
	unsigned i;

	if (!passes(w, from, to) || (kind != PA_FRAME && kind != PA_ANSWER &&
	    from != to && one_in(w->calm ? 50 : 12)))
		return NULL;
	for (i = 0; i < WIRE_MAX; i++)
		if (w->wire[i].kind == PA_FREE) {
			memset(&w->wire[i], 0, sizeof(w->wire[i]));
			w->wire[i].kind = kind;
			w->wire[i].at = w->now + delay_ms;
			w->wire[i].from = from;
			w->wire[i].to = to;
			return &w->wire[i];
		}
	breaks(w, "the wire is full");
	return NULL;
}

/* --- heartd --------------------------------------------------------------- */

static void
set_net(struct node *n, enum net_state s)
{
	if (n->v.peer.net == s)
		return;
	n->v.peer.net = s;
	n->v.peer.net_since = node_now(n);
}

void
heart_power_on(struct world *w, int i)
{
	struct node *n = &w->n[i];

	memset(&n->heart, 0, sizeof(n->heart));
	n->heart.heard = n->heart.up_at = ms_of(node_now(n));
	n->heart.counter = (uint64_t)w->now * 1000;
	memset(&n->grant, 0, sizeof(n->grant));
	grant_assume(&n->grant, node_now(n), T);
}

static void
pulse(struct world *w, int i)
{
	struct node *n = &w->n[i];
	struct heart *h = &n->heart;
	struct parcel_on_wire *p;
	int64_t now = ms_of(node_now(n));

	if (now < h->next_pulse)
		return;
	h->next_pulse = now + PULSE;
	h->counter++;
	h->sent[h->counter % SENT_MAX] = node_now(n).ns;
	p = net_send(w, PA_BEAT, (unsigned)i, (unsigned)!i, (int)rnd(12));
	if (p == NULL)
		return;
	p->counter = h->counter;
	p->speaks = !h->withdrawn;
	p->prim = h->stamp_prim && !h->withdrawn;
	p->epoch = h->stamp;
	p->echo_epoch = h->follow;
	p->echo = epoch_is_none(h->follow) || h->withdrawn ? 0 : h->echo;
	p->blob = n->blob;
}

/* L6: from its own send time. */
static void
take_echo(struct node *n, const struct parcel_on_wire *p)
{
	struct heart *h = &n->heart;
	int64_t until;

	if (p->echo == 0 || !h->stamp_prim ||
	    epoch_cmp(p->echo_epoch, h->stamp) != 0 ||
	    p->echo > h->counter || h->counter - p->echo >= SENT_MAX)
		return;
	until = h->sent[p->echo % SENT_MAX] + (int64_t)T * 1000000;
	if (until > n->v.lease_until.ns)
		n->v.lease_until.ns = until;
}

static void
take_beat(struct world *w, const struct parcel_on_wire *p)
{
	struct node *n = &w->n[p->to];
	struct heart *h = &n->heart;
	struct peer_facts f;

	(void)w;
	if (p->counter <= h->seen)
		return;
	h->seen = p->counter;
	h->heard = ms_of(node_now(n));
	set_net(n, NET_UP);
	n->v.peer.loss = false;
	if (!p->speaks) {
		n->v.peer.has_blob = n->v.peer.stamp_prim = false;
		return;
	}
	if (p->blob.has_blob) {
		f = p->blob;
		f.net = n->v.peer.net;
		f.net_since = n->v.peer.net_since;
		n->v.peer = f;
	}
	n->v.peer.stamp_prim = p->prim;
	n->v.peer.stamp_epoch = p->epoch;
	take_echo(n, p);
	if (!p->prim || epoch_cmp(p->epoch, h->follow) != 0)
		return;
	h->echo = p->counter;
	grant_tell(&n->grant, mono_add_ms(node_now(n), grant_ms(T)));
}

void
heart_tick(struct world *w, int i)
{
	struct node *n = &w->n[i];
	struct heart *h = &n->heart;
	int64_t now = ms_of(node_now(n));

	if (n->moduled_back != 0 && h->orphan_at == 0)
		h->orphan_at = now;
	if (n->moduled_back == 0)
		h->orphan_at = 0;
	/* A module that nobody states any more. */
	h->withdrawn = h->orphan_at != 0 && now - h->orphan_at > 2 * T;
	if (h->withdrawn)
		h->follow = (struct epoch){ 0 };
	pulse(w, i);
	if (now - h->heard > T * 6 / 10)
		n->v.peer.loss = n->v.peer.net == NET_UP;
	if (now - h->heard > T && now - h->up_at > T)
		set_net(n, NET_DOWN);
}

void
heart_tell(struct world *w, int i)
{
	struct node *n = &w->n[i];
	struct heart *h = &n->heart;
	struct epoch follow = decide_follows(&n->m);

	(void)w;
	if (epoch_cmp(h->stamp, n->st.epoch) != 0 ||
	    h->stamp_prim != decide_runs(&n->m, &n->v))
		h->next_pulse = 0;
	h->stamp = n->st.epoch;
	h->stamp_prim = decide_runs(&n->m, &n->v);
	if (epoch_cmp(follow, h->follow) != 0) {
		h->follow = follow;
		h->next_pulse = 0;
		/* What was heard in that epoch already can be echoed. */
		h->echo = n->v.peer.stamp_prim && epoch_cmp(follow,
		    n->v.peer.stamp_epoch) == 0 ? h->seen : 0;
		if (h->echo != 0)
			grant_tell(&n->grant, mono_add_ms(node_now(n),
			    grant_ms(T)));
		/* The answer to it takes a moment. */
		h->follow_off_at = ms_of(node_now(n)) + rnd(3) * TICK;
	}
}

/* --- witnessd ------------------------------------------------------------- */

static struct ghost *
ghost_of(struct world *w, const struct reg_value *v)
{
	unsigned i;

	for (i = 0; i < w->ghosts; i++)
		if (epoch_cmp(w->ghost[i].v.epoch, v->epoch) == 0) {
			if (!reg_value_equal(&w->ghost[i].v, v))
				breaks(w, "two values of one ballot");
			return &w->ghost[i];
		}
	if (w->ghosts == GHOST_MAX) {
		breaks(w, "too many proposals");
		return &w->ghost[0];
	}
	memset(&w->ghost[w->ghosts], 0, sizeof(w->ghost[0]));
	w->ghost[w->ghosts].v = *v;
	return &w->ghost[w->ghosts++];
}

static bool
has_majority(const struct ghost *g, const struct reg_voter *list,
    unsigned count)
{
	unsigned i, j, n = 0;

	for (i = 0; i < count; i++)
		for (j = 0; j < g->count; j++)
			if (strcmp(list[i].name, g->by[j].name) == 0 &&
			    (list[i].id == 0 || list[i].id == g->by[j].id)) {
				n++;
				break;
			}
	return n > count / 2;
}

/* I3: its primary was a member of the newest value below it. */
static void
look_chosen(struct world *w, struct ghost *g)
{
	const struct reg_value *v = &g->v;

	if (g->chosen || !has_majority(g, v->voter, v->voter_count) ||
	    (v->old_voter_count > 0 &&
	    !has_majority(g, v->old_voter, v->old_voter_count)))
		return;
	g->chosen = true;
	if (v->forced && epoch_cmp(v->epoch, w->forced) > 0)
		w->forced = v->epoch;
	if (epoch_cmp(v->epoch, w->newest.epoch) <= 0)
		return;
	if (!reg_value_is_none(&w->newest) &&
	    !reg_has_member(&w->newest, v->primary)) {
		if (epoch_is_none(w->forced))
			breaks(w, "I3: primary was no member");
		/*
		 * A force without a majority begins a history beside the
		 * other, which two may do in one era: the one that goes on is
		 * whole from here on, and the other one set aside.
		 */
		w->forced = v->epoch;
	}
	w->newest = *v;
	if (w->trace)
		printf("# %lld chosen %u.%llu.%u primary %u members %u\n",
		    (long long)w->now, v->epoch.era,
		    (unsigned long long)v->epoch.n, v->epoch.node,
		    v->primary, v->member_count);
}

static void
accepted(struct world *w, unsigned voter, const struct reg_value *v)
{
	static const char *const names[VOTERS] = { "n1", "n2", "w1" };
	struct ghost *g = ghost_of(w, v);
	unsigned i;

	for (i = 0; i < g->count; i++)
		if (g->by[i].id == w->voter[voter].id)
			return;
	if (g->count < VOTERS * 2) {
		(void)snprintf(g->by[g->count].name,
		    sizeof(g->by[0].name), "%s", names[voter]);
		g->by[g->count++].id = w->voter[voter].id;
	}
	look_chosen(w, g);
}

static bool
voter_is_up(const struct world *w, unsigned v)
{
	return v == WITNESS ? w->voter[v].up :
	    alive(&w->n[v]) && !w->n[v].voter_down;
}

/* L1, L2. */
static void
vote(struct world *w, const struct parcel_on_wire *q)
{
	struct voter *r = &w->voter[q->to];
	struct vote_answer a = { .kind = q->ask.kind, .nonce = q->ask.nonce,
	    .voter = r->id, .result = VOTE_OK };
	struct parcel_on_wire *p;

	if (!voter_is_up(w, q->to))
		return;
	if (q->ask.kind == VOTE_PREPARE) {
		if (epoch_cmp(q->ask.ballot, r->promised) < 0)
			a.result = VOTE_REFUSED;
		else
			r->promised = q->ask.ballot;
	} else if (q->ask.kind == VOTE_ACCEPT) {
		if (epoch_cmp(q->ask.ballot, r->promised) < 0)
			a.result = VOTE_REFUSED;
		else {
			r->promised = q->ask.ballot;
			r->value = q->ask.value;
			accepted(w, q->to, &r->value);
		}
	}
	a.promised = r->promised;
	a.value = r->value;
	p = net_send(w, PA_VOTE, q->to, q->from, (int)rnd(20));
	if (p != NULL)
		p->vote = a;
}

void
vote_send(struct world *w, int i, const struct propose_output *out)
{
	struct parcel_on_wire *p;
	unsigned k, to;

	for (k = 0; k < out->count; k++) {
		to = strcmp(out->message[k].voter, "w1") == 0 ? WITNESS :
		    strcmp(out->message[k].voter, "n1") == 0 ? 0 : 1;
		p = net_send(w, PA_ASK, (unsigned)i, to, (int)rnd(20));
		if (p != NULL)
			p->ask = out->message[k].ask;
	}
}

static void
deliver(struct world *w, const struct parcel_on_wire *p)
{
	static const char *const names[VOTERS] = { "n1", "n2", "w1" };
	struct node *n = p->to < 2 ? &w->n[p->to] : NULL;

	if (n != NULL && !alive(n))
		return;
	switch (p->kind) {
	case PA_BEAT:
		take_beat(w, p);
		break;
	case PA_FRAME:
		store_frame(w, p);
		break;
	case PA_ANSWER:
		store_answer(w, p);
		break;
	case PA_ASK:
		vote(w, p);
		break;
	case PA_VOTE:
		if (n->moduled_back == 0 && n->propose != NULL)
			propose_answer(n->propose, node_now(n),
			    names[p->from], &p->vote);
		break;
	case PA_FREE:
		break;
	}
}

void
net_tick(struct world *w)
{
	struct parcel_on_wire p;
	unsigned i;

	for (i = 0; i < WIRE_MAX; i++)
		if (w->wire[i].kind != PA_FREE && w->wire[i].at <= w->now) {
			p = w->wire[i];
			w->wire[i].kind = PA_FREE;
			deliver(w, &p);
		}
}

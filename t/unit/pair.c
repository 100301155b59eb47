/* SPDX-License-Identifier: ISC */
/*
 * Two nodes play decide() against each other: a fake clock, a fake mirrord
 * with its durable record, lost messages, cut networks, pulled cables,
 * crashes, restarts, frozen nodes, stops, swaps, maintenance, standby and
 * releases at random (seeded).
 * Without a full split of all networks, and with one where each node has a
 * device that cuts the other's power, it must hold that
 *	- never two acknowledge alone at once,
 *	- who acknowledges has every acknowledged write,
 *	- mirrord is never asked for what its record forbids,
 *	- two do not answer for the address longer than a few pulses,
 *	- once faults end, one is PRIM Ready and the other SECOND Ready.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pair-scripts.h"
#include "pair-words.h"
#include "tap.h"

#include "../../bin/moduled/decide-standing.h"

#define TICK	5
#define T	200
#define G	20
#define PULSE	20
#define RUN_MS	14000
#define CALM_MS	6000

struct store {
	/* durable */
	struct epoch	 epoch, fence, handed;
	bool		 level, alone, is_new, resyncing;
	uint64_t	 has;
	/* volatile */
	enum store_role	 role;
	bool		 mounted, both, ready, joined, drained, equal, linked;
	int		 delay, copy, stall;
};

/* A request to a fencing device: it is carried out, whoever asked dies. */
struct shot {
	int64_t		 at;		/* 0: none in hand */
	uint64_t	 id;
	bool		 good;
};

struct node {
	struct decide_conf conf;
	struct shot	 shot;
	bool		 up, frozen, deaf;
	bool		 wish_start;
	struct words	 words;
	enum order	 order;
	struct epoch	 refused;
	char		 lastprim[FACT_NAME];
	struct store	 st;
	struct machine	 m;
	struct decision	 d;
	struct view	 v;
	struct peer_facts blob;		/* what it publishes */
	bool		 vip;
	struct fake_scripts s;
	int64_t		 probe_from;
	uint64_t	 probe_id;
	bool		 probe_hit;
	int64_t		 heard, up_at, order_at;
	char		 saved[4096];
	int64_t		 moduled_back, node_back, thaw_at;
};

struct world {
	struct node	 n[2];
	int64_t		 now;
	bool		 beat, svc, cable[2];
	bool		 power;		/* there are fencing devices */
	bool		 unheard[2];	/* cut in one direction, with them */
	uint64_t	 acked;
	unsigned	 issued;
	int64_t		 both_vip;
	int64_t		 quiet;		/* no further fault before */
	const char	*broken;
	bool		 trace;
};

static void
breaks(struct world *w, const char *what)
{
	if (w->broken == NULL)
		w->broken = what;
}

static bool
beats(const struct world *w)
{
	return w->beat && w->cable[0] && w->cable[1];
}

static bool
serves_net(const struct world *w)
{
	return w->svc && w->cable[0] && w->cable[1];
}

static bool
alive(const struct node *n)
{
	return n->up && !n->frozen;
}

/* The replication link: here it goes the way of the heartbeats. */
static bool
linked(const struct world *w)
{
	const struct store *a = &w->n[0].st, *b = &w->n[1].st;

	return beats(w) && !w->unheard[0] && !w->unheard[1] &&
	    alive(&w->n[0]) && alive(&w->n[1]) &&
	    ((a->role == SR_PRIM && b->role == SR_SECOND) ||
	    (b->role == SR_PRIM && a->role == SR_SECOND));
}

/* Would this node answer a sync now, and with whom? */
static bool
acks_alone(const struct node *n)
{
	return alive(n) && n->st.role == SR_PRIM && n->st.mounted &&
	    !n->st.both && n->st.alone;
}

static void
store_prim(struct world *w, struct node *n, const struct want *k)
{
	struct store *s = &n->st;

	if (epoch_cmp(k->epoch, s->fence) < 0)
		return;		/* refused: an older wish */
	if (epoch_cmp(k->epoch, s->epoch) > 0 || s->role != SR_PRIM) {
		if (k->both) {
			/* Taken up after a restart of mirrord. */
			if (s->alone || epoch_cmp(k->epoch, s->epoch) != 0)
				return;
			s->role = SR_PRIM;
			s->mounted = s->both = true;
			return;
		}
		if (!s->level && !k->fresh && !k->force)
			breaks(w, "primary without level data");
		if (s->is_new && !k->fresh && !k->force)
			breaks(w, "primary on a new store");
		s->epoch = s->fence = k->epoch;
		s->alone = s->level = true;
		s->is_new = s->resyncing = false;
		memset(&s->handed, 0, sizeof(s->handed));
		s->role = SR_PRIM;
		s->mounted = true;
		s->both = s->joined = s->ready = false;
		s->copy = 0;
		return;
	}
	if (k->both && !s->both) {
		if (!s->ready)
			return;
		s->alone = false;		/* durable, before the peer's */
		s->both = true;
	}
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
	if (k->role == SR_PRIM) {
		store_prim(w, n, k);
		return;
	}
	if (k->role == SR_DOWN) {
		if (s->role == SR_PRIM) {
			s->equal = s->both && s->joined &&
			    w->n[!i].st.role == SR_SECOND && linked(w) &&
			    w->n[!i].st.level;
			s->mounted = false;
			s->role = SR_DOWN;
			s->drained = true;
		} else
			s->role = SR_DOWN;
		if (k->handed && epoch_cmp(k->epoch, s->handed) > 0)
			s->handed = k->epoch;
		return;
	}
	s->drained = s->equal = false;
	if (k->role != SR_PRIM)
		s->mounted = s->both = s->joined = s->ready = false;
	if (k->notlevel)
		s->level = false;
	s->role = k->role;
}

static void
store_follow(struct world *w, int i)
{
	struct node *n = &w->n[i], *p = &w->n[!i];
	struct store *s = &n->st, *ps = &p->st;

	if (s->role != SR_SECOND)
		return;
	if (!linked(w) || epoch_cmp(n->d.want.epoch, ps->epoch) != 0 ||
	    epoch_cmp(s->fence, ps->epoch) > 0) {
		ps->ready = false;
		s->linked = ps->linked = false;
		return;
	}
	s->linked = ps->linked = true;
	if (epoch_cmp(s->epoch, ps->epoch) == 0 && s->level && ps->both) {
		s->has |= ps->has;	/* sent again, in order */
		ps->joined = true;
		return;
	}
	if (!s->resyncing || epoch_cmp(s->fence, ps->epoch) != 0) {
		if ((w->acked & s->has & ~ps->has) != 0)
			breaks(w, "resync over acknowledged data");
		s->resyncing = true;
		s->is_new = s->level = s->alone = false;
		s->fence = s->epoch = ps->epoch;
		memset(&s->handed, 0, sizeof(s->handed));
		s->has = 0;
		s->copy = 2 + (int)rnd(60);
		return;
	}
	if (s->copy > 0 && --s->copy > 0)
		return;
	s->has = ps->has;
	if (!ps->both) {
		ps->ready = true;
		return;
	}
	if (one_in(3)) {
		s->level = true;
		s->resyncing = false;
		ps->joined = true;
	}
}

static void
vip_and_probe(struct world *w, int i)
{
	struct node *n = &w->n[i], *p = &w->n[!i];
	struct decision *d = &n->d;

	n->vip = d->vip_own;
	if (d->probe_id == 0) {
		n->probe_id = 0;
		return;
	}
	if (d->probe_id != n->probe_id) {
		n->probe_id = d->probe_id;
		n->probe_from = w->now;
		n->probe_hit = false;
	}
	/* The kernel of a frozen node answers too, if it gets packets. */
	if ((w->now - n->probe_from) % G == 0 && serves_net(w) && p->up &&
	    !w->unheard[!i] &&
	    p->vip && !(p->frozen && p->deaf))
		n->probe_hit = true;
	if (w->now - n->probe_from >= 3 * G) {
		n->v.probe_done = n->probe_id;
		n->v.probe_answered = n->probe_hit;
		strcpy(n->v.probe_text, "10.0.0.1");
	}
}

static void
self_facts(struct node *n)
{
	struct self_facts *f = &n->v.self;
	struct store *s = &n->st;

	f->known = true;
	f->role = s->role;
	f->mounted = s->mounted;
	f->epoch = s->epoch;
	f->fence = s->fence;
	f->level = s->level;
	f->alone = s->alone;
	f->is_new = s->is_new;
	f->resyncing = s->resyncing;
	f->handed_epoch = s->handed;
	strcpy(f->handed, epoch_is_none(s->handed) ? "" : n->conf.peer);
	f->link_up = s->linked;
	f->drained = s->drained;
	f->equal = s->equal;
	f->ready = s->ready;
	f->joined = s->joined;
	f->stall_ms = s->stall * TICK;
}

static void
set_net(struct node *n, enum net_state s, int64_t now)
{
	if (n->v.peer.net == s)
		return;
	n->v.peer.net = s;
	n->v.peer.net_since.ns = now * 1000000;
}

static void
heart(struct world *w, int i)
{
	struct node *n = &w->n[i], *p = &w->n[!i];
	struct peer_facts f;

	if (w->unheard[!i])
		;
	else if (beats(w) && alive(p) && p->moduled_back == 0 &&
	    !one_in(5)) {
		n->heard = w->now;
		if (p->blob.has_blob) {
			f = p->blob;
			f.net = n->v.peer.net;
			f.net_since = n->v.peer.net_since;
			n->v.peer = f;
		}
		set_net(n, NET_UP, w->now);
	} else if (beats(w) && alive(p))
		n->heard = w->now;
	if (w->now - n->heard > T && w->now - n->up_at > T)
		set_net(n, NET_DOWN, w->now);
}

static bool
serves(const struct node *n)
{
	return n->m.promoting || n->m.state == ST_ALONE ||
	    n->m.state == ST_PRIM;
}

/* By the rule of moduled's verb: where it serves, and is not cut off. */
static void
say_release(struct node *n, int i)
{
	if (n->up && n->moduled_back == 0)
		words_release(&n->words, i, serves(n) && !n->m.promoting &&
		    (!n->m.member || n->v.peer.net == NET_UP));
}

static void
think(struct world *w, int i)
{
	struct node *n = &w->n[i];
	struct decision *d = &n->d;
	unsigned k;

	n->v.now.ns = (w->now + 1) * 1000000;
	n->v.conf = &n->conf;
	n->v.heard_since.ns = 1;
	n->v.lan_up = n->v.vip_link_up = w->cable[i];
	n->v.vip_owned = n->vip;
	fake_scripts_show(&n->s, &n->v);
	if (n->v.peer.net == NET_UP && n->v.peer.has_blob)
		words_hear(&n->words, &w->n[!i].words, i, serves(n));
	n->v.maintain = n->words.maintain;
	n->v.standby = n->words.standby;
	n->v.power.on = w->power;
	n->v.released = n->words.released;
	n->v.wish_start = decide_wish(&n->m, &n->v, n->wish_start);
	n->v.order = n->order;
	n->v.refused = n->refused;
	strcpy(n->v.lastprim, n->lastprim);
	self_facts(n);
	decide(&n->m, &n->v, d);
	n->v.late = false;
	if (d->order_done || w->now - n->order_at > 3000)
		n->order = OR_NONE;
	if (!epoch_is_none(d->refuse))
		n->refused = d->refuse;
	if (d->lastprim != NULL)
		strcpy(n->lastprim, d->lastprim);
	n->v.refused = n->refused;
	decide_blob(&n->m, &n->v, d, &n->blob);
	(void)machine_save(n->saved, sizeof(n->saved), &n->m);
	if (!w->trace)
		return;
	for (k = 0; k < d->note_count; k++)
		printf("# %lld n%d %s\n", (long long)w->now, i + 1,
		    d->note[k]);
	for (k = 0; k < d->step_count; k++)
		printf("# %lld n%d %s -> %s (%s) reason %s\n",
		    (long long)w->now, i + 1, state_name(d->step[k].from),
		    state_name(d->step[k].to), event_name(d->step[k].event),
		    reason_row(d->reason)->code);
}

static void
writes(struct world *w)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct node *n = &w->n[i], *p = &w->n[!i];
		struct store *s = &n->st, *ps = &p->st;

		s->stall = 0;
		if (!alive(n) || s->role != SR_PRIM || !s->mounted)
			continue;
		if (s->both && !(linked(w) && s->joined && ps->level &&
		    epoch_cmp(ps->epoch, s->epoch) == 0)) {
			s->stall++;
			continue;
		}
		if (w->issued == 64 || !one_in(50))
			continue;
		s->has |= UINT64_C(1) << w->issued;
		if (s->both)
			ps->has |= UINT64_C(1) << w->issued;
		w->acked |= UINT64_C(1) << w->issued++;
	}
}

static void
promises(struct world *w)
{
	int i;

	if (acks_alone(&w->n[0]) && acks_alone(&w->n[1]))
		breaks(w, "two acknowledge alone");
	for (i = 0; i < 2; i++)
		if (acks_alone(&w->n[i]) && (w->acked & ~w->n[i].st.has) != 0)
			breaks(w, "an acknowledged write is missing");
	if (w->n[0].vip && w->n[1].vip && w->n[0].up && w->n[1].up &&
	    !w->n[0].frozen && !w->n[1].frozen && serves_net(w))
		w->both_vip += TICK;
	else
		w->both_vip = 0;
	if (w->both_vip > 3 * PULSE + 50)
		breaks(w, "two answer for the address");
}

static void
power_on(struct world *w, int i)
{
	struct node *n = &w->n[i];
	struct store *s = &n->st;

	machine_init(&n->m);
	memset(&n->v, 0, sizeof(n->v));
	memset(&n->d, 0, sizeof(n->d));
	memset(&n->blob, 0, sizeof(n->blob));
	s->role = SR_NONE;
	s->mounted = s->both = s->ready = s->joined = s->drained = false;
	s->equal = s->linked = false;
	memset(&n->s, 0, sizeof(n->s));
	n->vip = n->frozen = false;
	n->probe_id = 0;
	n->up = true;
	n->up_at = n->heard = w->now;
	n->moduled_back = n->node_back = n->thaw_at = 0;
	if (w->trace)
		printf("# %lld n%d power on\n", (long long)w->now, i + 1);
}

static void
power_off(struct world *w, int i)
{
	w->n[i].up = false;
	w->n[i].vip = false;
	w->n[i].st.role = SR_NONE;
	w->n[i].st.mounted = false;
	w->n[i].st.joined = w->n[i].st.ready = false;
	if (w->trace)
		printf("# %lld n%d power off\n", (long long)w->now, i + 1);
}

static void
device(struct world *w, int i)
{
	struct node *n = &w->n[i];
	bool thinks = alive(n) && n->moduled_back == 0;
	uint64_t id = n->d.power_id;

	/* Called off, perhaps too late. */
	if (thinks && id == 0 && n->shot.at != 0 && one_in(4))
		n->shot.at = 0;
	if (thinks && id != 0 && id != n->shot.id)
		n->shot = (struct shot){ .at = w->now + 20 + rnd(300),
		    .id = id, .good = !one_in(4) };
	if (n->shot.at == 0 || w->now < n->shot.at)
		return;
	n->shot.at = 0;
	if (n->shot.good && w->n[!i].up) {
		power_off(w, !i);
		w->n[!i].node_back = w->now + 100 + rnd(3000);
	}
	n->v.power.done = n->shot.id;
	n->v.power.is_off = n->shot.good;
}

static void
moduled_restarts(struct world *w, int i)
{
	struct node *n = &w->n[i];
	struct line l;
	const char *why;

	n->moduled_back = 0;
	memset(&n->d, 0, sizeof(n->d));
	if (line_parse(&l, n->saved, strlen(n->saved) - 1, &why) != 0 ||
	    !machine_restore(&n->m, &l))
		breaks(w, "the machine was not restored");
	n->v.probe_done = n->v.power.done = 0;
	n->probe_id = 0;
	n->shot = (struct shot){ 0 };
	if (w->trace)
		printf("# %lld n%d moduled is back\n", (long long)w->now,
		    i + 1);
}

static void
faults(struct world *w)
{
	int i = (int)rnd(2);
	struct node *n = &w->n[i];

	if (w->now < w->quiet)
		return;
	switch (rnd(w->power ? 14 : 13)) {
	case 0:
		if (n->up) {
			power_off(w, i);
			n->node_back = w->now + 100 + rnd(3000);
		}
		break;
	case 1:
		/* Both are a full split. */
		if (w->beat && (w->svc || w->power))
			w->beat = false;
		else
			w->beat = true;
		break;
	case 2:
		if ((w->beat || w->power) && w->svc)
			w->svc = false;
		else
			w->svc = true;
		break;
	case 3:
		if (w->power || (w->beat && w->svc && w->cable[!i]))
			w->cable[i] = !w->cable[i];
		break;
	case 4:
		if (n->up && !n->frozen && n->moduled_back == 0)
			n->moduled_back = w->now + 20 + rnd(100);
		break;
	case 5:
		/* With a cut on top of it nothing is promised. */
		if (n->up && n->moduled_back == 0 && beats(w) && w->svc) {
			n->frozen = true;
			n->deaf = one_in(2);
			n->thaw_at = w->now + 50 + rnd(1500);
			w->quiet = n->thaw_at + 2 * T;
		}
		break;
	case 6:
		n->wish_start = !n->wish_start;
		break;
	case 7:
		n->order = OR_SWAP;
		n->order_at = w->now;
		break;
	case 8:
		n->words.maintain = !n->words.maintain;
		break;
	case 9:
		n->words.standby = !n->words.standby;
		break;
	case 10:
		say_release(n, i);
		break;
	case 13:
		w->unheard[i] = !w->unheard[i];
		break;
	default:
		w->unheard[0] = w->unheard[1] = false;
		w->beat = w->svc = w->cable[0] = w->cable[1] = true;
		n->wish_start = true;
		break;
	}
	if (w->trace)
		printf("# %lld beat %d svc %d cables %d %d wish %d %d order "
		    "%d %d unheard %d %d frozen %d %d maintain %d %d "
		    "standby %d %d released %d %d\n", (long long)w->now,
		    w->beat, w->svc, w->cable[0], w->cable[1],
		    w->n[0].wish_start,
		    w->n[1].wish_start, w->n[0].order, w->n[1].order,
		    w->unheard[0], w->unheard[1],
		    w->n[0].frozen, w->n[1].frozen, w->n[0].words.maintain,
		    w->n[1].words.maintain, w->n[0].words.standby,
		    w->n[1].words.standby, w->n[0].words.released,
		    w->n[1].words.released);
}

static void
comings(struct world *w, int i)
{
	struct node *n = &w->n[i];

	if (!n->up && w->now >= n->node_back)
		power_on(w, i);
	if (n->frozen && w->now >= n->thaw_at) {
		n->frozen = false;
		/* What lay in the sockets is read before anybody is dead. */
		if (w->now - n->heard > T) {
			n->v.late = true;
			set_net(n, NET_UNKNOWN, w->now);
			n->up_at = w->now;
		}
		n->heard = w->now;
	}
	if (n->moduled_back != 0 && w->now >= n->moduled_back)
		moduled_restarts(w, i);
}

static void
tick(struct world *w)
{
	int i;

	w->now += TICK;
	for (i = 0; i < 2; i++)
		comings(w, i);
	for (i = 0; i < 2; i++) {
		struct node *n = &w->n[i];

		if (!alive(n))
			continue;
		heart(w, i);
		if (n->moduled_back == 0) {
			think(w, i);
			vip_and_probe(w, i);
			fake_scripts_step(&n->s, &n->d);
		}
		if (n->moduled_back == 0)
			store_wish(w, i);
		store_follow(w, i);
	}
	for (i = 0; i < 2; i++)
		device(w, i);
	writes(w);
	promises(w);
}

static void
world_init(struct world *w, uint32_t seed)
{
	static const char *const names[2] = { "n1", "n2" };
	int i;

	memset(w, 0, sizeof(*w));
	chance_seed(seed);
	w->beat = w->svc = w->cable[0] = w->cable[1] = true;
	w->now = 1000;
	for (i = 0; i < 2; i++) {
		struct node *n = &w->n[i];

		n->conf = (struct decide_conf){ .module = "m",
		    .node = names[i], .peer = names[!i],
		    .node_id = (uint8_t)(i + 1), .peer_id = (uint8_t)(2 - i),
		    .timeout_ms = T, .probe_gap_ms = G, .pulse_ms = PULSE,
		    .stall_ms = 200, .fencehold_ms = 600, .failover = true,
		    .vip = true, .defaultprim = "alone",
		    .power_delay_ms = 150, .addresses = "10.0.0.1" };
		n->st.is_new = true;
		n->wish_start = true;
		power_on(w, i);
	}
	w->n[0].order = OR_PRIM;
	w->n[0].order_at = w->now;
}

static bool
is_ready(const struct world *w)
{
	const struct node *a = &w->n[0], *b = &w->n[1];

	if (a->m.state == ST_SECOND) {
		a = &w->n[1];
		b = &w->n[0];
	}
	return a->m.state == ST_PRIM && a->d.quality == Q_READY &&
	    b->m.state == ST_SECOND && b->d.quality == Q_READY;
}

static const char *
run(uint32_t seed, int fault_every, bool power, bool trace)
{
	static struct world w;
	int64_t end;
	int i;

	world_init(&w, seed);
	w.trace = trace;
	w.power = power;
	for (end = w.now + 3000; w.now < end && !is_ready(&w);)
		tick(&w);
	if (!is_ready(&w))
		return "first pairing did not end";
	for (end = w.now + RUN_MS - CALM_MS; w.now < end;) {
		if (fault_every != 0 && one_in((uint32_t)fault_every))
			faults(&w);
		tick(&w);
		if (w.broken != NULL)
			return w.broken;
	}
	w.beat = w.svc = w.cable[0] = w.cable[1] = true;
	w.unheard[0] = w.unheard[1] = false;
	for (i = 0; i < 2; i++) {
		w.n[i].wish_start = true;
		w.n[i].words.maintain = w.n[i].words.standby = false;
	}
	if (trace)
		printf("# %lld calm\n", (long long)w.now);
	for (end = w.now + CALM_MS; w.now < end && !is_ready(&w);) {
		for (i = 0; i < 2; i++)
			if (w.n[i].words.released)
				say_release(&w.n[i], i);
		tick(&w);
		if (w.broken != NULL)
			return w.broken;
	}
	if (!is_ready(&w)) {
		for (i = 0; i < 2; i++)
			printf("# n%d %s %s %s member %d role %d both %d "
			    "ready %d level %d alone %d copy %d\n", i + 1,
			    state_name(w.n[i].m.state),
			    quality_name(w.n[i].d.quality),
			    reason_row(w.n[i].d.reason)->code,
			    w.n[i].m.member, w.n[i].st.role, w.n[i].st.both,
			    w.n[i].st.ready, w.n[i].st.level,
			    w.n[i].st.alone, w.n[i].st.copy);
		return "dead end";
	}
	return w.broken;
}

int
main(int argc, char **argv)
{
	static const int every[] = { 400, 120, 40, 15 };
	unsigned runs = getenv("HOLDFAST_LONG") != NULL ? 3000 : 100, k, failed;
	const char *why;
	uint32_t seed;

	if (argc > 2) {
		/* One run, told step by step: pair SEED EVERY [power] */
		why = run((uint32_t)atoi(argv[1]), atoi(argv[2]), argc > 3,
		    true);
		ok(why == NULL, "%s", why == NULL ? "good" : why);
		return tap_done();
	}
	if (argc > 1)
		runs = (unsigned)atoi(argv[1]);
	ok(run(1, 0, false, false) == NULL, "first pairing, no faults");
	for (k = 0; k < 8; k++) {
		failed = 0;
		for (seed = 1; seed <= runs; seed++) {
			why = run(seed, every[k % 4], k >= 4, false);
			if (why == NULL)
				continue;
			if (++failed <= 5)
				printf("# seed %u every %d%s: %s\n", seed,
				    every[k % 4], k >= 4 ? " power" : "",
				    why);
		}
		is_num(failed, 0, "%u runs%s, a fault in %d ticks", runs,
		    k >= 4 ? " with fencing and full splits" : "",
		    every[k % 4]);
	}
	return tap_done();
}

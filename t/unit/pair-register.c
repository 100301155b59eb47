/* SPDX-License-Identifier: ISC */
/*
 * Two nodes and a witness play decide() and the proposer against each other:
 * lost, late and overtaken beats, frames and votes, networks cut in one or
 * both directions, pulled cables, crashes, restarts of moduled, frozen nodes,
 * paused machines whose clock stood still, a witness that dies or forgets,
 * stops, swaps, maintenance, standby, releases, and an operator who forces.
 *
 * After each tick: I1 two nodes never serve, or answer for the address, at
 * once; I2 each acknowledged write is on the primary and the members of the
 * newest chosen value; I3 a primary was a member before; I4 nothing
 * acknowledged vanishes; I5 nobody serves elsewhere while a write is
 * acknowledged; and mirrord is never asked for what its record forbids, nor
 * to copy into a member.
 * I7: once faults end, one is PRIM Ready and the other SECOND Ready.
 *
 * pair-register SEED CAMPAIGN plays that one, and tells; pair-register FROM TO
 * CAMPAIGN plays those.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair-register.h"
#include "tap.h"

#define RUN_MS	9000
#define CALM_MS	9000
/* A paused machine learns within this from its first beats (2.15). */
#define RESUME_MS (2 * T)
struct campaign {
	int	every;
	bool	force, still, amnesia;
};

void
breaks(struct world *w, const char *what)
{
	if (w->broken != NULL)
		return;
	w->broken = what;
	if (w->trace)
		printf("# %lld BROKEN %s\n", (long long)w->now, what);
}

bool
alive(const struct node *n)
{
	return n->up && !n->frozen;
}

struct mono
node_now(const struct node *n)
{
	return (struct mono){ n->clock_ns };
}

bool
passes(const struct world *w, unsigned from, unsigned to)
{
	return from == to || !w->cut[from][to];
}

static bool
cable_in(const struct world *w, unsigned i)
{
	unsigned k;

	for (k = 0; k < 3; k++)
		if (k != i && (!w->cut[i][k] || !w->cut[k][i]))
			return true;
	return false;
}

bool
node_serves(const struct node *n)
{
	if (!alive(n) || n->st.role != SR_PRIM || !n->st.mounted ||
	    n->frozen_app)
		return false;
	return !n->st.leased || (n->page > 0 && n->page > n->clock_ns);
}

static bool
answers_address(const struct node *n)
{
	if (!n->up || !n->vip || (n->frozen && n->deaf))
		return false;
	return !n->vip_leased || n->vip_until > n->clock_ns;
}

/* --- one node ------------------------------------------------------------- */

static void
probe_address(struct world *w, int i)
{
	struct node *n = &w->n[i], *p = &w->n[!i];
	uint64_t id = n->d.probe_id;

	if (id == 0) {
		n->probe_id = 0;
		return;
	}
	if (id != n->probe_id) {
		n->probe_id = id;
		n->probe_from = w->now;
		n->probe_hit = false;
	}
	if ((w->now - n->probe_from) % G == 0 && passes(w, 0, 1) &&
	    passes(w, 1, 0) && answers_address(p))
		n->probe_hit = true;
	if (w->now - n->probe_from >= 3 * G) {
		n->v.probe_done = id;
		n->v.probe_answered = n->probe_hit;
		strcpy(n->v.probe_text, "10.0.0.1");
	}
}

static bool
serves_by_state(const struct node *n)
{
	return n->m.promoting || prim_like(n->m.state);
}

static void
say_release(struct node *n, int i)
{
	if (n->up && n->moduled_back == 0)
		words_release(&n->words, i, serves_by_state(n) &&
		    !n->m.promoting &&
		    (!n->m.member || n->v.peer.net == NET_UP));
}

/* A peer that beats and has no moduled. */
static void
look_peer(struct node *n, struct view *v)
{
	struct heart *h = &n->heart;
	int64_t now = n->clock_ns / 1000000;

	if (v->peer.net != NET_UP || v->peer.has_blob) {
		h->blob_gone = 0;
		return;
	}
	if (h->blob_gone == 0)
		h->blob_gone = now;
	if (now - h->blob_gone < T)
		return;
	v->peer.net = NET_DOWN;
	v->peer.net_since = mono_add_ms((struct mono){
	    h->blob_gone * 1000000 }, T);
}

static void
look(struct world *w, int i, struct view *v)
{
	struct node *n = &w->n[i];
	bool follows = !epoch_is_none(n->heart.follow) ||
	    n->clock_ns / 1000000 < n->heart.follow_off_at;

	n->v.now = node_now(n);
	n->v.conf = &n->conf;
	n->v.heard_since.ns = 1;
	n->v.lan_up = n->v.vip_link_up = cable_in(w, (unsigned)i);
	n->v.vip_owned = n->vip;
	n->v.vip_leased = n->vip && n->vip_leased;
	fake_scripts_show(&n->s, &n->v);
	if (n->v.peer.net == NET_UP && n->v.peer.has_blob)
		words_hear(&n->words, &w->n[!i].words, i,
		    serves_by_state(n));
	n->v.maintain = n->words.maintain;
	n->v.standby = n->words.standby;
	n->v.released = n->words.released;
	n->v.order = n->order;
	n->v.order_risk = true;
	n->v.registered = n->registered;
	strcpy(n->v.lastprim, n->lastprim);
	store_facts(n);
	n->v.self.stall_ms = n->st.oldest != 0 ? w->now - n->st.oldest : 0;
	*v = n->v;
	look_peer(n, v);
	grant_look(&n->grant, v->now, follows, T);
	if (v->late)
		grant_assume(&n->grant, v->now, T);
	v->grant_until = n->grant.until;
	v->follow_off = !follows;
	v->wish_start = decide_wish(&n->m, v, n->wish_start);
	n->v.late = false;
}

static void
tell(const struct world *w, int i)
{
	const struct decision *d = &w->n[i].d;
	unsigned k;

	for (k = 0; k < d->note_count; k++)
		printf("# %lld n%d %s\n", (long long)w->now, i + 1,
		    d->note[k]);
	for (k = 0; k < d->step_count; k++)
		printf("# %lld n%d %s -> %s (%s) reason %s\n",
		    (long long)w->now, i + 1, state_name(d->step[k].from),
		    state_name(d->step[k].to), event_name(d->step[k].event),
		    reason_row(d->reason)->code);
}

/* What think.c does with a decision, in its order. */
static void
carry_out(struct world *w, int i, const struct view *v)
{
	struct node *n = &w->n[i];
	struct decision *d = &n->d;

	if (d->order_done || w->now - n->order_at > 4000)
		n->order = OR_NONE;
	if (d->registered)
		n->registered = true;
	if (d->lastprim != NULL)
		strcpy(n->lastprim, d->lastprim);
	decide_blob(&n->m, v, d, &n->blob);
	(void)machine_save(n->saved, sizeof(n->saved), &n->m);
	n->page = d->lease == LU_NONE ? 0 : d->lease == LU_OVER ? -1 :
	    d->lease_until.ns;
	n->vip = d->vip_own;
	n->vip_leased = d->lease != LU_NONE;
	n->vip_until = d->lease == LU_RUNS ? d->lease_until.ns : 0;
	n->frozen_app = d->freeze;
	heart_tell(w, i);
}

static void
vote_step(struct world *w, int i, const struct view *v)
{
	struct node *n = &w->n[i];
	const struct propose_memory *mem;
	struct propose_input in = { .now = v->now, .wall_s = w->now / 1000,
	    .ask = n->d.ask };
	unsigned k;

	in.self.known = v->self.known;
	in.self.running = decide_runs(&n->m, v);
	in.self.strict = v->self.ready;
	in.self.level = v->self.level;
	in.self.resyncing = v->self.resyncing;
	in.self.epoch = v->self.epoch;
	in.self.fence = v->self.fence;
	in.self.since = v->self.since;
	in.heard = epoch_cmp(v->peer.epoch, v->peer.fence) > 0 ?
	    v->peer.epoch : v->peer.fence;
	propose_step(n->propose, &in, &n->out);
	if (n->out.memory)
		for (k = 0; k < REG_VOTER_MAX; k++)
			if ((mem = propose_memory(n->propose, k)) != NULL)
				n->memory[k] = *mem;
	if (w->trace && n->out.event[0] != '\0')
		printf("# %lld n%d voters: %s\n", (long long)w->now, i + 1,
		    n->out.event);
	vote_send(w, i, &n->out);
	n->v.reg = *propose_view(n->propose);
}

static void
think(struct world *w, int i)
{
	struct node *n = &w->n[i];
	struct view v;

	look(w, i, &v);
	decide(&n->m, &v, &n->d);
	carry_out(w, i, &v);
	if (w->trace)
		tell(w, i);
	vote_step(w, i, &v);
}

static void
driver_begins(struct world *w, int i)
{
	struct node *n = &w->n[i];
	unsigned k;

	(void)w;
	if (n->propose != NULL)
		propose_free(n->propose);
	n->propose = propose_new(&n->reg_conf, rnd(UINT32_MAX) + 1u);
	for (k = 0; k < REG_VOTER_MAX; k++)
		if (n->memory[k].name[0] != '\0')
			propose_remember(n->propose, &n->memory[k]);
	n->v.reg = *propose_view(n->propose);
}

static void
power_on(struct world *w, int i)
{
	struct node *n = &w->n[i];

	machine_init(&n->m);
	memset(&n->v, 0, sizeof(n->v));
	memset(&n->d, 0, sizeof(n->d));
	memset(&n->blob, 0, sizeof(n->blob));
	memset(&n->s, 0, sizeof(n->s));
	store_power_on(&n->st);
	n->vip = n->vip_leased = n->frozen = n->frozen_app = false;
	n->voter_down = false;
	n->page = -1;
	n->probe_id = 0;
	n->up = true;
	n->moduled_back = n->node_back = n->thaw_at = 0;
	heart_power_on(w, i);
	driver_begins(w, i);
	if (w->trace)
		printf("# %lld n%d power on\n", (long long)w->now, i + 1);
}

static void
power_off(struct world *w, int i)
{
	w->n[i].up = false;
	w->n[i].vip = false;
	store_power_on(&w->n[i].st);
	w->n[!i].st.conn = 0;
	w->n[!i].st.sent = w->n[!i].st.answered = 0;
	w->n[!i].st.joined = w->n[!i].st.ready = false;
	if (w->trace)
		printf("# %lld n%d power off\n", (long long)w->now, i + 1);
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
	n->v.probe_done = 0;
	n->probe_id = 0;
	n->v.lease_until.ns = n->page > 0 ? n->page : 0;
	memset(&n->grant, 0, sizeof(n->grant));
	grant_assume(&n->grant, node_now(n), T);
	driver_begins(w, i);
	if (w->trace)
		printf("# %lld n%d moduled is back\n", (long long)w->now,
		    i + 1);
}

/* --- what must hold ------------------------------------------------------- */

static bool
given_up(const struct world *w, unsigned bit)
{
	return epoch_cmp(w->acked_in[bit], w->forced) < 0;
}

static bool
is_missing(const struct world *w, uint64_t has)
{
	unsigned k;

	for (k = 0; k < w->issued; k++)
		if ((w->acked & ~has & UINT64_C(1) << k) != 0 &&
		    !given_up(w, k))
			return true;
	return false;
}

static void
promises(struct world *w)
{
	const struct node *a = &w->n[0], *b = &w->n[1];
	bool exempt = w->now - a->resumed <= RESUME_MS ||
	    w->now - b->resumed <= RESUME_MS || !epoch_is_none(w->forced);
	unsigned i;

	if (!exempt && node_serves(a) && node_serves(b))
		breaks(w, "I1: two serve");
	if (!exempt && answers_address(a) && answers_address(b))
		breaks(w, "I1: two answer for the address");
	for (i = 0; i < 2; i++) {
		const struct store *s = &w->n[i].st;

		if (w->newest.primary == i + 1 && is_missing(w, s->has))
			breaks(w, "I2: the primary lacks a write");
		if (reg_has_member(&w->newest, (uint8_t)(i + 1)) &&
		    s->level && !s->resyncing && is_missing(w, s->has))
			breaks(w, "I2: a member lacks a write");
	}
	if ((w->acked & ~(a->st.has | b->st.has | w->aside)) != 0)
		breaks(w, "I4: a write has vanished");
}

/* --- faults --------------------------------------------------------------- */

static void
freeze(struct world *w, int i, bool still)
{
	struct node *n = &w->n[i];

	if (!n->up || n->frozen || n->moduled_back != 0)
		return;
	n->frozen = true;
	n->still = still;
	n->deaf = still || one_in(2);
	n->thaw_at = w->now + 50 + rnd(1500);
}

static void
heal(struct world *w)
{
	int i;

	memset(w->cut, 0, sizeof(w->cut));
	w->voter[WITNESS].up = true;
	for (i = 0; i < 2; i++) {
		w->n[i].voter_down = false;
		w->n[i].wish_start = true;
	}
}

static void
cut(struct world *w, int i)
{
	unsigned k, other;

	switch (rnd(4)) {
	case 0:		/* one direction */
		w->cut[rnd(3)][rnd(3)] ^= true;
		break;
	case 1:		/* a cable */
		for (k = 0; k < 3; k++)
			w->cut[i][k] = w->cut[k][i] = true;
		break;
	default:	/* between two */
		other = (unsigned)i == 0 ? 1 + rnd(2) : 2 * rnd(2);
		w->cut[i][other] = w->cut[other][i] = true;
		break;
	}
}

/* One disk at a time: two that forget are a majority. */
static bool
all_counted(const struct world *w)
{
	unsigned i;

	for (i = 0; i < w->newest.voter_count; i++)
		if (w->newest.voter[i].id != w->voter[i].id)
			return false;
	return w->newest.old_voter_count == 0;
}

static void
witness(struct world *w, const struct campaign *c)
{
	struct voter *v = &w->voter[WITNESS];

	if (c->amnesia && one_in(3) && all_counted(w)) {
		memset(v, 0, sizeof(*v));
		v->id = ++w->ids;
		v->up = true;
		if (w->trace)
			printf("# %lld the witness forgets\n",
			    (long long)w->now);
	} else
		v->up = !v->up;
}

static void
faults(struct world *w, const struct campaign *c)
{
	int i = (int)rnd(2);
	struct node *n = &w->n[i];

	switch (rnd(16)) {
	case 0:
		if (n->up) {
			power_off(w, i);
			n->node_back = w->now + 100 + rnd(3000);
		}
		break;
	case 1:
	case 2:
	case 3:
		cut(w, i);
		break;
	case 4:
		if (alive(n) && n->moduled_back == 0)
			n->moduled_back = w->now + 20 + rnd(100);
		break;
	case 5:
		freeze(w, i, c->still && one_in(2));
		break;
	case 6:
		n->wish_start = !n->wish_start;
		break;
	case 7:
	case 8:
		n->order = OR_SWAP;
		n->order_at = w->now;
		break;
	case 9:
		n->words.maintain = !n->words.maintain;
		break;
	case 10:
		n->words.standby = !n->words.standby;
		break;
	case 11:
		say_release(n, i);
		break;
	case 12:
		witness(w, c);
		break;
	case 13:
		n->voter_down = !n->voter_down;
		break;
	case 14:
		if (c->force && n->m.state == ST_WAIT && n->up) {
			n->order = OR_PRIM;
			n->order_at = w->now;
			n->wish_start = true;
		}
		break;
	default:
		heal(w);
		break;
	}
	if (w->trace)
		printf("# %lld cut %d%d%d%d%d%d wish %d%d order %d%d frozen "
		    "%d%d w1 %d voters down %d%d maintain %d%d standby %d%d "
		    "released %d%d\n", (long long)w->now, w->cut[0][1],
		    w->cut[1][0], w->cut[0][2], w->cut[2][0], w->cut[1][2],
		    w->cut[2][1], w->n[0].wish_start, w->n[1].wish_start,
		    w->n[0].order, w->n[1].order, w->n[0].frozen,
		    w->n[1].frozen, w->voter[2].up, w->n[0].voter_down,
		    w->n[1].voter_down, w->n[0].words.maintain,
		    w->n[1].words.maintain, w->n[0].words.standby,
		    w->n[1].words.standby, w->n[0].words.released,
		    w->n[1].words.released);
}

static void
thaw(struct world *w, struct node *n)
{
	int64_t now = n->clock_ns / 1000000;

	n->frozen = false;
	if (n->still) {
		n->still = false;
		n->resumed = w->now;
	} else if (now - n->heart.heard > T) {
		n->v.late = true;
		n->v.peer.net = NET_UNKNOWN;
		n->heart.up_at = n->heart.heard = now;
	} else
		n->heart.heard = now;
}

static void
comings(struct world *w, int i)
{
	struct node *n = &w->n[i];

	if (!(n->frozen && n->still))
		n->clock_ns += TICK * INT64_C(1000000) +
		    TICK * INT64_C(5) * n->drift;
	if (!n->up && w->now >= n->node_back)
		power_on(w, i);
	if (n->frozen && w->now >= n->thaw_at)
		thaw(w, n);
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
	net_tick(w);
	for (i = 0; i < 2; i++) {
		struct node *n = &w->n[i];

		if (!alive(n))
			continue;
		heart_tick(w, i);
		if (n->moduled_back == 0) {
			think(w, i);
			probe_address(w, i);
			fake_scripts_step(&n->s, &n->d);
		}
		store_tick(w, i);
	}
	promises(w);
}

static void
node_init(struct world *w, int i)
{
	static const char *const names[2] = { "n1", "n2" };
	struct node *n = &w->n[i];

	n->conf = (struct decide_conf){ .module = "m", .node = names[i],
	    .peer = names[!i], .node_id = (uint8_t)(i + 1),
	    .peer_id = (uint8_t)(2 - i), .timeout_ms = T, .probe_gap_ms = G,
	    .pulse_ms = PULSE, .stall_ms = 200, .fencehold_ms = 600,
	    .startgrace_ms = 1000, .failover = true, .vip = true,
	    .defaultprim = "alone", .addresses = "10.0.0.1" };
	n->reg_conf = (struct reg_conf){ .cluster = "c", .module = "m",
	    .node = names[i], .peer = names[!i],
	    .node_id = (uint8_t)(i + 1), .peer_id = (uint8_t)(2 - i),
	    .timeout_ms = T, .round_ms = T / 4, .voter_count = VOTERS,
	    .voter = { "n1", "n2", "w1" } };
	(void)snprintf(n->reg_conf.own, sizeof(n->reg_conf.own), "%s",
	    names[i]);
	n->clock_ns = (w->now + 1) * INT64_C(1000000) + rnd(1000000000);
	n->drift = (int)rnd(2001) - 1000;
	n->st.is_new = true;
	n->wish_start = true;
	power_on(w, i);
}

static void
world_init(struct world *w, uint32_t seed)
{
	int i;

	for (i = 0; i < 2; i++)
		if (w->n[i].propose != NULL)
			propose_free(w->n[i].propose);
	memset(w, 0, sizeof(*w));
	chance_seed(seed);
	w->now = 10000;
	for (i = 0; i < VOTERS; i++) {
		w->voter[i].up = true;
		w->voter[i].id = ++w->ids;
	}
	for (i = 0; i < 2; i++) {
		node_init(w, i);
		w->n[i].resumed = -RESUME_MS;
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
	    b->m.state == ST_SECOND && b->d.quality == Q_READY &&
	    reg_has_member(&w->newest, 1) && reg_has_member(&w->newest, 2);
}

/* A force that was only promised bars all but another one: it is ordered. */
static void
force_again(struct world *w)
{
	struct node *n = &w->n[w->newest.primary == 2];

	if (n->m.state == ST_ALONE && n->v.reg.result == RR_REFUSED)
		n->wish_start = false;
	if (n->order != OR_NONE || (n->m.state != ST_STOP &&
	    (n->m.state != ST_WAIT || n->d.quality != Q_NOTREADY)))
		return;
	n->wish_start = true;
	n->order = OR_PRIM;
	n->order_at = w->now;
}

static const char *
calm_down(struct world *w, const struct campaign *c)
{
	int64_t end;
	int i;

	w->calm = true;
	heal(w);
	for (i = 0; i < 2; i++)
		w->n[i].words.maintain = w->n[i].words.standby = false;
	if (w->trace)
		printf("# %lld calm\n", (long long)w->now);
	for (end = w->now + CALM_MS; w->now < end && !is_ready(w);) {
		for (i = 0; i < 2; i++)
			if (w->n[i].words.released)
				say_release(&w->n[i], i);
		if (c->force && end - w->now < CALM_MS / 2)
			force_again(w);
		tick(w);
		if (w->broken != NULL)
			return w->broken;
	}
	if (is_ready(w))
		return NULL;
	if (w->trace)
		show_end(w);
	return "dead end";
}

static const char *
run(uint32_t seed, const struct campaign *c, bool trace)
{
	static struct world w;
	int64_t end;

	world_init(&w, seed);
	w.trace = trace;
	for (end = w.now + 5000; w.now < end && !is_ready(&w);)
		tick(&w);
	if (w.broken != NULL)
		return w.broken;
	if (!is_ready(&w)) {
		if (trace)
			show_end(&w);
		return "first pairing did not end";
	}
	for (end = w.now + RUN_MS; w.now < end;) {
		if (c->every != 0 && one_in((uint32_t)c->every))
			faults(&w, c);
		tick(&w);
		if (w.broken != NULL)
			return w.broken;
	}
	return calm_down(&w, c);
}

static void
play(uint32_t from, uint32_t to, unsigned k, const struct campaign *c)
{
	unsigned failed = 0;
	uint32_t seed;
	const char *why;

	for (seed = from; seed <= to; seed++) {
		why = run(seed, c, false);
		if (why == NULL)
			continue;
		if (++failed <= 8)
			printf("# seed %u campaign %u: %s\n", seed, k, why);
	}
	is_num(failed, 0, "seeds %u to %u, a fault in %d ticks%s", from, to,
	    c->every, c->force ? ", by force too" : "");
}

int
main(int argc, char **argv)
{
	static const struct campaign none = { 0 }, all[] = {
		{ 400, false, false, false }, { 120, false, false, false },
		{ 40, false, true, true }, { 15, false, true, true },
		{ 60, true, true, true },
	};
	unsigned runs = 100, k;
	const char *why;

	if (argc > 3 && (k = (unsigned)atoi(argv[3])) < 5) {
		play((uint32_t)atoi(argv[1]), (uint32_t)atoi(argv[2]), k,
		    &all[k]);
		return tap_done();
	}
	if (argc > 2) {
		k = (unsigned)atoi(argv[2]);
		why = run((uint32_t)atoi(argv[1]), k < 5 ? &all[k] : &none,
		    true);
		ok(why == NULL, "%s", why == NULL ? "good" : why);
		return tap_done();
	}
	if (argc > 1)
		runs = (unsigned)atoi(argv[1]);
	ok(run(1, &none, false) == NULL, "first pairing, no faults");
	for (k = 0; k < sizeof(all) / sizeof(all[0]); k++)
		play(1, runs, k, &all[k]);
	return tap_done();
}

/* SPDX-License-Identifier: ISC */
/*
 * The register under fire: two proposers and three to five voters, messages
 * lost, late, doubled and overtaken, nodes and voters that crash, a voter
 * that forgets, voters that change, an operator who forces.  Checked at each
 * choice: I3, a chosen value was built on the highest chosen one below it,
 * or on a newer, and its primary was in that set; and that nobody believes
 * chosen what is not.  When the faults end somebody gets a value chosen.
 *
 * A seed as argument plays that one, and tells.
 */
#include <stdlib.h>

#include "tap.h"

#include "../../bin/moduled/propose-int.h"

#define T_MS		1000
#define ROUND_MS	250
#define FAULTS_MS	20000
#define CALM_MS		15000
#define NODES		2
#define VOTERS		5
#define MSG_MAX		400
#define VALUE_MAX	4000

struct sim_voter {
	char			name[8];
	bool			up;
	int64_t			back_at;	/* it is up again */
	uint64_t		id;
	struct epoch		promised;
	struct reg_value	accepted;
};

struct sim_node {
	struct propose		*p;
	struct reg_conf		 conf;
	uint8_t			 id;
	bool			 up, running, handing;
	int64_t			 back_at, op_at, wake, fence_at;
	struct epoch		 fence, wish, epoch;
	struct reg_ask		 ask;
	int64_t			 ask_until;
	struct propose_memory	 memory[REG_VOTER_MAX * 2];
	struct propose_output	 out;
};

struct msg {
	int64_t			at;	/* 0: free */
	unsigned		node, voter;
	bool			answer;
	struct vote_ask		q;
	struct vote_answer	a;
};

/* All that was ever proposed. */
struct ghost {
	struct reg_value	v;
	struct epoch		base;
	unsigned		count;
	struct reg_voter	by[VOTERS * 4];
	bool			chosen;
};

struct world {
	uint64_t		random;
	int64_t			now;
	bool			calm, tell;
	unsigned		loss, voters;
	uint64_t		next_id;
	struct sim_voter	voter[VOTERS];
	struct sim_node		node[NODES];
	bool			cut[NODES][VOTERS];
	struct msg		msg[MSG_MAX];
	struct ghost		ghost[VALUE_MAX];
	unsigned		minority;	/* 1: may be, 2: was */
	unsigned		ghosts, chosen, changes, forgot, forces;
	struct epoch		max, forced;
	bool			broken_off;	/* a force, by a crash */
	char			bad[200];
};

static struct world w;

static uint64_t
draw(uint64_t n)
{
	w.random ^= w.random << 13;
	w.random ^= w.random >> 7;
	w.random ^= w.random << 17;
	return n == 0 ? 0 : w.random % n;
}

#define say(...) do {							\
	if (w.tell) {							\
		printf("# %lld ", (long long)w.now);			\
		printf(__VA_ARGS__);					\
		putchar('\n');						\
	}								\
} while (0)

static void
bad(const char *what, struct epoch a, struct epoch b)
{
	char ea[EPOCH_LEN], eb[EPOCH_LEN];

	if (w.bad[0] == '\0')
		(void)snprintf(w.bad, sizeof(w.bad), "%s: %s, %s", what,
		    epoch_str(ea, a), epoch_str(eb, b));
	say("BAD %s", w.bad);
}

static struct mono
sim_now(void)
{
	return (struct mono){ (w.now + 1) * 1000000 };
}

/* --- what is true --------------------------------------------------------- */

static struct ghost *
ghost_of(struct epoch e)
{
	unsigned i;

	for (i = 0; i < w.ghosts; i++)
		if (epoch_cmp(w.ghost[i].v.epoch, e) == 0)
			return &w.ghost[i];
	return NULL;
}

static bool
ghost_majority(const struct ghost *g, const struct reg_voter *list,
    unsigned count)
{
	unsigned i, j, n = 0;

	for (i = 0; i < count; i++)
		for (j = 0; j < g->count; j++)
			if (list[i].id == g->by[j].id &&
			    strcmp(list[i].name, g->by[j].name) == 0) {
				n++;
				break;
			}
	return n > count / 2;
}

/*
 * A value of an era that a minority began knows nothing of the eras below;
 * that is what the operator gave up.
 */
static void
check_choice(struct ghost *g)
{
	struct ghost *b = ghost_of(g->base);
	unsigned i;

	if (!g->v.forced && !epoch_is_none(g->base) && (b == NULL ||
	    !reg_has_member(&b->v, g->v.primary)))
		bad("I3: primary was not in the set", g->v.epoch, g->base);
	for (i = 0; i < w.ghosts; i++) {
		b = &w.ghost[i];
		if (!b->chosen || b == g)
			continue;
		if (b->v.epoch.era != g->v.epoch.era)
			continue;
		if (epoch_cmp(b->v.epoch, g->v.epoch) < 0 &&
		    epoch_cmp(g->base, b->v.epoch) < 0)
			bad("I3: built below a chosen one", g->v.epoch,
			    b->v.epoch);
		if (epoch_cmp(b->v.epoch, g->v.epoch) > 0 &&
		    epoch_cmp(b->base, g->v.epoch) < 0)
			bad("I3: chosen late, unseen", g->v.epoch,
			    b->v.epoch);
	}
}

static void
ghost_accepted(const struct reg_value *v, const struct sim_voter *o)
{
	struct ghost *g = ghost_of(v->epoch);
	char e[EPOCH_LEN];

	if (g == NULL || g->count == sizeof(g->by) / sizeof(g->by[0]))
		return;
	memcpy(g->by[g->count].name, o->name, sizeof(o->name));
	g->by[g->count++].id = o->id;
	if (g->chosen || !ghost_majority(g, g->v.voter, g->v.voter_count) ||
	    (g->v.old_voter_count > 0 && !ghost_majority(g, g->v.old_voter,
	    g->v.old_voter_count)))
		return;
	g->chosen = true;
	w.chosen++;
	say("chosen %s primary %u set %u", epoch_str(e, v->epoch), v->primary,
	    v->member_count);
	check_choice(g);
	if (epoch_cmp(v->epoch, w.max) > 0)
		w.max = v->epoch;
}

static void
check_belief(struct sim_node *n)
{
	const struct reg_view *v = propose_view(n->p);
	struct ghost *g;

	if (v->result == RR_CHOSEN &&
	    ((g = ghost_of(v->epoch)) == NULL || !g->chosen))
		bad("believed chosen", v->epoch, v->epoch);
	if (v->chosen && ((g = ghost_of(v->present.epoch)) == NULL ||
	    !g->chosen))
		bad("seen chosen", v->present.epoch, v->present.epoch);
}

/* --- network and voters --------------------------------------------------- */

static void
put_msg(const struct msg *m)
{
	unsigned i;

	if (!w.calm && (w.cut[m->node][m->voter] || draw(100) < w.loss))
		return;
	for (i = 0; i < MSG_MAX; i++)
		if (w.msg[i].at == 0)
			break;
	if (i == MSG_MAX)
		return;
	w.msg[i] = *m;
	w.msg[i].at = w.now + 1 + (int64_t)draw(w.calm ? 5 : draw(10) == 0 ?
	    3000 : 60);
	if (!w.calm && draw(10) == 0)
		put_msg(m);	/* twice */
}

/* L1 and L2. */
static void
vote(struct msg *m)
{
	struct sim_voter *o = &w.voter[m->voter];
	const struct vote_ask *q = &m->q;
	struct msg r = { .node = m->node, .voter = m->voter,
	    .answer = true };

	if (!o->up)
		return;
	r.a.kind = q->kind;
	r.a.nonce = q->nonce;
	r.a.voter = o->id;
	r.a.result = VOTE_OK;
	if (q->kind == VOTE_PREPARE) {
		if (epoch_cmp(q->ballot, o->promised) > 0)
			o->promised = q->ballot;
		else if (epoch_cmp(q->ballot, o->promised) < 0)
			r.a.result = VOTE_REFUSED;
	} else if (q->kind == VOTE_ACCEPT) {
		if (epoch_cmp(q->ballot, o->promised) < 0)
			r.a.result = VOTE_REFUSED;
		else {
			o->promised = q->ballot;
			o->accepted = q->value;
			ghost_accepted(&q->value, o);
		}
	}
	r.a.promised = o->promised;
	r.a.value = o->accepted;
	put_msg(&r);
}

/* --- nodes ---------------------------------------------------------------- */

static void
configure(struct reg_conf *c, unsigned which)
{
	static const char *const lists[][VOTERS] = {
		{ "n1", "n2", "w1" }, { "n1", "n2", "w2" },
		{ "n1", "n2", "w1", "w2", "w3" },
	};
	unsigned i;

	memset(c->voter, 0, sizeof(c->voter));
	for (i = 0; i < VOTERS && lists[which][i] != NULL; i++)
		(void)snprintf(c->voter[i], sizeof(c->voter[i]), "%s",
		    lists[which][i]);
	c->voter_count = i;
}

static void
node_start(struct sim_node *n)
{
	unsigned i;

	n->p = propose_new(&n->conf, draw(UINT64_MAX));
	for (i = 0; i < REG_VOTER_MAX * 2; i++)
		if (n->memory[i].name[0] != '\0')
			propose_remember(n->p, &n->memory[i]);
	n->up = true;
	n->wake = w.now;
}

static void
save_memory(struct sim_node *n)
{
	const struct propose_memory *m;
	unsigned i, j;

	for (i = 0; i < PROPOSE_VOTER_MAX; i++) {
		m = propose_memory(n->p, i);
		if (m->name[0] == '\0')
			continue;
		for (j = 0; j < REG_VOTER_MAX * 2 - 1; j++)
			if (n->memory[j].name[0] == '\0' ||
			    strcmp(n->memory[j].name, m->name) == 0)
				break;
		n->memory[j] = *m;
	}
}

/* What decide would do with what the driver says. */
static void
follow(struct sim_node *n)
{
	const struct reg_view *v = propose_view(n->p);
	const struct reg_value *g = &v->present;
	bool mine = v->known && v->chosen && g->primary == n->id &&
	    epoch_cmp(g->epoch, n->epoch) > 0;

	if (v->result == RR_CHOSEN && n->ask.change != RC_NONE &&
	    v->change == n->ask.change) {
		if (n->ask.change == RC_HAND) {
			n->running = n->handing = false;
		} else {
			n->running = true;
			n->epoch = v->epoch;
		}
		memset(&n->ask, 0, sizeof(n->ask));
	} else if (mine && (n->running || (n->ask.change == RC_NONE &&
	    epoch_cmp(n->fence, g->epoch) <= 0))) {
		/* The driver's own change, or handed over to us. */
		n->running = true;
		n->handing = false;
		n->epoch = n->fence = g->epoch;
	} else if (v->result == RR_REFUSED) {
		memset(&n->ask, 0, sizeof(n->ask));
		if (n->running && g->primary != n->id)
			n->running = false;
	} else if (n->running && v->known && v->chosen &&
	    g->primary != n->id && epoch_cmp(g->epoch, n->epoch) > 0) {
		n->running = false;
		memset(&n->ask, 0, sizeof(n->ask));
	}
}

static void
remember_proposal(struct sim_node *n)
{
	struct ghost *g;
	char e[EPOCH_LEN], b[EPOCH_LEN];

	if (reg_value_is_none(&n->p->left) ||
	    ghost_of(n->p->left.epoch) != NULL)
		return;
	if (w.ghosts == VALUE_MAX) {
		bad("too many", n->p->left.epoch, n->p->left.epoch);
		return;
	}
	g = &w.ghost[w.ghosts++];
	memset(g, 0, sizeof(*g));
	g->v = n->p->left;
	g->base = n->p->base;
	if (!reg_value_ok(&g->v))
		bad("not well formed", g->v.epoch, g->base);
	w.changes += g->v.old_voter_count > 0;
	w.forces += g->v.forced;
	say("n%u proposes %s %s on %s", n->id, reg_change_name(
	    n->p->ask.change), epoch_str(e, g->v.epoch),
	    epoch_str(b, g->base));
}

static void
node_step(struct sim_node *n)
{
	struct propose_input in = { .now = sim_now(), .ask = n->ask,
	    .self = { .known = true, .running = n->running, .strict = true,
	    .level = true, .epoch = n->epoch, .fence = n->fence } };
	const struct reg_view *v;
	unsigned i, j;

	propose_step(n->p, &in, &n->out);
	remember_proposal(n);
	check_belief(n);
	for (i = 0; i < n->out.count; i++) {
		struct msg m = { .node = (unsigned)n->id - 1,
		    .q = n->out.message[i].ask };

		for (j = 0; j < VOTERS; j++)
			if (strcmp(w.voter[j].name,
			    n->out.message[i].voter) == 0) {
				m.voter = j;
				put_msg(&m);
			}
	}
	if (n->out.memory)
		save_memory(n);
	n->wake = mono_is_set(n->out.wake) ?
	    (n->out.wake.ns + 999999) / 1000000 - 1 : w.now + 1000;
	if (n->wake <= w.now)
		n->wake = w.now + 1;
	v = propose_view(n->p);
	if (epoch_cmp(v->fence, n->fence) > 0 &&
	    epoch_cmp(v->fence, n->wish) != 0) {
		n->wish = v->fence;
		n->fence_at = w.now + 1 + (int64_t)draw(10);
	}
	follow(n);
	/* What is no longer asked is told at once, as decide does. */
	if (n->ask.change == RC_NONE && in.ask.change != RC_NONE)
		n->wake = w.now + 1;
}

/* Who had opened an era does not know any more that nothing is in it. */
static void
proposer_ends(struct sim_node *n)
{
	const struct reg_view *v = propose_view(n->p);

	w.broken_off |= v->highest.era > v->present.epoch.era;
	propose_free(n->p);
}

static void
node_crash(struct sim_node *n)
{
	proposer_ends(n);
	n->p = NULL;
	n->up = n->running = n->handing = false;
	memset(&n->ask, 0, sizeof(n->ask));
	n->fence_at = 0;
	n->wish = (struct epoch){ 0 };
}

static bool
one_store_is_new(void)
{
	struct ghost *g = ghost_of(w.max);
	unsigned i;
	int at;

	if (g == NULL || g->v.old_voter_count > 0 || g->v.voter_count < 3)
		return true;
	for (i = 0; i < w.voters; i++) {
		at = reg_voter_index(&g->v, w.voter[i].name);
		if (at != -1 && g->v.voter[at].id != w.voter[i].id)
			return true;
	}
	return false;
}

static void
node_op(struct sim_node *n)
{
	static const enum reg_change as_prim[] = { RC_SHRINK, RC_JOIN,
	    RC_JOIN, RC_HAND, RC_NONE, RC_NONE };
	enum reg_change c;

	n->op_at = w.now + 50 + (int64_t)draw(1500);
	if (n->ask.change != RC_NONE) {
		/* Given up, sometimes: what has left lives on. */
		if (draw(3) == 0 && n->ask.change != RC_HAND)
			memset(&n->ask, 0, sizeof(n->ask));
		return;
	}
	if (n->running) {
		c = epoch_cmp(n->fence, n->epoch) > 0 ? RC_SHRINK :
		    as_prim[draw(6)];
		n->ask.change = c;
		n->ask.node = c == RC_JOIN || c == RC_HAND ? 3 - n->id : 0;
		if (c == RC_HAND) {
			n->running = false;
			n->handing = true;
		}
		return;
	}
	c = propose_view(n->p)->empty ? RC_FIRST : RC_PROMOTE;
	if (draw(c == RC_FIRST ? 1 : 3) == 0)
		n->ask.change = c;
	if (c == RC_PROMOTE && draw(60) == 0 && w.minority == 0)
		n->ask.change = RC_FORCE;
	/* Once: two of them are two histories, as the operators were told. */
	if (c == RC_PROMOTE && w.minority == 1 && draw(4) == 0 &&
	    !propose_view(n->p)->known) {
		n->ask.change = RC_FORCE;
		n->ask.minority = true;
		w.minority = 2;
	}
}

static bool
all_know(void)
{
	unsigned i;

	for (i = 0; i < NODES; i++)
		if (!w.node[i].up || reg_value_is_none(
		    &propose_view(w.node[i].p)->present) ||
		    reg_value_is_none(&w.voter[i].accepted))
			return false;
	return true;
}

static void
fault(void)
{
	unsigned v = (unsigned)draw(w.voters), k = (unsigned)draw(NODES);
	struct sim_node *n = &w.node[k];
	unsigned i, which;

	switch (draw(7)) {
	case 0:
		w.voter[v].up = false;
		w.voter[v].back_at = w.now + 100 + (int64_t)draw(3000);
		break;
	case 1:
		if (n->up) {
			node_crash(n);
			n->back_at = w.now + 50 + (int64_t)draw(3000);
		}
		break;
	case 2:
	case 3:
		w.cut[k][v] = !w.cut[k][v];
		break;
	case 4:
		w.loss = (unsigned)draw(40);
		break;
	case 5:
		if (one_store_is_new())
			break;
		say("%s forgets", w.voter[v].name);
		w.forgot++;
		w.voter[v].id = w.next_id++;
		w.voter[v].promised = (struct epoch){ 0 };
		memset(&w.voter[v].accepted, 0, sizeof(w.voter[v].accepted));
		break;
	case 6:
		/*
		 * Whoever changes the list has all nodes know that the
		 * register is not empty: one that knew neither the value nor
		 * the list would take an empty majority of the new one.
		 */
		if (w.voters < VOTERS || !all_know())
			break;
		which = (unsigned)draw(3);
		say("voters %u", which);
		for (i = 0; i < NODES; i++) {
			n = &w.node[i];
			configure(&n->conf, which);
			if (n->up) {
				proposer_ends(n);
				node_start(n);
				memset(&n->ask, 0, sizeof(n->ask));
			}
		}
		break;
	}
}

/* --- time ----------------------------------------------------------------- */

static void
deliver(void)
{
	struct msg m;
	unsigned i;

	for (i = 0; i < MSG_MAX; i++) {
		if (w.msg[i].at == 0 || w.msg[i].at > w.now)
			continue;
		m = w.msg[i];
		w.msg[i].at = 0;
		if (!m.answer)
			vote(&m);
		else if (w.node[m.node].up) {
			propose_answer(w.node[m.node].p, sim_now(),
			    w.voter[m.voter].name, &m.a);
			w.node[m.node].wake = w.now;
		}
	}
}

static void
nodes_live(void)
{
	struct sim_node *n;
	unsigned i;

	for (i = 0; i < NODES; i++) {
		n = &w.node[i];
		if (!n->up && n->back_at <= w.now)
			node_start(n);
		if (n->up && n->fence_at != 0 && n->fence_at <= w.now) {
			n->fence_at = 0;
			if (epoch_cmp(n->wish, n->fence) > 0)
				n->fence = n->wish;
			n->wake = w.now;
		}
		if (n->up && !w.calm && n->op_at <= w.now) {
			node_op(n);
			n->wake = w.now;
		}
		if (n->up && n->wake <= w.now)
			node_step(n);
	}
}

static void
setup(uint64_t seed)
{
	bool tell = w.tell;
	unsigned i;

	memset(&w, 0, sizeof(w));
	w.tell = tell;
	w.random = seed * 2654435761u + 88172645463325252u;
	for (i = 0; i < 20; i++)
		(void)draw(1);
	w.minority = seed % 3 == 0;
	w.voters = seed % 2 == 0 ? 3 : VOTERS;
	w.next_id = 100;
	for (i = 0; i < VOTERS; i++) {
		(void)snprintf(w.voter[i].name, sizeof(w.voter[i].name),
		    "%c%u", i < 2 ? 'n' : 'w', i < 2 ? i + 1 : i - 1);
		w.voter[i].up = true;
		w.voter[i].id = w.next_id++;
	}
	for (i = 0; i < NODES; i++) {
		struct sim_node *n = &w.node[i];

		n->id = (uint8_t)(i + 1);
		n->conf = (struct reg_conf){ .cluster = "c", .module = "m",
		    .node = i == 0 ? "n1" : "n2", .peer = i == 0 ? "n2" : "n1",
		    .node_id = n->id, .peer_id = (uint8_t)(2 - i),
		    .timeout_ms = T_MS, .round_ms = ROUND_MS };
		(void)snprintf(n->conf.own, sizeof(n->conf.own), "%s",
		    n->conf.node);
		configure(&n->conf, w.voters == 3 ? 0 : 2);
		node_start(n);
	}
}

/* All is well again: who may, asks; somebody must get it. */
static bool
calm_down(void)
{
	struct epoch before = w.max;
	int64_t end;
	unsigned i;

	w.calm = true;
	memset(w.msg, 0, sizeof(w.msg));
	for (i = 0; i < w.voters; i++)
		w.voter[i].up = true;
	end = w.now + CALM_MS;
	for (; w.now < end && w.bad[0] == '\0'; w.now++) {
		/* The list was cut to few, and one of them forgot: none but
		 * the operator can help again. */
		if (w.minority == 2 && w.forgot > 0 && w.node[0].up &&
		    w.now == end - CALM_MS / 2)
			w.node[0].ask = (struct reg_ask){
			    .change = RC_FORCE, .minority = true };
		for (i = 0; i < NODES; i++) {
			struct sim_node *n = &w.node[i];

			if (!n->up || n->ask.change != RC_NONE ||
			    (propose_view(n->p)->change != RC_NONE &&
			    propose_view(n->p)->change != RC_VOTERS))
				continue;
			/* A force that was broken off is asked for again; one
			 * that was given up must not be in the way. */
			if ((w.broken_off || w.minority == 2) &&
			    propose_view(n->p)->highest.era >
			    propose_view(n->p)->present.epoch.era &&
			    propose_view(n->p)->known)
				n->ask.change = RC_FORCE;
			else if (n->running)
				n->ask.change = RC_SHRINK;
			else if (propose_view(n->p)->empty)
				n->ask.change = RC_FIRST;
			else if (propose_view(n->p)->known)
				n->ask.change = RC_PROMOTE;
		}
		deliver();
		nodes_live();
		if (epoch_cmp(w.max, before) > 0)
			return true;
	}
	return false;
}

static void
show_end(void)
{
	char text[REG_TEXT_LEN], e[EPOCH_LEN];
	const struct reg_view *v;
	unsigned i;

	for (i = 0; i < w.voters; i++) {
		reg_value_text(text, &w.voter[i].accepted);
		printf("# %s id %llx promised %s %s\n", w.voter[i].name,
		    (unsigned long long)w.voter[i].id, epoch_str(e,
		    w.voter[i].promised), text);
	}
	for (i = 0; i < NODES; i++) {
		v = propose_view(w.node[i].p);
		printf("# n%u phase %d wake %lld %s known %d %s %s %s; %s; "
		    "%s; %s\n", i + 1, (int)w.node[i].p->phase,
		    (long long)w.node[i].wake,
		    w.node[i].running ? "runs" : "-", v->known,
		    reg_change_name(v->change), reg_result_name(v->result),
		    epoch_str(e, v->epoch), v->why, v->missing, v->odd);
	}
}

static void
play(uint64_t seed, unsigned sum[6])
{
	int64_t fault_at = 500;
	bool done;
	unsigned i;

	setup(seed);
	for (; w.now < FAULTS_MS && w.bad[0] == '\0'; w.now++) {
		for (i = 0; i < w.voters; i++)
			if (!w.voter[i].up && w.voter[i].back_at <= w.now)
				w.voter[i].up = true;
		if (w.now >= fault_at) {
			fault();
			fault_at = w.now + 100 + (int64_t)draw(800);
		}
		deliver();
		nodes_live();
	}
	done = w.bad[0] == '\0' && calm_down();
	if (!done && w.tell)
		show_end();
	if (!done)
		ok(false, "seed %llu: %s", (unsigned long long)seed,
		    w.bad[0] != '\0' ? w.bad : "nothing chosen in the calm");
	sum[0] += w.ghosts;
	sum[1] += w.chosen;
	sum[2] += w.changes;
	sum[3] += w.forgot;
	sum[4] += w.forces;
	sum[5] += w.minority == 2;
	for (i = 0; i < NODES; i++)
		propose_free(w.node[i].p);
}

int
main(int argc, char **argv)
{
	const char *many = getenv("HOLDFAST_LONG");
	unsigned seeds = many != NULL ? 20000 : 300, sum[6] = { 0 };
	uint64_t i;

	if (argc > 1) {
		w.tell = true;
		play(strtoull(argv[1], NULL, 10), sum);
		return tap_done();
	}
	for (i = 1; i <= seeds; i++)
		play(i, sum);
	ok(tap_failed == 0, "%u seeds: %u proposed, %u chosen, %u changes of "
	    "voters, %u forgot, %u forced, %u without a majority", seeds,
	    sum[0], sum[1], sum[2], sum[3], sum[4], sum[5]);
	ok(sum[1] > seeds && sum[2] > 0 && sum[3] > 0 && sum[4] > 0 &&
	    sum[5] > 0,
	    "all of it happened");
	return tap_done();
}

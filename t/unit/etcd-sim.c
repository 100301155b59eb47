/* SPDX-License-Identifier: ISC */
/*
 * Two proposers and a register in etcd, seeded: requests whose answer is
 * lost, which are carried out late or never, a moduled that starts again.
 * Values only rise, each was allowed by the one before, what is known chosen
 * was written, and of two who want to be primary one is.
 */

#include "../../bin/moduled/etcd.h"
#include "../../bin/moduled/propose.h"

#include <stdlib.h>

#include "tap.h"

#define TICK_MS	10
#define LATE	8	/* requests that were given up and may still come */

struct node {
	struct reg_conf		 conf;
	struct propose		*p;
	struct propose_input	 in;
	struct propose_output	 out;
	struct etcd_voter	 voter;
	bool			 busy;
	struct vote_ask		 ask;
};

struct late {
	bool			is_there;
	int64_t			revision;
	struct reg_value	value;
};

static struct node node[2];
static struct late late[LATE];
static struct reg_value key;
static int64_t revision, counter;
static bool faults, broken;
static uint64_t seen_epochs[64];
static unsigned writes;

static bool
chance(int percent)
{
	return random() % 100 < percent;
}

static bool
was_written(uint64_t n)
{
	unsigned i;

	for (i = 0; i < writes; i++)
		if (seen_epochs[i] == n)
			return true;
	return false;
}

/* The transaction of etcd. */
static bool
swap(int64_t at, const struct reg_value *v)
{
	if (at != revision)
		return false;
	if (epoch_cmp(v->epoch, key.epoch) <= 0 ||
	    (!reg_value_is_none(&key) && !reg_has_member(&key, v->primary)))
		broken = true;
	key = *v;
	revision = ++counter;
	if (writes < 64)
		seen_epochs[writes++] = v->epoch.n;
	return true;
}

static void
leave_late(const struct node *n)
{
	unsigned i;

	for (i = 0; i < LATE; i++) {
		if (late[i].is_there)
			continue;
		late[i] = (struct late){ true, n->voter.revision,
		    n->ask.value };
		return;
	}
}

/* What is under way ends, in one of the ways it can. */
static void
end_request(struct node *n)
{
	struct etcd_reply r = { .cluster = 77 };
	bool swaps = etcd_voter_swaps(&n->voter, &n->ask);
	struct vote_answer a;

	if (faults && chance(30)) {
		(void)snprintf(r.why, sizeof(r.why), "given up");
		/* Carried out now, later, or never. */
		if (swaps && chance(40))
			(void)swap(n->voter.revision, &n->ask.value);
		else if (swaps && chance(50))
			leave_late(n);
	} else if (swaps && swap(n->voter.revision, &n->ask.value)) {
		r.swapped = true;
	} else {
		r.found = revision != 0;
		r.revision = revision;
		r.value = key;
	}
	n->busy = false;
	etcd_voter_answer(&n->voter, &n->ask, &r, &a);
	propose_answer(n->p, n->in.now, "etcd", &a);
}

static void
step(struct node *n)
{
	const struct reg_view *view = propose_view(n->p);
	unsigned i;

	if (epoch_cmp(view->fence, n->in.self.fence) > 0)
		n->in.self.fence = view->fence;
	n->in.now = mono_add_ms(n->in.now, TICK_MS);
	propose_step(n->p, &n->in, &n->out);
	for (i = 0; i < n->out.count; i++) {
		const struct vote_ask *a = &n->out.message[i].ask;

		if (n->busy && a->kind == n->ask.kind &&
		    epoch_cmp(a->ballot, n->ask.ballot) == 0) {
			n->ask.nonce = a->nonce;
			continue;
		}
		if (n->busy && n->ask.kind != VOTE_READ)
			continue;	/* the proposer says it again */
		n->ask = *a;
		n->busy = true;
	}
	if (n->busy && chance(40))
		end_request(n);
}

static void
tick(void)
{
	unsigned i = (unsigned)random() % LATE;

	if (late[i].is_there && chance(10)) {
		late[i].is_there = false;
		(void)swap(late[i].revision, &late[i].value);
	}
	step(&node[0]);
	step(&node[1]);
}

static const struct reg_view *
view(unsigned i)
{
	return propose_view(node[i].p);
}

static void
ask(unsigned i, enum reg_change c, uint8_t other)
{
	memset(&node[i].in.ask, 0, sizeof(node[i].in.ask));
	node[i].in.ask.change = c;
	node[i].in.ask.node = other;
}

static bool
is_over(unsigned i)
{
	return view(i)->result == RR_CHOSEN || view(i)->result == RR_REFUSED;
}

/* A moduled ends and another one begins, with what is on disk. */
static void
restart(unsigned i)
{
	struct node *n = &node[i];
	struct propose_memory m = *propose_memory(n->p, 0);

	propose_free(n->p);
	n->p = propose_new(&n->conf, (uint64_t)random() + 1);
	propose_remember(n->p, &m);
	memset(&n->voter, 0, sizeof(n->voter));
	n->busy = false;
}

static bool
run_until_over(unsigned a, unsigned b)
{
	unsigned k;

	for (k = 0; k < 3000; k++) {
		if (k == 1500)
			faults = false;
		tick();
		if (is_over(a) && is_over(b))
			return true;
	}
	return false;
}

static void
init(void)
{
	static const char *const names[] = { "n1", "n2" };
	unsigned i;

	memset(late, 0, sizeof(late));
	memset(&key, 0, sizeof(key));
	revision = 0;
	counter = 100;
	writes = 0;
	broken = false;
	for (i = 0; i < 2; i++) {
		struct node *n = &node[i];

		if (n->p != NULL)
			propose_free(n->p);
		memset(n, 0, sizeof(*n));
		n->conf = (struct reg_conf){ .cluster = "c", .module = "m",
		    .node = names[i], .peer = names[!i],
		    .node_id = (uint8_t)(i + 1), .peer_id = (uint8_t)(2 - i),
		    .timeout_ms = 1000, .round_ms = 250, .voter_count = 1,
		    .swaps = true, .voter = { "etcd" } };
		n->p = propose_new(&n->conf, (uint64_t)random() + 1);
		n->in.now.ns = 1000000000;
		n->in.self.known = n->in.self.level = true;
	}
}

/* One of them asks until it is chosen; true. */
static bool
change(enum reg_change c, uint8_t other)
{
	ask(0, c, other);
	faults = true;
	if (!run_until_over(0, 0) || view(0)->result != RR_CHOSEN ||
	    !was_written(view(0)->epoch.n))
		return false;
	node[0].in.self.running = true;
	node[0].in.self.epoch = view(0)->epoch;
	ask(0, RC_NONE, 0);
	tick();
	return true;
}

static bool
play(unsigned seed)
{
	unsigned won = 2;

	srandom(seed);
	init();
	if (!change(RC_FIRST, 0))
		return false;
	node[0].in.self.strict = true;
	if (!change(RC_JOIN, 2) || key.member_count != 2)
		return false;
	node[0].in.self.strict = false;
	if (chance(50))
		restart((unsigned)random() % 2);
	/* Both want to be alone. */
	ask(0, RC_SHRINK, 0);
	ask(1, RC_PROMOTE, 0);
	faults = true;
	if (!run_until_over(0, 1))
		return false;
	if ((view(0)->result == RR_CHOSEN) == (view(1)->result == RR_CHOSEN))
		return false;
	won = view(0)->result == RR_CHOSEN ? 0 : 1;
	return !broken && was_written(view(won)->epoch.n) &&
	    key.primary == won + 1 && key.member_count == 1;
}

int
main(void)
{
	unsigned seed, bad = 0, wins[2] = { 0, 0 };

	seal_init();
	for (seed = 1; seed <= 400; seed++) {
		if (!play(seed)) {
			printf("# seed %u: primary %u, %u writes, n1 %s (%s), "
			    "n2 %s (%s)%s\n", seed, key.primary, writes,
			    reg_result_name(view(0)->result), view(0)->why,
			    reg_result_name(view(1)->result), view(1)->why,
			    broken ? ", a value that must not be" : "");
			bad++;
		} else
			wins[key.primary - 1]++;
	}
	is_num(bad, 0, "400 seeds: first, join, and two who want to be alone");
	ok(wins[0] > 20 && wins[1] > 20, "n1 has won %u times, n2 %u", wins[0],
	    wins[1]);
	propose_free(node[0].p);
	propose_free(node[1].p);
	return tap_done();
}

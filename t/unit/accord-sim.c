/* SPDX-License-Identifier: ISC */
/*
 * Farms of 2 to 16 nodes play at random (seeded): messages late and lost,
 * machines that crash, farmds that die in the middle of a step and come back
 * with their memory or without, partitions, one-way links, roles, other
 * configurations, machines and farmds that stand still.  It must hold that
 *
 *	- no two nodes take one bucket, if they did not before and have not
 *	  lost each other since,
 *	- in the end, a few graces after the last fault, all agree on one share
 *	  and every bucket is taken once; when the network stays broken, each
 *	  component has what its lowest node's clique has, and no more,
 *	- no more buckets move than must, as long as no halves met.
 *
 * Then the harness itself is made wrong in two ways; each must be noticed.
 */

#include <stdlib.h>
#include <string.h>

#include "accord-world.h"
#include "tap.h"

#define CALM_MS	4000

static bool
is_up(struct world *w, unsigned i)
{
	return w->n[i].is_on && w->n[i].has_farmd;
}

static void
cut(struct world *w, uint32_t side)
{
	for (unsigned i = 0; i < w->count; i++)
		for (unsigned j = 0; j < w->count; j++)
			w->link[i][j] = (side >> i & 1) == (side >> j & 1);
	w->is_plain = false;
}

static void
heal(struct world *w)
{
	for (unsigned i = 0; i < w->count; i++)
		for (unsigned j = 0; j < w->count; j++)
			w->link[i][j] = true;
}

/* What may happen in a farm whose network is whole. */
static void
plain_fault(struct world *w, unsigned i)
{
	struct node *n = &w->n[i];

	switch (world_rnd(w, 6)) {
	case 0:
		if (n->is_on)
			world_crash(w, i);
		break;
	case 1:
	case 2:
		if (!n->is_on)
			world_on(w, i, SHARE_SERVE);
		break;
	case 3:
		if (n->is_on)
			world_role(w, i, (enum share_role)world_rnd(w, 4));
		break;
	case 4:
		if (is_up(w, i))
			world_kill_farmd(w, i, 1 + world_rnd(w, 2) * 200,
			    world_rnd(w, 2) == 0);
		break;
	case 5:
		n->stuck_until = w->now + world_rnd(w, 300);
		break;
	}
}

static void
fault(struct world *w)
{
	unsigned i = world_rnd(w, w->count), j = world_rnd(w, w->count);

	switch (world_rnd(w, 14)) {
	case 0:
		cut(w, world_rnd(w, 1u << w->count));
		break;
	case 1:
	case 2:
		heal(w);
		break;
	case 3:
		if (i != j)
			world_link(w, i, j, !w->link[i][j]);
		w->is_plain = false;
		break;
	case 4:
		w->is_plain = false;
		world_freeze(w, i, 1 + world_rnd(w, 400));
		break;
	case 5:
		w->is_plain = false;
		world_conf(w, i, world_rnd(w, 3) == 0 ? "bb" : "aa");
		break;
	default:
		plain_fault(w, i);
	}
}

/* Nothing is wrong any more but, perhaps, the network. */
static void
quiet(struct world *w)
{
	w->loss = w->crash = 0;
	for (unsigned i = 0; i < w->count; i++) {
		struct node *n = &w->n[i];

		n->stuck_until = 0;
		if (n->is_on && n->role != SHARE_SERVE)
			world_role(w, i, SHARE_SERVE);
		if (strcmp(n->conf.digest, "aa") != 0)
			world_conf(w, i, "aa");
	}
	if (!w->n[0].is_on)
		world_on(w, 0, SHARE_SERVE);
}

static bool
pair(const struct world *w, unsigned i, unsigned j)
{
	return w->n[i].is_on && w->n[j].is_on && w->link[i][j] &&
	    w->link[j][i];
}

/* The clique of the lowest node of i's component; false: i is not in it. */
static bool
is_chosen(const struct world *w, unsigned i, uint32_t *clique)
{
	uint32_t component = 1u << i, was = 0;

	while (component != was) {
		was = component;
		for (unsigned a = 0; a < w->count; a++)
			for (unsigned b = 0; b < w->count; b++)
				if (component >> a & 1 && pair(w, a, b))
					component |= 1u << b;
	}
	*clique = 0;
	for (unsigned a = 0; a < w->count; a++) {
		bool fits = component >> a & 1;

		for (unsigned b = 0; b < a && fits; b++)
			if (*clique >> b & 1)
				fits = pair(w, a, b);
		if (fits)
			*clique |= 1u << a;
	}
	return *clique >> i & 1;
}

/* Each component as its lowest node's clique has it. */
static bool
is_settled(struct world *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		struct node *n = &w->n[i];
		const struct share *s;
		uint32_t clique, members = 0;

		if (!n->is_on)
			continue;
		if (!is_up(w, i))
			return false;
		if (!is_chosen(w, i, &clique)) {
			if (!share_set_is_empty(&n->takes))
				return false;
			continue;
		}
		s = accord_share(n->a);
		if (accord_phase(n->a) != ACCORD_ACT)
			return false;
		for (unsigned k = 0; k < s->count; k++)
			members |= 1u << (s->member[k].id - 1);
		if (members != clique)
			return false;
		for (unsigned j = 0; j < w->count; j++)
			if (clique >> j & 1 && (!is_up(w, j) ||
			    accord_share(w->n[j].a)->epoch != s->epoch))
				return false;
		for (unsigned b = 0; b < SHARE_BUCKETS; b += 7) {
			unsigned takers = 0;

			for (unsigned j = 0; j < w->count; j++)
				takers += clique >> j & 1 &&
				    share_set_has(&w->n[j].takes, 0, b);
			if (takers != 1)
				return false;
		}
	}
	return true;
}

enum course { WHOLE, BROKEN, PLAIN };

static bool
play(struct world *w, uint32_t seed, enum course course, enum mutant mutant)
{
	unsigned steps = 30;

	world_init(w, 0, seed);
	world_init(w, 2 + world_rnd(w, 3) + (seed % 5 == 0 ?
	    world_rnd(w, 12) : 0), seed);
	w->mutant = mutant;
	w->trace = getenv("TRACE") != NULL;
	w->delay_max = 1 + world_rnd(w, 30);
	w->loss = world_rnd(w, 2) * (5 + world_rnd(w, 20));
	w->crash = world_rnd(w, 2) * 40;
	for (unsigned i = 0; i < w->count; i++)
		if (world_rnd(w, 3) > 0)
			world_on(w, i, SHARE_SERVE);
	while (steps-- > 0 && w->broken == NULL) {
		world_run(w, 1 + world_rnd(w, world_rnd(w, 2) ? 30 : 600));
		if (course == PLAIN)
			plain_fault(w, world_rnd(w, w->count));
		else
			fault(w);
	}
	if (course != BROKEN)
		heal(w);
	quiet(w);
	if (w->broken == NULL && world_until(w, course == BROKEN ? is_settled :
	    world_is_one, CALM_MS) < 0) {
		w->broken = "it does not settle";
		w->broken_at = w->now;
	}
	if (w->broken == NULL && course == PLAIN && w->is_plain &&
	    w->wasted > 0)
		w->broken = "buckets moved that need not";
	world_fini(w);
	return w->broken == NULL;
}

static unsigned
campaign(enum course course, enum mutant mutant, unsigned seeds,
    const char *name)
{
	static struct world w;
	unsigned broken = 0, starts = 0;

	for (uint32_t seed = 1; seed <= seeds; seed++) {
		if (!play(&w, seed, course, mutant) && broken++ < 3 &&
		    mutant == MUTANT_NONE)
			printf("# %s, seed %u (%u nodes), at %lld ms: %s\n",
			    name, seed, w.count, (long long)w.broken_at,
			    w.broken);
		starts += w.starts;
	}
	printf("# %s: %u seeds, %u starts, %u broken\n", name, seeds, starts,
	    broken);
	return broken;
}

int
main(int argc, char **argv)
{
	bool is_long = getenv("HOLDFAST_LONG") != NULL;
	unsigned seeds = is_long ? 5000 : 60;

	if (argc == 3) {
		static struct world w;

		printf("%d\n", play(&w, (uint32_t)atoi(argv[2]),
		    (enum course)atoi(argv[1]), MUTANT_NONE));
		return 0;
	}
	is_num(campaign(PLAIN, MUTANT_NONE, seeds, "whole network"), 0,
	    "crashes, restarts and roles: safe, settles, moves least");
	is_num(campaign(WHOLE, MUTANT_NONE, seeds, "healed network"), 0,
	    "and partitions, freezes, configurations: one share at the end");
	is_num(campaign(BROKEN, MUTANT_NONE, seeds, "broken network"), 0,
	    "a network that stays broken: each component its share");
	ok(campaign(WHOLE, EARLY_STOP, 20, "early stop") > 0,
	    "noticed: said stopped before it stopped");
	ok(campaign(WHOLE, LATE_FILTER, 20, "late filter") > 0,
	    "noticed: published before the filter was in force");
	return tap_done();
}

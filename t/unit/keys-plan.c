/* SPDX-License-Identifier: ISC */
/*
 * A change of the key, played: each step is taken by some of the nodes, in
 * every order and cut off at every point; no two nodes may ever be in a state
 * where one does not accept what the other uses, and it always ends.
 */

#include "../../bin/holdfast/keys-plan.h"

#include <stdlib.h>

#include "tap.h"

#define NODES	3

static void
view(struct keys_view *v, const char *use, const char *next, const char *old)
{
	memset(v, 0, sizeof(*v));
	v->is_known = true;
	(void)snprintf(v->node, sizeof(v->node), "n");
	(void)snprintf(v->use, sizeof(v->use), "%s", use);
	(void)snprintf(v->second, sizeof(v->second), "%s",
	    next != NULL ? next : old != NULL ? old : "");
	v->second_is_old = old != NULL;
}

static bool
accepts(const struct keys_view *v, const char *id)
{
	return strcmp(v->use, id) == 0 || strcmp(v->second, id) == 0;
}

static bool
all_talk(const struct keys_view *v)
{
	unsigned i, j;

	for (i = 0; i < NODES; i++)
		for (j = 0; j < NODES; j++)
			if (!accepts(&v[j], v[i].use))
				return false;
	return true;
}

static void
step(struct keys_view *v, enum keys_step s, const char *id)
{
	char was[SEAL_ID_LEN + 1];

	memcpy(was, v->use, sizeof(was));
	if (s == KEYS_ADD)
		view(v, was, id, NULL);
	else if (s == KEYS_USE)
		view(v, id, NULL, was);
	else
		view(v, was, NULL, NULL);
}

/* One run: at each step only some of the nodes take it.  Rounds, or 0. */
static unsigned
play(unsigned seed)
{
	struct keys_view v[NODES];
	struct keys_plan p;
	unsigned round, i;
	bool begun = false;

	srandom(seed);
	for (i = 0; i < NODES; i++)
		view(&v[i], "aaaaaaaa", NULL, NULL);
	for (round = 1; round < 100; round++) {
		keys_plan(&p, v, NODES);
		if (p.step == KEYS_STUCK)
			return 0;
		if (p.step == KEYS_BEGIN && begun)
			return strcmp(v[0].use, "bbbbbbbb") == 0 ? round : 0;
		begun = true;
		if (p.step == KEYS_BEGIN) {
			step(&v[0], KEYS_ADD, "bbbbbbbb");
			continue;
		}
		for (i = 0; i < NODES; i++)
			if (p.todo[i] && random() % 2 == 0) {
				step(&v[i], p.step, p.id);
				if (!all_talk(v))
					return 0;
			}
	}
	return 0;
}

static void
test_play(void)
{
	unsigned seed, bad = 0;

	for (seed = 1; seed <= 2000; seed++)
		bad += play(seed) == 0;
	is_num(bad, 0, "2000 interrupted changes: all ended, all talked");
}

static void
test_stuck(void)
{
	struct keys_view v[NODES];
	struct keys_plan p;

	view(&v[0], "aaaaaaaa", "bbbbbbbb", NULL);
	view(&v[1], "aaaaaaaa", NULL, NULL);
	view(&v[2], "aaaaaaaa", NULL, NULL);
	v[2].is_known = false;
	keys_plan(&p, v, NODES);
	ok(p.step == KEYS_STUCK, "one is silent: %s", p.why);
	view(&v[2], "aaaaaaaa", "cccccccc", NULL);
	keys_plan(&p, v, NODES);
	ok(p.step == KEYS_STUCK, "two changes: %s", p.why);
	view(&v[0], "aaaaaaaa", NULL, NULL);
	view(&v[2], "cccccccc", NULL, NULL);
	keys_plan(&p, v, NODES);
	ok(p.step == KEYS_STUCK, "another key: %s", p.why);
}

int
main(void)
{
	test_play();
	test_stuck();
	return tap_done();
}

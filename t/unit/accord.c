/* SPDX-License-Identifier: ISC */
/*
 * The agreement in single scenes: how long each takes in messages, what
 * moves, what is said.  accord-sim.c plays them all at random.
 */

#include <stdlib.h>

#include "accord-world.h"
#include "tap.h"

/* One message takes so long here. */
#define HOP	5
#define GRACE	(WORLD_T + 250)

static struct world w;
static struct share before;

static void
begin(unsigned count, unsigned on)
{
	world_fini(&w);
	world_init(&w, count, 1);
	w.delay_min = HOP - 1;
	for (unsigned i = 0; i < on; i++)
		world_on(&w, i, SHARE_SERVE);
	if (world_until(&w, world_is_one, 5000) < 0)
		ok(false, "%u nodes begin", on);
	world_run(&w, 1000);
	before = *accord_share(w.n[0].a);
}

static unsigned
taken(unsigned i)
{
	return share_set_count(&w.n[i].takes, 0);
}

static uint64_t
epoch(unsigned i)
{
	return accord_share(w.n[i].a)->epoch;
}

/* Enough for what was begun; is all one then? */
static bool
settles(void)
{
	world_run(&w, 20 * HOP);
	return world_is_one(&w);
}

/* The same, and the most ticks that some bucket was taken by nobody. */
static bool
settles_with_gap(int64_t *longest)
{
	int64_t since[SHARE_BUCKETS];

	*longest = 0;
	for (unsigned b = 0; b < SHARE_BUCKETS; b++)
		since[b] = w.now;
	for (int i = 0; i < 20 * HOP; i++) {
		world_run(&w, 1);
		for (unsigned b = 0; b < SHARE_BUCKETS; b++) {
			if (world_takers(&w, 0, b) > 0)
				since[b] = w.now;
			else if (w.now - since[b] > *longest)
				*longest = w.now - since[b];
		}
	}
	return world_is_one(&w);
}

static bool
all_know(struct world *world)
{
	for (unsigned i = 0; i < world->count; i++)
		for (unsigned j = 0; j < world->count; j++)
			if (world->n[i].is_on && !world->n[j].is_on &&
			    world->n[i].net[j] != ACCORD_DOWN)
				return false;
	return true;
}

static void
death(unsigned nodes, unsigned victim)
{
	unsigned had, moved = 0, foreign = 0;
	int64_t took;

	begin(nodes, nodes);
	had = taken(victim);
	world_crash(&w, victim);
	(void)world_until(&w, all_know, 1000);
	took = world_until(&w, world_is_one, 1000);
	ok(took >= 0 && took <= 2 * HOP + 1,
	    "one of %u dies: served again %lld ms after the last noticed, "
	    "a message takes %d", nodes, (long long)took, HOP);
	for (unsigned b = 0; b < SHARE_BUCKETS; b++) {
		const struct share *s = accord_share(
		    w.n[victim == 0 ? 1 : 0].a);

		moved += s->owner[0][b] != before.owner[0][b];
		foreign += s->owner[0][b] != before.owner[0][b] &&
		    before.owner[0][b] != victim + 1;
	}
	ok(moved == had && foreign == 0, "only its %u buckets moved (%u)",
	    had, moved);
	ok(w.broken == NULL, "and none was taken twice");
}

static void
test_death(void)
{
	begin(3, 3);
	ok(taken(0) + taken(1) + taken(2) == 4096 && taken(0) <= 1366,
	    "three agree, a third each");
	ok(accord_code(w.n[0].a)[0] == '\0', "and nothing is wrong");
	death(2, 0);
	death(3, 0);
	death(16, 7);
}

static void
test_join(void)
{
	int64_t longest;
	unsigned moved;
	bool good;

	begin(3, 2);
	world_on(&w, 2, SHARE_SERVE);
	good = settles_with_gap(&longest);
	moved = share_moved(&before, accord_share(w.n[0].a));
	ok(good && longest <= HOP, "a third one joins: nobody "
	    "takes what moves for %lld ms, a message takes %d",
	    (long long)longest, HOP);
	is_num(share_set_count(accord_keeps(w.n[0].a), 0) +
	    share_set_count(accord_keeps(w.n[1].a), 0), taken(2),
	    "what it gained is kept by those who had it");
	ok(moved == taken(2) + share_set_count(&w.n[2].takes, 1),
	    "and nothing else moved (%u)", moved);
	ok(w.broken == NULL, "none was taken twice");
	/* Keepers as each of them sees it; a dead one is none. */
	for (unsigned b = 0; b < SHARE_BUCKETS; b++) {
		uint64_t keepers = accord_keepers(w.n[2].a, 0, b);

		if (share_set_has(&w.n[2].takes, 0, b) != (keepers != 0) ||
		    keepers != accord_keepers(w.n[0].a, 0, b))
			w.broken = "keepers";
	}
	ok(w.broken == NULL, "all know who keeps what");
	world_crash(&w, 1);
	(void)world_until(&w, world_is_one, 1000);
	for (unsigned b = 0; b < SHARE_BUCKETS; b++)
		if (accord_keepers(w.n[2].a, 0, b) & 2)
			w.broken = "dead keeper";
	ok(w.broken == NULL, "a dead node keeps nothing");
}

static void
test_keeps(void)
{
	static struct share_set live;
	struct accord *a;
	unsigned kept;

	begin(2, 1);
	world_on(&w, 1, SHARE_SERVE);
	(void)world_until(&w, world_is_one, 1000);
	a = w.n[0].a;
	kept = share_set_count(accord_keeps(a), 0);
	memset(&live, 0, sizeof(live));
	accord_keep_only(a, &live);
	is_num(share_set_count(accord_keeps(a), 0), kept,
	    "in the first second no bucket is let go");
	world_run(&w, 1500);
	w.n[0].is_dirty = true;
	world_run(&w, 1);
	for (unsigned b = 0; b < SHARE_BUCKETS / 2; b++)
		share_set_add(&live, 0, b);
	accord_keep_only(a, &live);
	w.n[0].is_dirty = true;
	ok(share_set_count(accord_keeps(a), 0) < kept,
	    "then those that have no connection are");
	world_run(&w, 3 * HOP);
	is_num(accord_keepers(w.n[1].a, 0, 4095), 0, "and the taker knows");
	for (unsigned b = 0; b < SHARE_BUCKETS; b++)
		share_set_add(&live, 0, b);
	world_run(&w, WORLD_DRAIN);
	ok(share_set_is_empty(accord_keeps(a)),
	    "at the end of the drain none is kept");
}

static void
test_roles(void)
{
	int64_t longest;
	bool good;

	begin(3, 3);
	world_role(&w, 1, SHARE_DRAIN);
	good = settles_with_gap(&longest);
	ok(good && longest <= HOP && taken(1) == 0,
	    "a node drains: a gap of %lld ms", (long long)longest);
	ok(share_set_count(accord_keeps(w.n[1].a), 0) > 0,
	    "it keeps its connections");
	world_role(&w, 1, SHARE_SERVE);
	ok(settles() && taken(1) > 0, "and comes back");
	world_role(&w, 1, SHARE_HOLD);
	world_run(&w, 1);
	ok(taken(1) == 0 && accord_is_closed(w.n[1].a),
	    "on hold it takes nothing at once");
	ok(settles(), "others take over");
	is_num(accord_taker(w.n[1].a, 0, 0), accord_taker(w.n[0].a, 0, 0),
	    "and it knows who, to pass on what comes to it");
	world_role(&w, 1, SHARE_NONE);
	world_run(&w, 10);
	ok(share_set_is_empty(accord_keeps(w.n[1].a)),
	    "who is out keeps nothing");
	world_role(&w, 0, SHARE_HOLD);
	world_role(&w, 2, SHARE_HOLD);
	world_run(&w, 300);
	world_role(&w, 0, SHARE_SERVE);
	world_role(&w, 1, SHARE_SERVE);
	world_role(&w, 2, SHARE_SERVE);
	ok(world_until(&w, world_is_one, 2000) >= 0 && w.broken == NULL,
	    "all on hold, then all at once: one share");
}

static void
test_director(void)
{
	begin(3, 3);
	ok(w.n[0].directs && !w.n[1].directs, "the first one directs");
	world_role(&w, 0, SHARE_DRAIN);
	ok(settles() && !w.n[0].directs && w.n[1].directs,
	    "who drains hands it over");
	world_role(&w, 0, SHARE_SERVE);
	ok(settles() && !w.n[0].directs && w.n[1].directs,
	    "and does not get it back");
}

static void
test_restart(void)
{
	uint64_t was;
	int64_t longest;
	bool good;

	begin(3, 3);
	was = epoch(0);
	world_kill_farmd(&w, 0, 30, false);
	good = settles_with_gap(&longest);
	ok(good && epoch(0) == was && epoch(1) == was && longest == 0,
	    "farmd comes back with its memory: nothing happens");
	world_kill_farmd(&w, 0, 30, true);
	world_run(&w, 31);
	is_num(taken(0), 0, "without it, it takes nothing at first");
	ok(world_until(&w, world_is_one, 1000) >= 0 && w.broken == NULL,
	    "then all agree again");
	world_kill_farmd(&w, 0, 600, false);
	world_run(&w, 590);
	is_num(taken(1) + taken(2), 4096, "one that stays away is replaced");
	/* Its kernel took on; nobody can reach into it. */
	ok(taken(0) > 0, "(its filter goes on)");
	world_run(&w, 12);
	is_num(taken(0), 0, "back, it sees that it was, and stops");
	ok(world_until(&w, world_is_one, 1000) >= 0, "and is taken in");
}

static void
test_parts(void)
{
	begin(4, 4);
	for (unsigned i = 0; i < 4; i++)
		for (unsigned j = 0; j < 4; j++)
			w.link[i][j] = (i == 2) == (j == 2);
	world_run(&w, 500);
	ok(taken(2) == 4096 && taken(0) + taken(1) + taken(3) == 4096,
	    "cut off: 4096 on each side");
	for (unsigned i = 0; i < 4; i++)
		for (unsigned j = 0; j < 4; j++)
			w.link[i][j] = true;
	ok(world_until(&w, world_is_one, 1000) >= 0,
	    "healed: one share, without hands");
	world_freeze(&w, 3, 300);
	world_run(&w, 301);
	is_num(taken(3), 0, "a machine that stood still takes nothing");
	ok(world_until(&w, world_is_one, 1000) >= 0, "until all agreed");
}

/* Every word goes to every node: their number is squared, then. */
static void
test_words_count(void)
{
	bool good;

	begin(16, 16);
	world_crash(&w, 5);
	world_run(&w, 500);
	w.words = 0;
	world_on(&w, 5, SHARE_SERVE);
	good = world_until(&w, world_is_one, 2000) >= 0;
	ok(good && w.words < 100, "one of 16 returns: %u words in all",
	    w.words);
	for (unsigned i = 0; i < 16; i++)
		for (unsigned j = 0; j < 16; j++)
			w.link[i][j] = i / 8 == j / 8;
	world_run(&w, 500);
	w.words = 0;
	for (unsigned i = 0; i < 16; i++)
		for (unsigned j = 0; j < 16; j++)
			w.link[i][j] = true;
	good = world_until(&w, world_is_one, 2000) >= 0;
	ok(good && w.words < 250, "two halves of 8 meet: %u words",
	    w.words);
}

static void
test_one_way(void)
{
	begin(3, 3);
	w.link[0][2] = false;
	world_run(&w, 4 * GRACE);
	ok(taken(2) == 0 && taken(0) + taken(1) == 4096,
	    "n3 does not hear n1: it stands down");
	is_str(accord_code(w.n[2].a), "farm-outcast", "and says so: %s",
	    accord_text(w.n[2].a));
	ok(w.broken == NULL, "no bucket was taken twice");
	w.link[0][2] = true;
	ok(world_until(&w, world_is_one, 1000) >= 0, "heard again, it is in");
	/* n1 is not heard by n2 now, but by n3, which n2 hears. */
	begin(3, 3);
	w.link[0][1] = w.link[1][0] = false;
	world_run(&w, 4 * GRACE);
	ok(taken(1) == 0 && taken(0) + taken(2) == 4096,
	    "n1 and n2 do not hear each other: the lower one stays");
	ok(w.broken == NULL, "no bucket was taken twice");
	begin(3, 3);
	w.link[0][2] = w.link[1][2] = false;
	world_run(&w, 4 * GRACE);
	ok(taken(0) + taken(1) == 4096, "a deaf node is not waited for");
	is_num(taken(2), 4096, "(it cannot know of anybody)");
}

static void
test_conf(void)
{
	begin(3, 2);
	world_conf(&w, 2, "bb");
	world_on(&w, 2, SHARE_SERVE);
	world_run(&w, 3 * GRACE);
	ok(taken(2) == 0 && taken(0) + taken(1) == 4096,
	    "another configuration stays out");
	ok(accord_phase(w.n[2].a) == ACCORD_BLOCKED &&
	    strcmp(accord_code(w.n[2].a), "config-differs") == 0 &&
	    strstr(accord_text(w.n[2].a), "n1, n2") != NULL,
	    "and says whose differs: %s", accord_text(w.n[2].a));
	is_str(accord_text(w.n[0].a), accord_text(w.n[2].a),
	    "the others say the same");
	world_conf(&w, 1, "bb");
	world_run(&w, 3 * GRACE);
	ok(taken(0) == 0 && taken(1) + taken(2) == 4096,
	    "the second one changes: now they are more");
	ok(w.broken == NULL, "no bucket was taken twice");
	world_conf(&w, 0, "bb");
	ok(world_until(&w, world_is_one, 1000) >= 0, "the last one: one");
	begin(2, 1);
	world_conf(&w, 1, "bb");
	world_on(&w, 1, SHARE_SERVE);
	world_run(&w, 3 * GRACE);
	ok(taken(0) == 4096 && taken(1) == 0,
	    "one against one: who serves goes on");
}

static void
test_no_heartd(void)
{
	static struct accord_in in;
	struct accord_out out;
	struct accord *a;

	begin(3, 3);
	a = accord_new(&w.n[0].conf);
	in.role = SHARE_SERVE;
	in.random = 7;
	in.now.ns = INT64_C(1000000000);
	accord_think(a, &in, &out);
	ok(accord_code(a)[0] == '\0' && out.wake.ns > in.now.ns,
	    "heartd has not said anything yet");
	in.now = out.wake;
	accord_think(a, &in, &out);
	is_str(accord_code(a), "farm-waits", "nor later: %s", accord_text(a));
	ok(strstr(accord_text(a), "heartd of n1") != NULL,
	    "it is heartd of this node, no sibling");
	in.peer[1].net = ACCORD_UP;
	accord_think(a, &in, &out);
	ok(strstr(accord_text(a), "n3 is not known") != NULL,
	    "of one that it says nothing about: %s", accord_text(a));
	accord_free(a);
}

static void
test_words(void)
{
	begin(3, 3);
	w.n[1].stuck_until = w.now + 20000;
	world_crash(&w, 2);
	world_run(&w, 500);
	ok(accord_code(w.n[0].a)[0] == '\0', "a slow farmd is waited for");
	world_run(&w, 3000);
	is_str(accord_code(w.n[0].a), "farm-waits", "and in the end said: %s",
	    accord_text(w.n[0].a));
	ok(strstr(accord_text(w.n[0].a), "n2") != NULL, "by name");
	begin(2, 2);
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned j = 0; j < 2; j++)
			w.n[i].conf.node[j].power[1] = 0;
		world_conf(&w, i, "cc");
	}
	world_run(&w, 1000);
	is_str(accord_code(w.n[0].a), "farm-no-power", "%s",
	    accord_text(w.n[0].a));
	is_num(accord_no_power(w.n[0].a), 2, "in the second table");
	is_num(taken(0) + taken(1), 4096, "the first one is served");
}

/* As far as a filter can tell. */
static bool
is_same(const struct accord *a, const struct accord *b)
{
	for (unsigned t = 0; t < w.n[0].conf.tables; t++)
		for (unsigned i = 0; i < SHARE_BUCKETS; i++)
			if (accord_taker(a, t, i) != accord_taker(b, t, i) ||
			    share_set_has(accord_keeps(a), t, i) !=
			    share_set_has(accord_keeps(b), t, i))
				return false;
	return accord_share(a)->epoch == accord_share(b)->epoch &&
	    accord_is_director(a) == accord_is_director(b) &&
	    accord_is_closed(a) == accord_is_closed(b);
}

static void
test_memory(void)
{
	static char text[ACCORD_SAVE_MAX], again[ACCORD_SAVE_MAX];
	const char *why = NULL;
	struct mono now = { 1 };
	struct accord *a;
	unsigned taken_in = 0;
	size_t len;

	begin(3, 3);
	world_role(&w, 0, SHARE_DRAIN);
	(void)settles();
	ok(accord_save(w.n[0].a, text, sizeof(text)), "it is saved");
	a = accord_new(&w.n[0].conf);
	ok(accord_restore(a, text, now, &why) == 0 &&
	    is_same(a, w.n[0].a), "restored it is the same");
	accord_free(a);
	len = strlen(text);
	for (size_t i = 0; i < len; i += i + 40 < len ? 13 : 1) {
		memcpy(again, text, i);
		again[i] = '\0';
		a = accord_new(&w.n[0].conf);
		why = NULL;
		if (accord_restore(a, again, now, &why) == 0 || why == NULL ||
		    accord_share(a)->epoch != 0)
			taken_in++;
		accord_free(a);
	}
	is_num(taken_in, 0, "cut short anywhere it is refused");
	a = accord_new(&w.n[1].conf);
	ok(accord_restore(a, text, now, &why) == -1, "n2 refuses it");
	is_str(why, "it is that of another node", "and says why");
	accord_free(a);
	world_conf(&w, 0, "bb");
	a = accord_new(&w.n[0].conf);
	ok(accord_restore(a, text, now, &why) == -1 &&
	    accord_share(a)->epoch != 0 && accord_is_closed(a),
	    "another configuration takes over the share only");
	accord_free(a);
}

/* What a node says is late; its sibling forgot, and believes what it has. */
static void
play_stale(enum mutant mutant)
{
	begin(2, 2);
	w.mute[0][1] = true;
	world_role(&w, 1, SHARE_HOLD);
	world_run(&w, 200);
	w.mutant = mutant;
	w.n[1].role = SHARE_SERVE;
	world_kill_farmd(&w, 1, 5, true);
	world_run(&w, 4000);
	w.mute[0][1] = false;
	(void)world_until(&w, world_is_one, 1000);
}

static void
play_memory(enum mutant mutant)
{
	begin(2, 2);
	w.mutant = mutant;
	world_role(&w, 1, SHARE_HOLD);
	world_run(&w, 1);
	world_kill_farmd(&w, 1, WORLD_T, false);
	world_run(&w, 200);
}

static void
test_mutants(void)
{
	play_stale(MUTANT_NONE);
	ok(w.broken == NULL && world_is_one(&w),
	    "an old word of a sibling starts nobody");
	play_stale(ANY_LIFE);
	ok(w.broken != NULL, "noticed: it would, if it counted");
	play_memory(MUTANT_NONE);
	ok(w.broken == NULL && taken(1) == 0, "the last memory is the truth");
	play_memory(OLD_MEMORY);
	ok(w.broken != NULL, "noticed: the one before is not");
}

/*
 * Frames go to the taker that the director knows: while a node joins, with
 * the last message on its way, none goes to it before it is open.
 */
static void
test_join_is_open(void)
{
	unsigned sent = 0, lost = 0;

	for (unsigned delay = 0; delay < 8; delay++) {
		begin(3, 2);
		w.delay_min = 0;
		w.delay_max = 2 * delay + 1;
		world_on(&w, 2, SHARE_SERVE);
		for (int i = 0; i < 2000; i++) {
			world_run(&w, 1);
			for (unsigned b = 0; b < SHARE_BUCKETS; b++) {
				if (accord_taker(w.n[0].a, 0, b) != 3)
					continue;
				sent++;
				lost += accord_is_closed(w.n[2].a);
			}
		}
		w.delay_max = 1;
	}
	ok(sent > 0 && lost == 0, "a node that joins takes what the director "
	    "sends it from the first frame on (%u of %u lost)", lost, sent);
}

int
main(void)
{
	test_death();
	test_join();
	test_keeps();
	test_roles();
	test_director();
	test_restart();
	test_parts();
	test_words_count();
	test_one_way();
	test_conf();
	test_no_heartd();
	test_words();
	test_memory();
	test_mutants();
	test_join_is_open();
	world_fini(&w);
	return tap_done();
}

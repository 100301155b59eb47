/* SPDX-License-Identifier: ISC */
/* Bucket tables: quotas, what moves and what does not, text and back. */

#include <stdlib.h>

#include "tap.h"

#include "../../bin/farmd/share.h"

static uint32_t rng = 20261128;

static uint32_t
rnd(uint32_t below)
{
	rng ^= rng << 13;
	rng ^= rng >> 17;
	rng ^= rng << 5;
	return rng % below;
}

struct farm {
	struct share_member	m[SHARE_NODE_MAX];
	unsigned		count;
	struct share		s;
};

static void
join(struct farm *f, uint8_t id, enum share_role role, uint32_t power)
{
	unsigned at = f->count++;

	for (; at > 0 && f->m[at - 1].id > id; at--)
		f->m[at] = f->m[at - 1];
	f->m[at].id = id;
	f->m[at].role = role;
	for (unsigned t = 0; t < SHARE_TABLE_MAX; t++)
		f->m[at].power[t] = power;
}

static void
leave(struct farm *f, uint8_t id)
{
	unsigned at = 0;

	while (f->m[at].id != id)
		at++;
	for (f->count--; at < f->count; at++)
		f->m[at] = f->m[at + 1];
}

/* Moves to the next share; how many buckets of table 0 have a new owner. */
static unsigned
step(struct farm *f)
{
	static struct share was;
	unsigned moved = 0;

	was = f->s;
	share_next(&f->s, &was, 1, f->m, f->count);
	for (unsigned b = 0; b < SHARE_BUCKETS; b++)
		moved += was.owner[0][b] != f->s.owner[0][b];
	return moved;
}

static unsigned
has(const struct farm *f, uint8_t id)
{
	return share_count(&f->s, 0, id);
}

static void
test_quotas(void)
{
	static struct farm f;

	join(&f, 1, SHARE_SERVE, 1);
	is_num(step(&f), 4096, "the first one takes all");
	join(&f, 2, SHARE_SERVE, 2);
	join(&f, 3, SHARE_SERVE, 5);
	is_num(step(&f), 512 * 7, "weights 1, 2, 5: seven eighths move");
	ok(has(&f, 1) == 512 && has(&f, 2) == 1024 && has(&f, 3) == 2560,
	    "to exact quotas");
	is_num(share_permille(&f.s, 0, 3), 625, "in per mille");
	is_num(step(&f), 0, "the same again changes nothing");
	f.m[1].power[0] = 0;
	is_num(step(&f), 1024, "power 0: its buckets move, no others");
	is_num(has(&f, 2), 0, "and it has none");
	f.m[1].power[0] = 319;
	(void)step(&f);
	ok(has(&f, 1) == 0 && has(&f, 3) > 0 && has(&f, 2) > 0,
	    "power 319 beside 5 and 1: only the one has 64 times less");
	f.m[1].power[0] = 320;
	(void)step(&f);
	is_num(has(&f, 2), 4096, "at 320 the other one has, too");
	leave(&f, 2);
	(void)step(&f);
	ok(has(&f, 1) == 683 && has(&f, 3) == 3413,
	    "without it the smaller one counts again");
	leave(&f, 3);
	(void)step(&f);
	is_num(has(&f, 1), 4096, "and alone it has all");
	f.m[0].power[0] = 0;
	(void)step(&f);
	is_num(has(&f, 0), 4096, "no power at all: nobody has any");
	ok(f.s.director == 1, "but it still directs");
}

static void
test_chain(void)
{
	static struct farm f;

	/* The classic: each one serves when all above it are gone. */
	join(&f, 1, SHARE_SERVE, 1);
	join(&f, 2, SHARE_SERVE, 64);
	join(&f, 3, SHARE_SERVE, 4096);
	(void)step(&f);
	is_num(has(&f, 3), 4096, "chain of 64: the strongest has all");
	leave(&f, 3);
	(void)step(&f);
	is_num(has(&f, 2), 4096, "then the next");
	join(&f, 3, SHARE_SERVE, 4096);
	leave(&f, 2);
	(void)step(&f);
	is_num(has(&f, 3), 4096, "and back");
}

static void
test_sixteen(void)
{
	static struct farm f;
	static struct share before;
	unsigned foreign = 0, dead;

	for (uint8_t id = 1; id <= 16; id++)
		join(&f, id, SHARE_SERVE, 1);
	(void)step(&f);
	ok(has(&f, 1) == 256 && has(&f, 16) == 256, "16 nodes, 256 each");
	before = f.s;
	leave(&f, 7);
	dead = step(&f);
	for (unsigned b = 0; b < SHARE_BUCKETS; b++)
		foreign += before.owner[0][b] != f.s.owner[0][b] &&
		    before.owner[0][b] != 7;
	is_num(dead, 256, "one dies: its 256 buckets move");
	is_num(foreign, 0, "and no other");
	before = f.s;
	join(&f, 7, SHARE_SERVE, 1);
	is_num(step(&f), 256, "it comes back: 256 move");
	foreign = 0;
	for (unsigned b = 0; b < SHARE_BUCKETS; b++)
		foreign += before.owner[0][b] != f.s.owner[0][b] &&
		    f.s.owner[0][b] != 7;
	is_num(foreign, 0, "all of them to it");
}

/* What must move at least: what each lacks of its quota. */
static unsigned
least(const struct share *was, const struct share *now,
    const struct share_member *m, unsigned count)
{
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned a = share_count(was, 0, m[i].id);
		unsigned b = share_count(now, 0, m[i].id);

		n += b > a ? b - a : 0;
	}
	return n;
}

static void
test_histories(void)
{
	static struct farm f;
	static struct share was;
	unsigned uneven = 0, wasted = 0, rounding = 0, steps = 0;

	join(&f, 1, SHARE_SERVE, 1);
	(void)step(&f);
	for (int i = 0; i < 4000; i++) {
		uint8_t id = (uint8_t)(1 + rnd(16));
		unsigned lo = SHARE_BUCKETS, hi = 0, moved, ideal = 0;
		bool is_in = false;

		for (unsigned j = 0; j < f.count; j++)
			is_in = is_in || f.m[j].id == id;
		if (is_in && f.count > 1)
			leave(&f, id);
		else if (!is_in)
			join(&f, id, SHARE_SERVE, 1);
		was = f.s;
		moved = step(&f);
		for (unsigned j = 0; j < f.count; j++) {
			unsigned n = has(&f, f.m[j].id);
			unsigned old = share_count(&was, 0, f.m[j].id);
			unsigned quota = SHARE_BUCKETS / f.count;

			lo = n < lo ? n : lo;
			hi = n > hi ? n : hi;
			ideal += old < quota ? quota - old : 0;
		}
		uneven += hi - lo > 1;
		wasted += moved != least(&was, &f.s, f.m, f.count);
		/* Rounding may cost one bucket a member, no more. */
		rounding += moved > ideal + f.count;
		steps++;
	}
	is_num(uneven, 0, "%u random steps: never uneven by two", steps);
	is_num(wasted, 0, "nobody gained and lost at once");
	is_num(rounding, 0, "and no more moved than the quotas ask");
}

static void
test_weights(void)
{
	static struct farm f;
	static struct share was;
	unsigned wrong = 0, wasted = 0, changed = 0;

	for (uint8_t id = 1; id <= 9; id++)
		join(&f, id, SHARE_SERVE, 1 + rnd(60));
	for (int i = 0; i < 2000; i++) {
		unsigned j = rnd(9), sum = 0;
		uint64_t total = 0;

		f.m[j].power[0] = rnd(8) == 0 ? 0 : 1 + rnd(60);
		f.m[rnd(9)].role = rnd(4) == 0 ? SHARE_DRAIN : SHARE_SERVE;
		was = f.s;
		(void)step(&f);
		for (unsigned k = 0; k < 9; k++)
			if (f.m[k].role == SHARE_SERVE)
				total += f.m[k].power[0];
		for (unsigned k = 0; k < 9 && total > 0; k++) {
			uint64_t p = f.m[k].role == SHARE_SERVE ?
			    f.m[k].power[0] : 0;
			uint64_t floor = SHARE_BUCKETS * p / total;
			unsigned n = has(&f, f.m[k].id);

			sum += n;
			wrong += n < floor || n > floor + 1;
		}
		wrong += sum != (total > 0 ? SHARE_BUCKETS : 0);
		wasted += step(&f) != 0;
		changed += share_moved(&was, &f.s) > 0;
	}
	is_num(wrong, 0, "2000 random weights: every quota exact");
	is_num(wasted, 0, "a second look at the same changes nothing");
	ok(changed > 1000, "(%u of them moved something)", changed);
}

static void
test_director(void)
{
	static struct farm f;

	join(&f, 4, SHARE_DRAIN, 1);
	(void)step(&f);
	is_num(f.s.director, 4, "nobody serves: who drains directs");
	is_num(has(&f, 0), 4096, "and nobody takes");
	join(&f, 5, SHARE_SERVE, 1);
	(void)step(&f);
	is_num(f.s.director, 5, "who serves goes before who drains");
	join(&f, 3, SHARE_SERVE, 1);
	(void)step(&f);
	is_num(f.s.director, 5, "a lower one that comes does not take it");
	leave(&f, 5);
	(void)step(&f);
	is_num(f.s.director, 3, "when it is gone, the lowest that serves");
}

static void
test_text(void)
{
	static struct farm f;
	static struct share back, two;
	static char text[SHARE_TEXT_MAX + 2000], again[sizeof(text)];
	const char *why = NULL;
	unsigned longest = 0, bad = 0;

	ok(share_format(text, sizeof(text), &f.s) && strcmp(text, "-") == 0 &&
	    share_parse(&back, text, &why) == 0 && back.epoch == 0,
	    "no share is a dash");
	f.s.epoch = INT64_MAX;
	for (unsigned n = 1; n <= SHARE_NODE_MAX; n++) {
		join(&f, (uint8_t)(3 * n), SHARE_SERVE, 1);
		two.epoch = f.s.epoch;
		share_next(&two, &two, share_table_limit(n), f.m, f.count);
		if (!share_format(text, sizeof(text), &two) ||
		    share_parse(&back, text, &why) != 0 ||
		    share_digest(&back) != share_digest(&two) ||
		    back.epoch != two.epoch || share_moved(&back, &two) != 0 ||
		    !share_format(again, sizeof(again), &back) ||
		    strcmp(text, again) != 0)
			bad++;
		if (strlen(text) > longest)
			longest = (unsigned)strlen(text);
	}
	is_num(bad, 0, "1 to 64 members: text and back, twice");
	ok(longest < SHARE_TEXT_MAX, "the longest has %u bytes", longest);
	ok(!share_format(again, strlen(text), &two),
	    "one byte too little is said");
	ok(share_format(again, strlen(text) + 1, &two), "and just enough");
}

static void
test_bad_text(void)
{
	static const char *const bad[] = {
		"", "0.1.1s,.1", "x", "1", "1.", "1.1.", "1.1.1s,",
		"1.2.1s,.1", "1.1.1s,.2", "1.1.1x,.1", "1.1.2s,1s,.-",
		"1.1.1s,1s,.-", "1.0.1s,.-", "1.1.0s,.-", "1.1.256s,.-",
		"18446744073709551616.1.1s,.1", "1.1.1s,.1.1.1.1.1",
		"1.1.1s,2s,.1", "1.1.1s,2s,.AAAA", "1.1.1s,.1 ", "1.1.1s.1",
		"-.", "+1.1.1s,.1", "1.1.1s,..1",
	};
	static struct share s;
	const char *why;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why = NULL;
		ok(share_parse(&s, bad[i], &why) == -1 && why != NULL,
		    "refused: \"%s\"", bad[i]);
	}
	ok(share_parse(&s, "7.1.1d,9s,.-.-", &why) == 0 && s.count == 2 &&
	    s.tables == 2, "and a good one is taken");
}

static void
test_digest(void)
{
	static struct farm a, b;
	uint64_t was;

	for (uint8_t id = 1; id <= 3; id++) {
		join(&a, id, SHARE_SERVE, 1);
		join(&b, id, SHARE_SERVE, 1);
	}
	(void)step(&a);
	(void)step(&b);
	b.s.epoch = 9;
	ok(share_digest(&a.s) == share_digest(&b.s),
	    "the digest leaves out the epoch");
	was = share_digest(&a.s);
	a.s.owner[0][4095] = 1;
	ok(share_digest(&a.s) != was, "but no bucket");
	b.s.member[2].role = SHARE_DRAIN;
	ok(share_digest(&b.s) != was, "no role");
	b.s.member[2].role = SHARE_SERVE;
	b.s.director = 2;
	ok(share_digest(&b.s) != was, "and no director");
}

static void
test_set(void)
{
	static struct farm f;
	static struct share_set s, back;
	char text[SHARE_SET_TEXT];

	join(&f, 1, SHARE_SERVE, 1);
	join(&f, 2, SHARE_SERVE, 3);
	(void)step(&f);
	share_set_of(&s, &f.s, 1);
	is_num(share_set_count(&s, 0), 1024, "the set of a node's buckets");
	share_set_format(text, &s, 0);
	ok(share_set_parse(&back, 0, text) == 0 &&
	    memcmp(s.bit[0], back.bit[0], sizeof(s.bit[0])) == 0,
	    "as text and back");
	ok(share_set_parse(&back, 0, "AAAA") == -1 &&
	    share_set_parse(&back, 0, "") == -1, "a short one is refused");
	text[5] = '*';
	ok(share_set_parse(&back, 0, text) == -1, "and a foreign character");
	ok(share_set_parse(&back, 0, "-") == 0 && share_set_is_empty(&back),
	    "a dash is the empty one");
	share_set_add(&s, 0, 4095);
	share_set_del(&s, 0, 0);
	ok(share_set_has(&s, 0, 4095) && !share_set_has(&s, 0, 0),
	    "add and delete");
}

int
main(void)
{
	test_quotas();
	test_chain();
	test_sixteen();
	test_histories();
	test_weights();
	test_director();
	test_digest();
	test_text();
	test_bad_text();
	test_set();
	return tap_done();
}

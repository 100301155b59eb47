/* SPDX-License-Identifier: ISC */
#include "accord-world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t
world_rnd(struct world *w, uint32_t below)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 17;
	w->rng ^= w->rng << 5;
	return w->rng % below;
}

static bool
one_in(struct world *w, unsigned n)
{
	return n != 0 && world_rnd(w, n) == 0;
}

static struct mono
at(int64_t ms)
{
	struct mono t = { (ms + 1) * 1000000 };

	return t;
}

static void
drop(struct word **word)
{
	if (*word != NULL && --(*word)->refs == 0)
		free(*word);
	*word = NULL;
}

static void
hold(struct word **to, struct word *word)
{
	word->refs++;
	drop(to);
	*to = word;
}

static void
breaks(struct world *w, const char *what)
{
	if (w->broken == NULL) {
		w->broken = what;
		w->broken_at = w->now;
	}
}

void
world_init(struct world *w, unsigned count, uint32_t seed)
{
	memset(w, 0, sizeof(*w));
	w->count = count;
	w->rng = seed * 2654435761u + 1;
	w->delay_max = 1;
	w->is_plain = true;
	for (unsigned i = 0; i < count; i++) {
		struct accord_conf *c = &w->n[i].conf;

		(void)snprintf(c->digest, sizeof(c->digest), "aa");
		c->tables = share_table_limit(count) > 1 ? 2 : 1;
		c->node_count = count;
		c->self = i;
		c->timeout_ms = WORLD_T;
		c->drain_ms = WORLD_DRAIN;
		for (unsigned j = 0; j < count; j++) {
			c->node[j].id = (uint8_t)(j + 1);
			(void)snprintf(c->node[j].name,
			    sizeof(c->node[j].name), "n%u", j + 1);
			for (unsigned t = 0; t < c->tables; t++)
				c->node[j].power[t] = t == 0 ? 1 : 1 + j % 3;
			w->link[i][j] = true;
		}
	}
}

static void
farmd_end(struct node *n)
{
	accord_free(n->a);
	n->a = NULL;
	n->has_farmd = false;
}

static void
machine_end(struct world *w, unsigned i)
{
	struct node *n = &w->n[i];

	if (n->has_farmd)
		farmd_end(n);
	for (unsigned j = 0; j < w->count; j++) {
		drop(&n->has[j]);
		n->net[j] = ACCORD_UNKNOWN;
		n->heard[j] = 0;
		w->bound[i][j] = w->bound[j][i] = false;
		w->lost[i][j] = w->lost[j][i] = false;
	}
	drop(&n->said);
	memset(&n->takes, 0, sizeof(n->takes));
	n->directs = n->is_on = n->was_late = n->is_unsaved = false;
	n->apply_at = n->frozen_until = n->stuck_until = 0;
	n->farmd_gone = n->farmd_back = 0;
	n->saved[0] = n->older[0] = '\0';
}

void
world_fini(struct world *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		machine_end(w, i);
		for (unsigned j = 0; j < w->count; j++)
			for (unsigned k = 0; k < FLIGHT_MAX; k++)
				drop(&w->flight[i][j][k].word);
	}
}

void
world_crash(struct world *w, unsigned i)
{
	machine_end(w, i);
}

/* heartd withdraws what lost its farmd, and tells who hears it. */
static bool
is_withdrawn(const struct world *w, unsigned i)
{
	const struct node *n = &w->n[i];

	return !n->is_on || (!n->has_farmd &&
	    w->now - n->farmd_gone > 2 * WORLD_T);
}

static bool
overlap(const struct share_set *a, const struct share_set *b)
{
	for (unsigned t = 0; t < SHARE_TABLE_MAX; t++)
		for (unsigned i = 0; i < SHARE_BUCKETS / 64; i++)
			if ((a->bit[t][i] & b->bit[t][i]) != 0)
				return true;
	return false;
}

/*
 * Two nodes that once did not overlap and since then never lost each other
 * must not overlap.  Who lost each other have met again when each was told by
 * the other that it is heard.
 */
static void
check(struct world *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		for (unsigned j = i + 1; j < w->count; j++) {
			struct node *a = &w->n[i], *b = &w->n[j];
			bool *bound = &w->bound[i][j];

			if (a->net[j] == ACCORD_DOWN ||
			    b->net[i] == ACCORD_DOWN)
				w->lost[i][j] = w->lost[j][i] = true;
			if (!a->is_on || !b->is_on ||
			    w->lost[i][j] || w->lost[j][i] ||
			    is_withdrawn(w, i) || is_withdrawn(w, j) ||
			    a->was_late || b->was_late)
				*bound = false;
			else if (!overlap(&a->takes, &b->takes))
				*bound = *bound ||
				    (!a->is_unsaved && !b->is_unsaved);
			else if (*bound)
				breaks(w, "two take one bucket");
		}
	}
}

/* The kernel does what the accord says; an empty one after lost memory. */
static void
apply(struct world *w, unsigned i)
{
	struct node *n = &w->n[i];
	uint8_t self = n->conf.node[i].id;
	struct share_set takes;

	memset(&takes, 0, sizeof(takes));
	for (unsigned t = 0; t < n->conf.tables; t++)
		for (unsigned b = 0; b < SHARE_BUCKETS; b++)
			if (accord_taker(n->a, t, b) == self)
				share_set_add(&takes, t, b);
	n->directs = accord_is_director(n->a);
	if (w->mutant == LATE_FILTER) {
		n->apply = takes;
		n->apply_at = w->now + 5 + world_rnd(w, 40);
	} else
		n->takes = takes;
	w->is_changed = true;
}

static void
farmd_start(struct world *w, unsigned i)
{
	struct node *n = &w->n[i];
	const char *text = w->mutant == OLD_MEMORY ? n->older : n->saved;
	const char *why;

	n->a = accord_new(&n->conf);
	n->acted.epoch = 0;
	if (n->loses_memory)
		n->saved[0] = n->older[0] = '\0';
	n->loses_memory = false;
	(void)accord_restore(n->a, text, at(w->now), &why);
	apply(w, i);
	check(w);	/* before it has a thought of its own */
	n->has_farmd = true;
	n->farmd_gone = n->farmd_back = 0;
	n->is_dirty = true;
	n->wake = 0;
	n->think_at = w->now;
}

void
world_on(struct world *w, unsigned i, enum share_role role)
{
	struct node *n = &w->n[i];

	n->is_on = true;
	n->role = role;
	n->listens_since = w->now;
	farmd_start(w, i);
}

void
world_kill_farmd(struct world *w, unsigned i, int64_t back_ms,
    bool loses_memory)
{
	struct node *n = &w->n[i];

	if (!n->has_farmd)
		return;
	farmd_end(n);
	n->farmd_gone = w->now;
	n->farmd_back = w->now + back_ms;
	n->loses_memory = loses_memory;
	n->stuck_until = 0;
}

void
world_role(struct world *w, unsigned i, enum share_role role)
{
	w->n[i].role = role;
	w->n[i].is_dirty = true;
}

void
world_conf(struct world *w, unsigned i, const char *digest)
{
	struct node *n = &w->n[i];

	(void)snprintf(n->conf.digest, sizeof(n->conf.digest), "%s", digest);
	if (n->has_farmd) {
		accord_reconf(n->a, &n->conf);
		n->is_dirty = true;
	}
}

void
world_link(struct world *w, unsigned from, unsigned to, bool works)
{
	w->link[from][to] = works;
}

void
world_freeze(struct world *w, unsigned i, int64_t ms)
{
	w->n[i].frozen_until = w->now + ms;
}

static bool
runs(const struct world *w, unsigned i)
{
	return w->n[i].is_on && w->n[i].frozen_until <= w->now;
}

static void
launch(struct world *w, unsigned i, unsigned j)
{
	int64_t due = w->now + 1 + w->delay_min +
	    world_rnd(w, w->delay_max);

	w->resend[i][j] = w->now + WORLD_RETRY +
	    (int64_t)(w->delay_min + w->delay_max);
	if (w->mute[i][j] || one_in(w, w->loss))
		return;
	for (unsigned k = 0; k < FLIGHT_MAX; k++) {
		struct flight *f = &w->flight[i][j][k];

		if (f->word != NULL)
			continue;
		hold(&f->word, w->n[i].said);
		f->due = due;
		return;
	}
}

static void
publish(struct world *w, unsigned i)
{
	struct node *n = &w->n[i];
	struct word *word = calloc(1, sizeof(*word));
	static char text[FARM_BLOB_MAX];
	const char *why;

	w->words++;
	word->version = ++n->version;
	accord_publish(n->a, &word->blob);
	/* Now and then through the text, which is slow. */
	if (world_rnd(w, 8) == 0) {
		struct farm_blob was = word->blob;

		if (!farm_blob_format(text, sizeof(text), &was) ||
		    farm_blob_parse(&word->blob, text, &why) != 0)
			breaks(w, "a blob is not readable");
	}
	if (w->mutant == EARLY_STOP && word->blob.step == FARM_READY)
		word->blob.step = FARM_STOPPED;
	hold(&n->said, word);
	for (unsigned j = 0; j < w->count; j++)
		if (j != i)
			launch(w, i, j);
}

static void
remember(struct node *n)
{
	static char text[ACCORD_SAVE_MAX];

	if (!accord_save(n->a, text, sizeof(text)))
		return;
	memcpy(n->older, n->saved, sizeof(n->older));
	memcpy(n->saved, text, sizeof(n->saved));
}

/* What moved beyond what had to, from one share of a node to its next. */
static void
count_moves(struct world *w, const struct share *was, const struct share *is)
{
	w->starts++;
	if (was->epoch == 0 || is->epoch != was->epoch + 1)
		return;
	for (unsigned t = 0; t < is->tables; t++) {
		unsigned moved = 0, least = 0;

		for (unsigned b = 0; b < SHARE_BUCKETS; b++)
			moved += is->owner[t][b] != 0 &&
			    was->owner[t][b] != is->owner[t][b];
		for (unsigned i = 0; i < is->count; i++) {
			unsigned a = share_count(was, t, is->member[i].id);
			unsigned b = share_count(is, t, is->member[i].id);

			least += b > a ? b - a : 0;
		}
		w->wasted += moved > least ? moved - least : 0;
		if (w->trace && moved > least)
			printf("# wasted %u of %u\n", moved - least, moved);
	}
}

static void
fill(struct world *w, unsigned i, struct accord_in *in)
{
	struct node *n = &w->n[i];

	memset(in, 0, sizeof(*in));
	in->now = at(w->now);
	in->role = n->role;
	in->was_late = n->was_late;
	in->random = world_rnd(w, UINT32_MAX) | 1;
	for (unsigned j = 0; j < w->count; j++) {
		in->peer[j].net = n->net[j];
		in->peer[j].blob = n->has[j] ? &n->has[j]->blob : NULL;
	}
}

/* The mutant that believes every answer to be one to its present life. */
static void
believe(struct world *w, unsigned i, struct accord_in *in)
{
	static struct farm_blob copy[WORLD_MAX];
	struct farm_blob mine;

	memset(&mine, 0, sizeof(mine));
	accord_publish(w->n[i].a, &mine);
	for (unsigned j = 0; j < w->count; j++) {
		if (in->peer[j].blob == NULL)
			continue;
		copy[j] = *in->peer[j].blob;
		for (unsigned k = 0; k < copy[j].heard_count; k++)
			if (copy[j].heard[k].id == i + 1)
				copy[j].heard[k].life = farm_blob_echo(
				    mine.life, farm_blob_salt(&mine,
				    (uint8_t)(j + 1)));
		in->peer[j].blob = &copy[j];
	}
}

static void
trace(const struct world *w, unsigned i, const struct accord_out *out,
    unsigned dies)
{
	const struct node *n = &w->n[i];
	struct farm_blob b;

	memset(&b, 0, sizeof(b));
	accord_publish(n->a, &b);
	printf("# %lld n%u %s life %x %s %s %llu:%04x acting %llu:%04x takes "
	    "%u,%u keeps %u%s%s hears", (long long)w->now, i + 1,
	    accord_phase_name(accord_phase(n->a)), b.life,
	    share_role_name(b.role), farm_step_name(b.step),
	    (unsigned long long)b.prepared_epoch,
	    (unsigned)b.prepared_digest & 0xffff,
	    (unsigned long long)b.acting.epoch,
	    (unsigned)b.acting_digest & 0xffff,
	    share_set_count(&n->takes, 0), share_set_count(&n->takes, 1),
	    share_set_count(&b.keeps, 0), out->blob ? " says" : "",
	    dies ? " and dies" : "");
	for (unsigned k = 0; k < b.heard_count; k++)
		printf(" n%u:%x", b.heard[k].id, b.heard[k].life);
	printf(" view");
	for (unsigned k = 0; k < b.view_count; k++)
		printf(" n%u", b.view[k]);
	printf(" net");
	for (unsigned j = 0; j < w->count; j++)
		printf(" %c", "?+-"[n->net[j]]);
	printf(" %s %s\n", accord_code(n->a), accord_text(n->a));
}

static void
think(struct world *w, unsigned i)
{
	struct node *n = &w->n[i];
	static struct accord_in in;
	struct accord_out out;
	unsigned dies = one_in(w, w->crash) ? 1 + world_rnd(w, 3) : 0;

	w->thoughts++;
	fill(w, i, &in);
	if (w->mutant == ANY_LIFE)
		believe(w, i, &in);
	accord_think(n->a, &in, &out);
	n->was_late = n->is_dirty = false;
	n->wake = mono_is_set(out.wake) ? out.wake.ns / 1000000 : 0;
	/* Who only looked on may have seen one that nobody else acted on. */
	if (accord_is_closed(n->a))
		n->acted.epoch = 0;
	else if (accord_phase(n->a) == ACCORD_ACT &&
	    accord_share(n->a)->epoch != n->acted.epoch) {
		count_moves(w, &n->acted, accord_share(n->a));
		n->acted = *accord_share(n->a);
	}
	if (out.buckets && dies != 1)
		apply(w, i);
	if (out.blob && dies != 1 && dies != 2)
		remember(n);
	if (out.blob && dies == 0)
		publish(w, i);
	if (w->trace)
		trace(w, i, &out, dies);
	n->is_unsaved = dies == 2;
	if (dies != 0)
		world_kill_farmd(w, i, 1 + world_rnd(w, 300),
		    one_in(w, 3));
}

static void
heartd(struct world *w, unsigned i)
{
	struct node *n = &w->n[i];

	if (n->frozen_until != 0) {
		n->frozen_until = 0;
		/* It did not run for longer than T: it knows nothing. */
		n->listens_since = w->now;
		n->was_late = n->is_dirty = true;
		for (unsigned j = 0; j < w->count; j++) {
			n->net[j] = ACCORD_UNKNOWN;
			n->heard[j] = 0;
		}
	}
	for (unsigned j = 0; j < w->count; j++) {
		enum accord_net net = n->net[j];
		int64_t since = n->heard[j] > n->listens_since ?
		    n->heard[j] : n->listens_since;

		if (j == i)
			continue;
		if (w->now % WORLD_PULSE == j && runs(w, j) &&
		    w->link[j][i] && !one_in(w, w->loss))
			n->heard[j] = w->now;
		if (n->heard[j] == w->now)
			net = ACCORD_UP;
		else if (w->now - since > WORLD_T)
			net = ACCORD_DOWN;
		if (net != n->net[j]) {
			n->net[j] = net;
			n->is_dirty = w->is_changed = true;
		}
	}
}

static void
carry(struct world *w, unsigned i, unsigned j)
{
	struct node *to = &w->n[j];
	const struct word *said = w->n[i].said;

	for (unsigned k = 0; k < FLIGHT_MAX; k++) {
		struct flight *f = &w->flight[i][j][k];

		if (f->word == NULL || f->due > w->now)
			continue;
		if (runs(w, j) && w->link[i][j] && (to->has[i] == NULL ||
		    to->has[i]->version < f->word->version)) {
			hold(&to->has[i], f->word);
			if (farm_blob_hears(&f->word->blob,
			    to->conf.node[j].id, 0))
				w->lost[i][j] = false;
			to->is_dirty = true;
		}
		drop(&f->word);
	}
	if (!runs(w, i) || !runs(w, j) || !w->link[i][j])
		return;
	if (is_withdrawn(w, i)) {
		drop(&w->n[i].said);
		if (to->has[i] != NULL && to->net[i] == ACCORD_UP) {
			drop(&to->has[i]);
			w->lost[i][j] = to->is_dirty = true;
		}
		return;
	}
	if (said != NULL && w->resend[i][j] <= w->now &&
	    (to->has[i] == NULL || to->has[i]->version < said->version))
		launch(w, i, j);
}

static void
tick(struct world *w)
{
	w->now++;
	for (unsigned i = 0; i < w->count; i++)
		if (runs(w, i))
			heartd(w, i);
	for (unsigned i = 0; i < w->count; i++)
		for (unsigned j = 0; j < w->count; j++)
			if (i != j)
				carry(w, i, j);
	for (unsigned i = 0; i < w->count; i++) {
		struct node *n = &w->n[i];

		if (n->apply_at != 0 && n->apply_at <= w->now) {
			n->takes = n->apply;
			w->is_changed = true;
			n->apply_at = 0;
		}
		if (!runs(w, i))
			continue;
		if (!n->has_farmd && n->farmd_back != 0 &&
		    n->farmd_back <= w->now)
			farmd_start(w, i);
		if (!n->has_farmd || n->stuck_until > w->now)
			continue;
		if (n->is_dirty || (n->wake != 0 && n->wake <= w->now))
			think(w, i);
	}
	/* heartd withdraws a farmd by the clock. */
	if (w->is_changed || w->now % 16 == 0)
		check(w);
	w->is_changed = false;
}

void
world_run(struct world *w, int64_t ms)
{
	for (int64_t end = w->now + ms; w->now < end;)
		tick(w);
}

int64_t
world_until(struct world *w, bool (*cond)(struct world *), int64_t ms)
{
	int64_t begin = w->now;

	while (!cond(w)) {
		if (w->now - begin >= ms)
			return -1;
		tick(w);
	}
	return w->now - begin;
}

unsigned
world_takers(const struct world *w, unsigned table, unsigned bucket)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->count; i++)
		n += share_set_has(&w->n[i].takes, table, bucket);
	return n;
}

bool
world_is_one(struct world *w)
{
	const struct share *first = NULL;
	uint64_t digest = 0;
	unsigned directors = 0;

	for (unsigned i = 0; i < w->count; i++) {
		struct node *n = &w->n[i];
		const struct share *s;

		if (!n->is_on || n->role != SHARE_SERVE)
			continue;
		if (!n->has_farmd || accord_phase(n->a) != ACCORD_ACT)
			return false;
		s = accord_share(n->a);
		if (first == NULL) {
			first = s;
			digest = share_digest(s);
		}
		if (s->epoch != first->epoch || share_digest(s) != digest)
			return false;
	}
	for (unsigned i = 0; i < w->count; i++)
		directors += w->n[i].directs;
	for (unsigned t = 0; first != NULL && t < first->tables; t++)
		for (unsigned b = 0; b < SHARE_BUCKETS; b++)
			if (world_takers(w, t, b) != 1)
				return false;
	return first == NULL || directors == 1;
}

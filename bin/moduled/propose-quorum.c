/* SPDX-License-Identifier: ISC */
/*
 * Who counts, and what a quorum is.  A vote is that of a store, known by the
 * id that was made with it empty: a voter with another store, or one whose
 * ballots fell, has forgotten promises and counts for nothing until a change
 * of voters takes it in again.
 */
#include <string.h>

#include "propose-int.h"

struct propose_voter *
propose_find(struct propose *p, const char *name)
{
	unsigned i;

	for (i = 0; i < p->voter_count; i++)
		if (strcmp(p->voter[i].name, name) == 0)
			return &p->voter[i];
	return NULL;
}

bool
propose_forgot(const struct propose_voter *v)
{
	return v->id != 0 && v->memory.name[0] != '\0' &&
	    v->memory.id != v->id;
}

static bool
is_listed(const char *name, const struct reg_voter *list, unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++)
		if (strcmp(list[i].name, name) == 0)
			return true;
	return false;
}

bool
propose_is_asked(const struct propose *p, const struct propose_voter *v)
{
	const struct reg_value *g = &p->present;

	return v->configured ||
	    is_listed(v->name, g->voter, g->voter_count) ||
	    is_listed(v->name, g->old_voter, g->old_voter_count);
}

static bool
counts_in(const struct propose_voter *v, const struct reg_voter *list,
    unsigned count)
{
	unsigned i;

	if (v->id == 0 || (v->memory.back && !propose_forgot(v)))
		return false;
	for (i = 0; i < count; i++)
		if (strcmp(list[i].name, v->name) == 0)
			return list[i].id == v->id;
	return false;
}

bool
propose_counts(const struct propose_voter *v, const struct reg_value *of)
{
	if (reg_value_is_none(of))
		return v->configured && v->id != 0 && !v->memory.back &&
		    !propose_forgot(v);
	return counts_in(v, of->voter, of->voter_count);
}

/* hope: one that never answered may hold any store. */
static bool
majority(const struct propose *p, const struct reg_voter *list,
    unsigned count, propose_has *has, bool hope)
{
	const struct propose_voter *v;
	unsigned i, n = 0;

	for (i = 0; i < p->voter_count; i++) {
		v = &p->voter[i];
		n += (hope && v->id == 0 ? is_listed(v->name, list, count) :
		    counts_in(v, list, count)) && has(p, v);
	}
	return n > count / 2;
}

static bool
quorum(const struct propose *p, const struct reg_value *of,
    propose_has *has, bool hope)
{
	const struct propose_voter *v;
	unsigned i, n = 0;

	if (!reg_value_is_none(of))
		return majority(p, of->voter, of->voter_count, has, hope) &&
		    (of->old_voter_count == 0 || majority(p, of->old_voter,
		    of->old_voter_count, has, hope));
	for (i = 0; i < p->voter_count; i++) {
		v = &p->voter[i];
		n += (hope && v->id == 0 ? v->configured :
		    propose_counts(v, of)) && has(p, v);
	}
	return n > p->conf.voter_count / 2;
}

bool
propose_quorum(const struct propose *p, const struct reg_value *of,
    propose_has *has)
{
	return quorum(p, of, has, false);
}

bool
propose_possible(const struct propose *p, const struct reg_value *of,
    propose_has *has)
{
	return quorum(p, of, has, true);
}

int64_t
propose_read_ms(const struct propose *p)
{
	if (p->in.ask.soon)
		return p->conf.round_ms;
	if (p->in.self.running)
		return PROPOSE_PRIM_READ_MS > p->conf.timeout_ms ?
		    PROPOSE_PRIM_READ_MS : p->conf.timeout_ms;
	return p->conf.timeout_ms;
}

bool
propose_is_fresh(const struct propose *p, const struct propose_voter *v)
{
	int64_t ms = 2 * propose_read_ms(p) + p->conf.round_ms;

	if (ms < 2 * p->conf.timeout_ms)
		ms = 2 * p->conf.timeout_ms;
	if (!mono_is_set(v->heard) || v->trouble[0] != '\0' ||
	    mono_diff_ms(p->in.now, v->heard) > ms)
		return false;
	/* All are asked in such a phase: who is mute now is named at once. */
	return (p->phase != PP_FENCE && p->phase != PP_PREPARE &&
	    p->phase != PP_ACCEPT) ||
	    mono_diff_ms(p->in.now, p->since) < p->conf.round_ms ||
	    mono_diff_ns(v->heard, p->since) >= 0;
}

/* A new store that the newest list names is the one to remember. */
static void
bind_stores(struct propose *p)
{
	struct propose_voter *o;
	unsigned i;

	for (i = 0; i < p->voter_count; i++) {
		o = &p->voter[i];
		if (!propose_forgot(o) || !counts_in(o, p->known.voter,
		    p->known.voter_count))
			continue;
		memset(&o->memory, 0, sizeof(o->memory));
		memcpy(o->memory.name, o->name, sizeof(o->name));
		o->memory.id = o->id;
		if (!p->conf.swaps)
			o->memory.promised = o->promised;
		o->memory.accepted = o->accepted.epoch;
		o->told_odd = false;
		p->memory = true;
	}
}

void
propose_chosen(struct propose *p, const struct reg_value *v)
{
	if (epoch_cmp(v->epoch, p->known.epoch) > 0) {
		p->known = *v;
		if (p->phase == PP_ACCEPT &&
		    epoch_cmp(p->left.epoch, v->epoch) == 0) {
			p->phase = PP_DONE;
			p->result = RR_CHOSEN;
			if (p->ask.change == RC_VOTERS)
				p->voters_at = (struct mono){ 0 };
		}
		if (epoch_cmp(p->left.epoch, v->epoch) <= 0)
			memset(&p->left, 0, sizeof(p->left));
	}
	bind_stores(p);
}

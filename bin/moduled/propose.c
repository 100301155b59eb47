/* SPDX-License-Identifier: ISC */
/*
 * The proposer of propose.h: its phases.  The order on disk and wire:
 *
 *	1. ballot chosen, above all that was ever seen
 *	2. the store's fence durable at that ballot: it is never used again
 *	3. each voter read, so that one that went back in time shows it:
 *	   after a promise its ballot would look right
 *	4. prepare; a promise is durable at the voter before its answer
 *	5. a quorum promised, own voter heard, all others waited for a little:
 *	   reg_may() with the highest value of the answers
 *	6. accept; from its leaving until a value as high is known chosen the
 *	   outcome is in doubt (L5)
 *	7. a quorum accepted: chosen
 *
 * A crash after 2 leaves a fence above the epoch (L17 heals that), after 6 a
 * value that may be chosen or not: the next ballot of anybody finds out.
 *
 * A force that is given up between 2 and 6 leaves an era with nothing in it,
 * on whose ballots nobody else may build what is of an older one: who opened
 * it withdraws it, which says the present value anew there.  A crash forgets
 * that, and then only a force goes on.
 */
#include "propose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#include "propose-int.h"

/* A change of voters that found no quorum waits so long. */
#define VOTERS_PAUSE_MS	5000

struct propose *
propose_new(const struct reg_conf *c, uint64_t seed)
{
	struct propose *p = xcalloc(1, sizeof(*p));
	unsigned i;

	p->conf = *c;
	p->nonce = seed;
	p->random = seed | 1;
	for (i = 0; i < c->voter_count; i++) {
		memcpy(p->voter[i].name, c->voter[i], CLUSTER_NAME_LEN);
		p->voter[i].configured = true;
	}
	p->voter_count = c->voter_count;
	p->view.on = c->voter_count > 0;
	p->view.etcd = c->swaps;
	return p;
}

void
propose_free(struct propose *p)
{
	free(p);
}

const struct propose_memory *
propose_memory(const struct propose *p, unsigned i)
{
	static const struct propose_memory none;

	return i < p->voter_count ? &p->voter[i].memory : &none;
}

const struct reg_view *
propose_view(const struct propose *p)
{
	return &p->view;
}

void
propose_remember(struct propose *p, const struct propose_memory *m)
{
	struct propose_voter *v = propose_find(p, m->name);

	if (v == NULL) {
		if (p->voter_count == PROPOSE_VOTER_MAX)
			return;
		v = &p->voter[p->voter_count++];
		memcpy(v->name, m->name, sizeof(v->name));
	}
	v->memory = *m;
}

/* Below n: spreads those who ask at the same time. */
static int64_t
draw(struct propose *p, int64_t n)
{
	p->random ^= p->random << 13;
	p->random ^= p->random >> 7;
	p->random ^= p->random << 17;
	return n <= 0 ? 0 : (int64_t)(p->random % (uint64_t)n);
}

static void
enter(struct propose *p, enum propose_phase phase)
{
	p->phase = phase;
	p->since = p->in.now;
	p->quorum = (struct mono){ 0 };
}

static void
new_ballot(struct propose *p)
{
	struct epoch high = propose_highest(p);
	unsigned i;

	p->ballot = epoch_next(high, p->conf.node_id);
	if (p->ask.change == RC_FORCE && p->ballot.era < p->force_era)
		p->ballot.era = p->force_era;
	/* Of an accept that has left nobody knows what became of it. */
	if (p->ask.change == RC_FORCE && p->left.epoch.era < p->ballot.era)
		p->opened_era = p->ballot.era;
	for (i = 0; i < p->voter_count; i++)
		p->voter[i].fresh_read = false;
	enter(p, PP_FENCE);
}

static void
begin(struct propose *p, const struct reg_ask *ask)
{
	p->ask = *ask;
	p->tries = 0;
	p->result = RR_BUSY;
	p->why[0] = '\0';
	p->force_era = propose_highest(p).era + 1;
	new_ballot(p);
}

/* What has left is not called back: p->left stays. */
static void
drop(struct propose *p)
{
	memset(&p->ask, 0, sizeof(p->ask));
	p->ballot = (struct epoch){ 0 };
	p->result = RR_NONE;
	p->why[0] = '\0';
	enter(p, PP_IDLE);
}

/* Somebody is ahead: again, but not in step with him. */
static void
again_later(struct propose *p)
{
	int64_t ms = p->conf.round_ms / 4;

	ms <<= p->tries < 3 ? p->tries : 3;
	p->tries++;
	enter(p, PP_PAUSE);
	p->until = mono_add_ms(p->in.now, 1 + draw(p, ms));
}

/*
 * An old value that was restored may name as members who lacks what was
 * written since: it must be gone first.
 */
bool
propose_renew(struct propose *p, char why[REG_TEXT])
{
	struct propose_voter *v = p->conf.swaps ?
	    propose_find(p, p->conf.voter[0]) : NULL;
	char e[EPOCH_LEN];

	if (v == NULL || v->id == 0 || !propose_is_fresh(p, v)) {
		(void)snprintf(why, REG_TEXT, "%s", v == NULL ?
		    "no etcd votes here" : "etcd does not answer");
		return false;
	}
	if (!propose_forgot(v) && !v->memory.back)
		return true;
	if (!epoch_is_none(v->holds) &&
	    epoch_cmp(v->holds, v->memory.accepted) <= 0) {
		(void)snprintf(why, REG_TEXT, "etcd holds an old value of the "
		    "register, of %s, which may name who lacks data: delete "
		    "its key first", epoch_human(e, v->holds));
		return false;
	}
	memset(&p->known, 0, sizeof(p->known));
	memset(&p->left, 0, sizeof(p->left));
	p->opened_era = 0;
	memset(&v->memory, 0, sizeof(v->memory));
	memset(v->open, 0, sizeof(v->open));
	memset(&v->accepted, 0, sizeof(v->accepted));
	v->promised = v->holds = (struct epoch){ 0 };
	v->id = 0;
	v->heard = v->said = p->read_at = (struct mono){ 0 };
	v->told_odd = false;
	p->memory = true;
	drop(p);
	return true;
}

/* --- what was asked ------------------------------------------------------- */

/* Before anything else is asked, which would be refused. */
static void
look_withdraw(struct propose *p)
{
	if (p->present.epoch.era >= p->opened_era)
		p->opened_era = 0;
	if (p->opened_era == 0 || p->in.ask.change == RC_FORCE ||
	    p->in.self.running || reg_value_is_none(&p->present))
		return;
	p->in.ask = (struct reg_ask){ .change = RC_WITHDRAW, .soon = true };
	if (p->ask.change != RC_WITHDRAW)
		(void)snprintf(p->event, sizeof(p->event), "the forced prim "
		    "was given up before the voters were told of it: it is "
		    "withdrawn");
}

static void
take_ask(struct propose *p)
{
	const struct reg_ask *a = &p->in.ask;
	bool own = p->ask.change == RC_VOTERS;

	if (a->change == RC_NONE) {
		if (p->ask.change != RC_NONE && (!own || !p->in.self.running))
			drop(p);
		return;
	}
	if (p->ask.change != a->change || p->ask.node != a->node ||
	    p->ask.minority != a->minority)
		begin(p, a);
}

static bool
is_fresh(const struct propose *p, const struct propose_voter *v)
{
	return propose_is_fresh(p, v);
}

static void
answering(const struct propose *p, propose_has *has, struct reg_value *list)
{
	const struct propose_voter *v;
	unsigned i;

	memset(list, 0, sizeof(*list));
	for (i = 0; i < p->voter_count; i++) {
		v = &p->voter[i];
		if (v->configured && v->id != 0 && has(p, v) &&
		    (!v->memory.back || propose_forgot(v)))
			(void)reg_voter_set(list, v->name, v->id);
	}
}

/* The running primary keeps the list as it is configured. */
static void
own_change(struct propose *p)
{
	const struct reg_view *view = &p->view;
	struct reg_ask ask = { .change = RC_VOTERS };
	struct reg_value list, next;
	char why[REG_TEXT];

	if (!p->in.self.running || !view->known || !view->chosen ||
	    view->present.primary != p->conf.node_id ||
	    epoch_cmp(view->present.epoch, p->in.self.epoch) != 0 ||
	    p->conf.own[0] == '\0' || (mono_is_set(p->voters_at) &&
	    mono_diff_ms(p->in.now, p->voters_at) < VOTERS_PAUSE_MS))
		return;
	answering(p, is_fresh, &list);
	if (!reg_may(&next, &p->conf, &p->in.self, &ask, epoch_next(
	    propose_highest(p), p->conf.node_id), &view->present, true, &list,
	    why) || !propose_quorum(p, &next, is_fresh))
		return;
	p->voters_at = p->in.now;
	begin(p, &ask);
}

/* --- prepare -------------------------------------------------------------- */

static bool
has_promised(const struct propose *p, const struct propose_voter *v)
{
	return epoch_cmp(v->promised, p->ballot) == 0;
}

static bool
has_refused(const struct propose *p, const struct propose_voter *v)
{
	return epoch_cmp(v->promised, p->ballot) > 0;
}

static bool
may_promise(const struct propose *p, const struct propose_voter *v)
{
	return !has_refused(p, v);
}

/* The value of the highest ballot among the promises. */
static const struct reg_value *
highest_promised(const struct propose *p)
{
	static const struct reg_value none;
	const struct reg_value *high = &none;
	unsigned i;

	for (i = 0; i < p->voter_count; i++)
		if (has_promised(p, &p->voter[i]) &&
		    epoch_cmp(p->voter[i].accepted.epoch, high->epoch) > 0)
			high = &p->voter[i].accepted;
	return high;
}

/* Both promised and accepted what is the highest. */
static bool
holds_highest(const struct propose *p, const struct propose_voter *v)
{
	return has_promised(p, v) && epoch_cmp(v->accepted.epoch,
	    highest_promised(p)->epoch) == 0;
}

static bool
answered(const struct propose *p, const struct propose_voter *v)
{
	return has_promised(p, v) || has_refused(p, v) ||
	    (v->trouble[0] != '\0' && mono_diff_ns(v->heard, p->since) >= 0);
}

static bool
own_answered(struct propose *p)
{
	struct propose_voter *v;

	if (p->conf.own[0] == '\0')
		return true;
	v = propose_find(p, p->conf.own);
	return v == NULL || answered(p, v);
}

/* All that are likely to answer have. */
static bool
all_answered(const struct propose *p)
{
	const struct propose_voter *v;
	unsigned i;

	for (i = 0; i < p->voter_count; i++) {
		v = &p->voter[i];
		if (propose_is_fresh(p, v) && !answered(p, v))
			return false;
	}
	return true;
}

static bool
round_is_over(const struct propose *p)
{
	return mono_diff_ms(p->in.now, p->since) >= p->conf.round_ms;
}

static void
judge(struct propose *p, bool minority)
{
	const struct reg_value present = *highest_promised(p);
	struct reg_self self = p->in.self;
	struct reg_ask ask = p->ask;
	struct reg_value list, next;
	bool chosen;

	chosen = !reg_value_is_none(&present) &&
	    (epoch_cmp(present.epoch, p->known.epoch) == 0 ||
	    propose_quorum(p, &present, holds_highest));
	if (chosen)
		propose_chosen(p, &present);
	answering(p, has_promised, &list);
	ask.minority = minority;
	self.opened_era = p->opened_era;
	if (!reg_may(&next, &p->conf, &self, &ask, p->ballot, &present,
	    chosen, &list, p->why)) {
		if (ask.change == RC_WITHDRAW)
			p->opened_era = 0;
		p->result = RR_REFUSED;
		enter(p, PP_DONE);
		return;
	}
	/* Who answered now may have left another step than was meant. */
	if (ask.change == RC_VOTERS && !propose_quorum(p, &next, is_fresh)) {
		drop(p);
		return;
	}
	if (ask.change == RC_FORCE)
		p->opened_era = 0;
	p->left = next;
	p->base = present.epoch;
	p->result = RR_BUSY;
	enter(p, PP_ACCEPT);
}

static void
look_promises(struct propose *p)
{
	const struct reg_value *of = highest_promised(p);
	int64_t grace = p->conf.round_ms / 8;

	/* Judged by facts that are of now. */
	if (!p->in.self.known)
		return;
	if (propose_quorum(p, of, has_promised) && own_answered(p)) {
		if (!mono_is_set(p->quorum))
			p->quorum = p->in.now;
		if (all_answered(p) ||
		    mono_diff_ms(p->in.now, p->quorum) >= grace)
			judge(p, false);
		return;
	}
	/* Voters that count for nothing are no reason for another ballot. */
	if (epoch_cmp(propose_highest(p), p->ballot) > 0 &&
	    !propose_possible(p, of, may_promise) && !p->ask.minority) {
		again_later(p);
		return;
	}
	if (!round_is_over(p))
		return;
	if (p->ask.change == RC_FORCE && p->ask.minority &&
	    own_answered(p) && (p->conf.own[0] == '\0' ||
	    has_promised(p, propose_find(p, p->conf.own)))) {
		judge(p, true);
		return;
	}
	p->result = RR_NO_MAJORITY;
	if (epoch_cmp(propose_highest(p), p->ballot) > 0)
		again_later(p);
}

/* --- accept --------------------------------------------------------------- */

static bool
has_accepted(const struct propose *p, const struct propose_voter *v)
{
	return epoch_cmp(v->accepted.epoch, p->left.epoch) == 0;
}

static bool
may_accept(const struct propose *p, const struct propose_voter *v)
{
	return has_accepted(p, v) ||
	    epoch_cmp(v->promised, p->left.epoch) <= 0;
}

/* The accept that has left may have been chosen by now. */
static void
look_left(struct propose *p)
{
	const struct reg_value left = p->left;

	if (reg_value_is_none(&left) ||
	    !propose_quorum(p, &left, has_accepted))
		return;
	propose_chosen(p, &left);
}

static void
look_accepts(struct propose *p)
{
	/* A later value was chosen meanwhile: what does that one allow? */
	if (reg_value_is_none(&p->left) ||
	    (epoch_cmp(propose_highest(p), p->left.epoch) > 0 &&
	    !propose_possible(p, &p->left, may_accept))) {
		again_later(p);
		return;
	}
	if (round_is_over(p))
		p->result = RR_NO_MAJORITY;
}

/* --- phases --------------------------------------------------------------- */

static bool
was_read(const struct propose *p, const struct propose_voter *v)
{
	(void)p;
	return v->fresh_read;
}

/*
 * A promise of a new era stops all who did not make it: it is asked for only
 * where the force can come true.
 */
static void
look_fence(struct propose *p)
{
	const struct reg_self *self = &p->in.self;
	int c = epoch_cmp(self->fence, p->ballot);

	if (!self->known || c < 0) {
		if (epoch_cmp(propose_highest(p), p->ballot) > 0)
			new_ballot(p);	/* it would be refused */
		return;
	}
	if (c > 0)
		new_ballot(p);
	else if (p->ask.change != RC_FORCE || p->ask.minority ||
	    propose_quorum(p, &p->present, was_read))
		enter(p, PP_PREPARE);
	else if (round_is_over(p))
		p->result = RR_NO_MAJORITY;
}

static void
run(struct propose *p)
{
	enum propose_phase before;

	look_left(p);
	do {
		before = p->phase;
		switch (before) {
		case PP_FENCE:
			look_fence(p);
			break;
		case PP_PREPARE:
			look_promises(p);
			break;
		case PP_ACCEPT:
			look_accepts(p);
			break;
		case PP_PAUSE:
			if (mono_passed(p->until, p->in.now))
				new_ballot(p);
			break;
		case PP_IDLE:
		case PP_DONE:
			break;
		}
	} while (p->phase != before);
}

/* --- messages ------------------------------------------------------------- */

/* What this voter should be asked next: at least how it is. */
static enum vote_kind
next_kind(const struct propose *p, const struct propose_voter *v)
{
	/* A promise of one that went back would hide that it did. */
	bool sound = !v->memory.back || propose_forgot(v);
	bool accepts = !reg_value_is_none(&p->left) && sound &&
	    may_accept(p, v) && !has_accepted(p, v);

	switch (p->phase) {
	case PP_PREPARE:
		return v->fresh_read && sound &&
		    epoch_cmp(v->promised, p->ballot) < 0 ? VOTE_PREPARE :
		    VOTE_READ;
	case PP_ACCEPT:
	case PP_IDLE:
	case PP_DONE:
		/* In doubt: what has left may as well be carried to all. */
		return accepts ? VOTE_ACCEPT : VOTE_READ;
	case PP_FENCE:
	case PP_PAUSE:
		break;
	}
	return VOTE_READ;
}

/* Busy: soon again at first, then with the pace of rounds. */
static int64_t
resend_ms(const struct propose *p)
{
	int64_t ms = p->conf.round_ms / 4;

	if (round_is_over(p))
		ms = p->conf.round_ms;
	return ms > 0 ? ms : 1;
}

/* Of one round of reads: four times at most to who does not answer. */
static struct mono
read_due(const struct propose *p, const struct propose_voter *v)
{
	if (!mono_is_set(v->said) || mono_diff_ns(v->said, p->read_at) < 0)
		return p->in.now;
	if (mono_diff_ns(v->heard, p->read_at) >= 0 ||
	    mono_diff_ms(p->in.now, p->read_at) >= 4 * p->conf.round_ms)
		return mono_add_ms(p->read_at, propose_read_ms(p));
	return mono_add_ms(v->said, p->conf.round_ms);
}

/* When this voter is due to hear of that; now or before: send. */
static struct mono
due(const struct propose *p, const struct propose_voter *v,
    enum vote_kind kind)
{
	bool busy = p->phase == PP_FENCE || p->phase == PP_PREPARE ||
	    p->phase == PP_ACCEPT;

	if (kind == VOTE_READ && (!busy || v->fresh_read))
		return read_due(p, v);
	if (!mono_is_set(v->said) || v->said_kind != kind)
		return p->in.now;
	if (!busy)
		return mono_add_ms(v->said, p->conf.timeout_ms);
	if (epoch_cmp(v->said_ballot, p->ballot) != 0)
		return p->in.now;
	return mono_add_ms(v->said, resend_ms(p));
}

static void
say(struct propose *p, struct propose_voter *v, enum vote_kind kind,
    struct reg_message *m)
{
	struct vote_ask *a = &m->ask;
	unsigned i = v->open_next++ % PROPOSE_OPEN_MAX;

	memset(m, 0, sizeof(*m));
	memcpy(m->voter, v->name, sizeof(m->voter));
	a->kind = kind;
	a->nonce = ++p->nonce;
	if (a->nonce == 0)
		a->nonce = ++p->nonce;
	(void)snprintf(a->cluster, sizeof(a->cluster), "%s", p->conf.cluster);
	(void)snprintf(a->module, sizeof(a->module), "%s", p->conf.module);
	a->node = p->conf.node_id;
	if (kind == VOTE_PREPARE)
		a->ballot = p->ballot;
	if (kind == VOTE_ACCEPT) {
		a->ballot = p->left.epoch;
		a->value = p->left;
	}
	v->open[i].nonce = a->nonce;
	v->open[i].kind = kind;
	v->open[i].ballot = p->ballot;
	v->open[i].id = v->memory.id;
	v->open[i].promised = v->memory.promised;
	v->open[i].accepted = v->memory.accepted;
	v->said = p->in.now;
	v->said_kind = kind;
	v->said_ballot = p->ballot;
}

static void
sooner(struct mono *wake, struct mono t)
{
	if (mono_is_set(t) && (!mono_is_set(*wake) ||
	    mono_diff_ns(t, *wake) < 0))
		*wake = t;
}

static void
say_all(struct propose *p, struct propose_output *out)
{
	struct propose_voter *v;
	enum vote_kind kind;
	struct mono t;
	unsigned i;

	if (!mono_is_set(p->read_at) || mono_diff_ms(p->in.now,
	    p->read_at) >= propose_read_ms(p))
		p->read_at = p->in.now;
	for (i = 0; i < p->voter_count; i++) {
		v = &p->voter[i];
		if (!propose_is_asked(p, v))
			continue;
		kind = next_kind(p, v);
		t = due(p, v, kind);
		if (mono_diff_ns(t, p->in.now) > 0) {
			sooner(&out->wake, t);
			continue;
		}
		say(p, v, kind, &out->message[out->count++]);
		sooner(&out->wake, due(p, v, kind));
	}
}

/* The ends of phases, besides messages that are due. */
static void
set_wake(const struct propose *p, struct mono *wake)
{
	if (p->phase == PP_PAUSE)
		sooner(wake, p->until);
	if (p->phase == PP_PREPARE || p->phase == PP_ACCEPT) {
		if (!round_is_over(p))
			sooner(wake, mono_add_ms(p->since,
			    p->conf.round_ms));
		if (mono_is_set(p->quorum))
			sooner(wake, mono_add_ms(p->quorum,
			    p->conf.round_ms / 8));
	}
}

void
propose_step(struct propose *p, const struct propose_input *in,
    struct propose_output *out)
{
	p->in = *in;
	out->count = 0;
	out->wake = (struct mono){ 0 };
	propose_look(p);
	look_withdraw(p);
	take_ask(p);
	if (p->in.ask.change == RC_NONE && (p->phase == PP_IDLE ||
	    p->phase == PP_DONE))
		own_change(p);
	run(p);
	say_all(p, out);
	set_wake(p, &out->wake);
	propose_look(p);
	out->memory = p->memory;
	p->memory = false;
	memcpy(out->event, p->event, sizeof(out->event));
	p->event[0] = '\0';
}

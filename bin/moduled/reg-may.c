/* SPDX-License-Identifier: ISC */
/*
 * The table of L3: which change may follow which value.  Pure; propose.c
 * calls it with a quorum of promises in hand, and for nothing else.
 *
 * A change of voters takes two values: one with the new list and the old
 * one beside it, which needs a quorum of both; and, once that is known
 * chosen, one without the old list.  So any two quorums that can be had at
 * the same time meet in one voter, whoever crashed in between.
 */
#include "reg-may.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct row {
	bool	empty;		/* allowed when nothing was ever proposed */
	bool	primary;	/* the value must name this node as primary */
	bool	member;		/* this node must be in the set */
	int	running;	/* 1 must, -1 must not, 0 all the same */
};

static const struct row rows[RC_COUNT] = {
	/*			empty  primary member running */
	[RC_FIRST] =	{	true,  false,  false,	0 },
	[RC_PROMOTE] =	{	false, false,  true,	-1 },
	[RC_SHRINK] =	{	false, true,   true,	1 },
	[RC_JOIN] =	{	false, true,   true,	1 },
	[RC_HAND] =	{	false, true,   true,	-1 },
	[RC_FORCE] =	{	true,  false,  false,	0 },
	[RC_VOTERS] =	{	false, true,   true,	1 },
	[RC_WITHDRAW] =	{	false, false,  false,	-1 },
};

static const char *
node_name(const struct reg_conf *c, uint8_t id, char buf[16])
{
	if (id == c->node_id)
		return c->node;
	if (id == c->peer_id && c->peer[0] != '\0')
		return c->peer;
	(void)snprintf(buf, 16, "node %u", id);
	return buf;
}

static bool
refuse(char why[REG_TEXT], const struct reg_conf *c, const char *what,
    const struct reg_value *v)
{
	char e[EPOCH_LEN], name[16];

	(void)snprintf(why, REG_TEXT, "%s: %s is primary since %s%s", what,
	    node_name(c, v->primary, name), epoch_human(e, v->epoch),
	    v->forced ? ", by force" : "");
	return false;
}

static bool
say(char why[REG_TEXT], const char *what)
{
	(void)snprintf(why, REG_TEXT, "%s", what);
	return false;
}

/* What the value says of this node. */
static bool
value_allows(const struct row *r, const struct reg_conf *c,
    const struct reg_self *self, const struct reg_value *v,
    char why[REG_TEXT])
{
	if (reg_value_is_none(v))
		return r->empty || say(why, "the register is empty: no node "
		    "was ever primary");
	if (r->primary && v->primary != c->node_id)
		return refuse(why, c, "another node", v);
	if (r->member && !reg_has_member(v, c->node_id))
		return refuse(why, c, "this node is not in the in-sync set",
		    v);
	if (r->primary && epoch_cmp(v->epoch, self->epoch) < 0)
		return say(why, "the voters have forgotten what they voted: "
		    "they know no epoch as high as the one that runs here");
	return true;
}

/*
 * A new era that is known from promises alone is an operator's force whose
 * value was not seen: his list of voters may be another one.  What is built
 * on an older era must not pass for a part of his.  Unless he who asked for
 * those promises says himself that he proposed nothing there (WITHDRAW).
 */
static bool
era_allows(const struct reg_self *self, const struct reg_ask *ask,
    struct epoch ballot, const struct reg_value *v, char why[REG_TEXT])
{
	/* What runs without a value may be of a force before there was one. */
	bool mine = ballot.era == self->epoch.era ||
	    ballot.era == self->opened_era;

	if (ask->change == RC_FORCE || ask->change == RC_WITHDRAW ||
	    (ask->change == RC_FIRST && mine) || v->epoch.era == ballot.era)
		return true;
	(void)snprintf(why, REG_TEXT, "an operator forced a primary "
	    "elsewhere (era %" PRIu32 ")", ballot.era);
	return false;
}

/* What the node's own record says: it can only forbid. */
static bool
record_allows(const struct row *r, const struct reg_self *self,
    char why[REG_TEXT])
{
	if (!self->known)
		return say(why, "the record of this node is not known yet");
	if (r->running == 1 && !self->running)
		return say(why, "this node does not run as primary");
	if (r->running == -1 && self->running)
		return say(why, "this node still runs as primary");
	return true;
}

static bool
may_promote(const struct reg_conf *c, const struct reg_self *self,
    const struct reg_value *v, char why[REG_TEXT])
{
	const struct reg_member *m = reg_member(v, c->node_id);

	if (self->resyncing)
		return say(why, "the copy here is only half made");
	if (!self->level)
		return say(why, "this node is not level");
	/* Nodes of before do not say it: none. */
	if (!epoch_is_none(self->since) &&
	    epoch_cmp(self->since, m->since) != 0)
		return say(why, "the disk of this node is older than the "
		    "register");
	return true;
}

static bool
may_join(const struct reg_conf *c, const struct reg_self *self,
    const struct reg_ask *ask, char why[REG_TEXT])
{
	if (ask->node == 0 || ask->node == c->node_id)
		return say(why, "nobody is named who joins");
	return self->strict || say(why, "the joining node is not level yet");
}

static bool
may_hand(const struct reg_conf *c, const struct reg_ask *ask,
    const struct reg_value *v, char why[REG_TEXT])
{
	if (ask->node == c->node_id || !reg_has_member(v, ask->node))
		return say(why, "the heir is not in the in-sync set");
	return true;
}

static bool
change_allows(const struct reg_conf *c, const struct reg_self *self,
    const struct reg_ask *ask, struct epoch ballot,
    const struct reg_value *v, char why[REG_TEXT])
{
	switch (ask->change) {
	case RC_FIRST:
		/*
		 * What runs here never has an epoch above the register's,
		 * unless it came to it without one: then that value is of
		 * another time.
		 */
		return reg_value_is_none(v) || (self->running &&
		    epoch_cmp(v->epoch, self->epoch) < 0) ||
		    refuse(why, c, "the register is not empty", v);
	case RC_PROMOTE:
		return may_promote(c, self, v, why);
	case RC_JOIN:
		return may_join(c, self, ask, why);
	case RC_HAND:
		return may_hand(c, ask, v, why);
	case RC_FORCE:
		/* The era of the ballot was chosen above all that was seen. */
		return v->epoch.era < ballot.era ||
		    refuse(why, c, "another node was forced meanwhile", v);
	case RC_SHRINK:
	case RC_VOTERS:
	case RC_WITHDRAW:
		return true;
	case RC_NONE:
	case RC_COUNT:
		break;
	}
	return say(why, "nothing was asked");
}

/* The configured list, with the ids of those that have answered. */
static void
first_voters(struct reg_value *next, const struct reg_conf *c,
    const struct reg_value *answering)
{
	unsigned i;
	int at;

	for (i = 0; i < c->voter_count; i++) {
		at = reg_voter_index(answering, c->voter[i]);
		(void)reg_voter_set(next, c->voter[i],
		    at == -1 ? 0 : answering->voter[at].id);
	}
}

static bool
is_configured(const struct reg_conf *c, const char *name)
{
	unsigned i;

	for (i = 0; i < c->voter_count; i++)
		if (strcmp(c->voter[i], name) == 0)
			return true;
	return false;
}

static bool
has_all(const struct reg_value *v, const struct reg_conf *c)
{
	unsigned i;

	for (i = 0; i < c->voter_count; i++)
		if (reg_voter_index(v, c->voter[i]) == -1)
			return false;
	return true;
}

/* One step towards the configured list; false: it is as configured. */
static bool
step_voters(struct reg_value *next, const struct reg_conf *c,
    const struct reg_value *answering)
{
	unsigned i;
	int at;

	/* Renewed first: it makes no list longer and heals the most. */
	for (i = 0; i < answering->voter_count; i++) {
		at = reg_voter_index(next, answering->voter[i].name);
		if (at != -1 && next->voter[at].id != answering->voter[i].id)
			return reg_voter_set(next, answering->voter[i].name,
			    answering->voter[i].id);
	}
	for (i = 0; i < answering->voter_count; i++)
		if (reg_voter_index(next, answering->voter[i].name) == -1 &&
		    is_configured(c, answering->voter[i].name) &&
		    reg_voter_set(next, answering->voter[i].name,
		    answering->voter[i].id))
			return true;
	/* Last, so that a list is never shorter than it is meant to be. */
	if (next->voter_count <= c->voter_count && !has_all(next, c))
		return false;
	for (i = 0; i < next->voter_count; i++)
		if (!is_configured(c, next->voter[i].name)) {
			reg_voter_drop(next, next->voter[i].name);
			return true;
		}
	return false;
}

static bool
next_voters(struct reg_value *next, const struct reg_conf *c,
    const struct reg_ask *ask, const struct reg_value *v, bool chosen,
    const struct reg_value *answering, char why[REG_TEXT])
{
	if (reg_value_is_none(v)) {
		first_voters(next, c, answering);
		return true;
	}
	if (chosen) {
		next->old_voter_count = 0;
		memset(next->old_voter, 0, sizeof(next->old_voter));
	}
	if (ask->change != RC_VOTERS)
		return true;
	if (!chosen)
		return say(why, "it is in doubt whether the present list of "
		    "voters holds");
	if (v->old_voter_count > 0)
		return true;		/* only the old list goes */
	next->old_voter_count = v->voter_count;
	memcpy(next->old_voter, v->voter, sizeof(next->old_voter));
	return step_voters(next, c, answering) ||
	    say(why, "the voters are as configured");
}

static void
next_set(struct reg_value *next, const struct reg_conf *c,
    const struct reg_self *self, const struct reg_ask *ask,
    struct epoch ballot, const struct reg_value *v)
{
	const struct reg_member *m = reg_member(v, c->node_id);
	struct epoch since = m != NULL ? m->since : ballot;

	switch (ask->change) {
	case RC_FIRST:
		/* What ran without voters has a record, which stays. */
		reg_member_only(next, c->node_id, self->running &&
		    !epoch_is_none(self->since) &&
		    epoch_cmp(self->since, ballot) < 0 ? self->since :
		    ballot);
		if (ask->node != 0)
			(void)reg_member_add(next, ask->node, ballot);
		break;
	case RC_FORCE:
		/* What the set knew of this node is given up with it. */
		reg_member_only(next, c->node_id, ballot);
		break;
	case RC_PROMOTE:
	case RC_SHRINK:
		reg_member_only(next, c->node_id, since);
		break;
	case RC_JOIN:
		/* Who joins was copied: its place is a new one. */
		reg_member_only(next, c->node_id, since);
		(void)reg_member_add(next, ask->node, ballot);
		break;
	case RC_HAND:
		next->primary = ask->node;
		reg_member_only(next, ask->node,
		    reg_member(v, ask->node)->since);
		break;
	case RC_VOTERS:
	case RC_WITHDRAW:
	case RC_NONE:
	case RC_COUNT:
		break;
	}
}

bool
reg_may(struct reg_value *next, const struct reg_conf *c,
    const struct reg_self *self, const struct reg_ask *ask,
    struct epoch ballot, const struct reg_value *present, bool chosen,
    const struct reg_value *answering, char why[REG_TEXT])
{
	const struct row *r;

	why[0] = '\0';
	*next = *present;
	if (ask->change <= RC_NONE || ask->change >= RC_COUNT)
		return say(why, "nothing was asked");
	r = &rows[ask->change];
	if (epoch_cmp(ballot, present->epoch) <= 0)
		return say(why, "a higher ballot has been voted on");
	if (!era_allows(self, ask, ballot, present, why) ||
	    !record_allows(r, self, why) ||
	    !value_allows(r, c, self, present, why) ||
	    !change_allows(c, self, ask, ballot, present, why))
		return false;
	next->epoch = ballot;
	if (ask->change == RC_WITHDRAW)
		return next_voters(next, c, ask, present, chosen, answering,
		    why);
	next->primary = c->node_id;
	next->forced = ask->change == RC_FORCE;
	memset(next->who, 0, sizeof(next->who));
	if (next->forced)
		reg_who_set(next, ask->who);
	memcpy(next->generation, self->generation, REG_GENERATION_LEN);
	if (!next_voters(next, c, ask, present, chosen, answering, why))
		return false;
	if (ask->change == RC_FORCE && ask->minority) {
		if (answering->voter_count == 0)
			return say(why, "no voter answers");
		next->voter_count = answering->voter_count;
		memcpy(next->voter, answering->voter, sizeof(next->voter));
		next->old_voter_count = 0;
		memset(next->old_voter, 0, sizeof(next->old_voter));
	}
	next_set(next, c, self, ask, ballot, present);
	return true;
}

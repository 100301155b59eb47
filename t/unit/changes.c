/* SPDX-License-Identifier: ISC */
/*
 * Prints the table of L3 as reg_may() has it, a line each, in the words of
 * `t/model/run table': the model that was explored and the program that runs
 * must allow the same.  Node 1 is asked; a value is the set in two bits, and
 * 4 when node 2 is primary; 0 is an empty register, and as `next' a refusal.
 */
#include <stdio.h>
#include <string.h>

#include "../../bin/moduled/reg-may.h"

static const struct reg_conf conf = {
	.cluster = "c", .module = "m", .node = "n1", .peer = "n2",
	.node_id = 1, .peer_id = 2, .own = "n1", .voter_count = 3,
	.voter = { "n1", "n2", "w1" },
};
static const struct epoch old = { .n = 1, .node = 1 };

static void
value(struct reg_value *v, int set, int primary)
{
	memset(v, 0, sizeof(*v));
	if (set == 0)
		return;
	v->epoch = old;
	v->primary = (uint8_t)primary;
	if (set & 1)
		(void)reg_member_add(v, 1, old);
	if (set & 2)
		(void)reg_member_add(v, 2, old);
	for (unsigned i = 0; i < conf.voter_count; i++)
		(void)reg_voter_set(v, conf.voter[i], i + 1);
}

static int
number(const struct reg_value *v)
{
	return (reg_has_member(v, 1) ? 1 : 0) | (reg_has_member(v, 2) ?
	    2 : 0) | (v->primary == 2 ? 4 : 0);
}

static void
row(const char *name, enum reg_change change, int at, int facts)
{
	struct reg_value present, next, answering;
	struct reg_self self = {
		.known = true, .running = facts & 1, .level = !(facts & 2),
		.resyncing = facts & 2, .strict = true, .fence = old,
		.epoch = facts & 1 ? old : (struct epoch){ 0 },
		.since = old,
	};
	struct reg_ask ask = { .change = change };
	struct epoch ballot = { .n = 2, .node = 1 };
	char why[REG_TEXT];
	bool may;

	value(&present, at == 0 ? 0 : (at - 1) % 3 + 1, (at - 1) / 3 + 1);
	value(&answering, 3, 1);
	if (change == RC_JOIN || change == RC_HAND)
		ask.node = 2;
	if (change == RC_FORCE)
		ballot.era = 1;
	may = reg_may(&next, &conf, &self, &ask, ballot, &present, true,
	    &answering, why);
	printf("%s present=%d running=%d level=%d next=%d\n", name,
	    number(&present), facts & 1, !(facts & 2), may ? number(&next) :
	    0);
}

int
main(void)
{
	static const struct {
		const char	*name;
		enum reg_change	 change;
	} changes[] = {
		{ "first", RC_FIRST }, { "promote", RC_PROMOTE },
		{ "shrink", RC_SHRINK }, { "join", RC_JOIN },
		{ "hand", RC_HAND }, { "force", RC_FORCE },
		{ "withdraw", RC_WITHDRAW },
	};

	for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		for (int at = 0; at <= 6; at++)
			for (int facts = 0; facts <= 3; facts++)
				row(changes[i].name, changes[i].change, at,
				    facts);
	return 0;
}

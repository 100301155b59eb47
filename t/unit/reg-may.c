/* SPDX-License-Identifier: ISC */
/* L3: every change against every value, and what the changes make of it. */

#include "tap.h"

#include "../../bin/moduled/reg-may.h"

enum value { EMPTY, SELF_ALONE, SELF_BOTH, PEER_BOTH, PEER_ALONE, VALUES };

static const char *const value_names[VALUES] = { "nothing", "{1, set 1}",
	"{1, set 1 2}", "{2, set 1 2}", "{2, set 2}" };

static const struct reg_conf conf = { .node = "n1", .peer = "n2",
	.node_id = 1, .peer_id = 2, .own = "n1", .voter_count = 3,
	.voter = { "n1", "n2", "w1" } };
static const struct epoch ballot = { 0, 9, 1 };

/* y: allowed, as the change of that column. */
static const struct {
	bool		running;
	enum value	value;
	/* first promote shrink join hand force voters */
	const char	*may;
} cells[] = {
	{ true, EMPTY,		"y----y--" },
	{ true, SELF_ALONE,	"--yy-yy-" },
	{ true, SELF_BOTH,	"--yy-yy-" },
	{ true, PEER_BOTH,	"-----y--" },
	{ true, PEER_ALONE,	"-----y--" },
	{ false, EMPTY,		"y----y--" },
	{ false, SELF_ALONE,	"-y---y-y" },
	{ false, SELF_BOTH,	"-y--yy-y" },
	{ false, PEER_BOTH,	"-y---y-y" },
	{ false, PEER_ALONE,	"-----y-y" },
};

static struct reg_value
make(enum value what)
{
	struct reg_value v;

	memset(&v, 0, sizeof(v));
	if (what == EMPTY)
		return v;
	v.epoch = (struct epoch){ 0, 7, 1 };
	v.primary = what == SELF_ALONE || what == SELF_BOTH ? 1 : 2;
	if (what != PEER_ALONE)
		(void)reg_member_add(&v, 1, (struct epoch){ 0, 3, 1 });
	if (what != SELF_ALONE)
		(void)reg_member_add(&v, 2, (struct epoch){ 0, 5, 1 });
	(void)reg_voter_set(&v, "n1", 11);
	(void)reg_voter_set(&v, "n2", 12);
	(void)reg_voter_set(&v, "w1", 13);
	return v;
}

static struct reg_self
self_of(bool running)
{
	return (struct reg_self){ .known = true, .running = running,
	    .strict = true, .level = true, .epoch = { 0, 7, 1 },
	    .fence = ballot, .since = { 0, 3, 1 } };
}

static struct reg_ask
ask_of(enum reg_change c)
{
	return (struct reg_ask){ .change = c,
	    .node = c == RC_JOIN || c == RC_HAND ? 2 : 0, .who = "root" };
}

/* A new store of w1 answers: there is a step to take. */
static struct reg_value
answering_of(void)
{
	struct reg_value v = make(SELF_ALONE);

	v.voter[2].id = 33;
	return v;
}

static bool
try(struct reg_value *next, const struct reg_self *s, struct reg_ask a,
    struct epoch b, const struct reg_value *v, char why[REG_TEXT])
{
	const struct reg_value list = answering_of();
	bool may = reg_may(next, &conf, s, &a, b, v, true, &list, why);

	if (may && (!reg_value_ok(next) || epoch_cmp(next->epoch, b) != 0))
		ok(false, "%s makes a value that is none",
		    reg_change_name(a.change));
	if (!may && why[0] == '\0')
		ok(false, "%s is refused without a word",
		    reg_change_name(a.change));
	return may;
}

static void
test_cells(void)
{
	char why[REG_TEXT], got[RC_COUNT];
	struct reg_value next, v;
	struct reg_self s;
	struct epoch b;
	unsigned i, c;

	for (i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		v = make(cells[i].value);
		s = self_of(cells[i].running);
		for (c = RC_FIRST; c < RC_COUNT; c++) {
			b = ballot;
			b.era = c == RC_FORCE;
			got[c - 1] = try(&next, &s, ask_of(c), b, &v, why) ?
			    'y' : '-';
		}
		got[RC_COUNT - 1] = '\0';
		is_str(got, cells[i].may, "%s, %s", value_names[cells[i].value],
		    cells[i].running ? "running" : "not running");
	}
	s = self_of(true);
	v = make(SELF_BOTH);
	ok(!try(&next, &s, ask_of(RC_NONE), ballot, &v, why),
	    "nothing was asked");
}

static void
test_forbidden(void)
{
	struct reg_value next, v = make(SELF_BOTH);
	struct reg_self s = self_of(false);
	char why[REG_TEXT];

	s.level = false;
	ok(!try(&next, &s, ask_of(RC_PROMOTE), ballot, &v, why),
	    "not level: %s", why);
	s = self_of(false);
	s.resyncing = true;
	ok(!try(&next, &s, ask_of(RC_PROMOTE), ballot, &v, why),
	    "half copied: %s", why);
	s = self_of(false);
	s.since.n = 2;
	ok(!try(&next, &s, ask_of(RC_PROMOTE), ballot, &v, why),
	    "put back in time: %s", why);
	s.since = (struct epoch){ 0 };
	ok(try(&next, &s, ask_of(RC_PROMOTE), ballot, &v, why),
	    "a record of before does not say it");
	s = self_of(false);
	s.known = false;
	ok(!try(&next, &s, ask_of(RC_PROMOTE), ballot, &v, why),
	    "a record that is not known forbids all: %s", why);
	s = self_of(true);
	s.strict = false;
	ok(!try(&next, &s, ask_of(RC_JOIN), ballot, &v, why),
	    "no join before the strict phase (L12): %s", why);
	s = self_of(true);
	s.epoch.n = 8;
	ok(!try(&next, &s, ask_of(RC_SHRINK), ballot, &v, why),
	    "voters that forgot: %s", why);
	v.epoch.n = 9;
	v.epoch.node = 2;
	s = self_of(true);
	ok(!try(&next, &s, ask_of(RC_SHRINK), ballot, &v, why),
	    "a ballot below the present value");
	v = make(SELF_ALONE);
	s = self_of(false);
	ok(!try(&next, &s, ask_of(RC_HAND), ballot, &v, why),
	    "no heir outside the set: %s", why);
}

static void
test_eras(void)
{
	struct reg_value next, v = make(SELF_BOTH);
	struct reg_self s = self_of(true);
	struct epoch b = { 1, 9, 1 };
	char why[REG_TEXT];
	unsigned c;

	for (c = RC_PROMOTE; c < RC_COUNT; c++) {
		s = self_of(c != RC_PROMOTE && c != RC_HAND);
		if (c != RC_FORCE && c != RC_WITHDRAW)
			ok(!try(&next, &s, ask_of(c), b, &v, why),
			    "%s takes no era from promises: %s",
			    reg_change_name(c), why);
	}
	s = self_of(false);
	v = make(PEER_ALONE);
	v.forced = true;
	ok(try(&next, &s, ask_of(RC_WITHDRAW), b, &v, why),
	    "who withdraws a force says the value in its era");
	v.epoch = b;
	ok(memcmp(&next, &v, sizeof(v)) == 0, "and nothing else of it is new");
	v = make(SELF_BOTH);
	ok(!try(&next, &s, ask_of(RC_FORCE), ballot, &v, why),
	    "a force is of a new era: %s", why);
	/* Of a time before the voters were taken away for a while. */
	s = self_of(true);
	s.epoch = (struct epoch){ 0, 8, 1 };
	ok(try(&next, &s, ask_of(RC_FIRST), ballot, &v, why),
	    "the first one over a value older than what runs");
	s.since = (struct epoch){ 0, 7, 1 };
	ok(try(&next, &s, ask_of(RC_FIRST), ballot, &v, why) &&
	    epoch_cmp(reg_member(&next, 1)->since, s.since) == 0,
	    "whose record, and so its member's, is from then");
	s.running = false;
	ok(!try(&next, &s, ask_of(RC_FIRST), ballot, &v, why),
	    "not by one that does not run");
}

static bool
has_set(const struct reg_value *v, uint8_t primary, bool one, bool two)
{
	return v->primary == primary && reg_has_member(v, 1) == one &&
	    reg_has_member(v, 2) == two;
}

static void
test_next(void)
{
	struct reg_value next, v = make(SELF_BOTH), none = make(EMPTY);
	struct reg_self run = self_of(true), down = self_of(false);
	struct epoch era = { 1, 9, 1 };
	struct reg_ask a;
	char why[REG_TEXT];

	ok(try(&next, &run, ask_of(RC_SHRINK), ballot, &v, why) &&
	    has_set(&next, 1, true, false) && next.member[0].since.n == 3,
	    "shrink keeps this node's since");
	ok(try(&next, &down, ask_of(RC_HAND), ballot, &v, why) &&
	    has_set(&next, 2, false, true) && next.member[0].since.n == 5,
	    "a hand-over leaves the heir alone in the set");
	v = make(PEER_BOTH);
	ok(try(&next, &down, ask_of(RC_PROMOTE), ballot, &v, why) &&
	    has_set(&next, 1, true, false), "promoted: alone in the set");
	v = make(SELF_ALONE);
	ok(try(&next, &run, ask_of(RC_JOIN), ballot, &v, why) &&
	    has_set(&next, 1, true, true) &&
	    reg_member(&next, 2)->since.n == 9 &&
	    reg_member(&next, 1)->since.n == 3, "who joins is new in it");
	v = make(PEER_ALONE);
	ok(try(&next, &down, ask_of(RC_FORCE), era, &v, why) &&
	    has_set(&next, 1, true, false) && next.forced &&
	    strcmp(next.who, "root") == 0 && next.epoch.era == 1 &&
	    next.voter_count == 3, "by force: alone, and it says who");
	a = ask_of(RC_FORCE);
	a.minority = true;
	ok(try(&next, &down, a, era, &v, why) && next.voter_count == 3 &&
	    next.voter[2].id == 33 && next.old_voter_count == 0,
	    "without a majority: the voters that answered, as they are");
	ok(!reg_may(&next, &conf, &down, &a, era, &v, false, &none, why),
	    "and not with none, which no vote would ever heal: %s", why);
	ok(try(&next, &down, ask_of(RC_FIRST), ballot, &none, why) &&
	    has_set(&next, 1, true, false) && next.voter_count == 3 &&
	    next.voter[2].id == 33, "the first: the configured voters");
	a = ask_of(RC_FIRST);
	a.node = 2;
	ok(try(&next, &run, a, ballot, &none, why) &&
	    has_set(&next, 1, true, true), "the first of a pair that runs");
}

/* Steps until the list is as configured; NULL: as many as it takes. */
static void
test_voters(void)
{
	struct reg_value next, v = make(SELF_ALONE), list = answering_of();
	struct reg_self s = self_of(true);
	struct reg_ask a = ask_of(RC_VOTERS);
	struct reg_conf c = conf;
	char why[REG_TEXT];

	ok(!reg_may(&next, &conf, &s, &a, ballot, &v, false, &list, why),
	    "no change of a list that is in doubt: %s", why);
	ok(reg_may(&next, &conf, &s, &a, ballot, &v, true, &list, why) &&
	    next.voter[2].id == 33 && next.old_voter_count == 3 &&
	    next.old_voter[2].id == 13, "a new store: the old list beside");
	v = next;
	v.epoch.n = 8;
	ok(reg_may(&next, &conf, &s, &a, ballot, &v, true, &list, why) &&
	    next.voter[2].id == 33 && next.old_voter_count == 0,
	    "known chosen: the old list goes, and nothing else changes");
	a = ask_of(RC_SHRINK);
	ok(reg_may(&next, &conf, &s, &a, ballot, &v, false, &list, why) &&
	    next.old_voter_count == 3, "in doubt every change carries it on");
	ok(reg_may(&next, &conf, &s, &a, ballot, &v, true, &list, why) &&
	    next.old_voter_count == 0, "and drops it when it is chosen");

	/* w1 goes, w2 comes. */
	a = ask_of(RC_VOTERS);
	v = make(SELF_ALONE);
	list = v;
	reg_voter_drop(&list, "w1");
	memcpy(c.voter[2], "w2", 3);
	ok(!reg_may(&next, &c, &s, &a, ballot, &v, true, &list, why),
	    "nobody goes while who comes does not answer: %s", why);
	(void)reg_voter_set(&list, "w2", 14);
	ok(reg_may(&next, &c, &s, &a, ballot, &v, true, &list, why) &&
	    next.voter_count == 4 && reg_value_ok(&next), "who comes first");
	next.old_voter_count = 0;
	v = next;
	v.epoch.n = 8;
	ok(reg_may(&next, &c, &s, &a, ballot, &v, true, &list, why) &&
	    next.voter_count == 3 && reg_voter_index(&next, "w1") == -1,
	    "then who goes");
	next.old_voter_count = 0;
	v = next;
	v.epoch.n = 8;
	ok(!reg_may(&next, &c, &s, &a, ballot, &v, true, &list, why),
	    "then nothing: %s", why);
}

int
main(void)
{
	test_cells();
	test_forbidden();
	test_eras();
	test_next();
	test_voters();
	return tap_done();
}

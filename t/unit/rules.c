/* SPDX-License-Identifier: ISC */
/* When rules act, and which checkers run meanwhile. */
#include "../../bin/moduled/rules.h"

#include <stdlib.h>

#include "../../bin/moduled/phase.h"
#include "tap.h"

static const char *state = "up";

static bool
get(bool remote, unsigned i, const char **name, const char **value,
    void *arg)
{
	(void)arg;
	*name = "tcp.sql";
	*value = state;
	return !remote && i == 0;
}

static const struct expr_world world = { get, NULL };

static struct expr *
cond(const char *text)
{
	char why[128];
	const char *end;

	return expr_parse(text, &end, why, sizeof(why));
}

static void
test_rules(void)
{
	struct rule r[2] = {
		{ .label = "t_sql", .action = RA_RESTART, .phase = PH_PRIM,
		    .of_checks = true, .cond = cond("tcp.sql == down") },
		{ .label = "w", .action = RA_WAIT, .handle_ms = 500,
		    .of_checks = true, .cond = cond("tcp.sql == down") },
	};
	struct rule_view v = { .world = &world, .phases = PH_PRIM,
	    .fresh = true, .now = { .ns = 1000000000 } };
	struct mono wake = { 0 };

	rules_look(r, 2, &v, &wake);
	ok(rules_due(r, 2, RA_RESTART, v.now) == NULL, "all is well");
	state = "down";
	v.phases = PH_PRE;
	rules_look(r, 2, &v, &wake);
	ok(rules_due(r, 2, RA_RESTART, v.now) == NULL,
	    "its checker does not run: an old word");
	v.phases = PH_PRIM;
	v.fresh = false;
	rules_look(r, 2, &v, &wake);
	ok(rules_due(r, 2, RA_RESTART, v.now) == NULL,
	    "nothing told since the class was armed");
	v.fresh = true;
	rules_look(r, 2, &v, &wake);
	ok(rules_due(r, 2, RA_RESTART, v.now) == &r[0], "now it is due");
	ok(rules_due(r, 2, RA_WAIT, v.now) == NULL, "the other holds on");
	is_num(mono_diff_ms(wake, v.now), 500, "and tells when");
	r[0].retry = mono_add_ms(v.now, 1000);
	ok(rules_due(r, 2, RA_RESTART, v.now) == NULL,
	    "one that was refused rests");
	v.now = mono_add_ms(v.now, 500);
	wake = (struct mono){ 0 };
	rules_look(r, 2, &v, &wake);
	ok(rules_due(r, 2, RA_WAIT, v.now) == &r[1], "long enough");
	is_num(mono_diff_ms(wake, v.now), 500, "the end of the rest");
	v.fresh = false;
	rules_look(r, 2, &v, &wake);
	ok(rules_due(r, 2, RA_WAIT, v.now) == &r[1],
	    "a module that waits goes on waiting");
	ok(rules_due(r, 2, RA_RESTART, mono_add_ms(v.now, 5000)) == NULL,
	    "but nothing is begun");
	v.fresh = true;
	state = "init";
	rules_look(r, 2, &v, &wake);
	ok(rules_due(r, 2, RA_WAIT, v.now) == NULL, "not known: not held");
	state = "down";
	rules_look(r, 2, &v, &wake);
	ok(rules_due(r, 2, RA_WAIT, v.now) == NULL, "counts anew");
	ok(rule_action_parse("swap") == RA_SWAP &&
	    rule_action_parse("none") == RA_NONE, "words");
	expr_free(r[0].cond);
	expr_free(r[1].cond);
}

static void
is_phase(enum state at, enum state target, bool busy, const char *want)
{
	char buf[64];

	is_str(phase_text(buf, sizeof(buf), phase_of(at, target, busy)),
	    want, "%s", state_name(at));
}

static void
test_phases(void)
{
	is_phase(ST_STOP, ST_STOP, false, "");
	is_phase(ST_STOP, ST_WAIT, true, "");
	is_phase(ST_WAIT, ST_WAIT, false, "pre");
	is_phase(ST_WAIT, ST_ALONE, true, "pre");
	is_phase(ST_ALONE, ST_ALONE, false, "pre,prim,both,sec");
	is_phase(ST_ALONE, ST_PRIM, true, "pre,prim,both");
	is_phase(ST_PRIM, ST_PRIM, false, "pre,prim,both");
	is_phase(ST_PRIM, ST_PRIM, true, "pre");
	is_phase(ST_PRIM, ST_ALONE, true, "pre,prim,both");
	is_phase(ST_PRIM, ST_SECOND, true, "pre,both");
	is_phase(ST_SECOND, ST_ALONE, true, "pre,both,sec");
	is_phase(ST_SECOND, ST_SECOND, false, "pre,second,both,sec");
	is_phase(ST_PRIM, ST_WAIT, true, "pre");
	is_phase(ST_WAIT, ST_STOP, true, "");
	is_num(phase_parse("second"), PH_SECOND, "a word");
	is_num(phase_parse("spool"), 0, "a class of the module's own");
}

int
main(void)
{
	test_rules();
	test_phases();
	return tap_done();
}

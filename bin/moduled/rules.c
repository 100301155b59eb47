/* SPDX-License-Identifier: ISC */
/* Evaluation for rules.h. */
#include "rules.h"

#include <string.h>

static void
forget(struct rule *r)
{
	r->since = r->retry = (struct mono){ 0 };
	r->due = r->told = false;
}

/*
 * While checkd has not told how things are, nothing is concluded from what
 * it said before; a module that waits goes on waiting.
 */
static bool
is_open(const struct rule *r, const struct rule_view *v)
{
	return !r->of_checks || v->fresh;
}

static void
look(struct rule *r, const struct rule_view *v, struct mono *wake)
{
	struct mono end;

	if (r->phase != 0 && !(v->phases & r->phase)) {
		forget(r);
		return;
	}
	if (!is_open(r, v)) {
		r->due = r->due && r->action == RA_WAIT;
		return;
	}
	if (expr_eval(r->cond, v->world) != TRI_YES) {
		forget(r);
		return;
	}
	if (!mono_is_set(r->since))
		r->since = v->now;
	end = mono_add_ms(r->since, r->handle_ms);
	r->due = mono_passed(end, v->now);
	if (r->due)
		end = r->retry;
	if (mono_is_set(end) && !mono_passed(end, v->now) &&
	    (!mono_is_set(*wake) || mono_diff_ns(end, *wake) < 0))
		*wake = end;
}

void
rules_look(struct rule *r, unsigned count, const struct rule_view *v,
    struct mono *wake)
{
	unsigned i;

	for (i = 0; i < count; i++)
		look(&r[i], v, wake);
}

struct rule *
rules_due(struct rule *r, unsigned count, enum rule_action action,
    struct mono now)
{
	unsigned i;

	for (i = 0; i < count; i++)
		if (r[i].due && r[i].action == action &&
		    (!mono_is_set(r[i].retry) ||
		    mono_passed(r[i].retry, now)))
			return &r[i];
	return NULL;
}

static const char *const names[RA_COUNT] = {
	[RA_NONE] = "none", [RA_STOP] = "stop", [RA_WAIT] = "wait",
	[RA_STOPSTART] = "stopstart", [RA_SWAP] = "swap",
	[RA_RESTART] = "restart",
};

const char *
rule_action_name(enum rule_action a)
{
	return (unsigned)a < RA_COUNT ? names[a] : "?";
}

enum rule_action
rule_action_parse(const char *name)
{
	int i;

	for (i = RA_NONE + 1; i < RA_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return (enum rule_action)i;
	return RA_NONE;
}

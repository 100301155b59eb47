/* SPDX-License-Identifier: ISC */
/*
 * The rules of the failover machine: a condition over resources, how long it
 * must hold, and what is done then.  Pure but for the memory.
 */
#ifndef MODULED_RULES_H
#define MODULED_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "expr.h"

/* The gravest first: of several that are due it is the one that acts. */
enum rule_action {
	RA_NONE,
	RA_STOP,
	RA_WAIT,
	RA_STOPSTART,
	RA_SWAP,
	RA_RESTART,
	RA_COUNT
};

struct rule {
	const char		*label;
	struct expr		*cond;
	enum rule_action	 action;
	int64_t			 handle_ms;
	/* Of a checker's own rule: when that runs (phase.h), else 0. */
	unsigned		 phase;
	bool			 of_checks;	/* asks resources of checkd */
	const char		*services;	/* of a restart, or "" */
	/* Memory. */
	struct mono		 since;		/* holds; unset: does not */
	struct mono		 retry;		/* refused: not before */
	bool			 due;
	bool			 told;		/* that it was refused */
};

struct rule_view {
	const struct expr_world	*world;
	unsigned		 phases;	/* that are armed */
	/* checkd told all there is since they were: what it said counts. */
	bool			 fresh;
	struct mono		 now;
};

/*
 * Looks at all of them.  *wake: when one that holds will have held for long
 * enough.
 */
void			 rules_look(struct rule *r, unsigned count,
			    const struct rule_view *v, struct mono *wake);
/* The first that is due with this action, and may be tried; or NULL. */
struct rule		*rules_due(struct rule *r, unsigned count,
			    enum rule_action action, struct mono now);

const char		*rule_action_name(enum rule_action a);
/* RA_NONE when it is none. */
enum rule_action	 rule_action_parse(const char *name);

#endif

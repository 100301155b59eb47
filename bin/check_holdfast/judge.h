/* SPDX-License-Identifier: ISC */
/*
 * How bad a module's status is, and its numbers.  Pure: the table of
 * check_holdfast(8) is judge.c.
 */
#ifndef CHECK_HOLDFAST_JUDGE_H
#define CHECK_HOLDFAST_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "range.h"

/* The exit status of a plugin. */
enum severity { SEV_OK, SEV_WARNING, SEV_CRITICAL, SEV_UNKNOWN };

#define JUDGE_TEXT	512
#define IGNORE_MAX	16
#define LIMIT_MAX	16

struct limit {
	const char	*metric;
	bool		 has_warn, has_crit;
	const char	*warn_text, *crit_text;
	struct range	 warn, crit;
};

struct judge_conf {
	enum severity	 stopped;	/* by the operator */
	bool		 one_module;	/* labels need not name it */
	unsigned	 ignored;
	const char	*ignore[IGNORE_MAX];	/* codes of warnings */
	unsigned	 limits;
	struct limit	 limit[LIMIT_MAX];
};

struct judgement {
	enum severity	 severity;
	char		 text[JUDGE_TEXT];	/* one line, no '|' */
	/* A line for each finding, with the command that ends it. */
	char		 more[4096];
	char		 perf[2048];
};

struct status;

/* The module by its status; st->is_old: moduled did not answer. */
void	judge_module(struct judgement *j, const struct judge_conf *conf,
	    const struct status *st);
/* OK < UNKNOWN < WARNING < CRITICAL: what is known to be bad is said. */
enum severity judge_worse(enum severity a, enum severity b);
const char	*judge_name(enum severity s);
/* A metric that thresholds may name. */
bool	judge_has_metric(const char *name);
/* What would break the line of a plugin is replaced. */
void	judge_clean(char *text);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * A word of the operator that both nodes keep: maintenance until a time, or
 * the release of a module.  Each node stores the newest one it has heard, so
 * that it holds through the restart of either.  Pure.
 */
#ifndef MODULED_NOTICE_H
#define MODULED_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "line.h"

#define NOTICE_NAME	64
#define NOTICE_WHY	256
/* Nobody is on duty for longer: a month without failover is a mistake. */
#define NOTICE_MAX_S	(30 * 86400)

struct notice {
	int64_t		n;		/* the higher one is the later word */
	char		node[NOTICE_NAME];	/* where it was said */
	int64_t		at;		/* wall seconds */
	int64_t		until;		/* the same; 0: no more */
	char		who[NOTICE_NAME];
	char		why[NOTICE_WHY];
};

/* Until when a release holds: until it is taken back. */
#define NOTICE_FOR_EVER	INT64_MAX

/* A word said here and now, above the one in *t. */
void	notice_say(struct notice *t, const char *node, int64_t now,
	    int64_t until, const char *who, const char *why);
/* Takes `other' when it is the later one; true: it was. */
bool	notice_merge(struct notice *t, const struct notice *other);
/* Does it hold at `now' (wall seconds)? */
bool	notice_holds(const struct notice *t, int64_t now);

/* As keys NAME_n, NAME_node ... of a line, and back. */
void	notice_put(struct line_out *o, const char *name,
	    const struct notice *t);
/* Absent keys are no word; false: damaged, *t is then none. */
bool	notice_take(struct notice *t, const struct line *l,
	    const char *name);

#endif

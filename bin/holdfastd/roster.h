/* SPDX-License-Identifier: ISC */
/*
 * Who runs, and in what order: the node daemons are fixed, those of a module
 * are the lines of its active generation's file `roster'.
 */
#ifndef HOLDFASTD_ROSTER_H
#define HOLDFASTD_ROSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "paths.h"
#include "service.h"

#define ROSTER_MAX	8	/* daemons of a module */

struct roster {
	unsigned	count;
	char		name[ROSTER_MAX][SERVICE_NAME_MAX];
};

/* The node's daemons in starting order; keepd is the first. */
void	roster_node(struct roster *r);
/*
 * One name a line; blank lines and lines that begin with # are skipped.
 * Only daemons of a module we know, each once.  0, or -1 with *line and
 * *why (constant text).
 */
int	roster_parse(struct roster *r, const char *text, unsigned *line,
	    const char **why);
/* The module's file.  0, or -1 after logging what is wrong with it. */
int	roster_load(struct roster *r, const char *module);

#endif

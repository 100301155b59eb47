/* SPDX-License-Identifier: ISC */
/*
 * What several nodes tell about one module, put in order: of each node what it
 * is and waits for, then one chain of causes of all of them by time.  Pure but
 * for the memory.
 */
#ifndef HOLDFAST_STORY_H
#define HOLDFAST_STORY_H

#include <stdio.h>

#define STORY_MAX	512

struct story {
	unsigned	 count;
	struct story_line {
		char		*node;
		char		*time;	/* "": a state, not a cause */
		char		*text;
		unsigned	 order;	/* as it came */
	}		 line[STORY_MAX];
};

/* A line of a node; time NULL or "": what it is now.  Dropped when full. */
void	story_add(struct story *s, const char *node, const char *time,
	    const char *text);
/*
 * States in the order they came; then the causes, newest first.  Times are
 * each node's own; at the same time the order of a node is kept.
 */
void	story_sort(struct story *s);
void	story_print(const struct story *s, FILE *out);
void	story_fini(struct story *s);

#endif

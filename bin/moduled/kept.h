/* SPDX-License-Identifier: ISC */
/*
 * What is set aside on this node, since it followed another history: facts
 * of mirrord, and the words that call somebody to look at it.
 */
#ifndef MODULED_KEPT_H
#define MODULED_KEPT_H

#include <stdint.h>

#include "asidelist.h"
#include "line.h"

#define KEPT_MAX	8

struct kept {
	char		name[ASIDE_NAME_LEN];
	int64_t		when_s;
	uint64_t	entries;
	uint64_t	bytes;
	char		lost_to[ASIDE_NODE_LEN];
	char		lost_epoch[ASIDE_NAME_LEN];
	char		by[16];
};

struct kept_list {
	unsigned	count;
	unsigned	more;		/* older ones */
	struct kept	kept[KEPT_MAX];
};

/* aside= of mirrord's facts, the oldest first; one that is none is left out. */
void	kept_take(struct kept_list *k, const struct line *l);
/* A line `diverged' of the status. */
void	kept_put(struct line_out *o, const struct kept *k);
/* What the warning says of all of them. */
void	kept_text(char *buf, size_t size, const struct kept_list *k);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * pair.c: the operator's standing words of one node, as moduled keeps them.
 * The later word of a release is heard with the beats, and it is durable.
 */
#ifndef T_UNIT_PAIR_WORDS_H
#define T_UNIT_PAIR_WORDS_H

#include <stdbool.h>

struct words {
	bool	maintain, standby;
	bool	released;
	int	number, by;		/* of the release: who said it */
};

/* A word is void for a node that serves: who said it was cut off. */
static inline void
words_hear(struct words *w, const struct words *other, int self, bool serves)
{
	if (w->number > other->number || (w->number == other->number &&
	    w->by >= other->by))
		return;
	w->number = other->number;
	w->by = other->by;
	w->released = other->released;
	if (!w->released || !serves)
		return;
	w->released = false;
	w->number++;
	w->by = self;
}

/* Released where it may be, or taken back where it was. */
static inline void
words_release(struct words *w, int self, bool may)
{
	if (w->released ? w->by != self : !may)
		return;
	w->released = !w->released;
	w->number++;
	w->by = self;
}

#endif

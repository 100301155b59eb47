/* SPDX-License-Identifier: ISC */
/*
 * What the facts of mirrord on a resync are worth in the log: that it begins,
 * how far it is, once a minute, and how it ends.  Pure.
 */
#ifndef MODULED_RESYNC_STORY_H
#define MODULED_RESYNC_STORY_H

#include <stddef.h>

#include "clock.h"
#include "facts.h"

/* Zero before use. */
struct resync_story {
	bool		runs;
	struct mono	begin;
	struct mono	told;
	int64_t		done_bytes;	/* the last of it */
};

/* The line to log in text, or false. */
bool	resync_story(struct resync_story *s, const struct self_facts *f,
	    struct mono now, char *text, size_t size);

#endif

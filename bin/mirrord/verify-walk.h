/* SPDX-License-Identifier: ISC */
/*
 * One walk of the primary: what verify-source.c looks at, verify-state.c
 * settles.
 */
#ifndef MIRRORD_VERIFY_WALK_H
#define MIRRORD_VERIFY_WALK_H

#include "oidset.h"
#include "pace.h"
#include "verify-int.h"

/* A group: answered before the next one begins. */
#define GROUP_ITEMS	64u
/* An object with so many wrong blocks is wrong: no more of it is read. */
#define BLOCKS_ENOUGH	256u

struct item {
	uint64_t	 oid;
	uint64_t	 dir;
	char		*path;
	uint32_t	 mode;
	unsigned	 blocks;	/* found wrong */
	bool		 skip;		/* missing there */
};

struct place {
	uint64_t	 oid;
	char		*path;
};

struct walk {
	struct verify	*v;
	struct objects	*o;
	struct verify_room room;
	uint8_t		*buf;		/* a frame */
	uint8_t		*list;		/* names of a group */
	struct item	 item[GROUP_ITEMS];
	unsigned	 count;
	uint64_t	 group_bytes;
	struct place	*stack;
	size_t		 stack_count, stack_room;
	struct oidset	 seen;		/* with several names */
	struct place	 dir;		/* at hand */
	struct pace	 pace;
};

/* Waits so long; -1: it is to end. */
int	verify_pause(struct walk *w, int64_t ms);
/* So many bytes were read: returns when it is time for more, 0 or -1. */
int	verify_throttle(struct walk *w, uint64_t bytes);
/* Looks into what the second, or this node, suspects.  0 or -1. */
int	verify_settle(struct walk *w);
/* A difference. */
void	verify_found(struct walk *w, const struct suspect *s, uint32_t what);

#endif

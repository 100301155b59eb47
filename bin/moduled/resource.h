/* SPDX-License-Identifier: ISC */
/*
 * Named variables "class.id": up, down, or a value, with a short history.
 * They come from who knows (vipd, mirrord, heartd, checkd, scripts by `set')
 * and rules look at them.  Pure but for the memory.
 */
#ifndef MODULED_RESOURCE_H
#define MODULED_RESOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"

#define RESOURCE_MAX	256
#define RESOURCE_NAME	128
#define RESOURCE_VALUE	256
#define RESOURCE_PAST	8
#define RESOURCE_TEXT	200

struct resource {
	char		name[RESOURCE_NAME];
	char		value[RESOURCE_VALUE];
	char		text[RESOURCE_TEXT];	/* why, by who set it */
	bool		by_set;			/* by `set', not a sibling */
	struct mono	since;
	struct {
		char	value[32];
		int64_t	wall_s;
	}		past[RESOURCE_PAST];	/* newest first */
	unsigned	past_count;
};

struct resources {
	unsigned	count;
	struct resource	r[RESOURCE_MAX];
};

/* [a-z]...: a class, a dot, an id of visible characters. */
bool	resource_name_ok(const char *name);
struct resource	*resource_find(struct resources *t, const char *name);
/*
 * 1: changed; 0: as before; -1: bad name, too long or no room (errno EINVAL,
 * EMSGSIZE, ENOSPC).
 */
int	resource_set(struct resources *t, const char *name,
	    const char *value, struct mono now, int64_t wall_s);

#endif

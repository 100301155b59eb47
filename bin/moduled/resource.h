/* SPDX-License-Identifier: ISC */
/*
 * Named variables "class.id": up, down, or a value, with a short history.
 * They come from who knows (vipd, mirrord, heartd, scripts by `set') and
 * rules look at them.  Pure but for the memory.
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

struct resource {
	char		name[RESOURCE_NAME];
	char		value[RESOURCE_VALUE];
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

enum rule_action { RA_NONE, RA_WAIT, RA_STOPSTART };

struct rule {
	const char		*label;
	const char		*resource;
	enum rule_action	 action;
};

/*
 * The first rule whose resource has been down for handle_ms, or NULL.
 * *wake: when one that is down will have been so for long enough.
 */
const struct rule	*rules_check(struct resources *t,
			    const struct rule *rules, unsigned count,
			    enum rule_action action, int64_t handle_ms,
			    struct mono now, struct mono *wake);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The answer of a health URL: does the application serve on this node?  Pure:
 * the path, what moduled said of each module and the time in, an HTTP status
 * and one line out.
 */
#ifndef CONSOLED_HEALTH_H
#define CONSOLED_HEALTH_H

#include <stdbool.h>

#include "clock.h"
#include "observe.h"

#define HEALTH_TEXT	1024

struct health_conf {
	int64_t	stale_ms;	/* an older answer counts for nothing */
	bool	reasons;	/* tell why not, not only that */
};

struct health {
	unsigned	status;		/* 200, 404 or 503 */
	char		text[HEALTH_TEXT];	/* one line, with its newline */
};

/* path: without host and query.  of[i]: the modules of this node. */
void	health_answer(struct health *h, const struct health_conf *conf,
	    const char *path, const struct observed *const *of,
	    unsigned count, struct mono now);

#endif

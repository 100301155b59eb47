/* SPDX-License-Identifier: ISC */
/*
 * The end of a module's lease in memory that two daemons share (rule L10):
 * /run/holdfast/MODULE/lease, one page.  moduled writes it, mirrord looks at
 * it before each reply.  The time is CLOCK_BOOTTIME, so that a lease lapses
 * by itself when moduled hangs, and also in suspend.  The page outlives both
 * daemons, not the boot.
 */
#ifndef COMMON_LEASE_H
#define COMMON_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

#define LEASE_NONE	0	/* no lease is needed: alone in the set */
#define LEASE_OVER	(-1)	/* over now, whatever was there */

struct lease;

/*
 * The writer: opens the page, made with LEASE_OVER when there is none of this
 * boot; a valid one keeps its value.  NULL with errno.
 */
struct lease	*lease_open(const char *module);
/* until: a time, or one of the two values above.  Seen at once. */
void		 lease_set(struct lease *l, struct mono until);

/* The reader: never fails; a page that is not there yet is looked for at
 * each call below. */
struct lease	*lease_reader(const char *module);
/* The time in ns, LEASE_NONE or LEASE_OVER; also LEASE_OVER when the page
 * cannot be read or is not of this boot.  Any thread. */
int64_t		 lease_until_ns(struct lease *l);
/* May a reply leave that needs a lease?  LEASE_NONE is no lease. */
bool		 lease_runs(struct lease *l, struct mono now);
/* Did a writer of this boot say that a lease is needed? */
bool		 lease_is_needed(struct lease *l);

void		 lease_close(struct lease *l);

#endif

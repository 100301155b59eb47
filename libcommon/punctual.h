/* SPDX-License-Identifier: ISC */
/*
 * Daemons whose delay a client feels: scheduled before all ordinary work.
 */
#ifndef COMMON_PUNCTUAL_H
#define COMMON_PUNCTUAL_H

#include <stdbool.h>

/*
 * Below heartd(8), which they wait for: a node that is not heard of is dead,
 * and one that is late is only late.
 */
#define PUNCTUAL_PRIORITY	9

/* SCHED_RR from here on, children not.  False: the system refused. */
bool	punctual_schedule(int priority);

#endif

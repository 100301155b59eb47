/* SPDX-License-Identifier: ISC */
/*
 * Real-time scheduling.  A machine that is busy lets an ordinary process wait
 * a tenth of a second and more, several times in a takeover.  None of those
 * that ask for it works for long at a time.
 */
#include "punctual.h"

#include <sched.h>

bool
punctual_schedule(int priority)
{
	struct sched_param sp = { .sched_priority = priority };

	return sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK,
	    &sp) == 0;
}

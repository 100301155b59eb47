/* SPDX-License-Identifier: ISC */
/* A bound of bytes a second.  Pure. */
#ifndef MIRRORD_PACE_H
#define MIRRORD_PACE_H

#include <stdint.h>

#include "clock.h"

/* When the next bytes are due; zero before use. */
struct pace {
	int64_t		 due_ns;
};

/*
 * So many bytes go out now: how long to wait after them, in ms, 0 for less
 * than ten.  Of what was not used a tenth of a second is saved up: sleeping is
 * late by less.  rate_bytes_s 0: no bound.
 */
int64_t	pace_ms(struct pace *p, uint64_t rate_bytes_s, uint64_t bytes,
	    struct mono now);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * When a comparison begins by itself: "03:00" each day, "sun 03:00" each
 * week, "" or "off" never; local time.  Pure but for the time zone.
 */
#ifndef MIRRORD_VERIFY_WHEN_H
#define MIRRORD_VERIFY_WHEN_H

#include <stdbool.h>
#include <stdint.h>

struct verify_when {
	bool	is_on;
	int	day;		/* of the week, 0 Sunday; -1 each */
	int	minute;		/* of the day */
};

/* 0, or -1: it is none of these. */
int	verify_when_parse(struct verify_when *w, const char *text);
/* The first such moment after now, wall seconds; 0: never. */
int64_t	verify_when_next(const struct verify_when *w, int64_t now);

#endif

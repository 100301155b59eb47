/* SPDX-License-Identifier: ISC */
/*
 * When something begins by itself, as an attribute says it: "03:00" each day,
 * "sun 03:00" each week, "" or "off" never; local time.  Pure but for the
 * time zone.
 */
#ifndef COMMON_WHEN_H
#define COMMON_WHEN_H

#include <stdbool.h>
#include <stdint.h>

struct when {
	bool	is_on;
	int	day;		/* of the week, 0 Sunday; -1 each */
	int	minute;		/* of the day */
};

/* 0, or -1: it is none of these. */
int	when_parse(struct when *w, const char *text);
/* The first such moment after now, wall seconds; 0: never. */
int64_t	when_next(const struct when *w, int64_t now);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * When something begins by itself, as an attribute says it: "03:00" each day,
 * "sun 03:00" each week, the five fields of crontab(5), "" or "off" never;
 * local time.  Pure but for the time zone.
 */
#ifndef COMMON_WHEN_H
#define COMMON_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/* Bit n: at n. */
struct when {
	bool		is_on;
	uint64_t	minutes;
	uint32_t	hours;
	uint32_t	days;		/* of the month, from 1 */
	uint32_t	months;		/* from 1 */
	uint32_t	wdays;		/* 0 Sunday */
	bool		either;		/* days or wdays is enough */
};

/* 0, or -1: it is none of these, or of no day of any year. */
int	when_parse(struct when *w, const char *text);
/* The first such moment after now, wall seconds; 0: never. */
int64_t	when_next(const struct when *w, int64_t now);

#endif

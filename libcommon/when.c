/* SPDX-License-Identifier: ISC */
/*
 * Called by mirrord for its comparisons, by moduled for its resyncs, and where
 * configuration is read.
 */
#include "when.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Long enough for a 29th of February that is some day of the week. */
#define DAYS_MAX	(366 * 41)

static const char *const week[] = { "sun", "mon", "tue", "wed", "thu", "fri",
    "sat", NULL };
static const char *const year[] = { "jan", "feb", "mar", "apr", "may", "jun",
    "jul", "aug", "sep", "oct", "nov", "dec", NULL };

struct field {
	unsigned		 low, high;
	const char *const	*names;		/* of low, low + 1, ... */
};

/* A number or a name at *p, which moves behind it; -1: neither. */
static int
take_value(const char **p, const struct field *f)
{
	unsigned long n;
	unsigned i;
	char *end;

	for (i = 0; f->names != NULL && f->names[i] != NULL; i++)
		if (strncasecmp(*p, f->names[i], 3) == 0) {
			*p += 3;
			return (int)(f->low + i);
		}
	if (!isdigit((unsigned char)**p))
		return -1;
	n = strtoul(*p, &end, 10);
	*p = end;
	return n >= f->low && n <= f->high ? (int)n : -1;
}

/* One of a list: *, 5, 5-9, each with /2 behind it. */
static int
take_range(uint64_t *bits, const char **p, const struct field *f)
{
	int from = (int)f->low, to = (int)f->high, step = 1, i;

	if (**p == '*')
		++*p;
	else {
		if ((from = to = take_value(p, f)) == -1)
			return -1;
		if (**p == '-') {
			++*p;
			if ((to = take_value(p, f)) < from)
				return -1;
		} else if (**p == '/')
			to = (int)f->high;
	}
	if (**p == '/') {
		struct field any = { 1, f->high, NULL };

		++*p;
		if ((step = take_value(p, &any)) == -1)
			return -1;
	}
	for (i = from; i <= to; i += step)
		*bits |= 1ull << i;
	return 0;
}

/* 0 with *p behind the field and its blanks, or -1. */
static int
take_field(uint64_t *bits, const char **p, const struct field *f)
{
	*bits = 0;
	for (;;) {
		if (take_range(bits, p, f) == -1)
			return -1;
		if (**p != ',')
			break;
		++*p;
	}
	if (**p != '\0' && !isspace((unsigned char)**p))
		return -1;
	*p += strspn(*p, " \t");
	return 0;
}

static int
parse_crontab(struct when *w, const char *p)
{
	static const struct field fields[] = { { 0, 59, NULL },
	    { 0, 23, NULL }, { 1, 31, NULL }, { 1, 12, year },
	    { 0, 7, week } };
	uint64_t bits[5];
	bool every_day, every_wday;
	unsigned i;

	every_day = every_wday = false;
	for (i = 0; i < 5; i++) {
		if (i == 2)
			every_day = *p == '*';
		if (i == 4)
			every_wday = *p == '*';
		if (take_field(&bits[i], &p, &fields[i]) == -1)
			return -1;
	}
	if (*p != '\0')
		return -1;
	w->minutes = bits[0];
	w->hours = (uint32_t)bits[1];
	w->days = (uint32_t)bits[2];
	w->months = (uint32_t)bits[3];
	/* 7 is Sunday, too. */
	w->wdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7f);
	w->either = !every_day && !every_wday;
	w->is_on = true;
	return 0;
}

/* "03:00", "sun 03:00". */
static int
parse_time(struct when *w, const char *text)
{
	static const struct field day = { 0, 6, week };
	unsigned hour, minute;
	uint64_t bits = 0x7f;
	char end;

	if (isalpha((unsigned char)*text) &&
	    take_field(&bits, &text, &day) == -1)
		return -1;
	if (strlen(text) != 5 || sscanf(text, "%2u:%2u%c", &hour, &minute,
	    &end) != 2 || text[2] != ':' || hour > 23 || minute > 59)
		return -1;
	w->minutes = 1ull << minute;
	w->hours = 1u << hour;
	w->days = w->months = UINT32_MAX;
	w->wdays = (uint32_t)bits;
	w->is_on = true;
	return 0;
}

int
when_parse(struct when *w, const char *text)
{
	memset(w, 0, sizeof(*w));
	text += strspn(text, " \t");
	if (*text == '\0' || strcmp(text, "off") == 0)
		return 0;
	if (parse_time(w, text) == 0)
		return 0;
	if (parse_crontab(w, text) == 0 && when_next(w, 0) != 0)
		return 0;
	memset(w, 0, sizeof(*w));
	return -1;
}

static bool
is_day(const struct when *w, const struct tm *tm)
{
	bool day = (w->days >> tm->tm_mday & 1) != 0;
	bool wday = (w->wdays >> tm->tm_wday & 1) != 0;

	if ((w->months >> (tm->tm_mon + 1) & 1) == 0)
		return false;
	return w->either ? day || wday : day && wday;
}

/* The first moment of that day after t; 0: none. */
static int64_t
within(const struct when *w, const struct tm *day, time_t t)
{
	struct tm tm;
	time_t at;
	int i;

	for (i = 0; i < 24 * 60; i++) {
		if ((w->hours >> (i / 60) & 1) == 0 ||
		    (w->minutes >> (i % 60) & 1) == 0)
			continue;
		tm = *day;
		tm.tm_hour = i / 60;
		tm.tm_min = i % 60;
		tm.tm_sec = 0;
		tm.tm_isdst = -1;
		/* An hour that a change of the clock leaves out becomes the
		 * next one. */
		at = mktime(&tm);
		if (at != (time_t)-1 && at > t)
			return at;
	}
	return 0;
}

int64_t
when_next(const struct when *w, int64_t now)
{
	time_t t = (time_t)now;
	struct tm today, day;
	int64_t at;
	int i;

	if (!w->is_on || localtime_r(&t, &today) == NULL)
		return 0;
	for (i = 0; i <= DAYS_MAX; i++) {
		/* mktime() puts the date right; noon is on every day. */
		day = today;
		day.tm_mday += i;
		day.tm_hour = 12;
		day.tm_isdst = -1;
		if (mktime(&day) == (time_t)-1 || !is_day(w, &day))
			continue;
		if ((at = within(w, &day, t)) != 0)
			return at;
	}
	return 0;
}

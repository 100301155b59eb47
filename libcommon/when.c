/* SPDX-License-Identifier: ISC */
/* Called by mirrord for its comparisons, and where configuration is read. */
#include "when.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const char *const days[] = { "sun", "mon", "tue", "wed", "thu", "fri",
    "sat" };

int
when_parse(struct when *w, const char *text)
{
	unsigned hour, minute, i;
	char end;

	memset(w, 0, sizeof(*w));
	w->day = -1;
	if (text[0] == '\0' || strcmp(text, "off") == 0)
		return 0;
	for (i = 0; i < 7; i++)
		if (strncasecmp(text, days[i], 3) == 0 && text[3] == ' ')
			w->day = (int)i;
	if (w->day != -1)
		text += 4;
	if (strlen(text) != 5 || sscanf(text, "%2u:%2u%c", &hour, &minute,
	    &end) != 2 || text[2] != ':' || hour > 23 || minute > 59)
		return -1;
	w->minute = (int)(hour * 60 + minute);
	w->is_on = true;
	return 0;
}

int64_t
when_next(const struct when *w, int64_t now)
{
	time_t t = (time_t)now, at;
	struct tm day, tm;
	int i;

	if (!w->is_on || localtime_r(&t, &day) == NULL)
		return 0;
	/* mktime() puts the date right; an hour that a change of the clock
	 * leaves out becomes the next one. */
	for (i = 0; i <= 8; i++) {
		tm = day;
		tm.tm_mday += i;
		tm.tm_hour = w->minute / 60;
		tm.tm_min = w->minute % 60;
		tm.tm_sec = 0;
		tm.tm_isdst = -1;
		at = mktime(&tm);
		if (at == (time_t)-1 || at <= t)
			continue;
		if (w->day == -1 || tm.tm_wday == w->day)
			return at;
	}
	return 0;
}

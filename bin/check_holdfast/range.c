/* SPDX-License-Identifier: ISC */
/* See range.h; the syntax is the one of the monitoring plugins' guide. */
#include "range.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One decimal number, nothing of strtod's "inf", "nan" and "0x1". */
static int
number(double *out, const char *text, size_t len)
{
	char buf[40], *end;

	if (len == 0 || len >= sizeof(buf) ||
	    strspn(text, "0123456789.-") < len)
		return -1;
	memcpy(buf, text, len);
	buf[len] = '\0';
	*out = strtod(buf, &end);
	return *end == '\0' ? 0 : -1;
}

int
range_parse(struct range *r, const char *text)
{
	const char *colon;

	*r = (struct range){ .start = 0, .end = INFINITY };
	if (*text == '@') {
		r->inside = true;
		text++;
	}
	colon = strchr(text, ':');
	if (colon == NULL)
		return number(&r->end, text, strlen(text)) == 0 &&
		    r->end >= 0 ? 0 : -1;
	if (colon == text + 1 && *text == '~')
		r->start = -INFINITY;
	else if (number(&r->start, text, (size_t)(colon - text)) == -1)
		return -1;
	if (colon[1] != '\0' &&
	    number(&r->end, colon + 1, strlen(colon + 1)) == -1)
		return -1;
	return r->start <= r->end ? 0 : -1;
}

bool
range_is_alert(const struct range *r, double value)
{
	bool within = value >= r->start && value <= r->end;

	return within == r->inside;
}

/* SPDX-License-Identifier: ISC */
/* Counting for debounce.h. */
#include "debounce.h"

#include <stdlib.h>

bool
debounce_parse(const char *text, unsigned *n, unsigned *of)
{
	char *end;
	unsigned long a, b;

	if (*text < '0' || *text > '9')
		return false;
	a = b = strtoul(text, &end, 10);
	if (*end == '/') {
		text = end + 1;
		if (*text < '0' || *text > '9')
			return false;
		b = strtoul(text, &end, 10);
	}
	if (*end != '\0' || a < 1 || b < a || b > DEBOUNCE_MAX)
		return false;
	*n = (unsigned)a;
	*of = (unsigned)b;
	return true;
}

void
debounce_reset(struct debounce *d)
{
	d->past = 0;
	d->count = 0;
	d->state = CS_INIT;
}

/* How many of the last `of' tries failed (or passed). */
static unsigned
count_of(const struct debounce *d, unsigned of, bool failed)
{
	unsigned i, n = 0;

	for (i = 0; i < of && i < d->count; i++)
		n += (d->past >> i & 1) == (failed ? 1 : 0);
	return n;
}

bool
debounce_take(struct debounce *d, bool good)
{
	enum check_state was = d->state;

	d->past = d->past << 1 | (good ? 0 : 1);
	if (d->count < DEBOUNCE_MAX)
		d->count++;
	if (!good && was != CS_DOWN &&
	    count_of(d, d->fails_of, true) >= d->fails)
		d->state = CS_DOWN;
	else if (good && was != CS_UP &&
	    count_of(d, d->passes_of, false) >= d->passes)
		d->state = CS_UP;
	if (d->state == was)
		return false;
	/* What led here is spent: it must not lead back. */
	d->past = 0;
	d->count = 0;
	return true;
}

const char *
check_state_name(enum check_state s)
{
	static const char *const names[] = {
		[CS_INIT] = "init", [CS_UP] = "up", [CS_DOWN] = "down",
	};

	return names[s];
}

/* SPDX-License-Identifier: ISC */
/* The table of phase.h. */
#include "phase.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char	*name;
	unsigned	 bit;
} names[] = {
	{ "pre", PH_PRE }, { "prim", PH_PRIM }, { "second", PH_SECOND },
	{ "both", PH_BOTH }, { "sec", PH_SEC },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What has been started in a state. */
static const unsigned started[ST_COUNT] = {
	[ST_STOP] = 0,
	[ST_WAIT] = PH_PRE,
	[ST_ALONE] = PH_PRE | PH_PRIM | PH_BOTH | PH_SEC,
	[ST_PRIM] = PH_PRE | PH_PRIM | PH_BOTH,
	[ST_SECOND] = PH_PRE | PH_SECOND | PH_BOTH | PH_SEC,
	/* The same scripts as in ALONE. */
	[ST_UP] = PH_PRE | PH_PRIM | PH_BOTH | PH_SEC,
};

unsigned
phase_of(enum state at, enum state target, bool busy)
{
	if (!busy)
		return started[at];
	if (target == ST_STOP)
		return 0;
	/* A restart stops and starts everything of the state. */
	if (at == target)
		return started[at] & PH_PRE;
	/* What both states have runs through. */
	return started[at] & started[target];
}

unsigned
phase_parse(const char *when)
{
	size_t i;

	for (i = 0; i < COUNT(names); i++)
		if (strcmp(names[i].name, when) == 0)
			return names[i].bit;
	return 0;
}

const char *
phase_text(char *buf, size_t size, unsigned phases)
{
	size_t i, len = 0;

	buf[0] = '\0';
	for (i = 0; i < COUNT(names) && len < size; i++)
		if (phases & names[i].bit)
			len += (size_t)snprintf(buf + len, size - len,
			    "%s%s", len > 0 ? "," : "", names[i].name);
	return buf;
}

/* SPDX-License-Identifier: ISC */
/*
 * Names of the nodes that answered.  They are few, and one process measures
 * one farm: the table is the program's.
 */
#include <stdio.h>
#include <string.h>

#include "client.h"

#define NAMES_MAX	128
#define NAME_LEN	33

static char	names[NAMES_MAX][NAME_LEN] = { "nobody" };
static unsigned	names_count = 1;

unsigned
name_index(const char *text, size_t len)
{
	char name[NAME_LEN];
	unsigned i;
	size_t n = 0;

	while (n < len && n < NAME_LEN - 1 && text[n] > ' ')
		n++;
	snprintf(name, sizeof(name), "%.*s", (int)n, text);
	if (n == 0)
		return NOBODY;
	for (i = 1; i < names_count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	if (i == NAMES_MAX)
		return NOBODY;
	memcpy(names[names_count], name, sizeof(name));
	return names_count++;
}

const char *
name_of(unsigned i)
{
	return names[i];
}

unsigned
name_count(void)
{
	return names_count;
}

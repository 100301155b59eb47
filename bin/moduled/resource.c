/* SPDX-License-Identifier: ISC */
/*
 * The table of resource.h.
 */
#include "resource.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool
resource_name_ok(const char *name)
{
	const char *dot = strchr(name, '.'), *p;

	if (dot == NULL || dot == name || dot[1] == '\0' ||
	    strlen(name) >= RESOURCE_NAME)
		return false;
	for (p = name; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || *p == '"' || *p == '=')
			return false;
	return true;
}

struct resource *
resource_find(struct resources *t, const char *name)
{
	unsigned i;

	for (i = 0; i < t->count; i++)
		if (strcmp(t->r[i].name, name) == 0)
			return &t->r[i];
	return NULL;
}

int
resource_set(struct resources *t, const char *name, const char *value,
    struct mono now, int64_t wall_s)
{
	struct resource *r;

	if (!resource_name_ok(name)) {
		errno = EINVAL;
		return -1;
	}
	if (strlen(value) >= RESOURCE_VALUE) {
		errno = EMSGSIZE;
		return -1;
	}
	r = resource_find(t, name);
	if (r != NULL && strcmp(r->value, value) == 0)
		return 0;
	if (r == NULL) {
		if (t->count == RESOURCE_MAX) {
			errno = ENOSPC;
			return -1;
		}
		r = &t->r[t->count++];
		memset(r, 0, sizeof(*r));
		(void)snprintf(r->name, sizeof(r->name), "%s", name);
	}
	(void)snprintf(r->value, sizeof(r->value), "%s", value);
	r->since = now;
	memmove(&r->past[1], &r->past[0],
	    sizeof(r->past[0]) * (RESOURCE_PAST - 1));
	(void)snprintf(r->past[0].value, sizeof(r->past[0].value), "%.31s",
	    value);
	r->past[0].wall_s = wall_s;
	if (r->past_count < RESOURCE_PAST)
		r->past_count++;
	return 1;
}

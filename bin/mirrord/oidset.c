/* SPDX-License-Identifier: ISC */
/*
 * Open addressing, grown at half full; nothing is ever taken out.
 */
#include "oidset.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

void
oidset_fini(struct oidset *s)
{
	free(s->slot);
	memset(s, 0, sizeof(*s));
}

static size_t
place(const struct oidset *s, uint64_t oid)
{
	size_t i = (size_t)(oid * 0x9e3779b97f4a7c15u >> 20);

	for (i &= s->size - 1; s->slot[i] != 0 && s->slot[i] != oid; )
		i = (i + 1) & (s->size - 1);
	return i;
}

static void
grow(struct oidset *s)
{
	struct oidset big = { 0 };
	size_t i;

	big.size = s->size == 0 ? 64 : s->size * 2;
	big.count = s->count;
	big.slot = xcalloc(big.size, sizeof(*big.slot));
	for (i = 0; i < s->size; i++)
		if (s->slot[i] != 0)
			big.slot[place(&big, s->slot[i])] = s->slot[i];
	free(s->slot);
	*s = big;
}

bool
oidset_add(struct oidset *s, uint64_t oid)
{
	size_t i;

	if (s->count * 2 >= s->size)
		grow(s);
	i = place(s, oid);
	if (s->slot[i] == oid)
		return false;
	s->slot[i] = oid;
	s->count++;
	return true;
}

bool
oidset_has(const struct oidset *s, uint64_t oid)
{
	return s->size > 0 && s->slot[place(s, oid)] == oid;
}

static int
by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

uint64_t *
oidset_list(const struct oidset *s)
{
	uint64_t *list = xcalloc(s->count + 1, sizeof(*list));
	size_t i, n = 0;

	for (i = 0; i < s->size; i++)
		if (s->slot[i] != 0)
			list[n++] = s->slot[i];
	qsort(list, n, sizeof(*list), by_value);
	return list;
}

/* SPDX-License-Identifier: ISC */
/*
 * A plain set of object ids for the resync: 16 bytes an object.
 */
#ifndef MIRRORD_OIDSET_H
#define MIRRORD_OIDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oidset {
	uint64_t	*slot;		/* 0: empty */
	size_t		 size;
	size_t		 count;
};

/* Zeroed storage is an empty set. */
void		 oidset_fini(struct oidset *s);
/* True when it was not there; oid is not 0. */
bool		 oidset_add(struct oidset *s, uint64_t oid);
bool		 oidset_has(const struct oidset *s, uint64_t oid);
/* Ascending, malloc'd; s->count of them. */
uint64_t	*oidset_list(const struct oidset *s);

#endif

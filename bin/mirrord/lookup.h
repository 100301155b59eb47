/* SPDX-License-Identifier: ISC */
/*
 * How often the kernel was told of each object, in shared memory that keepd
 * holds: only when the last FORGET came may an unlinked object go (rule
 * R35).  Errs on the side of too many: then a descriptor is kept longer.
 */
#ifndef MIRRORD_LOOKUP_H
#define MIRRORD_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

struct lookup;

/* What the memfd must measure; pages are used only as objects are known. */
size_t		 lookup_size(void);
/* memory: zeros, or what an earlier life left.  NULL: not this format. */
struct lookup	*lookup_open(void *memory, size_t size);
void		 lookup_close(struct lookup *l);

void		 lookup_add(struct lookup *l, uint64_t oid, uint64_t count);
/* The count that is left; UINT64_MAX when nobody can know any more. */
uint64_t	 lookup_forget(struct lookup *l, uint64_t oid,
		    uint64_t count);
uint64_t	 lookup_count(struct lookup *l, uint64_t oid);
/* The mount is gone, and with it all that the kernel knew. */
void		 lookup_clear(struct lookup *l);

#endif

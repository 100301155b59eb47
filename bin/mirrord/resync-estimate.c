/* SPDX-License-Identifier: ISC */
/* Called by resync-source.c and role-verify.c. */
#include "resync-estimate.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "resync-frame.h"

struct walk {
	struct resync_estimate *e;
	struct objects	*o;
};

static int
add_item(const struct dirty_item *i, void *arg)
{
	struct walk *w = arg;
	struct resync_estimate *e = w->e;
	struct stat st;
	unsigned k, b;

	e->objects++;
	e->names += i->name_count;
	if (i->all_names || i->buckets != NULL)
		e->lists++;
	for (k = 0; k < i->extent_count; k++)
		for (b = 0; b < RB_BLOCKS / 8; b++)
			e->bytes += RB_BLOCK * (unsigned)
			    __builtin_popcount(i->bitmap[k][b]);
	if ((i->whole || i->tail_from != UINT64_MAX) &&
	    object_stat(w->o, i->oid, &st) == 0 && st.st_nlink > 0 &&
	    S_ISREG(st.st_mode))
		e->bytes += (uint64_t)st.st_blocks * 512;
	return 0;
}

void
resync_estimate(struct resync_estimate *e, struct objects *o,
    const struct dirtyset *set)
{
	struct walk w = { e, o };

	memset(e, 0, sizeof(*e));
	(void)dirtyset_walk(set, add_item, &w); /* it always goes on */
}

void
resync_estimate_all(struct resync_estimate *e, struct objects *o)
{
	struct statvfs st;
	unsigned i;

	memset(e, 0, sizeof(*e));
	e->objects = objects_count(o);
	for (i = 0; i < objects_root_count(o); i++)
		if (fstatvfs(objects_root_fd(o, i), &st) == 0)
			e->bytes += (uint64_t)(st.f_blocks - st.f_bfree) *
			    st.f_frsize;
}

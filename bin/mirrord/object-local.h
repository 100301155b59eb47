/* SPDX-License-Identifier: ISC */
/*
 * What the rules of exclude.h leave out, in the trees: each node's own.  Its
 * ids have OID_LOCAL.  All calls are thread-safe but objects_exclude().
 */
#ifndef MIRRORD_OBJECT_LOCAL_H
#define MIRRORD_OBJECT_LOCAL_H

#include "exclude.h"
#include "object.h"
#include "object-index.h"
#include "op.h"

/*
 * From here on names that the rules leave out are this node's own, and have
 * ids of their kind; an id of the other kind counts as none.  e stays the
 * caller's, and lives as long as o.
 */
void		 objects_exclude(struct objects *o, const struct excludes *e);
const struct excludes *objects_excludes(const struct objects *o);

/* Is an entry of that name, there or not, left out?  Then also all below. */
bool		 object_name_is_local(struct objects *o, uint64_t dir,
		    const char *name, bool is_dir);
/*
 * A rule of this path, below directory root (from 0), is new: what is there
 * is this node's own at once, ids and all, and no record of a change of before
 * finds it any more.  0 or -errno.
 */
int		 object_leave_out(struct objects *o, unsigned root,
		    const char *path);
/* Does a path that is left out lead through this directory? */
bool		 object_name_leads(struct objects *o, uint64_t dir,
		    const char *name);
/*
 * What this node has of its own where an operation of the primary wants its
 * place (a directory where a file is left out; a directory that is empty
 * without it) is removed.  True: there was some.
 */
bool		 object_make_way(struct objects *o, const struct op *op);
/* dfd/name, depth first; one that vanished meanwhile is as good as removed.
 * 0 or -errno. */
int		 object_remove_tree(struct objects *o, int dfd,
		    const char *name);
/* An entry that is left out, and all below it, gets ids of that kind, where it
 * has others.  0, also where there is none, or -errno. */
int		 objects_walk_local(struct objects *o, uint64_t dir,
		    const char *name);

/* ---- object-scan.c for object.c: the trees, when the index was lost ---- */

struct object_scan;

/* Until x is complete.  NULL: no thread. */
struct object_scan *object_scan_start(struct objects *o,
		    struct object_index *x);
void		 object_scan_stop(struct object_scan *s);
/*
 * What the index says of an id; s NULL: it is complete.  Waits for the scan,
 * if need be, but in its own thread.  0, -ESTALE: there is none, or the error
 * at which the scan stands, which is tried again.
 */
int		 object_scan_find(struct object_scan *s,
		    struct object_index *x, uint64_t oid, struct handle *h);

#endif

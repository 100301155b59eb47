/* SPDX-License-Identifier: ISC */
/*
 * What the peer lacks: 4 KiB bits a file extent, names a directory, attrs,
 * whole objects.  struct dirtyset is in memory; struct dirty is its durable
 * log with compaction, written while alone.  While connected the primary
 * keeps two sets of two checkpoint periods in memory; at the loss of the
 * peer their union becomes the dirty set (rule R13).
 */
#ifndef MIRRORD_DIRTY_H
#define MIRRORD_DIRTY_H

#include <stdbool.h>
#include <stdint.h>

#include "actlog.h"
#include "epoch.h"
#include "op.h"

struct dirtyset;

struct dirtyset	*dirtyset_new(void);
void		 dirtyset_free(struct dirtyset *d);
/* Notes everything op may have changed.  Not thread-safe: lock outside. */
void		 dirtyset_note(struct dirtyset *d, const struct op *op);
void		 dirtyset_data(struct dirtyset *d, uint64_t oid, uint64_t off,
		    uint64_t len);
void		 dirtyset_tail(struct dirtyset *d, uint64_t oid,
		    uint64_t from);
void		 dirtyset_attr(struct dirtyset *d, uint64_t oid);
/* Above 4096 names of one directory: the whole directory. */
void		 dirtyset_name(struct dirtyset *d, uint64_t dir,
		    const char *name);
void		 dirtyset_bucket(struct dirtyset *d, uint64_t dir,
		    unsigned bucket);		/* of 256; an AL record */
void		 dirtyset_dir(struct dirtyset *d, uint64_t dir);
void		 dirtyset_whole(struct dirtyset *d, uint64_t oid);
void		 dirtyset_all(struct dirtyset *d);
/* What a crash left hot (rules R14, R15, R17). */
void		 dirtyset_slots(struct dirtyset *d,
		    const struct actlog_slot *slot, unsigned count);
/* Rule R15: below a hot directory compare objects of this id and above of
 * the same node and store whole.  The lowest of each store counts. */
void		 dirtyset_mark(struct dirtyset *d, uint64_t oid);
bool		 dirtyset_is_new(const struct dirtyset *d, uint64_t oid);
/* Of 256, the same on every node: low byte of XXH3-64 of the name. */
unsigned	 dirty_bucket(const char *name);
void		 dirtyset_merge(struct dirtyset *into,
		    const struct dirtyset *from);
void		 dirtyset_clear(struct dirtyset *d);
bool		 dirtyset_is_empty(const struct dirtyset *d);
bool		 dirtyset_is_all(const struct dirtyset *d);
uint64_t	 dirtyset_bytes(const struct dirtyset *d);
/* The i-th mark, 0 behind the last. */
uint64_t	 dirtyset_marks(const struct dirtyset *d, unsigned i);

/* One dirty object, in ascending oid order. */
struct dirty_item {
	uint64_t	oid;
	bool		whole;		/* all data and attributes */
	bool		attr;
	bool		all_names;	/* directory: list it whole */
	uint64_t	tail_from;	/* UINT64_MAX: none */
	unsigned	name_count;
	const char *const *name;	/* owned by the set */
	unsigned	extent_count;
	const uint64_t	*extent;	/* numbers of 4 MiB extents */
	const uint8_t	*const *bitmap;	/* 128 bytes each */
	const uint8_t	*buckets;	/* 32 bytes or NULL */
};
/* Calls for every object; stops when on_item returns non-zero (returned). */
int		 dirtyset_walk(const struct dirtyset *d,
		    int (*on_item)(const struct dirty_item *i, void *arg),
		    void *arg);
/* Removes what `i' names for this object. */
void		 dirtyset_remove(struct dirtyset *d, uint64_t oid);

struct dirty;

/* Opens or creates the log in the state directory and replays it into
 * `into'.  NULL with errno; EBADMSG: unreadable, use dirtyset_all(). */
struct dirty	*dirty_open(int state_dirfd, const char *module, uint8_t node,
		    struct dirtyset *into);
/* A new, empty one in place of what is there: after EBADMSG, once `full
 * comparison' is durable in gen.  0, or -1 with errno. */
int		 dirty_create(int state_dirfd, const char *module,
		    uint8_t node);
void		 dirty_close(struct dirty *d);
/* Adds the set (a delta) durably.  0, or -1 with errno; a full file turns
 * coarser by itself, at last into `all' (rule R20). */
int		 dirty_append(struct dirty *d, const struct dirtyset *delta);
/* Replaces the content durably (compaction, or empty after a reunion). */
int		 dirty_replace(struct dirty *d, const struct dirtyset *set);
void		 dirty_set_epoch(struct dirty *d, struct epoch epoch);

#endif

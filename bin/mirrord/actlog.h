/* SPDX-License-Identifier: ISC */
/*
 * Activity log: what was hot when this node, as primary, crashed.  A record
 * is durable before the local call it covers (rule R14); an extent already
 * hot costs nothing.  File format: actlog.c and holdfast-failures(7).
 */
#ifndef MIRRORD_ACTLOG_H
#define MIRRORD_ACTLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "epoch.h"

#define ACTLOG_EXTENT	(4u * 1024 * 1024)
/* The bucket that stands for all of a directory (rule R16). */
#define ACTLOG_ALL_NAMES 256u

enum actlog_kind { AK_DATA = 1, AK_TAIL, AK_ATTR, AK_NAMES, AK_MARK };

struct actlog_slot {
	enum actlog_kind	kind;
	uint64_t		oid;
	uint64_t		extent;	/* extent number, offset or bucket */
};

struct actlog;

/* What a record covers; several are made hot by one block. */
struct actlog_key {
	enum actlog_kind	kind;
	uint64_t		oid;
	uint64_t		extent;
};
#define ACTLOG_KEY_MAX	8

/* Opens or creates (4096 slots).  *slots receives what a crash left hot
 * (malloc'd, the caller frees; NULL when none).  NULL with errno; EBADMSG:
 * rot, full comparison needed (rule R18). */
struct actlog	*actlog_open(int state_dirfd, const char *module,
		    uint8_t node, struct actlog_slot **slots,
		    unsigned *count);
/* A new, empty one in place of what is there: after EBADMSG, once `full
 * comparison' is durable in gen.  0, or -1 with errno. */
int		 actlog_create(int state_dirfd, const char *module,
		    uint8_t node);
void		 actlog_close(struct actlog *a);
/*
 * Returns when kind(oid, extent) is hot and durable: at once when it already
 * is, else after the next group commit.  Waits when all slots are pinned
 * until a checkpoint frees some.  `seq' pins the slot until cooled to it or
 * past it; change.c numbers checkpoint periods.  0 or -errno.  Thread-safe.
 */
int		 actlog_touch(struct actlog *a, enum actlog_kind kind,
		    uint64_t oid, uint64_t extent, uint64_t seq);
/* The same for up to ACTLOG_KEY_MAX at once; -EAGAIN instead of waiting for
 * a slot: nothing is pinned then but what was hot already. */
int		 actlog_touch_many(struct actlog *a,
		    const struct actlog_key *key, unsigned count,
		    uint64_t seq);
/* Waits until a slot is free, or timeout_ms; false then. */
bool		 actlog_wait_room(struct actlog *a, unsigned count,
		    int64_t timeout_ms);
/* All ops up to seq are durable on both nodes: idle slots leave, durably
 * soon.  0 or -errno (then they are still on disk: harmless). */
int		 actlog_cool(struct actlog *a, uint64_t seq);
bool		 actlog_is_tight(struct actlog *a); /* half are pinned */
/* Clean end: empties it durably (rule R28). */
int		 actlog_reset(struct actlog *a);
/* The mark (rule R15), 0 none. */
uint64_t	 actlog_mark(struct actlog *a);
/* Goes into every block from now on. */
void		 actlog_set_epoch(struct actlog *a, struct epoch epoch);
/* The present hot set, for the reunion. malloc'd. */
struct actlog_slot *actlog_list(struct actlog *a, unsigned *count);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * What every frame between two mirrord has in common: after the frame
 * header the body begins with u64 connection, epoch and u64 oid.  A frame is
 * built with connection and epoch zero; whoever sends it stamps them, since
 * a queued frame may leave on a later connection than it was made for.
 */
#ifndef MIRRORD_WIRE_H
#define MIRRORD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epoch.h"
#include "frame.h"

#define WIRE_NAME	"holdfast-mirror"
#define WIRE_VERSION	1

/* Session frames, 32..63.  1..31 are ops (op.h), 64..95 resync's,
 * 96..111 verify's. */
enum wire_type {
	WT_HELLO	= 32,	/* both: who, generations, marks */
	WT_APPLIED	= 33,	/* second: everything up to seq is applied */
	WT_SYNCED	= 34,	/* second: marks; list of synced sequences */
	WT_CHECKPOINT	= 35,	/* primary, queued: make all below durable */
	WT_DURABLE	= 36,	/* second: checkpoint seq is done */
	WT_ERROR	= 37,	/* second: an op failed here (R25) */
	WT_VOID		= 38,	/* primary, queued: nothing; say `applied' */
	WT_BEGIN	= 39,	/* primary: the queue follows, from `next' */
	WT_HOLD		= 40,	/* second: hold writes (freeze.h) */
	WT_HELD		= 41,	/* primary: they are, or why not */
	WT_FREE		= 42,	/* second: no more */
	WT_RESYNC_MIN	= 64,
	WT_RESYNC_MAX	= 95,
	WT_VERIFY_MIN	= 96,
	WT_VERIFY_MAX	= 111,
};

/* Resync's or verify's: the link carries them and knows nothing of them. */
bool	wire_is_work(uint16_t type);

#define WIRE_COMMON_LEN	(8 + 13 + 8)

/* Begins a frame; fields follow by frame_put_*(), then frame_end(). */
void	wire_begin(struct frame_out *f, void *buf, size_t size,
	    uint16_t type, uint64_t oid);
/* Sets connection, epoch and sequence of a finished frame, in place. */
void	wire_stamp(void *frame, uint64_t connection, struct epoch epoch);
void	wire_stamp_seq(void *frame, uint64_t seq);

struct wire {
	uint64_t	connection;
	struct epoch	epoch;
	uint64_t	oid;
};

/* Opens a frame and reads the common part.  0, or -1 (EPROTO). */
int	wire_open(struct frame_in *f, struct wire *w, const void *buf,
	    size_t len);

#endif

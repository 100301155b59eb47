/* SPDX-License-Identifier: ISC */
/*
 * The common part of frames.  Called by op.c, stream.c, link.c, apply.c and
 * the resync; wire_stamp() runs on memory that keepd holds, where only the
 * sender writes these fields.
 */
#include "wire.h"

#include <string.h>

static void
store_u64(uint8_t *p, uint64_t v)
{
	unsigned i;

	for (i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

bool
wire_is_work(uint16_t type)
{
	return (type >= WT_RESYNC_MIN && type <= WT_RESYNC_MAX) ||
	    (type >= WT_VERIFY_MIN && type <= WT_VERIFY_MAX);
}

void
wire_begin(struct frame_out *f, void *buf, size_t size, uint16_t type,
    uint64_t oid)
{
	struct epoch none = { 0, 0, 0 };

	frame_begin(f, buf, size, type, 0, 0);
	frame_put_u64(f, 0);
	frame_put_epoch(f, none);
	frame_put_u64(f, oid);
}

void
wire_stamp(void *frame, uint64_t connection, struct epoch epoch)
{
	uint8_t *p = (uint8_t *)frame + FRAME_HEADER_LEN;
	unsigned i;

	store_u64(p, connection);
	for (i = 0; i < 4; i++)
		p[8 + i] = (uint8_t)(epoch.era >> (24 - 8 * i));
	store_u64(p + 12, epoch.n);
	p[20] = epoch.node;
}

void
wire_stamp_seq(void *frame, uint64_t seq)
{
	store_u64((uint8_t *)frame + FRAME_HEADER_LEN - 8, seq);
}

int
wire_open(struct frame_in *f, struct wire *w, const void *buf, size_t len)
{
	memset(w, 0, sizeof(*w));
	if (frame_open(f, buf, len) == -1)
		return -1;
	w->connection = frame_get_u64(f);
	w->epoch = frame_get_epoch(f);
	w->oid = frame_get_u64(f);
	return f->bad ? -1 : 0;
}

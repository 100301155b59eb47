/* SPDX-License-Identifier: ISC */
/*
 * Order of the fields: holdfast-protocol(7).  A change of struct gen that
 * the other side must see is a new protocol version.
 */
#include "link-hello.h"

#include <errno.h>
#include <string.h>

static void
put_uuid(struct frame_out *f, const struct gen_uuid *u)
{
	frame_put_raw(f, u->byte, sizeof(u->byte));
}

static void
put_gen(struct frame_out *f, const struct gen *g)
{
	unsigned i;

	frame_put_epoch(f, g->fence);
	frame_put_epoch(f, g->epoch);
	frame_put_u8(f, (uint8_t)g->role);
	frame_put_epoch(f, g->since);
	put_uuid(f, &g->current);
	put_uuid(f, &g->base);
	for (i = 0; i < GEN_HISTORY; i++)
		put_uuid(f, &g->history[i]);
	frame_put_u8(f, g->level);
	frame_put_u8(f, g->alone);
	frame_put_epoch(f, g->handed);
	frame_put_u8(f, g->handed_to);
	put_uuid(f, &g->resyncing);
	frame_put_u8(f, g->unclean);
	frame_put_i64(f, g->clean_stop_ns);
	frame_put_u64(f, g->session);
	frame_put_u64(f, g->peer_session);
	frame_put_u8(f, 0);	/* reserved */
	frame_put_u8(f, g->dirty_all);
	frame_put_u16(f, g->store_number);
	frame_put_u16(f, g->peer_store_number);
	frame_put_u64(f, g->peer_durable);
}

size_t
link_hello_put(void *buf, size_t size, const struct link_hello *h)
{
	struct frame_out f;

	wire_begin(&f, buf, size, WT_HELLO, 0);
	frame_put_u8(&f, h->node);
	frame_put_u32(&f, h->module_id);
	frame_put_str(&f, h->module);
	frame_put_epoch(&f, h->epoch);
	frame_put_u64(&f, h->connection);
	frame_put_u64(&f, h->stream_id);
	frame_put_u64(&f, h->first);
	frame_put_u64(&f, h->last);
	frame_put_u64(&f, h->applied);
	frame_put_u32(&f, h->flags);
	frame_put_u64(&f, h->root_session);
	put_gen(&f, &h->gen);
	return frame_end(&f);
}

static bool
get_bool(struct frame_in *f)
{
	uint8_t v = frame_get_u8(f);

	if (v > 1)
		f->bad = true;
	return v == 1;
}

static void
get_uuid(struct frame_in *f, struct gen_uuid *u)
{
	const void *p = frame_get_raw(f, sizeof(u->byte));

	if (p != NULL)
		memcpy(u->byte, p, sizeof(u->byte));
}

static void
get_gen(struct frame_in *f, struct gen *g)
{
	uint8_t role;
	unsigned i;

	g->fence = frame_get_epoch(f);
	g->epoch = frame_get_epoch(f);
	role = frame_get_u8(f);
	if (role > GR_SECOND)
		f->bad = true;
	else
		g->role = (enum gen_role)role;
	g->since = frame_get_epoch(f);
	get_uuid(f, &g->current);
	get_uuid(f, &g->base);
	for (i = 0; i < GEN_HISTORY; i++)
		get_uuid(f, &g->history[i]);
	g->level = get_bool(f);
	g->alone = get_bool(f);
	g->handed = frame_get_epoch(f);
	g->handed_to = frame_get_u8(f);
	get_uuid(f, &g->resyncing);
	g->unclean = get_bool(f);
	g->clean_stop_ns = frame_get_i64(f);
	g->session = frame_get_u64(f);
	g->peer_session = frame_get_u64(f);
	if (frame_get_u8(f) != 0)	/* reserved */
		f->bad = true;
	g->dirty_all = get_bool(f);
	g->store_number = frame_get_u16(f);
	g->peer_store_number = frame_get_u16(f);
	g->peer_durable = frame_get_u64(f);
}

int
link_hello_get(struct link_hello *h, const void *buf, size_t len)
{
	struct frame_in f;
	struct wire w;

	memset(h, 0, sizeof(*h));
	if (wire_open(&f, &w, buf, len) == -1 || f.type != WT_HELLO) {
		errno = EPROTO;
		return -1;
	}
	h->node = frame_get_u8(&f);
	h->module_id = frame_get_u32(&f);
	if (frame_get_str(&f, h->module, sizeof(h->module)) == -1)
		f.bad = true;
	h->epoch = frame_get_epoch(&f);
	h->connection = frame_get_u64(&f);
	h->stream_id = frame_get_u64(&f);
	h->first = frame_get_u64(&f);
	h->last = frame_get_u64(&f);
	h->applied = frame_get_u64(&f);
	h->flags = frame_get_u32(&f);
	h->root_session = frame_get_u64(&f);
	get_gen(&f, &h->gen);
	if (!frame_done(&f)) {
		errno = EPROTO;
		return -1;
	}
	return 0;
}

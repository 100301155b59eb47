/* SPDX-License-Identifier: ISC */
/* Typed big-endian fields in and out of a buffer; no I/O. */

#include "frame.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

void
frame_put_raw(struct frame_out *f, const void *p, size_t len)
{
	if (f->overflow || len > f->size - f->len) {
		f->overflow = true;
		return;
	}
	if (len > 0)
		memcpy(f->buf + f->len, p, len);
	f->len += len;
}

void
frame_put_u8(struct frame_out *f, uint8_t v)
{
	frame_put_raw(f, &v, sizeof(v));
}

void
frame_put_u16(struct frame_out *f, uint16_t v)
{
	v = htobe16(v);
	frame_put_raw(f, &v, sizeof(v));
}

void
frame_put_u32(struct frame_out *f, uint32_t v)
{
	v = htobe32(v);
	frame_put_raw(f, &v, sizeof(v));
}

void
frame_put_u64(struct frame_out *f, uint64_t v)
{
	v = htobe64(v);
	frame_put_raw(f, &v, sizeof(v));
}

void
frame_put_i64(struct frame_out *f, int64_t v)
{
	frame_put_u64(f, (uint64_t)v);
}

void
frame_put_epoch(struct frame_out *f, struct epoch e)
{
	frame_put_u32(f, e.era);
	frame_put_u64(f, e.n);
	frame_put_u8(f, e.node);
}

void
frame_put_bytes(struct frame_out *f, const void *p, size_t len)
{
	if (len > UINT32_MAX) {
		f->overflow = true;
		return;
	}
	frame_put_u32(f, (uint32_t)len);
	frame_put_raw(f, p, len);
}

void
frame_put_str(struct frame_out *f, const char *s)
{
	frame_put_bytes(f, s, strlen(s));
}

void
frame_begin(struct frame_out *f, void *buf, size_t size, uint16_t type,
    uint16_t flags, uint64_t sequence)
{
	*f = (struct frame_out){ .buf = buf, .size = size };
	frame_put_u32(f, 0);
	frame_put_u16(f, type);
	frame_put_u16(f, flags);
	frame_put_u64(f, sequence);
}

size_t
frame_end(struct frame_out *f)
{
	uint32_t len;

	if (f->overflow || f->len > FRAME_MAX_LEN) {
		errno = EMSGSIZE;
		return 0;
	}
	len = htobe32((uint32_t)f->len);
	memcpy(f->buf, &len, sizeof(len));
	return f->len;
}

int64_t
frame_length(const void *p, size_t have)
{
	uint32_t len;

	if (have < sizeof(len))
		return 0;
	memcpy(&len, p, sizeof(len));
	len = be32toh(len);
	if (len < FRAME_HEADER_LEN || len > FRAME_MAX_LEN) {
		errno = EPROTO;
		return -1;
	}
	return len;
}

int
frame_open(struct frame_in *f, const void *buf, size_t len)
{
	*f = (struct frame_in){ .buf = buf, .len = len };
	if (len < FRAME_HEADER_LEN || frame_length(buf, len) != (int64_t)len) {
		f->bad = true;
		errno = EPROTO;
		return -1;
	}
	(void)frame_get_u32(f);
	f->type = frame_get_u16(f);
	f->flags = frame_get_u16(f);
	f->sequence = frame_get_u64(f);
	return 0;
}

const void *
frame_get_raw(struct frame_in *f, size_t len)
{
	const uint8_t *p = f->buf + f->pos;

	if (f->bad || len > f->len - f->pos) {
		f->bad = true;
		return NULL;
	}
	f->pos += len;
	return p;
}

/* Copies a field of fixed size; zero when the frame is bad. */
static void
get(struct frame_in *f, void *out, size_t len)
{
	const void *p = frame_get_raw(f, len);

	if (p != NULL)
		memcpy(out, p, len);
	else
		memset(out, 0, len);
}

uint8_t
frame_get_u8(struct frame_in *f)
{
	uint8_t v;

	get(f, &v, sizeof(v));
	return v;
}

uint16_t
frame_get_u16(struct frame_in *f)
{
	uint16_t v;

	get(f, &v, sizeof(v));
	return be16toh(v);
}

uint32_t
frame_get_u32(struct frame_in *f)
{
	uint32_t v;

	get(f, &v, sizeof(v));
	return be32toh(v);
}

uint64_t
frame_get_u64(struct frame_in *f)
{
	uint64_t v;

	get(f, &v, sizeof(v));
	return be64toh(v);
}

int64_t
frame_get_i64(struct frame_in *f)
{
	return (int64_t)frame_get_u64(f);
}

struct epoch
frame_get_epoch(struct frame_in *f)
{
	struct epoch e;

	e.era = frame_get_u32(f);
	e.n = frame_get_u64(f);
	e.node = frame_get_u8(f);
	return e;
}

const void *
frame_get_bytes(struct frame_in *f, size_t max, size_t *len)
{
	uint32_t n = frame_get_u32(f);
	const void *p;

	if (n > max)
		f->bad = true;
	p = frame_get_raw(f, n);
	*len = p != NULL ? n : 0;
	return p;
}

int
frame_get_str(struct frame_in *f, char *out, size_t size)
{
	size_t len;
	const char *p = frame_get_bytes(f, size - 1, &len);

	out[0] = '\0';
	if (p == NULL || memchr(p, '\0', len) != NULL) {
		f->bad = true;
		return -1;
	}
	memcpy(out, p, len);
	out[len] = '\0';
	return 0;
}

bool
frame_done(const struct frame_in *f)
{
	return !f->bad && f->pos == f->len;
}

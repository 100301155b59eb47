/* SPDX-License-Identifier: ISC */
/*
 * Network frames: u32 length, u16 type, u16 flags, u64 sequence, then a body
 * of typed big-endian fields.  No struct, pointer or padding on the wire.
 * The length counts the whole frame, header included.  Writers remember an
 * overflow and say it at frame_end(); readers fail on short data, and
 * frame_done() fails on bytes left over.
 */
#ifndef COMMON_FRAME_H
#define COMMON_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epoch.h"

#define FRAME_HEADER_LEN	16
/* No frame is longer: 1 MiB of data and its fields. */
#define FRAME_MAX_LEN		(1024 * 1024 + 8192)

struct frame_out {
	uint8_t	*buf;		/* the caller's */
	size_t	 size;
	size_t	 len;
	bool	 overflow;
};

void	frame_begin(struct frame_out *f, void *buf, size_t size,
	    uint16_t type, uint16_t flags, uint64_t sequence);
void	frame_put_u8(struct frame_out *f, uint8_t v);
void	frame_put_u16(struct frame_out *f, uint16_t v);
void	frame_put_u32(struct frame_out *f, uint32_t v);
void	frame_put_u64(struct frame_out *f, uint64_t v);
void	frame_put_i64(struct frame_out *f, int64_t v);
void	frame_put_epoch(struct frame_out *f, struct epoch e);
/* u32 length, then the bytes. */
void	frame_put_bytes(struct frame_out *f, const void *p, size_t len);
void	frame_put_str(struct frame_out *f, const char *s);
/* len bytes without a length: fields of fixed size. */
void	frame_put_raw(struct frame_out *f, const void *p, size_t len);
/* Writes the length; the length, or 0 with errno EMSGSIZE on overflow. */
size_t	frame_end(struct frame_out *f);

struct frame_in {
	const uint8_t	*buf;	/* the caller's, the whole frame */
	size_t		 len;
	size_t		 pos;
	bool		 bad;
	uint16_t	 type;
	uint16_t	 flags;
	uint64_t	 sequence;
};

/*
 * The length of the frame that begins at p, 0 when fewer than 4 bytes are
 * there, or -1 with errno EPROTO when the length is impossible.
 */
int64_t	frame_length(const void *p, size_t have);
/* Reads the header; 0, or -1 with errno EPROTO. */
int	frame_open(struct frame_in *f, const void *buf, size_t len);

/* Getters return 0, empty or NULL once the frame is bad. */
uint8_t		frame_get_u8(struct frame_in *f);
uint16_t	frame_get_u16(struct frame_in *f);
uint32_t	frame_get_u32(struct frame_in *f);
uint64_t	frame_get_u64(struct frame_in *f);
int64_t		frame_get_i64(struct frame_in *f);
struct epoch	frame_get_epoch(struct frame_in *f);
/* Bytes in place, at most max of them; *len is set. */
const void	*frame_get_bytes(struct frame_in *f, size_t max, size_t *len);
/* Copies a string of at most size - 1 bytes without NUL; 0 or -1 (bad). */
int		frame_get_str(struct frame_in *f, char *out, size_t size);
const void	*frame_get_raw(struct frame_in *f, size_t len);
/* True when everything was read, nothing is left and nothing was bad. */
bool		frame_done(const struct frame_in *f);

#endif

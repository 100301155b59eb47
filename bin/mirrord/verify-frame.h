/* SPDX-License-Identifier: ISC */
/*
 * Frames of the comparison, P primary, S second; the common part's oid is
 * named first, u64 run comes before the rest:
 *
 *	BEGIN	 P 0
 *	NAMES	 P dir  bytes list of (str name, u64 oid or 0, u32 type)
 *	DIR	 P dir  all names were said: what else is there?
 *	ATTR	 P obj  u8 flags, u32 mode, uid, gid, rdev, u64 size,
 *			i64 + u32 mtime, 16 bytes hash of the extended
 *			attributes, 16 of a symbolic link's target
 *	DATA	 P obj  u64 off, u64 len, bytes: 16 a block of 128 KiB
 *	HOLE	 P obj  u64 off, u64 len
 *	BARRIER	 P 0    u64 number
 *	SUSPECT	 S obj  u8 kind, str name, u64 off, u64 len
 *	DONE	 S 0    u64 number, u8 1: a directory had too many
 *	VERDICT	 S obj  u8 kind, str name, u64 off, u64 len, u32 what
 *	END	 P 0    str result, a line
 *
 * NAMES, ATTR and DATA travel beside the stream as looks, and in the stream
 * as statements: verify.h says what that is for.
 */
#ifndef MIRRORD_VERIFY_FRAME_H
#define MIRRORD_VERIFY_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "frame.h"
#include "op.h"

enum verify_type {
	VF_BEGIN = 96, VF_NAMES, VF_DIR, VF_ATTR, VF_DATA, VF_HOLE,
	VF_BARRIER, VF_SUSPECT, VF_DONE, VF_VERDICT, VF_END,
};

#define VB_BLOCK	(128u * 1024)
#define VB_HASH_LEN	16u
#define VB_BLOCKS	8u		/* in one DATA */
#define VB_LIST_MAX	(256u * 1024)	/* bytes of NAMES */
#define VB_TEXT_MAX	2048u
#define VB_SUSPECT_MAX	(1u << 20)	/* not answered yet */

/* What a suspicion or a verdict is about. */
enum verify_kind { VK_NAME = 1, VK_ATTR, VK_DATA };

/* verify_attr.flags: the time counts. */
#define VA_TIME		1

struct verify_attr {
	uint8_t		flags;
	uint32_t	mode, uid, gid, rdev;
	uint64_t	size;
	struct timespec	mtime;
	uint8_t		xattrs[VB_HASH_LEN];
	uint8_t		target[VB_HASH_LEN];
};

/* One of them; what a type does not have is zero. */
struct verify_frame {
	uint16_t	type;
	uint64_t	oid;
	uint64_t	run;
	uint64_t	number;
	uint8_t		kind;
	uint8_t		more;
	uint32_t	what;
	uint64_t	off, len;
	char		name[OP_NAME_MAX + 1];
	char		text[VB_TEXT_MAX];
	struct verify_attr attr;
	/* Borrowed: the hashes of DATA, the list of NAMES. */
	const void	*bytes;
	size_t		bytes_len;
};

/* The whole frame into buf; its length, 0: it does not fit. */
size_t	verify_frame_put(void *buf, size_t size,
	    const struct verify_frame *v);
/* Fields after wire_open(), which gave oid.  0, or -1 on anything out of
 * bounds. */
int	verify_frame_get(struct verify_frame *v, struct frame_in *f,
	    uint64_t oid);

/* A list of names.  false: it did not fit, or there are no more. */
bool	verify_list_add(struct frame_out *list, const char *name,
	    uint64_t oid, uint32_t type);
void	verify_list_open(struct frame_in *list,
	    const struct verify_frame *v);
/* After the last one, list->bad tells whether it was a list. */
bool	verify_list_next(struct frame_in *list, char name[OP_NAME_MAX + 1],
	    uint64_t *oid, uint32_t *type);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * What verify reads of this node's tree, the same on both: attributes, names
 * and the hashes of blocks; and how an own one differs from the other node's.
 * Takes no locks.
 */
#ifndef MIRRORD_VERIFY_LOOK_H
#define MIRRORD_VERIFY_LOOK_H

#include <sys/types.h>

#include "object.h"
#include "verify-frame.h"

/* What differs; VD_READ_P, VD_READ_S: the primary, the second cannot read
 * it.  VD_STRANGE: the primary's has no id, nobody made it by the mirror. */
#define VD_MISSING	0x0001
#define VD_EXTRA	0x0002
#define VD_OTHER	0x0004
#define VD_TYPE		0x0008
#define VD_DATA		0x0010
#define VD_SIZE		0x0020
#define VD_MODE		0x0040
#define VD_OWNER	0x0080
#define VD_TIME		0x0100
#define VD_XATTR	0x0200
#define VD_TARGET	0x0400
#define VD_DEVICE	0x0800
#define VD_READ_P	0x1000
#define VD_READ_S	0x2000
#define VD_STRANGE	0x4000
#define VD_MORE		0x8000

/* "data,mode", "" for none. */
#define VERIFY_WHAT_MAX	160
const char *verify_what_str(char buf[VERIFY_WHAT_MAX], uint32_t what);
/* The inverse; words nobody knows are left out. */
uint32_t verify_what_parse(const char *text);

/* Room for looks at one time; of one thread. */
struct verify_room {
	uint8_t		*block;		/* VB_BLOCK */
	char		*list;		/* names of xattrs */
	uint8_t		*value;
};
int	verify_room_init(struct verify_room *m);
void	verify_room_fini(struct verify_room *m);

/* 0 or -errno; -ESTALE also when no name leads to it any more. */
int	verify_look_attr(struct objects *o, uint64_t oid,
	    struct verify_room *m, struct verify_attr *a);
/* Pure. */
uint32_t verify_attr_differs(const struct verify_attr *own,
	    const struct verify_attr *other);
/*
 * The hash of up to VB_BLOCK bytes at off.  The number of bytes that are
 * there, or -errno.  cold: what is in memory of it is dropped first, where
 * that is possible, so that the medium is read; keep: what is read and was
 * not in memory is not left there.
 */
ssize_t	verify_look_block(int fd, uint64_t off, size_t len,
	    struct verify_room *m, uint8_t hash[VB_HASH_LEN], bool cold);
/* Is all of it zeroes?  1, 0 or -errno; the first place that is not. */
int	verify_look_zeroes(int fd, uint64_t off, uint64_t len,
	    struct verify_room *m, uint64_t *where);

#endif

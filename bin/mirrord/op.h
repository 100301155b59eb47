/* SPDX-License-Identifier: ISC */
/*
 * One replicated change, named by object ids and never by a path.  The
 * primary builds it from a FUSE request, store_exec() carries it out on the
 * local tree, stream_enqueue() queues it for the peer, and the peer's apply
 * hands it to the same store_exec(): one code for both nodes.  xattr names
 * may hold '/'; OP_SYMLINK's data is the target, without NUL.
 */
#ifndef MIRRORD_OP_H
#define MIRRORD_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "frame.h"

/* Frame types of the replication stream. Reserved for ever, never reused. */
enum op_type {
	OP_WRITE	= 1,	/* obj off data mtime; flags OPF_KILLPRIV */
	OP_SYNC		= 2,	/* obj; flags OPF_DATAONLY; mtime */
	OP_CREATE	= 3,	/* dir name obj mode uid gid mtime */
	OP_MKDIR	= 4,	/* dir name obj mode uid gid mtime */
	OP_MKNOD	= 5,	/* dir name obj mode uid gid rdev mtime */
	OP_SYMLINK	= 6,	/* dir name obj uid gid data (target) mtime */
	OP_LINK		= 7,	/* dir name obj */
	OP_UNLINK	= 8,	/* dir name victim; no dir: an OP_TMPFILE */
	OP_RMDIR	= 9,	/* dir name victim */
	OP_RENAME	= 10,	/* dir name dir2 name2 obj victim flags */
	OP_SETATTR	= 11,	/* obj valid mode uid gid size atime mtime */
	OP_FALLOCATE	= 12,	/* obj flags (FALLOC_FL_*) off len mtime */
	OP_COPY		= 13,	/* obj (source) off, obj2 off2 len mtime */
	OP_SETXATTR	= 14,	/* obj name data flags (XATTR_*) */
	OP_REMOVEXATTR	= 15,	/* obj name */
	OP_TMPFILE	= 16,	/* dir obj mode uid gid: in stage until LINK */
	/* 32..63: session (link.h); 64..95: resync (resync.h) */
};

/* Data, and not names or attributes: meta="receipt" does not wait for it. */
static inline bool
op_is_data(enum op_type type)
{
	return type == OP_WRITE || type == OP_SYNC || type == OP_FALLOCATE ||
	    type == OP_COPY;
}

/* op.valid for OP_SETATTR */
#define OPV_MODE	0x01
#define OPV_UID		0x02
#define OPV_GID		0x04
#define OPV_SIZE	0x08
#define OPV_ATIME	0x10
#define OPV_MTIME	0x20
#define OPV_ALL		0x3f

#define OPF_DATAONLY	0x01	/* OP_SYNC: fdatasync(2) */
#define OPF_RECEIVED	0x04	/* OP_SYNC: answer when applied, no sync */
#define OPF_KILLPRIV	0x02	/* OP_WRITE: clears setuid and setgid */

#define OP_NAME_MAX	255
#define OP_DATA_MAX	(1024 * 1024)

struct op {
	enum op_type	 type;
	uint64_t	 seq;		/* in the stream; 0 before enqueue */
	uint64_t	 dir;
	uint64_t	 dir2;
	uint64_t	 obj;
	uint64_t	 obj2;		/* OP_COPY: destination */
	uint64_t	 victim;	/* what the name held before; 0 none */
	char		 name[OP_NAME_MAX + 1];	/* also the xattr's name */
	char		 name2[OP_NAME_MAX + 1];
	uint32_t	 valid;
	uint32_t	 flags;
	uint32_t	 mode;
	uint32_t	 uid;		/* creation: UINT32_MAX: as made */
	uint32_t	 gid;
	uint32_t	 rdev;
	uint64_t	 off;
	uint64_t	 off2;
	uint64_t	 len;
	uint64_t	 size;
	struct timespec	 atime;
	struct timespec	 mtime;		/* all zero: leave */
	/* Of dir and dir2 after the op (R45); zero: as it comes. */
	struct timespec	 dir_mtime;
	struct timespec	 dir2_mtime;
	const void	*data;		/* borrowed */
	size_t		 data_len;
};

/* The object the common part of the frame names: obj, else the victim. */
uint64_t op_oid(const struct op *op);
/* No frame of op is longer than this. */
size_t	op_frame_max(const struct op *op);
/* The whole frame: wire_begin(), the fields; frame_end() is the caller's. */
void	op_put(struct frame_out *f, void *buf, size_t size,
	    const struct op *op);
/* Fields after wire_open(), which gave oid; the sequence is f's.
 * 0, or -1 (EPROTO) on anything out of bounds: names with '/' or NUL, "."
 * and "..", lengths, unknown type.  data points into the frame. */
int	op_get(struct op *op, struct frame_in *f, uint64_t oid);
const char *op_name(enum op_type type);

#endif

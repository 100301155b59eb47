/* SPDX-License-Identifier: ISC */
/*
 * Frames, S source, T target; the common part's oid is named first:
 *
 *	BEGIN	   S 0    raw16 generation, u8 verdict
 *	SLOTS	   T 0    u16 n, n x (u8 kind, u64 oid, u64 extent)
 *	SLOTS_END  T 0    u8 1: the logs of the target cannot be trusted
 *	KEPT	   S 0    the slots are in the source's durable log
 *	TARGET	   T 0    `resyncing' is durable, level is 0
 *	NAMES	   S dir  u8 flags, u8 root, 32 bytes buckets, u32 n,
 *			  n x (str name, u64 oid or 0, u32 mode)
 *	MISSING	   T dir  u32 n, n x (str name, u64 oid)
 *	LINK	   S dir  str name, u64 obj, u8 root, u32 mode, uid, gid, rdev,
 *			  bytes symlink target
 *	NEED	   T obj  u32 mode, u8 1: made now, 0: adopted, compare it,
 *			  2: adopted, and compare it if it is not the same by
 *			  i64 since, u64 size, i64 + u32 mtime; 2 only to who
 *			  says LHF_SINCE
 *	RETRY	   T dir  str name
 *	SIZE	   S obj  u64 size
 *	DATA	   S obj  u64 off, bytes
 *	HOLE	   S obj  u64 off, u64 len
 *	HASH	   S obj  u64 off, u64 len, bytes: 16 a block of 4 KiB
 *	WANT	   T obj  u64 off, u64 len, bytes: a bit a block
 *	ATTR	   S obj  u32 mode, uid, gid, i64 + u32 atime, mtime,
 *			  u32 n, n x str xattr name
 *	XATTR	   S obj  str name, bytes value
 *	BARRIER	   S 0    u64 number, u8 1: and make all durable
 *	DONE	   T 0    u64 number
 *	FINAL	   S 0    nothing follows outside the stream
 *	EQUAL	   T 0    stage is empty, all is durable
 *	JOIN	   S 0    epoch since, bytes gen of the source
 *	LEVEL	   T 0    level is durable
 *	FAIL	   T 0    str why
 *	TOTAL	   S 0    u64 bytes to compare or copy, as far as is known; only
 *			  to who says LHF_TOTAL
 */
#ifndef MIRRORD_RESYNC_FRAME_H
#define MIRRORD_RESYNC_FRAME_H

#include "actlog.h"

enum resync_frame {
	RF_BEGIN = 64, RF_SLOTS, RF_SLOTS_END, RF_KEPT, RF_TARGET, RF_NAMES,
	RF_MISSING, RF_LINK, RF_NEED, RF_RETRY, RF_SIZE, RF_DATA, RF_HOLE,
	RF_HASH, RF_WANT, RF_ATTR, RF_XATTR, RF_BARRIER, RF_DONE, RF_FINAL,
	RF_EQUAL, RF_JOIN, RF_LEVEL, RF_FAIL, RF_TOTAL,
};

#define RB_BLOCK	4096u
#define RB_EXTENT	ACTLOG_EXTENT
#define RB_BLOCKS	(RB_EXTENT / RB_BLOCK)
#define RB_HASH_LEN	16u
#define RB_ROOT_NONE	255u
#define RB_XATTR_MAX	65536u

/* NAMES: names listed, all of some buckets, all; the last frame of them. */
#define NAMES_BUCKETS	1
#define NAMES_LAST	2

/* NEED. */
#define NEED_MADE	1
#define NEED_TIMES	2

#endif

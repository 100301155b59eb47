/* SPDX-License-Identifier: ISC */
/*
 * What the files of the resync share: frames, state of both ends.
 *
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
 *	NEED	   T obj  u32 mode, u8 1: made now, 0: adopted, compare it
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
 */
#ifndef MIRRORD_RESYNC_INT_H
#define MIRRORD_RESYNC_INT_H

#include <pthread.h>
#include <xxhash.h>

#include "clock.h"

#include "dirty.h"
#include "oidset.h"
#include "resync.h"
#include "wire.h"

enum resync_frame {
	RF_BEGIN = 64, RF_SLOTS, RF_SLOTS_END, RF_KEPT, RF_TARGET, RF_NAMES,
	RF_MISSING, RF_LINK, RF_NEED, RF_RETRY, RF_SIZE, RF_DATA, RF_HOLE,
	RF_HASH, RF_WANT, RF_ATTR, RF_XATTR, RF_BARRIER, RF_DONE, RF_FINAL,
	RF_EQUAL, RF_JOIN, RF_LEVEL, RF_FAIL,
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

enum resync_side { RS_NONE, RS_SOURCE, RS_TARGET };

struct missing {
	uint64_t	 dir;
	uint64_t	 oid;
	char		*name;
};

struct fresh {
	uint64_t	oid;
	uint32_t	mode;
	bool		made;
};

struct want {
	struct want	*next;
	uint64_t	 oid;
	uint64_t	 off;
	uint64_t	 len;
	uint8_t		 bitmap[RB_BLOCKS / 8];
};

struct resync {
	struct resync_conf conf;
	pthread_mutex_t	 lock;
	pthread_cond_t	 cond;
	enum resync_side side;
	pthread_t	 thread;
	bool		 has_thread;
	bool		 stop;
	struct resync_status st;
	struct mono	 began;

	/* source: answers, under the lock */
	struct meet	 meet;
	bool		 got_slots, got_target, got_equal, got_level;
	bool		 slots_bad;
	struct dirtyset	*slots;
	uint64_t	 barrier, barrier_done;
	struct missing	*missing;
	size_t		 missing_count, missing_room;
	struct fresh	*fresh;
	size_t		 fresh_count, fresh_room;
	struct dirtyset	*retry;
	struct want	*want, **want_end;
	unsigned	 hash_open;
	/* of the thread that works: the source's, the target's link */
	uint8_t		*buf;		/* a frame being built */
	uint8_t		*scratch;	/* an extent */
	char		*names;		/* of xattrs */
	uint8_t		*value;		/* of one */
	/* source: of its thread alone */
	struct mono	 deadline;	/* of a pass under the freeze */

	/* target: of the thread that brings frames */
	struct gen	 source;
	bool		 begun, changing;
	char		**acc;		/* names of the directory at hand */
	size_t		 acc_count, acc_room;
	uint64_t	 acc_dir;
	uint64_t	 foreign;	/* number of things staged without id */
	char		**doomed;	/* in stage at FINAL, "root/name" */
	size_t		 doomed_count;
};

/* One walk over a set. */
struct pass {
	struct resync	*r;
	const struct dirtyset *set;
	const struct dirtyset *marks;	/* of the first pass: rule R15 */
	bool		 full;
	bool		 by_hash;	/* equal generations: nothing is sure */
	/* kept over all passes */
	struct oidset	 seen;
	/* of this pass */
	uint64_t	*walk;
	size_t		 walk_count, walk_room;
	uint64_t	*next;		/* directories of the next level */
	size_t		 next_count, next_room;
	struct oidset	 compare;
	struct oidset	 fresh;
	struct oidset	 attr;
	struct oidset	 missing;
	struct oidset	 deferred;
};

/* resync.c.  resync_send: 0 or -1 (no connection, stopped).  resync_barrier:
 * everything sent is answered.  resync_is_late: past the freeze's bound. */
void	resync_frame(struct resync *r, struct frame_out *f, uint16_t type,
	    uint64_t oid);
int	resync_send(struct resync *r, struct frame_out *f);
int	resync_barrier(struct resync *r, bool durable);
void	resync_fail(struct resync *r, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
bool	resync_is_late(struct resync *r);
int	resync_stat(struct resync *r, uint64_t oid, struct stat *st);

/* resync-source.c */
void	*resync_source_main(void *arg);
int	resync_source_frame(struct resync *r, struct frame_in *f,
	    uint64_t oid);
/* resync-names.c, resync-data.c: 0 or -1. */
int	resync_names(struct pass *p);
int	resync_data(struct pass *p);
int	resync_attrs(struct pass *p);

/* resync-target.c, resync-stage.c: 0, or -1: close. */
int	resync_target_frame(struct resync *r, struct frame_in *f,
	    uint64_t oid);
void	resync_target_fini(struct resync *r);
/* Takes dir/name out of the way.  0 or -errno. */
int	resync_stage(struct resync *r, uint64_t dir, const char *name);
/* Puts the directory obj at dir/name, wherever it is now.  0 or -errno. */
int	resync_relocate(struct resync *r, uint64_t dir, const char *name,
	    uint64_t obj);
/* A directory that is not here yet, in stage.  0 or -errno. */
int	resync_placeholder(struct resync *r, uint64_t dir, unsigned root);
/* What is in stage now is to go; and: is removed.  0 or -errno. */
int	resync_doom(struct resync *r);
int	resync_empty_stage(struct resync *r);
/* resync-write.c: content and attributes at the target. */
int	resync_write_frame(struct resync *r, struct frame_in *f,
	    uint64_t oid);
/* Tells the source and stops; always -1. */
int	resync_refuse(struct resync *r, const char *what, int err);
void	resync_reply_retry(struct resync *r, uint64_t dir, const char *name);
/* An error of the local file system that makes going on senseless. */
bool	resync_is_fatal(int err);

#endif

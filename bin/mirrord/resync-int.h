/* SPDX-License-Identifier: ISC */
/*
 * What the files of the resync share: the state of both ends.
 */
#ifndef MIRRORD_RESYNC_INT_H
#define MIRRORD_RESYNC_INT_H

#include <pthread.h>
#include <sys/stat.h>

#include "clock.h"
#include "pace.h"
#include "resync.h"
#include "resync-frame.h"
#include "wire.h"

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
	/* Not made: of the target's file; since_s 0: not told. */
	int64_t		since_s;
	uint64_t	size;
	struct timespec	mtime;
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
	uint64_t	 total_told;
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
	struct pace	 pace;		/* the source's thread */

	/* target: of the thread that brings frames */
	struct gen	 source;
	struct aside	*aside;
	bool		 begun, changing;
	char		**acc;		/* names of the directory at hand */
	size_t		 acc_count, acc_room;
	uint64_t	 acc_dir;
	uint64_t	 foreign;	/* number of things staged without id */
	char		**doomed;	/* in stage at FINAL, "root/name" */
	size_t		 doomed_count;
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
/* What is in stage now is to go; and: is removed. */
int	resync_doom(struct resync *r);
int	resync_empty_stage(struct resync *r);
/* resync-write.c: content and attributes at the target. */
int	resync_write_frame(struct resync *r, struct frame_in *f,
	    uint64_t oid);
/*
 * resync-aside.c: the target's own history.  begin: before `resyncing' is
 * stored; before: an object is about to change; compared, settle, last, end:
 * aside.h.  Each 0, or -1: refused, close.
 */
struct actlog_slot;
/* Of a stopped node's edits, as slots of an activity log; the caller's.
 * *all: they are not known one by one. */
struct actlog_slot *resync_edits(struct resync *r, unsigned *count,
	    bool *all);
int	resync_aside_begin(struct resync *r);
int	resync_aside_before(struct resync *r, uint64_t oid);
int	resync_aside_settle(struct resync *r, bool durable);
int	resync_aside_last(struct resync *r);
int	resync_aside_end(struct resync *r);
/* Tells the source and stops; always -1. */
int	resync_refuse(struct resync *r, const char *what, int err);
void	resync_reply_retry(struct resync *r, uint64_t dir, const char *name);
/* An error of the local file system that makes going on senseless. */
bool	resync_is_fatal(int err);

#endif

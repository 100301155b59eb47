/* SPDX-License-Identifier: ISC */
/*
 * The durable record of what this node's data is: generations, epoch, level,
 * alone.  Two preallocated 4 KiB slots written in turn in place with O_DSYNC
 * and crc32c (rule R20); reserved to 4 KiB, zero.  Decisions about it are
 * pure functions here and in meet.h.
 */
#ifndef MIRRORD_GEN_H
#define MIRRORD_GEN_H

#include <stdbool.h>
#include <stdint.h>

#include "epoch.h"

#define GEN_HISTORY	8
#define GEN_UUID_LEN	16

struct gen_uuid {
	uint8_t	byte[GEN_UUID_LEN];	/* all zero: none */
};

enum gen_role { GR_NONE, GR_PRIM, GR_SECOND };

struct gen {
	struct epoch	 fence;		/* highest ballot used or followed */
	struct epoch	 epoch;		/* last held as role */
	enum gen_role	 role;
	struct epoch	 since;		/* epoch it joined the set at */
	struct gen_uuid	 current;
	struct gen_uuid	 base;
	struct gen_uuid	 history[GEN_HISTORY];
	bool		 level;
	bool		 alone;
	struct epoch	 handed;	/* epoch handed over, none if zero */
	uint8_t		 handed_to;	/* node id */
	struct gen_uuid	 resyncing;	/* target of this generation */
	bool		 unclean;
	/* R42: wall ns of a clean stop, 0 none; its negative: something was
	 * changed since then, by others. */
	int64_t		 clean_stop_ns;
	uint64_t	 session;	/* R23: start, role change */
	uint64_t	 peer_session;	/* highest seen of the peer */
	bool		 dirty_all;	/* R20 */
	uint64_t	 oid_next;	/* R33 */
	uint16_t	 store_number;
	uint16_t	 peer_store_number;
	uint64_t	 peer_durable;
	struct epoch	 voter[8];	/* highest ballot each voter answered */
};

struct gen_file;

/* Opens or creates `gen' in dirfd.  NULL with errno; EBADMSG: neither slot
 * is readable (not promotable, full comparison: rule R22). */
struct gen_file	*gen_open(int state_dirfd, const char *module, uint8_t node);
/* After EBADMSG, when the operator or the role machine decided to go on: a
 * new record, not flagged new, with nothing in it.  0, or -1 with errno. */
int		 gen_create(int state_dirfd, const char *module, uint8_t node);
/* True when a record of gen was ever written here: then a missing log is a
 * lost one (rule R22). */
bool		 gen_was_written(int state_dirfd, const char *module,
		    uint8_t node);
void		 gen_close(struct gen_file *f);
/* A copy of the present record.  is_new: never written. */
void		 gen_read(struct gen_file *f, struct gen *g);
bool		 gen_is_new(const struct gen_file *f);
/* Durable when it returns 0; -1 with errno. Thread-safe. */
int		 gen_write(struct gen_file *f, const struct gen *g);
/*
 * Read, change, write under the file's lock: for all who share the record.
 * 0; -1 with errno, and the record is as before.
 */
int		 gen_update(struct gen_file *f,
		    void (*change)(struct gen *g, void *arg), void *arg);
/* No log of this node tells what differs: everything is compared at the next
 * meeting.  0, also where that stands there already; -1 with errno. */
int		 gen_distrust_logs(struct gen_file *f);

/* The fields as they stand in a slot and in WT_HELLO: big-endian, 1 KiB. */
#define GEN_ENCODED_LEN	1024
void		 gen_encode(uint8_t out[GEN_ENCODED_LEN],
		    const struct gen *g);
/* 0, or -1 (EPROTO): a value no writer makes. */
int		 gen_decode(struct gen *g, const uint8_t in[GEN_ENCODED_LEN]);

/*
 * Pure.  base is the generation the dirty log counts from; it is none while
 * the peer is level.  gen_begin: a new generation begins as this node goes
 * alone: current moves to history, and to base unless base is still in use;
 * `resyncing' ends, and then only a full comparison helps (rule R50).
 * gen_joined: the source, when the peer's level is durable there: base none.
 * gen_follow: the target, at the join: it is what `source' is.
 * gen_target: the target, before its first byte changes (rule R49).
 */
void		 gen_begin(struct gen *g, const struct gen_uuid *fresh);
void		 gen_joined(struct gen *g);
void		 gen_follow(struct gen *g, const struct gen *source);
void		 gen_target(struct gen *g, const struct gen_uuid *of);
bool		 gen_uuid_equal(const struct gen_uuid *a,
		    const struct gen_uuid *b);
bool		 gen_uuid_is_none(const struct gen_uuid *u);
void		 gen_uuid_random(struct gen_uuid *u);
#define GEN_UUID_STR 37
const char	*gen_uuid_str(char buf[GEN_UUID_STR],
		    const struct gen_uuid *u);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Brings the other node level while the application runs: both ends of it,
 * over frames 64..95 beside the stream.  The source walks what the peer
 * lacks in passes: names, then data, then attributes; what changes
 * meanwhile is noted and belongs to the next pass; the last, small one runs
 * under a bounded freeze, and from its end on the stream carries everything
 * (strict phase).  A crash of either side at any point starts again from
 * the set.  How each step is made durable: resync.c, holdfast-failures(7).
 *
 * Order at the source's role machine:
 *	link on_meet -> meet_decide() -> resync_source_start()
 *	strict(): the stream is switched on, under the freeze
 *	on_event(RE_READY): the peer is equal and synced; `ready=1'
 *	role: gen.alone cleared, durable -> resync_join()
 *	on_event(RE_JOINED): the peer's level is durable, base and log cleared
 * at the target's:
 *	link on_meet -> meet_decide() -> resync_target_start()
 *	its own history is set aside, if it has one (aside.h)
 *	on_event(RE_INCONSISTENT): `resyncing' is durable, level is 0
 *	on_event(RE_READY): equal;  on_event(RE_JOINED): level is durable
 */
#ifndef MIRRORD_RESYNC_H
#define MIRRORD_RESYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "actlog.h"
#include "aside.h"
#include "change.h"
#include "frame.h"
#include "gen.h"
#include "meet.h"
#include "object.h"

struct resync;

enum resync_event {
	RE_INCONSISTENT, RE_READY, RE_JOINED,
	RE_ASIDE,	/* what is set aside here has changed */
	RE_FAILED,	/* the connection should be broken; see status.error */
};

/* One node's parts; all borrowed. */
struct resync_conf {
	struct objects	*objects;
	unsigned	 root_count;
	struct gen_file	*gen;
	struct change	*change;	/* source */
	struct actlog	*actlog;
	uint8_t		 node;
	const char	*peer_name;	/* it lost to, for LIST */
	/* Source, bytes a second; 0: no bound.  Not under the freeze, and not
	 * what is replicated meanwhile. */
	uint64_t	 rate_bytes_s;
	/* Target: receipts are acknowledgements (rule L14). */
	bool		 unclean;
	/* link_send(): blocks until the kernel took it; 0 or -1. */
	int		(*send)(struct frame_out *f, void *arg);
	/* Source, under the freeze: stream_set(SS_BOTH) and link_stream().
	 * 0, or -1: the pass is given up. */
	int		(*strict)(void *arg);
	/* From resync's threads or inside resync_on_frame(). */
	void		(*on_event)(enum resync_event e, void *arg);
	void		*arg;
};

enum resync_phase {
	RP_NONE, RP_HANDSHAKE, RP_ASIDE, RP_ACTLOG, RP_INCREMENTAL, RP_FULL,
	RP_STRICT,
};

struct resync_status {
	enum resync_phase phase;
	uint64_t	done_bytes;
	uint64_t	total_bytes;
	uint64_t	rate_bytes_s;
	int64_t		eta_s;		/* -1 unknown */
	uint64_t	names;		/* names looked at */
	uint64_t	objects;	/* objects compared */
	uint64_t	files;		/* files opened for their data */
	uint64_t	trusted;	/* taken as equal by size and times */
	uint64_t	sent_bytes;	/* of file data */
	uint64_t	hashed_bytes;
	unsigned	passes;
	int64_t		freeze_ms;	/* the longest so far */
	/* need: what this node has of its own finds no room (target). */
	struct aside_room room;
	char		error[160];	/* "" or why it stopped */
};

struct resync	*resync_new(const struct resync_conf *conf);
void		 resync_free(struct resync *r);

/* m: MV_EQUAL, MV_INCREMENTAL or MV_FULL.  0 or -errno. */
int		 resync_source_start(struct resync *r, const struct meet *m);
/* source: the peer's record of this meeting; its frames are taken now. */
int		 resync_target_start(struct resync *r,
		    const struct gen *source, const struct meet *m);
/* What runs on this end gives up soon; from any thread. */
void		 resync_cancel(struct resync *r);
/* The connection or the role ended.  Waits for our thread; not to be called
 * from on_event. */
void		 resync_stop(struct resync *r);
/* A frame of 64..95; -1: close the connection. */
int		 resync_on_frame(struct resync *r, struct frame_in *f,
		    uint64_t oid);
/* Source, after RE_READY and after `alone' was cleared durably. */
int		 resync_join(struct resync *r, struct epoch since);
void		 resync_status(struct resync *r, struct resync_status *s);
const char	*resync_phase_str(enum resync_phase p);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The secondary's side: carries out the primary's frames in their order, on
 * the thread that received them, and hands the syncs back as jobs that may
 * run beside the stream.  A SYNC starts when everything before it is applied
 * and syncs its object only (rule R4).  "Applied" is in the kernel, which
 * outlives mirrord: that is what "received" means here (rule R6).
 */
#ifndef MIRRORD_APPLY_H
#define MIRRORD_APPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "object.h"
#include "op.h"
#include "wire.h"

struct apply;

struct apply_calls {
	/*
	 * An op failed here with errno err (ENOSPC, EIO, EROFS, EDQUOT ...),
	 * or could not be done because this tree is not the primary's:
	 * returns when "not level" is durable, and with op what of it is to
	 * be compared at the reunion (rule R25).  0 or -errno.
	 */
	int	(*not_level)(int err, const struct op *op, void *arg);
	/* A frame of 64..111, in order; as link_calls.on_frame. */
	int	(*on_frame)(struct frame_in *f, uint64_t oid, void *arg);
	/* The primary acknowledges on our receipt: returns when `unclean' is
	 * durable (rule L14).  0 or -errno. */
	int	(*receipt)(void *arg);
};

/* Memory that keepd holds (a memfd): what was applied, for the next life. */
#define APPLY_MEMORY_SIZE	4096

/* memory: zeros at first; NULL: a restart has to resync. */
struct apply	*apply_new(struct objects *o, void *memory,
		    const struct apply_calls *calls, void *arg);
void		 apply_free(struct apply *a);

/* What hello says: stream 0 when nothing is known. */
void		 apply_marks(struct apply *a, uint64_t *stream_id,
		    uint64_t *applied);
/* A stream begins or goes on: the next queued frame is `next'.  Frames at or
 * below what was applied of the same stream are dropped, but for syncs. */
void		 apply_begin(struct apply *a, uint64_t stream_id,
		    uint64_t next);
/* The data was changed by others (role none, prim): marks mean nothing. */
void		 apply_forget(struct apply *a);

enum apply_result {
	AR_DONE,	/* applied, or dropped as a repeat */
	AR_SYNC,	/* run apply_job() when convenient, in any order */
	AR_FAILED,	/* "not level" is durable: report, then close */
	AR_BROKEN,	/* gap or nonsense: close the connection */
};

struct apply_job {
	enum apply_result result;
	uint16_t	type;		/* OP_SYNC or WT_CHECKPOINT */
	uint64_t	seq;
	uint64_t	oid;
	uint64_t	dir;
	uint32_t	flags;
	int		fd;		/* apply's: opened in order */
	bool		answer_now;	/* say `applied' without delay */
	int		err;		/* positive errno of the failure */
	char		name[OP_NAME_MAX + 1];
};

/* The frame f, opened by wire_open() as w.  One thread at a time. */
enum apply_result apply_frame(struct apply *a, struct frame_in *f,
		    const struct wire *w, struct apply_job *job);
/* A job, once each, on any thread.  AR_DONE (answer it) or AR_FAILED. */
enum apply_result apply_run(struct apply *a, struct apply_job *job);
/* Newest sequence applied. */
uint64_t	 apply_applied(struct apply *a);
/* Before promotion, after link_stop(): all jobs ended, checkpoint durable
 * (rule R5).  0 or -errno. */
int		 apply_drain(struct apply *a);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The intake ring of one mount: slots in shared memory that keepd holds.
 * Each worker reads /dev/fuse straight into a slot, so that a successor finds
 * exactly what was fetched and not answered (rules R54 to R58):
 *
 *	free -> reading -> fetched -> intent -> done -> free
 *
 * `intent' holds the evidence taken before the local call, `done' the result
 * before the reply.  Knows nothing of what a request means.
 */
#ifndef MIRRORD_INTAKE_H
#define MIRRORD_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence.h"

/* Threads of one mount, and those of them that may wait in a sync. */
#define INTAKE_THREADS	128
#define INTAKE_WAITING	96
#define INTAKE_SLOTS	256

enum slot_state {
	SLOT_FREE, SLOT_READING, SLOT_FETCHED, SLOT_INTENT, SLOT_DONE
};

/* How far the requests were that an earlier life left. */
struct intake_found {
	unsigned	answered;	/* its answer may have been lost */
	unsigned	begun;		/* the call may have been made: R56 */
	unsigned	fetched;
};

#define SLOT_REPLY_MAX	256

/* In shared memory. */
struct slot {
	uint32_t	state;
	int32_t		error;		/* done: of the reply */
	uint32_t	reply_len;
	uint32_t	unused;
	struct evidence	ev;
	uint8_t		reply[SLOT_REPLY_MAX];
};

struct intake;

struct intake_calls {
	/*
	 * One request; `data' has FUSE_BUF_LEN bytes, of which a reply may
	 * use those from 4096 on.  Answers it, and leaves the state to us.
	 */
	void	(*serve)(struct slot *s, void *data, size_t len, void *arg);
	/* May it wait for a disk or the peer (a sync)? */
	bool	(*may_wait)(const void *data, size_t len);
};

size_t		 intake_size(void);
/* memory: zeros or what an earlier life left, behind memfd; fuse_fd is the
 * caller's.  NULL: not this format. */
struct intake	*intake_new(void *memory, size_t size, int memfd, int fuse_fd,
		    const struct intake_calls *calls, void *arg);
/* After intake_join(), or before intake_start(). */
void		 intake_free(struct intake *in);
/*
 * Serves what an earlier life left, in the calling thread; what may wait is
 * put off for the workers: it may need the peer, which needs us.
 * intake_start() does it by itself.
 */
struct intake_found	 intake_recover(struct intake *in);
/* Recovery first, complete, in one thread; then the workers. */
void		 intake_start(struct intake *in);
/* Waits for the workers, which end when the mount does. */
void		 intake_join(struct intake *in);
/* Gives pages of long idle slots back. */
void		 intake_trim(struct intake *in);

/* Transitions, by who serves. */
void		 slot_intent(struct slot *s, const struct evidence *ev);
void		 slot_done(struct slot *s, int error, const void *reply,
		    size_t len);

#endif

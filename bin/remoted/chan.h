/* SPDX-License-Identifier: ISC */
/*
 * One sealed connection on the loop: handshake, frames in order both ways,
 * bounds on memory and patience.  What the frames say is the owner's.
 */
#ifndef REMOTED_CHAN_H
#define REMOTED_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"
#include "loop.h"
#include "remote.h"
#include "seal.h"

struct chan;

enum chan_end {
	CHAN_CLOSED,		/* by the other end */
	CHAN_SILENT,		/* no record for too long */
	CHAN_STRANGER,		/* not our protocol, or another version */
	CHAN_SEAL,		/* another key */
	CHAN_BROKEN,		/* a record does not open */
	CHAN_GARBLED,		/* a frame that makes no sense */
	CHAN_FULL,		/* does not read what we send */
};

struct chan_calls {
	/* The handshake is over.  May be NULL. */
	void	(*on_ready)(struct chan *c, void *arg);
	/*
	 * One frame; false when it makes no sense: the end, CHAN_GARBLED.
	 */
	bool	(*on_frame)(struct chan *c, struct frame_in *f, void *arg);
	/* Everything was sent.  May be NULL. */
	void	(*on_sent)(struct chan *c, void *arg);
	/* Once, and nothing after it; the owner frees now or later. */
	void	(*on_end)(struct chan *c, enum chan_end why, void *arg);
	/*
	 * Server: the key of an invitation into *key, or false.  NULL: no
	 * such connections.
	 */
	bool	(*on_join)(struct chan *c, const char *id,
		    struct seal_key *key, void *arg);
};

/*
 * fd is connected or connecting, non-blocking, and the channel's from now
 * on.  keys are copied.  A client with join_id uses keys->key[0] as is.
 */
struct chan	*chan_new(struct loop *l, int fd, bool is_server,
		    const struct seal_ring *keys,
		    const struct chan_calls *calls, void *arg);
void		 chan_free(struct chan *c);
/*
 * Queues a frame; false when the end is near: on_end comes or came.  A frame
 * of length 0 did not fit its buffer and is refused, too.
 */
bool		 chan_send(struct chan *c, const void *frame, size_t len);
/* More than enough waits to be sent: bring no more until on_sent. */
bool		 chan_is_full(const struct chan *c);
/* Bytes that wait. */
size_t		 chan_queued(const struct chan *c);
bool		 chan_is_ready(const struct chan *c);
/* A record opened: the other end has the key, here and now. */
bool		 chan_is_proved(const struct chan *c);
/* The other end may be silent for so long; 0: for ever. */
void		 chan_patience(struct chan *c, int64_t ms);
/* No bytes are read until it is called with false. */
void		 chan_pause(struct chan *c, bool pause);
/* What both ends said in the handshake, hashed: what a proof is bound to. */
void		 chan_transcript(const struct chan *c, uint8_t out[32]);
const char	*chan_end_text(enum chan_end why);

#endif

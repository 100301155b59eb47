/* SPDX-License-Identifier: ISC */
/*
 * Who is alive: timeouts, loss, own lateness, lease arithmetic.  Pure; time
 * is an argument.
 *
 * struct ear is what was heard of a peer, whoever asks.  struct beat is what
 * one module, with its own timeout and networks, makes of it.
 */
#ifndef HEARTD_BEAT_H
#define HEARTD_BEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "cluster.h"

enum beat_state {
	BEAT_UNKNOWN,		/* did not listen long enough to say */
	BEAT_UP,
	BEAT_DOWN,
};

/* When the newest fresh datagram of a peer arrived, a network. */
struct ear {
	struct mono	heard[CLUSTER_LAN_MAX];
};

struct beat {
	int64_t		timeout_ms;
	int64_t		loss_ms;	/* D: silence told to the write path */
	unsigned	lans;		/* bit per network of the module */
	struct mono	since;		/* listening without a gap since */
	bool		ever_up;
	enum beat_state	peer;
	enum beat_state	lan[CLUSTER_LAN_MAX];
	bool		is_lost;	/* silent for D */
};

/* What beat_update() changed, for the caller to publish. */
struct beat_change {
	unsigned	lans;		/* bit per network that changed */
	bool		peer;
	bool		loss;
	int64_t		silence_ms;	/* over all networks of the module */
	int64_t		lan_silence_ms[CLUSTER_LAN_MAX];
};

/* since: from when on this process has listened without a gap. */
void	beat_init(struct beat *b, int64_t timeout_ms, unsigned lans,
	    struct mono since);
/* The module has other timers or networks now; opinions follow at once. */
void	beat_set(struct beat *b, int64_t timeout_ms, int64_t loss_ms,
	    unsigned lans);
/* This node itself was late: it knows nothing until it listened again. */
void	beat_void(struct beat *b, struct mono now);
/*
 * Brings the opinion up to `now'; true when *c holds a change.  All sockets
 * must have been read empty up to `now' before.
 */
bool	beat_update(struct beat *b, const struct ear *e, struct mono now,
	    struct beat_change *c);
/* When beat_update() will next have something to say without a datagram. */
struct mono	beat_deadline(const struct beat *b, const struct ear *e);
const char	*beat_state_name(enum beat_state s);

/* D where nobody says otherwise: 0.6 T. */
int64_t	beat_loss_ms(int64_t timeout_ms);

/* Own lateness: the longest time in which this process did not run. */
struct wake {
	struct mono	last;
	int64_t		late_max_ms;
};

/*
 * Called first on every wake-up.  `due' is when the timer was to fire.  The
 * time since the last wake-up in milliseconds: more than a module's timeout
 * means that module's opinions are void.
 */
int64_t	wake_up(struct wake *w, struct mono due, struct mono now);

/*
 * When each pulse left, for lease and round trip.  256 pulses are 0.7 s at
 * the fastest pulse of 3 ms, whose lease is 30 ms.
 */
#define SENT_RING	256

struct sent {
	uint64_t	newest;
	struct mono	at[SENT_RING];
};

/* The next pulse leaves now: its number, from 1 on. */
uint64_t	sent_next(struct sent *s, struct mono now);
/* 0 ("never") for a number that was not sent or is too long ago. */
struct mono	sent_at(const struct sent *s, uint64_t number);

/* L6: lease from the send time of the newest echoed beat. */
struct mono	lease_until(struct mono sent, int64_t timeout_ms);
/* L7: grant from the receive time: L (1 + 1 %) + G, G = max(5 ms, T/10). */
struct mono	grant_until(struct mono received, int64_t timeout_ms);

#endif

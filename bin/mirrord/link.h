/* SPDX-License-Identifier: ISC */
/*
 * The one sealed TCP session of a module: the secondary connects, the
 * primary listens.  Carries the stream (stream.h) to the peer's apply
 * (apply.h), the marks back, and the frames of resync both ways.  Decides
 * nothing: who may talk to whom is said by on_meet.
 *
 * A connection: name and version in clear; seal hello; WT_HELLO both ways;
 * on_meet on both sides; then frames.  Frames of another connection or
 * epoch are never used (rules R27, L11).  What was received completely is
 * applied even when the connection then ends; a torn last frame is dropped.
 *
 * Calls come from the link's own threads.  They may block, and then the
 * stream waits; they must not call link_stop(), which waits for them: nor
 * may its caller hold a lock that they take.
 */
#ifndef MIRRORD_LINK_H
#define MIRRORD_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "apply.h"
#include "gen.h"
#include "keys.h"
#include "seal.h"
#include "stream.h"
#include "wire.h"

#define LINK_MODULE_MAX	64
#define LINK_ADDR_MAX	8

enum link_side { LS_SECOND, LS_PRIMARY };

/* All but the keys is copied. */
struct link_conf {
	const char	*module;
	uint32_t	 module_id;
	uint8_t		 node;
	uint8_t		 peer;
	struct keys	*keys;		/* not copied; "mirrord MODULE" */
	/* Numeric addresses, flow network first. */
	const char	*own_addr[LINK_ADDR_MAX];	/* primary listens */
	const char	*peer_addr[LINK_ADDR_MAX];	/* second connects */
	uint16_t	 port;
	bool		 names_wait;	/* meta="receipt": said at once */
};

/*
 * What each side says of itself.  A queue goes on after a reconnection when
 * stream_id is the same on both sides and the second's applied + 1 is not
 * below the primary's first (rule R59).
 */
struct link_hello {
	uint8_t		node;
	uint32_t	module_id;
	char		module[LINK_MODULE_MAX];
	struct epoch	epoch;
	uint64_t	connection;	/* the primary's number counts */
	uint64_t	stream_id;	/* second: of what it applied; 0 none */
	uint64_t	first, last;	/* primary: oldest, newest queued */
	uint64_t	applied;	/* second: newest applied */
	uint32_t	flags;		/* LHF_ */
	uint64_t	root_session;	/* in the root's xattr, 0 unknown */
	struct gen	gen;
};

#define LHF_FULLSYNC	0x01	/* second: may be overwritten (fullsync=1) */
#define LHF_MEMBER	0x02	/* primary: you are in the set */
#define LHF_NEW		0x04	/* gen was never written */
#define LHF_GEN_BAD	0x08	/* gen was not readable (R22) */
#define LHF_LOG_BAD	0x10	/* al or dirty was not readable (R22) */
#define LHF_PRIMARY	0x20	/* serves now */
#define LHF_HOLD	0x40	/* knows WT_HOLD, WT_HELD and WT_FREE */
#define LHF_ASIDE	0x80	/* sets edits of a stopped node aside unasked */
#define LHF_YIELD	0x100	/* second: another history too */
#define LHF_VERIFY	0x200	/* knows frames 96..106 */
#define LHF_TOTAL	0x400	/* second: knows RF_TOTAL */
#define LHF_SINCE	0x800	/* primary: knows RF_NEED with times */
#define LHF_RULES_SHIFT	16	/* excludes_mark() */

/* The peer could not carry out an op (rule R25). */
struct link_error {
	uint64_t	seq;
	uint64_t	oid;
	uint64_t	dir;		/* 0: no name concerned */
	int		err;		/* positive errno of Linux */
	bool		level;		/* an older build, which goes on */
	char		name[OP_NAME_MAX + 1];
};

struct link_calls {
	/* The node's own record, at each connection: gen, flags,
	 * root_session; the rest is filled already. */
	void	(*hello)(struct link_hello *own, void *arg);
	/*
	 * Both are known and named this module, the right nodes and the same
	 * epoch.  0: the connection is used.  -1: it is closed; the second
	 * tries again in a second.  On the primary nothing is sent from the
	 * queue until link_stream().
	 */
	int	(*on_meet)(const struct link_hello *own,
		    const struct link_hello *peer, void *arg);
	/* A connection that on_meet accepted has ended. */
	void	(*on_down)(uint64_t connection, void *arg);
	/*
	 * A frame of 40..42 or 64..111, its fields after the common part.  On
	 * the second f->sequence is not 0 when it came through the queue, and
	 * then everything before it is applied.  -1 closes the connection.
	 */
	int	(*on_frame)(struct frame_in *f, uint64_t oid, void *arg);
	/* Primary: the peer's checkpoint `seq' is durable (after stream's). */
	void	(*on_durable)(uint64_t seq, void *arg);
	/* Primary: before the waiters of that sequence are released. */
	void	(*on_error)(const struct link_error *e, void *arg);
};

struct link;

enum link_state { LK_DOWN, LK_CONNECTING, LK_UP };

/* s: primary's queue; a: second's apply; either may be NULL when that side
 * is never taken.  NULL with errno. */
struct link	*link_new(const struct link_conf *conf,
		    const struct link_calls *calls, void *arg,
		    struct stream *s, struct apply *a);
void		 link_free(struct link *l);

/* Begins to listen or connect, in threads.  -1 with errno: no address. */
int		 link_start(struct link *l, enum link_side side,
		    struct epoch epoch);
/* Ends both directions at once and returns when no call and no apply runs
 * any more: what was received completely is applied (rule R5). */
void		 link_stop(struct link *l);
/* Breaks the connection, a blocked send included (rule R26); the link goes
 * on connecting or listening.  Does not wait. */
void		 link_break(struct link *l);
/* A newer epoch of the same role.  The second waits up to a second for it
 * when a frame of a higher epoch arrives before its own wish did. */
void		 link_set_epoch(struct link *l, struct epoch epoch);

/* Primary: begin to send the queue at `from' on this connection, and send
 * again the unanswered syncs below it (rule L13). */
void		 link_stream(struct link *l, uint64_t connection,
		    uint64_t from);

/* Sends a finished frame now, outside the queue; blocks until the kernel took
 * it.  0, or -1: no connection (errno ENOTCONN).  Thread-safe. */
int		 link_send(struct link *l, struct frame_out *f);

enum link_state	 link_state(struct link *l);
/* The number of the connection in use, 0 none. */
uint64_t	 link_connection(struct link *l);
/* Bytes sent and received in frames since link_new(). */
void		 link_bytes(struct link *l, uint64_t *sent,
		    uint64_t *received);
/* Milliseconds since the peer was last heard; -1 when not connected. */
int64_t		 link_silence_ms(struct link *l);

#endif

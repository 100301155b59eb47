/* SPDX-License-Identifier: ISC */
/*
 * Which life of a peer is speaking, and whether it speaks now.
 *
 * An incarnation is one life of heartd on a node: a durable counter and a
 * random number.  A session is what this node holds against one peer: the
 * peer's accepted incarnation and, for each network, which sequence numbers
 * were seen.  Pure: the caller brings time, random bytes and the file.
 */
#ifndef HEARTD_INCARNATION_H
#define HEARTD_INCARNATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "cluster.h"

struct incarnation {
	uint64_t	count;		/* lives so far; 0: none known */
	uint64_t	random;
};

#define INCARNATION_TEXT_LEN	96

bool	incarnation_equal(struct incarnation a, struct incarnation b);
bool	incarnation_is_none(struct incarnation i);
/* The life after `last' (none when the file is absent or damaged). */
struct incarnation	incarnation_next(struct incarnation last,
			    uint64_t random);
/* The content of the file, for statefile_write(). */
const char	*incarnation_text(char buf[INCARNATION_TEXT_LEN],
		    struct incarnation i);
/* 0, or -1 with errno EINVAL: damaged. */
int	incarnation_parse(struct incarnation *i, const char *text);

/* The newest sequence number and which of the 64 below it were seen. */
struct window {
	uint64_t	top;
	uint64_t	seen;
};

#define NONCE_LEN	16
/* An answer that takes longer is not an answer: the next challenge counts. */
#define CHALLENGE_LIFE_MS	1000
/* A replaying stranger makes us send no more than one in this time a lan. */
#define CHALLENGE_GAP_MS	20
/* Answers given to one peer in CHALLENGE_LIFE_MS, for the same reason. */
#define ANSWER_MAX		50

struct session {
	struct incarnation	self;
	struct incarnation	peer;		/* none: nobody accepted yet */
	struct window		lan[CLUSTER_LAN_MAX];
	bool			is_challenging;
	uint8_t			nonce[NONCE_LEN];
	struct mono		nonce_until;
	struct mono		challenged[CLUSTER_LAN_MAX];
	struct mono		answers_since;
	unsigned		answers;
};

/* What a datagram that opened says about itself. */
struct session_seen {
	unsigned		lan;
	struct incarnation	from;
	struct incarnation	to;
	uint64_t		sequence;
	const uint8_t		*answer;	/* NONCE_LEN bytes or NULL */
};

enum verdict {
	VERDICT_FRESH,		/* newest of its network: take it */
	VERDICT_LATE,		/* overtaken: no sign of life any more */
	VERDICT_REPLAY,		/* seen before, or too old to tell: drop */
	VERDICT_OTHER_LIFE,	/* meant for an earlier life of ours: drop */
	VERDICT_STRANGER,	/* not the accepted life: challenge it */
	VERDICT_ACCEPTED,	/* it answered: a new life, and it is now */
};

void	session_init(struct session *s, struct incarnation self);
enum verdict	session_judge(struct session *s,
		    const struct session_seen *in, struct mono now);
/*
 * May a challenge leave on this network now?  If so s->nonce is what it
 * carries; `random' is used when a new one is due.
 */
bool	session_challenge(struct session *s, unsigned lan,
	    const uint8_t random[NONCE_LEN], struct mono now);
/* May one more answer be given? */
bool	session_may_answer(struct session *s, struct mono now);
const char	*verdict_name(enum verdict v);

#endif

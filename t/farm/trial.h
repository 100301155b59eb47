/* SPDX-License-Identifier: ISC */
/*
 * Trials: each is started at its time, never waiting for an earlier one, and
 * has an outcome.  Shared by the modes `fresh' and `udp'.
 */
#ifndef FARM_TRIAL_H
#define FARM_TRIAL_H

#include "client.h"

enum outcome {
	OC_OPEN,	/* still waiting */
	OC_FIRST,	/* answered, nothing was sent twice */
	OC_LATE,	/* the same, but after LATE_MS */
	OC_RETRIED,	/* answered after the kernel repeated its SYN */
	OC_FAILED,	/* no answer in time */
	OC_RESET,
	OC_ERROR,	/* the kernel refused to send */
	OC_COUNT
};

/* An answer after this long had to wait for a repetition somewhere. */
#define LATE_MS		150

struct trial {
	struct mono	start;
	struct mono	done;
	int		fd;
	uint8_t		outcome;
	uint8_t		answers;	/* more than one: answered twice */
	uint16_t	node;
	uint16_t	node_again;
};

struct trials {
	struct trial	*trial;
	unsigned	count;
	unsigned	oldest;		/* all below have an outcome */
	struct mono	next;
};

/* The next trial when it is due, else NULL. */
struct trial	*trial_due(struct trials *ts, const struct client *c,
		    struct mono now);
/* Moves `oldest' on; true when no trial is open. */
bool		trial_settle(struct trials *ts);
void		trial_report(const struct trials *ts, const struct client *c);

#endif

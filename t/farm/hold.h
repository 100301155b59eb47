/* SPDX-License-Identifier: ISC */
/*
 * Long-lived connections: a client each, which connects again when its
 * connection ends.  What is told in the end comes from the lives of the
 * connections and the stalls in them, so that the marks may come late.
 */
#ifndef FARM_HOLD_H
#define FARM_HOLD_H

#include "client.h"

enum life_end {
	LE_ALIVE,
	LE_RESET,
	LE_CLOSED,
	LE_TIMEDOUT,
	LE_ERROR,	/* no route, no such host */
	LE_COUNT
};

/* One connection from its SYN to its end. */
struct life {
	unsigned	client;
	unsigned	node;		/* NOBODY until it was answered */
	struct mono	asked;
	struct mono	answered;
	struct mono	ended;
	enum life_end	end;
	double		waited_ms;	/* for an echo, at its end */
	bool		hung;		/* no echo in the bound at the end */
};

/* From a message to its echo, when that took STALL_MS or more. */
#define STALL_MS	20

struct stall {
	unsigned	node;
	struct mono	from;
	struct mono	to;
};

struct hold_client {
	int		fd;		/* -1: waits to connect again */
	size_t		life;
	bool		is_idle;
	struct mono	due;		/* of the next message or connection */
	struct mono	sent;		/* of the message without an echo */
	unsigned	owed;		/* bytes that are to come back */
};

struct hold {
	struct hold_client	*client;
	struct life		*life;
	size_t			life_count;
	struct stall		*stall;
	size_t			stall_count;
	unsigned		unanswered;	/* at the end */
};

void	hold_report(const struct hold *h, const struct client *c);

#endif

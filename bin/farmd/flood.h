/* SPDX-License-Identifier: ISC */
/*
 * Does the switch bring frames for a vmac to every node?  Each node tells
 * what it saw of the others' probes; from all of that each draws the same
 * conclusion.  Only the director acts on it, so it need not come to all at
 * the same moment.  Pure: time comes as an argument.
 */
#ifndef FARMD_FLOOD_H
#define FARMD_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

#include "filter-input.h"

#define FLOOD_PROBE_MS	1000
#define FLOOD_SILENT_MS	3000	/* three probes lost: no chance any more */
#define FLOOD_GOOD_MS	30000

enum flood_result { FLOOD_UNKNOWN, FLOOD_GOOD, FLOOD_BAD };

struct flood {
	/* Frames of each address, from each node (by index). */
	struct mono	heard[FILTER_ADDR_MAX][FILTER_NODE_MAX];
	uint64_t	expected;	/* who sends them */
	struct mono	since;		/* somebody does */
	/* Not before all were good once, nor soon after one was bad. */
	bool		is_proven;
	struct mono	bad_at;
};

/* A probe of that node came. */
void	flood_hear(struct flood *f, unsigned addr, unsigned node,
	    struct mono now);
/* Bits of the nodes that send probes now and that heartd hears. */
void	flood_expect(struct flood *f, uint64_t nodes, struct mono now);
/* What this node tells of the addresses that are bits of addrs. */
enum flood_result	flood_mine(const struct flood *f, uint32_t addrs,
			    struct mono now);
/*
 * Takes what all members tell: any_bad, all_good (not with an unknown one).
 * True: use the vmac.
 */
bool	flood_conclude(struct flood *f, bool any_bad, bool all_good,
	    struct mono now);
/* When to look again though nothing comes; unset: never. */
struct mono	flood_next(const struct flood *f, uint32_t addrs,
		    struct mono now);
const char	*flood_result_name(enum flood_result r);

#endif

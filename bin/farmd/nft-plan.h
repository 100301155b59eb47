/* SPDX-License-Identifier: ISC */
/*
 * The numbers that stand in the maps of the nftables backend, for each bucket
 * of each table.  `mine' says what this node does with a frame of the vmac or
 * one that was directed to it; `share' names the way of a frame that this
 * node directs: 0 nobody, 1 this node, 2 + index another, 100 and up a
 * bucket that moves, which is a taker with the keepers that get copies.
 */
#ifndef FARMD_NFT_PLAN_H
#define FARMD_NFT_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "filter-input.h"

enum nft_mine {
	NM_NONE,		/* not in the map */
	NM_OWNED,
	NM_GAINED,
	NM_DRAINING,
	NM_WATCHED	/* owned, new connections are written down: the step
			   before own connections alone count */
};

#define NFT_WAY_NOBODY	0
#define NFT_WAY_ME	1
#define NFT_WAY_NODE	2	/* + index of the node */
#define NFT_WAY_WATCHED	(NFT_WAY_NODE + FILTER_NODE_MAX)
#define NFT_WAY_MOVING	100

/* A way that is taken while buckets move; its number is kept. */
struct nft_way {
	uint16_t	number;
	int		taker;		/* index, or -1 */
	uint64_t	keepers;
};

struct nft_plan {
	unsigned	tables;
	uint16_t	share[FILTER_TABLE_MAX][HASH_BUCKETS];
	uint8_t		mine[FILTER_TABLE_MAX][HASH_BUCKETS];
	bool		has_watched;
	unsigned	way_count, way_size;
	struct nft_way	*way;
};

/*
 * prev (or NULL) is what the kernel has: ways keep their numbers.  With watch
 * a bucket that prev owns outright and that shall be gained or draining stays
 * with this node and is watched; a plan without follows.
 */
void	nft_plan_make(struct nft_plan *plan, const struct filter_input *in,
	    const struct nft_plan *prev, bool watch);
void	nft_plan_fini(struct nft_plan *plan);
/* Some bucket of it needs the own connections. */
bool	nft_plan_is_strict(const struct nft_plan *plan);
/* The commands that fill the maps of one table, where they are empty. */
void	nft_plan_print(FILE *out, const char *table,
	    const struct nft_plan *plan, unsigned t);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The own connections as the sets flows4 and flows6 of the nftables backend
 * want them: only those whose bucket moves, sorted, so that a refresh is the
 * difference.
 */
#ifndef FARMD_NFT_FLOWS_H
#define FARMD_NFT_FLOWS_H

#include <stdint.h>
#include <stdio.h>

#include "filter-input.h"
#include "nft-link.h"
#include "nft-plan.h"

/* Peer, its port, own address, own port: each in words of its own. */
#define NFT_FLOW4_LEN	16
#define NFT_FLOW6_LEN	40

struct nft_flow {
	uint8_t	len;
	uint8_t	key[NFT_FLOW6_LEN];
};

/* Begin with zeros. */
struct nft_flows {
	unsigned	 count, size;
	struct nft_flow	*flow;
};

/*
 * Lists those of the buckets that plan holds gained or draining, from the
 * kernel's sockets.  0, or -1 with errno.
 */
int	nft_flows_list(struct nft_flows *fl, const struct filter_input *in,
	    const struct nft_plan *plan);
void	nft_flows_free(struct nft_flows *fl);
/* Adds to the batch what leads from one to the other. */
void	nft_flows_diff(struct nft_batch *b, const struct nft_flows *from,
	    const struct nft_flows *to);
/* The commands that fill the sets, where they are empty. */
void	nft_flows_print(FILE *out, const char *table,
	    const struct nft_flows *fl);

#endif

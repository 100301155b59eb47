/* SPDX-License-Identifier: ISC */
/*
 * What nftables does for the bpf backend: it answers, by RST or port
 * unreachable, the packets that farm_tc has marked as refused: table netdev
 * holdfast_M.bpf.
 */
#ifndef FARMD_REFUSAL_H
#define FARMD_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

#include "filter.h"
#include "nft-doc.h"
#include "nft-link.h"

struct refusal {
	struct nft_link	*link;
	struct nft_doc	 doc;		/* as it was made */
	char		*listing;	/* NULL: not made yet */
	uint32_t	 generation;	/* at which it was right, or 0 */
};

/* This kernel can; else why. */
bool	refusal_ok(char why[FILTER_WHY_LEN]);
/* 0, or -1 and why. */
int	refusal_init(struct refusal *r, const char *module,
	    char why[FILTER_WHY_LEN]);
/* At the interfaces of `in': 0, or -1 and why. */
int	refusal_set(struct refusal *r, const struct filter_input *in,
	    uint32_t mark, char why[FILTER_WHY_LEN]);
/* False and why: somebody changed it. */
bool	refusal_is_there(struct refusal *r, char why[FILTER_WHY_LEN]);
/* Deletes the table, if there is one. */
void	refusal_clear(struct refusal *r);
void	refusal_fini(struct refusal *r);

#endif

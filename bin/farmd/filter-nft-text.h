/* SPDX-License-Identifier: ISC */
/*
 * The nftables backend's rules as text, from an input.  Pure.  Without the
 * elements of the big maps share_T and mine_T and of the sets flows4 and
 * flows6, which are numbers and change often: nft-plan.h, nft-link.h.
 */
#ifndef FARMD_FILTER_NFT_TEXT_H
#define FARMD_FILTER_NFT_TEXT_H

#include "filter-input.h"
#include "nft-doc.h"
#include "nft-plan.h"

/*
 * ways: those that rules are needed for, of one plan or of two.  doc is
 * initialised here; the caller frees it.
 */
void	filter_nft_text(struct nft_doc *doc, const struct filter_input *in,
	    const struct nft_way *way, unsigned way_count);
/* The name of a group's counter, the same however often it is asked. */
void	filter_nft_counter(char out[NFT_NAME_LEN],
	    const struct filter_input *in, unsigned group);

#endif

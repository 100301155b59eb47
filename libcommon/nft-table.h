/* SPDX-License-Identifier: ISC */
/*
 * A table of ours in the kernel, and whether it is still what we made of it.
 * What changes is changed in one transaction; a table that was touched by
 * somebody else is made anew with the next one.
 */
#ifndef COMMON_NFT_TABLE_H
#define COMMON_NFT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nft-doc.h"
#include "nft-link.h"

struct nft_table {
	struct nft_link	*link;		/* the caller's */
	struct nft_doc	 doc;
	bool		 is_applied;
	uint32_t	 generation;	/* at which listing was right, or 0 */
	char		*listing;
};

/* Nothing of it is in the kernel yet; family and module name it. */
void	nft_table_init(struct nft_table *t, struct nft_link *link,
	    const char *family, const char *module);
/* Leaves the kernel's as it is. */
void	nft_table_fini(struct nft_table *t);

/* Takes *doc over.  0, or -1 and why: then the old one stays in force. */
int	nft_table_apply(struct nft_table *t, struct nft_doc *doc, char *why,
	    size_t why_len);
/*
 * False: somebody changed it, why says how, and the next nft_table_apply()
 * makes it anew.  Cheap while nobody changes any table.
 */
bool	nft_table_is_intact(struct nft_table *t, char *why, size_t why_len);
/* Out of the kernel, also when an earlier life put it there. */
void	nft_table_remove(struct nft_table *t);

#endif

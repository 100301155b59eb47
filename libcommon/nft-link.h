/* SPDX-License-Identifier: ISC */
/*
 * The kernel's nftables: rules as text through libnftables, and through
 * libmnl what is numbers and must be fast - elements of maps and sets,
 * counters, the generation.  Blocking, short: the kernel answers at once.
 */
#ifndef COMMON_NFT_LINK_H
#define COMMON_NFT_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nft-doc.h"

struct nft_link;

/* NULL and why. */
struct nft_link	*nft_link_open(char *why, size_t why_len);
void	nft_link_close(struct nft_link *l);

/* One transaction.  0, or -1 and the kernel's or the parser's words. */
int	nft_link_run(struct nft_link *l, const char *text, char *why,
	    size_t why_len);
/* Takes the table away, if it is there; what stands in the way is logged. */
void	nft_link_remove(struct nft_link *l, const struct nft_doc *doc);
/* The table's listing without elements and counts, or NULL; free() it. */
char	*nft_link_list(struct nft_link *l, const struct nft_doc *doc);
/* Each transaction of anybody in this network namespace adds one. 0 or -1. */
int	nft_link_generation(struct nft_link *l, uint32_t *generation);

/*
 * A transaction of elements.  data NULL: of a set, or removed.  Elements of
 * one set are best given together.
 */
struct nft_batch;
struct nft_batch *nft_batch_new(const struct nft_doc *doc);
void	nft_batch_add(struct nft_batch *b, const char *set, const void *key,
	    size_t key_len, const void *data, size_t data_len);
void	nft_batch_del(struct nft_batch *b, const char *set, const void *key,
	    size_t key_len);
/* A set's element that the kernel ends by itself; ms > 0. */
void	nft_batch_add_for(struct nft_batch *b, const char *set,
	    const void *key, size_t key_len, int64_t ms);
/* All elements of a set; what follows may add them anew. */
void	nft_batch_flush(struct nft_batch *b, const char *set);
/* What follows is about another table. */
void	nft_batch_table(struct nft_batch *b, const struct nft_doc *doc);
bool	nft_batch_is_empty(const struct nft_batch *b);
/* Frees b.  0, or -1 with errno: then nothing changed. */
int	nft_batch_commit(struct nft_link *l, struct nft_batch *b);
void	nft_batch_free(struct nft_batch *b);

/* Calls fn for each element; data_len 0: no data.  0, or -1 with errno. */
typedef void nft_element_fn(void *arg, const void *key, size_t key_len,
    const void *data, size_t data_len);
int	nft_link_elements(struct nft_link *l, const struct nft_doc *doc,
	    const char *set, nft_element_fn *fn, void *arg);
typedef void nft_counter_fn(void *arg, const char *name, uint64_t packets);
int	nft_link_counters(struct nft_link *l, const struct nft_doc *doc,
	    nft_counter_fn *fn, void *arg);
/* Each table of this network namespace; families we do not use are "". */
typedef void nft_table_fn(void *arg, const char *family, const char *name);
int	nft_link_tables(struct nft_link *l, nft_table_fn *fn, void *arg);

#endif

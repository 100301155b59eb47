/* SPDX-License-Identifier: ISC */
/*
 * One nftables table as it shall be: objects with their bodies, and the
 * commands that lead from one such document to another in one transaction.
 * Pure: it only writes text.
 */
#ifndef COMMON_NFT_DOC_H
#define COMMON_NFT_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum nft_kind { NK_COUNTER, NK_SET, NK_MAP, NK_CHAIN };

#define NFT_NAME_LEN	128

struct nft_object {
	enum nft_kind	 kind;
	char		 name[NFT_NAME_LEN];
	char		*decl;	/* what stands in the braces; "" */
	char		*body;	/* rules, or elements, a line each; "" */
	size_t		 decl_len, body_len;
};

struct nft_doc {
	const char		*family;	/* "netdev", "arp", "inet" */
	char			 table[NFT_NAME_LEN];
	char			 comment[NFT_NAME_LEN];
	unsigned		 count, size;
	struct nft_object	*object;
};

void	nft_doc_init(struct nft_doc *doc, const char *family,
	    const char *module, const char *comment);
void	nft_doc_fini(struct nft_doc *doc);

/* Begins an object; the lines that follow are its own.  A name once only. */
void	nft_doc_add(struct nft_doc *doc, enum nft_kind kind,
	    const char *name, const char *decl_fmt, ...)
	    __attribute__((format(printf, 4, 5)));
/* A rule of the last object, or one or more of its elements. */
void	nft_doc_line(struct nft_doc *doc, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

const struct nft_object	*nft_doc_find(const struct nft_doc *doc,
			    enum nft_kind kind, const char *name);

/* No way leads from one to the other but making the table anew. */
bool	nft_doc_is_anew(const struct nft_doc *from, const struct nft_doc *to);
/*
 * Writes the commands; how many bytes, 0 when nothing differs.  from NULL,
 * or one from which no way leads: the table is made anew.
 */
size_t	nft_doc_diff(FILE *out, const struct nft_doc *from,
	    const struct nft_doc *to);

/* A name that nftables takes: what it does not becomes `_'. */
void	nft_name(char out[NFT_NAME_LEN], const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

#endif

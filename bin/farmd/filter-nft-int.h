/* SPDX-License-Identifier: ISC */
/* What the two halves of the text of the nftables backend share. */
#ifndef FARMD_FILTER_NFT_INT_H
#define FARMD_FILTER_NFT_INT_H

#include <arpa/inet.h>
#include <stdbool.h>

#include "filter-nft-text.h"

#define NT_SYN		"tcp flags & (fin | syn | rst | ack) == syn"
#define NT_NOT_SYN	"tcp flags & (fin | syn | rst | ack) != syn"
#define NT_REJECT	"counter name rejected drop"
/* The mark is ours only on the way through these chains. */
#define NT_ACCEPT	"meta mark set 0 accept"

#define NT_MAC_LEN	18

/* One interface of an input, one family. */
struct nft_text {
	struct nft_doc			*doc;
	const struct filter_input	*in;
	const struct filter_intf	*intf;
	unsigned			 intf_no;
	char				 suffix[IFNAMSIZ + 1];
	int				 family;
	char				 v;	/* '4' or '6' */
	const char			*ip, *proto, *icmp, *fragment;
};

char	*nft_text_mac(char out[NT_MAC_LEN], const struct filter_mac *m);
char	*nft_text_ip(char out[INET6_ADDRSTRLEN], const struct filter_addr *a);
void	nft_text_family(struct nft_text *x, int family);
bool	nft_text_has(const struct nft_text *x, const struct filter_addr *a);
/* "10.88.1.100, 10.88.1.101": those of this interface and family; count. */
unsigned nft_text_addrs(const struct nft_text *x, char *out, size_t size);
/* The hash of a key, then the bucket's number in that map, as the mark. */
char	*nft_text_lookup(const struct nft_text *x, char out[256],
	    enum filter_key key, const char *map, unsigned table);

/* A line of the map at hand: "NUMBER : " and where it goes, or if it is me. */
void	nft_text_taker(struct nft_text *x, unsigned number, int taker,
	    const char *me);
/* The MACs of the other nodes, as nft_text_addrs(). */
unsigned nft_text_peers(const struct nft_text *x, char *out, size_t size);

/*
 * filter-nft-route.c: packets through this node.  The line of the base
 * chain; the chains, if a rule asks for them.
 */
void	nft_text_route_in(struct nft_text *x);
bool	nft_text_route(struct nft_text *x, const struct nft_way *way,
	    unsigned count);

/*
 * filter-nft-rules.c.  What becomes of a connection or datagram that is
 * taken, for each group; the base chain and the refusal of one interface;
 * the chains of one family at one interface.
 */
void	nft_text_taken(struct nft_doc *doc, const struct filter_input *in);
void	nft_text_in(struct nft_text *x);
void	nft_text_refuse(struct nft_text *x);
void	nft_text_frames(struct nft_text *x);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * What decides in the kernel whether this node takes a packet for an address
 * of the module, passes it to the node whose it is, or drops it.  farmd's
 * main fills a struct filter_input from its configuration and the agreed
 * table and calls apply(); it never says how.  Two backends do it, nftables
 * and BPF, with the same hash and the same states, so that nodes can mix; a
 * third filter, of the same shape, is for ARP and goes with either.
 *
 * Frames for an address are told apart by their MACs, at ingress:
 *
 *   vmac      to the address's vmac: every node has it, each decides alone
 *   directed  to this node, from another node of the farm: that one decided.
 *             Never passed on again (loop guard)
 *   direct    to this node, from anybody else: it decides, whether or not it
 *             is the director (a stale ARP cache works too), and passes the
 *             frame on from its own MAC to that of the taker
 *
 *             OWNED    GAINED            DRAINING      FOREIGN
 *   vmac      accept   SYN, UDP, own     own           drop
 *   directed  accept   SYN, UDP, own     SYN, UDP,     SYN, UDP, own
 *                                        own
 *   direct    accept   SYN, UDP, own;    own; else     to the taker; what
 *                      copies of the     as FOREIGN    is no SYN also to
 *                      rest to keepers                 each keeper
 *
 * "own": of a TCP connection that has a socket here (the nft backend lists
 * them by sockdiag.h, BPF looks them up).  ICMP errors go to every
 * member; echo and the rest of ICMP by the source address over table 0; ND
 * and MLD are let through.  Fragments: filter_fragment_table().  TCP and UDP
 * that match no rule are refused by one node: the one that got the frame
 * direct, or of the vmac the taker of the source address in table 0.
 */
#ifndef FARMD_FILTER_H
#define FARMD_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "filter-input.h"

#define FILTER_WHY_LEN	512

/* Packets since open(); those of the kernel's own from before count too. */
struct filter_counters {
	uint64_t	accepted;	/* taken by this node, of all groups */
	uint64_t	passed;		/* sent on to the taker */
	uint64_t	copied;		/* to keepers, and errors to members */
	uint64_t	rejected;	/* dropped: not this node's */
	uint64_t	refused;	/* answered by RST or unreachable */
	uint64_t	lost;		/* nobody's, or taker unreachable */
	uint64_t	group[FILTER_GROUP_MAX];	/* accepted, by index */
};

struct filter;

struct filter_ops {
	const char	*name;		/* "nft", "bpf", "arp" */
	/* This kernel and build can: else why, a sentence for the log. */
	bool		(*supported)(char why[FILTER_WHY_LEN]);
	/*
	 * Of a module; changes nothing in the kernel.  What an earlier farmd
	 * left there goes on until the first apply(), which takes it over
	 * without a moment in between.  NULL and why: not possible now.
	 */
	struct filter	*(*open)(const char *module, unsigned id,
			    char why[FILTER_WHY_LEN]);
	/*
	 * Makes the kernel do as `in' says.  The whole wish, as often as one
	 * likes: only what differs is sent, and each packet meets the old
	 * rules or the new ones, nothing else.  When it returns, it is in
	 * force: a bucket that was OWNED and is DRAINING takes no SYN.  While
	 * filter_is_moving(in) call it again every 5 seconds, or some seconds
	 * after a change, with the same input: the set of own connections is
	 * refreshed.  0, or -1 and why: then the old rules stay.  0 and a
	 * why: done, but somebody had changed what was there.
	 */
	int		(*apply)(struct filter *f,
			    const struct filter_input *in,
			    char why[FILTER_WHY_LEN]);
	/*
	 * False: somebody deleted or changed what apply() made; what, in why,
	 * once.  The next apply() makes all of it anew.  Cheap when nothing
	 * happened: to be asked every second.  True before the first apply().
	 */
	bool		(*intact)(struct filter *f, char why[FILTER_WHY_LEN]);
	/* 0 or -1; c is set whole. */
	int		(*counters)(struct filter *f,
			    struct filter_counters *c);
	/*
	 * A node has died, and all members act on a share without it: the
	 * clients whose connections to it this node has passed on are made to
	 * send something now, which the new taker answers by a reset.  How
	 * many.  NULL: cannot; then they are reset when they next send.
	 */
	unsigned	(*tickle)(struct filter *f, unsigned node);
	/* Frees f and leaves the rules in force; counts are lost. */
	void		(*close)(struct filter *f);
	/* Takes everything out of the kernel, then frees f. */
	void		(*remove)(struct filter *f);
};

const struct filter_ops	*filter_nft(void);
const struct filter_ops	*filter_bpf(void);	/* or one that says why not */
/*
 * Not instead of one of the two but beside it: who answers ARP, and with
 * which sender nodes ask.  Counts nothing.
 */
const struct filter_ops	*filter_arp(void);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * A register in etcd: the bodies of its JSON gateway (3.4: /v3/kv/range,
 * /v3/kv/txn, /v3/lease/...), and how a key with compare-and-swap answers as
 * a voter.  Pure; voter-etcd.c carries the bodies.
 *
 * Prepare reads value and revision of the key; nothing is kept by it.  Accept
 * writes if the key is at that revision still: whoever wrote between has
 * ended the ballot.  A swap whose answer was lost is asked again: it is at
 * its revision, or its own value is there, or another one.
 */
#ifndef MODULED_ETCD_H
#define MODULED_ETCD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vote.h"

#define ETCD_KEY_LEN	512
#define ETCD_BODY_LEN	8192	/* of what we send */

/* Bodies; false: does not fit. */
bool	etcd_range(char out[ETCD_BODY_LEN], const char *key);
/* All keys that begin with it. */
bool	etcd_range_prefix(char out[ETCD_BODY_LEN], const char *prefix);
/* Else the answer has what is there. */
bool	etcd_swap(char out[ETCD_BODY_LEN], const char *key, int64_t revision,
	    const char *value);
bool	etcd_put(char out[ETCD_BODY_LEN], const char *key, const char *value,
	    int64_t lease);
bool	etcd_grant(char out[ETCD_BODY_LEN], int ttl_s);
bool	etcd_keepalive(char out[ETCD_BODY_LEN], int64_t lease);

struct etcd_reply {
	char			why[VOTE_TEXT_LEN];	/* "": it is good */
	uint64_t		cluster;	/* id of the etcd cluster */
	bool			swapped;
	bool			found;
	int64_t			revision;	/* of the key; 0: none */
	struct reg_value	value;
};
/* Of a range or a swap. */
void	etcd_parse(struct etcd_reply *r, long status, const char *body,
	    size_t len);
/* Of a grant or a keepalive: the lease, or 0: it is over, or no answer. */
int64_t	etcd_parse_lease(const char *body, size_t len);
/* Of a range of a prefix: the last words of its keys, by blanks. */
void	etcd_parse_names(char *out, size_t size, const char *prefix,
	    const char *body, size_t len);

/* --- the key as a voter --------------------------------------------- */

struct etcd_voter {
	struct epoch	prepared;	/* the last ballot that was read for */
	int64_t		revision;	/* ... and what the key was at */
};

/* What to send for an ask: a swap, else a range. */
bool	etcd_voter_swaps(const struct etcd_voter *v,
	    const struct vote_ask *a);
/* The answer to the ask that the reply makes. */
void	etcd_voter_answer(struct etcd_voter *v, const struct vote_ask *a,
	    const struct etcd_reply *r, struct vote_answer *out);

#endif

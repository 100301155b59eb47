/* SPDX-License-Identifier: ISC */
/*
 * What a proposer (moduled) and a voter (witnessd) say to each other, by
 * UDP: a head in the clear that says by which key it opens, and one sealed
 * frame.  Encoding and decoding only.
 *
 *	"HFv1", 8 bytes key id
 *	frame, its type the kind, its sequence the nonce
 *	    ask     str cluster, str module, u8 node, epoch ballot, u8 has,
 *	            value if has
 *	    answer  u64 voter, u8 result, epoch promised, u8 has, value if
 *	            has, str text
 *
 * The head is bound to the seal.  Asks and answers are sealed with different
 * keys, derived from the key and the cluster's name: nothing that is
 * reflected opens.  An ask that comes twice does no harm (L1, L2).  An answer
 * counts only for a nonce that the asker made, for that voter and that ask,
 * and still waits for.
 *
 * A voter that cannot read all of an ask must not answer: it would lose what
 * it did not know.  Another format is another "HFvN".
 */
#ifndef COMMON_VOTE_H
#define COMMON_VOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cluster.h"
#include "epoch.h"
#include "paths.h"
#include "register.h"
#include "seal.h"

#define VOTE_PORT	4802
#define VOTE_MAX	1200	/* bytes of a datagram */
#define VOTE_HEAD_LEN	(4 + SEAL_ID_LEN)
#define VOTE_TEXT_LEN	160

enum vote_kind { VOTE_READ = 1, VOTE_PREPARE = 2, VOTE_ACCEPT = 3 };

enum vote_result {
	VOTE_OK,		/* and durable before it was said */
	VOTE_REFUSED,		/* promised a higher ballot */
	VOTE_UNABLE,		/* text says why: no room, disk, unreadable */
};

struct vote_ask {
	enum vote_kind		kind;
	uint64_t		nonce;	/* random, another for each voter */
	char			cluster[CLUSTER_NAME_LEN];
	char			module[MODULE_NAME_MAX + 1];
	uint8_t			node;	/* who asks */
	struct epoch		ballot;	/* none with VOTE_READ */
	/* VOTE_ACCEPT only, its epoch is the ballot; else none. */
	struct reg_value	value;
};

struct vote_answer {
	enum vote_kind		kind;	/* of the ask */
	uint64_t		nonce;	/* of the ask */
	uint64_t		voter;	/* made with its empty store; not 0 */
	enum vote_result	result;
	struct epoch		promised;
	/* What it accepted last, its epoch is that ballot; none: nothing. */
	struct reg_value	value;
	char			text[VOTE_TEXT_LEN];
};

/* Of one key of one cluster. */
struct vote_keys {
	char		id[SEAL_ID_LEN + 1];
	struct seal_key	ask;
	struct seal_key	answer;
};
void	vote_keys_derive(struct vote_keys *k, const struct cluster_key *key,
	    const char *cluster);

/* The length in out, or 0 with errno EMSGSIZE: it was not well formed. */
size_t	vote_ask_seal(uint8_t out[VOTE_MAX], const struct vote_ask *a,
	    const struct vote_keys *k);
size_t	vote_answer_seal(uint8_t out[VOTE_MAX], const struct vote_answer *a,
	    const struct vote_keys *k);

enum vote_error {
	VOTE_ERROR_NONE,
	VOTE_ERROR_FOREIGN,	/* another protocol, or none */
	VOTE_ERROR_VERSION,	/* ours, of another version */
	VOTE_ERROR_KEY,		/* other key, other cluster, or damaged */
	VOTE_ERROR_MALFORMED,	/* opened, and makes no sense */
	VOTE_ERROR_COUNT,
};
const char	*vote_error_name(enum vote_error e);

/* Whose key opens it: writes the id.  Nothing of it is proved by that. */
enum vote_error	vote_head(char id[SEAL_ID_LEN + 1], const void *in,
		    size_t len);
enum vote_error	vote_ask_open(struct vote_ask *a, const void *in, size_t len,
		    const struct vote_keys *k);
enum vote_error	vote_answer_open(struct vote_answer *a, const void *in,
		    size_t len, const struct vote_keys *k);

/* "read", "prepare", "accept"; "ok", "refused", "unable". */
const char	*vote_kind_name(enum vote_kind kind);
const char	*vote_result_name(enum vote_result r);

#endif

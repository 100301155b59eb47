/* SPDX-License-Identifier: ISC */
/*
 * For whom this voter votes: the cluster this node is in, by its own files,
 * and those it was asked to witness for, /etc/holdfast/witness.d/CLUSTER.key,
 * each with a key of its own.
 */
#ifndef WITNESSD_CLUSTERS_H
#define WITNESSD_CLUSTERS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "seal.h"
#include "vote.h"

#define CLUSTERS_MAX	64

struct witnessed {
	char			name[CLUSTER_NAME_LEN];
	bool			is_own;		/* a node of it */
	unsigned		key_count;
	struct vote_keys	key[SEAL_KEYS_MAX];
	uint64_t		asks;		/* that opened */
	struct timespec		changed;	/* its file, when read */
};

struct clusters {
	unsigned		count;
	struct witnessed	of[CLUSTERS_MAX];
};

/*
 * Reads the files; a file with errors is logged and left out.  root leaves
 * out what is the user's that it becomes.  With `was', a file that this
 * process may not read any more keeps what it had there.
 */
void	clusters_load(struct clusters *c, const struct clusters *was);
/* The cluster of this node has new keys. */
void	clusters_rekey(struct clusters *c, const struct cluster_keys *ks);

/*
 * Opens an ask by whichever key it says; *from and *key are then whose, for
 * the answer.
 */
enum vote_error	clusters_open(struct clusters *c, struct vote_ask *a,
		    const void *in, size_t len, struct witnessed **from,
		    const struct vote_keys **key);

#endif

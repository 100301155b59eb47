/* SPDX-License-Identifier: ISC */
/*
 * What voters hold, asked of themselves: `read' of the vote protocol changes
 * nothing.  Needs the keys, so root.
 */
#ifndef HOLDFAST_VOTER_ASK_H
#define HOLDFAST_VOTER_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "cluster.h"
#include "vote.h"

#define VOTER_ASK_MAX	256
#define VOTER_ADDR_MAX	8

/* One voter about one module. */
struct voter_item {
	char			name[CLUSTER_NAME_LEN];
	char			module[MODULE_NAME_MAX + 1];
	char			key[CLUSTER_NAME_LEN];	/* as in moduled.conf */
	unsigned		addr_count;
	struct sockaddr_storage	addr[VOTER_ADDR_MAX];
	/* The answer. */
	char			why[PATH_LEN + 160];	/* not asked: its key */
	struct vote_keys	keys;
	uint64_t		nonce;
	bool			came;
	int64_t			after_us;
	char			from[ADDR_LEN];
	struct vote_answer	answer;
};

struct voter_ask {
	const struct cluster	*cl;
	unsigned		 count;
	struct voter_item	 item[VOTER_ASK_MAX];
};

/*
 * Those of all active modules, and witnesses of cluster.xml that none of them
 * has; what does not fit is left out.
 */
void	voter_ask_add_all(struct voter_ask *q);
/* Asks all and waits, at most 1.5 s. */
void	voter_ask_run(struct voter_ask *q);
/* Overwrites the keys. */
void	voter_ask_fini(struct voter_ask *q);

#endif

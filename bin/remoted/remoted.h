/* SPDX-License-Identifier: ISC */
/*
 * What the parts of remoted share: the cluster, the keys, what was counted.
 */
#ifndef REMOTED_REMOTED_H
#define REMOTED_REMOTED_H

#include <stdint.h>

#include "cluster.h"
#include "log.h"
#include "loop.h"
#include "seal.h"

#include "chan.h"

/* Why somebody was sent away; counted, and logged at a limited rate. */
enum drop {
	DROP_FLOOD,		/* too many a second, or at once */
	DROP_SILENT,
	DROP_STRANGER,
	DROP_WRONG_KEY,
	DROP_BROKEN,		/* replayed, reflected or damaged */
	DROP_GARBLED,
	DROP_REFUSED,		/* opened, and asked what it may not */
	DROP_TOKEN,		/* no such invitation, or it is over */
	DROP_COUNT
};

struct remoted {
	struct loop	*loop;
	struct cluster	 cluster;
	uint16_t	 port;
	int64_t		 connect_ms;
	int64_t		 rate;
	unsigned	 session_max;
	unsigned	 job_max;
	struct seal_ring keys;
	char		 key_id[SEAL_KEYS_MAX][SEAL_ID_LEN + 1];
	uint64_t	 dropped[DROP_COUNT];
	struct log_limit limit[DROP_COUNT];
	uint64_t	 calls_in, calls_out, joined;
	unsigned	 jobs;			/* that run now */
};

/* From the file: 0, or -1 after logging why; then they are as they were. */
int		 remoted_load_keys(struct remoted *r);
void		 remoted_take_keys(struct remoted *r,
		    const struct cluster_keys *ks);
const char	*remoted_drop_name(enum drop d);
/* Counts, and logs unless there was too much of it. */
void		 remoted_drop(struct remoted *r, enum drop d,
		    const struct sockaddr_storage *from, const char *text);

#endif

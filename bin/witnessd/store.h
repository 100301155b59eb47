/* SPDX-License-Identifier: ISC */
/*
 * What a voter remembers, on disk: one record a module, and the store's own,
 * `id'.  Whatever was answered is here; whatever may have been forgotten
 * changes the voter's id, so that nobody counts its answers as those of who
 * had promised (holdfast(7), voters).
 *
 *	id		u64 id of modules without a record, u64 records made
 *	CLUSTER:MODULE	u64 voter id, str cluster, str module, epoch
 *			promised, u8 has, value accepted last
 *	aside/		records that were copied here, as they came
 *
 * Each is bound to its file and machine (slots.h).
 */
#ifndef WITNESSD_STORE_H
#define WITNESSD_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "ballot.h"

enum record_state {
	RECORD_GOOD,
	RECORD_UNREADABLE,	/* not answered for until it is forgotten */
	RECORD_GONE,		/* the file was taken away under us */
};

struct record {
	char			cluster[CLUSTER_NAME_LEN];
	char			module[MODULE_NAME_MAX + 1];
	enum record_state	state;
	uint64_t		voter;
	struct ballot		ballot;
};

struct store;

/*
 * Reads all; the directory is made.  What was forgotten, copied or damaged is
 * logged.  NULL with errno: there is no place to remember anything.
 */
struct store	*store_open(const char *dir, unsigned record_max);
void		 store_close(struct store *s);

/* Who votes for a module that has no record. */
uint64_t	 store_id(const struct store *s);
/* NULL: no record. */
const struct record	*store_find(const struct store *s,
			    const char *cluster, const char *module);
unsigned	 store_count(const struct store *s);
const struct record	*store_at(const struct store *s, unsigned i);

/*
 * Durable when it returns 0; makes the record of a new module.  -1: nothing
 * has changed that was ever answered; store_why() says what is wrong.
 */
int		 store_write(struct store *s, const char *cluster,
		    const char *module, const struct ballot *b);
/* An empty record under a new voter id; 0, or -1 and store_why(). */
int		 store_forget(struct store *s, const char *cluster,
		    const char *module);
/* The same for all modules of the cluster; of none: 0. */
int		 store_forget_cluster(struct store *s, const char *cluster);
/* What the last failure was, for people. */
const char	*store_why(const struct store *s);

#endif

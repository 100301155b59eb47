/* SPDX-License-Identifier: ISC */
/*
 * What moduled says of a module, as records: each a kind ("module", "node",
 * "warning", "blocked" ...) with its pairs.
 */
#ifndef HOLDFAST_STATUS_H
#define HOLDFAST_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "line.h"

#define STATUS_MAX_RECORDS	256
#define STATUS_MAX_PAIRS	40

struct record {
	char		*kind;
	unsigned	 count;
	char		*key[STATUS_MAX_PAIRS];
	char		*value[STATUS_MAX_PAIRS];
};

struct status {
	char		*module;
	/* Of the record "module"; "STOP", "NotReady" when it is absent. */
	char		 state[16];
	char		 quality[16];
	char		 mode[16];
	/* moduled does not run: the records are what it said last, or none. */
	bool		 is_old;
	unsigned	 count;
	struct record	 rec[STATUS_MAX_RECORDS];
};

struct status	*status_new(void);
void		 status_free(struct status *st);
/* One line of the answer; also used by tests. */
void		 status_add(struct status *st, const struct line *l);
/*
 * Asks moduled; when it is down, reads /run/holdfast/M/status.  0 in both
 * cases; -1 with errno when there is neither: the module is then STOP as far
 * as this node knows.
 */
int		 status_ask(struct status *st, const char *module);

const char	*record_get(const struct record *r, const char *key);
int64_t		 record_num(const struct record *r, const char *key);
/* The first record of a kind after `after' (NULL: from the start). */
const struct record *status_find(const struct status *st, const char *kind,
		    const struct record *after);
/*
 * The names of the module's other nodes, with commas; false: none, or they
 * do not fit.
 */
bool		 status_other_nodes(const char *module, char *buf,
		    size_t size);

#endif

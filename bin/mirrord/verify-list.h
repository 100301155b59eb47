/* SPDX-License-Identifier: ISC */
/*
 * What a comparison found: the record, its text (lines of line.h, which is
 * the file `verify' in the state directory, the answer to `verify-list' and
 * what the other node is told), and what of it the resync has to look at.
 * Pure but for verify_list_load() and verify_list_save().
 */
#ifndef MIRRORD_VERIFY_LIST_H
#define MIRRORD_VERIFY_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "line.h"

#include "dirty.h"

enum verify_state {
	VS_NONE,	/* never */
	VS_RUNNING,
	VS_CLEAN,	/* all of it was compared, no difference */
	VS_DIFFERS,
	VS_CANCELLED,
	VS_BROKEN,	/* it ended early: see why */
	VS_REPAIRED,	/* a resync of what differed was asked for */
};

/* So many are listed one by one. */
#define VERIFY_LIST_MAX	1000
/* The file, which never grows. */
#define VERIFY_FILE_LEN	(256u * 1024)

struct verify_diff {
	uint64_t	 oid;		/* 0: no object of the primary's */
	uint64_t	 dir;		/* of the name, 0: none concerned */
	uint64_t	 off, len;	/* of data */
	uint32_t	 what;		/* VD_ */
	char		*path;		/* where it was when it was looked at */
};

struct verify_result {
	enum verify_state state;
	int64_t		 begin_s, end_s;	/* wall time */
	char		 primary[64];
	char		 who[64];
	char		 epoch[32];
	uint64_t	 objects, bytes;	/* compared */
	uint64_t	 differences;
	char		 why[160];
	unsigned	 listed;
	struct verify_diff *diff;
};

const char *verify_state_str(enum verify_state s);
void	verify_result_fini(struct verify_result *r);
/* One more; one that goes on where the last one ended is added to it, and
 * past VERIFY_LIST_MAX it is only counted. */
void	verify_result_add(struct verify_result *r,
	    const struct verify_diff *d);
/* Without the differences. */
void	verify_result_put(struct line_out *o, const struct verify_result *r);
/* 0 or -1; r is then empty. */
int	verify_result_parse(struct verify_result *r, const struct line *l);
/* false: the path does not fit into a line. */
bool	verify_diff_put(struct line_out *o, const struct verify_diff *d);
int	verify_diff_parse(struct verify_diff *d, const struct line *l);
/* What a resync looks at to put it right: all of it, when not all is listed.
 * 0, or -EIO: the primary itself cannot read what differs. */
int	verify_result_dirty(const struct verify_result *r,
	    struct dirtyset *set);

/* From and to `verify' in the state directory; in place.  Nothing else hangs
 * on it: unreadable is as none.  0 or -errno. */
int	verify_list_load(int state_dirfd, struct verify_result *r);
int	verify_list_save(int state_dirfd, const struct verify_result *r);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * What moduled wants of this mirrord, and what it is told back: one line
 * each.  Pure.
 */
#ifndef MIRRORD_WISH_H
#define MIRRORD_WISH_H

#include <stdbool.h>
#include <stdint.h>

#include "epoch.h"
#include "line.h"

#include "aside.h"
#include "gen.h"
#include "mirrord-conf.h"
#include "resync.h"
#include "space.h"
#include "verify.h"

enum role_kind { RK_NONE, RK_WAIT, RK_SECOND, RK_PRIM, RK_DOWN };

#define WISH_NAME_LEN	64

struct wish {
	enum role_kind	role;
	struct epoch	epoch;
	bool		both;		/* set=both: the peer is a member */
	bool		leased;		/* replies need the lease (L10) */
	struct epoch	fence;		/* a ballot of this node, or none */
	char		primary[WISH_NAME_LEN];
	char		handed[WISH_NAME_LEN];	/* down: to whom */
	bool		fullsync;	/* second: may be overwritten */
	int64_t		since_s;	/* second: older files are trusted */
	bool		fresh;		/* prim: no record is right */
	bool		force;		/* prim: also half copied (R50) */
	bool		notlevel;	/* wait: record it first (R24) */
	bool		compare;	/* changed by hand: every object
					 * is compared at the next resync */
};

/* The keys of `want', by blanks. */
#define WISH_KEYS "role epoch set lease primary fullsync handed fresh clear " \
	    "notlevel force compare fence since"

/* 0, or -1 with *why (constant text); *w is then untouched. */
int	wish_parse(struct wish *w, const struct line *l, const char **why);
/*
 * Was this wish overtaken by a newer epoch?  Who is primary or second already
 * may be told so again at the epoch it has: a ballot of its own that is
 * above it (`fence') is an attempt, not yet a role.
 */
bool	wish_is_old(const struct wish *w, enum role_kind kind,
	    struct epoch held, struct epoch fence);
const char *role_kind_str(enum role_kind r);

/* The newest ones are told one by one. */
#define FACT_ASIDES	8

struct facts {
	enum role_kind	role;
	bool		mounted;
	bool		is_new;
	struct gen	gen;
	const char	*lease;		/* "none", "runs", "over" */
	const char	*link;		/* "up", "down", "connecting" */
	const char	*peer;		/* its name */
	const char	*handed;	/* name of gen.handed_to, or "" */
	bool		async_second;
	int64_t		stall_ms;
	bool		drained;
	bool		equal;
	bool		ready;
	bool		joined;
	bool		disk_down;
	uint64_t	dirty_bytes;
	struct resync_status resync;
	uint64_t	opened;		/* objects opened by handle */
	struct verify_progress verify;
	int64_t		held_ms;	/* writes are, for so long more */
	char		held_by[64];
	uint64_t	link_sent;
	uint64_t	link_received;
	unsigned	dir_count;
	const char *const *dir;
	struct space	space[CONF_DIR_MAX];	/* of each */
	struct aside_room room;		/* need > 0: there is none */
	unsigned	aside_count;
	unsigned	aside_more;	/* older ones */
	struct aside_info aside[FACT_ASIDES];
	char		peer_failed[96];
	char		diverged[128];
	char		code[32];
	char		error[512];
};

/* Adds every fact to a line that was begun. */
void	facts_put(struct line_out *o, const struct facts *f);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Two nodes meet: what must travel, which way, or why nothing may.  Pure:
 * two records in, a verdict and a sentence for the operator out
 * (holdfast-failures(7), "two histories").  Both ends call it with the same
 * two sides and come to the same verdict; only the source may then turn
 * `incremental' into `full', when a log cannot be read.
 */
#ifndef MIRRORD_MEET_H
#define MIRRORD_MEET_H

#include <stdbool.h>

#include "gen.h"

enum meet_verdict {
	MV_REFUSE,	/* nothing travels; code and text say why */
	MV_DIVERGED,	/* two histories: WAIT until one is chosen */
	MV_EQUAL,	/* same generation: only what was hot */
	MV_INCREMENTAL,	/* the source's dirty set reaches back to the target */
	MV_FULL,	/* every object is compared by hash */
};

/* What of the target is set aside before it is overwritten. */
enum meet_aside {
	MA_NONE,	/* it has nothing of its own */
	MA_LOG,		/* its own change log tells what */
	MA_ALL,		/* no log does: by comparison */
};

struct meet_side {
	uint8_t		 node;
	const char	*name;		/* for the text */
	const struct gen *gen;
	bool		 is_primary;	/* serves now */
	bool		 is_new;	/* gen_is_new() */
	bool		 gen_bad;	/* its record was not readable (R22) */
	bool		 log_bad;	/* al or dirty was not readable (R22) */
	bool		 fullsync;	/* it may follow another history */
	bool		 asides;	/* knows LHF_ASIDE */
	bool		 yields;	/* LHF_YIELD: diverged="aside" */
	bool		 knows_total;	/* LHF_TOTAL */
	bool		 knows_since;	/* LHF_SINCE */
	int64_t		 since_s;	/* second: what is older is trusted */
	uint16_t	 rules;		/* excludes_mark() */
	uint64_t	 root_session;	/* of the xattr, 0 unknown */
};

/* Why two histories met, in a word that moduled says at length. */
#define WHY_BOTH	"both"		/* acknowledged alone */
#define WHY_ALONE	"alone"		/* the target may have */
#define WHY_NEWER	"newer"		/* data than the source */
#define WHY_PUT_BACK	"put-back"	/* the source was */
#define WHY_EDITED	"edited"	/* the target, while stopped */

#define MEET_TEXT_LEN	512

struct meet {
	enum meet_verdict verdict;
	bool		 source_is_a;	/* false: b; refuse: no meaning */
	enum meet_aside	 aside;
	/* What the target has of its own are edits made while it was stopped
	 * (R42): no acknowledged write, and its log names all of them. */
	bool		 edits;
	bool		 goes_on;	/* a set-aside of before, if any */
	bool		 half;		/* a copy of before: much is there */
	bool		 tell_total;	/* the target can be told */
	int64_t		 since_s;	/* told by the target; 0: none */
	/* "" or a reason code: two-primaries, no-primary, newer-epoch,
	 * diverged, rolled-back, source-unreadable, config-differs */
	const char	*code;
	const char	*why;		/* WHY_ of MV_DIVERGED, or NULL */
	struct gen_uuid	 source;	/* current generations of the two */
	struct gen_uuid	 target;
	char		 text[MEET_TEXT_LEN];
};

void		 meet_decide(struct meet *m, const struct meet_side *a,
		    const struct meet_side *b);
/* "refuse", "diverged", "actlog", "incremental", "full". */
const char	*meet_verdict_str(enum meet_verdict v);

#endif

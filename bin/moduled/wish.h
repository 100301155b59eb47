/* SPDX-License-Identifier: ISC */
/*
 * What must outlive this process and the node: the operator's wish, the
 * maxloop counter, the last primary, a hand-over that was refused, the words
 * that both nodes keep (notice.h).  One durable line in .../M/wish.
 */
#ifndef MODULED_WISH_H
#define MODULED_WISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epoch.h"

#include "decide.h"
#include "notice.h"

#define WISH_TEXT	256

struct wish {
	bool		start;
	bool		again;		/* stopstart: start when stopped */
	bool		resume;		/* start with the node */
	enum order	order;
	bool		fullsync;
	int64_t		since_s;	/* second: of when the copy is; 0 */
	bool		risk;		/* its price was said, and taken */
	bool		compare;	/* changed by hand: no log holds */
	bool		voided;		/* a release here, by who serves */
	char		who[FACT_NAME];
	char		why[WISH_TEXT];
	struct epoch	refused;
	char		lastprim[FACT_NAME];
	char		role[FACT_CODE];	/* last held: prim, second */
	int64_t		loops;		/* actions of error in the interval */
	int64_t		loop_since;	/* wall seconds */
	bool		maxloop;	/* stopped by it */
	int64_t		in_step_s;	/* wall seconds: newest data here */
	bool		registered;	/* the voters held a value, once */
	struct epoch	peer_epoch;	/* the highest it was heard in */
	struct notice	maintain;
	struct notice	released;
	struct notice	drain;		/* this node of a farm */
};

const char	*order_name(enum order o);
/* Pure. */
bool	wish_format(char *buf, size_t size, const struct wish *w);
/* 0, or -1 with *why; *w is then all zero: a module that is stopped. */
int	wish_parse(struct wish *w, const char *text, const char **why);
/*
 * One more action of error at `now' (wall seconds).  true: the limit is
 * passed, stop.  interval_s 0: there is no limit.
 */
bool	wish_count_loop(struct wish *w, int64_t now, int64_t maxloop,
	    int64_t interval_s);

/* Files.  Load: a damaged or absent file is said and is a stopped module. */
void	wish_load(struct wish *w, const char *module);
/* 0, or -1 with errno after a line in the log. */
int	wish_save(const struct wish *w, const char *module);

#endif

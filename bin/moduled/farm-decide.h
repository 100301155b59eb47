/* SPDX-License-Identifier: ISC */
/*
 * The part of decide.h for a farm module: when this node may hold the
 * addresses, when its share is open, and how it leaves.  There is no peer and
 * no epoch of data: which node takes which client is agreed on by the farmds
 * (farmd(8)).  A light module goes the same way, alone: it has no farmd, and
 * its addresses, if there are any, are vipd's.  Pure; called by decide.c.
 */
#ifndef MODULED_FARM_DECIDE_H
#define MODULED_FARM_DECIDE_H

#include "decide.h"
#include "farm-facts.h"

/* A farmd that was killed is back by then. */
#define FARM_SILENT_MS	5000

struct farm_view {
	struct farm_facts	f;
	struct farm_nodes	nodes;		/* the others */
	int64_t			want_i;		/* number of the last wish */
	enum farm_serve		want_serve;	/* what it was */
	int64_t			stopdrain_ms;
	bool			scriptcontrol;
	bool			lone;		/* a light module */
	bool			drain;		/* the operator's word */
	char			sick[FACT_TEXT]; /* what a checker found, "" */
};

/* WAIT and UP. */
enum event	 farm_step(struct machine *m, const struct view *v,
		    struct decision *d);
/* The reason a code of farmd stands for. */
enum reason	 farm_reason(const char *code);
/* Is serve, as farmd tells it, the answer to our last wish? */
bool		 farm_is(const struct farm_view *f, enum farm_serve serve);
/* The node on standby: another one of the farm serves. */
bool		 farm_may_leave(const struct view *v);

#endif

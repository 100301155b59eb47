/* SPDX-License-Identifier: ISC */
/*
 * What a change of the cluster key has to do next, from what the nodes have.
 * Pure; every step may be the first after an interruption.
 */
#ifndef HOLDFAST_KEYS_PLAN_H
#define HOLDFAST_KEYS_PLAN_H

#include <stdbool.h>

#include "cluster.h"
#include "seal.h"

/* The keys of one node, by their ids. */
struct keys_view {
	char	node[CLUSTER_NAME_LEN];
	bool	is_known;		/* it answered */
	char	use[SEAL_ID_LEN + 1];
	char	second[SEAL_ID_LEN + 1];	/* or "" */
	bool	second_is_old;		/* else next */
};

enum keys_step {
	KEYS_BEGIN,	/* all have one and the same: make the next */
	KEYS_ADD,	/* these do not accept the next one yet */
	KEYS_USE,	/* all accept it; these do not use it yet */
	KEYS_DROP,	/* all use it; these still accept the old one */
	KEYS_STUCK	/* why says what to do */
};

struct keys_plan {
	enum keys_step	step;
	char		id[SEAL_ID_LEN + 1];	/* the next key */
	bool		todo[CLUSTER_NODE_MAX];	/* by view */
	char		why[512];
};

void	keys_plan(struct keys_plan *p, const struct keys_view *v,
	    unsigned count);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The table of L3: which change of the register may follow which value.
 * Pure.
 */
#ifndef MODULED_REG_MAY_H
#define MODULED_REG_MAY_H

#include "reg.h"

struct reg_conf {
	const char	*cluster, *module;
	const char	*node;		/* own name */
	const char	*peer;
	uint8_t		 node_id, peer_id;
	int64_t		 timeout_ms;	/* T */
	int64_t		 round_ms;	/* max(20, T/4) */
	/*
	 * One voter that keeps no promise and swaps (etcd): what was accepted
	 * there must not fall, what it promised may.
	 */
	bool		 swaps;
	/* Own voter; "": the backend has none (etcd). */
	char		 own[CLUSTER_NAME_LEN];
	unsigned	 voter_count;
	char		 voter[REG_VOTER_MAX][CLUSTER_NAME_LEN];
};

/* What is known of this node when the step is taken. */
struct reg_self {
	bool		known;		/* the store has told its facts */
	bool		running;	/* SR_PRIM: serves, or is about to */
	bool		strict;		/* the joiner is level, strict (L12) */
	bool		level, resyncing;
	struct epoch	epoch;
	struct epoch	fence;		/* durable */
	struct epoch	since;		/* none: the store does not say */
	uint32_t	opened_era;	/* asked for here, nothing is in it */
	uint8_t		generation[REG_GENERATION_LEN];
};

/*
 * The table of L3: may this node, with the value of the highest ballot among
 * a quorum of promises, propose that change?  Then `next' is the value to
 * propose with that ballot.  chosen: present is known chosen.  answering: the
 * voters that answered with the id they have now, for FIRST, FORCE and
 * VOTERS.  false: why says it in words.
 */
bool	reg_may(struct reg_value *next, const struct reg_conf *c,
	    const struct reg_self *self, const struct reg_ask *ask,
	    struct epoch ballot, const struct reg_value *present, bool chosen,
	    const struct reg_value *answering, char why[REG_TEXT]);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The register as decide sees it: what the voters say (struct reg_view, made
 * by propose.c) and which change of it decide wants (struct reg_ask).  The
 * value itself is libcommon's register.h.
 *
 * An ask is a standing wish: decide repeats it in each call for as long as
 * it wants it.  One that is no longer repeated is dropped, unless its accept
 * has left: then `accept_left' stays until a later value is known chosen
 * (L5).  CHOSEN and REFUSED stay until decide asks something else, or
 * nothing.
 */
#ifndef MODULED_REG_H
#define MODULED_REG_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "epoch.h"
#include "register.h"

#define REG_TEXT	256

enum reg_change {
	RC_NONE,
	RC_FIRST,	/* nothing anywhere: {self} or, with node, both */
	RC_PROMOTE,	/* {self, set self}, as a member */
	RC_SHRINK,	/* {self, set self}, as the running primary; L17 too */
	RC_JOIN,	/* {self, set self and node} */
	RC_HAND,	/* {node, set node}, all down here */
	RC_FORCE,	/* {self, set self}, whatever was: era + 1 */
	RC_VOTERS,	/* one added, removed, renewed: the driver's own */
	RC_WITHDRAW,	/* all as it was, in the era of a force that was not
			 * proposed: the driver's own, too */
	RC_COUNT
};

enum reg_result {
	RR_NONE,
	RR_BUSY,
	RR_CHOSEN,	/* with `epoch', for this change and node */
	RR_REFUSED,	/* the present value does not allow it: `why' */
	RR_NO_MAJORITY	/* none has answered yet; goes on trying */
};

struct reg_ask {
	enum reg_change	change;
	uint8_t		node;		/* see above; 0 none */
	/*
	 * FORCE: with the voters that can be reached, and the list cut to
	 * them, where no majority answers.
	 */
	bool		minority;
	bool		soon;		/* read each round, not each T */
	char		who[REG_WHO_LEN]; /* FORCE */
};

struct reg_view {
	bool		on;		/* voters are configured */
	bool		etcd;		/* they are one, which is etcd */
	/* A quorum answered in this life, not longer ago than two reads. */
	bool		known;
	bool		empty;		/* known, and all have nothing */
	bool		chosen;		/* a quorum accepted `present' */
	struct reg_value present;	/* the highest that was answered */
	unsigned	voters;		/* that count, in the newest list */
	unsigned	answering;	/* of them, now */
	char		missing[REG_TEXT];	/* "w1 silent since 02:13:07" */
	char		odd[REG_TEXT];	/* a voter forgot, or went back */
	/* What became of the ask. */
	enum reg_change	change;
	uint8_t		node;
	enum reg_result	result;
	struct epoch	epoch;		/* of its newest ballot */
	char		why[REG_TEXT];	/* of REFUSED */
	struct epoch	highest;	/* promised or accepted anywhere */
	bool		accept_left;	/* in doubt (L5) about this ballot: */
	struct epoch	doubt;
	struct epoch	fence;		/* wished of the store; none: none */
};

const char	*reg_change_name(enum reg_change c);
const char	*reg_result_name(enum reg_result r);
/*
 * Why there is no majority: who is silent or, when all answer, who has lost
 * what he knew; "" before anybody was asked.
 */
const char	*reg_lacks(const struct reg_view *r);

#endif

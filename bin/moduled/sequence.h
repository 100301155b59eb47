/* SPDX-License-Identifier: ISC */
/*
 * Which scripts a transition runs, and in what order.  Pure.
 */
#ifndef MODULED_SEQUENCE_H
#define MODULED_SEQUENCE_H

#include <stdbool.h>

#include "fsm.h"

#define SEQUENCE_MAX	16
#define SCRIPT_NAME	24

struct sequence_step {
	char	name[SCRIPT_NAME];	/* "" : the gate */
	bool	force;
};

struct sequence {
	unsigned		count;
	struct sequence_step	step[SEQUENCE_MAX];
};

/*
 * From one state to another; a step without a name is the gate: what stood
 * before it has ended the old role, what follows begins the new one, and
 * address and data change between them.  false: nothing leads there directly.
 */
bool		sequence_plan(struct sequence *s, enum state from,
		    enum state to);
/* Stop and start again in the same state. */
bool		sequence_restart(struct sequence *s, enum state at);
/* The state to go by when there is no direct way. */
enum state	sequence_via(enum state from, enum state to);

#endif

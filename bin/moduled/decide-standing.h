/* SPDX-License-Identifier: ISC */
/* The operator's standing words before decide(): what is left of his wish. */
#ifndef MODULED_DECIDE_STANDING_H
#define MODULED_DECIDE_STANDING_H

#include <stdbool.h>

#include "decide.h"

/*
 * The wish that counts.  A node on standby and a module that is released stop
 * whatever the operator wished before; but they go on serving for as long as
 * that is the safer way: see decide-standing.c.
 */
bool	decide_wish(const struct machine *m, const struct view *v,
	    bool wish_start);
/* The peer is level, in step and willing: it could take this node's place. */
bool	decide_may_hand(const struct machine *m, const struct view *v);

#endif

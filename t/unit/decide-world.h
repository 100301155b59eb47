/* SPDX-License-Identifier: ISC */
/* The node of decide-node.h in the mode of heartbeats only. */
#ifndef T_UNIT_DECIDE_WORLD_H
#define T_UNIT_DECIDE_WORLD_H

#include "decide-node.h"

static void
think(void)
{
	decide(&m, &v, &d);
}

static void
world(void)
{
	node_begin();
}

static void
be_second(void)
{
	world();
	node_is_second();
	think();
}

static void
be_prim(void)
{
	world();
	node_is_prim(true);
	think();
}

/* Not asked for by all. */
static inline void
be_waiting(void)
{
	world();
	m.state = v.scripts_at = v.scripts_target = ST_WAIT;
	m.wait_since = v.now;
	v.self.role = v.peer.role = SR_WAIT;
	v.peer.state = ST_WAIT;
}

static void
peer_falls_silent(void)
{
	peer_is_silent();
	think();
}

#endif

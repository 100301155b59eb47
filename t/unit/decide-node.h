/* SPDX-License-Identifier: ISC */
/*
 * Node n1 with a peer n2, for tests that ask decide() one thing at a time: what
 * both modes share.  Who includes it says what think() is.
 */
#ifndef T_UNIT_DECIDE_NODE_H
#define T_UNIT_DECIDE_NODE_H

#include <stdio.h>
#include <string.h>

#include "tap.h"

#include "../../bin/moduled/decide-standing.h"

#define T	1000
#define G	100
#define PULSE	100
#define MS	INT64_C(1000000)
#define NOW	100000

static struct decide_conf conf;
static struct machine m;
static struct view v;
static struct decision d;

static void	think(void);

static void
at(int64_t ms)
{
	v.now.ns = ms * MS;
}

static struct epoch
ballot(uint64_t n, uint8_t node)
{
	return (struct epoch){ .n = n, .node = node };
}

/* n1, at NOW, with a peer n2 that is heard. */
static void
node_begin(void)
{
	conf = (struct decide_conf){ .module = "m", .node = "n1",
	    .peer = "n2", .node_id = 1, .peer_id = 2, .timeout_ms = T,
	    .probe_gap_ms = G, .pulse_ms = PULSE, .stall_ms = 500,
	    .fencehold_ms = 3000, .failover = true, .vip = true,
	    .defaultprim = "alone", .addresses = "10.0.0.1" };
	machine_init(&m);
	memset(&v, 0, sizeof(v));
	at(NOW);
	v.conf = &conf;
	v.heard_since.ns = 1;
	v.lan_up = v.vip_link_up = v.wish_start = true;
	v.self.known = v.self.level = true;
	v.self.epoch = v.self.fence = ballot(7, 2);
	v.peer.net = NET_UP;
	v.peer.has_blob = v.peer.level = v.peer.durable = true;
	v.peer.wish_start = true;
	v.peer.quality = Q_READY;
	v.peer.epoch = v.peer.fence = ballot(7, 2);
}

/* From there SECOND of n2, in the epoch that n2 began. */
static void
node_is_second(void)
{
	m.state = v.scripts_at = v.scripts_target = ST_SECOND;
	m.epoch = v.self.epoch;
	v.self.role = SR_SECOND;
	v.peer.state = ST_PRIM;
	v.peer.role = SR_PRIM;
}

/* From there PRIM with n2, or ALONE. */
static void
node_is_prim(bool both)
{
	m.state = v.scripts_at = v.scripts_target = both ? ST_PRIM :
	    ST_ALONE;
	v.self.epoch = v.self.fence = v.peer.epoch = v.peer.fence =
	    m.epoch = ballot(7, 1);
	m.member = m.joined = both;
	v.self.role = SR_PRIM;
	v.self.mounted = v.self.link_up = true;
	v.self.joined = both;
	v.self.alone = !both;
	v.vip_owned = v.scripts_prim = true;
	v.peer.state = ST_SECOND;
	v.peer.role = SR_SECOND;
}

static void
peer_is_silent(void)
{
	v.peer.net = NET_DOWN;
	v.peer.net_since = v.now;
}

static void
probe_answers(bool found)
{
	v.probe_done = d.probe_id;
	v.probe_answered = found;
	(void)snprintf(v.probe_text, sizeof(v.probe_text), "10.0.0.1");
	think();
}

/* The scripts and the store have followed into WAIT. */
static inline void
settle(void)
{
	v.scripts_at = v.scripts_target = ST_WAIT;
	v.self.role = SR_WAIT;
	v.late = false;
	think();
}

#endif

/* SPDX-License-Identifier: ISC */
/* One node of pair-register.h: its fakes of mirrord, heartd, vipd. */
#ifndef T_UNIT_PAIR_NODE_H
#define T_UNIT_PAIR_NODE_H

#include "pair-scripts.h"
#include "pair-words.h"

#include "../../bin/moduled/decide-standing.h"
#include "../../bin/moduled/grant.h"
#include "../../bin/moduled/propose.h"

#define TICK	5
#define T	200
#define G	20
#define PULSE	20
#define VOTERS	3
#define WITNESS	2		/* a host beside nodes 0 and 1 */
#define WRITES	64
#define WIRE_MAX 256
#define MSG_MAX	256
#define GHOST_MAX 1024
#define SENT_MAX 64

/* mirrord: on disk, and not. */
struct store {
	struct epoch	 epoch, fence, since;
	bool		 level, alone, is_new, resyncing;
	uint64_t	 has;

	enum store_role	 role;
	bool		 mounted, both, strict, ready, joined, drained, equal;
	bool		 leased;
	struct epoch	 followed;
	unsigned	 conn, copy_conn; /* of the replication; 0 none */
	uint64_t	 pending, sent, answered;
	int		 delay, copy;
	int64_t		 oldest;	/* unanswered since; 0 none */
};

/* heartd, and the kernel's hold of the address. */
struct heart {
	int64_t		 next_pulse, sent[SENT_MAX];
	uint64_t	 counter, seen, echo;
	struct epoch	 stamp, follow;
	bool		 stamp_prim;
	int64_t		 heard, up_at, orphan_at, blob_gone;
	int64_t		 follow_off_at;
	bool		 withdrawn;
};

struct node {
	struct decide_conf conf;
	struct reg_conf	 reg_conf;
	char		 name[4], peer[4];
	bool		 up, frozen, deaf, still, voter_down;
	int		 drift;		/* per mille of half a percent */
	int64_t		 clock_ns;
	int64_t		 resumed;	/* of a clock that stood still */
	bool		 wish_start;
	struct words	 words;
	enum order	 order;
	char		 lastprim[FACT_NAME];
	bool		 registered;
	struct store	 st;
	struct heart	 heart;
	struct machine	 m;
	struct decision	 d;
	struct view	 v;
	struct peer_facts blob;		/* what it publishes */
	struct grant	 grant;
	struct propose	*propose;
	struct propose_memory memory[REG_VOTER_MAX];
	struct propose_output out;
	bool		 vip, vip_leased;
	int64_t		 vip_until;	/* kernel time */
	int64_t		 page;		/* of the lease */
	bool		 frozen_app;
	struct fake_scripts s;
	int64_t		 probe_from;
	uint64_t	 probe_id;
	bool		 probe_hit;
	int64_t		 order_at;
	char		 saved[4096];
	int64_t		 moduled_back, node_back, thaw_at;
};

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Two nodes with a register, and a witness: what pair-register.c, which plays
 * them, shares with the fakes of mirrord (pair-reg-store.c) and of heartd,
 * witnessd and the networks (pair-reg-net.c).
 *
 * Each node has a clock of its own, which runs a little fast or slow and may
 * stand still while the node does (a paused virtual machine).
 */
#ifndef T_UNIT_PAIR_REGISTER_H
#define T_UNIT_PAIR_REGISTER_H

#include "pair-node.h"

/* A beat, a frame, a vote: on its way from one host to another. */
enum parcel { PA_FREE, PA_BEAT, PA_FRAME, PA_ANSWER, PA_ASK, PA_VOTE };

struct parcel_on_wire {
	enum parcel	 kind;
	int64_t		 at;		/* arrives */
	unsigned	 from, to;
	unsigned	 conn;
	struct epoch	 epoch;
	unsigned	 bit;
	uint64_t	 counter, echo;
	struct epoch	 echo_epoch;
	bool		 prim, speaks;
	struct peer_facts blob;
	struct vote_ask	 ask;
	struct vote_answer vote;
};

struct voter {
	bool		 up;
	uint64_t	 id;
	struct epoch	 promised;
	struct reg_value value;
};

/* Every value that was ever proposed, and who took it. */
struct ghost {
	struct reg_value v;
	struct reg_voter by[VOTERS * 2];
	unsigned	 count;
	bool		 chosen;
};

struct world {
	struct node	 n[2];
	struct voter	 voter[VOTERS];
	bool		 cut[3][3];	/* from, to */
	struct parcel_on_wire wire[WIRE_MAX];
	struct ghost	 ghost[GHOST_MAX];
	unsigned	 ghosts;
	struct reg_value newest;	/* the highest that was chosen */
	struct epoch	 forced;
	int64_t		 now;
	unsigned	 conns, issued, ids;
	uint64_t	 acked, aside;
	struct epoch	 acked_in[WRITES];
	int64_t		 quiet;
	bool		 calm, trace;
	const char	*broken;
};

/* --- pair-register.c ------------------------------------------------------ */

void	breaks(struct world *w, const char *what);
bool	alive(const struct node *n);
struct mono node_now(const struct node *n);
bool	passes(const struct world *w, unsigned from, unsigned to);
/* It could answer an application now. */
bool	node_serves(const struct node *n);

/* --- pair-reg-store.c ----------------------------------------------------- */

void	store_tick(struct world *w, int i);
void	store_frame(struct world *w, const struct parcel_on_wire *p);
void	store_answer(struct world *w, const struct parcel_on_wire *p);
void	store_facts(struct node *n);
void	store_power_on(struct store *s);
/* Both nodes, for who looks at a course that ended badly. */
void	show_end(const struct world *w);

/* --- pair-reg-net.c ------------------------------------------------------- */

struct parcel_on_wire *net_send(struct world *w, enum parcel kind,
	    unsigned from, unsigned to, int delay_ms);
void	net_tick(struct world *w);
/* heartd of node i: pulses, silence, what moduled told it. */
void	heart_tick(struct world *w, int i);
void	heart_power_on(struct world *w, int i);
/* After each decision: stamp, blob, follow. */
void	heart_tell(struct world *w, int i);
void	vote_send(struct world *w, int i, const struct propose_output *out);

#endif

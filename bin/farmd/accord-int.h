/* SPDX-License-Identifier: ISC */
/*
 * What the files of the agreement share; nobody else includes it.
 *
 *	accord.c	one thought from beginning to end; what main asks
 *	accord-view.c	who is there, who is to be agreed with, who is left out
 *	accord-step.c	prepare, stop, start; what is taken and what is kept
 *	accord-text.c	what is published, and the memory of a restart
 */
#ifndef FARMD_ACCORD_INT_H
#define FARMD_ACCORD_INT_H

#include "accord.h"

/*
 * A farmd that said nothing of us is slow rather than deaf for so long: a
 * stopped process, a machine that swaps.
 */
#define SILENT_MS	3000
/* As long after the last bucket moved a handshake may be under way. */
#define KEEP_MIN_MS	1000

/* What is made of a peer; by index of the configuration, as all here. */
struct acquaintance {
	enum accord_net	net;		/* sticky: unknown keeps the last */
	struct mono	up_since;
	bool		is_up;
	bool		is_same;	/* up, has a blob, our configuration */
	const struct farm_blob *blob;	/* of who is up; within one thought */
	uint32_t	heard;		/* what we list of it, 0: nothing */
	uint16_t	salt;		/* what it is asked to answer */
	uint32_t	answered;	/* the last it answered */
	struct share_set keeps;		/* of who is_same */
};

struct accord {
	struct accord_conf	conf;
	int64_t			grace_ms, silent_ms;
	struct mono		now;		/* of this thought */
	enum share_role		role;		/* the wish */
	uint32_t		life;
	struct mono		life_since;
	bool			is_unsure;	/* restored, not heard since */
	bool			is_aside;	/* took no part last time */
	struct acquaintance	peer[SHARE_NODE_MAX];
	/* [i][j], i < j: they do not hear each other since; 0: they do. */
	struct mono		apart[SHARE_NODE_MAX][SHARE_NODE_MAX];
	/* One of them says so. */
	bool			said[SHARE_NODE_MAX][SHARE_NODE_MAX];

	/* The view: indices by ascending id; empty while nothing is known. */
	unsigned		view_count;
	unsigned		view[SHARE_NODE_MAX];
	bool			in_view[SHARE_NODE_MAX];
	unsigned		outcast, outcast_now;	/* hops */
	uint8_t			anchor;
	struct mono		outcast_since;
	bool			differs;	/* the other side goes first */
	struct mono		differs_since;
	int			differs_from;	/* index of who differs, -1 */

	/* Prepared. */
	uint64_t		epoch;		/* highest ever used */
	uint64_t		floor;		/* take up only above it */
	uint64_t		prepared_epoch;
	uint64_t		prepared_digest;
	enum farm_step		step;
	struct mono		step_since;
	struct share		next;		/* content; epoch is not set */
	uint64_t		next_digest;
	struct next_key {
		uint64_t	epoch, digest;	/* of the base */
		unsigned	count;
		uint8_t		id[SHARE_NODE_MAX];
		uint8_t		role[SHARE_NODE_MAX];
	} next_key;

	/* Acting. */
	struct share		acting;
	uint64_t		acting_digest;
	bool			is_started;	/* by this node, in this life */
	struct share_set	takes;
	struct share_set	keeps;
	struct share_set	expired;
	struct mono		kept[SHARE_TABLE_MAX][SHARE_BUCKETS];
	struct mono		expires;	/* the first of them */

	enum accord_phase	phase;
	char			code[FARM_BLOB_WORD];
	char			text[512];
	int			waits_for;	/* index, or -1 */
	const char		*waits_what;

	bool			new_buckets;	/* within this thought */
	struct mono		wake;
	struct farm_blob	published;	/* as of the last thought */
};

/* accord-view.c */
void	view_look(struct accord *a, const struct accord_in *in);
void	view_make(struct accord *a);
bool	view_is_blocked(const struct accord *a);
/* Index of a peer that keeps this node from preparing or stopping, or -1. */
int	view_unknown(struct accord *a);
int	view_pending(struct accord *a);
int	view_outsider(const struct accord *a);
/* The peer answers this life of ours. */
bool	peer_hears_us(const struct accord *a, unsigned i);

/* accord-step.c */
void	step_renew(struct accord *a, uint32_t life);
void	step_stand_down(struct accord *a);
void	step_observe(struct accord *a);
void	step_go(struct accord *a);
void	keeps_expire(struct accord *a);

/* accord.c: think again then, at the latest. */
void	accord_wake_at(struct accord *a, struct mono t);

#endif

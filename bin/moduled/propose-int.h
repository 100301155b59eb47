/* SPDX-License-Identifier: ISC */
/* What the files of propose.h share. */
#ifndef MODULED_PROPOSE_INT_H
#define MODULED_PROPOSE_INT_H

#include "propose.h"

/* PRIM and ALONE read only to warn: within 5 s with a timeout of 2 s. */
#define PROPOSE_PRIM_READ_MS	2500

#define PROPOSE_OPEN_MAX	8

enum propose_phase { PP_IDLE, PP_FENCE, PP_PREPARE, PP_ACCEPT, PP_PAUSE,
	PP_DONE };

struct propose_voter {
	char			 name[CLUSTER_NAME_LEN];
	bool			 configured;
	struct propose_memory	 memory;
	bool			 told_odd;
	struct mono		 heard;		/* the last answer */
	int64_t			 heard_wall_s;	/* 0: not looked at yet */
	struct mono		 said;		/* the last ask ... */
	enum vote_kind		 said_kind;	/* ... was this, of this: */
	struct epoch		 said_ballot;
	uint64_t		 id;		/* of the last answer */
	struct epoch		 promised;
	struct reg_value	 accepted;
	struct epoch		 holds;		/* by the last answer */
	char			 trouble[VOTE_TEXT_LEN];
	bool			 fresh_read;	/* since this ballot was made */
	struct {
		uint64_t	nonce;		/* 0: free */
		enum vote_kind	kind;
		/* Remembered then, of this store. */
		uint64_t	id;
		struct epoch	promised, accepted;
		struct epoch	ballot;		/* in hand then */
	}			 open[PROPOSE_OPEN_MAX];
	unsigned		 open_next;
};

struct propose {
	struct reg_conf	 conf;
	uint64_t		 nonce;
	uint64_t		 random;
	struct propose_voter	 voter[PROPOSE_VOTER_MAX];
	unsigned		 voter_count;
	struct reg_ask		 ask;		/* in hand */
	enum propose_phase	 phase;
	struct epoch		 ballot;
	uint32_t		 force_era;
	/* Of a force in hand that was not proposed yet; 0: none. */
	uint32_t		 opened_era;
	struct mono		 since;		/* of this phase */
	struct mono		 until;		/* of the pause */
	struct mono		 quorum;	/* promised since; 0 not yet */
	unsigned		 tries;
	enum reg_result		 result;
	char			 why[REG_TEXT];
	struct reg_value	 left;		/* accepts, not known chosen */
	struct epoch		 base;		/* what `left' was built on */
	struct reg_value	 known;		/* the newest known chosen */
	struct reg_value	 present;	/* the newest heard, or known */
	struct mono		 read_at;	/* this round of reads began */
	struct mono		 voters_at;	/* the last own change */
	bool			 memory;	/* changed since it was saved */
	struct reg_view		 view;
	struct propose_input	 in;
	char			 event[REG_TEXT];
};

typedef bool propose_has(const struct propose *p,
    const struct propose_voter *v);

/* propose-quorum.c */

/* Known by this name, or NULL. */
struct propose_voter	*propose_find(struct propose *p, const char *name);
/* Its store is the one that the list means, and has not gone back. */
bool	propose_counts(const struct propose_voter *v,
	    const struct reg_value *of);
/*
 * Do those that `has' hold a quorum of this value: a majority of its voters
 * and, while they change, of the old ones too?  Of no value: a majority of
 * the configured ones.
 */
bool	propose_quorum(const struct propose *p, const struct reg_value *of,
	    propose_has *has);
/* The same, where one that never answered may still turn out to count. */
bool	propose_possible(const struct propose *p, const struct reg_value *of,
	    propose_has *has);
/* Heard not longer ago than two reads. */
bool	propose_is_fresh(const struct propose *p,
	    const struct propose_voter *v);
/* Configured, or in the newest list still. */
bool	propose_is_asked(const struct propose *p,
	    const struct propose_voter *v);
int64_t	propose_read_ms(const struct propose *p);
/* A store that is not the one remembered under this name. */
bool	propose_forgot(const struct propose_voter *v);
/* This value is known chosen: ends doubts, binds new stores to names. */
void	propose_chosen(struct propose *p, const struct reg_value *v);

/* propose-view.c */
void	propose_look(struct propose *p);
/* Promised or accepted by anybody, or used here. */
struct epoch	propose_highest(const struct propose *p);

#endif

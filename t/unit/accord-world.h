/* SPDX-License-Identifier: ISC */
/*
 * A farm in one process: nodes with a kernel that keeps its filter, a heartd
 * that says who is up and carries blobs, and a farmd that thinks.  One tick is
 * a millisecond.  Links go one way each; messages are late, lost and sent
 * again.  After each tick it is looked whether two nodes take one bucket that
 * may not.
 */
#ifndef UNIT_ACCORD_WORLD_H
#define UNIT_ACCORD_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "../../bin/farmd/accord.h"

#define WORLD_MAX	16
#define WORLD_T		60
#define WORLD_PULSE	20
#define WORLD_RETRY	20
#define WORLD_DRAIN	5000
#define FLIGHT_MAX	4

/* A published blob, shared by who has it. */
struct word {
	unsigned		refs;
	unsigned		version;
	struct farm_blob	blob;
};

struct node {
	bool			is_on;		/* the machine */
	bool			has_farmd;
	int64_t			frozen_until;	/* the machine */
	int64_t			stuck_until;	/* farmd alone */
	int64_t			farmd_gone;	/* since, 0: runs */
	int64_t			farmd_back;	/* when, 0: not by itself */
	bool			loses_memory;	/* at the next start */
	enum share_role		role;
	struct accord_conf	conf;
	struct accord		*a;
	/* heartd */
	int64_t			listens_since;
	int64_t			heard[WORLD_MAX];
	enum accord_net		net[WORLD_MAX];
	struct word		*has[WORLD_MAX];
	struct word		*said;
	unsigned		version;
	bool			was_late;
	/* farmd */
	bool			is_dirty;
	struct share		acted;		/* the last it acted on */
	int64_t			think_at, wake;
	char			saved[ACCORD_SAVE_MAX];
	char			older[ACCORD_SAVE_MAX];
	/* kernel */
	struct share_set	takes;
	bool			directs;
	/* The filter took effect and farmd died: a stop nobody knows of. */
	bool			is_unsaved;
	int64_t			apply_at;	/* a mutant's late filter */
	struct share_set	apply;
};

struct flight {
	struct word	*word;
	int64_t		due;
};

struct world {
	unsigned	count;
	struct node	n[WORLD_MAX];
	bool		link[WORLD_MAX][WORLD_MAX];	/* from, to */
	bool		mute[WORLD_MAX][WORLD_MAX];	/* beats only */
	bool		bound[WORLD_MAX][WORLD_MAX];
	/* They lost each other; from has not told to since that it hears it. */
	bool		lost[WORLD_MAX][WORLD_MAX];
	struct flight	flight[WORLD_MAX][WORLD_MAX][FLIGHT_MAX];
	int64_t		resend[WORLD_MAX][WORLD_MAX];
	int64_t		now;
	uint32_t	rng;
	/* How bad the network is. */
	unsigned	delay_min, delay_max;	/* ms; 0 and 1 are the least */
	unsigned	loss;		/* one in so many, 0 none */
	unsigned	crash;		/* one in so many thoughts, 0 none */
	bool		is_plain;	/* no halves met: moves are least */
	/* What it must notice: the harness does a thing wrongly. */
	enum mutant {
		MUTANT_NONE,
		EARLY_STOP,	/* says stopped when it is ready */
		LATE_FILTER,	/* publishes before the filter is in force */
		OLD_MEMORY,	/* restores what was saved before the last */
		ANY_LIFE,	/* every answer is to the present life */
	} mutant;
	bool		is_changed;	/* in this tick */
	bool		trace;		/* each thought, on stdout */
	const char	*broken;
	int64_t		broken_at;
	unsigned	thoughts, words, starts, wasted;
};

void	world_init(struct world *w, unsigned count, uint32_t seed);
void	world_fini(struct world *w);
uint32_t	world_rnd(struct world *w, uint32_t below);
void	world_run(struct world *w, int64_t ms);
/* Runs until cond holds, at most ms; how long it took, or -1. */
int64_t	world_until(struct world *w, bool (*cond)(struct world *),
	    int64_t ms);
void	world_on(struct world *w, unsigned i, enum share_role role);
void	world_crash(struct world *w, unsigned i);
void	world_kill_farmd(struct world *w, unsigned i, int64_t back_ms,
	    bool loses_memory);
void	world_role(struct world *w, unsigned i, enum share_role role);
void	world_conf(struct world *w, unsigned i, const char *digest);
void	world_link(struct world *w, unsigned from, unsigned to, bool works);
void	world_freeze(struct world *w, unsigned i, int64_t ms);

/* All that are on and wish to serve act on one share, taken whole. */
bool	world_is_one(struct world *w);
unsigned	world_takers(const struct world *w, unsigned table,
		    unsigned bucket);

#endif

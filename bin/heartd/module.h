/* SPDX-License-Identifier: ISC */
/*
 * The modules this node speaks for, and what is known of each on each peer.
 * Pure: tables, no sockets, no clock.
 */
#ifndef HEARTD_MODULE_H
#define HEARTD_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "cluster.h"
#include "epoch.h"
#include "paths.h"

#include "beat.h"
#include "blob.h"
#include "datagram.h"

#define MODULE_MAX	64

enum mismatch { MISMATCH_NONE, MISMATCH_ID, MISMATCH_DIGEST };

/* One module on one peer. */
struct view {
	struct beat	beat;
	/* From the peer's entries. */
	bool		is_member;	/* it speaks for the module */
	bool		wants;		/* so in its present life: send blobs */
	struct mono	seen;		/* newest entry, or its life's start */
	uint16_t	id;
	char		digest[DIGEST_MAX + 1];
	struct epoch	epoch;
	uint8_t		role;
	uint64_t	counter;
	enum mismatch	mismatch;
	/* Another module of the peer that has our id. */
	char		clash[MODULE_NAME_MAX + 1];
	struct mono	clash_seen;
	/* Lease (L6): the newest of our beats that it echoed runs until. */
	struct mono	lease;
	/* Echo and grant (L7): its newest beat of the epoch we follow. */
	uint64_t	echo;
	struct mono	grant;
	struct blob_in	in;
	struct blob_tx	tx;
};

/* What moduled says of its module. */
struct module_wish {
	char		name[MODULE_NAME_MAX + 1];
	uint16_t	id;
	char		digest[DIGEST_MAX + 1];
	int64_t		pulse_ms;
	int64_t		timeout_ms;
	int64_t		loss_ms;	/* D */
	unsigned	lans;
};

struct module {
	bool		is_used;
	struct module_wish wish;
	void		*owner;		/* the client that stated it */
	struct mono	read_at;	/* when it had read all we said */
	/* The owner went: speak on until then, then withdraw it. */
	struct mono	orphan_until;
	bool		is_gone;	/* says so to the peers until: */
	struct mono	gone_until;
	struct epoch	epoch;		/* stamp */
	uint8_t		role;
	bool		follows;
	struct epoch	follow;
	struct blob_out	out;
	uint8_t		*memory;	/* of all its blobs */
	unsigned	view_count;
	struct view	*view;		/* by node index; self unused */
};

struct module	*module_find(struct module table[MODULE_MAX],
		    const char *name);
/* The module with this id that is not called `name', or NULL. */
struct module	*module_with_id(struct module table[MODULE_MAX], uint16_t id,
		    const char *name);
/* A new one; NULL when the table is full.  since: see beat_init(). */
struct module	*module_new(struct module table[MODULE_MAX],
		    const struct module_wish *w, unsigned nodes,
		    struct mono since);
void	module_free(struct module *m);
/* lans: which networks reach this node. */
void	module_set_lans(struct module *m, unsigned node, unsigned lans);

/* The entry that speaks for m to `node' in the pulse `counter'. */
void	module_entry(const struct module *m, unsigned node, uint64_t counter,
	    struct entry *e);

/* What view_take() found new, for the caller to publish and do. */
struct view_news {
	bool		joined;		/* send it our blob now */
	bool		gone;		/* withdrawn */
	bool		stamp;
	bool		mismatch;
	bool		lease;		/* v->lease moved on */
	bool		grant;		/* v->grant did */
};

/* Takes the peer's entry for m; false: older than what is known. */
bool	view_take(struct module *m, struct view *v, const struct entry *e,
	    const struct sent *sent, struct mono received,
	    struct view_news *n);
/* What is followed has changed: the newest beat may be of that epoch. */
void	view_follow(const struct module *m, struct view *v);
/* An entry of another module that has m's id. */
bool	view_clash(struct module *m, struct view *v, const struct entry *e,
	    struct mono now);
/* Compares id and digest anew; true when what differs changed. */
bool	view_compare(const struct module *m, struct view *v);
/* Forgets what has not been said for too long; true when *n has news. */
bool	view_age(struct module *m, struct view *v, struct mono now,
	    struct view_news *n);
/* The peer began a new life. */
void	view_restart(struct view *v, struct mono now);

#endif

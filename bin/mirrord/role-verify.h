/* SPDX-License-Identifier: ISC */
/*
 * `holdfast verify' and `holdfast diff' as the role machine carries them out:
 * when a comparison may run, what ends it, when one begins by itself.
 */
#ifndef MIRRORD_ROLE_VERIFY_H
#define MIRRORD_ROLE_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "verify.h"

#define VERIFY_TEXT_MAX	256

struct role_machine;

/* Begins one.  -1 with *code and *text when it cannot be. */
int	role_verify(struct role_machine *r, const char *who,
	    const char **code, const char **text);
/* Ends the one that runs; false: none does. */
bool	role_verify_stop(struct role_machine *r, const char *who);
/*
 * What differed joins what the other node lacks, durably, and the other node
 * cannot be a member any longer: moduled takes it out of the set, and the
 * resync that brings it back looks at these (rule L15).  -1 as above.
 */
int	role_verify_repair(struct role_machine *r, const char **code,
	    const char **text);
void	role_verify_progress(struct role_machine *r,
	    struct verify_progress *p);
void	role_verify_each(struct role_machine *r, void (*on_diff)(
	    const struct verify_diff *d, void *arg), void *arg);

/* What a resync would look at. */
struct role_estimate {
	bool		 apart;		/* the other node is not a member */
	bool		 all;		/* every object */
	bool		 linked;	/* the other node is reached */
	uint64_t	 objects, names, bytes;
	uint64_t	 rate_bytes_s;	/* of the last resync, 0 unknown */
};
/* Asks for it; the result is there after on_change.  -1 as above. */
int	role_diff(struct role_machine *r, const char **code,
	    const char **text);
/* false: not yet. */
bool	role_diff_look(struct role_machine *r, struct role_estimate *e);

/* In struct role_machine, under its lock. */
struct verify_role {
	struct verify	*v;
	bool		 peer_can;	/* it knows the frames */
	char		 text[VERIFY_TEXT_MAX];
	int64_t		 due_s;		/* wall; 0 never */
	int64_t		 until_s;	/* that one is due; 0 none */
	int64_t		 try_s;		/* not before */
	bool		 begun;		/* of that one */
	struct role_estimate estimate;
	bool		 estimating;	/* nothing may be closed */
};

/* For the rest of the role machine.  open: the tree is; close: ends all. */
void	verify_role_new(struct role_machine *r);
void	verify_role_open(struct role_machine *r);
void	verify_role_close(struct role_machine *r);
/* The connection has ended, or the role. */
void	verify_role_down(struct role_machine *r, const char *why);
/* Time passed: with the lock.  true: the facts are news. */
bool	verify_role_tick(struct role_machine *r);
/* A frame of the peer: 0, -1 close, 1 it is none of these. */
int	verify_role_frame(struct role_machine *r, struct frame_in *f,
	    uint64_t oid);

#endif

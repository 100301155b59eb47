/* SPDX-License-Identifier: ISC */
/* Shared by role.c, role-steps.c and peer.c only. */
#ifndef MIRRORD_ROLE_INT_H
#define MIRRORD_ROLE_INT_H

#include <pthread.h>

#include "aside.h"
#include "freeze.h"
#include "link.h"
#include "meet.h"
#include "parts.h"
#include "resync.h"
#include "role.h"
#include "role-verify.h"
#include "space-watch.h"
#include "sweep.h"

struct role_machine {
	const struct mirrord_conf *conf;
	struct keep	*keep;
	struct keys	*keys;
	void		(*on_change)(void *arg);
	void		*arg;
	struct parts	 parts;
	bool		 has_state;	/* gen is open */
	struct link	*link;
	struct resync	*resync;
	struct sweep	*sweep;		/* NULL: none was owed */
	pthread_t	 thread;
	pthread_t	 checkpointer;
	struct space_watch *space;

	pthread_mutex_t	 lock;		/* from here on */
	pthread_cond_t	 wake;		/* the role thread */
	pthread_cond_t	 mark;		/* a durable mark, checkpoint asked */
	bool		 ending;
	bool		 has_wish;
	bool		 wish_is_new;
	struct wish	 wish;
	enum role_kind	 kind;		/* what is */
	bool		 both;		/* the peer is a member */
	bool		 mounted;
	bool		 drained;
	bool		 equal;
	bool		 ready;
	bool		 joined;
	bool		 disk_down;
	bool		 disk_failed;	/* EIO, EROFS: until the role ends */
	bool		 linked;	/* link_start() was called */
	struct epoch	 followed;	/* second: by the link */
	bool		 lease_told;	/* over, at the last tick */
	/* The join is being voted on (L5, L12): the strict phase does not end
	 * by itself. */
	bool		 voting;
	bool		 fullsync;	/* second: may be overwritten */
	int64_t		 since_s;	/* second: older files are trusted */
	bool		 checkpoint_now;
	bool		 is_open;	/* parts, link, resync may be asked */
	bool		 checkpointing;	/* nothing may be closed */
	pthread_cond_t	 idle;		/* that is over */
	struct freeze	 freeze;
	bool		 held_told;	/* of the last tick */
	struct verify_role verify;
	struct aside_room room;		/* need: none for what is ours */
	struct mono	 room_at;	/* since then */
	struct aside_info *aside;	/* what is set aside here */
	unsigned	 aside_count;
	bool		 look_aside;	/* somebody else changed it */
	char		 peer_failed[96];
	char		 diverged[128];
	char		 code[32];
	char		 error[512];
};

struct gen_change {
	enum gen_role	 role;
	struct epoch	 epoch;
	bool		 set_epoch;	/* not only the fence */
	bool		 joins;		/* not by the other node: `since' */
	bool		 alone;		/* begins, or stays */
	bool		 member;	/* alone ends */
	bool		 not_level;
	int64_t		 clean_stop_ns;	/* the last step of a stop (R42) */
	bool		 synced;	/* all that was received (L14) */
	bool		 force;
	uint8_t		 handed_to;
};

/* role-record.c.  0, or -1 with the error set. */
int	role_store(struct role_machine *r, const struct gen_change *c);
/* No log tells what changed: everything is compared at the next resync. */
int	role_distrust_logs(struct role_machine *r);
/* The operator changed it by hand, on whichever node, and said so: the same,
 * and nobody's edits are looked for (R42). */
int	role_note_compare(struct role_machine *r);
/* At start: what the last life's end, or somebody else, did to the data. */
void	role_check_unclean(struct role_machine *r);
/*
 * R42.  role_clean_stop: the time to store as the last step of a stop.  Where
 * the clock was set back before it, the time counts all the same: what is
 * edited later has a later ctime, and so have files of before, which are looked
 * at in vain.  role_sweep_begin: once the tree is open; r->sweep is ended by
 * who closes it.
 */
int64_t	role_clean_stop(void);
void	role_sweep_begin(struct role_machine *r);
/* The tree was opened anew: is it that of the record (R23)? */
int	role_check_session(struct role_machine *r);
/* Is there what <tocheck> asks for?  `first': of a node without a record,
 * which had nothing to lose as long as it was not primary. */
int	role_tocheck(struct role_machine *r, bool first);

/* Under no lock: sets facts and tells. */
void	role_set_error(struct role_machine *r, const char *code,
	    const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
void	role_clear_error(struct role_machine *r);
void	role_changed(struct role_machine *r);

/*
 * role-aside.c.  look: what lies there now; asks the disk.  stage: rule R50,
 * before a half copied node is primary; 0 or -1 with the error set.  room: is
 * there some again?  With the lock.
 */
void	role_look_aside(struct role_machine *r);
int	role_aside_stage(struct role_machine *r, struct epoch epoch);
/* What no role but the target's may find there. */
int	role_aside_close(struct role_machine *r);
bool	role_aside_room(struct role_machine *r);

/* peer.c: makes link and resync when the tree is open, and back. */
int	peer_open(struct role_machine *r);
void	peer_close(struct role_machine *r);
int	peer_start(struct role_machine *r, enum link_side side,
	    struct epoch epoch);
/* It is known how the vote ended: without the peer, where the connection
 * broke meanwhile. */
void	peer_vote_over(struct role_machine *r);
/* The peer is a member and cannot go on (L15): a fact. */
void	peer_lost_place(struct role_machine *r);
/* Ends link and resync; what was received is applied. */
void	peer_stop(struct role_machine *r);
extern const struct apply_calls peer_apply_calls;

/* role-steps.c: each 0, or -1 with the error set. */
int	step_open(struct role_machine *r);
/* First of all: a ballot of this node is durable before it is told (L8). */
int	step_fence(struct role_machine *r, const struct wish *w);
int	step_none(struct role_machine *r);
int	step_wait(struct role_machine *r, const struct wish *w);
int	step_second(struct role_machine *r, const struct wish *w);
int	step_prim(struct role_machine *r, const struct wish *w);
int	step_down(struct role_machine *r, const struct wish *w);
/* At start: what an earlier life was. */
void	step_take_up(struct role_machine *r);

#endif

/* SPDX-License-Identifier: ISC */
/* What decide.h remembers between two calls.  Pure. */
#ifndef MODULED_MACHINE_H
#define MODULED_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "epoch.h"
#include "line.h"

#include "facts.h"
#include "flap.h"
#include "fsm.h"
#include "reason.h"
#include "sync-plan.h"

enum leave { LV_NONE, LV_PRIM, LV_SECOND, LV_UP, LV_COUNT };

/* The memory between calls; saved over a restart of moduled. */
struct machine {
	enum state	 state;
	struct epoch	 epoch;		/* ours as primary, or followed */
	bool		 promoting, force, probing;
	bool		 fresh;		/* first primary ever */
	bool		 member;	/* primary: the peer is in the set */
	bool		 joined;
	bool		 seen_level;	/* the peer said so since */
	enum leave	 leave;
	bool		 hand;		/* hand over when drained */
	bool		 handing;	/* asked for: no way back */
	bool		 fenced;	/* no right: address and mount first */
	bool		 lost;		/* mirrord did not serve */
	bool		 swap;
	bool		 mark;		/* must become "not level" */
	bool		 r24;		/* going alone was published */
	bool		 relisten;	/* our links were down */
	bool		 tried_default;
	bool		 late;		/* of this call */
	/* Where there is a register. */
	bool		 joining;	/* a join is or was proposed */
	bool		 asking;	/* as primary, for a change */
	bool		 doubt;		/* an earlier life did: outcome? */
	bool		 bid;		/* SECOND: follows nobody, asks */
	bool		 probed_early;	/* while the grant ran */
	bool		 frozen;	/* the lease is over */
	bool		 sealed;	/* and only a vote ends that */
	enum reason	 block;		/* why WAIT, until facts change */
	char		 block_text[FACT_TEXT];
	uint64_t	 probe_id;
	struct mono	 probe_retry;
	/* Evidence from outside, while the peer is silent. */
	bool		 powering, power_failed, power_waived;
	bool		 pinging, pinged;
	uint64_t	 power_id, ping_id;
	struct mono	 power_since, power_retry, power_off_since;
	char		 power_text[FACT_TEXT];	/* how it failed */
	struct mono	 wait_since, leave_since, r24_since, left_since,
			 unlinked_since, nolink_since, frozen_since,
			 start_since, refused_since,
			 store_since, store_good, young_since,
			 gone_since;	/* no word of mirrord */
	struct sync_window sync;	/* of <rfs syncat> */
	struct flap	 flap;		/* how it came and went */
	/* Of a farm. */
	bool		 traffic;	/* opened by a script */
	bool		 sick;		/* shut at once: nothing to drain */
	bool		 restart;	/* asked for, not begun */
};

void	machine_init(struct machine *m);
/* Text for the file under /run, and back; restore is false when damaged. */
bool	machine_save(char *buf, size_t size, const struct machine *m);
bool	machine_restore(struct machine *m, const struct line *l);
/* The voters were taken away since: no vote ends what waits for one. */
void	machine_without_votes(struct machine *m);

#endif

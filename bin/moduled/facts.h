/* SPDX-License-Identifier: ISC */
/*
 * What this node and its peer are, as far as moduled was told: the facts of
 * the own store (mirrord, or the record of a module without directories) and
 * the blob that each moduled publishes through heartd.  Pure: text in, struct
 * out, and back.
 */
#ifndef MODULED_FACTS_H
#define MODULED_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "epoch.h"
#include "line.h"

#include "disk.h"
#include "kept.h"
#include "fsm.h"
#include "notice.h"

#define FACT_NAME	64
#define FACT_UUID	40
#define FACT_CODE	32
#define FACT_TEXT	256
/* Resources that rules of the other node ask: so many are carried. */
#define FACT_RES_MAX	16
#define FACT_RES_NAME	112
#define FACT_RES_VALUE	32

enum store_role { SR_NONE, SR_WAIT, SR_SECOND, SR_PRIM, SR_DOWN, SR_COUNT };

struct self_facts {
	bool		known;		/* told on the present link */
	enum store_role	role;
	bool		mounted;
	struct epoch	epoch;		/* of the data */
	struct epoch	fence;		/* highest used here or followed */
	struct epoch	since;		/* a member since; none: not said */
	bool		level;
	bool		alone;		/* the peer is on record as behind */
	bool		is_new;		/* no record yet */
	bool		resyncing;	/* half copied */
	char		current[FACT_UUID];
	char		base[FACT_UUID];
	char		handed[FACT_NAME];
	struct epoch	handed_epoch;
	bool		link_up;
	int64_t		stall_ms;	/* age of the oldest unanswered sync */
	char		peer_failed[FACT_TEXT];	/* what it could not do */
	bool		dirty_all;	/* no log tells what changed */
	bool		drained;
	bool		equal;
	bool		ready;		/* the joiner is level, strict phase */
	bool		joined;
	char		diverged[FACT_TEXT];
	bool		disk_down;
	char		code[FACT_CODE];
	char		error[FACT_TEXT];
	/* For the status only. */
	char		phase[FACT_CODE];
	char		link[FACT_CODE];
	char		async[FACT_CODE];
	int64_t		dirty_bytes, done_bytes, total_bytes, rate_bytes_s;
	int64_t		eta_s;
	struct disks	disks;
	struct kept_list kept;		/* set aside here */
	char		no_room[FACT_TEXT];	/* to set ours aside */
	char		verify[FACT_CODE];	/* the comparison */
	char		verify_why[FACT_TEXT];
	int64_t		verify_end, verify_objects, verify_total;
	int64_t		verify_bytes, verify_differences;
	int64_t		held_ms;	/* writes are, for as long more */
	char		held_by[FACT_NAME];
};

enum net_state { NET_UNKNOWN, NET_UP, NET_DOWN };

enum intent {
	IN_NONE,
	IN_PROMOTE,	/* about to be primary: do not */
	IN_GOING_ALONE,	/* leave SECOND at once (R24) */
	IN_SWAP,	/* give me your place */
	IN_STOP,	/* on the way to STOP */
	IN_COUNT
};

struct peer_facts {
	enum net_state	net;
	struct mono	net_since;	/* of this net state */
	bool		loss;		/* first pulses missed */
	bool		stamp_prim;	/* its pulses say: primary ... */
	struct epoch	stamp_epoch;	/* ... at this; blobs are slower */
	bool		has_blob;
	enum state	state;
	enum quality	quality;
	enum intent	intent;
	enum store_role	role;		/* SR_PRIM: serves or is about to */
	struct epoch	epoch;
	struct epoch	fence;
	bool		level;
	bool		durable;	/* level, as said, is on its disk */
	bool		alone;
	bool		is_new;
	bool		wish_start;
	char		current[FACT_UUID];
	char		handed[FACT_NAME];
	struct epoch	handed_epoch;
	struct epoch	refused;	/* never takes a hand-over up to this */
	char		lastprim[FACT_NAME];
	char		stoprole[FACT_CODE];	/* role at its last stop */
	char		reason[FACT_CODE];
	int64_t		since_s;
	struct disks	disks;	/* for the status only */
	bool		disk_down;	/* the same */
	unsigned	res_count;
	struct {
		char	name[FACT_RES_NAME];
		char	value[FACT_RES_VALUE];
	}		res[FACT_RES_MAX];
	bool		standby;	/* its node takes no role */
	bool		fenced;		/* serves nothing before a vote */
	bool		votes;		/* its configuration has voters */
	struct notice	maintain;
	struct notice	released;
};

/*
 * The event `fact' of mirrord into f; unknown keys are left alone.  0, or -1
 * with *why set; f is then unchanged.
 */
int	self_parse(struct self_facts *f, const struct line *l,
	    const char **why);

/*
 * The blob: one line, verb "facts".  net, net_since, loss and stamp are not in
 * it and stay as they are.  0, or -1 with *why set; f is then unchanged.
 */
int	blob_parse(struct peer_facts *f, const char *text, const char **why);
/* false: it did not fit. */
bool	blob_format(char *buf, size_t size, const struct peer_facts *f);

const char	*store_role_name(enum store_role r);
const char	*intent_name(enum intent i);

#endif

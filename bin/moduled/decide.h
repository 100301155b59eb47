/* SPDX-License-Identifier: ISC */
/*
 * What this node should be now: a pure function of the facts, the operator's
 * wish and the time.  It never commands the peer; both see each other's
 * facts.  The caller carries out what struct decision says, as idempotent
 * wishes, and calls again whenever a fact changes or `wake' has come.
 *
 * Without voters each node decides alone, from evidence ("heartbeats only",
 * holdfast(7)).  With voters their register says who may be primary, and
 * decide-register.c and its siblings ask it.
 */
#ifndef MODULED_DECIDE_H
#define MODULED_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "epoch.h"

#include "facts.h"
#include "farm-facts.h"
#include "flap.h"
#include "fsm.h"
#include "machine.h"
#include "outside.h"
#include "reason.h"
#include "reg.h"

struct decide_conf {
	const char	*module;
	const char	*node, *peer;		/* names; peer "" : none */
	uint8_t		 node_id, peer_id;
	int64_t		 timeout_ms;		/* T */
	int64_t		 probe_gap_ms;		/* G */
	int64_t		 pulse_ms, stall_ms, fencehold_ms;
	int64_t		 startgrace_ms, power_delay_ms;
	int64_t		 syncdelta_s;		/* 0: never */
	bool		 failover, vip;
	bool		 syncat;		/* level at times only */
	const char	*defaultprim, *addresses;
};

/* One-shot orders of the operator; done or refused, they are dropped. */
enum order { OR_NONE, OR_PRIM, OR_PRIMFORCE, OR_SECOND, OR_SWAP, OR_COUNT };

#define PROBE_COUNT	3

struct farm_view;

struct view {
	struct mono		 now;
	const struct decide_conf *conf;
	struct self_facts	 self;
	struct peer_facts	 peer;
	struct mono		 heard_since;	/* listening to heartd; 0 no */
	bool			 lan_up;	/* some cluster link of ours */
	bool			 vip_link_up;	/* all that carry addresses */
	bool			 late;		/* we slept longer than T */
	enum reason		 mismatch;	/* RS_NONE, module id, config */
	char			 mismatch_text[FACT_TEXT];
	bool			 vip_owned;
	bool			 vip_leased;	/* ... until the lease ends */
	char			 conflict[FACT_TEXT];	/* "addr (mac)" */
	uint64_t		 probe_done;	/* id of the last answer */
	bool			 probe_answered;
	char			 probe_text[FACT_TEXT];
	enum state		 scripts_at, scripts_target;
	bool			 scripts_busy, scripts_prim;	/* ran */
	bool			 scripts_gated;	/* the old role has ended */
	bool			 wish_start, order_fullsync;
	enum order		 order;
	bool			 rule_wait;
	enum reason		 rule_reason;	/* RS_RESOURCE, RS_RULE */
	char			 rule_name[FACT_TEXT];
	char			 rule_init[FACT_TEXT];	/* not known: wait */
	char			 sync_next[FACT_TEXT];	/* of syncat */
	int64_t			 in_step_s;	/* ago; -1: not known */
	char			 lastprim[FACT_NAME];
	struct epoch		 refused;	/* durable here */
	char			 stoprole[FACT_CODE];
	bool			 maintain, standby, standby_now, released,
				 compare;	/* changed by hand */
	char			 order_who[REG_WHO_LEN];
	bool			 order_risk;	/* what it costs was said */
	bool			 registered;	/* held a value, once */
	struct mono		 lease_until, grant_until;	/* L6, L7 */
	bool			 follow_off;	/* heartd echoes nothing */
	const struct farm_view	*farm;		/* NULL: it is no farm */
	struct reg_view		 reg;		/* off without voters */
	struct power_view	 power;
	struct ping_view	 ping;
};

struct want {
	bool		 valid;		/* false: nothing is known yet */
	enum store_role	 role;
	struct epoch	 epoch;
	bool		 both, fullsync, handed, fresh, notlevel;
	bool		 force, compare;
	int64_t		 since_s;	/* second: 0 none */
	bool		 lease;		/* the page counts; strict holds */
	struct epoch	 fence;		/* of a ballot (L1); none: none */
};

/* L9: what the page says, and the rule of vipd. */
enum lease_use { LU_NONE, LU_RUNS, LU_OVER };

#define NOTE_MAX 4

struct decision {
	struct want	 want;
	bool		 vip_own;
	uint64_t	 probe_id, power_id, ping_id;	/* 0: none wanted */
	enum farm_serve	 serve;		/* of a farm */
	bool		 restart;	/* the scripts, in place, now */
	enum state	 script_target;
	bool		 script_gate;	/* start part may run */
	const char	*action;	/* start stop stopwait swap */
	enum intent	 intent;
	enum quality	 quality;
	enum reason	 reason;
	char		 detail[FACT_TEXT];
	struct mono	 wake;
	struct reg_ask	 ask;		/* of the register */
	bool		 order_done;
	struct epoch	 refuse;	/* store durably; none if zero */
	const char	*lastprim;	/* remember this name; NULL: as is */
	bool		 registered;	/* it holds a value: remember */
	enum lease_use	 lease;
	struct mono	 lease_until;
	bool		 freeze;	/* the application's cgroups */
	unsigned	 note_count;
	char		 note[NOTE_MAX][FACT_TEXT];
	/* Transitions taken, oldest first, for the log. */
	unsigned	 step_count;
	struct {
		enum state	from, to;
		enum event	event;
	}		 step[NOTE_MAX];
};

/* Decides until nothing changes; m is moved on. */
void	decide(struct machine *m, const struct view *v, struct decision *d);
/* What the peer shall see of us. */
void	decide_blob(const struct machine *m, const struct view *v,
	    const struct decision *d, struct peer_facts *out);
/* The epoch whose beats are echoed, and so given a grant; none. */
struct epoch	decide_follows(const struct machine *m);
/* Serves, or may: the beats carry it, and the register is told so. */
bool	decide_runs(const struct machine *m, const struct view *v);
/*
 * May the operator have `prim' now?  RS_NONE: yes.  *risk: only with the
 * module's name typed.  primforce: also after an interrupted copy.
 */
enum reason	decide_may_prim(const struct machine *m, const struct view *v,
		    bool primforce, bool *risk);

#endif

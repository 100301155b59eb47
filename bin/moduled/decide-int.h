/* SPDX-License-Identifier: ISC */
/*
 * What the files of decide share.  Each step_ function answers for one state
 * (or one way out of it): it fills the decision and says which event has
 * come.
 */
#ifndef MODULED_DECIDE_INT_H
#define MODULED_DECIDE_INT_H

#include "decide.h"

enum event	step_wait(struct machine *m, const struct view *v,
		    struct decision *d);
enum event	step_serve(struct machine *m, const struct view *v,
		    struct decision *d);
enum event	step_second(struct machine *m, const struct view *v,
		    struct decision *d);
enum event	step_promoting(struct machine *m, const struct view *v,
		    struct decision *d);
enum event	step_leave_prim(struct machine *m, const struct view *v,
		    struct decision *d);
enum event	step_leave_second(struct machine *m, const struct view *v,
		    struct decision *d);

/*
 * While the application is stopped: as in PRIM, a peer that is heard and does
 * not follow is left out of the set, or the last syncs would wait for it.
 * True when it was, now.
 */
bool		serve_goes_alone(struct machine *m, const struct view *v,
		    struct decision *d);
/*
 * A primary that left because its mirrord serves nobody and that has not come
 * back since, or whose disk takes no record of it.  The other node may have the
 * place, as after a crash.
 */
bool		leave_is_mute(const struct machine *m, const struct view *v);
/*
 * Two that wait, or one without the other, by their own records: what counts
 * where there is no register, or nothing in it yet.
 */
enum event	wait_by_records(struct machine *m, const struct view *v,
		    struct decision *d);
/* A primary serves: it is followed, unless this node is held down. */
enum event	wait_follow(struct machine *m, const struct view *v,
		    struct decision *d);
/* May this node be primary by the records, were it told to? */
bool		is_ordinary(const struct view *v);
/* Begins the way out of ALONE or PRIM (or of a promotion). */
void		leave_prim(struct machine *m, const struct view *v, bool hand,
		    bool fenced);
void		leave_second(struct machine *m, const struct view *v,
		    bool notlevel);
void		promote(struct machine *m, struct epoch e);

enum probe { PB_PENDING, PB_FREE, PB_ANSWERED };
enum probe	probe(struct machine *m, const struct view *v,
		    struct decision *d);
void		probe_stop(struct machine *m);
/*
 * decide-power.c.  The peer is heard, or the state left: its evidence is void.
 */
void		evidence_stop(struct machine *m);
/* What outside says of a peer that is silent. */
enum outside {
	OU_NOTHING,	/* nobody was asked: other evidence counts */
	OU_WAIT,	/* asked; what for is shown */
	OU_CUT,		/* no witness answers: it may be us who is cut off */
	OU_OFF,		/* the peer's power is off, says its device */
};
/*
 * The device alone: true when it says that the power is off.  Asked after
 * delay_ms, and again when it failed; what is missing is shown.
 */
bool		peer_is_off(struct machine *m, const struct view *v,
		    struct decision *d, int64_t delay_ms);
/* It said so, and text says what speaks against it. */
void		power_lied(struct machine *m, const struct view *v,
		    struct decision *d, const char *text);
/* The delay of who is primary. */
int64_t		prim_power_delay(const struct view *v);
enum outside	outside(struct machine *m, const struct view *v,
		    struct decision *d, int64_t delay_ms);
/*
 * Before the addresses are taken nobody may answer for them, a host that is no
 * node neither; false, and reason r shown, until that is known.
 */
bool		address_is_free(struct machine *m, const struct view *v,
		    struct decision *d, enum reason r);

/*
 * A living peer that hears nothing of us for T probes at once; this long
 * after its last beat it has found our address answered, if it was.
 */
bool		peer_has_probed(const struct view *v, struct decision *d);

/* The register rules: it holds, or held, a value. */
bool		has_register(const struct view *v);
bool		register_is_old(const struct view *v);
/* Era and n only: what counts when two nodes meet without a register. */
int		round_cmp(struct epoch a, struct epoch b);
/* The next epoch of this node above everything known. */
struct epoch	next_epoch(const struct machine *m, const struct view *v);
bool		peer_up(const struct view *v);
bool		peer_serves(const struct view *v);
bool		links_ok(const struct view *v);
/* <rfs syncat>: there is a primary to follow, but it is not the time. */
bool		is_between_syncs(const struct machine *m,
		    const struct view *v);
/* The operator, a rule or the schedule takes a secondary out. */
bool		second_is_to_go(const struct machine *m,
		    const struct view *v);
/* At equal rounds: the last common primary, else the lower id. */
bool		tie_is_mine(const struct view *v);
/* Two that are or become primary: the peer's claim is better. */
bool		peer_outranks(const struct machine *m, const struct view *v);
bool		handed_to_me(const struct view *v);
/* Never taken: said durably, so that who handed over may take it back. */
void		refuse_hand(const struct view *v, struct decision *d);

void		because(struct decision *d, enum quality q, enum reason r,
		    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* What mirrord complains of; false: of nothing. */
bool		because_store(struct decision *d, const struct view *v,
		    enum quality q);
void		wake_at(struct decision *d, struct mono t);
void		note(struct decision *d, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
/* Sets *t to now when it is not set; true when ms have passed since. */
bool		lasted(struct mono *t, const struct view *v,
		    struct decision *d, int64_t ms);
/* " (epoch 7)" */
const char	*epoch_detail(char *buf, size_t size, struct epoch e);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * decide where there are voters: what its files share.  The register says who
 * may be primary; these functions say when to ask it for what.
 */
#ifndef MODULED_DECIDE_REGISTER_H
#define MODULED_DECIDE_REGISTER_H

#include "decide-int.h"

/* --- the register as it was read (decide-register.c) --------------------- */

/* A value names this node alone, newer than its data: it is primary now. */
bool		register_names_me(const struct view *v);
/* A value names the other node, newer than `mine'. */
bool		register_names_other(const struct view *v,
		    struct epoch mine);
/* In the set by the present value. */
bool		register_has_me(const struct view *v);
/* Own record: level and whole, so that the register may be asked. */
bool		register_is_sound(const struct machine *m,
		    const struct view *v);
/* The primary has left, or is fenced for good: nobody serves there. */
bool		register_peer_is_off(const struct view *v);
/* L8: nothing is asked before that. */
bool		register_grant_is_over(const struct view *v,
		    struct decision *d);
/* The wish for a change; what has come of it is shown. */
void		register_ask(struct machine *m, const struct view *v,
		    struct decision *d, enum reg_change c, uint8_t node);
/* It was refused: not what the present value allows. */
bool		register_refused(const struct view *v, enum reg_change c);
/* It cannot be read, or no vote comes of what is asked: says so. */
void		register_mute(const struct view *v, struct decision *d);
/* Carries out what a chosen value says: this node is primary. */
enum event	register_take(struct machine *m, const struct view *v,
		    struct decision *d);

/* --- as primary (decide-register-serve.c) -------------------------------- */

/* Takes up what became of its own proposals, set and epoch. */
enum event	register_learn(struct machine *m, const struct view *v,
		    struct decision *d);
enum event	register_serve(struct machine *m, const struct view *v,
		    struct decision *d);
/* The application is being stopped; the peer may be lost meanwhile. */
void		register_leaving(struct machine *m, const struct view *v,
		    struct decision *d);
/* All is down and equal: the place is given to the peer. */
enum event	register_hand(struct machine *m, const struct view *v,
		    struct decision *d);

/* --- otherwise (decide-register-second.c, decide-register-wait.c) -------- */

enum event	register_second(struct machine *m, const struct view *v,
		    struct decision *d);
enum event	register_leave_second(struct machine *m,
		    const struct view *v, struct decision *d);
enum event	register_wait(struct machine *m, const struct view *v,
		    struct decision *d);
/* The order `prim' or `primforce'. */
enum event	register_ordered(struct machine *m, const struct view *v,
		    struct decision *d);
/* By the records, while the register is empty: the first value. */
enum event	register_first(struct machine *m, const struct view *v,
		    struct decision *d, const char *why);
/* May `prim' be had without giving up what the peer may have written? */
bool		register_is_ordinary(const struct view *v);

#endif

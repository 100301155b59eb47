/* SPDX-License-Identifier: ISC */
/*
 * The lease at its edges: what heartd tells of it goes into the view, what
 * decide says of it goes to the page that mirrord reads, to vipd and to the
 * application's cgroup.
 */
#ifndef MODULED_HOLD_H
#define MODULED_HOLD_H

#include "moduled.h"

/* Without voters there is no page and nothing is done. */
void	hold_open(struct moduled *md);
void	hold_close(struct moduled *md);

/*
 * heartd: the lease runs until then.  True when decide() must see it; else it
 * was only carried on, which is done here.
 */
bool	hold_lease(struct moduled *md, const struct line *l);
/* heartd: a beat was echoed; heartd is not heard any more. */
void	hold_grant(struct moduled *md, const struct line *l);
void	hold_heart_down(struct moduled *md);
/* Into md->v, after the peer: how long our own promise runs (L7, L8). */
void	hold_look(struct moduled *md);
/*
 * heartd is told to follow an epoch, or none, and answers in this order: only
 * when it has confirmed the last, and that was none, it echoes nothing.
 */
void	hold_follow_said(struct moduled *md);
void	hold_follow_answered(struct moduled *md, bool ok);

/* What was decided: the page before any wish (L9), then the freezer. */
void	hold_carry_out(struct moduled *md);
/* Of a wish to vipd. */
void	hold_put(const struct moduled *md, struct line_out *o);

#endif

/* SPDX-License-Identifier: ISC */
/* Carries out what vip.c plans for each address. */
#ifndef VIPD_ACT_H
#define VIPD_ACT_H

#include "vipd.h"

/* Does what is due now, tells what came of it, sets the timer. */
void	act_plan_all(struct vipd *v);
/* The wish of the module's owner, to the plans of its addresses. */
void	act_wish(struct module *m);
/*
 * The kernel's rules, where the wish needs them.  False and why: there are
 * none, and the addresses are not wanted until there are.
 */
bool	act_guard(struct vipd *v, struct module *m, char *why,
	    size_t why_len);
/* Until when they are answered, to the kernel and who watches. */
void	act_lease(struct vipd *v, struct module *m);
void	act_arm_timer(struct vipd *v);
/* Takes in what the kernel says of the addresses. */
void	act_look(struct vipd *v);
/* The same for a module that was just loaded: it has leftovers. */
void	act_find(struct vipd *v, struct module *m);
void	act_announce(struct vipd *v, const struct module_address *a);
/* An address that left the configuration: out of the kernel, at once. */
void	act_drop(struct vipd *v, const struct module *m,
	    struct module_address *a);

#endif

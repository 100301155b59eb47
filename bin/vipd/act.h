/* SPDX-License-Identifier: ISC */
/* Carries out what vip.c plans for each address. */
#ifndef VIPD_ACT_H
#define VIPD_ACT_H

#include "vipd.h"

/* Does what is due now, tells what came of it, sets the timer. */
void	act_plan_all(struct vipd *v);
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

/* SPDX-License-Identifier: ISC */
/*
 * Rules in the kernel that keep a module's addresses from being answered
 * but while a lease runs.  They need no daemon to end it: the addresses are
 * elements of a set, each with a time, and what is not in the set is dropped.
 */
#ifndef VIPD_GUARD_H
#define VIPD_GUARD_H

#include "vipd.h"

/*
 * The rules, before the first address is set, and made anew when somebody
 * touched them; then the element of each address.  False and why: the kernel
 * has no such rules, and then nothing may be answered.
 */
bool	guard_keep(struct vipd *v, struct module *m, char *why,
	    size_t why_len);
/* After the last address has gone, or when no lease is needed any more. */
void	guard_remove(struct vipd *v, struct module *m);
/* What term_plan() says; a failure is logged and mended by the next. */
void	guard_renew(struct vipd *v, struct module *m, struct mono now);
/* Rules that another life left for modules nobody has told us of yet. */
void	guard_find(struct vipd *v, void (*load)(struct vipd *v,
	    const char *module));
/* The rules of m are such. */
void	guard_adopt(struct vipd *v, struct module *m);
void	guard_close(struct vipd *v);

#endif

/* SPDX-License-Identifier: ISC */
/* What vipd tells: events to who watches, lines of answers. */
#ifndef VIPD_SHOW_H
#define VIPD_SHOW_H

#include "vipd.h"

/* What changed since it was told last; `to', if not NULL, gets everything. */
void	show_module(struct vipd *v, struct module *m, struct client *to);
void	show_lans(struct vipd *v, struct client *to);
/* Resource ip.ADDRESS is down, whatever comes next. */
void	show_taken(struct vipd *v, struct module *m,
	    struct module_address *a);
/* Another station has it, or no more; to: one client, NULL all who watch. */
void	show_conflict(struct vipd *v, const struct module *m,
	    const struct module_address *a, struct client *to, bool begins);
/* They are answered again, or not any more. */
void	show_lease(struct vipd *v, const struct module *m, bool is_over);
/* Answer lines: where each address of a farm is on the wire. */
void	show_places(struct vipd *v, const struct module *m,
	    struct client *c);
void	show_status(const struct vipd *v, struct client *c);

#endif

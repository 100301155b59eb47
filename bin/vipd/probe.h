/* SPDX-License-Identifier: ISC */
/* The verb `probe': ask the network who has a module's addresses. */
#ifndef VIPD_PROBE_H
#define VIPD_PROBE_H

#include "vipd.h"

/* The request of a client; answers it, also when something is wrong. */
void	probe_begin(struct vipd *v, struct module *m, struct client *c,
	    const struct line *l);
/* A station claims the i-th address of m. */
void	probe_heard(struct vipd *v, const struct module *m, unsigned i,
	    const uint8_t *mac);
/* The client is gone. */
void	probe_forget(struct vipd *v, const struct client *c);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The device that cuts the peer's power: a fence agent, as those of Debian's
 * fence-agents, told by "key=value" lines on its standard input.  It is asked
 * to switch off and then whether that is so; both must answer yes.
 */
#ifndef MODULED_POWER_H
#define MODULED_POWER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent.h"
#include "loop.h"

struct power;

/*
 * on_done: of request id; text says why it is not known to be off.  id 0: one
 * that was called off has ended.
 */
struct power	*power_new(struct loop *l, const struct agent_conf *conf,
		    void (*on_done)(uint64_t id, bool is_off,
		    const char *text, void *arg), void *arg);
/* What runs is killed. */
void		 power_free(struct power *p);
/* The wish, stated again and again; 0: none, and what runs is killed. */
void		 power_want(struct power *p, uint64_t id);

#endif

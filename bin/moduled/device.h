/* SPDX-License-Identifier: ISC */
/*
 * Would the peer's fencing device answer?  It is asked for its status now and
 * then, so that its loss is known before the night it is needed.
 */
#ifndef MODULED_DEVICE_H
#define MODULED_DEVICE_H

#include <stdint.h>

#include "agent.h"

#include "status-int.h"

struct device;
struct moduled;

/* period_ms 0: it is never asked. */
struct device	*device_new(struct moduled *md, const struct agent_conf *conf,
		    int64_t period_ms);
void		 device_free(struct device *dv);
/* A power cut is under way, or is not: boards serve one at a time. */
void		 device_pause(struct device *dv, bool is_cutting);
/* The line `fencing' of the status, and its warning; dv may be NULL. */
void		 device_status(const struct device *dv, struct status_out *t);

#endif

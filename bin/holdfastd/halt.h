/* SPDX-License-Identifier: ISC */
/*
 * Before the daemons of a node end, its modules are stopped: each moduled is
 * told `stop' and asked until it says STOP.
 */
#ifndef HOLDFASTD_HALT_H
#define HOLDFASTD_HALT_H

#include <stdbool.h>
#include <stdint.h>

#include "line.h"
#include "loop.h"

struct halt;

/*
 * on_done is called once from the loop, when every module added is in STOP,
 * or could not be reached for a while, or timeout_ms are over.  Never NULL.
 */
struct halt	*halt_new(struct loop *l, int64_t timeout_ms,
		    void (*on_done)(void *arg), void *arg);
void		 halt_add(struct halt *h, const char *module);
void		 halt_free(struct halt *h);

/* For the test: this line of moduled's status says that the module stands. */
bool		 halt_line_says_stop(const struct line *l);

#endif

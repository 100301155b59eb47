/* SPDX-License-Identifier: ISC */
/*
 * The watchdog that resets a node which stands still: a device, or a FIFO
 * with a reader that does the same.  It is fed with the pulses, as long as
 * this node is one that its peers can rely on.
 */
#ifndef HEARTD_WATCHDOG_H
#define HEARTD_WATCHDOG_H

#include <stdint.h>

#include "clock.h"
#include "log.h"
#include "paths.h"

#include "module.h"

struct watchdog {
	const char	*path;		/* "": none */
	int64_t		 bound_ms;	/* not fed for so long: reset */
	int		 fd;		/* or -1 */
	struct mono	 fed, tried;
	/* Whose moduled went while it had a lease, and is not back. */
	char		 missed[MODULE_MAX][MODULE_NAME_MAX + 1];
	unsigned	 missed_count;
	char		 starved[MODULE_NAME_MAX + 32];	/* why it is not fed */
	struct log_limit limit;
};

/* path is kept.  A device that cannot be opened is tried again. */
void	watchdog_open(struct watchdog *w, const char *path, int seconds);
/* An orderly end: no reset. */
void	watchdog_close(struct watchdog *w);
/*
 * With each pulse: feeds it, unless this process was late (late_ms) for a
 * module that has a lease, or the moduled of one is gone or reads nothing.
 */
void	watchdog_feed(struct watchdog *w, struct module table[MODULE_MAX],
	    int64_t late_ms, struct mono now);
/* A module is withdrawn since its moduled went; it is stated again. */
void	watchdog_missed(struct watchdog *w, const struct module *m);
void	watchdog_back(struct watchdog *w, const char *name);

#endif

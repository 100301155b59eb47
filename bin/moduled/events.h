/* SPDX-License-Identifier: ISC */
/*
 * What happened to the module, one line each: M.events, the daemon's log and
 * `watch topic=event'.
 */
#ifndef MODULED_EVENTS_H
#define MODULED_EVENTS_H

#include "journal.h"
#include "serve.h"

/*
 * Written to /var/log/holdfast/M.events as
 * "2026-11-22T21:30:00.123 | LEVEL | component | text", LEVEL being that of
 * the event: I information, E event or error, W warning, S script, U user.
 */
void	events_open(const char *module, struct serve *serve);
void	events_add(enum journal_event e, const char *component,
	    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif

/* SPDX-License-Identifier: ISC */
/*
 * One line a message: to standard error, which holdfastd opened on the
 * daemon's log file, and to syslog once log_to_syslog() was called.  One
 * line, lower case, no full stop: `object: what failed: why'.
 *
 *	log_debug  for who debugs; shown with -v only
 *	log_info   a state changed
 *	log_warn   degraded, going on (log_warnx: without errno)
 *	fatal      the world refused: exit (fatalx: without errno)
 *	panic      we broke our own rule: abort
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "journal.h"

#define LOG_FMT(a, b) __attribute__((format(printf, a, b)))

/* `name' is kept, not copied: "heartd", or "mirrord ledger" by log_module(). */
void	log_init(const char *name, bool verbose);
/* Adds the module to the name of each line; `module' is copied. */
void	log_module(const char *module);
/* What journal entries of this daemon carry from now on; NULL: as it was. */
void	log_context(const char *node, const char *epoch);
/* The journal, when there is one, else syslog. */
void	log_to_syslog(void);

void	log_debug(const char *fmt, ...) LOG_FMT(1, 2);
void	log_info(const char *fmt, ...) LOG_FMT(1, 2);
void	log_warn(const char *fmt, ...) LOG_FMT(1, 2);
void	log_warnx(const char *fmt, ...) LOG_FMT(1, 2);
/* One of holdfast-events(7), of a module; NULL: that of log_module(). */
void	log_event(enum journal_event e, const char *module, const char *fmt,
	    ...) LOG_FMT(3, 4);
/* Exit status EX_OSERR (71). */
void	fatal(const char *fmt, ...) LOG_FMT(1, 2) __attribute__((noreturn));
/* Exit status `code', one of sysexits.h. */
void	fatalx(int code, const char *fmt, ...) LOG_FMT(2, 3)
	    __attribute__((noreturn));
void	panic(const char *fmt, ...) LOG_FMT(1, 2) __attribute__((noreturn));

/*
 * A limiter for what the network or a foreign host can cause without end:
 * true at most `burst' times in a window; counts what it swallowed, and the
 * next line let through says how many.  The window is 10 s, and doubles, up
 * to ten minutes, each time that something was swallowed.
 */
struct log_limit {
	int64_t		start_ns;
	int64_t		window_ms;
	unsigned	seen;
	unsigned	swallowed;
};
bool	log_limit_ok(struct log_limit *l, unsigned burst);

#endif

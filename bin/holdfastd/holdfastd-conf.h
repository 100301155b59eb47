/* SPDX-License-Identifier: ISC */
/*
 * The options of holdfastd.conf with their defaults; the only place where
 * they are.  Described in holdfastd(8).
 */
#ifndef HOLDFASTD_HOLDFASTD_CONF_H
#define HOLDFASTD_HOLDFASTD_CONF_H

#include <confuse.h>

/*
 * ready_timeout_ms: the next daemon is started even when this one has not
 *	said that it is ready.
 * kill_timeout_ms: SIGTERM to SIGKILL.
 * stop_timeout_s: for the modules to reach STOP.  600 s of our own and both
 *	script deadlines of the reference, 300 s each.
 */
#define HOLDFASTD_OPTS							\
	CFG_INT("ready_timeout_ms", 10000, CFGF_NONE),			\
	CFG_INT("kill_timeout_ms", 10000, CFGF_NONE),			\
	CFG_INT("stop_timeout_s", 1200, CFGF_NONE),			\
	CFG_END()

#endif

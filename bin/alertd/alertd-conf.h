/* SPDX-License-Identifier: ISC */
/*
 * The options of alertd.conf with their defaults; the only place where they
 * are.  Described in alertd.conf(5).
 */
#ifndef ALERTD_ALERTD_CONF_H
#define ALERTD_ALERTD_CONF_H

#include <confuse.h>

/*
 * settle_ms: what passes sooner, a swap or a link that blinked, is no news.
 * period_s: as long as it lasts, again and again (promise 7).
 */
#define ALERTD_OPTS							\
	CFG_STR("user", "holdfast", CFGF_NONE),				\
	CFG_INT("settle_ms", 3000, CFGF_NONE),				\
	CFG_INT("period_s", 3600, CFGF_NONE),				\
	CFG_INT("timeout_s", 30, CFGF_NONE),				\
	CFG_INT("down_s", 10, CFGF_NONE),				\
	CFG_END()

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The options of consoled.conf with their defaults; the only place where they
 * are.  Described in consoled.conf(5).
 */
#ifndef CONSOLED_CONSOLED_CONF_H
#define CONSOLED_CONSOLED_CONF_H

#include <confuse.h>

#define LISTEN_MAX	16

/*
 * stale_ms: at least twice poll_ms, or one late answer takes a node out.
 * Below port 1024 it could not be bound again after the rights are given up.
 */
#define CONSOLED_OPTS							\
	CFG_STR_LIST("listen", "{\"*\"}", CFGF_NONE),			\
	CFG_INT("port", 9010, CFGF_NONE),				\
	CFG_INT("poll_ms", 500, CFGF_NONE),				\
	CFG_INT("stale_ms", 2000, CFGF_NONE),				\
	CFG_BOOL("reasons", cfg_true, CFGF_NONE),			\
	CFG_INT("connections", 256, CFGF_NONE),				\
	CFG_INT("connections_per_address", 64, CFGF_NONE),		\
	CFG_END()

#endif

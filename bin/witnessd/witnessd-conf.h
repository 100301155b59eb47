/* SPDX-License-Identifier: ISC */
/*
 * The options of witnessd.conf with their defaults; the only place where they
 * are.  Described in witnessd.conf(5).
 */
#ifndef WITNESSD_WITNESSD_CONF_H
#define WITNESSD_WITNESSD_CONF_H

#include <confuse.h>

#include "vote.h"

/* modules: 8 KiB of disk each, made at its first vote. */
#define WITNESSD_OPTS							\
	CFG_INT("port", VOTE_PORT, CFGF_NONE),				\
	CFG_INT("modules", 256, CFGF_NONE),				\
	CFG_END()

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Why a module is not Ready, in one table: code, text, what is missing, the
 * command that goes on, and what that costs.  moduled(8) and
 * holdfast-troubleshooting(7) list the same codes.
 */
#ifndef MODULED_REASON_H
#define MODULED_REASON_H

#include <stdbool.h>
#include <stddef.h>

enum reason {
	RS_NONE,
	RS_STARTING,
	RS_STOPPING,
	RS_LISTENING,
	RS_PROMOTING,
	RS_SWAPPING,
	RS_PEER_LEAVES,
	RS_NEW_MODULE,
	RS_STALE,
	RS_PEER_NEWER,
	RS_PEER_ABSENT,
	RS_PEER_STARTS,
	RS_HALF_COPIED,
	RS_ADDRESS_ANSWERED,
	RS_NO_NETWORK,
	RS_DIVERGED,
	RS_DIVERGED_NO_SPACE,
	RS_CONFIG_DIFFERS,
	RS_MODULE_ID,
	RS_HANDED,
	RS_HOLDERS,
	RS_DIRECTORY,
	RS_STATEDIR,
	RS_DISK,
	RS_MIRRORD_ERROR,
	RS_FAILOVER_OFF,
	RS_RESOURCE,
	RS_RULE,
	RS_CHECKING,
	RS_MAXLOOP,
	RS_SCRIPT_FAILED,
	RS_PEER_SILENT,
	RS_GOING_ALONE,
	RS_COPYING,
	RS_HELD_DOWN,
	RS_SYNCAT,
	RS_SYNCDELTA,
	RS_MAINTENANCE,
	/* Of the lease and its voters. */
	RS_NO_MAJORITY,
	RS_NO_ETCD,
	RS_IN_DOUBT,
	RS_LEASE_OVER,
	RS_GRANT_RUNNING,
	RS_VOTING,
	RS_REGISTER_EMPTY,
	RS_REFUSED,
	/* Evidence from outside. */
	RS_FENCING,
	RS_FENCE_FAILED,
	RS_WITNESSES,
	RS_SPLITBRAIN,
	/* Of farms. */
	RS_ADDRESS_IN_USE,
	RS_FARMD_SILENT,
	RS_FARM_JOINING,
	RS_DRAINING,
	RS_CHECKER_FAILED,
	RS_FARM_OUTCAST,
	RS_FARM_NO_ADDRESS,
	RS_FARM_FILTER,
	RS_FARM_NO_FLOOD,
	RS_FARM_NO_POWER,
	RS_FARM_RULES_GONE,
	RS_FARM_WAITS,
	RS_FARMD_ERROR,
	RS_COUNT
};

struct reason_row {
	const char	*code;
	bool		 passes;	/* goes by itself: Transient */
	bool		 by_peer;	/* the peer coming back ends it */
	const char	*text;
	const char	*missing;	/* "" none */
	const char	*go_on;		/* command, "" none */
	const char	*cost;		/* without a command: what to do */
};

const struct reason_row	*reason_row(enum reason r);
/* The code a store reports ("holders", "disk"), RS_MIRRORD_ERROR if new. */
enum reason		 reason_of_code(const char *code);

struct reason_args {
	const char	*module, *node, *peer, *addresses, *detail;
	const char	*peer_now;	/* "n2, silent since ..." */
	const char	*silent;	/* the risk in not hearing it, or "" */
	const char	*script;	/* "; script ... runs since", or "" */
};

/*
 * Replaces {module} {node} {peer} {addresses} {detail} {peer_now} {silent}
 * {script}; cuts at size.
 */
const char	*reason_text(char *buf, size_t size, const char *text,
		    const struct reason_args *a);

#endif

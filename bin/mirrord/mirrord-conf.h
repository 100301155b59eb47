/* SPDX-License-Identifier: ISC */
/*
 * mirrord.conf of a configuration generation, written by holdfast(8):
 *
 *	module = "ledger"
 *	id = 1
 *	node = 1
 *	name = "n1"
 *	addrs = {"10.88.1.1", "10.88.2.1"}
 *	peer "n2" {
 *		id = 2
 *		addrs = {"10.88.1.2", "10.88.2.2"}
 *	}
 *	port = 5600
 *	async = "none"
 *	meta = "pipelined"
 *	stall_ms = 2000
 *	disktime_ms = 10000
 *	secondary = "readonly"
 *	diverged = "aside"
 *	verify = "sun 03:00"
 *	verify_kbs = 50000
 *	resync_kbs = 0
 *	directories = {"/srv/data"}
 *	writeback = {}
 *	tocheck = {"/srv/data/VERSION"}
 *	notreplicated "/srv/data" {
 *		paths = {"tmp"}
 *		names = {"\\.lock$"}
 *	}
 *	statedir = ""
 *
 * Addresses stand in the order they are tried, the flow network first.  An
 * empty statedir is /var/lib/holdfast/MODULE.
 */
#ifndef MIRRORD_CONF_H
#define MIRRORD_CONF_H

#include <confuse.h>
#include <stdbool.h>
#include <stdint.h>

#include "cluster.h"
#include "paths.h"

#include "when.h"

#include "exclude.h"

#define CONF_DIR_MAX	16
#define CONF_TOCHECK_MAX 64
#define CONF_ADDR_MAX	CLUSTER_LAN_MAX

struct mirrord_conf {
	const char	*module;
	uint16_t	 id;		/* of the module */
	uint8_t		 node;		/* own id */
	const char	*name;
	unsigned	 addr_count;
	struct sockaddr_storage addr[CONF_ADDR_MAX];	/* own, with port */
	uint8_t		 peer;
	const char	*peer_name;
	unsigned	 peer_addr_count;
	struct sockaddr_storage peer_addr[CONF_ADDR_MAX];
	uint16_t	 port;
	bool		 async_second;	/* a receipt is an acknowledgement */
	bool		 meta_receipt;	/* names wait for the peer, too */
	int64_t		 stall_ms;
	int64_t		 disktime_ms;
	bool		 hidden;	/* secondary="hidden" */
	bool		 yields;	/* diverged="aside" */
	struct when verify_when;
	uint64_t	 verify_rate;	/* bytes a second, 0: no bound */
	uint64_t	 resync_rate;
	unsigned	 dir_count;
	const char	*dir[CONF_DIR_MAX];
	bool		 writeback[CONF_DIR_MAX];	/* its kernel's cache */
	unsigned	 tocheck_count;
	struct {
		unsigned	 dir;	/* index into dir[] */
		const char	*path;	/* below it */
	} tocheck[CONF_TOCHECK_MAX];
	unsigned	 rule_count;
	struct conf_rule {
		unsigned	 dir;	/* index into dir[] */
		bool		 is_path;	/* else an expression */
		const char	*text;
	} rule[EXCLUDE_MAX];
	char		 statedir[PATH_LEN];
};

/* The one table: names, types, defaults. */
extern cfg_opt_t mirrord_opts[];

/* Reports what the table cannot express; the number of errors. */
int	mirrord_conf_check(cfg_t *cfg);
/* A checked cfg into c; strings stay cfg's. */
void	mirrord_conf_read(struct mirrord_conf *c, cfg_t *cfg);
/* A rule into e.  0, or -1 with the reason in why. */
int	mirrord_conf_exclude(struct excludes *e, const struct conf_rule *r,
	    char why[EXCLUDE_WHY_LEN]);

#endif

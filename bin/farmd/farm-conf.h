/* SPDX-License-Identifier: ISC */
/*
 * farmd.conf, checked and turned into what the pure parts and the filters
 * take: options are in farmd-conf.h, all errors are told at once.
 */
#ifndef FARMD_FARM_CONF_H
#define FARMD_FARM_CONF_H

#include <confuse.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "cluster.h"

#include "filter.h"

/* What vipd takes. */
#define FARM_ADDR_MAX	32
#define FARM_LANS_LEN	(CLUSTER_LAN_MAX * (CLUSTER_NAME_LEN + 1))

struct farm_conf {
	uint16_t		id;
	char			digest[65];
	char			lans[FARM_LANS_LEN];	/* by commas */
	int64_t			pulse_ms;
	int64_t			timeout_ms;
	int64_t			drain_ms;
	char			backend[8];
	unsigned		addr_count;
	struct sockaddr_storage	addr[FARM_ADDR_MAX];
	char			addr_text[FARM_ADDR_MAX][ADDR_LEN];
	bool			is_vmac[FARM_ADDR_MAX];	/* is to be */
	unsigned		tables;
	/* By table and node index of the cluster. */
	uint32_t		power[FILTER_TABLE_MAX][CLUSTER_NODE_MAX];
};

/* libconfuse's table of farmd.conf. */
cfg_opt_t	*farm_conf_opts(void);
/* For the daemon_spec: how many errors it told. */
int		 farm_conf_check(cfg_t *cfg);
/*
 * Fills conf, and what of `in' is configuration; cfg passed the check.  0, or
 * -1 after logging what of the cluster does not fit it.
 */
int		 farm_conf_fill(struct farm_conf *conf,
		    struct filter_input *in, cfg_t *cfg,
		    const struct cluster *c);

#endif

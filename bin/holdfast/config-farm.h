/* SPDX-License-Identifier: ISC */
/*
 * What is of farms only: who is in it, how the nodes share the clients, and
 * which packets are shared how.
 */
#ifndef HOLDFAST_CONFIG_FARM_H
#define HOLDFAST_CONFIG_FARM_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stdint.h>

#include "cluster.h"
#include "report.h"

#define FARM_WEIGHTS_MAX	4
#define FARM_GROUP_MAX		16
#define FARM_RULE_MAX		64
#define FARM_NAME_LEN		32

/* Groups with the same weights share one table of buckets. */
struct farm_weights {
	int64_t		 power[CLUSTER_NODE_MAX];	/* by index */
};

struct farm_group {
	const char	*name;
	unsigned	 weights;
};

struct farm_rule {
	unsigned	 group;
	char		 addr[ADDR_LEN];	/* or "*" */
	const char	*proto, *filter;
	int		 low, high;		/* 0, 65535: all */
	long		 line;
};

struct farm {
	bool			 is_in[CLUSTER_NODE_MAX];
	unsigned		 node_count;
	int64_t			 drain_ms, stopdrain_ms;
	const char		*backend;
	bool			 scriptcontrol;
	uint32_t		 seed;
	unsigned		 weights_count;
	struct farm_weights	 weights[FARM_WEIGHTS_MAX];
	unsigned		 group_count;
	struct farm_group	 group[FARM_GROUP_MAX];
	unsigned		 rule_count;
	struct farm_rule	 rule[FARM_RULE_MAX];
};

struct safe;

/* <farm>, and that elements of another kind of module are not there. */
void	farm_read(struct safe *m, const xmlNode *service, struct report *r);
/* <loadbalancing_list>; after the addresses. */
void	farm_read_groups(struct safe *m, const xmlNode *vip,
	    struct report *r);
/* The rules of one group. */
void	farm_read_rules(struct safe *m, const xmlNode *group,
	    unsigned index, struct report *r);
/* What all rules together must be. */
void	farm_check_rules(const struct safe *m, const xmlNode *list,
	    struct report *r);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * What farmd says of a farm, put together from the lines of its `status',
 * and how it is shown.  Pure but for the stream.
 */
#ifndef HOLDFAST_FARM_VIEW_H
#define HOLDFAST_FARM_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cluster.h"
#include "config-farm.h"
#include "line.h"
#include "status.h"

#define FARM_ADDR_MAX		32
#define FARM_WARN_MAX		32
#define FARM_WORD_LEN		24

struct farm_cell {
	int64_t	buckets;
	char	percent[FARM_WORD_LEN];
};

struct farm_node {
	char		 name[CLUSTER_NAME_LEN];
	bool		 is_self;
	char		 net[FARM_WORD_LEN], serve[FARM_WORD_LEN];
	char		 state[FARM_WORD_LEN], quality[FARM_WORD_LEN];
	char		 reason[64];
	int64_t		 draining;
	struct farm_cell cell[FARM_GROUP_MAX];
};

struct farm_view_addr {
	char	addr[ADDR_LEN], interface[FARM_WORD_LEN];
	char	type[FARM_WORD_LEN], vmac[FARM_WORD_LEN];
	bool	is_own;
};

struct farm_packets {
	int64_t	accepted, passed, rejected, refused, copied, lost;
};

struct farm_warn {
	char	code[64], text[512], command[256];
};

struct farm_view {
	char			serve[FARM_WORD_LEN];
	char			backend[FARM_WORD_LEN];
	char			delivery[FARM_WORD_LEN];
	char			epoch[FARM_WORD_LEN];
	char			digest[FARM_WORD_LEN];
	char			director[CLUSTER_NAME_LEN];
	unsigned		node_count;
	struct farm_node	node[CLUSTER_NODE_MAX];
	unsigned		group_count;
	char			group[FARM_GROUP_MAX][FARM_NAME_LEN];
	int64_t			taken[FARM_GROUP_MAX];	/* packets here */
	unsigned		addr_count;
	struct farm_view_addr	addr[FARM_ADDR_MAX];
	struct farm_packets	packets;
	unsigned		warn_count;
	struct farm_warn	warn[FARM_WARN_MAX];
};

/* One line of the answer; what it does not know it passes over. */
void	farm_view_add(struct farm_view *v, const struct line *l);
/*
 * What moduled warns of, in front of farmd's own warnings, which it may have
 * told with the command that ends them.
 */
void	farm_view_warnings(struct farm_view *v, const struct status *st,
	    const char *module);
const struct farm_node	*farm_view_self(const struct farm_view *v);
/*
 * What it takes of group g.  Of a node that is held back farmd tells the last
 * table it had a part in: it takes nothing.
 */
struct farm_cell	farm_node_takes(const struct farm_node *n, unsigned g);
/* Its buckets in all groups. */
int64_t	farm_node_buckets(const struct farm_view *v,
	    const struct farm_node *n);

void	farm_show(const struct farm_view *v, const char *module, FILE *out);
void	farm_show_json(const struct farm_view *v, const char *module,
	    FILE *out);

#endif

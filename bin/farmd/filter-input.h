/* SPDX-License-Identifier: ISC */
/*
 * All that a packet filter must know, filled by farmd's main from its
 * configuration and the agreed table.  What it means: filter.h.
 */
#ifndef FARMD_FILTER_INPUT_H
#define FARMD_FILTER_INPUT_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "hash.h"

#define FILTER_TABLE_MAX	4
#define FILTER_NODE_MAX		64	/* as CLUSTER_NODE_MAX */
#define FILTER_ADDR_MAX		32
#define FILTER_INTF_MAX		8
#define FILTER_GROUP_MAX	32
#define FILTER_RULE_MAX		256
#define FILTER_NAME_LEN		64

struct filter_mac {	/* all zero: not known */
	uint8_t	byte[6];
};

struct filter_intf {
	unsigned		index;
	char			name[IFNAMSIZ];
	struct filter_mac	mac;			/* of this node */
	uint8_t			ip4[4];	/* of this node; zero: has none */
	struct filter_mac	node_mac[FILTER_NODE_MAX]; /* by node index */
};

struct filter_addr {
	int			family;		/* AF_INET, AF_INET6 */
	uint8_t			ip[16];		/* 4 or 16 of them */
	unsigned		intf;		/* index into intf[] */
	bool			is_vmac;	/* delivered by its vmac now */
	/* Zero: never had one.  Frames to it are vmac frames while is_vmac is
	   off, too: caches are stale. */
	struct filter_mac	vmac;
};

struct filter_group {
	char		name[FILTER_NAME_LEN];
	unsigned	table;			/* its weights, below tables */
};

enum filter_proto { FP_TCP, FP_UDP, FP_ARP, FP_ROUTE };
enum filter_key {
	FK_ADDR,	/* source address */
	FK_PORT,	/* and source port */
	FK_IPID,	/* and IP id; of IPv6, where there is none, FK_ADDR */
	FK_SOURCE,	/* FP_ROUTE: packets through this node, outside */
	FK_DEST		/* the same, inside */
};

/* The first that matches counts. */
struct filter_rule {
	unsigned		group;
	int			addr;		/* index, or -1: every one */
	enum filter_proto	proto;
	uint16_t		low, high;	/* ports, host order */
	enum filter_key		key;
};

struct filter_node {
	char	name[FILTER_NAME_LEN];
	uint8_t	id;			/* 1..255 */
};

/* Plain data: whoever keeps one copies it by assignment. */
struct filter_input {
	char			module[FILTER_NAME_LEN];
	unsigned		id;		/* of the module */
	uint32_t		seed;		/* of every hash */
	unsigned		addr_count;
	struct filter_addr	addr[FILTER_ADDR_MAX];
	unsigned		group_count;
	struct filter_group	group[FILTER_GROUP_MAX];
	unsigned		rule_count;
	struct filter_rule	rule[FILTER_RULE_MAX];
	unsigned		intf_count;
	struct filter_intf	intf[FILTER_INTF_MAX];

	unsigned		node_count;	/* in cluster.conf's order */
	struct filter_node	node[FILTER_NODE_MAX];
	unsigned		self;		/* index into node[] */
	uint64_t		members;	/* bits by node index */
	bool			is_director;	/* answers for the addresses */
	bool			is_closed;	/* takes no SYN and no UDP */

	unsigned		tables;		/* at least 1 */
	/* Node id, 0: nobody; and bits by node index, a dead node is none. */
	uint8_t			taker[FILTER_TABLE_MAX][HASH_BUCKETS];
	uint64_t		keepers[FILTER_TABLE_MAX][HASH_BUCKETS];
};

enum filter_state { FS_OWNED, FS_GAINED, FS_DRAINING, FS_FOREIGN };
enum filter_state	filter_state(const struct filter_input *in,
			    unsigned table, unsigned bucket);
/* Index of the taker, or -1: nobody, or an id that is no node's. */
int	filter_taker(const struct filter_input *in, unsigned table,
	    unsigned bucket);
/* A bucket has keepers: own connections count, see apply(). */
bool	filter_is_moving(const struct filter_input *in);
/*
 * Which table the fragments of a protocol to this address follow, by their
 * source address: that of the first rule of the two; -1 if there is none.
 * Those of ICMP and of protocols without ports go as their echo does.
 */
int	filter_fragment_table(const struct filter_input *in, unsigned addr,
	    enum filter_proto proto);
/* The bucket of a TCP connection to addr, or -1: no rule has its port. */
int	filter_flow_bucket(const struct filter_input *in, unsigned addr,
	    uint16_t own_port, const uint8_t *peer, uint16_t peer_port,
	    unsigned *table);
bool	filter_mac_is_set(const struct filter_mac *m);
/* NULL, or what is wrong with the input; a backend need not look again. */
const char	*filter_input_error(const struct filter_input *in);

#endif

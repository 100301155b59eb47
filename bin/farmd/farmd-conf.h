/* SPDX-License-Identifier: ISC */
/*
 * The options of farmd.conf, one a row, with type and default.  holdfast(8)
 * writes this file into each generation from <farm> and <vip>; farmd reads
 * it and nothing else of the configuration.
 *
 *	module = "web"
 *	id = 1
 *	node = "n1"
 *	node_id = 1
 *	lans = { "lan1", "lan2" }
 *	seed = 2774121339
 *	address "10.88.1.100" { type = "vmac" vmac = "5a:fe:0a:58:01:64" }
 *	weights "0" { node "n1" { power = 1 } node "n2" { power = 2 } }
 *	group "http" { weights = 0 }
 *	rule "1" { group = "http" proto = "tcp" low = 80 high = 80
 *	    filter = "on_addr" }
 */
#ifndef FARMD_FARMD_CONF_H
#define FARMD_FARMD_CONF_H

#include <confuse.h>

/*
 * Its title is the address.  type: director, vmac; vmac: the shared MAC of a
 * vmac address, never a source; empty: 5a:fe and the address, of an IPv6
 * address its last four bytes.
 */
#define FARMD_ADDRESS_OPTS						\
	CFG_STR("type", "director", CFGF_NONE),				\
	CFG_STR("vmac", "", CFGF_NONE),					\
	CFG_END()

/* Its title is a node's name; power 0: no share. */
#define FARMD_POWER_OPTS						\
	CFG_INT("power", 1, CFGF_NONE),					\
	CFG_END()

/*
 * One table of buckets; its title is its number, from 0.  A node that is not
 * named has power 0; a table that names none gives every node the same.
 */
#define FARMD_WEIGHTS_OPTS(power_opts)					\
	CFG_SEC("node", (power_opts), CFGF_MULTI | CFGF_TITLE |		\
	    CFGF_NO_TITLE_DUPES),					\
	CFG_END()

/* Its title is the group's name; weights: the table it shares by. */
#define FARMD_GROUP_OPTS						\
	CFG_INT("weights", 0, CFGF_NONE),				\
	CFG_END()

/*
 * In the order of the file: the first that matches counts.
 * address: one of the addresses, or "*".
 * proto: tcp, udp, arp, route; low, high: ports, 0 and 65535 are "*".
 * filter: on_addr, on_port, on_ipid; of proto route on_source or on_dest.
 */
#define FARMD_RULE_OPTS							\
	CFG_STR("group", "", CFGF_NONE),				\
	CFG_STR("address", "*", CFGF_NONE),				\
	CFG_STR("proto", "tcp", CFGF_NONE),				\
	CFG_INT("low", 0, CFGF_NONE),					\
	CFG_INT("high", 65535, CFGF_NONE),				\
	CFG_STR("filter", "on_addr", CFGF_NONE),			\
	CFG_END()

/*
 * digest: hex, of what must be equal on all nodes.
 * lans: the <lan>s of <farm>; pulse_ms, timeout_ms: of the membership.
 * drain_ms: bound of a rebalance's drain; stopdrain_ms: of one before a stop.
 * backend: auto, nft, bpf.
 * seed: of every hash, the same on all nodes, 0 to 4294967295.
 */
#define FARMD_OPTS(address_opts, weights_opts, group_opts, rule_opts)	\
	CFG_STR("module", "", CFGF_NONE),				\
	CFG_INT("id", 1, CFGF_NONE),					\
	CFG_STR("digest", "", CFGF_NONE),				\
	CFG_STR("node", "", CFGF_NONE),					\
	CFG_INT("node_id", 0, CFGF_NONE),				\
	CFG_STR_LIST("lans", "{}", CFGF_NONE),				\
	CFG_INT("pulse_ms", 100, CFGF_NONE),				\
	CFG_INT("timeout_ms", 500, CFGF_NONE),				\
	CFG_INT("drain_ms", 3600000, CFGF_NONE),			\
	CFG_INT("stopdrain_ms", 30000, CFGF_NONE),			\
	CFG_STR("backend", "auto", CFGF_NONE),				\
	CFG_INT("seed", 0, CFGF_NONE),					\
	CFG_SEC("address", (address_opts), CFGF_MULTI | CFGF_TITLE |	\
	    CFGF_NO_TITLE_DUPES),					\
	CFG_SEC("weights", (weights_opts), CFGF_MULTI | CFGF_TITLE |	\
	    CFGF_NO_TITLE_DUPES),					\
	CFG_SEC("group", (group_opts), CFGF_MULTI | CFGF_TITLE |	\
	    CFGF_NO_TITLE_DUPES),					\
	CFG_SEC("rule", (rule_opts), CFGF_MULTI | CFGF_TITLE),		\
	CFG_END()

#endif

/* SPDX-License-Identifier: ISC */
/*
 * What filter-bpf.c and the programs of farm-bpf.c share: the values of the
 * maps.  The object file is installed beside farmd, so both are of one build;
 * the sizes are compared all the same when it is loaded.
 */
#ifndef FARMD_FARM_BPF_H
#define FARMD_FARM_BPF_H

#include <linux/types.h>

#define FARM_BPF_TABLES		4
#define FARM_BPF_BUCKETS	4096
#define FARM_BPF_NODES		64
#define FARM_BPF_ADDRS		64	/* of one module */
#define FARM_BPF_RULES		256	/* number 0: no rule */
#define FARM_BPF_GROUPS		32
#define FARM_BPF_MODULES	256
/* 8 MiB; of more the oldest are forgotten, and reset a little later. */
#define FARM_BPF_FLOWS		65536
#define FARM_BPF_NOBODY		0xffffffffu
#define FARM_BPF_NO_TABLE	0xff

enum farm_bpf_hash {
	FBH_ADDR,			/* source address */
	FBH_PORT,			/* and source port */
	FBH_IPID			/* and IP id; of IPv4 and UDP only */
};

/* An address; IPv4 as ::ffff:a.b.c.d, network order. */
struct farm_bpf_key {
	__u32 a[4];
};

/*
 * One address: what is needed to find out what a frame for it asks for, and
 * whether this node may have anything to do with it.  farm_xdp reads nothing
 * else.
 */
struct farm_bpf_page {
	__u32 seed;
	__u32 module;			/* row of its counter in farm_xdp */
	__u8 vmac[6];			/* all zero: none */
	__u8 fragment_table[2];		/* TCP, UDP; FARM_BPF_NO_TABLE */
	struct {
		__u8 table;
		__u8 hash;		/* enum farm_bpf_hash */
		__u8 group;
		__u8 pad;
	} rule[FARM_BPF_RULES];
	__u8 port[2][65536];		/* TCP, UDP: number of the rule */
	/* 1: nothing of this bucket is for this node */
	__u8 foreign[FARM_BPF_TABLES][FARM_BPF_BUCKETS];
};

struct farm_bpf_bucket {
	__u64 keepers;			/* bits: index of a node */
	__u32 taker;			/* index of a node, FARM_BPF_NOBODY */
	__u32 pad;
};

/* Who has what, at one time. */
struct farm_bpf_share {
	__u64 members;			/* bits: who gets ICMP errors */
	__u32 closed;			/* no SYN and no UDP for this node */
	__u32 pad;
	struct farm_bpf_bucket bucket[FARM_BPF_TABLES][FARM_BPF_BUCKETS];
};

/*
 * What is the module's, for all its addresses.  The next share is written
 * while the programs read the one that is live, then it becomes that: a
 * packet meets one of them.
 */
struct farm_bpf_state {
	__u32 self;			/* own index */
	__u32 mark;			/* for nftables: refuse this one */
	__u32 live;			/* 0 or 1 */
	__u32 pad;
	struct farm_bpf_share share[2];
};

struct farm_bpf_mac {
	__u8 byte[6];
	__u8 pad[2];
};

/* A node at an interface; FARM_BPF_NOBODY: this one. */
struct farm_bpf_port {
	__u32 ifindex;
	__u32 node;
};

/* A node by its MAC at an interface. */
struct farm_bpf_peer {
	__u32 ifindex;
	struct farm_bpf_mac mac;
};

/* One for each CPU. */
struct farm_bpf_count {
	__u64 accepted;
	__u64 passed;
	__u64 copied;
	__u64 rejected;
	__u64 refused;
	__u64 lost;
	__u64 group[FARM_BPF_GROUPS];
};

/* A connection that was passed on; the value is the node. */
struct farm_bpf_flow {
	struct farm_bpf_key src;
	struct farm_bpf_key dst;
	__u16 sport;			/* network order */
	__u16 dport;
};

#endif

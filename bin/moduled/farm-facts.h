/* SPDX-License-Identifier: ISC */
/*
 * What farmd tells of the farm: this node's part (event `fact') and each other
 * node (event `node').  Pure: lines in, struct out.
 */
#ifndef MODULED_FARM_FACTS_H
#define MODULED_FARM_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "line.h"

#include "facts.h"
#include "fsm.h"

#define FARM_NODES	64
#define FARM_GROUPS	32
#define FARM_MACS	8
#define FARM_MAC_LEN	18
#define FARM_DIGEST	24
#define FARM_WARNINGS	8

/* What this node wants of its share, and what it has of it. */
enum farm_serve {
	FARM_NONE,	/* not here, nor the addresses */
	FARM_HOLD,	/* addresses here, nothing comes in */
	FARM_DRAIN,	/* what is connected goes on, nothing new comes in */
	FARM_OPEN,
	FARM_SERVE_COUNT
};

struct farm_shares {
	unsigned	count;
	struct {
		char		group[FACT_NAME];
		unsigned	percent;
	}		of[FARM_GROUPS];
};

struct farm_facts {
	bool			known;		/* told on the present link */
	int64_t			i;		/* of the wish it answers */
	enum farm_serve		serve;
	bool			member, drained;
	int64_t			draining;	/* connections */
	char			epoch[FACT_CODE], digest[FARM_DIGEST];
	char			director[FACT_NAME];
	char			delivery[FACT_CODE], backend[FACT_CODE];
	char			code[FACT_CODE], text[FACT_TEXT];
	bool			blocked;	/* by code, not warned only */
	unsigned		warning_count;
	struct {
		char		code[FACT_CODE], text[FACT_TEXT];
	}			warning[FARM_WARNINGS];
	struct farm_shares	shares;
};

struct farm_node {
	char			name[FACT_NAME];
	enum net_state		net;
	bool			spoke;		/* its moduled, to its farmd */
	enum state		state;
	enum quality		quality;
	enum farm_serve		serve;
	bool			standby;
	int64_t			since_s;	/* wall seconds; 0: not told */
	char			reason[FACT_CODE];
	struct farm_shares	shares;
	unsigned		mac_count;
	char			mac[FARM_MACS][FARM_MAC_LEN];
};

struct farm_nodes {
	unsigned		count;
	struct farm_node	node[FARM_NODES];
};

const char	*farm_serve_name(enum farm_serve s);
/* FARM_SERVE_COUNT when it is no such word. */
enum farm_serve	 farm_serve_parse(const char *name);

/* 0, or -1 with *why set; then f (or n) is unchanged. */
int	farm_facts_parse(struct farm_facts *f, const struct line *l,
	    const char **why);
/* *before: what was known of it; *is_new: nothing was. */
int	farm_node_parse(struct farm_nodes *n, const struct line *l,
	    struct farm_node *before, bool *is_new, const char **why);

/* The node of that name, made when there is room; or NULL. */
struct farm_node *farm_node_get(struct farm_nodes *n, const char *name);
bool	farm_node_is_heard(const struct farm_node *n);
/* It takes clients, or still has some: the addresses are its. */
bool	farm_node_serves(const struct farm_node *n);
/* Another node serves with an open share. */
bool	farm_others_open(const struct farm_nodes *n);
bool	farm_others_serve(const struct farm_nodes *n);
/* Is that the MAC of a node of the farm? */
bool	farm_has_mac(const struct farm_nodes *n, const char *mac);

/* Of the first group: what is shown where there is room for one number. */
unsigned farm_share(const struct farm_shares *s);
/* Any of any group. */
bool	farm_has_share(const struct farm_shares *s);
/* "web 33 %, dns 50 %", or "33 %" of a group alone. */
const char *farm_shares_text(char *buf, size_t size,
	    const struct farm_shares *s);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Who takes which bucket.  A share is the table of one epoch: its members
 * with their roles, who directs, and for each set of weights the owner of
 * each bucket.  The next one is a pure function of the one before and of who
 * is there now (rules F3 and F4).  Names are node ids of cluster.conf, which
 * are never given again.
 */
#ifndef FARMD_SHARE_H
#define FARMD_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARE_BUCKETS		4096
#define SHARE_TABLE_MAX		4
#define SHARE_NODE_MAX		64
/* A member whose power is this many times smaller than another's has none. */
#define SHARE_POWER_CHAIN	64
#define SHARE_POWER_MAX		1000000

/* What a node is in the farm, and wishes to be. */
enum share_role {
	SHARE_NONE,		/* not there */
	SHARE_HOLD,		/* takes no new connection, has no share */
	SHARE_DRAIN,		/* gives its share away */
	SHARE_SERVE,
};
const char	*share_role_name(enum share_role r);
/* false: no such name. */
bool	share_role_parse(enum share_role *r, const char *name);

struct share_member {
	uint8_t		id;
	enum share_role	role;			/* SHARE_DRAIN, SHARE_SERVE */
	uint32_t	power[SHARE_TABLE_MAX];	/* not part of the digest */
};

struct share {
	uint64_t	epoch;		/* 0: none yet */
	unsigned	tables;
	unsigned	count;
	struct share_member member[SHARE_NODE_MAX];	/* ascending ids */
	uint8_t		director;	/* node id, 0: nobody */
	uint8_t		owner[SHARE_TABLE_MAX][SHARE_BUCKETS]; /* 0: nobody */
};

/* How many tables a farm of so many nodes can have, so that what a node
 * publishes fits a line: 2 nodes 4, up to 4 nodes 3, up to 16 two, else 1. */
unsigned	share_table_limit(unsigned nodes);

/*
 * The share after prev (NULL: none) for these members, ascending by id, with
 * role and power.  Quotas are exact largest remainders; among equal
 * remainders who has one more already keeps it.  Buckets stay with their
 * owner as long as its quota allows; nobody gains and loses in one table.  A
 * table whose serving members have no power at all gets no owner.  The director
 * stays while it serves, else the lowest serving member, else the lowest.
 * The epoch is that of prev; the caller counts.  A share that was made for
 * the same members is returned unchanged (the function is idempotent).
 */
void	share_next(struct share *next, const struct share *prev,
	    unsigned tables, const struct share_member *member,
	    unsigned count);

/* 64 bits of everything but epoch and powers. */
uint64_t	share_digest(const struct share *s);
const struct share_member	*share_member(const struct share *s,
				    uint8_t id);
/* Buckets of this node in a table, and in per cent, rounded to tenths. */
unsigned	share_count(const struct share *s, unsigned table, uint8_t id);
unsigned	share_permille(const struct share *s, unsigned table,
		    uint8_t id);
/* Buckets of all tables that have another owner in b. */
unsigned	share_moved(const struct share *a, const struct share *b);

/*
 * Text without blanks: epoch, director, members and a string of base64
 * (A-Z a-z 0-9 - _) for each table.  share_format() returns false when it does
 * not fit.  share_parse() takes foreign text: 0, or -1 and *why; *s is then
 * not to be used.  "-" is the share that is none.
 */
#define SHARE_TEXT_MAX	7000
bool	share_format(char *buf, size_t size, const struct share *s);
int	share_parse(struct share *s, const char *text, const char **why);

/* A set of buckets for each table. */
struct share_set {
	uint64_t	bit[SHARE_TABLE_MAX][SHARE_BUCKETS / 64];
};
bool	share_set_has(const struct share_set *s, unsigned table,
	    unsigned bucket);
void	share_set_add(struct share_set *s, unsigned table, unsigned bucket);
void	share_set_del(struct share_set *s, unsigned table, unsigned bucket);
bool	share_set_is_empty(const struct share_set *s);
unsigned	share_set_count(const struct share_set *s, unsigned table);
/* The buckets of a node. */
void	share_set_of(struct share_set *out, const struct share *s,
	    uint8_t id);

/* One table of a set as base64; "-" when empty.  0 or -1 for foreign text. */
#define SHARE_SET_TEXT	(SHARE_BUCKETS / 6 + 3)
void	share_set_format(char buf[SHARE_SET_TEXT], const struct share_set *s,
	    unsigned table);
int	share_set_parse(struct share_set *s, unsigned table,
	    const char *text);

#endif

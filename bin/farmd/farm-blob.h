/* SPDX-License-Identifier: ISC */
/*
 * What a farmd says to its siblings: one line of key=value pairs, carried by
 * heartd.  The first half is the agreement's (accord.c fills and reads it),
 * the second is main's.  It comes from another node and perhaps from another
 * build: nothing is believed before its bounds were checked, unknown keys are
 * skipped, and a blob that contradicts itself is refused whole.
 */
#ifndef FARMD_FARM_BLOB_H
#define FARMD_FARM_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "share.h"

#define FARM_BLOB_VERSION	1
#define FARM_BLOB_WORD		32
#define FARM_BLOB_DIGEST	32	/* more digits are cut off */
#define FARM_BLOB_ADDR_MAX	32	/* of a module */
#define FARM_BLOB_MAC_MAX	8	/* as FILTER_INTF_MAX */
/* With heartd's verb and name around it, it still is one line of 8192. */
#define FARM_BLOB_MAX		7960

/* Rule F6: how far a node is with the share it prepared. */
enum farm_step {
	FARM_NOTHING,		/* has prepared none */
	FARM_PREPARED,		/* computed it */
	FARM_READY,		/* and nobody outside of it stands in its way */
	FARM_STOPPED,		/* and takes nothing it does not have in it */
	FARM_ACTING,		/* and takes all it has in it */
};
const char	*farm_step_name(enum farm_step s);

struct farm_heard {
	uint8_t		id;
	uint32_t	life;		/* farm_blob_echo() of what it said */
	uint16_t	salt;		/* what it is asked to answer, 0 no */
};

struct farm_blob {
	/* The agreement's. */
	uint8_t		node;			/* who says all this */
	char		conf[FARM_BLOB_DIGEST + 1];	/* its digest */
	enum share_role	role;			/* its wish */
	uint32_t	life;			/* new when memory was lost */
	unsigned	heard_count;
	struct farm_heard heard[SHARE_NODE_MAX];	/* ascending */
	unsigned	down_count;		/* who is not heard any more */
	uint8_t		down[SHARE_NODE_MAX];
	unsigned	outcast;	/* hops to who left it out, 0 no */
	uint8_t		anchor;			/* lowest id of those */
	bool		is_idle;		/* takes no bucket */
	bool		yields;			/* to others, and knows it */
	unsigned	view_count;		/* members of `prepared' */
	uint8_t		view[SHARE_NODE_MAX];
	uint64_t	prepared_epoch;
	uint64_t	prepared_digest;
	enum farm_step	step;
	struct share	acting;			/* what it last started */
	uint64_t	acting_digest;		/* set by farm_blob_parse() */
	struct share_set keeps;			/* buckets it is draining */

	/* Main's; what is empty or zero is not written. */
	unsigned	mac_count;
	struct {
		uint8_t	 byte[6];		/* of one of its interfaces */
		uint32_t addrs;			/* on it; bits by index */
	} mac[FARM_BLOB_MAC_MAX];
	unsigned	probe_count;
	uint8_t		probe[SHARE_NODE_MAX];	/* heard by the vmac probe */
	bool		no_flood;		/* its vmac test fails now */
	char		delivery[FARM_BLOB_WORD];
	char		backend[FARM_BLOB_WORD];
	char		state[FARM_BLOB_WORD];		/* of its moduled */
	char		quality[FARM_BLOB_WORD];
	char		reason[FARM_BLOB_WORD];
	int64_t		since_s;
	bool		standby;
	unsigned	draining;		/* connections */
	char		code[FARM_BLOB_WORD];	/* what is wrong there */
};

/* The line, without newline.  false: it does not fit (errno EMSGSIZE). */
bool	farm_blob_format(char *buf, size_t size, const struct farm_blob *b);
/* 0, or -1 and *why; *b is then not to be used. */
int	farm_blob_parse(struct farm_blob *b, const char *text,
	    const char **why);
/*
 * What a node that heard this life, and was given this salt, lists of it.
 * The salt is for one node alone: who asks one anew disturbs no other.
 */
uint32_t	farm_blob_echo(uint32_t life, uint16_t salt);
/* Does it list this node, with this echo?  0: with any. */
bool	farm_blob_hears(const struct farm_blob *b, uint8_t id, uint32_t echo);
/* The salt it has for this node. */
uint16_t	farm_blob_salt(const struct farm_blob *b, uint8_t id);
/* It says that it does not hear this node. */
bool	farm_blob_lacks(const struct farm_blob *b, uint8_t id);
bool	farm_blob_views(const struct farm_blob *b, uint8_t id);

#endif

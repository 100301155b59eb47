/* SPDX-License-Identifier: ISC */
/*
 * What the agreement is asked with and how it answers; see accord.h.
 */
#ifndef FARMD_ACCORD_IN_H
#define FARMD_ACCORD_IN_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

#include "farm-blob.h"
#include "share.h"

#define ACCORD_NAME	64

struct accord_conf {
	char		digest[FARM_BLOB_DIGEST + 1];
	unsigned	tables;
	unsigned	node_count;		/* of the farm, this one too */
	struct {
		uint8_t		id;
		char		name[ACCORD_NAME];
		uint32_t	power[SHARE_TABLE_MAX];
	} node[SHARE_NODE_MAX];			/* any order; "index" below */
	unsigned	self;			/* index into node[] */
	int64_t		timeout_ms;		/* heartd's T for the module */
	int64_t		drain_ms;		/* then connections are ended */
};

enum accord_net { ACCORD_UNKNOWN, ACCORD_UP, ACCORD_DOWN };

struct accord_peer {
	enum accord_net		net;	/* event peer; unknown before it */
	const struct farm_blob	*blob;	/* newest that parsed, or NULL; NULL
					   again after gone=1 */
};

struct accord_in {
	struct mono		now;
	enum share_role		role;		/* wish; open is SHARE_SERVE */
	/*
	 * True once, after heartd's event late, and when the link to heartd
	 * was lost longer than T: others may have gone on without this node.
	 */
	bool			was_late;
	/* Random and new each time, not 0; taken when a life begins. */
	uint32_t		random;
	struct accord_peer	peer[SHARE_NODE_MAX]; /* by index */
};

struct accord_out {
	bool		buckets;	/* taker, keepers, director changed */
	bool		blob;		/* what is published changed */
	bool		expired;	/* accord_expired() is not empty */
	bool		facts;		/* phase, code or text changed */
	struct mono	wake;		/* 0: nothing but input changes it */
};

enum accord_phase {
	ACCORD_OUT,		/* wish none or hold: takes nothing */
	ACCORD_LISTEN,		/* does not know yet who is there */
	ACCORD_PREPARE,		/* not all have prepared the same */
	ACCORD_STOP,		/* they have; not all have stopped */
	ACCORD_ACT,		/* takes all it has in the agreed share */
	ACCORD_BLOCKED,		/* see accord_code(): takes nothing */
};
const char	*accord_phase_name(enum accord_phase p);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Blobs: the one text each module publishes on a node, carried to every peer
 * that runs the same module.  Sent on change, in fragments that fit one
 * datagram, acknowledged by a set of fragments, sent again until complete.
 * Pure: the caller brings memory and time and moves the fragments.
 */
#ifndef HEARTD_BLOB_H
#define HEARTD_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"

#define BLOB_MAX		65536
/* With name, digest, headers and seal this makes 1200 bytes at most. */
#define BLOB_FRAGMENT		896
#define BLOB_FRAGMENT_MAX	((BLOB_MAX + BLOB_FRAGMENT - 1) / BLOB_FRAGMENT)

/* A set of fragments; 128 bits hold BLOB_FRAGMENT_MAX of them. */
struct fragset {
	uint64_t	bit[2];
};

/* Own: what this node publishes. */
struct blob_out {
	bool		is_set;
	uint64_t	version;	/* goes on through a withdrawal */
	uint32_t	len;
	uint8_t		*data;		/* BLOB_MAX bytes of the caller */
};

/* What one peer has of it. */
struct blob_tx {
	uint64_t	version;
	struct fragset	have;
	struct mono	sent;
	unsigned	rounds;
};

/* What this node has of a peer's. */
struct blob_in {
	bool		has;		/* data[] is complete */
	uint64_t	version;	/* of data[] */
	uint32_t	len;
	uint8_t		*data;		/* BLOB_MAX bytes of the caller */
	uint64_t	next;		/* version being collected, or 0 */
	uint32_t	next_len;
	struct fragset	next_have;
	uint8_t		*next_data;	/* BLOB_MAX bytes of the caller */
	bool		is_old_life;	/* any version is newer */
};

struct fragment {
	uint64_t	version;
	uint32_t	total;		/* bytes of the whole blob */
	unsigned	index;
	const uint8_t	*data;
	size_t		len;
};

/* Fragments of a blob of len bytes; an empty blob has one, empty. */
unsigned	blob_fragments(uint32_t len);
bool	fragset_has(const struct fragset *s, unsigned i);
void	fragset_add(struct fragset *s, unsigned i);
bool	fragset_is_full(const struct fragset *s, unsigned count);

void	blob_out_init(struct blob_out *o, uint8_t *data);
/*
 * Publishes; true when it differs from the last one and so has a new
 * version.  len <= BLOB_MAX, else false with errno EMSGSIZE.  origin is
 * random: where versions begin, so that one of an earlier life is not met.
 */
bool	blob_publish(struct blob_out *o, const void *data, size_t len,
	    uint64_t origin);

/* Nothing is published any more; whoever had it was told to forget it. */
void	blob_withdraw(struct blob_out *o);
/* Is anything to be sent to this peer now?  retry_ms after the last time. */
bool	blob_tx_is_due(const struct blob_tx *t, const struct blob_out *o,
	    struct mono now, int64_t retry_ms);
/* Begins a round; then blob_tx_next() until it returns false. */
void	blob_tx_begin(struct blob_tx *t, const struct blob_out *o,
	    struct mono now);
/* The next fragment at or after *index the peer has not; moves *index on. */
bool	blob_tx_next(const struct blob_tx *t, const struct blob_out *o,
	    unsigned *index, struct fragment *f);
/* The peer says what it has. */
void	blob_tx_ack(struct blob_tx *t, const struct blob_out *o,
	    uint64_t version, const struct fragset *have);
bool	blob_tx_is_done(const struct blob_tx *t, const struct blob_out *o);

enum blob_result {
	BLOB_BAD,		/* contradicts itself: drop */
	BLOB_OLD,		/* older than what is here: drop */
	BLOB_MORE,		/* taken, others are missing */
	BLOB_KNOWN,		/* all of it is here already: acknowledge */
	BLOB_DONE,		/* this one made it complete: acknowledge */
};

void	blob_in_init(struct blob_in *b, uint8_t *data, uint8_t *next_data);
/* The peer began a new life: its versions start anew, its text stays. */
void	blob_in_restart(struct blob_in *b);
/* The peer withdrew the module. */
void	blob_in_forget(struct blob_in *b);
enum blob_result	blob_in_take(struct blob_in *b,
			    const struct fragment *f);
/* What to acknowledge for this version. */
void	blob_in_have(const struct blob_in *b, uint64_t version,
	    struct fragset *have);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The ring of frames in memory that keepd holds.  A kill at any instruction
 * leaves it consistent: an entry is there from the store of its tag on, and
 * filled from the store of its commit word on.  No locks and no waiting
 * here: stream.c calls all but queue_commit() under its lock.
 *
 * Memory: a head of 4096 bytes, then entries of a multiple of 64 bytes:
 * {tag, commit, room, len, frame}.  Byte order is the host's.
 */
#ifndef MIRRORD_QUEUE_H
#define MIRRORD_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue_head;
struct queue_entry;

struct queue {
	struct queue_head	*head;
	uint8_t			*ring;
	uint64_t		 size;		/* of the ring */
	uint64_t		 head_pos;	/* positions only ever grow */
	uint64_t		 next_seq;
	uint64_t		 tail_pos;
	uint64_t		 tail_seq;	/* of the entry at tail_pos */
};

/* Takes up what an earlier life left, or begins; entries that were never
 * filled become WT_VOID.  false: size is too small. */
bool	queue_init(struct queue *q, void *memory, size_t size);
uint64_t queue_id(const struct queue *q);
/* Room for a frame of at most len bytes; NULL: full.  *buf and *seq. */
struct queue_entry *queue_reserve(struct queue *q, size_t len, uint8_t **buf,
	    uint64_t *seq);
void	queue_commit(struct queue_entry *e, uint64_t seq, size_t len);
/*
 * The entry of seq, which is at *pos (a position of tail_pos or returned
 * before): NULL when not committed yet.  *pos is moved past it.
 */
uint8_t	*queue_at(const struct queue *q, uint64_t *pos, uint64_t seq,
	    size_t *len);
/* Frees everything up to seq. */
void	queue_release(struct queue *q, uint64_t seq);
/* The peer's marks, kept for the next life. */
void	queue_set_marks(struct queue *q, uint64_t applied, uint64_t durable);
void	queue_marks(const struct queue *q, uint64_t *applied,
	    uint64_t *durable);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * A small durable record: a file of two blocks of 4 KiB, preallocated and
 * written in turn, in place.  The good block with the higher sequence is in
 * force.  A block, numbers big-endian:
 *
 *	 0  u32  magic
 *	 4  u32  crc32c	of the block, this field taken as zero
 *	 8  u64  sequence
 *	16  u64  binding	which file this is, slots_binding(); 0: not yet
 *	24  u32  length of the body
 *	28  body, then zeros
 */
#ifndef WITNESSD_SLOTS_H
#define WITNESSD_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#define SLOT_LEN	4096
#define SLOT_BODY_MAX	(SLOT_LEN - 28)

struct slots {
	unsigned	good;		/* blocks that are: 0, 1, 2 */
	unsigned	at;		/* the one in force */
	uint64_t	seq;
	uint64_t	binding;	/* as it was written */
	size_t		len;
	uint8_t		body[SLOT_BODY_MAX];
};

/*
 * Makes `name' with this body in both blocks and no binding, durably; what
 * had the name is gone.  0, or -1 with errno.
 */
int	slots_create(int dirfd, const char *name, uint32_t magic,
	    const void *body, size_t len);
/* For reading and durable writing; -1 with errno. */
int	slots_open(int dirfd, const char *name);
/* Fills s; good is 0 when neither block can be used. */
void	slots_read(struct slots *s, int fd, uint32_t magic);
/*
 * Writes s->body and s->binding into the block not in force; when it is
 * durable, that one is.  0; or -1 with errno, and the other is in force yet.
 */
int	slots_write(struct slots *s, int fd, uint32_t magic);
/*
 * Says which file of which machine this is: a copy, a restored one, or the
 * same disk in another machine has another.  Never 0, but for -1 with errno.
 */
int	slots_binding(int fd, uint64_t *binding);

#endif

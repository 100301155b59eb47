/* SPDX-License-Identifier: ISC */
/*
 * Inputs for the parsers of mirrord's state files, whose crc and identity no
 * mutation would pass: a row of pieces, each a block of record.h, its place,
 * what its header says and what it holds.  It is sealed here, so that the
 * parser behind the seal is reached, unless the piece says otherwise.
 */
#ifndef FUZZ_BLOCKS_H
#define FUZZ_BLOCKS_H

#include "../../bin/mirrord/record.h"

#include "state.h"

#define STATE_MODULE	"web"
#define STATE_NODE	1

/*
 * Into fd the pieces of an input: u8 place, u8 say (1 spoil the seal, 2
 * another node), u8 seq, u8 flags, u8 a, u8 b, u16 count, u16 length, bytes.
 * A place is one of `places'; seq counts in `turn' from the place, or is as
 * it stands when turn is 0.
 */
static inline void
state_blocks(int fd, struct state_in *in, unsigned places, unsigned turn,
    uint32_t (*magic)(unsigned place))
{
	while (in->len > 0) {
		unsigned place = (unsigned)state_get(in, 1) % places;
		unsigned say = (unsigned)state_get(in, 1);
		uint64_t seq = state_get(in, 1);
		struct record r = { .magic = magic(place),
		    .node = STATE_NODE + (say >> 1 & 1),
		    .seq = turn == 0 ? seq : place + seq * turn,
		    .module = STATE_MODULE };
		uint8_t block[RECORD_BLOCK] = { 0 };
		size_t len;

		r.flags = (uint32_t)state_get(in, 1);
		r.a = state_get(in, 1);
		r.b = state_get(in, 1);
		r.count = (uint16_t)state_get(in, 2);
		len = state_get(in, 2) % (RECORD_BLOCK - RECORD_HEADER_LEN);
		len = len < in->len ? len : in->len;
		memcpy(block + RECORD_HEADER_LEN, in->p, len);
		in->p += len;
		in->len -= len;
		record_seal(block, &r);
		block[RECORD_BLOCK - 1] ^= say & 1;
		if (pwrite(fd, block, sizeof(block),
		    (off_t)place * RECORD_BLOCK) != sizeof(block))
			abort();
	}
}

/* A file of that many blocks, with the pieces of an input in it. */
static inline void
state_file(int dirfd, const char *name, struct state_in *in, unsigned blocks,
    unsigned places, unsigned turn, uint32_t (*magic)(unsigned place))
{
	int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1 || ftruncate(fd, (off_t)blocks * RECORD_BLOCK) == -1)
		abort();
	state_blocks(fd, in, places, turn, magic);
	(void)close(fd);	/* memory */
}

#endif

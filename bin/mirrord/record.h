/* SPDX-License-Identifier: ISC */
/*
 * What every block of the state files has in common (rules R20, R22): a
 * header that says whose it is, and a crc32c over the whole block.  All
 * numbers are big-endian.
 *
 *	 0  u32  magic		one a kind of block
 *	 4  u32  crc32c		of the block, this field taken as zero
 *	 8  u8   version	1
 *	 9  u8   node		id of the node that wrote it
 *	10  u16  count		what the kind counts
 *	12  u32  flags
 *	16  u64  seq
 *	24  u32, u64, u8	epoch
 *	37  3 bytes zero
 *	40  char module[32]	padded with zeros
 *	72  u64  a		what the kind needs
 *	80  u64  b
 *	88  8 bytes zero
 */
#ifndef MIRRORD_RECORD_H
#define MIRRORD_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "epoch.h"
#include "paths.h"

#define RECORD_BLOCK		4096
#define RECORD_HEADER_LEN	96

struct record {
	uint32_t	magic;
	uint8_t		node;
	uint16_t	count;
	uint32_t	flags;
	uint64_t	seq;
	struct epoch	epoch;
	char		module[MODULE_NAME_MAX + 1];
	uint64_t	a;
	uint64_t	b;
};

/* Writes the header into a block whose body is in place, and the crc. */
void	record_seal(uint8_t block[RECORD_BLOCK], const struct record *r);
/* 0, or -1: not a good block of this magic, module and node. */
int	record_check(struct record *r, const uint8_t block[RECORD_BLOCK],
	    uint32_t magic, const char *module, uint8_t node);

void	record_put(uint8_t *p, uint64_t v, unsigned bytes);
uint64_t record_get(const uint8_t *p, unsigned bytes);
void	record_put_epoch(uint8_t p[13], struct epoch e);
struct epoch record_get_epoch(const uint8_t p[13]);

/*
 * Makes `name' in dirfd: `len' bytes of `head', then zeros up to `size',
 * written and synced before it gets its name: nothing in it grows later
 * (rule R20).  0, or -1 with errno.
 */
int	record_create(int dirfd, const char *name, const void *head,
	    size_t len, size_t size);
/* All or nothing: -1 with errno, EIO on a short file. */
int	record_pread(int fd, void *buf, size_t len, uint64_t off);

#endif

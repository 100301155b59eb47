/* SPDX-License-Identifier: ISC */
/*
 * Blocks of the state files: header, crc, creation, whole reads and writes.
 * Used by gen.c, actlog.c and dirty-log.c; knows nothing of what they mean.
 */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crc32c.h"
#include "whole.h"

#define RECORD_VERSION	1

void
record_put(uint8_t *p, uint64_t v, unsigned bytes)
{
	while (bytes-- > 0) {
		p[bytes] = v & 0xff;
		v >>= 8;
	}
}

uint64_t
record_get(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | *p++;
	return v;
}

void
record_put_epoch(uint8_t p[13], struct epoch e)
{
	record_put(p, e.era, 4);
	record_put(p + 4, e.n, 8);
	p[12] = e.node;
}

struct epoch
record_get_epoch(const uint8_t p[13])
{
	struct epoch e = { 0 };

	e.era = record_get(p, 4);
	e.n = record_get(p + 4, 8);
	e.node = p[12];
	return e;
}

static uint32_t
block_crc(const uint8_t block[RECORD_BLOCK])
{
	static const uint8_t none[4];
	uint32_t crc;

	crc = crc32c(0, block, 4);
	crc = crc32c(crc, none, sizeof(none));
	return crc32c(crc, block + 8, RECORD_BLOCK - 8);
}

void
record_seal(uint8_t block[RECORD_BLOCK], const struct record *r)
{
	memset(block, 0, RECORD_HEADER_LEN);
	record_put(block, r->magic, 4);
	block[8] = RECORD_VERSION;
	block[9] = r->node;
	record_put(block + 10, r->count, 2);
	record_put(block + 12, r->flags, 4);
	record_put(block + 16, r->seq, 8);
	record_put_epoch(block + 24, r->epoch);
	memcpy(block + 40, r->module, strnlen(r->module, MODULE_NAME_MAX));
	record_put(block + 72, r->a, 8);
	record_put(block + 80, r->b, 8);
	record_put(block + 4, block_crc(block), 4);
}

int
record_check(struct record *r, const uint8_t block[RECORD_BLOCK],
    uint32_t magic, const char *module, uint8_t node)
{
	memset(r, 0, sizeof(*r));
	r->magic = record_get(block, 4);
	r->node = block[9];
	r->count = record_get(block + 10, 2);
	r->flags = record_get(block + 12, 4);
	r->seq = record_get(block + 16, 8);
	r->epoch = record_get_epoch(block + 24);
	memcpy(r->module, block + 40, MODULE_NAME_MAX);
	r->a = record_get(block + 72, 8);
	r->b = record_get(block + 80, 8);
	if (r->magic != magic || block[8] != RECORD_VERSION ||
	    record_get(block + 4, 4) != block_crc(block))
		return -1;
	return r->node == node && strcmp(r->module, module) == 0 ? 0 : -1;
}

int
record_pread(int fd, void *buf, size_t len, uint64_t off)
{
	ssize_t n = whole_pread(fd, buf, len, off);

	if (n == -1)
		return -1;
	if ((size_t)n < len) {
		errno = EIO;
		return -1;
	}
	return 0;
}

/* Zeros, not a hole: an unwritten extent costs a journal commit at its
 * first write, and a full disk must not meet us later. */
static int
fill(int fd, const void *head, size_t len, size_t size)
{
	static const uint8_t zero[64 * 1024];
	size_t n;

	if (whole_pwrite(fd, head, len, 0) == -1)
		return -1;
	for (; len < size; len += n) {
		n = size - len < sizeof(zero) ? size - len : sizeof(zero);
		if (whole_pwrite(fd, zero, n, len) == -1)
			return -1;
	}
	return fsync(fd);
}

int
record_create(int dirfd, const char *name, const void *head, size_t len,
    size_t size)
{
	char aside[64];
	int fd, err;

	if (strlen(name) + sizeof(".new") > sizeof(aside)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(aside, sizeof(aside), "%s.new", name);
	fd = openat(dirfd, aside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);
	if (fd == -1)
		return -1;
	if (fill(fd, head, len, size) == -1 ||
	    renameat(dirfd, aside, dirfd, name) == -1 || fsync(dirfd) == -1) {
		err = errno;
		(void)unlinkat(dirfd, aside, 0); /* it may not be there */
		(void)close(fd); /* the write is what failed */
		errno = err;
		return -1;
	}
	(void)close(fd); /* synced */
	return 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * Two blocks in place.  A block is written only while the other one is in
 * force and good, so a write that fails, or that a power cut tears, loses
 * nothing that was answered.
 */

#include "slots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <sodium.h>

#include "crc32c.h"
#include "frame.h"
#include "machine.h"
#include "whole.h"

#define HEAD_LEN	28
#define HANDLE_MAX	128	/* MAX_HANDLE_SZ */

static uint32_t
block_crc(const uint8_t block[SLOT_LEN])
{
	static const uint8_t none[4];
	uint32_t crc = crc32c(0, block, 4);

	crc = crc32c(crc, none, sizeof(none));
	return crc32c(crc, block + 8, SLOT_LEN - 8);
}

static void
build(uint8_t block[SLOT_LEN], uint32_t magic, const struct slots *s,
    uint64_t seq)
{
	struct frame_out f = { .buf = block, .size = SLOT_LEN };
	uint32_t crc;

	memset(block, 0, SLOT_LEN);
	frame_put_u32(&f, magic);
	frame_put_u32(&f, 0);
	frame_put_u64(&f, seq);
	frame_put_u64(&f, s->binding);
	frame_put_bytes(&f, s->body, s->len);
	crc = block_crc(block);
	f.len = 4;
	frame_put_u32(&f, crc);
}

/* 0, or -1: it is not good.  Only seq, binding and body of s are set. */
static int
take(struct slots *s, const uint8_t block[SLOT_LEN], uint32_t magic)
{
	struct frame_in f = { .buf = block, .len = SLOT_LEN };
	const void *body;
	uint32_t crc;
	bool is_ours;

	is_ours = frame_get_u32(&f) == magic;
	crc = frame_get_u32(&f);
	s->seq = frame_get_u64(&f);
	s->binding = frame_get_u64(&f);
	body = frame_get_bytes(&f, SLOT_BODY_MAX, &s->len);
	if (!is_ours || body == NULL || crc != block_crc(block))
		return -1;
	memcpy(s->body, body, s->len);
	return 0;
}

int
slots_create(int dirfd, const char *name, uint32_t magic, const void *body,
    size_t len)
{
	uint8_t block[2 * SLOT_LEN];
	struct slots s = { .len = len };
	char aside[256];
	int fd, rc, saved;

	if ((size_t)snprintf(aside, sizeof(aside), "%s.new", name) >=
	    sizeof(aside)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(s.body, body, len);
	build(block, magic, &s, 1);
	build(block + SLOT_LEN, magic, &s, 2);
	fd = openat(dirfd, aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (fd == -1)
		return -1;
	rc = whole_write(fd, block, sizeof(block));
	if (rc == 0)
		rc = fsync(fd);
	if (rc == 0)
		rc = renameat(dirfd, aside, dirfd, name);
	if (rc == 0)
		rc = fsync(dirfd);
	saved = errno;
	(void)close(fd);	/* synced, or the failure is told already */
	if (rc == -1)
		(void)unlinkat(dirfd, aside, 0);	/* if it is there */
	errno = saved;
	return rc;
}

int
slots_open(int dirfd, const char *name)
{
	return openat(dirfd, name, O_RDWR | O_DSYNC | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
}

void
slots_read(struct slots *s, int fd, uint32_t magic)
{
	uint8_t block[SLOT_LEN];
	struct slots one;
	unsigned i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < 2; i++) {
		memset(&one, 0, sizeof(one));
		if (whole_pread(fd, block, SLOT_LEN, i * SLOT_LEN) !=
		    SLOT_LEN || take(&one, block, magic) == -1)
			continue;
		one.good = s->good + 1;
		one.at = i;
		if (s->good == 0 || one.seq > s->seq)
			*s = one;
		else
			s->good = one.good;
	}
}

int
slots_write(struct slots *s, int fd, uint32_t magic)
{
	uint8_t block[SLOT_LEN];

	build(block, magic, s, s->seq + 1);
	if (whole_pwrite(fd, block, SLOT_LEN, (1 - s->at) * SLOT_LEN) == -1)
		return -1;
	s->at = 1 - s->at;
	s->seq++;
	return 0;
}

/*
 * Inode and generation, as a file handle has them: a file that takes the
 * number of one that is gone has another generation.  Where there are no
 * handles, inode and file system must do.
 */
static int
file_identity(crypto_generichash_state *h, int fd)
{
	struct {
		struct file_handle	head;
		uint8_t			room[HANDLE_MAX];
	} handle = { .head.handle_bytes = HANDLE_MAX };
	struct statfs fs;
	struct stat st;
	int mount;

	if (name_to_handle_at(fd, "", &handle.head, &mount, AT_EMPTY_PATH) ==
	    0) {
		(void)crypto_generichash_update(h,
		    (const uint8_t *)&handle.head.handle_type,
		    sizeof(handle.head.handle_type));
		(void)crypto_generichash_update(h, handle.head.f_handle,
		    handle.head.handle_bytes);
		return 0;
	}
	if (fstat(fd, &st) == -1 || fstatfs(fd, &fs) == -1)
		return -1;
	(void)crypto_generichash_update(h, (const uint8_t *)&st.st_ino,
	    sizeof(st.st_ino));
	(void)crypto_generichash_update(h, (const uint8_t *)&fs.f_fsid,
	    sizeof(fs.f_fsid));
	return 0;
}

int
slots_binding(int fd, uint64_t *binding)
{
	uint8_t machine[MACHINE_LEN], out[crypto_generichash_BYTES];
	crypto_generichash_state h;

	machine_hash(machine);
	(void)crypto_generichash_init(&h, NULL, 0, sizeof(out));
	(void)crypto_generichash_update(&h, machine, sizeof(machine));
	if (file_identity(&h, fd) == -1)
		return -1;
	(void)crypto_generichash_final(&h, out, sizeof(out));
	memcpy(binding, out, sizeof(*binding));
	if (*binding == 0)
		*binding = 1;
	return 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * A thin layer of our own over /dev/fuse: the mount call, the negotiation of
 * INIT, decoding of a request and writing of a reply.  No state: a successor
 * goes on with the descriptor alone.  Structures are the kernel's; constants
 * that Debian 12's header (7.38) lacks are here.
 */
#ifndef MIRRORD_FUSE_H
#define MIRRORD_FUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <linux/fuse.h>

/* Largest WRITE and READ: 64 pages.  Beyond 256 KiB the copy no longer gets
 * cheaper and each slot of the intake ring grows. */
#define FUSE_DATA_MAX	(256 * 1024)
/* What read(2) on /dev/fuse wants: headers and the largest WRITE. */
#define FUSE_BUF_LEN	(FUSE_DATA_MAX + 4096)

/* Linux 6.2 and 6.6; under names that newer headers do not have. */
#define FUSE_OP_TMPFILE	51
#define FUSE_OP_STATX	52

struct fuse_sx_in {
	uint32_t	getattr_flags;
	uint32_t	reserved;
	uint64_t	fh;
	uint32_t	flags;
	uint32_t	mask;
};

struct fuse_sx_stamp {
	int64_t		tv_sec;
	uint32_t	tv_nsec;
	int32_t		reserved;
};

struct fuse_sx_out {
	uint64_t	attr_valid;
	uint32_t	attr_valid_nsec;
	uint32_t	flags;
	uint64_t	spare[2];
	uint32_t	mask;
	uint32_t	blksize;
	uint64_t	attributes;
	uint32_t	nlink, uid, gid;
	uint16_t	mode, spare0;
	uint64_t	ino, size, blocks, attributes_mask;
	struct fuse_sx_stamp atime, btime, ctime, mtime;
	uint32_t	rdev_major, rdev_minor;
	uint32_t	dev_major, dev_minor;
	uint64_t	spare2[14];
};
_Static_assert(sizeof(struct fuse_sx_out) == 288, "as the kernel has it");

struct fuse_req {
	const struct fuse_in_header	*h;
	const void	*arg;		/* the fixed structure */
	size_t		 arg_len;
	const char	*name;		/* NUL-terminated within the request */
	const char	*name2;
	const void	*data;
	size_t		 data_len;
};

/*
 * Decodes len bytes read from /dev/fuse.  0; -ENOSYS for an opcode that is
 * not served; -EINVAL for anything that does not fit, *r->h is valid as soon
 * as len covers it (r->h NULL otherwise).
 */
int	fuse_decode(struct fuse_req *r, const void *buf, size_t len);
const char *fuse_opcode_name(uint32_t opcode);

/*
 * Pure: the answer to INIT.  0, or -ENOTSUP with *missing naming a feature
 * without which mirrord cannot serve.  *len is the length of the answer.
 * writeback: the kernel may keep writes until they are synced, closed or old.
 */
int	fuse_negotiate(const struct fuse_init_in *in, size_t in_len,
	    bool writeback, struct fuse_init_out *out, size_t *len,
	    const char **missing);

/*
 * Mounts over `dir'.  source is what mount(8) shows.  root_mode: file type
 * bits of the root.  The /dev/fuse descriptor, or -1 with errno.
 */
int	fuse_mount(const char *dir, const char *source, mode_t root_mode);

/*
 * Writes one reply; error is 0 or a negative errno.  0, or -1 with errno:
 * ENOENT when the kernel no longer waits for it (an earlier life answered).
 */
int	fuse_reply(int fd, uint64_t unique, int error, const void *data,
	    size_t len);

/* st_ino is the oid already. */
void	fuse_attr_from(struct fuse_attr *a, const struct stat *st);
/* The same for FUSE_OP_STATX. */
struct statx;
void	fuse_sx_from(struct fuse_sx_out *out, const struct statx *st,
	    uint64_t oid);

#endif

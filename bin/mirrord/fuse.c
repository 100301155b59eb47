/* SPDX-License-Identifier: ISC */
/*
 * /dev/fuse as mirrord needs it: write-through, no per-open state (OPEN and
 * OPENDIR answer ENOSYS), long timeouts with explicit invalidation only,
 * since the mount is the sole writer.  Called by intake.c, mount.c and the
 * request files.
 */
#include "fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/uio.h>
#include <unistd.h>

struct opcode {
	const char	*name;
	uint16_t	 arg_len;	/* fixed structure, at least */
	uint8_t		 names;
	bool		 data;		/* the rest is data */
};

static const struct opcode opcodes[] = {
	[FUSE_LOOKUP]	   = { "lookup",      0, 1, false },
	[FUSE_FORGET]	   = { "forget",      sizeof(struct fuse_forget_in),
			       0, false },
	[FUSE_GETATTR]	   = { "getattr",     sizeof(struct fuse_getattr_in),
			       0, false },
	[FUSE_SETATTR]	   = { "setattr",     sizeof(struct fuse_setattr_in),
			       0, false },
	[FUSE_READLINK]	   = { "readlink",    0, 0, false },
	[FUSE_SYMLINK]	   = { "symlink",     0, 2, false },
	[FUSE_MKNOD]	   = { "mknod",       sizeof(struct fuse_mknod_in),
			       1, false },
	[FUSE_MKDIR]	   = { "mkdir",       sizeof(struct fuse_mkdir_in),
			       1, false },
	[FUSE_UNLINK]	   = { "unlink",      0, 1, false },
	[FUSE_RMDIR]	   = { "rmdir",       0, 1, false },
	[FUSE_RENAME]	   = { "rename",      sizeof(struct fuse_rename_in),
			       2, false },
	[FUSE_LINK]	   = { "link",        sizeof(struct fuse_link_in),
			       1, false },
	[FUSE_OPEN]	   = { "open",        sizeof(struct fuse_open_in),
			       0, false },
	[FUSE_READ]	   = { "read",        sizeof(struct fuse_read_in),
			       0, false },
	[FUSE_WRITE]	   = { "write",       sizeof(struct fuse_write_in),
			       0, true },
	[FUSE_STATFS]	   = { "statfs",      0, 0, false },
	[FUSE_RELEASE]	   = { "release",     sizeof(struct fuse_release_in),
			       0, false },
	[FUSE_FSYNC]	   = { "fsync",       sizeof(struct fuse_fsync_in),
			       0, false },
	[FUSE_SETXATTR]	   = { "setxattr",    sizeof(struct fuse_setxattr_in),
			       1, true },
	[FUSE_GETXATTR]	   = { "getxattr",    sizeof(struct fuse_getxattr_in),
			       1, false },
	[FUSE_LISTXATTR]   = { "listxattr",   sizeof(struct fuse_getxattr_in),
			       0, false },
	[FUSE_REMOVEXATTR] = { "removexattr", 0, 1, false },
	[FUSE_FLUSH]	   = { "flush",       0, 0, false },
	[FUSE_INIT]	   = { "init",        16, 0, false },
	[FUSE_OPENDIR]	   = { "opendir",     0, 0, false },
	[FUSE_READDIR]	   = { "readdir",     sizeof(struct fuse_read_in),
			       0, false },
	[FUSE_RELEASEDIR]  = { "releasedir",  0, 0, false },
	[FUSE_FSYNCDIR]	   = { "fsyncdir",    sizeof(struct fuse_fsync_in),
			       0, false },
	[FUSE_INTERRUPT]   = { "interrupt",
			       sizeof(struct fuse_interrupt_in), 0, false },
	[FUSE_CREATE]	   = { "create",      sizeof(struct fuse_create_in),
			       1, false },
	[FUSE_DESTROY]	   = { "destroy",     0, 0, false },
	[FUSE_IOCTL]	   = { "ioctl",       sizeof(struct fuse_ioctl_in),
			       0, true },
	[FUSE_BATCH_FORGET] = { "batch-forget",
			       sizeof(struct fuse_batch_forget_in),
			       0, true },
	[FUSE_FALLOCATE]   = { "fallocate",   sizeof(struct fuse_fallocate_in),
			       0, false },
	[FUSE_READDIRPLUS] = { "readdirplus", sizeof(struct fuse_read_in),
			       0, false },
	[FUSE_RENAME2]	   = { "rename2",     sizeof(struct fuse_rename2_in),
			       2, false },
	[FUSE_LSEEK]	   = { "lseek",       sizeof(struct fuse_lseek_in),
			       0, false },
	[FUSE_COPY_FILE_RANGE] = { "copy-file-range",
			       sizeof(struct fuse_copy_file_range_in),
			       0, false },
	[FUSE_OP_TMPFILE]  = { "tmpfile",     sizeof(struct fuse_create_in),
			       0, false },
	[FUSE_OP_STATX]	   = { "statx",       sizeof(struct fuse_sx_in),
			       0, false },
};

const char *
fuse_opcode_name(uint32_t opcode)
{
	if (opcode >= sizeof(opcodes) / sizeof(opcodes[0]) ||
	    opcodes[opcode].name == NULL)
		return "unknown";
	return opcodes[opcode].name;
}

/* A NUL-terminated string at *p, at most to end; NULL when it is not one. */
static const char *
take_name(const char **p, const char *end)
{
	const char *s = *p, *nul = memchr(s, '\0', (size_t)(end - s));

	if (nul == NULL)
		return NULL;
	*p = nul + 1;
	return s;
}

int
fuse_decode(struct fuse_req *r, const void *buf, size_t len)
{
	const struct fuse_in_header *h = buf;
	const struct opcode *o;
	const char *p, *end;

	memset(r, 0, sizeof(*r));
	if (len < sizeof(*h))
		return -EINVAL;
	r->h = h;
	if (h->len != len)
		return -EINVAL;
	if (h->opcode >= sizeof(opcodes) / sizeof(opcodes[0]) ||
	    opcodes[h->opcode].name == NULL)
		return -ENOSYS;
	o = &opcodes[h->opcode];
	p = (const char *)buf + sizeof(*h);
	end = (const char *)buf + len;
	if ((size_t)(end - p) < o->arg_len)
		return -EINVAL;
	r->arg = p;
	r->arg_len = (size_t)(end - p);
	p += o->arg_len;
	if (o->names > 0 && (r->name = take_name(&p, end)) == NULL)
		return -EINVAL;
	if (o->names > 1 && (r->name2 = take_name(&p, end)) == NULL)
		return -EINVAL;
	if (o->data) {
		r->data = p;
		r->data_len = (size_t)(end - p);
	}
	return 0;
}

/* What the kernel must have; no release that is still alive lacks them. */
static const struct {
	uint32_t	 flag;
	const char	*name;
} needed[] = {
	{ FUSE_NO_OPEN_SUPPORT,		"no-open" },
	{ FUSE_NO_OPENDIR_SUPPORT,	"no-opendir" },
	{ FUSE_BIG_WRITES,		"big writes" },
	{ FUSE_MAX_PAGES,		"max-pages" },
	/* Without it a GETXATTR goes before every write. */
	{ FUSE_HANDLE_KILLPRIV_V2,	"handle-killpriv-v2" },
	{ FUSE_SETXATTR_EXT,		"setxattr-ext" },
	/* With AUTO_INVAL_DATA each change of mtime drops the page cache. */
	{ FUSE_EXPLICIT_INVAL_DATA,	"explicit-inval-data" },
	{ FUSE_DONT_MASK,		"dont-mask" },
	{ FUSE_POSIX_ACL,		"posix-acl" },
};

#define WANTED_IF_OFFERED (FUSE_ASYNC_READ | FUSE_ASYNC_DIO |		\
	    FUSE_PARALLEL_DIROPS | FUSE_DO_READDIRPLUS |		\
	    FUSE_READDIRPLUS_AUTO | FUSE_CACHE_SYMLINKS)

int
fuse_negotiate(const struct fuse_init_in *in, size_t in_len, bool writeback,
    struct fuse_init_out *out, size_t *len, const char **missing)
{
	uint32_t want = 0;
	size_t i;

	memset(out, 0, sizeof(*out));
	*len = sizeof(*out);
	out->major = FUSE_KERNEL_VERSION;
	out->minor = FUSE_KERNEL_MINOR_VERSION;
	/* A newer major is answered with ours alone; it then asks again. */
	if (in->major > FUSE_KERNEL_VERSION)
		return 0;
	*missing = "protocol 7";
	if (in->major < FUSE_KERNEL_VERSION || in_len < 16)
		return -ENOTSUP;
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!(in->flags & needed[i].flag)) {
			*missing = needed[i].name;
			return -ENOTSUP;
		}
		want |= needed[i].flag;
	}
	out->flags = want | (in->flags & WANTED_IF_OFFERED);
	if (writeback)
		out->flags |= in->flags & FUSE_WRITEBACK_CACHE;
	out->max_readahead = in->max_readahead;
	/* Background requests beyond these wait in the kernel. */
	out->max_background = 64;
	out->congestion_threshold = 48;
	out->max_write = FUSE_DATA_MAX;
	out->max_pages = FUSE_DATA_MAX / 4096;
	out->time_gran = 1;
	*missing = NULL;
	return 0;
}

int
fuse_mount(const char *dir, const char *source, mode_t root_mode)
{
	char options[160];
	int fd, error;

	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd == -1)
		return -1;
	snprintf(options, sizeof(options), "fd=%d,rootmode=%o,user_id=0,"
	    "group_id=0,default_permissions,allow_other,max_read=%d",
	    fd, root_mode & S_IFMT, FUSE_DATA_MAX);
	if (mount(source, dir, "fuse.holdfast", 0, options) == -1) {
		error = errno;
		(void)close(fd);	/* nothing was mounted */
		errno = error;
		return -1;
	}
	return fd;
}

int
fuse_reply(int fd, uint64_t unique, int error, const void *data, size_t len)
{
	struct fuse_out_header h;
	struct iovec iov[2];

	h.unique = unique;
	h.error = error;
	h.len = (uint32_t)(sizeof(h) + (error == 0 ? len : 0));
	iov[0].iov_base = &h;
	iov[0].iov_len = sizeof(h);
	memcpy(&iov[1].iov_base, &data, sizeof(data));	/* drops const */
	iov[1].iov_len = len;
	for (;;) {
		if (writev(fd, iov, error == 0 && len > 0 ? 2 : 1) != -1)
			return 0;
		if (errno != EINTR)
			return -1;
	}
}

void
fuse_attr_from(struct fuse_attr *a, const struct stat *st)
{
	memset(a, 0, sizeof(*a));
	a->ino = st->st_ino;
	a->size = (uint64_t)st->st_size;
	a->blocks = (uint64_t)st->st_blocks;
	a->atime = (uint64_t)st->st_atim.tv_sec;
	a->atimensec = (uint32_t)st->st_atim.tv_nsec;
	a->mtime = (uint64_t)st->st_mtim.tv_sec;
	a->mtimensec = (uint32_t)st->st_mtim.tv_nsec;
	a->ctime = (uint64_t)st->st_ctim.tv_sec;
	a->ctimensec = (uint32_t)st->st_ctim.tv_nsec;
	a->mode = st->st_mode;
	a->nlink = (uint32_t)st->st_nlink;
	a->uid = st->st_uid;
	a->gid = st->st_gid;
	/* glibc's low 32 bits are the kernel's 32-bit form. */
	a->rdev = (uint32_t)st->st_rdev;
	a->blksize = 4096;
}

static void
sx_stamp(struct fuse_sx_stamp *to, const struct statx_timestamp *from)
{
	to->tv_sec = from->tv_sec;
	to->tv_nsec = from->tv_nsec;
}

void
fuse_sx_from(struct fuse_sx_out *out, const struct statx *st, uint64_t oid)
{
	out->mask = st->stx_mask & (STATX_BASIC_STATS | STATX_BTIME);
	out->blksize = 4096;
	out->nlink = st->stx_nlink;
	out->uid = st->stx_uid;
	out->gid = st->stx_gid;
	out->mode = st->stx_mode;
	out->ino = oid;
	out->size = st->stx_size;
	out->blocks = st->stx_blocks;
	sx_stamp(&out->atime, &st->stx_atime);
	sx_stamp(&out->btime, &st->stx_btime);
	sx_stamp(&out->ctime, &st->stx_ctime);
	sx_stamp(&out->mtime, &st->stx_mtime);
	out->rdev_major = st->stx_rdev_major;
	out->rdev_minor = st->stx_rdev_minor;
}

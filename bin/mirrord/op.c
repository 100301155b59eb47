/* SPDX-License-Identifier: ISC */
/*
 * Ops on the wire.  Which fields an op has is one table, read by the writer
 * and by the reader; what a field may hold is checked here and nowhere else,
 * so that store_exec() never sees a name with a slash from the network.
 */
#include "op.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "object.h"
#include "wire.h"

enum field {
	F_DIR		= 1 << 0,
	F_NAME		= 1 << 1,
	F_DIR2		= 1 << 2,
	F_NAME2		= 1 << 3,
	F_OBJ2		= 1 << 4,
	F_VICTIM	= 1 << 5,
	F_VALID		= 1 << 6,
	F_FLAGS		= 1 << 7,
	F_MODE		= 1 << 8,
	F_OWNER		= 1 << 9,
	F_RDEV		= 1 << 10,
	F_OFF		= 1 << 11,
	F_OFF2		= 1 << 12,
	F_LEN		= 1 << 13,
	F_SIZE		= 1 << 14,
	F_ATIME		= 1 << 15,
	F_MTIME		= 1 << 16,
	F_DATA		= 1 << 17,
	F_XNAME		= 1 << 18,	/* name is an xattr's: '/' allowed */
	F_GONE		= 1 << 19,	/* the frame's oid is the victim */
};

struct shape {
	const char	*name;
	uint32_t	 fields;
	size_t		 data_max;
};

#define SYMLINK_MAX_LEN	4095
#define XATTR_MAX_LEN	65536

static const struct shape shapes[] = {
	[OP_WRITE]	= { "write", F_OFF | F_FLAGS | F_MTIME | F_DATA,
			    OP_DATA_MAX },
	[OP_SYNC]	= { "sync", F_FLAGS | F_MTIME, 0 },
	[OP_CREATE]	= { "create", F_DIR | F_NAME | F_MODE | F_OWNER |
			    F_MTIME, 0 },
	[OP_MKDIR]	= { "mkdir", F_DIR | F_NAME | F_MODE | F_OWNER |
			    F_MTIME, 0 },
	[OP_MKNOD]	= { "mknod", F_DIR | F_NAME | F_MODE | F_OWNER |
			    F_RDEV | F_MTIME, 0 },
	[OP_SYMLINK]	= { "symlink", F_DIR | F_NAME | F_OWNER | F_MTIME |
			    F_DATA, SYMLINK_MAX_LEN },
	[OP_LINK]	= { "link", F_DIR | F_NAME, 0 },
	[OP_UNLINK]	= { "unlink", F_DIR | F_NAME | F_GONE, 0 },
	[OP_RMDIR]	= { "rmdir", F_DIR | F_NAME | F_GONE, 0 },
	[OP_RENAME]	= { "rename", F_DIR | F_NAME | F_DIR2 | F_NAME2 |
			    F_VICTIM | F_FLAGS, 0 },
	[OP_SETATTR]	= { "setattr", F_VALID | F_MODE | F_OWNER | F_SIZE |
			    F_ATIME | F_MTIME, 0 },
	[OP_FALLOCATE]	= { "fallocate", F_FLAGS | F_OFF | F_LEN |
			    F_MTIME, 0 },
	[OP_COPY]	= { "copy", F_OFF | F_OBJ2 | F_OFF2 | F_LEN |
			    F_MTIME, 0 },
	[OP_SETXATTR]	= { "setxattr", F_NAME | F_XNAME | F_FLAGS | F_DATA,
			    XATTR_MAX_LEN },
	[OP_REMOVEXATTR] = { "removexattr", F_NAME | F_XNAME, 0 },
	[OP_TMPFILE]	= { "tmpfile", F_DIR | F_MODE | F_OWNER, 0 },
};

#define SHAPE_COUNT	(sizeof(shapes) / sizeof(shapes[0]))

static const struct shape *
shape_of(unsigned type)
{
	if (type >= SHAPE_COUNT || shapes[type].name == NULL)
		return NULL;
	return &shapes[type];
}

const char *
op_name(enum op_type type)
{
	const struct shape *s = shape_of(type);

	return s == NULL ? "unknown" : s->name;
}

uint64_t
op_oid(const struct op *op)
{
	const struct shape *s = shape_of(op->type);

	return s != NULL && s->fields & F_GONE ? op->victim : op->obj;
}

size_t
op_frame_max(const struct op *op)
{
	/* All fixed fields together are less than 200 bytes. */
	return FRAME_HEADER_LEN + WIRE_COMMON_LEN + 200 + strlen(op->name) +
	    strlen(op->name2) + op->data_len;
}

static void
put_time(struct frame_out *f, const struct timespec *t)
{
	frame_put_i64(f, t->tv_sec);
	frame_put_u32(f, (uint32_t)t->tv_nsec);
}

/* The order of the fields is the order of enum field. */
void
op_put(struct frame_out *f, void *buf, size_t size, const struct op *op)
{
	const struct shape *s = shape_of(op->type);
	uint32_t has = s == NULL ? 0 : s->fields;

	wire_begin(f, buf, size, (uint16_t)op->type, op_oid(op));
	if (has & F_DIR)
		frame_put_u64(f, op->dir);
	if (has & F_NAME)
		frame_put_str(f, op->name);
	if (has & F_DIR2)
		frame_put_u64(f, op->dir2);
	if (has & F_NAME2)
		frame_put_str(f, op->name2);
	if (has & F_OBJ2)
		frame_put_u64(f, op->obj2);
	if (has & F_VICTIM)
		frame_put_u64(f, op->victim);
	if (has & F_VALID)
		frame_put_u32(f, op->valid);
	if (has & F_FLAGS)
		frame_put_u32(f, op->flags);
	if (has & F_MODE)
		frame_put_u32(f, op->mode);
	if (has & F_OWNER) {
		frame_put_u32(f, op->uid);
		frame_put_u32(f, op->gid);
	}
	if (has & F_RDEV)
		frame_put_u32(f, op->rdev);
	if (has & F_OFF)
		frame_put_u64(f, op->off);
	if (has & F_OFF2)
		frame_put_u64(f, op->off2);
	if (has & F_LEN)
		frame_put_u64(f, op->len);
	if (has & F_SIZE)
		frame_put_u64(f, op->size);
	if (has & F_ATIME)
		put_time(f, &op->atime);
	if (has & F_MTIME)
		put_time(f, &op->mtime);
	if (has & F_DIR)
		put_time(f, &op->dir_mtime);
	if (has & F_DIR2)
		put_time(f, &op->dir2_mtime);
	if (has & F_DATA)
		frame_put_bytes(f, op->data, op->data_len);
}

static void
get_time(struct frame_in *f, struct timespec *t)
{
	uint32_t ns;

	t->tv_sec = (time_t)frame_get_i64(f);
	ns = frame_get_u32(f);
	t->tv_nsec = (long)ns;
	/* UTIME_NOW must have been resolved by the primary (rule R56). */
	if (ns >= 1000000000 && ns != UTIME_OMIT)
		f->bad = true;
}

static void
get_name(struct frame_in *f, char *name, bool is_xattr)
{
	if (frame_get_str(f, name, OP_NAME_MAX + 1) == -1) {
		name[0] = '\0';
		f->bad = true;
		return;
	}
	if (is_xattr)
		return;
	if (strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		f->bad = true;
}

static void
get_names(struct op *op, struct frame_in *f, uint32_t has)
{
	if (has & F_DIR)
		op->dir = frame_get_u64(f);
	if (has & F_NAME)
		get_name(f, op->name, (has & F_XNAME) != 0);
	if (has & F_DIR2)
		op->dir2 = frame_get_u64(f);
	if (has & F_NAME2)
		get_name(f, op->name2, false);
	if (has & F_OBJ2)
		op->obj2 = frame_get_u64(f);
	if (has & F_VICTIM)
		op->victim = frame_get_u64(f);
}

static void
get_values(struct op *op, struct frame_in *f, const struct shape *s)
{
	uint32_t has = s->fields;

	if (has & F_VALID)
		op->valid = frame_get_u32(f);
	if (has & F_FLAGS)
		op->flags = frame_get_u32(f);
	if (has & F_MODE)
		op->mode = frame_get_u32(f);
	if (has & F_OWNER) {
		op->uid = frame_get_u32(f);
		op->gid = frame_get_u32(f);
	}
	if (has & F_RDEV)
		op->rdev = frame_get_u32(f);
	if (has & F_OFF)
		op->off = frame_get_u64(f);
	if (has & F_OFF2)
		op->off2 = frame_get_u64(f);
	if (has & F_LEN)
		op->len = frame_get_u64(f);
	if (has & F_SIZE)
		op->size = frame_get_u64(f);
	if (has & F_ATIME)
		get_time(f, &op->atime);
	if (has & F_MTIME)
		get_time(f, &op->mtime);
	if (has & F_DIR)
		get_time(f, &op->dir_mtime);
	if (has & F_DIR2)
		get_time(f, &op->dir2_mtime);
	if (has & F_DATA)
		op->data = frame_get_bytes(f, s->data_max, &op->data_len);
}

static bool
range_is_good(uint64_t off, uint64_t len)
{
	return off <= INT64_MAX && len <= INT64_MAX - off;
}

/* What the kernel would take for something else, or the tree cannot hold. */
static bool
op_is_sane(const struct op *op, uint32_t has)
{
	bool unnamed;

	/* An O_TMPFILE that was never linked ends as an unlink of no name. */
	unnamed = op->type == OP_UNLINK && op->dir == 0;
	if (has & F_NAME && (op->name[0] == '\0') != unnamed)
		return false;
	if (has & F_NAME2 && op->name2[0] == '\0')
		return false;
	if (has & F_DIR && op->dir == 0 && !unnamed)
		return false;
	if (has & F_DIR2 && op->dir2 == 0)
		return false;
	if (has & F_XNAME && strcmp(op->name, OID_XATTR) == 0)
		return false;
	if (has & F_VALID && op->valid & ~(uint32_t)OPV_ALL)
		return false;
	if (!range_is_good(op->off, op->len) ||
	    !range_is_good(op->off2, op->len) ||
	    !range_is_good(op->off, op->data_len) || op->size > INT64_MAX)
		return false;
	if (op->type == OP_COPY && op->obj2 == 0)
		return false;
	return true;
}

int
op_get(struct op *op, struct frame_in *f, uint64_t oid)
{
	const struct shape *s = shape_of(f->type);

	memset(op, 0, offsetof(struct op, name));
	op->name[0] = op->name2[0] = '\0';
	memset(&op->valid, 0, sizeof(*op) - offsetof(struct op, valid));
	if (s == NULL || oid == 0) {
		errno = EPROTO;
		return -1;
	}
	op->type = (enum op_type)f->type;
	op->seq = f->sequence;
	if (s->fields & F_GONE)
		op->victim = oid;
	else
		op->obj = oid;
	get_names(op, f, s->fields);
	get_values(op, f, s);
	if (!frame_done(f) || !op_is_sane(op, s->fields)) {
		errno = EPROTO;
		return -1;
	}
	return 0;
}

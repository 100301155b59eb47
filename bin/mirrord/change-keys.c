/* SPDX-License-Identifier: ISC */
/* What an op makes hot (rule R14).  Pure; called by change.c. */
#include "change-keys.h"

#include <linux/falloc.h>

#include "dirty.h"

static void
key_add(struct change_keys *k, enum actlog_kind kind, uint64_t oid,
    uint64_t extent)
{
	k->key[k->count++] = (struct actlog_key){ kind, oid, extent };
}

/* One or two extents by number, more as a tail from an extent's begin, so
 * that many truncates of one file share a slot. */
static void
key_range(struct change_keys *k, uint64_t oid, uint64_t off, uint64_t len)
{
	uint64_t first = off / ACTLOG_EXTENT, last;

	if (len == 0)
		return;
	last = len - 1 > UINT64_MAX - off ? UINT64_MAX / ACTLOG_EXTENT :
	    (off + len - 1) / ACTLOG_EXTENT;
	if (last - first > 1) {
		key_add(k, AK_TAIL, oid, first * ACTLOG_EXTENT);
		return;
	}
	key_add(k, AK_DATA, oid, first);
	if (last != first)
		key_add(k, AK_DATA, oid, last);
}

uint64_t
change_object(const struct op *op)
{
	switch (op->type) {
	case OP_WRITE:
	case OP_SETATTR:
	case OP_FALLOCATE:
	case OP_SETXATTR:
	case OP_REMOVEXATTR:
		return op->obj;
	case OP_COPY:
		return op->obj2;
	default:
		return 0;
	}
}

/*
 * Rule R16: a bucket; of a new directory all names at once, because they come
 * one after another, each in a bucket that is cold, and there are few.
 */
static void
key_name(struct change_keys *k, uint64_t dir, const char *name, bool is_new)
{
	key_add(k, AK_NAMES, dir, is_new ? ACTLOG_ALL_NAMES :
	    dirty_bucket(name));
}

void
change_keys(struct change_keys *k, const struct op *op, bool dir_is_new,
    bool dir2_is_new)
{
	switch (op->type) {
	case OP_WRITE:
		key_range(k, op->obj, op->off, op->data_len);
		break;
	case OP_SETATTR:
		key_add(k, AK_ATTR, op->obj, 0);
		if ((op->valid & OPV_SIZE) != 0)
			key_add(k, AK_TAIL, op->obj,
			    op->size / ACTLOG_EXTENT * ACTLOG_EXTENT);
		break;
	case OP_FALLOCATE:
		key_add(k, AK_ATTR, op->obj, 0);
		if ((op->flags & ~(uint32_t)FALLOC_FL_KEEP_SIZE) != 0)
			key_range(k, op->obj, op->off, op->len);
		break;
	case OP_COPY:
		key_range(k, op->obj2, op->off2, op->len);
		break;
	case OP_SETXATTR:
	case OP_REMOVEXATTR:
		key_add(k, AK_ATTR, op->obj, 0);
		break;
	case OP_RENAME:
		key_name(k, op->dir2, op->name2, dir2_is_new);
		/* FALLTHROUGH */
	case OP_CREATE:
	case OP_MKDIR:
	case OP_MKNOD:
	case OP_SYMLINK:
	case OP_LINK:
	case OP_UNLINK:
	case OP_RMDIR:
		/* None: what O_TMPFILE made never had a name. */
		if (op->dir != 0)
			key_name(k, op->dir, op->name, dir_is_new);
		break;
	case OP_SYNC:
	case OP_TMPFILE:
		break;
	}
}

void
change_keys_whole(struct change_keys *k, const struct op *op)
{
	uint64_t object = op->type == OP_COPY ? op->obj2 : op->obj;

	if (change_object(op) == 0)
		change_keys(k, op, false, false);
	if (object != 0) {
		key_add(k, AK_ATTR, object, 0);
		key_add(k, AK_TAIL, object, 0);
	}
}

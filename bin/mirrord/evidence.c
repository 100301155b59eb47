/* SPDX-License-Identifier: ISC */
/*
 * Was the call made?  Guessing from EEXIST or ENOENT would hide real errors
 * and could run a rename on a newer file, so each kind of change is judged
 * by the ids that were noted before it.  Called by request.c when it takes
 * up a slot that an earlier life left in the state `intent'.
 */
#include "evidence.h"

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

static bool
holds(struct at at, uint64_t oid)
{
	return at.what == AT_OBJ && at.oid == oid;
}

static enum evidence_verdict
judge_create(const struct evidence *ev, struct at name)
{
	if (holds(name, ev->obj))
		return EV_DONE;
	/* The VFS lets one change of a directory at a time in: what stands
	 * there without an id is what we were making. */
	return name.what == AT_FOREIGN ? EV_BIND : EV_REPEAT;
}

static enum evidence_verdict
judge_rename(const struct op *op, const struct evidence *ev, struct at name,
    struct at name2)
{
	/* Two names of one object: rename(2) does nothing and succeeds. */
	if (ev->obj == ev->victim)
		return EV_REPEAT;
	if (op->flags & RENAME_EXCHANGE)
		return holds(name2, ev->obj) && holds(name, ev->victim) ?
		    EV_DONE : EV_REPEAT;
	return holds(name2, ev->obj) && !holds(name, ev->obj) ?
	    EV_DONE : EV_REPEAT;
}

enum evidence_verdict
evidence_judge(const struct op *op, const struct evidence *ev,
    struct at name, struct at name2)
{
	if (name.what == AT_UNKNOWN || name2.what == AT_UNKNOWN)
		return EV_REPEAT;
	switch (op->type) {
	case OP_CREATE:
	case OP_MKDIR:
	case OP_MKNOD:
	case OP_SYMLINK:
		return judge_create(ev, name);
	case OP_LINK:
		return holds(name, ev->obj) ? EV_DONE : EV_REPEAT;
	case OP_UNLINK:
	case OP_RMDIR:
		return holds(name, ev->victim) ? EV_REPEAT : EV_DONE;
	case OP_RENAME:
		return judge_rename(op, ev, name, name2);
	case OP_REMOVEXATTR:
		return ev->existed && name2.what == AT_NONE ?
		    EV_DONE : EV_REPEAT;
	default:
		/* write, truncate, punch, utimes, copy: the same again. */
		return EV_REPEAT;
	}
}

/* SPDX-License-Identifier: ISC */
/* Was an interrupted change made?  Each kind, before and after the call. */
#include "tap.h"

#include "../../bin/mirrord/evidence.h"

#define OBJ	0x100000000007ull
#define OTHER	0x100000000008ull
#define VICTIM	0x100000000009ull

static const struct at none = { AT_NONE, 0 };
static const struct at foreign = { AT_FOREIGN, 0 };

static struct at
at(uint64_t oid)
{
	struct at a = { AT_OBJ, oid };

	return a;
}

static void
test_create(void)
{
	struct op op = { .type = OP_CREATE };
	struct evidence ev = { .obj = OBJ };

	is_num(evidence_judge(&op, &ev, none, none), EV_REPEAT,
	    "create: name absent: not made");
	is_num(evidence_judge(&op, &ev, at(OBJ), none), EV_DONE,
	    "create: name holds the new id: made");
	is_num(evidence_judge(&op, &ev, foreign, none), EV_BIND,
	    "create: object without an id: made, to be bound");
	is_num(evidence_judge(&op, &ev, at(OTHER), none), EV_REPEAT,
	    "create: name holds another: the repeat says EEXIST");
	op.type = OP_LINK;
	is_num(evidence_judge(&op, &ev, at(OBJ), none), EV_DONE,
	    "link: made");
	is_num(evidence_judge(&op, &ev, foreign, none), EV_REPEAT,
	    "link: a foreign object is not ours");
}

static void
test_remove(void)
{
	struct op op = { .type = OP_UNLINK };
	struct evidence ev = { .victim = VICTIM };

	is_num(evidence_judge(&op, &ev, at(VICTIM), none), EV_REPEAT,
	    "unlink: the victim is there: not made");
	is_num(evidence_judge(&op, &ev, none, none), EV_DONE,
	    "unlink: name gone: made");
	is_num(evidence_judge(&op, &ev, at(OTHER), none), EV_DONE,
	    "unlink: a newer file has the name: made, and that one lives");
	is_num(evidence_judge(&op, &ev, (struct at){ AT_UNKNOWN, 0 }, none),
	    EV_REPEAT, "unlink: nobody knows: not taken for made");
	op.type = OP_RMDIR;
	is_num(evidence_judge(&op, &ev, none, none), EV_DONE, "rmdir: made");
}

static void
test_rename(void)
{
	struct op op = { .type = OP_RENAME };
	struct evidence ev = { .obj = OBJ, .victim = VICTIM };

	is_num(evidence_judge(&op, &ev, at(OBJ), at(VICTIM)), EV_REPEAT,
	    "rename: not made");
	is_num(evidence_judge(&op, &ev, none, at(OBJ)), EV_DONE,
	    "rename: made");
	is_num(evidence_judge(&op, &ev, at(OTHER), at(OBJ)), EV_DONE,
	    "rename: made, and a newer file has the old name");
	is_num(evidence_judge(&op, &ev, at(OBJ), at(OBJ)), EV_REPEAT,
	    "rename: a hard link at the target: not made");
	ev.victim = OBJ;
	is_num(evidence_judge(&op, &ev, at(OBJ), at(OBJ)), EV_REPEAT,
	    "rename: one object twice does nothing, again");
	ev.victim = VICTIM;
	op.flags = 1 << 1;
	is_num(evidence_judge(&op, &ev, at(VICTIM), at(OBJ)), EV_DONE,
	    "exchange: made");
	is_num(evidence_judge(&op, &ev, at(OBJ), at(VICTIM)), EV_REPEAT,
	    "exchange: not made");
}

static void
test_others(void)
{
	struct op op = { .type = OP_REMOVEXATTR };
	struct evidence ev = { .existed = 1 };

	is_num(evidence_judge(&op, &ev, none, none), EV_DONE,
	    "removexattr: was there, is gone: made");
	is_num(evidence_judge(&op, &ev, none, at(1)), EV_REPEAT,
	    "removexattr: is there: not made");
	ev.existed = 0;
	is_num(evidence_judge(&op, &ev, none, none), EV_REPEAT,
	    "removexattr: never was: the repeat says ENODATA");
	op.type = OP_WRITE;
	is_num(evidence_judge(&op, &ev, none, none), EV_REPEAT,
	    "write: the same again");
	op.type = OP_COPY;
	is_num(evidence_judge(&op, &ev, none, none), EV_REPEAT,
	    "copy: the same again");
}

int
main(void)
{
	test_create();
	test_remove();
	test_rename();
	test_others();
	return tap_done();
}

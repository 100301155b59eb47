/* SPDX-License-Identifier: ISC */
/*
 * What is noted of a change before its local call, so that a successor can
 * tell whether the call was made (rules R55, R56).  Pure.
 */
#ifndef MIRRORD_EVIDENCE_H
#define MIRRORD_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "op.h"

/* Lives in shared memory; zero before use. */
struct evidence {
	uint64_t	obj;		/* new object, or the one moved */
	uint64_t	victim;		/* what the (target) name held */
	uint8_t		existed;	/* the xattr was there before */
	uint8_t		clears;		/* setuid, setgid: to `mode' */
	uint8_t		unused[2];
	uint32_t	mode;
	struct timespec	now;		/* what utimes "now" meant */
};

/* What a name holds at recovery. */
enum at_name { AT_NONE, AT_OBJ, AT_FOREIGN, AT_UNKNOWN };
struct at {
	/* AT_FOREIGN: an object without its own id; AT_UNKNOWN: the look
	 * failed, and nothing is concluded from it */
	enum at_name	what;
	uint64_t	oid;	/* AT_OBJ */
};

enum evidence_verdict {
	EV_REPEAT,	/* the call was not made, or may be made again */
	EV_DONE,	/* it was made and succeeded */
	EV_BIND,	/* it was made, the id is not bound yet (R30) */
};

/*
 * name: what op's (dir, name) holds now; name2: what (dir2, name2) holds, or
 * for xattrs AT_OBJ when the attribute is there.
 */
enum evidence_verdict evidence_judge(const struct op *op,
	    const struct evidence *ev, struct at name, struct at name2);

#endif

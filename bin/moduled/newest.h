/* SPDX-License-Identifier: ISC */
/*
 * Which node has the newest data, as far as this one can tell: for people who
 * look at two nodes after a power cut.  Nothing is decided by it.  Pure.
 */
#ifndef MODULED_NEWEST_H
#define MODULED_NEWEST_H

#include "decide.h"

enum newest {
	NW_UNKNOWN,	/* not before the other node is heard */
	NW_NOBODY,	/* neither has a record */
	NW_HERE,
	NW_PEER,
	NW_BOTH
};

/*
 * seen: the highest epoch the peer was ever heard in, before this node's last
 * restart too.  *epoch: of that data, none when it is not known.
 */
enum newest	newest_look(const struct view *v, struct epoch seen,
		    struct epoch *epoch);

#endif

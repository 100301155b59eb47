/* SPDX-License-Identifier: ISC */
/* Which node has the newest data, as both nodes see it. */
#include <string.h>

#include "tap.h"

#include "../../bin/moduled/newest.h"

static struct decide_conf conf = { .node = "n1", .peer = "n2" };
static struct epoch seen, e;

static struct view
both(void)
{
	struct view v;

	memset(&v, 0, sizeof(v));
	v.conf = &conf;
	v.self.known = v.self.level = v.peer.level = true;
	v.self.epoch.n = v.peer.epoch.n = 8;
	v.peer.net = NET_UP;
	v.peer.has_blob = true;
	seen = (struct epoch){ 0 };
	return v;
}

static struct view
alone(void)
{
	struct view v = both();

	v.peer = (struct peer_facts){ .net = NET_DOWN };
	return v;
}

static void
heard(void)
{
	struct view v = both();

	is_num(newest_look(&v, seen, &e), NW_BOTH, "in step");
	is_num(e.n, 8, "at this epoch");
	v.peer.epoch.n = 9;
	is_num(newest_look(&v, seen, &e), NW_PEER, "the later epoch");
	is_num(e.n, 9, "is named");
	v.peer.level = false;
	is_num(newest_look(&v, seen, &e), NW_HERE, "but level counts first");
	v.self.level = false;
	is_num(newest_look(&v, seen, &e), NW_UNKNOWN, "neither is level");
	v = both();
	v.self.alone = true;
	is_num(newest_look(&v, seen, &e), NW_HERE, "alone in this epoch");
	v.self.is_new = v.peer.is_new = true;
	is_num(newest_look(&v, seen, &e), NW_NOBODY, "no record");
	v.peer.is_new = false;
	is_num(newest_look(&v, seen, &e), NW_PEER, "a record there");
}

static void
silent(void)
{
	struct view v = alone();

	is_num(newest_look(&v, seen, &e), NW_UNKNOWN,
	    "was in step, not heard: nobody can tell");
	v.self.alone = true;
	is_num(newest_look(&v, seen, &e), NW_HERE,
	    "the other one is on record as behind");
	seen.n = 9;
	is_num(newest_look(&v, seen, &e), NW_PEER,
	    "but it was heard in a later epoch");
	is_num(e.n, 9, "that one");
	v = alone();
	v.self.level = false;
	is_num(newest_look(&v, seen, &e), NW_PEER, "not level: the other");
	ok(epoch_is_none(e), "its epoch is not known");
	v.self.known = false;
	is_num(newest_look(&v, seen, &e), NW_UNKNOWN, "nothing known yet");
}

int
main(void)
{
	heard();
	silent();
	return tap_done();
}

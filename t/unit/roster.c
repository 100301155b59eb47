/* SPDX-License-Identifier: ISC */
#include "../../bin/holdfastd/roster.h"

#include "tap.h"

static const char *why;
static unsigned line;

static int
parse(struct roster *r, const char *text)
{
	why = NULL;
	return roster_parse(r, text, &line, &why);
}

int
main(void)
{
	struct roster r;

	roster_node(&r);
	is_str(r.name[0], "keepd", "keepd is the first of the node");
	is_str(r.name[1], "heartd", "heartd before who asks it");
	is_num(r.count, 7, "seven daemons of a node");

	is_num(parse(&r, "mirrord\nmoduled\n"), 0, "a mirror module");
	is_num(r.count, 2, "two daemons");
	is_str(r.name[0], "mirrord", "in the order of the file");
	is_str(r.name[1], "moduled", "and the second");
	is_num(parse(&r, "# no rfs\n\n  \nmoduled  \r\n"), 0,
	    "comment, blank lines, blanks at the end");
	is_num(r.count, 1, "one daemon");
	is_num(parse(&r, "moduled"), 0, "last line without a newline");

	is_num(parse(&r, ""), -1, "an empty roster is refused");
	is_num(parse(&r, "mirrord\n/bin/sh\n"), -1, "a path is refused");
	is_num(line, 2, "with its line");
	is_str(why, "not a daemon of a module", "and the reason");
	is_num(parse(&r, "heartd\n"), -1, "a node's daemon is refused");
	is_num(parse(&r, "moduled\nmoduled\n"), -1, "twice is refused");
	is_str(why, "named twice", "and the reason");
	is_num(parse(&r, " moduled\n"), -1, "leading blanks are refused");
	is_num(parse(&r, "moduledx\n"), -1, "a longer name is refused");
	return tap_done();
}

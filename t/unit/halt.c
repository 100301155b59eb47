/* SPDX-License-Identifier: ISC */
/* Which line of a moduled's status ends the wait for it. */
#include "../../bin/holdfastd/halt.h"

#include "tap.h"

static bool
says_stop(const char *text)
{
	struct line l;
	const char *why;

	return line_parse(&l, text, strlen(text), &why) == 0 &&
	    halt_line_says_stop(&l);
}

int
main(void)
{
	ok(says_stop("kind=module name=ledger mode=mirror state=STOP"),
	    "the module stands");
	ok(!says_stop("kind=module name=ledger mode=mirror state=WAIT"),
	    "it does not yet");
	ok(!says_stop("kind=node name=n2 state=STOP quality=NotReady"),
	    "the other node's state is not ours");
	ok(!says_stop("kind=replication mode=none link=down"),
	    "a mode is no state");
	ok(!says_stop("ok"), "the end of the answer");
	return tap_done();
}

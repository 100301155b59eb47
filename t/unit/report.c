/* SPDX-License-Identifier: ISC */
/* The line by which a later moduled learns how a script ended. */
#include "../../bin/runscript/report.h"

#include <sys/wait.h>

#include "tap.h"

static const char *
format(const struct report *r)
{
	static char text[1024];

	return report_format_exit(text, sizeof(text), r) > 0 ? text : "";
}

int
main(void)
{
	struct report r = {
		.module = "ledger", .script = "start_prim", .pid = 42,
		.start = 777, .cgroup = "", .ms = 12,
	};
	char small[16];

	is_str(format(&r), "script=start_prim run=42 start=777 exit=0 "
	    "ms=12\n", "good");
	r.status = W_EXITCODE(3, 0);
	is_str(format(&r), "script=start_prim run=42 start=777 exit=3 "
	    "ms=12\n", "failed");
	r.status = W_EXITCODE(66, 0);
	r.missing = true;
	is_str(format(&r), "script=start_prim run=42 start=777 exit=66 "
	    "missing=1 ms=12\n", "missing");
	r.missing = false;
	r.status = W_EXITCODE(0, 15);
	r.timeout = true;
	is_str(format(&r), "script=start_prim run=42 start=777 signal=15 "
	    "timeout=1 ms=12\n", "ended at its deadline");
	r.timeout = false;
	r.stopped = true;
	is_str(format(&r), "script=start_prim run=42 start=777 signal=15 "
	    "stopped=1 ms=12\n", "told to end");
	r.stuck = true;
	is_str(format(&r), "script=start_prim run=42 start=777 stuck=1 "
	    "stopped=1 ms=12\n", "killed and not gone");
	is_num(report_format_exit(small, sizeof(small), &r), 0,
	    "no room is said");
	return tap_done();
}

/* SPDX-License-Identifier: ISC */
/* When a secondary with a schedule is brought level, with a clock given. */
#include <stdlib.h>
#include <time.h>

#include "tap.h"

#include "../../bin/moduled/sync-plan.h"

#define HOUR	3600

int
main(void)
{
	struct sync_plan p = { .next_s = 0 };
	struct sync_window w = { .open = true };

	(void)setenv("TZ", "UTC", 1); /* memory only */
	tzset();
	sync_plan_step(&p, &w, 5, false, false);
	ok(!w.open && p.next_s == 0, "no schedule, no window");
	if (when_parse(&p.when, "03:00") != 0)
		return 1;
	sync_plan_step(&p, &w, HOUR, false, false);
	ok(!w.open && p.next_s == 3 * HOUR, "not yet");
	sync_plan_step(&p, &w, 3 * HOUR - 1, true, false);
	ok(!w.open, "nor a second before");
	sync_plan_step(&p, &w, 3 * HOUR, false, false);
	ok(w.open && p.next_s == 27 * HOUR, "it is time");
	sync_plan_step(&p, &w, 4 * HOUR, false, false);
	ok(w.open, "for as long as it takes");
	sync_plan_step(&p, &w, 5 * HOUR, true, false);
	ok(!w.open, "till it is level");
	sync_plan_step(&p, &w, 60 * HOUR, true, false);
	ok(!w.open && p.next_s == 75 * HOUR,
	    "level when the time comes: done at once");
	sync_plan_step(&p, &w, 61 * HOUR, false, true);
	sync_plan_step(&p, &w, 62 * HOUR, true, false);
	ok(w.open && w.kept, "the operator's word stands, also when level");
	sync_plan_step(&p, &w, 75 * HOUR, false, false);
	ok(w.open && !w.kept, "until the next time");
	sync_plan_step(&p, &w, 76 * HOUR, true, false);
	ok(!w.open, "and then as ever");
	sync_plan_step(&p, &w, 2 * HOUR, false, false);
	ok(p.next_s == 3 * HOUR, "a clock that was set back");
	return tap_done();
}

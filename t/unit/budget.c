/* SPDX-License-Identifier: ISC */
/* So many a second: a day of it, by hand. */

#include "../../bin/remoted/budget.h"

#include "tap.h"

int
main(void)
{
	struct mono now = mono_add_ms(mono_now(), 0);
	struct budget b;
	unsigned i, n = 0;

	budget_init(&b, 10, now);
	for (i = 0; i < 100; i++)
		n += budget_take(&b, now);
	is_num(n, 10, "at once no more than a second's worth");
	now = mono_add_ms(now, 99);
	ok(!budget_take(&b, now), "99 ms: not yet");
	now = mono_add_ms(now, 1);
	ok(budget_take(&b, now) && !budget_take(&b, now), "100 ms: one");
	for (i = 0, n = 0; i < 1000; i++) {
		now = mono_add_ms(now, 7);
		n += budget_take(&b, now);
	}
	is_num(n, 70, "7 s in small steps: 70");
	now = mono_add_ms(now, 86400 * INT64_C(1000));
	for (i = 0, n = 0; i < 100; i++)
		n += budget_take(&b, now);
	is_num(n, 10, "a day later: still a second's worth");
	return tap_done();
}

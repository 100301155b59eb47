/* SPDX-License-Identifier: ISC */
/* So many a second: a day of it, by hand. */

#include "../../bin/remoted/budget.h"

#include "tap.h"

/* As many of a role as find a place. */
static unsigned
fill(unsigned used[ROLE_ADMIN + 1], enum role role, unsigned max)
{
	unsigned n;

	for (n = 0; budget_has_place(used, role, max); n++)
		used[role]++;
	return n;
}

static void
test_places(void)
{
	unsigned a[ROLE_ADMIN + 1] = { 0 }, b[ROLE_ADMIN + 1] = { 0 };
	unsigned c[ROLE_ADMIN + 1] = { 0 }, one[ROLE_ADMIN + 1] = { 0 };

	is_num(fill(a, ROLE_MONITOR, 16), 8, "monitors: half");
	is_num(fill(a, ROLE_CONTROL, 16), 4, "then control: a quarter");
	is_num(fill(a, ROLE_ADMIN, 16), 4, "then admins: a quarter");
	is_num(fill(b, ROLE_CONTROL, 16), 12, "control alone: not the last");
	is_num(fill(b, ROLE_MONITOR, 16), 0, "then monitors: none");
	is_num(fill(c, ROLE_ADMIN, 16), 16, "admins: all");
	is_num(fill(one, ROLE_MONITOR, 1), 1, "one place: whoever comes");
}

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
	test_places();
	return tap_done();
}

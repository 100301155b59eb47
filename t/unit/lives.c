/* SPDX-License-Identifier: ISC */
/* Short lives in a row, with a clock of its own. */
#include "tap.h"

#include "../../bin/mirrord/lives.h"

int
main(void)
{
	struct mono now = { 5000000000 };
	struct lives l = { 0 };
	unsigned i;

	ok(!lives_begin(&l, now), "the first life");
	for (i = 1; i < LIVES_MANY; i++) {
		lives_go_on(&l, mono_add_ms(now, LIVES_SHORT_MS - 1));
		now = mono_add_ms(now, 100000);
		ok(!lives_begin(&l, now), "after %u short ones", i);
	}
	ok(lives_begin(&l, now), "one more: wary, however long it was dead");
	ok(!lives_begin(&l, now), "not the next");
	ok(lives_begin(&l, now), "but the one after it");
	lives_go_on(&l, mono_add_ms(now, LIVES_SHORT_MS));
	ok(!lives_begin(&l, now), "a longer one is forgiven");
	ok(!lives_begin(&l, now), "all of them are");
	return tap_done();
}

/* SPDX-License-Identifier: ISC */
/* A bound of bytes a second, with a clock of its own. */
#include "tap.h"

#include "../../bin/mirrord/pace.h"

int
main(void)
{
	struct mono now = { 5000000000 };
	struct pace p = { 0 };
	int64_t waited = 0, ms;
	unsigned i;

	is_num(pace_ms(&p, 0, 1 << 30, now), 0, "no bound");
	is_num(pace_ms(&p, 1000000, 500000, now), 400, "half a second of it");
	is_num(pace_ms(&p, 1000000, 500000, now), 900, "and one more");
	now = mono_add_ms(now, 60000);
	is_num(pace_ms(&p, 1000000, 1000, now), 0, "little is not worth it");
	is_num(pace_ms(&p, 1000000, 120000, now), 21, "but is not forgotten");
	now = mono_add_ms(now, 60000);
	for (i = 0; i < 1000; i++) {
		ms = pace_ms(&p, 40000000, 65536, now);
		ms += ms > 0 ? 3 : 0;
		waited += ms;
		now = mono_add_ms(now, ms);
	}
	ok(waited >= 1520 && waited <= 1560,
	    "64 MB at 40 MB/s: 1.6 s, though each sleep is late");
	return tap_done();
}

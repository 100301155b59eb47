/* SPDX-License-Identifier: ISC */
#include "pace.h"

#define WORTH_MS	10
#define SAVED_NS	100000000

int64_t
pace_ms(struct pace *p, uint64_t rate_bytes_s, uint64_t bytes,
    struct mono now)
{
	int64_t ahead;

	if (rate_bytes_s == 0)
		return 0;
	if (p->due_ns < now.ns - SAVED_NS)
		p->due_ns = now.ns - SAVED_NS;
	p->due_ns += (int64_t)((double)bytes * 1e9 / (double)rate_bytes_s);
	ahead = (p->due_ns - now.ns) / 1000000;
	return ahead >= WORTH_MS ? ahead : 0;
}

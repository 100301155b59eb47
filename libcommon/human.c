/* SPDX-License-Identifier: ISC */
#include "human.h"

#include <stdio.h>

const char *
human_bytes(char buf[HUMAN_LEN], uint64_t bytes)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB",
	    "PiB" };
	double n = (double)bytes;
	unsigned u = 0;

	while (n >= 1024 && u + 1 < sizeof(unit) / sizeof(unit[0])) {
		n /= 1024;
		u++;
	}
	(void)snprintf(buf, HUMAN_LEN, u == 0 ? "%.0f %s" : "%.1f %s", n,
	    unit[u]);
	return buf;
}

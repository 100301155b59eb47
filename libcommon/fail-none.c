/* SPDX-License-Identifier: ISC */
/* A build without failpoints: what the packages have. */
#include "fail.h"

void
fail_init(const char *program)
{
	(void)program;
}

void
fail_point(int step)
{
	(void)step;
}

bool
fail_is_built(void)
{
	return false;
}

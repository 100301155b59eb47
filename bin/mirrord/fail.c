/* SPDX-License-Identifier: ISC */
/*
 * Failpoints: the process kills itself at a numbered durable step, as a
 * power cut or kill -9 would.  HOLDFAST_FAIL=<step>[:<count>] chooses it;
 * the numbers are those of holdfast-failures(7).  Called by everything that
 * makes something durable; without the variable it is one load.
 */
#include "fail.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Written once, before there are threads. */
static int fail_step;
static atomic_long fail_left;

void
fail_init(void)
{
	const char *s = getenv("HOLDFAST_FAIL");
	long step, count = 1;
	char *end;

	fail_step = 0;
	if (s == NULL)
		return;
	step = strtol(s, &end, 10);
	if (end == s || step <= 0 || step > 999)
		return;
	if (*end == ':')
		count = strtol(end + 1, &end, 10);
	if (*end != '\0' || count <= 0)
		return;
	atomic_store(&fail_left, count);
	fail_step = (int)step;
}

void
fail_point(int step)
{
	if (step != fail_step || fail_step == 0)
		return;
	if (atomic_fetch_sub(&fail_left, 1) != 1)
		return;
	(void)kill(getpid(), SIGKILL); /* cannot fail for ourselves */
	pause();
}

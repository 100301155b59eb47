/* SPDX-License-Identifier: ISC */
/*
 * Failpoints: each durable step has a number (holdfast-failures(7)); a test
 * names one, and the process is killed there as by a power cut or kill -9.
 * Only a build configured with --enable-failpoints has them (fail.c); in any
 * other these do nothing (fail-none.c).
 */
#ifndef COMMON_FAIL_H
#define COMMON_FAIL_H

#include <stdbool.h>

/*
 * Takes HOLDFAST_FAIL as it is now; `program' is who we are for its entries.
 * daemon_main() calls it.
 */
void	fail_init(const char *program);
/* A step is passed; any thread.  Returns unless it is the one. */
void	fail_point(int step);
bool	fail_is_built(void);

#endif

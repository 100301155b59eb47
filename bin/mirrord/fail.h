/* SPDX-License-Identifier: ISC */
/*
 * Failpoints: each durable step has a number (holdfast-failures(7)); a test
 * sets HOLDFAST_FAIL=<number>[:<count>] to be killed there, at the count-th
 * time it is passed.  Costs one load of a static when unset.
 */
#ifndef MIRRORD_FAIL_H
#define MIRRORD_FAIL_H

void	fail_init(void);
void	fail_point(int step);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * What an application must not inherit from a daemon that runs with real-time
 * priority, locked memory and an OOM score of its own.
 */
#ifndef COMMON_CHILD_H
#define COMMON_CHILD_H

/* For the child before its exec: all but descriptors.  What the system
 * refuses stays as it is, with a line in the log. */
void	child_reset(void);
/* Standard input from nowhere; log as output and error; no other. */
void	child_descriptors(int log);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Runs a program of the system for its exit status alone.
 */
#ifndef HOLDFAST_COMMAND_H
#define HOLDFAST_COMMAND_H

/* Nothing is read or printed.  The exit status, or -1; 127: not there. */
int	command_quiet(const char *const *argv);

#endif

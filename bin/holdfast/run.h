/* SPDX-License-Identifier: ISC */
/* A program of the system that works on a tree. */
#ifndef HOLDFAST_RUN_H
#define HOLDFAST_RUN_H

/*
 * Runs argv in directory dfd, its output ours; input_fd is its input, -1
 * none.  The exit status, or -1.
 */
int	run_in(int dfd, int input_fd, const char *const *argv);
/* The same, its output into output_fd. */
int	run_to(int dfd, int output_fd, const char *const *argv);

#endif

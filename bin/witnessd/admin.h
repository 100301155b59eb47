/* SPDX-License-Identifier: ISC */
/*
 * What an administrator does with a witness that has nothing else of
 * Holdfast: admit a cluster, remove it, list, forget.
 */
#ifndef WITNESSD_ADMIN_H
#define WITNESSD_ADMIN_H

/* -a, -r, -l, -F at the front of the words: does it; the exit status.  -1:
 * no word of these, the daemon is meant. */
int	admin_main(int argc, char **argv);

#endif

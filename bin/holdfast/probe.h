/* SPDX-License-Identifier: ISC */
/*
 * Can a directory be replicated?  Tries, in a directory of its own inside,
 * what replication will do (rule R37), and looks for what is in the way
 * (R38, R40).
 */
#ifndef HOLDFAST_PROBE_H
#define HOLDFAST_PROBE_H

enum verdict { VERDICT_OK, VERDICT_WARN, VERDICT_ERROR };

typedef void probe_say(enum verdict v, const char *about, const char *text,
    void *arg);

/* Says one line for each thing found, at least one. */
void	probe_dir(const char *dir, probe_say *say, void *arg);

#endif

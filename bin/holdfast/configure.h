/* SPDX-License-Identifier: ISC */
/*
 * XML in, configuration out; both print what they did and return the exit
 * status.
 */
#ifndef HOLDFAST_CONFIGURE_H
#define HOLDFAST_CONFIGURE_H

#include <stdbool.h>

struct cmd;

/* cluster.xml to cluster.conf. */
int	configure_cluster(bool dry_run);
/* A module's userconfig.xml to a generation. */
int	configure_module(const char *module, const struct cmd *c);

#endif

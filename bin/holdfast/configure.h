/* SPDX-License-Identifier: ISC */
/*
 * XML in, configuration out; both print what they did and return the exit
 * status.
 */
#ifndef HOLDFAST_CONFIGURE_H
#define HOLDFAST_CONFIGURE_H

#include <stdbool.h>

struct cluster;
struct cmd;

/* cluster.xml to cluster.conf. */
int	configure_cluster(bool dry_run);
/*
 * The daemons have taken this key: cluster.conf is told, so that the next
 * `holdfast config' does not take it for a change.
 */
void	configure_note_key(const char *id);
/*
 * Can the modules that are active here take this cluster?  0, or the exit
 * status after saying why not.
 */
int	configure_can_refresh(const struct cluster *cl);
/* The key of this witness changed: who asks it takes the new one. */
void	configure_new_key(const char *witness);
/* A module's userconfig.xml to a generation. */
int	configure_module(const char *module, const struct cmd *c);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * For resync.c: an application that changes a tree at random through the one
 * door of changes, and the comparison of two trees.
 */
#ifndef UNIT_RESYNC_APP_H
#define UNIT_RESYNC_APP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../bin/mirrord/change.h"
#include "../../bin/mirrord/object.h"

/* What the application needs to know of a node. */
struct host {
	struct objects	*objects;
	struct change	*change;
	uint64_t	 seed;
	atomic_bool	 stop;
};

void	 app_init(void);
void	 change_one(struct host *n);
/* A thread: changes without pause until n->stop. */
void	*application(void *host);
/* The number of differences; the first are printed as comments. */
unsigned trees_differ(const char *a, const char *b);
/* Two paths: what they are, their content and attributes. */
bool	 things_differ(const char *a, const char *b);
/* Of files, too; true. */
extern bool times_count;
/* What is left in stage below a replicated directory. */
unsigned stage_count(const char *data);

#endif

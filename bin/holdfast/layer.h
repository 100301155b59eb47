/* SPDX-License-Identifier: ISC */
/*
 * What lies over a replicated directory: the mirror, and the view below it
 * (mirrord(8)).
 */
#ifndef HOLDFAST_LAYER_H
#define HOLDFAST_LAYER_H

#include "config-safe.h"

enum layer {
	LAYER_NONE,	/* nothing of ours: a plain directory */
	LAYER_MIRROR,
	LAYER_VIEW,	/* read-only, what is underneath */
	LAYER_EMPTY	/* read-only, nothing */
};

/* What lies on top at dir, in this mount namespace. */
enum layer layer_top(const char *dir);
/* Takes off all of ours, aborting the mirror.  0, or -1 after a message. */
int	layer_take_off(const char *dir);

/*
 * For this process and its children alone, the directories of the module are
 * read-only and what is on the disk here, whatever lies over them for others.
 * When the system does not allow that, it says so and all is as it was.  -1
 * after a message: they are neither, nothing must be run on them.
 */
int	layer_show_disk(const struct safe *m);

#endif

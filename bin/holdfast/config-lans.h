/* SPDX-License-Identifier: ISC */
/*
 * The networks of cluster.xml a module uses: the <heartbeat>s of a mirror,
 * the <lan>s of a farm.
 */
#ifndef HOLDFAST_CONFIG_LANS_H
#define HOLDFAST_CONFIG_LANS_H

#include "config-safe.h"

/*
 * Fills m->beat from the children `element' of parent, which may be NULL;
 * without any: every lan that fits.  old: the child that older files have,
 * whose addr is that of a node.
 */
void	lans_read(struct safe *m, const xmlNode *parent, const char *element,
	    const char *old, struct report *r);

#endif

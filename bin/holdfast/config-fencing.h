/* SPDX-License-Identifier: ISC */
/*
 * Evidence from outside where there are no voters: <fencing> of cluster.xml,
 * <splitbrain> of a module, and what moduled reads of them.  Used by
 * config-cluster.c, config-safe.c and config-write.c.
 */
#ifndef HOLDFAST_CONFIG_FENCING_H
#define HOLDFAST_CONFIG_FENCING_H

#include <libxml/tree.h>

#include "config-safe.h"
#include "text.h"

/* <fencing> of cluster.xml, after the nodes; all errors are reported. */
void	fencing_read(struct cluster *c, const xmlNode *root,
	    struct report *r);
/* <splitbrain> of a module, after its voters. */
void	splitbrain_read(struct safe *m, const xmlNode *service,
	    struct report *r);
/* Sections of cluster.conf, and of moduled.conf. */
void	fencing_add_cluster(struct text *t, const struct cluster *c);
void	fencing_add(struct text *t, const struct safe *m);
void	splitbrain_add(struct text *t, const struct safe *m);

#endif

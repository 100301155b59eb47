/* SPDX-License-Identifier: ISC */
/*
 * Who votes on who is primary: <voters> of cluster.xml, heart@voters of a
 * module, and what daemons read of both.  Used by config-cluster.c,
 * config-safe.c and config-write.c.
 */
#ifndef HOLDFAST_CONFIG_VOTERS_H
#define HOLDFAST_CONFIG_VOTERS_H

#include <libxml/tree.h>

#include "config-safe.h"
#include "text.h"

/* <voters> of cluster.xml, after the nodes; all errors are reported. */
void	voters_read_cluster(struct cluster *c, const xmlNode *root,
	    struct report *r);
/*
 * Who votes for this module, after its times: nobody where it is no mirror
 * or there is no third, and then the mode is heartbeats only.
 */
void	voters_read(struct safe *m, const xmlNode *service,
	    struct report *r);
/* One of them; strings and addresses are the module's and its cluster's. */
struct voter {
	const char			*name, *key;
	unsigned			 addr_count;
	const struct sockaddr_storage	*addr[CLUSTER_LAN_MAX];
};
void	voters_get(const struct safe *m, unsigned i, struct voter *v);
/* Sections of cluster.conf, and of moduled.conf. */
void	voters_add_cluster(struct text *t, const struct cluster *c);
void	voters_add(struct text *t, const struct safe *m);

#endif

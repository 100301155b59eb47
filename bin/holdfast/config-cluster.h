/* SPDX-License-Identifier: ISC */
/*
 * cluster.xml to struct cluster (libcommon/cluster.h) and to the text of
 * cluster.conf, which every daemon reads.
 */
#ifndef HOLDFAST_CONFIG_CLUSTER_H
#define HOLDFAST_CONFIG_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "cluster.h"
#include "report.h"

/* Names are resolved here.  All errors are reported; -1 when there were. */
int	cluster_compile(struct cluster *c, const char *text, size_t len,
	    struct report *r);
/* The highest id the file knows to have been given; 0: it has errors. */
int	cluster_last_id(const char *text, size_t len);
/*
 * Sets c->self to the node one of whose addresses is an address of this
 * machine, as is_local() tells.  None or two nodes: an error with the list.
 */
int	cluster_find_self(struct cluster *c,
	    bool (*is_local)(const struct sockaddr_storage *ss, void *arg),
	    void *arg, struct report *r);
/* True when an interface of this machine has the address. */
bool	cluster_addr_is_local(const struct sockaddr_storage *ss, void *arg);
/* The text of cluster.conf; the caller frees. */
char	*cluster_text(const struct cluster *c);

#endif

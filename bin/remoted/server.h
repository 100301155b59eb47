/* SPDX-License-Identifier: ISC */
/*
 * Those who call: other nodes of the cluster, and machines that join.
 */
#ifndef REMOTED_SERVER_H
#define REMOTED_SERVER_H

#include "remoted.h"

struct server;

/* Listens on this node's address of each lan; never NULL. */
struct server	*server_new(struct remoted *r);
void		 server_free(struct server *s);
/* The cluster changed: its addresses may have. */
void		 server_listen_again(struct server *s);
/* Who is connected now. */
unsigned	 server_count(const struct server *s);
/* Addresses it listens on. */
unsigned	 server_listens(const struct server *s);

#endif

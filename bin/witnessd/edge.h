/* SPDX-License-Identifier: ISC */
/*
 * The UDP socket of the voter: on all addresses, IPv4 and IPv6; an answer
 * leaves from the address that was asked.
 */
#ifndef WITNESSD_EDGE_H
#define WITNESSD_EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cluster.h"
#include "loop.h"

struct edge;

/*
 * An ask came; the length of the answer put into out, 0: none.  One that
 * cannot bind yet tries again.
 */
struct edge	*edge_new(struct loop *l, uint16_t port,
		    size_t (*on_datagram)(const void *in, size_t len,
		    const struct sockaddr_storage *from, uint8_t *out,
		    void *arg), void *arg);
void		 edge_free(struct edge *e);
bool		 edge_is_bound(const struct edge *e);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The sockets: one for each network of the cluster that this node has an
 * address on, IPv4 or IPv6, bound to that address and, where the peers are on
 * the same link, to its interface.  An interface or address that vanishes
 * closes the socket; it is bound again as soon as the kernel tells of it, and
 * tried again at intervals.
 */
#ifndef HEARTD_LINK_H
#define HEARTD_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "clock.h"
#include "cluster.h"
#include "loop.h"

struct links;

struct link_options {
	int64_t	rebind_ms;
	int	receive_buffer;
};

struct link_calls {
	/* Something can be read: call links_drain() when ready for it. */
	void	(*on_ready)(void *arg);
	/* received: when it came to this machine, not when it was read. */
	void	(*on_datagram)(unsigned lan, const uint8_t *buf, size_t len,
		    const struct sockaddr_storage *from,
		    struct mono received, void *arg);
	/* The socket of this network was bound or lost. */
	void	(*on_change)(unsigned lan, bool is_bound, void *arg);
};

/* Binds what can be bound now.  c and calls are kept.  Never NULL. */
struct links	*links_new(struct loop *l, const struct cluster *c,
		    const struct link_options *o,
		    const struct link_calls *calls, void *arg);
void		 links_free(struct links *s);
/* Reads all sockets empty. */
void		 links_drain(struct links *s);
bool		 link_is_bound(const struct links *s, unsigned lan);
/* The node has an address there and is not this one. */
bool		 link_reaches(const struct links *s, unsigned lan, int node);
/* 0, or -1 with errno; never waits. */
int		 link_send(struct links *s, unsigned lan, int node,
		    const void *buf, size_t len);

#endif

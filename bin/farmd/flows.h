/* SPDX-License-Identifier: ISC */
/*
 * The TCP connections this node has of the virtual addresses, as the kernel
 * lists its sockets: no table of ours that could be wrong.
 */
#ifndef FARMD_FLOWS_H
#define FARMD_FLOWS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "sockdiag.h"

/* Addresses as on the wire; an IPv4 one takes the first four bytes. */
struct flow {
	uint8_t		family;		/* of the packets: AF_INET, AF_INET6 */
	uint8_t		state;		/* TCP_ESTABLISHED ... */
	uint8_t		local[16];
	uint8_t		peer[16];
	uint16_t	local_port;
	uint16_t	peer_port;
};

/* Begin with zeros; flow[i] is of list.socket[i]. */
struct flows {
	unsigned		 count;
	struct flow		*flow;
	struct sockdiag_list	 list;
};

/*
 * Reads all that have a peer, TIME_WAIT among them, of `count' addresses, in
 * place of what was there.  0, or -1 with errno and empty.
 */
int	flows_read(struct flows *f, const struct sockaddr_storage *addr,
	    unsigned count);
void	flows_free(struct flows *f);
/* In TIME_WAIT nobody waits for anything more. */
bool	flow_is_live(const struct flow *f);
/*
 * Ends the live ones of which pick() says so; their peers get a reset.  How
 * many, or -1 with errno, see sockdiag_destroy().
 */
int	flows_end(const struct flows *f,
	    bool (*pick)(const struct flow *flow, void *arg), void *arg);

#endif

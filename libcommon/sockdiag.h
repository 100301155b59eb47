/* SPDX-License-Identifier: ISC */
/*
 * The TCP sockets of a local address, by sock_diag: list them, end them.
 * Blocking, short: the kernel answers at once.  Programs that use it link
 * libmnl.
 */
#ifndef COMMON_SOCKDIAG_H
#define COMMON_SOCKDIAG_H

#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/socket.h>

#include <linux/inet_diag.h>

/* More than this are not listed: a bound of memory, 56 MiB. */
#define SOCKDIAG_MAX	(1u << 20)

/* All that have a peer. */
#define SOCKDIAG_PEERED	(~((1u << TCP_LISTEN) | (1u << TCP_CLOSE)) & 0xfffu)
/* Those whose end somebody would notice. */
#define SOCKDIAG_LIVE	(SOCKDIAG_PEERED & ~(1u << TCP_TIME_WAIT))

struct sockdiag_socket {
	/* A server on :: has IPv4 clients as mapped addresses: AF_INET6. */
	uint8_t			family;
	uint8_t			state;
	struct inet_diag_sockid	id;
};

/* Begin with zeros. */
struct sockdiag_list {
	unsigned		 count;
	unsigned		 size;
	struct sockdiag_socket	*socket;
};

/*
 * Adds the sockets whose local address is addr and whose state is one of
 * `states' (1 << TCP_ESTABLISHED ...).  0, or -1 with errno; what was listed
 * until then stays.
 */
int	sockdiag_list(struct sockdiag_list *l,
	    const struct sockaddr_storage *addr, uint32_t states);
void	sockdiag_list_free(struct sockdiag_list *l);
/*
 * Ends them, each peer gets a reset.  How many were ended, or -1 with errno:
 * EOPNOTSUPP without CONFIG_INET_DIAG_DESTROY.
 */
int	sockdiag_destroy(const struct sockdiag_list *l);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The kernel's interfaces and addresses, by rtnetlink.  Requests are
 * synchronous: the kernel answers at once.
 */
#ifndef VIPD_ADDR_H
#define VIPD_ADDR_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDR_MAC_LEN	6

struct addr_link {
	int	index;
	char	name[IF_NAMESIZE];
	bool	is_up;		/* IFF_UP and a carrier (IFF_LOWER_UP) */
	bool	is_ether;
	uint8_t	mac[ADDR_MAC_LEN];
};

struct addr_ip {
	int			 index;		/* of its link */
	struct sockaddr_storage	 addr;
	uint8_t			 prefix;
	bool			 is_permanent;
};

struct addr_table;

/* NULL with errno.  Reads all links and addresses. */
struct addr_table	*addr_open(void);
void	addr_close(struct addr_table *t);
/* The monitor's socket: readable means addr_update(). */
int	addr_fd(const struct addr_table *t);
/* Takes in what changed; false when nothing did. */
bool	addr_update(struct addr_table *t);

/* NULL when unknown.  Valid until the next addr_update(). */
const struct addr_link	*addr_link_by_index(const struct addr_table *t,
			    int index);
const struct addr_link	*addr_link_by_name(const struct addr_table *t,
			    const char *name);
/* The exact address, or NULL. */
const struct addr_ip	*addr_find(const struct addr_table *t,
			    const struct sockaddr_storage *addr);
/* On the link `index', or on any other one. */
const struct addr_ip	*addr_find_on(const struct addr_table *t,
			    const struct sockaddr_storage *addr, int index);
const struct addr_ip	*addr_find_off(const struct addr_table *t,
			    const struct sockaddr_storage *addr, int index);
/*
 * The host's own address on the link that is nearest to `addr', or NULL:
 * one of the same network, else any with a network.
 */
const struct addr_ip	*addr_own_on(const struct addr_table *t,
			    const struct sockaddr_storage *addr, int index);
bool			 addr_is_own_mac(const struct addr_table *t,
			    const uint8_t mac[ADDR_MAC_LEN]);
/*
 * The link through which `addr' would be on the wire: that of the local
 * address whose network holds it, longest prefix first; host addresses
 * (/32, /128) do not count.  NULL: none.
 */
const struct addr_link	*addr_link_for(const struct addr_table *t,
			    const struct sockaddr_storage *addr);

/*
 * Adds the address or renews its lifetime (whole seconds).  No duplicate
 * address detection: the probe was ours.  A farm's address, which many nodes
 * have, is never to be the source of what a node begins: deprecated, and of
 * scope host on the loopback; it brings no route either.
 * 0, or -1 with errno.
 */
enum addr_use { ADDR_OF_MIRROR, ADDR_OF_FARM };
int	addr_set(struct addr_table *t, int index,
	    const struct sockaddr_storage *addr, uint8_t prefix,
	    uint32_t lifetime_s, enum addr_use use);
/* 0 also when it was not there. */
int	addr_remove(struct addr_table *t, int index,
	    const struct sockaddr_storage *addr, uint8_t prefix);

#endif

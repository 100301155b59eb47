/* SPDX-License-Identifier: ISC */
/*
 * What vipd knows of one module: its addresses, from vipd.conf of the active
 * generation, and who wishes them.  The table of options is here.
 */
#ifndef VIPD_MODULE_H
#define VIPD_MODULE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "addr.h"
#include "cluster.h"
#include "nft-table.h"
#include "paths.h"
#include "term.h"
#include "vip.h"

#define MODULE_ADDRESS_MAX	32
#define MODULE_INTF_MAX		100
#define MODULE_ID_LEN		112
#define MODULE_PEER_MAX		256	/* 64 nodes, some with several cards */

/* Members of the farm: that they have an address is as it should be. */
struct module_peers {
	unsigned	count;
	uint8_t		mac[MODULE_PEER_MAX][ADDR_MAC_LEN];
};

/* The link of a farm's address as it was told last. */
struct module_link {
	int	index;		/* 0: there is none */
	bool	is_up;
	char	name[IF_NAMESIZE];
	uint8_t	mac[ADDR_MAC_LEN];
	char	own[ADDR_LEN];	/* the host's own address there, or "" */
};

struct module_address {
	struct sockaddr_storage	addr;
	char			text[ADDR_LEN];
	char			interface[IF_NAMESIZE];	/* "": by network */
	uint8_t			prefix;
	bool			is_checked;	/* resource ip.ADDR */
	int			index;		/* of the link it is on, or 0 */
	int			shown;		/* resource: -1 unknown, 0, 1 */
	bool			in_conflict;
	struct mono		conflict_at;
	uint8_t			conflict_mac[ADDR_MAC_LEN];
	struct vip		vip;		/* on the link, or answered */
	/* Farms only. */
	bool			is_farm;
	struct vip		held;		/* on the loopback */
	bool			has_mac;
	uint8_t			mac[ADDR_MAC_LEN];	/* to answer with */
	struct mono		contested_at;	/* another member had it too */
	struct module_link	told;
};

/* Of intf: the link that has the address; of ip: the address itself. */
struct module_intf {
	char			id[MODULE_ID_LEN];	/* resource intf.ID */
	struct sockaddr_storage	address;
	int			shown;
};

struct module {
	struct module		*next;
	char			 name[MODULE_NAME_MAX + 1];
	uint32_t		 lifetime_s;
	unsigned		 address_count;
	struct module_address	 address[MODULE_ADDRESS_MAX];
	unsigned		 intf_count;
	struct module_intf	 intf[MODULE_INTF_MAX];
	unsigned		 ip_count;
	struct module_intf	 ip[MODULE_INTF_MAX];
	void			*owner;		/* the link that wishes */
	bool			 own, hold;	/* what it wishes */
	struct module_peers	 peers;
	/* Mirrors only: answered while a lease runs, guard.h. */
	struct term		 term;
	bool			 is_guarded;	/* by these two: */
	struct nft_table	 guard, guard_arp;
	bool			 is_unguarded;	/* there should be, are not */
	bool			 is_lapsed;	/* as it was told last */
};

/* Reads .../M/config/active/vipd.conf, or `path'.  NULL: errors logged. */
struct module	*module_load(const char *name, const char *path);
/* Takes the present state (wish, presence) of `old' over by address. */
void		 module_inherit(struct module *m, const struct module *old);

bool		 module_has_farm(const struct module *m);
bool		 module_is_peer(const struct module_peers *p,
		    const uint8_t mac[ADDR_MAC_LEN]);
/*
 * peers=MAC,MAC and mac=ADDRESS/MAC,MAC of a request: the whole list each
 * time, NULL is none.  A MAC alone is for every address not named.  NULL, or
 * what is wrong, and then nothing has changed.
 */
const char	*module_set_peers(struct module_peers *p, const char *text);
const char	*module_set_macs(struct module *m, const char *text);

#endif

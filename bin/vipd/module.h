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

#include "cluster.h"
#include "paths.h"
#include "vip.h"

#define MODULE_ADDRESS_MAX	16
#define MODULE_INTF_MAX		100
#define MODULE_ID_LEN		112

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
	struct vip		vip;
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
};

/* Reads .../M/config/active/vipd.conf, or `path'.  NULL: errors logged. */
struct module	*module_load(const char *name, const char *path);
/* Takes the present state (wish, presence) of `old' over by address. */
void		 module_inherit(struct module *m, const struct module *old);

#endif

/* SPDX-License-Identifier: ISC */
/* The state of vipd, and looking things up in it. */
#ifndef VIPD_VIPD_H
#define VIPD_VIPD_H

#include "addr.h"
#include "cluster.h"
#include "daemon.h"
#include "log.h"
#include "module.h"
#include "packet.h"

struct probe;

struct vipd {
	struct daemon		*d;
	struct addr_table	*table;
	struct packet		*packet;
	struct loop_timer	*timer;
	struct module		*modules;
	struct probe		*probes;
	struct cluster		 cluster;
	int			 lan_shown[CLUSTER_LAN_MAX];
	struct log_limit	 limit;
	struct nft_link		*nft;		/* NULL until it is needed */
	struct mono		 guards_seen;	/* looked after each second */
};

/* "02:48:46:00:01:01" */
#define VIPD_MAC_LEN	18
const char	*vipd_mac(char buf[VIPD_MAC_LEN],
		    const uint8_t mac[ADDR_MAC_LEN]);

struct module	*vipd_module(const struct vipd *v, const char *name);
/* Where the address is on the wire, or would be; NULL: nowhere. */
const struct addr_link	*vipd_link_of(const struct vipd *v,
			    const struct module_address *a);
int		 vipd_loopback(const struct vipd *v);
/* The module whose wish for one of m's addresses stands, other than m. */
const struct module	*vipd_rival(const struct vipd *v,
			    const struct module *m, const char **addr);

#endif

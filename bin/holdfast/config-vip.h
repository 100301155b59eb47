/* SPDX-License-Identifier: ISC */
/*
 * The <vip> of userconfig.xml: virtual addresses and the networks they are
 * in on this node.
 */
#ifndef HOLDFAST_CONFIG_VIP_H
#define HOLDFAST_CONFIG_VIP_H

#include "config-safe.h"

/*
 * Takes away virtual addresses that an empty macro left empty, with a
 * warning, as long as one address stays.
 */
void	vip_drop_empty(xmlNode *service, struct report *r);
/*
 * An address of this node in the network of ss: ss itself when it is one.
 * false: this node has none there.
 */
bool	vip_own_address(char own[ADDR_LEN],
	    const struct sockaddr_storage *ss);
/* Of an IPv4 or IPv6 address, most significant first. */
const uint8_t	*vip_addr_bytes(const struct sockaddr_storage *ss);
/* Errors for addresses that an active module of this node has too. */
void	vip_check_others(const struct safe *m, struct report *r);
void	vip_read(struct safe *m, const xmlNode *vip, struct report *r);

#endif

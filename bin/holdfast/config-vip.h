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
void	vip_read(struct safe *m, const xmlNode *vip, struct report *r);

#endif

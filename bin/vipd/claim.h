/* SPDX-License-Identifier: ISC */
/* What other stations say about our addresses, and what they ask. */
#ifndef VIPD_CLAIM_H
#define VIPD_CLAIM_H

#include "vipd.h"

/* The callbacks of packet_open(); arg is struct vipd *. */
void	claim_heard(int index, const struct sockaddr_storage *addr,
	    const uint8_t mac[ADDR_MAC_LEN], void *arg);
void	claim_asked(int index, const struct wire_question *q, void *arg);

#endif

/* SPDX-License-Identifier: ISC */
/* Raw frames on all interfaces: announcements and probes out, claims in. */
#ifndef VIPD_PACKET_H
#define VIPD_PACKET_H

#include "addr.h"
#include "loop.h"
#include "wire.h"

struct packet;

/* Called for each claim another station makes; `index' is the link's. */
typedef void packet_claim_fn(int index, const struct sockaddr_storage *addr,
    const uint8_t mac[ADDR_MAC_LEN], void *arg);

/* NULL with errno (EPERM: CAP_NET_RAW is missing). */
struct packet	*packet_open(struct loop *l, packet_claim_fn *on_claim,
		    void *arg);
void		 packet_close(struct packet *p);
/* 0, or -1 with errno. */
int		 packet_send(struct packet *p, const struct addr_link *link,
		    enum wire_kind kind, const struct sockaddr_storage *addr);

#endif

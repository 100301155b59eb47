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

/* Called for each question of another station, claim or not. */
typedef void packet_question_fn(int index, const struct wire_question *q,
    void *arg);

/* NULL with errno (EPERM: CAP_NET_RAW is missing). */
struct packet	*packet_open(struct loop *l, packet_claim_fn *on_claim,
		    packet_question_fn *on_question, void *arg);
void		 packet_close(struct packet *p);
/* The address is at `mac', NULL: at the link's own.  0, or -1 with errno. */
int		 packet_send(struct packet *p, const struct addr_link *link,
		    enum wire_kind kind, const struct sockaddr_storage *addr,
		    const uint8_t *mac);
int		 packet_answer(struct packet *p, const struct addr_link *link,
		    const struct wire_question *q, const uint8_t *mac);
/*
 * Joins or leaves the group questions for an IPv6 address are sent to, so
 * that cards and switches pass them; nothing to do for IPv4.  Joined twice
 * is once: addresses that share a group join it again at each renewal.
 * 0, or -1 with errno.
 */
int		 packet_join(struct packet *p, int index,
		    const struct sockaddr_storage *addr, bool is_joined);

#endif

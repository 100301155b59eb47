/* SPDX-License-Identifier: ISC */
/*
 * ARP (RFC 826, RFC 5227) and neighbour discovery (RFC 4861) frames as bytes:
 * built and read here, sent and received by packet.c.  Pure.
 */
#ifndef VIPD_WIRE_H
#define VIPD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "addr.h"

#define WIRE_FRAME_MAX	128

enum wire_kind {
	WK_ANNOUNCE_REQUEST,	/* gratuitous ARP as request; NA for IPv6 */
	WK_ANNOUNCE_REPLY,	/* gratuitous ARP as reply; NA for IPv6 */
	WK_PROBE,		/* who has it?  From 0.0.0.0 or :: */
};

/*
 * Writes a whole Ethernet frame that says `addr' is at `mac', or asks for it;
 * its length.  `from' is the frame's source: a shared MAC is never one, or a
 * switch would learn it at one port.
 */
size_t	wire_build(uint8_t out[WIRE_FRAME_MAX], enum wire_kind kind,
	    const struct sockaddr_storage *addr,
	    const uint8_t mac[ADDR_MAC_LEN], const uint8_t from[ADDR_MAC_LEN]);

/* Who has `target'?  An ARP request or a neighbour solicitation. */
struct wire_question {
	struct sockaddr_storage	target;
	uint8_t			asker[16];	/* its address; 0: a probe */
	uint8_t			mac[ADDR_MAC_LEN];	/* of the asker */
};

/* Fills it and returns true if the frame is a whole question. */
bool	wire_question(const uint8_t *frame, size_t len,
	    struct wire_question *q);
/* The answer to it as a whole frame; `mac' and `from' as above. */
size_t	wire_answer(uint8_t out[WIRE_FRAME_MAX],
	    const struct wire_question *q, const uint8_t mac[ADDR_MAC_LEN],
	    const uint8_t from[ADDR_MAC_LEN]);

/* The multicast group a question for `addr', IPv6, is sent to. */
void	wire_solicited_node(uint8_t group[16],
	    const struct sockaddr_storage *addr);

/*
 * If the frame claims an address for a station - an ARP packet with that
 * sender address, or an NA with that target - fills both and returns true.
 * Damaged frames are false.
 */
bool	wire_claim(const uint8_t *frame, size_t len,
	    struct sockaddr_storage *addr, uint8_t mac[ADDR_MAC_LEN]);

#endif

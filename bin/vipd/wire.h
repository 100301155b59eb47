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

/* Writes a whole Ethernet frame; its length. */
size_t	wire_build(uint8_t out[WIRE_FRAME_MAX], enum wire_kind kind,
	    const struct sockaddr_storage *addr,
	    const uint8_t mac[ADDR_MAC_LEN]);

/*
 * If the frame claims an address for a station - an ARP packet with that
 * sender address, or an NA with that target - fills both and returns true.
 * Damaged frames are false.
 */
bool	wire_claim(const uint8_t *frame, size_t len,
	    struct sockaddr_storage *addr, uint8_t mac[ADDR_MAC_LEN]);

#endif

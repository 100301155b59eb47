/* SPDX-License-Identifier: ISC */
/* ARP and ND frames. */

#include "wire.h"

#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip6.h>

#include <string.h>

#define ARP_LEN		28
#define ARP_REQUEST	1
#define ARP_REPLY	2
#define ND_HOPS		255	/* RFC 4861: anything else was routed */
#define NA_OVERRIDE	0x20
#define OPTION_LEN	8

static const uint8_t broadcast[ADDR_MAC_LEN] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff
};

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void
put_ethernet(uint8_t *out, const uint8_t *to, const uint8_t *from,
    unsigned type)
{
	memcpy(out, to, ADDR_MAC_LEN);
	memcpy(out + 6, from, ADDR_MAC_LEN);
	put16(out + 12, type);
}

static size_t
build_arp(uint8_t *out, enum wire_kind kind,
    const struct sockaddr_storage *addr, const uint8_t *mac)
{
	const uint8_t *ip = (const void *)
	    &((const struct sockaddr_in *)addr)->sin_addr;
	uint8_t *p = out + ETH_HLEN;

	put_ethernet(out, broadcast, mac, ETH_P_ARP);
	memset(p, 0, ARP_LEN);
	put16(p, 1);			/* Ethernet */
	put16(p + 2, ETH_P_IP);
	p[4] = ADDR_MAC_LEN;
	p[5] = 4;
	put16(p + 6, kind == WK_ANNOUNCE_REPLY ? ARP_REPLY : ARP_REQUEST);
	memcpy(p + 8, mac, ADDR_MAC_LEN);
	if (kind != WK_PROBE)
		memcpy(p + 14, ip, 4);
	if (kind == WK_ANNOUNCE_REPLY)
		memcpy(p + 18, broadcast, ADDR_MAC_LEN);
	memcpy(p + 24, ip, 4);
	return ETH_HLEN + ARP_LEN;
}

static uint16_t
icmp6_checksum(const uint8_t *src, const uint8_t *dst, const uint8_t *p,
    size_t len)
{
	uint32_t sum = (uint32_t)len + IPPROTO_ICMPV6;

	for (unsigned i = 0; i < 16; i += 2)
		sum += get16(src + i) + get16(dst + i);
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += get16(p + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static size_t
build_nd(uint8_t *out, enum wire_kind kind,
    const struct sockaddr_storage *addr, const uint8_t *mac)
{
	static const uint8_t none[16];
	const uint8_t *ip =
	    ((const struct sockaddr_in6 *)addr)->sin6_addr.s6_addr;
	uint8_t dst[16] = { 0xff, 0x02 }, to[ADDR_MAC_LEN] = { 0x33, 0x33 };
	uint8_t *head = out + ETH_HLEN, *p = head + 40;
	bool probe = kind == WK_PROBE;
	/* From :: a solicitation carries no link-layer option. */
	size_t len = probe ? 24 : 24 + OPTION_LEN;

	dst[15] = 1;				/* all nodes */
	if (probe) {				/* solicited-node group */
		dst[11] = 1;
		dst[12] = 0xff;
		memcpy(dst + 13, ip + 13, 3);
	}
	memcpy(to + 2, dst + 12, 4);
	put_ethernet(out, to, mac, ETH_P_IPV6);
	memset(head, 0, 40 + len);
	head[0] = 0x60;
	put16(head + 4, (unsigned)len);
	head[6] = IPPROTO_ICMPV6;
	head[7] = ND_HOPS;
	memcpy(head + 8, probe ? none : ip, 16);
	memcpy(head + 24, dst, 16);
	p[0] = probe ? ND_NEIGHBOR_SOLICIT : ND_NEIGHBOR_ADVERT;
	if (!probe) {
		p[4] = NA_OVERRIDE;
		p[24] = ND_OPT_TARGET_LINKADDR;
		p[25] = 1;
		memcpy(p + 26, mac, ADDR_MAC_LEN);
	}
	memcpy(p + 8, ip, 16);
	put16(p + 2, icmp6_checksum(head + 8, head + 24, p, len));
	return ETH_HLEN + 40 + len;
}

size_t
wire_build(uint8_t out[WIRE_FRAME_MAX], enum wire_kind kind,
    const struct sockaddr_storage *addr, const uint8_t mac[ADDR_MAC_LEN])
{
	return addr->ss_family == AF_INET ? build_arp(out, kind, addr, mac) :
	    build_nd(out, kind, addr, mac);
}

static bool
claim_arp(const uint8_t *p, size_t len, struct sockaddr_storage *addr,
    uint8_t *mac)
{
	struct sockaddr_in *in = (struct sockaddr_in *)addr;

	if (len < ARP_LEN || get16(p) != 1 || get16(p + 2) != ETH_P_IP ||
	    p[4] != ADDR_MAC_LEN || p[5] != 4)
		return false;
	in->sin_family = AF_INET;
	memcpy(&in->sin_addr, p + 14, 4);
	memcpy(mac, p + 8, ADDR_MAC_LEN);
	return in->sin_addr.s_addr != 0;	/* 0: a probe, no claim */
}

static bool
claim_nd(const uint8_t *p, size_t len, const uint8_t *from,
    struct sockaddr_storage *addr, uint8_t *mac)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	const uint8_t *icmp = p + 40;

	if (len < 40 + 24 || p[6] != IPPROTO_ICMPV6 || p[7] != ND_HOPS ||
	    icmp[0] != ND_NEIGHBOR_ADVERT ||
	    len < 40 + (size_t)get16(p + 4))
		return false;
	in6->sin6_family = AF_INET6;
	memcpy(&in6->sin6_addr, icmp + 8, 16);
	/* Without the option the sender is the station itself. */
	memcpy(mac, from, ADDR_MAC_LEN);
	if (len >= 40 + 24 + OPTION_LEN &&
	    icmp[24] == ND_OPT_TARGET_LINKADDR && icmp[25] == 1)
		memcpy(mac, icmp + 26, ADDR_MAC_LEN);
	return true;
}

bool
wire_claim(const uint8_t *frame, size_t len, struct sockaddr_storage *addr,
    uint8_t mac[ADDR_MAC_LEN])
{
	memset(addr, 0, sizeof(*addr));
	if (len < ETH_HLEN)
		return false;
	switch (get16(frame + 12)) {
	case ETH_P_ARP:
		return claim_arp(frame + ETH_HLEN, len - ETH_HLEN, addr, mac);
	case ETH_P_IPV6:
		return claim_nd(frame + ETH_HLEN, len - ETH_HLEN, frame + 6,
		    addr, mac);
	default:
		return false;
	}
}

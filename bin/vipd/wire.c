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
#define NA_SOLICITED	0x40
#define OPTION_LEN	8

static const uint8_t broadcast[ADDR_MAC_LEN] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff
};

static const uint8_t all_nodes[16] = { 0xff, 0x02, [15] = 1 };

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

/* The fixed part of an Ethernet/IPv4 packet; addresses are left zero. */
static uint8_t *
put_arp(uint8_t *out, unsigned op, const uint8_t *mac)
{
	uint8_t *p = out + ETH_HLEN;

	memset(p, 0, ARP_LEN);
	put16(p, 1);			/* Ethernet */
	put16(p + 2, ETH_P_IP);
	p[4] = ADDR_MAC_LEN;
	p[5] = 4;
	put16(p + 6, op);
	memcpy(p + 8, mac, ADDR_MAC_LEN);
	return p;
}

static size_t
build_arp(uint8_t *out, enum wire_kind kind,
    const struct sockaddr_storage *addr, const uint8_t *mac,
    const uint8_t *from)
{
	const uint8_t *ip = (const void *)
	    &((const struct sockaddr_in *)addr)->sin_addr;
	uint8_t *p = put_arp(out, kind == WK_ANNOUNCE_REPLY ? ARP_REPLY :
	    ARP_REQUEST, mac);

	put_ethernet(out, broadcast, from, ETH_P_ARP);
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

static const uint8_t *
six_bytes(const struct sockaddr_storage *addr)
{
	return ((const struct sockaddr_in6 *)addr)->sin6_addr.s6_addr;
}

/* IPv6 header and ICMPv6 message; the checksum comes when it is whole. */
static uint8_t *
put_nd(uint8_t *out, unsigned type, const uint8_t *src, const uint8_t *dst,
    size_t len)
{
	uint8_t *head = out + ETH_HLEN;

	memset(head, 0, 40 + len);
	head[0] = 0x60;
	put16(head + 4, (unsigned)len);
	head[6] = IPPROTO_ICMPV6;
	head[7] = ND_HOPS;
	memcpy(head + 8, src, 16);
	memcpy(head + 24, dst, 16);
	head[40] = (uint8_t)type;
	return head + 40;
}

/* An advertisement of `addr' at `mac' to dst. */
static size_t
put_advert(uint8_t *out, const struct sockaddr_storage *addr,
    const uint8_t *mac, const uint8_t *dst, uint8_t flags)
{
	size_t len = 24 + OPTION_LEN;
	uint8_t *p = put_nd(out, ND_NEIGHBOR_ADVERT, six_bytes(addr), dst,
	    len);

	p[4] = flags;
	memcpy(p + 8, six_bytes(addr), 16);
	p[24] = ND_OPT_TARGET_LINKADDR;
	p[25] = 1;
	memcpy(p + 26, mac, ADDR_MAC_LEN);
	put16(p + 2, icmp6_checksum(six_bytes(addr), dst, p, len));
	return ETH_HLEN + 40 + len;
}

static void
group_mac(uint8_t *to, const uint8_t *group)
{
	to[0] = to[1] = 0x33;
	memcpy(to + 2, group + 12, 4);
}

void
wire_solicited_node(uint8_t group[16], const struct sockaddr_storage *addr)
{
	memset(group, 0, 16);
	group[0] = 0xff;
	group[1] = 0x02;
	group[11] = 1;
	group[12] = 0xff;
	memcpy(group + 13, six_bytes(addr) + 13, 3);
}

static size_t
build_nd(uint8_t *out, enum wire_kind kind,
    const struct sockaddr_storage *addr, const uint8_t *mac,
    const uint8_t *from)
{
	static const uint8_t none[16];
	uint8_t group[16], to[ADDR_MAC_LEN], *p;

	if (kind != WK_PROBE) {
		group_mac(to, all_nodes);
		put_ethernet(out, to, from, ETH_P_IPV6);
		return put_advert(out, addr, mac, all_nodes, NA_OVERRIDE);
	}
	wire_solicited_node(group, addr);
	group_mac(to, group);
	put_ethernet(out, to, from, ETH_P_IPV6);
	/* From :: a solicitation carries no link-layer option. */
	p = put_nd(out, ND_NEIGHBOR_SOLICIT, none, group, 24);
	memcpy(p + 8, six_bytes(addr), 16);
	put16(p + 2, icmp6_checksum(none, group, p, 24));
	return ETH_HLEN + 40 + 24;
}

size_t
wire_build(uint8_t out[WIRE_FRAME_MAX], enum wire_kind kind,
    const struct sockaddr_storage *addr, const uint8_t mac[ADDR_MAC_LEN],
    const uint8_t from[ADDR_MAC_LEN])
{
	return addr->ss_family == AF_INET ?
	    build_arp(out, kind, addr, mac, from) :
	    build_nd(out, kind, addr, mac, from);
}

/* --- questions ------------------------------------------------------ */

static bool
is_arp(const uint8_t *p, size_t len)
{
	return len >= ARP_LEN && get16(p) == 1 && get16(p + 2) == ETH_P_IP &&
	    p[4] == ADDR_MAC_LEN && p[5] == 4;
}

/* A whole neighbour message of this type that no router passed on. */
static bool
is_nd(const uint8_t *p, size_t len, unsigned type)
{
	return len >= 40 + 24 && p[6] == IPPROTO_ICMPV6 && p[7] == ND_HOPS &&
	    p[40] == type && len >= 40 + (size_t)get16(p + 4);
}

/* The link-layer address of an option at p, or `from'. */
static void
option_mac(uint8_t *mac, const uint8_t *p, size_t len, unsigned option,
    const uint8_t *from)
{
	bool is_there = len >= 40 + 24 + OPTION_LEN && p[64] == option &&
	    p[65] == 1;

	memcpy(mac, is_there ? p + 66 : from, ADDR_MAC_LEN);
}

static bool
question_arp(const uint8_t *p, size_t len, struct wire_question *q)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&q->target;

	if (!is_arp(p, len) || get16(p + 6) != ARP_REQUEST)
		return false;
	in->sin_family = AF_INET;
	memcpy(&in->sin_addr, p + 24, 4);
	memcpy(q->asker, p + 14, 4);
	memcpy(q->mac, p + 8, ADDR_MAC_LEN);
	return true;
}

static bool
question_nd(const uint8_t *p, size_t len, const uint8_t *from,
    struct wire_question *q)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&q->target;

	if (!is_nd(p, len, ND_NEIGHBOR_SOLICIT))
		return false;
	in6->sin6_family = AF_INET6;
	memcpy(&in6->sin6_addr, p + 48, 16);
	memcpy(q->asker, p + 8, 16);
	option_mac(q->mac, p, len, ND_OPT_SOURCE_LINKADDR, from);
	return true;
}

bool
wire_question(const uint8_t *frame, size_t len, struct wire_question *q)
{
	memset(q, 0, sizeof(*q));
	if (len < ETH_HLEN)
		return false;
	switch (get16(frame + 12)) {
	case ETH_P_ARP:
		return question_arp(frame + ETH_HLEN, len - ETH_HLEN, q);
	case ETH_P_IPV6:
		return question_nd(frame + ETH_HLEN, len - ETH_HLEN,
		    frame + 6, q);
	default:
		return false;
	}
}

size_t
wire_answer(uint8_t out[WIRE_FRAME_MAX], const struct wire_question *q,
    const uint8_t mac[ADDR_MAC_LEN], const uint8_t from[ADDR_MAC_LEN])
{
	static const uint8_t none[16];
	uint8_t to[ADDR_MAC_LEN], *p;

	if (q->target.ss_family == AF_INET) {
		p = put_arp(out, ARP_REPLY, mac);
		put_ethernet(out, q->mac, from, ETH_P_ARP);
		memcpy(p + 14,
		    &((const struct sockaddr_in *)&q->target)->sin_addr, 4);
		memcpy(p + 18, q->mac, ADDR_MAC_LEN);
		memcpy(p + 24, q->asker, 4);
		return ETH_HLEN + ARP_LEN;
	}
	/* RFC 4861, 7.2.4: who has no address yet hears it with all. */
	if (memcmp(q->asker, none, 16) == 0) {
		group_mac(to, all_nodes);
		put_ethernet(out, to, from, ETH_P_IPV6);
		return put_advert(out, &q->target, mac, all_nodes,
		    NA_OVERRIDE);
	}
	put_ethernet(out, q->mac, from, ETH_P_IPV6);
	return put_advert(out, &q->target, mac, q->asker,
	    NA_OVERRIDE | NA_SOLICITED);
}

/* --- claims --------------------------------------------------------- */

static bool
claim_arp(const uint8_t *p, size_t len, struct sockaddr_storage *addr,
    uint8_t *mac)
{
	struct sockaddr_in *in = (struct sockaddr_in *)addr;

	if (!is_arp(p, len))
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

	if (!is_nd(p, len, ND_NEIGHBOR_ADVERT))
		return false;
	in6->sin6_family = AF_INET6;
	memcpy(&in6->sin6_addr, p + 48, 16);
	/* Without the option the sender is the station itself. */
	option_mac(mac, p, len, ND_OPT_TARGET_LINKADDR, from);
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

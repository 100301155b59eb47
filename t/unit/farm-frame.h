/* SPDX-License-Identifier: ISC */
/*
 * Frames for the two addresses of t/unit/farm-bpf.c, which are of lo.
 */
#ifndef UNIT_FARM_FRAME_H
#define UNIT_FARM_FRAME_H

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define SELF	3		/* own index */

enum { TO_ME, TO_VMAC, FROM_NODE, TO_OTHER };
enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

struct frame {
	uint8_t		byte[256];
	unsigned	len;
};

static const uint8_t vmac[6] = { 0x5a, 0xfe, 127, 0, 0, 9 };
static const uint8_t own4[4] = { 127, 0, 0, 9 };
static const uint8_t own6[16] = { [15] = 1 };

static inline void
node_mac(uint8_t mac[6], unsigned node)
{
	uint8_t m[6] = { 2, 0, 0, 0, 1, (uint8_t)node };

	memcpy(mac, m, 6);
}

static inline void
put16(uint8_t *to, unsigned v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
}

static inline unsigned
head(struct frame *f, int family, const uint8_t *src, int to, unsigned proto)
{
	uint8_t *ip = f->byte + 14;

	memset(f, 0, sizeof(*f));
	if (to == TO_VMAC)
		memcpy(f->byte, vmac, 6);
	else
		node_mac(f->byte, to == TO_OTHER ? 99 : SELF);
	if (to == FROM_NODE)
		node_mac(f->byte + 6, 5);
	else
		memcpy(f->byte + 6, (uint8_t[6]){ 2, 9, 9, 9, 9, 9 }, 6);
	put16(f->byte + 12, family == AF_INET ? 0x0800 : 0x86dd);
	if (family == AF_INET) {
		ip[0] = 0x45;
		ip[8] = 64;
		ip[9] = (uint8_t)proto;
		memcpy(ip + 12, src, 4);
		memcpy(ip + 16, own4, 4);
		f->len = 14 + 20;
	} else {
		ip[0] = 0x60;
		ip[6] = (uint8_t)proto;
		ip[7] = 64;
		memcpy(ip + 8, src, 16);
		memcpy(ip + 24, own6, 16);
		f->len = 14 + 40;
	}
	return f->len;
}

static inline void
tail(struct frame *f, int family, unsigned len)
{
	f->len += len;
	if (family == AF_INET)
		put16(f->byte + 16, f->len - 14);
	else
		put16(f->byte + 18, f->len - 14 - 40);
}

static inline const uint8_t *
client(int family)
{
	static const uint8_t ip4[4] = { 127, 0, 0, 1 };
	static const uint8_t ip6[16] = { [15] = 1 };

	return family == AF_INET ? ip4 : ip6;
}

static inline struct frame
tcp(int family, int to, unsigned sport, unsigned dport, unsigned flags)
{
	struct frame f;
	unsigned at = head(&f, family, client(family), to, IPPROTO_TCP);

	put16(f.byte + at, sport);
	put16(f.byte + at + 2, dport);
	f.byte[at + 12] = 0x50;
	f.byte[at + 13] = (uint8_t)flags;
	tail(&f, family, 20);
	return f;
}

static inline struct frame
udp(int family, int to, unsigned sport, unsigned dport)
{
	struct frame f;
	unsigned at = head(&f, family, client(family), to, IPPROTO_UDP);

	put16(f.byte + at, sport);
	put16(f.byte + at + 2, dport);
	tail(&f, family, 8);
	return f;
}

static inline struct frame
icmp(int family, int to, unsigned type)
{
	struct frame f;
	unsigned at = head(&f, family, client(family), to,
	    family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);

	f.byte[at] = (uint8_t)type;
	tail(&f, family, 8);
	return f;
}

#endif

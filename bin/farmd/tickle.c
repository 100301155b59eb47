/* SPDX-License-Identifier: ISC */
#include "tickle.h"

#include <sys/socket.h>

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define IP4_LEN	20
#define IP6_LEN	40
#define TCP_LEN	20

static void
put16(uint8_t *to, uint32_t v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
}

static uint32_t
add_up(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return sum;
}

static uint16_t
fold(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static bool
is_ip4(const struct farm_bpf_flow *flow)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(flow->src.a, mapped, sizeof(mapped)) == 0;
}

/* The checksum of an IPv4 header raw sockets fill in. */
static size_t
put_ip(uint8_t *p, const struct farm_bpf_flow *flow, bool ip4)
{
	if (ip4) {
		p[0] = 0x45;
		put16(p + 2, IP4_LEN + TCP_LEN);
		p[8] = 64;
		p[9] = IPPROTO_TCP;
		memcpy(p + 12, &flow->dst.a[3], 4);
		memcpy(p + 16, &flow->src.a[3], 4);
		return IP4_LEN;
	}
	p[0] = 0x60;
	put16(p + 4, TCP_LEN);
	p[6] = IPPROTO_TCP;
	p[7] = 64;
	memcpy(p + 8, flow->dst.a, 16);
	memcpy(p + 24, flow->src.a, 16);
	return IP6_LEN;
}

size_t
tickle_packet(uint8_t packet[TICKLE_LEN_MAX], int *family,
    const struct farm_bpf_flow *flow)
{
	bool ip4 = is_ip4(flow);
	size_t at, addrs = ip4 ? 8 : 32;
	uint8_t *tcp;
	uint32_t sum = IPPROTO_TCP + TCP_LEN;

	memset(packet, 0, TICKLE_LEN_MAX);
	at = put_ip(packet, flow, ip4);
	tcp = packet + at;
	memcpy(tcp, &flow->dport, 2);
	memcpy(tcp + 2, &flow->sport, 2);
	tcp[12] = TCP_LEN / 4 << 4;
	tcp[13] = 0x10;			/* ACK */
	sum = add_up(sum, packet + at - addrs, addrs);
	put16(tcp + 16, fold(add_up(sum, tcp, TCP_LEN)));
	*family = ip4 ? AF_INET : AF_INET6;
	return at + TCP_LEN;
}

void
tickle_init(struct tickle *t)
{
	int on = 1;

	t->fd4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    IPPROTO_RAW);
	t->fd6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    IPPROTO_RAW);
	if (t->fd6 != -1 && setsockopt(t->fd6, IPPROTO_IPV6, IPV6_HDRINCL,
	    &on, sizeof(on)) == -1) {
		close(t->fd6);
		t->fd6 = -1;
	}
}

/* One that is lost is reset when its client next sends. */
void
tickle_send(struct tickle *t, const struct farm_bpf_flow *flow)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	uint8_t packet[TICKLE_LEN_MAX];
	int family;
	size_t len = tickle_packet(packet, &family, flow);

	if (family == AF_INET) {
		memcpy(&sin.sin_addr, &flow->src.a[3], 4);
		(void)sendto(t->fd4, packet, len, 0,
		    (struct sockaddr *)&sin, sizeof(sin));
	} else {
		memcpy(&sin6.sin6_addr, flow->src.a, 16);
		(void)sendto(t->fd6, packet, len, 0,
		    (struct sockaddr *)&sin6, sizeof(sin6));
	}
}

void
tickle_fini(struct tickle *t)
{
	if (t->fd4 != -1)
		close(t->fd4);
	if (t->fd6 != -1)
		close(t->fd6);
}

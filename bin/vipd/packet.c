/* SPDX-License-Identifier: ISC */
/*
 * Two packet sockets with a filter each, so that the host's other traffic
 * never wakes us: ARP, and ICMPv6 neighbour messages.  They see a frame before
 * the ARP table of a farm's filter drops it for the kernel.
 */

#include "packet.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "xalloc.h"

#define RECEIVE_MAX	64	/* frames a turn of the loop */

struct packet {
	int		 arp;
	int		 nd;
	struct loop_fd	*arp_io;
	struct loop_fd	*nd_io;
	int		 group;		/* holds the memberships */
	packet_claim_fn	*on_claim;
	packet_question_fn *on_question;
	void		*arg;
};

/* Offsets from the Ethernet header. */
static struct sock_filter nd_code[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETH_HLEN + 6),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 4),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETH_HLEN + 40),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_ADVERT, 1, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_SOLICIT, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, WIRE_FRAME_MAX),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

static void
receive(int fd, int events, void *arg)
{
	struct packet *p = arg;
	uint8_t frame[WIRE_FRAME_MAX], mac[ADDR_MAC_LEN];
	struct sockaddr_storage addr;
	struct wire_question q;
	struct sockaddr_ll from;

	(void)events;
	for (int i = 0; i < RECEIVE_MAX; i++) {
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, frame, sizeof(frame), MSG_DONTWAIT,
		    (struct sockaddr *)&from, &from_len);

		if (n == -1)
			return;
		if (from.sll_pkttype == PACKET_OUTGOING)
			continue;
		/* An ARP request claims its sender's address too. */
		if (wire_claim(frame, (size_t)n, &addr, mac))
			p->on_claim(from.sll_ifindex, &addr, mac, p->arg);
		if (wire_question(frame, (size_t)n, &q))
			p->on_question(from.sll_ifindex, &q, p->arg);
	}
}

static int
open_socket(unsigned protocol, const struct sock_fprog *filter)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    htons((uint16_t)protocol));
	int saved;

	if (fd == -1 || filter == NULL)
		return fd;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter,
	    sizeof(*filter)) == 0)
		return fd;
	saved = errno;
	(void)close(fd);	/* the first error counts */
	errno = saved;
	return -1;
}

struct packet *
packet_open(struct loop *l, packet_claim_fn *on_claim,
    packet_question_fn *on_question, void *arg)
{
	struct sock_fprog filter = {
		.len = sizeof(nd_code) / sizeof(nd_code[0]),
		.filter = nd_code,
	};
	struct packet *p = xcalloc(1, sizeof(*p));

	p->on_claim = on_claim;
	p->on_question = on_question;
	p->arg = arg;
	p->nd = -1;
	p->arp = open_socket(ETH_P_ARP, NULL);
	if (p->arp != -1)
		p->nd = open_socket(ETH_P_IPV6, &filter);
	if (p->nd == -1) {
		int saved = errno;

		if (p->arp != -1)
			(void)close(p->arp);	/* the first error counts */
		free(p);
		errno = saved;
		return NULL;
	}
	/* Without IPv6 in the kernel there is nothing to join. */
	p->group = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	p->arp_io = loop_fd_add(l, p->arp, LOOP_READ, receive, p);
	p->nd_io = loop_fd_add(l, p->nd, LOOP_READ, receive, p);
	return p;
}

void
packet_close(struct packet *p)
{
	loop_fd_del(p->arp_io);
	loop_fd_del(p->nd_io);
	(void)close(p->arp);	/* nothing is queued in a raw socket */
	(void)close(p->nd);
	if (p->group != -1)
		(void)close(p->group);	/* leaves the groups */
	free(p);
}

static int
send_frame(struct packet *p, const struct addr_link *link, bool is_four,
    const uint8_t *frame, size_t len)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(is_four ? ETH_P_ARP : ETH_P_IPV6),
		.sll_ifindex = link->index,
		.sll_halen = ADDR_MAC_LEN,
	};

	memcpy(to.sll_addr, frame, ADDR_MAC_LEN);
	return sendto(is_four ? p->arp : p->nd, frame, len, MSG_DONTWAIT,
	    (struct sockaddr *)&to, sizeof(to)) == (ssize_t)len ? 0 : -1;
}

int
packet_send(struct packet *p, const struct addr_link *link,
    enum wire_kind kind, const struct sockaddr_storage *addr,
    const uint8_t *mac)
{
	uint8_t frame[WIRE_FRAME_MAX];
	size_t len = wire_build(frame, kind, addr,
	    mac != NULL ? mac : link->mac, link->mac);

	return send_frame(p, link, addr->ss_family == AF_INET, frame, len);
}

int
packet_answer(struct packet *p, const struct addr_link *link,
    const struct wire_question *q, const uint8_t *mac)
{
	uint8_t frame[WIRE_FRAME_MAX];
	size_t len = wire_answer(frame, q, mac, link->mac);

	return send_frame(p, link, q->target.ss_family == AF_INET, frame,
	    len);
}

int
packet_join(struct packet *p, int index, const struct sockaddr_storage *addr,
    bool is_joined)
{
	struct ipv6_mreq group = { .ipv6mr_interface = (unsigned)index };

	if (addr->ss_family != AF_INET6)
		return 0;
	wire_solicited_node(group.ipv6mr_multiaddr.s6_addr, addr);
	if (setsockopt(p->group, IPPROTO_IPV6, is_joined ?
	    IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &group, sizeof(group)) == 0)
		return 0;
	/* A link that went away took the membership with it. */
	return is_joined ? (errno == EADDRINUSE ? 0 : -1) : 0;
}

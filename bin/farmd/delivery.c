/* SPDX-License-Identifier: ISC */
/* fdb entries by rtnetlink, probes by a packet socket. */

#include "delivery.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "log.h"
#include "xalloc.h"

#define MAC_LEN		6
#define HEADER_LEN	14
#define MAGIC		"HFfp\1"	/* and the version */
#define MAGIC_LEN	5
#define READ_MAX	64		/* frames a turn: others wait too */

struct port {
	unsigned		index;		/* 0: unused */
	struct filter_mac	mac;
	struct filter_mac	vmac;
	bool			is_refused;	/* said */
};

struct delivery {
	struct loop_fd		*io;
	int			 fd;
	struct mnl_socket	*netlink;
	uint32_t		 seq;
	uint16_t		 module;
	uint8_t			 node;
	struct port		 port[FILTER_ADDR_MAX];
	void			(*on_probe)(unsigned, uint8_t, void *);
	void			*arg;
};

/* --- frames --------------------------------------------------------- */

void
delivery_pack(uint8_t out[DELIVERY_FRAME_LEN], const struct delivery_frame *f,
    const struct filter_mac *vmac, const struct filter_mac *source)
{
	uint8_t *p = out + HEADER_LEN;

	memset(out, 0, DELIVERY_FRAME_LEN);
	memcpy(out, vmac->byte, MAC_LEN);
	memcpy(out + MAC_LEN, source->byte, MAC_LEN);
	out[12] = DELIVERY_ETHERTYPE >> 8;
	out[13] = DELIVERY_ETHERTYPE & 0xff;
	memcpy(p, MAGIC, MAGIC_LEN);
	p[5] = (uint8_t)(f->module >> 8);
	p[6] = (uint8_t)f->module;
	p[7] = f->node;
	p[8] = f->addr;
}

int
delivery_parse(struct delivery_frame *f, const uint8_t *frame, size_t len,
    const struct filter_mac *vmac)
{
	const uint8_t *p = frame + HEADER_LEN;

	if (len < HEADER_LEN + MAGIC_LEN + 4 ||
	    memcmp(frame, vmac->byte, MAC_LEN) != 0 ||
	    frame[12] != DELIVERY_ETHERTYPE >> 8 ||
	    frame[13] != (DELIVERY_ETHERTYPE & 0xff) ||
	    memcmp(p, MAGIC, MAGIC_LEN) != 0)
		return -1;
	f->module = (uint16_t)(p[5] << 8 | p[6]);
	f->node = p[7];
	f->addr = p[8];
	return 0;
}

/* --- the packet socket ---------------------------------------------- */

static void
take(struct delivery *d, const uint8_t *frame, size_t len, unsigned index)
{
	struct delivery_frame f;

	for (unsigned i = 0; i < FILTER_ADDR_MAX; i++) {
		const struct port *p = &d->port[i];

		if (p->index != index || p->index == 0 ||
		    delivery_parse(&f, frame, len, &p->vmac) == -1 ||
		    f.module != d->module || f.addr != i ||
		    f.node == d->node)
			continue;
		d->on_probe(i, f.node, d->arg);
		return;
	}
}

static void
on_frame(int fd, int events, void *arg)
{
	struct delivery *d = arg;
	uint8_t frame[128];
	struct sockaddr_ll from;
	socklen_t from_len;
	ssize_t n;

	(void)events;
	for (int i = 0; i < READ_MAX; i++) {
		from_len = sizeof(from);
		n = recvfrom(fd, frame, sizeof(frame), MSG_DONTWAIT,
		    (struct sockaddr *)&from, &from_len);
		if (n == -1)
			return;	/* read empty, or a link that went down */
		take(d, frame, (size_t)n, (unsigned)from.sll_ifindex);
	}
}

struct delivery *
delivery_open(struct loop *l, uint16_t module, uint8_t node,
    void (*on_probe)(unsigned addr, uint8_t node, void *arg), void *arg)
{
	struct delivery *d = xcalloc(1, sizeof(*d));

	d->module = module;
	d->node = node;
	d->on_probe = on_probe;
	d->arg = arg;
	d->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    htons(DELIVERY_ETHERTYPE));
	d->netlink = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (d->fd == -1 || d->netlink == NULL ||
	    mnl_socket_bind(d->netlink, 0, MNL_SOCKET_AUTOPID) == -1) {
		delivery_close(d);
		return NULL;
	}
	d->io = loop_fd_add(l, d->fd, LOOP_READ, on_frame, d);
	return d;
}

void
delivery_probe(struct delivery *d)
{
	for (unsigned i = 0; i < FILTER_ADDR_MAX; i++) {
		const struct port *p = &d->port[i];
		struct delivery_frame f = { d->module, d->node, (uint8_t)i };
		uint8_t frame[DELIVERY_FRAME_LEN];
		struct sockaddr_ll to = { .sll_family = AF_PACKET,
		    .sll_protocol = htons(DELIVERY_ETHERTYPE),
		    .sll_ifindex = (int)p->index, .sll_halen = MAC_LEN };

		if (p->index == 0)
			continue;
		memcpy(to.sll_addr, p->vmac.byte, MAC_LEN);
		delivery_pack(frame, &f, &p->vmac, &p->mac);
		/* A link that is down is told by heartd and vipd. */
		(void)sendto(d->fd, frame, sizeof(frame), MSG_DONTWAIT,
		    (struct sockaddr *)&to, sizeof(to));
	}
}

/* --- fdb entries ---------------------------------------------------- */

static int
fdb_change(struct delivery *d, uint16_t type, const struct port *p)
{
	char buf[512];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm;
	ssize_t n;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK |
	    (type == RTM_NEWNEIGH ? NLM_F_CREATE | NLM_F_EXCL : 0);
	nlh->nlmsg_seq = ++d->seq;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = PF_BRIDGE;
	ndm->ndm_ifindex = (int)p->index;
	ndm->ndm_flags = NTF_SELF;
	ndm->ndm_state = NUD_NOARP | NUD_PERMANENT;
	mnl_attr_put(nlh, NDA_LLADDR, MAC_LEN, p->vmac.byte);
	if (mnl_socket_sendto(d->netlink, nlh, nlh->nlmsg_len) == -1)
		return -1;
	n = mnl_socket_recvfrom(d->netlink, buf, sizeof(buf));
	if (n == -1)
		return -1;
	return mnl_cb_run(buf, (size_t)n, nlh->nlmsg_seq,
	    mnl_socket_get_portid(d->netlink), NULL, NULL) == -1 ? -1 : 0;
}

static void
drop_port(struct delivery *d, struct port *p)
{
	/* Gone with its interface: that is what was wanted. */
	if (p->index != 0)
		(void)fdb_change(d, RTM_DELNEIGH, p);
	memset(p, 0, sizeof(*p));
}

static int
set_port(struct delivery *d, struct port *p, const char *interface)
{
	if (fdb_change(d, RTM_NEWNEIGH, p) == 0 || errno == EEXIST) {
		p->is_refused = false;
		return 0;
	}
	if (!p->is_refused)
		log_warn("%s: the virtual MAC is refused", interface);
	p->is_refused = true;
	return 1;
}

int
delivery_set(struct delivery *d, const struct filter_input *in)
{
	int bad = 0;

	for (unsigned i = 0; i < FILTER_ADDR_MAX; i++) {
		struct port *p = &d->port[i], now = { 0 };
		const struct filter_addr *a = &in->addr[i];

		if (i < in->addr_count && in->intf_count > 0 &&
		    filter_mac_is_set(&a->vmac)) {
			now.index = in->intf[a->intf].index;
			now.mac = in->intf[a->intf].mac;
			now.vmac = a->vmac;
		}
		if (p->index != now.index || memcmp(&p->vmac, &now.vmac,
		    sizeof(now.vmac)) != 0) {
			drop_port(d, p);
			*p = now;
		}
		p->mac = now.mac;
		if (p->index != 0)
			bad += set_port(d, p, in->intf[a->intf].name);
	}
	return bad;
}

void
delivery_clear(struct delivery *d)
{
	for (unsigned i = 0; i < FILTER_ADDR_MAX; i++)
		drop_port(d, &d->port[i]);
}

void
delivery_close(struct delivery *d)
{
	if (d == NULL)
		return;
	loop_fd_del(d->io);
	if (d->fd != -1)
		(void)close(d->fd);	/* ours to end */
	if (d->netlink != NULL)
		(void)mnl_socket_close(d->netlink);	/* the same */
	free(d);
}

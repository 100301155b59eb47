/* SPDX-License-Identifier: ISC */
/*
 * The sockets of heartd.  Says when a datagram came and from where; what it
 * means is not known here.
 */

#include "link.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "log.h"
#include "xalloc.h"

/*
 * One wake-up reads no more than this from a socket: a flood must not keep
 * the pulses of this node from leaving.  At 1200 bytes it is more than any
 * receive buffer holds, so that "empty" is still reached.
 */
#define DRAIN_MAX	4096
/* Longer than any datagram of ours, so that a longer one is seen as such. */
#define READ_MAX	2048
/* Control traffic: before bulk data in every queue that looks at it. */
#define TOS_CONTROL	0xc0
#define PRIORITY_CONTROL 6

struct link {
	struct links	*all;
	unsigned	 lan;
	int		 fd;		/* -1: not bound */
	unsigned	 ifindex;	/* 0: not tied to an interface */
	bool		 told;		/* the loss was logged */
	struct loop_fd	*io;
	struct mono	 drained;
};

struct links {
	struct loop		*loop;
	const struct cluster	*cluster;
	struct link_options	 options;
	const struct link_calls	*calls;
	void			*arg;
	int			 netlink;
	struct loop_fd		*netlink_io;
	struct loop_timer	*retry;
	struct link		 link[CLUSTER_LAN_MAX];
};

static const struct cluster_addr *
own_addr(const struct links *s, unsigned lan)
{
	return &s->cluster->node[s->cluster->self].lan[lan];
}

bool
link_is_bound(const struct links *s, unsigned lan)
{
	return s->link[lan].fd != -1;
}

bool
link_reaches(const struct links *s, unsigned lan, int node)
{
	return node != s->cluster->self && own_addr(s, lan)->is_set &&
	    s->cluster->node[node].lan[lan].is_set;
}

static const uint8_t *
addr_bytes(const struct sockaddr_storage *ss, size_t *len)
{
	if (ss->ss_family == AF_INET6) {
		*len = sizeof(struct in6_addr);
		return (const uint8_t *)
		    &((const struct sockaddr_in6 *)ss)->sin6_addr;
	}
	*len = sizeof(struct in_addr);
	return (const uint8_t *)&((const struct sockaddr_in *)ss)->sin_addr;
}

static bool
is_same_net(const struct sockaddr_storage *a,
    const struct sockaddr_storage *b, const struct sockaddr *mask)
{
	struct sockaddr_storage m;
	const uint8_t *pa, *pb, *pm;
	size_t i, len, other;

	if (a->ss_family != b->ss_family)
		return false;
	memset(&m, 0, sizeof(m));
	memcpy(&m, mask, addr_len(a));
	m.ss_family = a->ss_family;
	pa = addr_bytes(a, &len);
	pb = addr_bytes(b, &other);
	pm = addr_bytes(&m, &other);
	for (i = 0; i < len; i++) {
		if ((pa[i] & pm[i]) != (pb[i] & pm[i]))
			return false;
	}
	return true;
}

/* All peers of this network are neighbours on the link with this mask. */
static bool
peers_are_near(const struct links *s, unsigned lan,
    const struct sockaddr *mask)
{
	const struct cluster *c = s->cluster;
	unsigned i;

	for (i = 0; i < c->node_count; i++) {
		if (link_reaches(s, lan, (int)i) &&
		    !is_same_net(&own_addr(s, lan)->laddr,
		    &c->node[i].lan[lan].addr, mask))
			return false;
	}
	return true;
}

/*
 * The interface to tie the socket to, or 0.  Without the tie, datagrams of a
 * network whose interface is down would leave by the default route of
 * another one and make a dead network look alive.  Where peers are behind
 * routers or address translation there is no such tie.
 */
static unsigned
find_interface(const struct links *s, unsigned lan,
    const struct ifaddrs *list)
{
	const struct sockaddr_storage *own = &own_addr(s, lan)->laddr;
	struct sockaddr_storage ss;
	const struct ifaddrs *i;

	for (i = list; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL || i->ifa_netmask == NULL ||
		    i->ifa_addr->sa_family != own->ss_family)
			continue;
		memset(&ss, 0, sizeof(ss));
		memcpy(&ss, i->ifa_addr, addr_len(own));
		if (!addr_equal(&ss, own))
			continue;
		return peers_are_near(s, lan, i->ifa_netmask) ?
		    if_nametoindex(i->ifa_name) : 0;
	}
	return 0;
}

static void
set_int(int fd, int level, int name, int value)
{
	/* Each of these only makes it better; without, it works as well. */
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

static int
open_socket(const struct links *s, unsigned lan, unsigned ifindex)
{
	struct sockaddr_storage ss = own_addr(s, lan)->laddr;
	int fd, size = s->options.receive_buffer, saved;
	char name[IF_NAMESIZE];

	fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd == -1)
		return -1;
	set_int(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	set_int(fd, SOL_SOCKET, SO_PRIORITY, PRIORITY_CONTROL);
	set_int(fd, SOL_SOCKET, SO_RCVBUF, size);
	set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, size);
	if (ss.ss_family == AF_INET6) {
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, TOS_CONTROL);
	} else
		set_int(fd, IPPROTO_IP, IP_TOS, TOS_CONTROL);
	if (ifindex != 0 && if_indextoname(ifindex, name) != NULL)
		(void)setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name,
		    (socklen_t)strlen(name) + 1);	/* where allowed */
	addr_set_port(&ss, s->cluster->port);
	if (bind(fd, (struct sockaddr *)&ss, addr_len(&ss)) == 0)
		return fd;
	saved = errno;
	(void)close(fd);	/* never used */
	errno = saved;
	return -1;
}

static void
on_readable(int fd, int events, void *arg)
{
	struct link *k = arg;

	(void)fd;
	(void)events;
	k->all->calls->on_ready(k->all->arg);
}

static void
link_close(struct link *k)
{
	if (k->fd == -1)
		return;
	loop_fd_del(k->io);
	k->io = NULL;
	(void)close(k->fd);	/* nothing is buffered for sending */
	k->fd = -1;
}

static void
link_tell(struct link *k, bool is_bound)
{
	const struct links *s = k->all;
	char text[ADDR_LEN];

	(void)addr_str(text, &own_addr(s, k->lan)->laddr);
	if (is_bound)
		log_info("%s: bound to %s", s->cluster->lan[k->lan].name,
		    text);
	else if (!k->told)
		log_warn("%s: cannot use %s", s->cluster->lan[k->lan].name,
		    text);
	k->told = !is_bound;
	s->calls->on_change(k->lan, is_bound, s->arg);
}

/* Brings one socket in line with what the kernel has now. */
static void
link_check(struct link *k, const struct ifaddrs *list)
{
	struct links *s = k->all;
	bool was_bound = k->fd != -1;
	unsigned ifindex;

	if (!own_addr(s, k->lan)->is_set)
		return;
	ifindex = find_interface(s, k->lan, list);
	if (was_bound && k->ifindex == ifindex)
		return;
	link_close(k);
	k->ifindex = ifindex;
	k->fd = open_socket(s, k->lan, ifindex);
	if (k->fd != -1) {
		k->drained = mono_now();
		k->io = loop_fd_add(s->loop, k->fd, LOOP_READ, on_readable, k);
		link_tell(k, true);
		return;
	}
	if (was_bound || !k->told)
		link_tell(k, false);
}

static void
links_check(void *arg)
{
	struct links *s = arg;
	struct ifaddrs *list;
	bool missing = false;
	unsigned i;

	if (getifaddrs(&list) != 0)
		list = NULL;	/* a network without interface: try again */
	for (i = 0; i < s->cluster->lan_count; i++) {
		link_check(&s->link[i], list);
		if (own_addr(s, i)->is_set && s->link[i].fd == -1)
			missing = true;
	}
	freeifaddrs(list);
	if (missing)
		loop_timer_set(s->retry, s->options.rebind_ms,
		    s->options.rebind_ms / 10);
	else
		loop_timer_cancel(s->retry);
}

/* The kernel tells that links or addresses changed; which does not matter. */
static void
on_netlink(int fd, int events, void *arg)
{
	uint8_t buf[8192];
	ssize_t n;

	(void)events;
	do
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	while (n > 0 || (n == -1 && (errno == ENOBUFS || errno == EINTR)));
	links_check(arg);
}

static void
open_netlink(struct links *s)
{
	struct sockaddr_nl nl = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
		    RTMGRP_IPV6_IFADDR,
	};

	s->netlink = socket(AF_NETLINK,
	    SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (s->netlink == -1 || bind(s->netlink, (struct sockaddr *)&nl,
	    sizeof(nl)) != 0)
		fatal("netlink");
	s->netlink_io = loop_fd_add(s->loop, s->netlink, LOOP_READ,
	    on_netlink, s);
}

struct links *
links_new(struct loop *l, const struct cluster *c,
    const struct link_options *o, const struct link_calls *calls, void *arg)
{
	struct links *s = xcalloc(1, sizeof(*s));
	unsigned i;

	s->loop = l;
	s->cluster = c;
	s->options = *o;
	s->calls = calls;
	s->arg = arg;
	s->retry = loop_timer_new(l, links_check, s);
	for (i = 0; i < CLUSTER_LAN_MAX; i++) {
		s->link[i].all = s;
		s->link[i].lan = i;
		s->link[i].fd = -1;
	}
	open_netlink(s);
	links_check(s);
	return s;
}

void
links_free(struct links *s)
{
	unsigned i;

	if (s == NULL)
		return;
	for (i = 0; i < CLUSTER_LAN_MAX; i++)
		link_close(&s->link[i]);
	loop_fd_del(s->netlink_io);
	(void)close(s->netlink);	/* only listened */
	loop_timer_free(s->retry);
	free(s);
}

/*
 * When the kernel got it.  The stamp is wall time, which may be stepped: it
 * is believed only between the last time the socket was empty and now.
 */
static struct mono
received_at(const struct link *k, struct msghdr *msg, struct mono now)
{
	struct cmsghdr *cm;
	struct timespec ts;
	struct mono t;

	for (cm = CMSG_FIRSTHDR(msg); cm != NULL; cm = CMSG_NXTHDR(msg, cm)) {
		if (cm->cmsg_level != SOL_SOCKET ||
		    cm->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(cm), sizeof(ts));
		t = mono_of_wall(&ts);
		if (mono_diff_ns(t, k->drained) < 0)
			t = k->drained;
		if (mono_diff_ns(t, now) > 0)
			t = now;
		return t;
	}
	return now;
}

static bool
link_read(struct link *k)
{
	union {
		char		buf[CMSG_SPACE(sizeof(struct timespec)) + 64];
		struct cmsghdr	align;
	} control;
	uint8_t buf[READ_MAX];
	struct sockaddr_storage from;
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct links *s = k->all;
	ssize_t n;

	memset(&from, 0, sizeof(from));
	n = recvmsg(k->fd, &msg, MSG_DONTWAIT);
	if (n == -1)
		/* EAGAIN is empty; an error of the link was told by this. */
		return errno == EINTR;
	s->calls->on_datagram(k->lan, buf, (size_t)n, &from,
	    received_at(k, &msg, mono_now()), s->arg);
	return true;
}

void
links_drain(struct links *s)
{
	struct mono before;
	unsigned i, n;

	for (i = 0; i < s->cluster->lan_count; i++) {
		if (s->link[i].fd == -1)
			continue;
		before = mono_now();
		for (n = 0; n < DRAIN_MAX && link_read(&s->link[i]); n++)
			;
		s->link[i].drained = before;
	}
}

int
link_send(struct links *s, unsigned lan, int node, const void *buf,
    size_t len)
{
	struct sockaddr_storage to = s->cluster->node[node].lan[lan].addr;

	if (s->link[lan].fd == -1) {
		errno = ENETDOWN;
		return -1;
	}
	addr_set_port(&to, s->cluster->port);
	return sendto(s->link[lan].fd, buf, len,
	    MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to,
	    addr_len(&to)) == (ssize_t)len ? 0 : -1;
}

/* SPDX-License-Identifier: ISC */
/*
 * An echo request that is answered.  Each try has a socket of its own, raw
 * where the unprivileged kind is not allowed; then the answers to others come
 * in as well, and are told apart by identifier and number.
 */
#include "check.h"

#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cluster.h"
#include "conf.h"
#include "xalloc.h"

struct ping {
	struct sockaddr_storage	 to;
	char			 name[ADDR_LEN];
	int			 fd;
	struct loop_fd		*io;
	bool			 is_raw;
	uint16_t		 id, seq;
};

/* The same eight bytes in both families. */
struct echo {
	uint8_t		type, code;
	uint16_t	sum, id, seq;
};

static bool
ping_open(struct check *c, cfg_t *sec)
{
	struct ping *p = xcalloc(1, sizeof(*p));
	const char *addr = cfg_getstr(sec, "addr");

	p->fd = -1;
	p->id = (uint16_t)getpid();
	c->data = p;
	if (addr_parse(&p->to, addr) == -1) {
		cfg_error(sec, "%s: addr: \"%s\" is no address", c->resource,
		    addr);
		return false;
	}
	(void)snprintf(p->name, sizeof(p->name), "%s", addr);
	return true;
}

static void
ping_cancel(struct check *c)
{
	struct ping *p = c->data;

	if (p->io != NULL)
		loop_fd_del(p->io);
	p->io = NULL;
	if (p->fd != -1)
		(void)close(p->fd);	/* nothing is left in it */
	p->fd = -1;
}

static void
finish(struct check *c, int error)
{
	struct ping *p = c->data;

	ping_cancel(c);
	check_result(c, error == 0, "%s%s%s", p->name, error == 0 ? "" : ": ",
	    error == 0 ? "" : strerror(error));
}

/* Where the echo begins in what was received; NULL: too short. */
static const struct echo *
echo_in(const struct ping *p, const uint8_t *buf, size_t len)
{
	size_t head = 0;

	/* Raw IPv4 alone brings its header along. */
	if (p->is_raw && p->to.ss_family == AF_INET && len > 0)
		head = (size_t)(buf[0] & 0x0f) * 4;
	return len < head + sizeof(struct echo) ? NULL :
	    (const struct echo *)(const void *)(buf + head);
}

static bool
is_answer(const struct ping *p, const struct echo *e)
{
	uint8_t reply = p->to.ss_family == AF_INET ? ICMP_ECHOREPLY :
	    ICMP6_ECHO_REPLY;

	return e->type == reply && e->seq == htons(p->seq) &&
	    (!p->is_raw || e->id == htons(p->id));
}

static void
on_ready(int fd, int events, void *arg)
{
	struct check *c = arg;
	struct ping *p = c->data;
	_Alignas(struct echo) uint8_t buf[512];
	const struct echo *e;
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	(void)events;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1) {
		finish(c, errno);	/* unreachable, refused */
		return;
	}
	e = echo_in(p, buf, (size_t)n);
	if (e != NULL && is_answer(p, e))
		finish(c, 0);
}

static uint16_t
checksum(const struct echo *e)
{
	const uint16_t *p = (const uint16_t *)(const void *)e;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(*e) / sizeof(*p); i++)
		sum += p[i];
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)~(sum + (sum >> 16));
}

static int
open_socket(struct ping *p)
{
	int proto = p->to.ss_family == AF_INET ? IPPROTO_ICMP :
	    IPPROTO_ICMPV6;
	int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = socket(p->to.ss_family, SOCK_DGRAM | flags, proto);

	p->is_raw = fd == -1;
	if (fd == -1)
		fd = socket(p->to.ss_family, SOCK_RAW | flags, proto);
	return fd;
}

static void
ping_begin(struct check *c)
{
	struct ping *p = c->data;
	struct echo e = { .type = p->to.ss_family == AF_INET ? ICMP_ECHO :
	    ICMP6_ECHO_REQUEST, .id = htons(p->id) };

	p->seq++;
	e.seq = htons(p->seq);
	/* Of IPv6 the kernel does it: the addresses are in the sum. */
	if (p->to.ss_family == AF_INET)
		e.sum = checksum(&e);
	p->fd = open_socket(p);
	if (p->fd == -1 || connect(p->fd, (struct sockaddr *)&p->to,
	    addr_len(&p->to)) == -1 ||
	    send(p->fd, &e, sizeof(e), 0) == -1) {
		finish(c, errno);
		return;
	}
	p->io = loop_fd_add(c->host->loop, p->fd, LOOP_READ, on_ready, c);
}

const struct check_kind check_ping = {
	.name = "ping",
	.open = ping_open,
	.begin = ping_begin,
	.cancel = ping_cancel,
};

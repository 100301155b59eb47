/* SPDX-License-Identifier: ISC */
/*
 * The socket.  Nothing is queued here: what comes while a vote is written
 * waits in the kernel's buffer, and what does not fit there is lost and asked
 * again.
 */

#include "edge.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "vote.h"
#include "xalloc.h"

/* A port that another program has may become free. */
#define RETRY_MS	2000
/* In one wake-up; then the local socket has its turn. */
#define DRAIN_MAX	64
#define RECEIVE_BUFFER	(512 * 1024)
/* Longer than any of ours, so that a longer one is seen as such. */
#define READ_MAX	2048

struct edge {
	struct loop		*loop;
	uint16_t		 port;
	int			 fd;		/* -1: not bound */
	int			 told;		/* errno that was logged */
	struct loop_fd		*io;
	struct loop_timer	*retry;
	size_t			(*on_datagram)(const void *in, size_t len,
				    const struct sockaddr_storage *from,
				    uint8_t *out, void *arg);
	void			*arg;
};

union control {
	char		buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
			    CMSG_SPACE(sizeof(struct in_pktinfo))];
	struct cmsghdr	align;
};

static void
set_int(int fd, int level, int name, int value)
{
	/* Each of these only makes it better; without, it works as well. */
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

static int
open_socket(int family, uint16_t port)
{
	struct sockaddr_storage ss = { .ss_family = (sa_family_t)family };
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int saved;

	if (fd == -1)
		return -1;
	if (family == AF_INET6) {
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
		set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	} else
		set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
	set_int(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	addr_set_port(&ss, port);
	if (bind(fd, (struct sockaddr *)&ss, addr_len(&ss)) == 0)
		return fd;
	saved = errno;
	(void)close(fd);	/* never used */
	errno = saved;
	return -1;
}

/* What came with a datagram, turned into what the answer leaves by. */
static void
keep_address(struct msghdr *msg)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO) {
			/* The address only: routes find the interface. */
			struct in6_pktinfo *p = (void *)CMSG_DATA(c);

			if (!IN6_IS_ADDR_LINKLOCAL(&p->ipi6_addr))
				p->ipi6_ifindex = 0;
		} else if (c->cmsg_level == IPPROTO_IP &&
		    c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo *p = (void *)CMSG_DATA(c);

			p->ipi_spec_dst = p->ipi_addr;
			p->ipi_ifindex = 0;
		}
	}
}

/* As people know it: an IPv4 address that came to a socket for both. */
static void
plain_address(struct sockaddr_storage *ss)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4 = { .sin_family = AF_INET };

	memcpy(&v6, ss, sizeof(v6));
	if (ss->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
		return;
	v4.sin_port = v6.sin6_port;
	memcpy(&v4.sin_addr, v6.sin6_addr.s6_addr + 12, sizeof(v4.sin_addr));
	memcpy(ss, &v4, sizeof(v4));
}

/* False: the socket is empty. */
static bool
serve_one(struct edge *e)
{
	uint8_t in[READ_MAX], out[VOTE_MAX];
	struct sockaddr_storage from, plain;
	union control control;
	struct iovec iov = { in, sizeof(in) };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	ssize_t n;

	memset(&from, 0, sizeof(from));
	n = recvmsg(e->fd, &msg, MSG_DONTWAIT);
	if (n == -1)
		/* Who asked before may be gone: its error, not ours. */
		return errno != EAGAIN && errno != EWOULDBLOCK;
	plain = from;
	plain_address(&plain);
	iov.iov_len = e->on_datagram(in, (size_t)n, &plain, out, e->arg);
	if (iov.iov_len == 0)
		return true;
	iov.iov_base = out;
	keep_address(&msg);
	msg.msg_flags = 0;
	/* Lost like any datagram: the ask comes again. */
	if (sendmsg(e->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
		log_debug("an answer was not sent: %s", strerror(errno));
	return true;
}

static void
on_ready(int fd, int events, void *arg)
{
	unsigned i;

	(void)fd;
	(void)events;
	for (i = 0; i < DRAIN_MAX && serve_one(arg); i++)
		;
}

static void
edge_bind(void *arg)
{
	struct edge *e = arg;

	e->fd = open_socket(AF_INET6, e->port);
	/* A kernel without IPv6. */
	if (e->fd == -1 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		e->fd = open_socket(AF_INET, e->port);
	if (e->fd != -1) {
		e->io = loop_fd_add(e->loop, e->fd, LOOP_READ, on_ready, e);
		log_info("port %u: listens", e->port);
		e->told = 0;
		return;
	}
	if (e->told != errno) {
		e->told = errno;
		log_warn("port %u: not listening, votes for nobody; tried "
		    "again every %d ms", e->port, RETRY_MS);
	}
	loop_timer_set(e->retry, RETRY_MS, 0);
}

struct edge *
edge_new(struct loop *l, uint16_t port, size_t (*on_datagram)(const void *in,
    size_t len, const struct sockaddr_storage *from, uint8_t *out, void *arg),
    void *arg)
{
	struct edge *e = xcalloc(1, sizeof(*e));

	e->loop = l;
	e->port = port;
	e->on_datagram = on_datagram;
	e->arg = arg;
	e->retry = loop_timer_new(l, edge_bind, e);
	edge_bind(e);
	return e;
}

void
edge_free(struct edge *e)
{
	if (e->fd != -1) {
		loop_fd_del(e->io);
		(void)close(e->fd);	/* nothing is buffered */
	}
	loop_timer_free(e->retry);
	free(e);
}

bool
edge_is_bound(const struct edge *e)
{
	return e->fd != -1;
}

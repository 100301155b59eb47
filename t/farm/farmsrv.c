/* SPDX-License-Identifier: ISC */
/*
 * farmsrv NAME PORT...: the application of the farm suites, on every node.
 * A connection gets "NAME\n" and then back what it sends; a datagram gets
 * "NAME " and itself, from the address it was sent to.  IPv4 and IPv6.  Prints
 * "ready" when it listens, and runs until it is killed.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "xalloc.h"

#define NAME_MAX_LEN	32
#define ECHO_LEN	4096
#define DATAGRAM_LEN	2048
#define FILES_MAX	65536

enum end_kind { EK_LISTENER, EK_DATAGRAM, EK_CONNECTION };

struct end {
	enum end_kind	kind;
	int		fd;
	/* What the other side has not taken yet. */
	char		*rest;
	size_t		rest_len;
};

static char	banner[NAME_MAX_LEN + 2];
static int	ep;

static void
die(const char *what)
{
	fprintf(stderr, "farmsrv: %s: %s\n", what, strerror(errno));
	exit(EX_OSERR);
}

static struct end *
end_new(enum end_kind kind, int fd)
{
	struct end *e = xcalloc(1, sizeof(*e));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = e };

	e->kind = kind;
	e->fd = fd;
	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == -1)
		die("epoll");
	return e;
}

static void
end_free(struct end *e)
{
	(void)close(e->fd);	/* nothing of ours is in it */
	free(e->rest);
	free(e);
}

static int
socket_at(int type, int port)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6,
	    .sin6_port = htons((uint16_t)port) };
	int one = 1, zero = 0;
	int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) == -1)
		die("bind");
	if (type == SOCK_STREAM && listen(fd, 4096) == -1)
		die("listen");
	if (type == SOCK_DGRAM &&
	    (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one,
	    sizeof(one))))
		die("pktinfo");
	return fd;
}

static void
on_listener(struct end *e)
{
	int one = 1, fd;

	while ((fd = accept4(e->fd, NULL, NULL,
	    SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
		    sizeof(one));	/* slower without, that is all */
		(void)end_new(EK_CONNECTION, fd);
		/* One that is gone again shows at the next read. */
		(void)send(fd, banner, strlen(banner), MSG_NOSIGNAL);
	}
}

/* The answer leaves from the address that was asked, by any interface. */
static void
pktinfo_turn(struct msghdr *m)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		void *data = CMSG_DATA(c);

		if (c->cmsg_level == IPPROTO_IP &&
		    c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo *v4 = data;

			v4->ipi_ifindex = 0;
			v4->ipi_spec_dst = v4->ipi_addr;
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo *v6 = data;

			v6->ipi6_ifindex = 0;
		}
	}
}

static void
on_datagram(struct end *e)
{
	char buf[NAME_MAX_LEN + 1 + DATAGRAM_LEN];
	_Alignas(struct cmsghdr) char control[256];
	struct sockaddr_in6 from;
	size_t name_len = strlen(banner);
	ssize_t len;

	memcpy(buf, banner, name_len);
	buf[name_len - 1] = ' ';
	for (;;) {
		struct iovec iov = { buf + name_len, DATAGRAM_LEN };
		struct msghdr m = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control)
		};

		len = recvmsg(e->fd, &m, 0);
		if (len == -1)
			return;
		pktinfo_turn(&m);
		iov = (struct iovec){ buf, name_len + (size_t)len };
		(void)sendmsg(e->fd, &m, 0);	/* lost like any datagram */
	}
}

static void
wait_for(struct end *e, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = e };

	if (epoll_ctl(ep, EPOLL_CTL_MOD, e->fd, &ev) == -1)
		die("epoll");
}

/* True while all of it was taken; the rest is kept, and nothing more read. */
static bool
echo(struct end *e, const char *buf, size_t len)
{
	ssize_t n = send(e->fd, buf, len, MSG_NOSIGNAL);
	size_t done = n > 0 ? (size_t)n : 0;

	if (done == len)
		return true;
	if (e->rest == NULL)
		e->rest = xcalloc(1, ECHO_LEN);
	memmove(e->rest, buf + done, len - done);
	e->rest_len = len - done;
	return false;
}

static void
on_connection(struct end *e)
{
	char buf[ECHO_LEN];
	ssize_t len;

	if (e->rest_len > 0) {
		len = (ssize_t)e->rest_len;
		e->rest_len = 0;
		if (!echo(e, e->rest, (size_t)len))
			return;
		wait_for(e, EPOLLIN);
	}
	len = recv(e->fd, buf, sizeof(buf), 0);
	if (len == -1 && errno == EAGAIN)
		return;
	if (len <= 0)
		end_free(e);
	else if (!echo(e, buf, (size_t)len))
		wait_for(e, EPOLLOUT);
}

int
main(int argc, char **argv)
{
	struct rlimit files = { FILES_MAX, FILES_MAX };
	struct epoll_event ev[256];
	int i, n;

	if (argc < 3 || strlen(argv[1]) > NAME_MAX_LEN) {
		fprintf(stderr, "usage: farmsrv NAME PORT...\n");
		return EX_USAGE;
	}
	snprintf(banner, sizeof(banner), "%s\n", argv[1]);
	(void)setrlimit(RLIMIT_NOFILE, &files);	/* few clients, then */
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (ep == -1)
		die("epoll");
	for (i = 2; i < argc; i++) {
		int port = (int)strtol(argv[i], NULL, 10);

		(void)end_new(EK_LISTENER, socket_at(SOCK_STREAM, port));
		(void)end_new(EK_DATAGRAM, socket_at(SOCK_DGRAM, port));
	}
	if (puts("ready") == EOF || fflush(stdout) == EOF)
		die("stdout");
	for (;;) {
		n = epoll_wait(ep, ev, 256, -1);
		for (i = 0; i < n; i++) {
			struct end *e = ev[i].data.ptr;

			switch (e->kind) {
			case EK_LISTENER:
				on_listener(e);
				break;
			case EK_DATAGRAM:
				on_datagram(e);
				break;
			case EK_CONNECTION:
				on_connection(e);
				break;
			}
		}
	}
}

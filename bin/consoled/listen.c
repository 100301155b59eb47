/* SPDX-License-Identifier: ISC */
/* See listen.h. */
#include "listen.h"

#include <sys/socket.h>
#include <netinet/in.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cluster.h"

#define BACKLOG	128

static int
open_one(const struct sockaddr_storage *ss, int v6only)
{
	int on = 1, saved;
	int fd = socket(ss->ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);

	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* A virtual address comes and goes: without this it is not bound. */
	(void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	if (ss->ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only,
		    sizeof(v6only));
	if (bind(fd, (const struct sockaddr *)ss, addr_len(ss)) == -1 ||
	    listen(fd, BACKLOG) == -1) {
		saved = errno;
		(void)close(fd);	/* the first error counts */
		errno = saved;
		return -1;
	}
	return fd;
}

int
listen_open(const char *text, uint16_t port)
{
	bool all = strcmp(text, "*") == 0;
	struct sockaddr_storage ss;
	int fd;

	if (addr_parse(&ss, all ? "::" : text) == -1) {
		errno = EINVAL;
		return -1;
	}
	addr_set_port(&ss, port);
	fd = open_one(&ss, !all);
	/* A kernel without IPv6. */
	if (fd == -1 && all && (errno == EAFNOSUPPORT ||
	    errno == EADDRNOTAVAIL)) {
		(void)addr_parse(&ss, "0.0.0.0");
		addr_set_port(&ss, port);
		fd = open_one(&ss, 0);
	}
	return fd;
}

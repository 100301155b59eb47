/* SPDX-License-Identifier: ISC */
/*
 * Where the client speaks from.  Many clients are one process: the addresses
 * from FIRST on are the host's by a route (`ip route add local NET dev lo'),
 * none of them is on an interface.
 */
#include <sys/epoll.h>
#include <sys/resource.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

#include "client.h"

static bool
parse(struct sockaddr_storage *ss, socklen_t *len, const char *text,
    uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*len = sizeof(*v4);
		return true;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		*len = sizeof(*v6);
		return true;
	}
	fprintf(stderr, "farmcli: %s: not an address\n", text);
	return false;
}

bool
source_parse_to(struct client *c, const char *to, const char *port)
{
	char *end, *next, *list = xstrdup(to), *one;
	long n = strtol(port, &end, 10);

	if (*end != '\0' || n < 1 || n > 65535) {
		fprintf(stderr, "farmcli: %s: not a port\n", port);
		return false;
	}
	for (one = strtok_r(list, ",", &next); one != NULL &&
	    c->to_count < TARGETS_MAX; one = strtok_r(NULL, ",", &next)) {
		if (!parse(&c->to[c->to_count], &c->to_len, one, (uint16_t)n))
			return false;
		if (c->to[c->to_count++].ss_family != c->to[0].ss_family) {
			fprintf(stderr, "farmcli: %s: not the family of the "
			    "first\n", one);
			return false;
		}
	}
	free(list);
	return one == NULL && c->to_count > 0;
}

bool
source_parse_from(struct client *c, const char *from)
{
	char text[INET6_ADDRSTRLEN + 1];
	const char *plus = strchr(from, '+');
	socklen_t len;
	long n = plus != NULL ? strtol(plus + 1, NULL, 10) : 1;

	if (n < 1 || n > 1000000) {
		fprintf(stderr, "farmcli: %s: not FIRST+COUNT\n", from);
		return false;
	}
	snprintf(text, sizeof(text), "%.*s",
	    plus != NULL ? (int)(plus - from) : INET6_ADDRSTRLEN, from);
	c->from_count = (unsigned)n;
	return parse(&c->from, &len, text, 0);
}

static void
source_bind(const struct client *c, int fd, unsigned i)
{
	struct sockaddr_storage at = c->from;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&at;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&at;
	socklen_t len = sizeof(*v4);
	uint32_t low;
	int one = 1, failed;

	i %= c->from_count;
	if (at.ss_family == AF_INET) {
		v4->sin_addr.s_addr = htonl(ntohl(v4->sin_addr.s_addr) + i);
		failed = setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one,
		    sizeof(one));
	} else {
		memcpy(&low, &v6->sin6_addr.s6_addr[12], sizeof(low));
		low = htonl(ntohl(low) + i);
		memcpy(&v6->sin6_addr.s6_addr[12], &low, sizeof(low));
		len = sizeof(*v6);
		failed = setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &one,
		    sizeof(one));
	}
	/* The port is chosen when the other end is known: no lack of ports. */
	if (failed || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT,
	    &one, sizeof(one)) || bind(fd, (struct sockaddr *)&at, len) == -1)
		die("source address");
}

int
source_socket(const struct client *c, int type, unsigned i)
{
	const struct sockaddr_storage *to = &c->to[i % c->to_count];
	int one = 1;
	int fd = socket(to->ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		die("socket");
	if (c->from_count > 0)
		source_bind(c, fd, i);
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
		    sizeof(one));	/* later without, and it would show */
	if (connect(fd, (const struct sockaddr *)to, c->to_len) == -1 &&
	    errno != EINPROGRESS) {
		(void)close(fd);	/* never used */
		return -1;
	}
	return fd;
}

void
source_watch(const struct client *c, int fd, uint32_t events, uint64_t key)
{
	struct epoll_event ev = { .events = events, .data.u64 = key };

	if (epoll_ctl(c->ep, EPOLL_CTL_ADD, fd, &ev) == -1)
		die("epoll");
}

int
source_wait(const struct client *c, struct epoll_event *ev, int max,
    struct mono next)
{
	/* The control is looked at in each turn, so none may take long. */
	int64_t ns = mono_diff_ns(next, mono_now());
	struct timespec ts = { 0, 0 };
	int n;

	if (ns > 0)
		ts.tv_nsec = ns < 10000000 ? (long)ns : 10000000;
	n = epoll_pwait2(c->ep, ev, max, &ts, NULL);
	if (n == -1 && errno != EINTR)
		die("epoll");
	return n > 0 ? n : 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * Each request has a socket of its own, raw where the unprivileged kind is not
 * allowed; then the answers to others come in as well, and are told apart by
 * identifier and number.
 */
#include "echo.h"

#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "cluster.h"
#include "xalloc.h"

struct echo {
	struct loop		*loop;
	struct sockaddr_storage	 to;
	void			(*on_done)(int error, void *arg);
	void			*arg;
	int			 fd;
	struct loop_fd		*io;
	bool			 is_raw;
	uint16_t		 id, seq;
};

/* The same eight bytes in both families. */
struct packet {
	uint8_t		type, code;
	uint16_t	sum, id, seq;
};

struct echo *
echo_new(struct loop *l, const struct sockaddr_storage *to,
    void (*on_done)(int error, void *arg), void *arg)
{
	struct echo *e = xcalloc(1, sizeof(*e));

	e->loop = l;
	e->to = *to;
	e->on_done = on_done;
	e->arg = arg;
	e->fd = -1;
	e->id = (uint16_t)getpid();
	return e;
}

void
echo_cancel(struct echo *e)
{
	if (e->io != NULL)
		loop_fd_del(e->io);
	e->io = NULL;
	if (e->fd != -1)
		(void)close(e->fd);	/* nothing is left in it */
	e->fd = -1;
}

void
echo_free(struct echo *e)
{
	echo_cancel(e);
	free(e);
}

static void
finish(struct echo *e, int error)
{
	echo_cancel(e);
	e->on_done(error, e->arg);
}

/* Where the echo begins in what was received; NULL: too short. */
static const struct packet *
packet_in(const struct echo *e, const uint8_t *buf, size_t len)
{
	size_t head = 0;

	/* Raw IPv4 alone brings its header along. */
	if (e->is_raw && e->to.ss_family == AF_INET && len > 0)
		head = (size_t)(buf[0] & 0x0f) * 4;
	return len < head + sizeof(struct packet) ? NULL :
	    (const struct packet *)(const void *)(buf + head);
}

static bool
is_answer(const struct echo *e, const struct packet *k)
{
	uint8_t reply = e->to.ss_family == AF_INET ? ICMP_ECHOREPLY :
	    ICMP6_ECHO_REPLY;

	return k->type == reply && k->seq == htons(e->seq) &&
	    (!e->is_raw || k->id == htons(e->id));
}

static void
on_ready(int fd, int events, void *arg)
{
	struct echo *e = arg;
	_Alignas(struct packet) uint8_t buf[512];
	const struct packet *k;
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	(void)events;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1) {
		finish(e, errno);	/* unreachable, refused */
		return;
	}
	k = packet_in(e, buf, (size_t)n);
	if (k != NULL && is_answer(e, k))
		finish(e, 0);
}

static uint16_t
checksum(const struct packet *k)
{
	const uint16_t *p = (const uint16_t *)(const void *)k;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(*k) / sizeof(*p); i++)
		sum += p[i];
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)~(sum + (sum >> 16));
}

static int
open_socket(struct echo *e)
{
	int proto = e->to.ss_family == AF_INET ? IPPROTO_ICMP :
	    IPPROTO_ICMPV6;
	int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = socket(e->to.ss_family, SOCK_DGRAM | flags, proto);

	e->is_raw = fd == -1;
	if (fd == -1)
		fd = socket(e->to.ss_family, SOCK_RAW | flags, proto);
	return fd;
}

void
echo_begin(struct echo *e)
{
	struct packet k = { .type = e->to.ss_family == AF_INET ? ICMP_ECHO :
	    ICMP6_ECHO_REQUEST, .id = htons(e->id) };

	e->seq++;
	k.seq = htons(e->seq);
	/* Of IPv6 the kernel does it: the addresses are in the sum. */
	if (e->to.ss_family == AF_INET)
		k.sum = checksum(&k);
	e->fd = open_socket(e);
	if (e->fd == -1 || connect(e->fd, (struct sockaddr *)&e->to,
	    addr_len(&e->to)) == -1 ||
	    send(e->fd, &k, sizeof(k), 0) == -1) {
		finish(e, errno);
		return;
	}
	e->io = loop_fd_add(e->loop, e->fd, LOOP_READ, on_ready, e);
}

/* SPDX-License-Identifier: ISC */
/* A connection that is taken: up.  Refused, reset, or no answer: down. */
#include "check.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cluster.h"
#include "conf.h"
#include "xalloc.h"

struct tcp {
	struct sockaddr_storage	 to;
	char			 name[ADDR_LEN + 8];
	int			 fd;
	struct loop_fd		*io;
};

static bool
tcp_open(struct check *c, cfg_t *sec)
{
	struct tcp *t = xcalloc(1, sizeof(*t));
	const char *addr = cfg_getstr(sec, "addr");

	t->fd = -1;
	c->data = t;
	if (conf_check_int(sec, "port", 1, 65535) != 0)
		return false;
	if (addr_parse(&t->to, addr) == -1) {
		cfg_error(sec, "%s: addr: \"%s\" is no address", c->resource,
		    addr);
		return false;
	}
	addr_set_port(&t->to, (uint16_t)cfg_getint(sec, "port"));
	(void)snprintf(t->name, sizeof(t->name), "%s port %ld", addr,
	    cfg_getint(sec, "port"));
	return true;
}

static void
tcp_cancel(struct check *c)
{
	struct tcp *t = c->data;

	if (t->io != NULL)
		loop_fd_del(t->io);
	t->io = NULL;
	if (t->fd != -1)
		(void)close(t->fd);	/* nothing was written */
	t->fd = -1;
}

static void
finish(struct check *c, int error)
{
	struct tcp *t = c->data;

	tcp_cancel(c);
	check_result(c, error == 0, "%s%s%s", t->name, error == 0 ? "" : ": ",
	    error == 0 ? "" : strerror(error));
}

/*
 * A port nobody listens on, in the range the kernel takes its own from: a
 * try may meet itself there, and TCP lets the two connect.
 */
static bool
is_self(int fd)
{
	struct sockaddr_storage a = { 0 }, b = { 0 };
	socklen_t a_len = sizeof(a), b_len = sizeof(b);

	return getsockname(fd, (struct sockaddr *)&a, &a_len) == 0 &&
	    getpeername(fd, (struct sockaddr *)&b, &b_len) == 0 &&
	    a_len == b_len && memcmp(&a, &b, a_len) == 0;
}

static void
on_ready(int fd, int events, void *arg)
{
	int error = 0;
	socklen_t len = sizeof(error);

	(void)events;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error == 0 && is_self(fd))
		error = ECONNREFUSED;
	finish(arg, error);
}

static void
tcp_begin(struct check *c)
{
	struct tcp *t = c->data;
	struct linger at_once = { .l_onoff = 1 };

	t->fd = socket(t->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (t->fd == -1) {
		finish(c, errno);
		return;
	}
	/* Closed by a reset: a try leaves nothing in TIME_WAIT. */
	(void)setsockopt(t->fd, SOL_SOCKET, SO_LINGER, &at_once,
	    sizeof(at_once));	/* only tidier with it */
	if (connect(t->fd, (struct sockaddr *)&t->to, addr_len(&t->to)) == 0)
		finish(c, 0);
	else if (errno != EINPROGRESS)
		finish(c, errno);
	else
		t->io = loop_fd_add(c->host->loop, t->fd, LOOP_WRITE,
		    on_ready, c);
}

const struct check_kind check_tcp = {
	.name = "tcp",
	.open = tcp_open,
	.begin = tcp_begin,
	.cancel = tcp_cancel,
};

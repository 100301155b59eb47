/* SPDX-License-Identifier: ISC */
/*
 * Accepts, bounded: those who have not proved a key yet are few, their time
 * is short, and one too many pushes out the oldest of them.  A caller that
 * opened says what it wants in one frame; what comes of it is session.c's.
 */
#include "server.h"

#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

#include "budget.h"
#include "session.h"

/* Connections that proved no key yet: never more than half of all. */
#define STRANGER_MAX	32
/* An address that could not be bound: again after this. */
#define BIND_MS		2000

struct listener {
	struct server	*server;
	unsigned	 lan;
	int		 fd;
	struct loop_fd	*io;
};

struct server {
	struct remoted		*r;
	struct listener		 listener[CLUSTER_LAN_MAX];
	struct loop_timer	*again;
	struct budget		 budget[CLUSTER_NODE_MAX + 1];
	struct session_list	 sessions;
};

/*
 * Each node has a budget by its addresses, all others have one together: a
 * flood from elsewhere, or from one node, keeps no other node out.
 */
static struct budget *
budget_of(struct server *s, const struct sockaddr_storage *from)
{
	const struct cluster *cl = &s->r->cluster;
	unsigned i, lan;

	for (i = 0; i < cl->node_count; i++)
		for (lan = 0; lan < cl->lan_count; lan++)
			if (cl->node[i].lan[lan].is_set &&
			    addr_equal(&cl->node[i].lan[lan].addr, from))
				return &s->budget[i];
	return &s->budget[CLUSTER_NODE_MAX];
}

static void
on_accept(int fd, int events, void *arg)
{
	struct listener *ln = arg;
	struct server *s = ln->server;
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	unsigned max = s->r->session_max / 2;
	int conn;

	if (max > STRANGER_MAX)
		max = STRANGER_MAX;
	(void)events;
	memset(&from, 0, sizeof(from));
	conn = accept4(fd, (struct sockaddr *)&from, &len,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (conn == -1)
		return;
	if (!budget_take(budget_of(s, &from), mono_now()) ||
	    session_count(&s->sessions) >= s->r->session_max) {
		remoted_drop(s->r, DROP_FLOOD, &from, "too many connections");
		(void)close(conn);	/* told by the end of file */
		return;
	}
	if (session_strangers(&s->sessions) >= max)
		session_evict(&s->sessions);
	session_new(&s->sessions, conn, &from);
}

static int
listen_on(const struct sockaddr_storage *ss)
{
	int fd = socket(ss->ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	int on = 1, saved;

	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* An interface that comes later is no reason to be deaf then. */
	(void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)ss, addr_len(ss)) == 0 &&
	    listen(fd, 64) == 0)
		return fd;
	saved = errno;
	(void)close(fd);	/* the first error counts */
	errno = saved;
	return -1;
}

static void
listen_all(void *arg)
{
	struct server *s = arg;
	const struct cluster *cl = &s->r->cluster;
	struct sockaddr_storage ss;
	char text[ADDR_LEN];
	bool missing = false;
	unsigned i;

	for (i = 0; i < cl->lan_count; i++) {
		struct listener *ln = &s->listener[i];

		if (!cl->node[cl->self].lan[i].is_set || ln->fd != -1)
			continue;
		ss = cl->node[cl->self].lan[i].laddr;
		addr_set_port(&ss, s->r->port);
		ln->fd = listen_on(&ss);
		if (ln->fd == -1) {
			log_warn("%s: cannot listen on %s port %u",
			    cl->lan[i].name, addr_str(text, &ss),
			    s->r->port);
			missing = true;
			continue;
		}
		ln->io = loop_fd_add(s->r->loop, ln->fd, LOOP_READ, on_accept,
		    ln);
	}
	if (missing)
		loop_timer_set(s->again, BIND_MS, 0);
}

struct server *
server_new(struct remoted *r)
{
	struct server *s = xcalloc(1, sizeof(*s));
	unsigned i;

	s->r = r;
	for (i = 0; i <= CLUSTER_NODE_MAX; i++)
		budget_init(&s->budget[i], r->rate, mono_now());
	session_list_init(&s->sessions, r);
	s->again = loop_timer_new(r->loop, listen_all, s);
	for (i = 0; i < CLUSTER_LAN_MAX; i++) {
		s->listener[i].server = s;
		s->listener[i].lan = i;
		s->listener[i].fd = -1;
	}
	listen_all(s);
	return s;
}

static void
listen_none(struct server *s)
{
	unsigned i;

	for (i = 0; i < CLUSTER_LAN_MAX; i++) {
		if (s->listener[i].fd == -1)
			continue;
		loop_fd_del(s->listener[i].io);
		(void)close(s->listener[i].fd);	/* who waits tries again */
		s->listener[i].fd = -1;
	}
}

void
server_listen_again(struct server *s)
{
	listen_none(s);
	listen_all(s);
}

void
server_free(struct server *s)
{
	session_list_fini(&s->sessions);
	listen_none(s);
	loop_timer_free(s->again);
	free(s);
}

unsigned
server_count(const struct server *s)
{
	return session_count(&s->sessions);
}

unsigned
server_listens(const struct server *s)
{
	unsigned i, n = 0;

	for (i = 0; i < CLUSTER_LAN_MAX; i++)
		n += s->listener[i].fd != -1;
	return n;
}

/* SPDX-License-Identifier: ISC */
/* The netlink connector behind newproc.h. */
#include "newproc.h"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

/* In another namespace the request is dropped without a word. */
#define ANSWER_MS	1000
/* Many processes may begin before this one gets the processor again. */
#define BUFFER_LEN	(1024 * 1024)

struct newproc {
	const struct newproc_calls	*calls;
	void				*arg;
	int				 fd;
	struct loop_fd			*io;
	struct loop_timer		*timer;
	bool				 is_known;
};

static void
known(struct newproc *n, bool works)
{
	if (n->is_known)
		return;
	n->is_known = true;
	loop_timer_cancel(n->timer);
	if (!works) {
		loop_fd_del(n->io);
		(void)close(n->fd);	/* nothing comes */
	}
	n->calls->on_known(works, n->arg);
}

bool
newproc_take(const void *data, size_t len, const struct newproc_calls *calls,
    void *arg)
{
	struct nlmsghdr h;
	struct cn_msg m;
	struct proc_event e;
	size_t head = NLMSG_HDRLEN + sizeof(m), n;

	if (len < head)
		return false;
	memcpy(&h, data, sizeof(h));
	memcpy(&m, (const char *)data + NLMSG_HDRLEN, sizeof(m));
	if (h.nlmsg_type != NLMSG_DONE || m.id.idx != CN_IDX_PROC)
		return false;
	/* Kernels differ in the length of the union; ours is zero behind. */
	memset(&e, 0, sizeof(e));
	n = len - head < sizeof(e) ? len - head : sizeof(e);
	memcpy(&e, (const char *)data + head, n);
	if (n < offsetof(struct proc_event, event_data) + 8)
		return false;
	/* (As numbers: the enum has another name since Linux 6.6.) */
	switch ((unsigned)e.what) {
	case 0:		/* none: the answer to our request */
		return e.event_data.ack.err == 0;
	case 1:		/* fork; threads have the tgid of another */
		if (e.event_data.fork.child_pid ==
		    e.event_data.fork.child_tgid)
			calls->on_process(e.event_data.fork.child_tgid,
			    e.event_data.fork.parent_tgid, arg);
		return false;
	case 2:		/* exec */
		calls->on_process(e.event_data.exec.process_tgid, 0, arg);
		return false;
	case 0x200:	/* comm: it gave itself another name */
		if (e.event_data.comm.process_pid ==
		    e.event_data.comm.process_tgid)
			calls->on_process(e.event_data.comm.process_tgid, 0,
			    arg);
		return false;
	default:
		return false;
	}
}

static void
on_ready(int fd, int events, void *arg)
{
	struct newproc *n = arg;
	struct sockaddr_nl from = { 0 };
	char buf[4096];
	socklen_t len;
	ssize_t got;

	(void)events;
	for (;;) {
		len = sizeof(from);
		got = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT,
		    (struct sockaddr *)&from, &len);
		if (got == -1 && errno == ENOBUFS) {
			n->calls->on_lost(n->arg);
			continue;
		}
		if (got == -1)
			return;
		/* Other processes may send here, too: only the kernel is 0. */
		if (from.nl_pid == 0 && newproc_take(buf, (size_t)got,
		    n->calls, n->arg))
			known(n, true);
	}
}

static void
on_time(void *arg)
{
	known(arg, false);
}

static int
request(int fd)
{
	_Alignas(struct nlmsghdr) char buf[NLMSG_SPACE(sizeof(struct cn_msg) +
	    sizeof(enum proc_cn_mcast_op))] = { 0 };
	struct nlmsghdr h = { .nlmsg_type = NLMSG_DONE,
	    .nlmsg_len = NLMSG_LENGTH(sizeof(struct cn_msg) +
	    sizeof(enum proc_cn_mcast_op)) };
	struct cn_msg m = { .id = { CN_IDX_PROC, CN_VAL_PROC },
	    .len = sizeof(enum proc_cn_mcast_op) };
	enum proc_cn_mcast_op op = PROC_CN_MCAST_LISTEN;

	memcpy(buf, &h, sizeof(h));
	memcpy(buf + NLMSG_HDRLEN, &m, sizeof(m));
	memcpy(buf + NLMSG_HDRLEN + sizeof(m), &op, sizeof(op));
	return send(fd, buf, h.nlmsg_len, 0) == -1 ? -1 : 0;
}

struct newproc *
newproc_open(struct loop *l, const struct newproc_calls *calls, void *arg)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK,
	    .nl_groups = CN_IDX_PROC };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, NETLINK_CONNECTOR), size = BUFFER_LEN, saved;
	struct newproc *n;

	if (fd == -1)
		return NULL;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
	    sizeof(size));	/* less is lost sooner, and said */
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == -1 ||
	    request(fd) == -1) {
		saved = errno;
		(void)close(fd);	/* nothing came */
		errno = saved;
		return NULL;
	}
	n = xcalloc(1, sizeof(*n));
	n->calls = calls;
	n->arg = arg;
	n->fd = fd;
	n->io = loop_fd_add(l, fd, LOOP_READ, on_ready, n);
	n->timer = loop_timer_new(l, on_time, n);
	loop_timer_set(n->timer, ANSWER_MS, 0);
	return n;
}

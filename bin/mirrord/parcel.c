/* SPDX-License-Identifier: ISC */
/*
 * A queue of (oid, descriptor) in a SOCK_SEQPACKET pair.  To look for one,
 * the queue is turned: the first is peeked at, sent again to the end, and
 * only then taken off, so that a kill at any point leaves each at least
 * once.  Called by orphan.c.
 */
#include "parcel.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "xalloc.h"

/* Turning costs as much as there are: the few files that stay open long
 * must not make each unlink slow.  Well below the socket's buffer, too. */
#define COUNT_MAX	64

struct parcel {
	int		 in;
	int		 out;
	unsigned	 count;
};

struct head {
	uint64_t	oid;		/* 0: a mark of parcel_each() */
	uint64_t	mark;
};

union control {
	char		buf[CMSG_SPACE(sizeof(int))];
	struct cmsghdr	align;
};

static int
send_one(struct parcel *p, struct head *h, int fd)
{
	struct iovec iov = { h, sizeof(*h) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control c;
	struct cmsghdr *cm;

	if (fd != -1) {
		memset(&c, 0, sizeof(c));
		m.msg_control = c.buf;
		m.msg_controllen = sizeof(c.buf);
		cm = CMSG_FIRSTHDR(&m);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	}
	return sendmsg(p->in, &m, MSG_DONTWAIT | MSG_NOSIGNAL) == -1 ?
	    -errno : 0;
}

/* The first; *fd is the caller's, -1 when it has none.  0 or -errno. */
static int
receive_one(struct parcel *p, struct head *h, int *fd, int flags)
{
	struct iovec iov = { h, sizeof(*h) };
	union control c;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = c.buf, .msg_controllen = sizeof(c.buf) };
	struct cmsghdr *cm;

	*fd = -1;
	if (recvmsg(p->out, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC |
	    flags) != (ssize_t)sizeof(*h))
		return errno != 0 ? -errno : -EIO;
	cm = CMSG_FIRSTHDR(&m);
	if (cm != NULL && cm->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(cm), sizeof(int));
	return 0;
}

static void
take_off(struct parcel *p)
{
	struct head h;
	int fd;

	if (receive_one(p, &h, &fd, 0) == 0 && fd != -1)
		(void)close(fd);	/* a duplicate */
}

/* The first goes to the end.  0 or -errno. */
static int
turn(struct parcel *p, struct head *h, int fd)
{
	int error = send_one(p, h, fd);

	if (error == 0)
		take_off(p);
	return error;
}

struct parcel *
parcel_open(struct keep *k)
{
	struct parcel *p = xcalloc(1, sizeof(*p));
	int pair[2];

	p->in = keep_get(k, "parcel.in");
	p->out = keep_get(k, "parcel.out");
	if (p->in == -1 || p->out == -1) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
		    pair) == -1) {
			free(p);
			return NULL;
		}
		p->in = pair[0];
		p->out = pair[1];
	}
	if (keep_put(k, "parcel.in", p->in) == -1 ||
	    keep_put(k, "parcel.out", p->out) == -1)
		log_warn("keepd does not hold unlinked files");
	return p;
}

void
parcel_close(struct parcel *p)
{
	if (p == NULL)
		return;
	(void)close(p->in);	/* keepd has them */
	(void)close(p->out);
	free(p);
}

int
parcel_put(struct parcel *p, uint64_t oid, int fd)
{
	struct head h = { oid, 0 };
	int error;

	if (p->count >= COUNT_MAX)
		return -EAGAIN;
	error = send_one(p, &h, fd);
	if (error == 0)
		p->count++;
	return error;
}

int
parcel_drop(struct parcel *p, uint64_t oid)
{
	struct head h;
	unsigned i;
	int fd, error;

	for (i = 0; i < 2 * COUNT_MAX; i++) {
		if (receive_one(p, &h, &fd, MSG_PEEK) != 0)
			return -ENOENT;
		if (h.oid == oid) {
			take_off(p);
			error = 1;
		} else {
			error = turn(p, &h, fd);
		}
		if (fd != -1)
			(void)close(fd);	/* a duplicate */
		if (error == 1) {
			p->count--;
			return 0;
		}
		if (error != 0)
			return error;
	}
	return -ENOENT;
}

unsigned
parcel_each(struct parcel *p, void (*on_fd)(uint64_t oid, int fd, void *arg),
    void *arg)
{
	struct head mark = { 0, 0 }, h;
	int fd;

	/* One that a killed life left in the queue is not ours. */
	if (getrandom(&mark.mark, sizeof(mark.mark), 0) == -1 ||
	    send_one(p, &mark, -1) != 0)
		return 0;
	p->count = 0;
	while (receive_one(p, &h, &fd, MSG_PEEK) == 0) {
		if (h.oid == 0 || fd == -1) {
			take_off(p);
			if (h.mark == mark.mark)
				break;
			continue;
		}
		if (turn(p, &h, fd) != 0) {
			(void)close(fd);	/* it stays where it is */
			break;
		}
		p->count++;
		on_fd(h.oid, fd, arg);
	}
	return p->count;
}

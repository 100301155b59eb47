/* SPDX-License-Identifier: ISC */
/*
 * A new connection every period, from one source after the other.  It is
 * answered when the node's name is there.  The client closes first, as a
 * browser may.
 */
#include <sys/epoll.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "trial.h"

#define EVENTS	256

/* Whether the kernel had to send the SYN again. */
static bool
was_retried(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	    info.tcpi_total_retrans > 0;
}

static void
fresh_end(struct trial *t, enum outcome outcome)
{
	t->outcome = outcome;
	if (t->fd != -1)
		(void)close(t->fd);	/* what it had to say was read */
	t->fd = -1;
}

static void
fresh_event(struct trial *t)
{
	char buf[64];
	ssize_t len = recv(t->fd, buf, sizeof(buf), 0);
	enum outcome outcome = OC_FIRST;

	if (len == -1 && errno == EAGAIN)
		return;
	t->done = mono_now();
	if (len <= 0) {
		fresh_end(t, OC_RESET);
		return;
	}
	t->node = (uint16_t)name_index(buf, (size_t)len);
	t->answers = 1;
	if (was_retried(t->fd))
		outcome = OC_RETRIED;
	else if (mono_diff_ms(t->done, t->start) >= LATE_MS)
		outcome = OC_LATE;
	fresh_end(t, outcome);
}

/* They were started in order, so the overdue ones come first. */
static void
fresh_overdue(struct trials *ts, const struct client *c, struct mono now)
{
	while (!trial_settle(ts) && mono_diff_ms(now,
	    ts->trial[ts->oldest].start) >= c->bound_ms) {
		ts->trial[ts->oldest].done = now;
		fresh_end(&ts->trial[ts->oldest], OC_FAILED);
	}
}

static void
fresh_start(struct trials *ts, const struct client *c, struct mono now)
{
	struct trial *t = trial_due(ts, c, now);

	if (t == NULL)
		return;
	t->fd = source_socket(c, SOCK_STREAM, ts->count - 1);
	if (t->fd == -1) {
		t->done = now;
		fresh_end(t, OC_ERROR);
		return;
	}
	source_watch(c, t->fd, EPOLLIN, ts->count - 1);
}

void
fresh(struct client *c)
{
	struct trials ts = { .count = 0 };
	struct epoll_event ev[EVENTS];
	struct mono now;
	int i, n;

	control_ready();
	while (!c->is_ending || !trial_settle(&ts)) {
		now = mono_now();
		control_read(c, now);
		fresh_overdue(&ts, c, now);
		if (!c->is_ending)
			fresh_start(&ts, c, now);
		n = source_wait(c, ev, EVENTS, c->is_ending ?
		    mono_add_ms(now, 10) : ts.next);
		for (i = 0; i < n; i++)
			fresh_event(&ts.trial[ev[i].data.u64]);
	}
	trial_report(&ts, c);
}

/* SPDX-License-Identifier: ISC */
/*
 * A datagram every period, from one source after the other; each is numbered,
 * so that a second answer is known as one.
 */
#include <sys/epoll.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

#include "client.h"
#include "trial.h"

#define EVENTS		256
#define SOCKETS_MAX	4096

static void
udp_answer(struct trials *ts, char *buf, size_t len)
{
	char *number = memchr(buf, ' ', len);
	unsigned long i;
	struct trial *t;
	unsigned node;

	if (number == NULL)
		return;
	i = strtoul(number, NULL, 10);
	if (i >= ts->count)
		return;
	t = &ts->trial[i];
	node = name_index(buf, len);
	if (t->answers++ > 0) {
		t->node_again = (uint16_t)node;
		return;
	}
	t->done = mono_now();
	t->node = (uint16_t)node;
	t->outcome = mono_diff_ms(t->done, t->start) < LATE_MS ?
	    OC_FIRST : OC_LATE;
}

static void
udp_read(struct trials *ts, int fd)
{
	char buf[256];
	ssize_t len;

	while ((len = recv(fd, buf, sizeof(buf) - 1, 0)) > 0) {
		buf[len] = '\0';
		udp_answer(ts, buf, (size_t)len);
	}
}

static void
udp_send(struct trials *ts, const struct client *c, const int *fd,
    unsigned fd_count, struct mono now)
{
	struct trial *t = trial_due(ts, c, now);
	char buf[32];
	int len;

	if (t == NULL)
		return;
	len = snprintf(buf, sizeof(buf), "%u", ts->count - 1);
	if (send(fd[(ts->count - 1) % fd_count], buf, (size_t)len, 0) == -1) {
		t->outcome = OC_ERROR;
		t->done = now;
	}
}

/* Whatever has no answer by now is lost. */
static void
udp_lose(struct trials *ts, struct mono now)
{
	unsigned i;

	for (i = 0; i < ts->count; i++)
		if (ts->trial[i].outcome == OC_OPEN) {
			ts->trial[i].outcome = OC_FAILED;
			ts->trial[i].done = now;
		}
}

void
udp(struct client *c)
{
	unsigned fd_count = c->from_count > 0 ? c->from_count : 1, i;
	struct trials ts = { .count = 0 };
	struct epoll_event ev[EVENTS];
	struct mono now, last = { 0 };
	int *fd, n;

	if (fd_count > SOCKETS_MAX)
		fd_count = SOCKETS_MAX;
	fd = xcalloc(fd_count, sizeof(*fd));
	for (i = 0; i < fd_count; i++) {
		fd[i] = source_socket(c, SOCK_DGRAM, i);
		if (fd[i] == -1)
			die("connect");
		source_watch(c, fd[i], EPOLLIN, (uint64_t)fd[i]);
	}
	control_ready();
	/* All time for a second answer, also of the last one. */
	while (!mono_is_set(last) ||
	    mono_diff_ms(mono_now(), last) < c->bound_ms) {
		now = mono_now();
		control_read(c, now);
		if (!c->is_ending)
			udp_send(&ts, c, fd, fd_count, now);
		else if (!mono_is_set(last))
			last = now;
		n = source_wait(c, ev, EVENTS, c->is_ending ?
		    mono_add_ms(now, 10) : ts.next);
		while (n-- > 0)
			udp_read(&ts, (int)ev[n].data.u64);
	}
	udp_lose(&ts, mono_now());
	trial_report(&ts, c);
}

/* SPDX-License-Identifier: ISC */
/*
 * HTTP requests, one after the other on each of -n connections, as fast as
 * they are answered; with -x each on a connection of its own.  What is fetched
 * is -u, always of the same length.
 *
 *	requests= errors= seconds= rps= p50_us= p99_us= longest_us=
 *	node=NODE answered=	by the header `X-Node', where there is one
 */
#include <sys/epoll.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

#include "client.h"

#define EVENTS		256
#define NODES		128
#define HEAD_LEN	2048
/* Steps of 1 us; the last one is all that took longer. */
#define TIMES		1000000
#define AGAIN_MS	5

struct conn {
	int		fd;
	bool		is_sent;
	struct mono	asked;
	struct mono	due;		/* fd is -1: connect again */
	size_t		got;
	char		head[HEAD_LEN];
};

struct load {
	struct conn	*conn;
	char		request[512];
	size_t		request_len;
	size_t		answer_len;	/* 0: not known yet */
	unsigned long	requests;
	unsigned long	errors;
	unsigned	*time;
	unsigned	node[NODES];
	struct mono	start;
};

static void
conn_open(struct load *l, const struct client *c, unsigned i, struct mono now)
{
	struct conn *k = &l->conn[i];

	k->got = 0;
	k->is_sent = false;
	k->asked = now;
	k->fd = source_socket(c, SOCK_STREAM, i);
	if (k->fd != -1)
		source_watch(c, k->fd, EPOLLOUT, i);
	else
		k->due = mono_add_ms(now, AGAIN_MS);
}

static void
conn_close(struct conn *k)
{
	(void)close(k->fd);	/* all it had to say was read */
	k->fd = -1;
}

static void
conn_failed(struct load *l, struct conn *k, struct mono now)
{
	l->errors++;
	conn_close(k);
	k->due = mono_add_ms(now, AGAIN_MS);
}

static void
conn_ask(struct load *l, const struct client *c, unsigned i, struct mono now)
{
	struct conn *k = &l->conn[i];
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = i };

	if (!k->is_sent && epoll_ctl(c->ep, EPOLL_CTL_MOD, k->fd, &ev) == -1)
		die("epoll");
	/* A connection of its own: the time runs from its SYN on. */
	if (k->is_sent)
		k->asked = now;
	k->is_sent = true;
	k->got = 0;
	if (send(k->fd, l->request, l->request_len, MSG_NOSIGNAL) !=
	    (ssize_t)l->request_len)
		conn_failed(l, k, now);
}

/* The length of all answers, from the first head; who it was, from each. */
static void
head_read(struct load *l, struct conn *k)
{
	char *body, *field;

	k->head[k->got < HEAD_LEN ? k->got : HEAD_LEN - 1] = '\0';
	body = strstr(k->head, "\r\n\r\n");
	if (body == NULL)
		return;
	field = strstr(k->head, "X-Node: ");
	if (field != NULL && field < body)
		l->node[name_index(field + 8, (size_t)(body - field - 8))]++;
	field = strstr(k->head, "Content-Length: ");
	if (l->answer_len == 0 && field != NULL && field < body)
		l->answer_len = (size_t)(body + 4 - k->head) +
		    strtoul(field + 16, NULL, 10);
}

static void
conn_answered(struct load *l, struct client *c, unsigned i, struct mono now)
{
	struct conn *k = &l->conn[i];
	int64_t us = mono_diff_ns(now, k->asked) / 1000;

	l->requests++;
	l->time[us < TIMES ? us : TIMES - 1]++;
	if (c->is_each_new) {
		conn_close(k);
		conn_open(l, c, i, now);
	} else
		conn_ask(l, c, i, now);
}

static void
conn_event(struct load *l, struct client *c, unsigned i)
{
	struct conn *k = &l->conn[i];
	char buf[65536];
	size_t keep;
	ssize_t len;

	if (!k->is_sent) {
		conn_ask(l, c, i, mono_now());
		return;
	}
	len = recv(k->fd, buf, sizeof(buf), 0);
	if (len == -1 && errno == EAGAIN)
		return;
	if (len <= 0) {
		conn_failed(l, k, mono_now());
		return;
	}
	keep = HEAD_LEN - 1 - (k->got < HEAD_LEN ? k->got : HEAD_LEN - 1);
	if (keep > (size_t)len)
		keep = (size_t)len;
	memcpy(k->head + (k->got < HEAD_LEN ? k->got : 0), buf, keep);
	if (k->got == 0) {
		k->got = (size_t)len;
		head_read(l, k);
	} else
		k->got += (size_t)len;
	if (l->answer_len > 0 && k->got >= l->answer_len)
		conn_answered(l, c, i, mono_now());
}

/* Microseconds within which the share of the requests was answered. */
static unsigned
time_of(const struct load *l, double share)
{
	unsigned long seen = 0;
	unsigned us;

	for (us = 0; us < TIMES - 1; us++) {
		seen += l->time[us];
		if ((double)seen > share * (double)l->requests)
			break;
	}
	return us;
}

static void
load_report(const struct load *l)
{
	double s = ms_between(l->start, mono_now()) / 1000;
	unsigned i, longest = TIMES - 1;

	while (longest > 0 && l->time[longest] == 0)
		longest--;
	printf("requests=%lu errors=%lu seconds=%.3f rps=%.0f p50_us=%u "
	    "p99_us=%u longest_us=%u\n", l->requests, l->errors, s,
	    (double)l->requests / s, time_of(l, 0.5), time_of(l, 0.99),
	    longest);
	for (i = 1; i < name_count(); i++)
		printf("node=%s answered=%u\n", name_of(i), l->node[i]);
}

static void
load_turn(struct load *l, struct client *c, struct mono now)
{
	unsigned i;

	for (i = 0; i < c->count; i++)
		if (l->conn[i].fd == -1 &&
		    mono_diff_ns(now, l->conn[i].due) >= 0)
			conn_open(l, c, i, now);
}

void
load(struct client *c)
{
	struct load l = { .start = mono_now() };
	struct epoll_event ev[EVENTS];
	struct mono looked = { 0 }, now;
	unsigned i;
	int n, k;

	l.conn = xcalloc(c->count, sizeof(*l.conn));
	l.time = xcalloc(TIMES, sizeof(*l.time));
	l.request_len = (size_t)snprintf(l.request, sizeof(l.request),
	    "GET %.200s HTTP/1.1\r\nHost: farm\r\n%s\r\n", c->path,
	    c->is_each_new ? "Connection: close\r\n" : "");
	for (i = 0; i < c->count; i++)
		l.conn[i].fd = -1;
	control_ready();
	while (!c->is_ending) {
		now = mono_now();
		/* Not in each turn: its cost is not the farm's. */
		if (mono_diff_ms(now, looked) >= 5) {
			control_read(c, now);
			load_turn(&l, c, now);
			looked = now;
		}
		n = source_wait(c, ev, EVENTS, mono_add_ms(now, 5));
		for (k = 0; k < n; k++)
			conn_event(&l, c, (unsigned)ev[k].data.u64);
	}
	load_report(&l);
}

/* SPDX-License-Identifier: ISC */
/*
 * One connection from each of many clients, a few at a time: how evenly they
 * are shared out.
 *
 *	node=NODE count=
 *	clients= answered= failed= least= most= ratio=
 */
#include <sys/epoll.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "xalloc.h"

#include "client.h"

#define EVENTS	256
#define WINDOW	256
#define NODES	128

struct fair {
	int		*fd;
	unsigned	*node;		/* of each client */
	unsigned	started;
	unsigned	open;
	unsigned	*answered;	/* by index of the node's name */
	struct mono	heard;
};

static void
fair_start(struct fair *f, const struct client *c)
{
	while (f->started < c->count && f->open < WINDOW) {
		unsigned i = f->started++;

		f->fd[i] = source_socket(c, SOCK_STREAM, i);
		if (f->fd[i] == -1)
			continue;
		f->open++;
		source_watch(c, f->fd[i], EPOLLIN, i);
	}
}

static void
fair_event(struct fair *f, unsigned i)
{
	char buf[64];
	ssize_t len = recv(f->fd[i], buf, sizeof(buf), 0);

	if (len == -1 && errno == EAGAIN)
		return;
	if (len > 0) {
		f->node[i] = name_index(buf, (size_t)len);
		f->answered[f->node[i]]++;
	}
	f->heard = mono_now();
	(void)close(f->fd[i]);	/* the name is read */
	f->open--;
}

static void
fair_report(const struct fair *f, const struct client *c)
{
	unsigned i, least = 0, most = 0, sum = 0;

	for (i = 1; i < name_count(); i++) {
		unsigned n = f->answered[i];

		printf("node=%s count=%u\n", name_of(i), n);
		sum += n;
		if (i == 1 || n < least)
			least = n;
		if (n > most)
			most = n;
	}
	printf("clients=%u answered=%u failed=%u least=%u most=%u "
	    "ratio=%.3f\n", c->count, sum, c->count - sum, least, most,
	    least > 0 ? (double)most / least : 0);
}

/* To see which client's node is another one later. */
static void
fair_list(const struct fair *f, const struct client *c)
{
	FILE *list = fopen(c->list_path, "we");
	unsigned i;

	if (list == NULL)
		die(c->list_path);
	for (i = 0; i < c->count; i++)
		fprintf(list, "%u %s\n", i, name_of(f->node[i]));
	if (fclose(list) == EOF)
		die(c->list_path);
}

void
fair(struct client *c)
{
	struct fair f = { .heard = mono_now() };
	struct epoll_event ev[EVENTS];
	struct mono now;
	int i, n;

	f.fd = xcalloc(c->count, sizeof(*f.fd));
	f.node = xcalloc(c->count, sizeof(*f.node));
	f.answered = xcalloc(NODES, sizeof(*f.answered));
	control_ready();
	while (f.started < c->count || f.open > 0) {
		now = mono_now();
		if (mono_diff_ms(now, f.heard) > c->bound_ms)
			break;
		fair_start(&f, c);
		n = source_wait(c, ev, EVENTS, mono_add_ms(now, 10));
		for (i = 0; i < n; i++)
			fair_event(&f, (unsigned)ev[i].data.u64);
	}
	fair_report(&f, c);
	if (c->list_path != NULL)
		fair_list(&f, c);
	free(f.fd);
	free(f.node);
	free(f.answered);
}

/* SPDX-License-Identifier: ISC */
/*
 * The application of the takeover part of t/bench/run, and its client, which
 * measures how long a client is without an answer.
 *
 *	beacon serve ADDR PORT FILE	notes its start in FILE, synced, then
 *		tells every caller the name of its host; returns when it
 *		listens, leaving its pid on the standard output
 *	beacon probe ADDR PORT		calls every PERIOD_MS and never waits
 *		for an earlier call; prints a line for each host that answers
 *		after another one, and on SIGTERM the longest time from one
 *		answer to the next: gap_ms=
 */

#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"

#define PERIOD_MS	5
/* A call that has no answer by then is given up; it was a lost SYN. */
#define CALL_MS		1000
#define CALL_MAX	(CALL_MS / PERIOD_MS + 1)
#define NAME_LEN	65

struct call {
	struct mono	start;
	int		fd;
};

struct probe {
	struct sockaddr_in	to;
	struct call		call[CALL_MAX];
	int			call_count;
	struct mono		last_answer;
	int64_t			gap_ns;
	long			answers;
	char			host[NAME_LEN];
};

static volatile sig_atomic_t	is_ending;

static void
die(const char *what)
{
	fprintf(stderr, "beacon: %s: %s\n", what, strerror(errno));
	exit(EX_OSERR);
}

static struct sockaddr_in
address(const char *addr, const char *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	char *end;
	long n = strtol(port, &end, 10);

	if (*end != '\0' || n < 1 || n > 65535 ||
	    inet_pton(AF_INET, addr, &sin.sin_addr) != 1) {
		fprintf(stderr, "beacon: %s %s: not an address and port\n",
		    addr, port);
		exit(EX_USAGE);
	}
	sin.sin_port = htons((uint16_t)n);
	return sin;
}

/* What any application does with its data first. */
static void
note_start(const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd == -1 || write(fd, "start\n", 6) != 6 || fsync(fd) == -1)
		die(file);
	(void)close(fd);	/* synced */
}

/*
 * The address may not be here yet: who moves it decides the order.  An answer
 * before it is here reaches nobody.
 */
static int
listen_at(const struct sockaddr_in *at)
{
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one)) ||
	    bind(fd, (const struct sockaddr *)at, sizeof(*at)) == -1 ||
	    listen(fd, 128) == -1)
		die("listen");
	return fd;
}

static void
serve(const char *addr, const char *port, const char *file)
{
	struct sockaddr_in at = address(addr, port);
	char host[NAME_LEN] = "";
	int listener, fd, null;
	pid_t pid;

	note_start(file);
	listener = listen_at(&at);
	if (gethostname(host, sizeof(host) - 1) == -1)
		die("gethostname");
	pid = fork();
	if (pid == -1)
		die("fork");
	if (pid > 0) {
		printf("%d\n", (int)pid);
		return;
	}
	null = open("/dev/null", O_RDWR);
	if (setsid() == -1 || null == -1)
		die("/dev/null");
	for (fd = 0; fd <= 2; fd++)
		(void)dup2(null, fd);	/* both are open */
	for (;;) {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd == -1)
			continue;	/* the caller has gone again */
		(void)send(fd, host, strlen(host), MSG_NOSIGNAL);
		(void)close(fd);	/* it has read it, or does not care */
	}
}

static void
call_start(struct probe *p, struct mono now)
{
	int fd;

	if (p->call_count == CALL_MAX)
		return;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		die("socket");
	if (connect(fd, (struct sockaddr *)&p->to, sizeof(p->to)) == -1 &&
	    errno != EINPROGRESS) {
		(void)close(fd);	/* no route: the next call may have */
		return;
	}
	p->call[p->call_count++] = (struct call){ .start = now, .fd = fd };
}

static void
call_end(struct probe *p, int i)
{
	(void)close(p->call[i].fd);	/* only read */
	p->call[i] = p->call[--p->call_count];
}

static void
call_answered(struct probe *p, const char *host, struct mono now)
{
	int64_t gap = 0;

	if (mono_is_set(p->last_answer))
		gap = mono_diff_ns(now, p->last_answer);
	if (gap > p->gap_ns)
		p->gap_ns = gap;
	if (strcmp(host, p->host) != 0) {
		printf("%s\n", host);
		memcpy(p->host, host, NAME_LEN);
	}
	p->last_answer = now;
	p->answers++;
}

/* Takes what came, until it is time for the next call. */
static void
calls_wait(struct probe *p, struct mono until)
{
	struct pollfd pfd[CALL_MAX];
	char host[NAME_LEN] = "";
	int64_t left = mono_diff_ns(until, mono_now());
	struct timespec wait = { .tv_nsec = left > 0 ? (long)left : 0 };
	ssize_t len;

	for (int i = 0; i < p->call_count; i++)
		pfd[i] = (struct pollfd){ .fd = p->call[i].fd,
		    .events = POLLIN };
	if (ppoll(pfd, (nfds_t)p->call_count, &wait, NULL) < 1)
		return;
	/* Downwards: call_end() puts the last one in the place of i. */
	for (int i = p->call_count - 1; i >= 0; i--) {
		if (pfd[i].revents == 0)
			continue;
		memset(host, 0, sizeof(host));
		len = recv(p->call[i].fd, host, sizeof(host) - 1, 0);
		if (len > 0)
			call_answered(p, host, mono_now());
		call_end(p, i);
	}
}

static void
on_signal(int signo)
{
	(void)signo;
	is_ending = 1;
}

static void
probe(const char *addr, const char *port)
{
	struct probe p = { .to = address(addr, port) };
	struct mono next = mono_now(), now;

	(void)signal(SIGTERM, on_signal);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	while (!is_ending) {
		now = mono_now();
		for (int i = p.call_count - 1; i >= 0; i--)
			if (mono_diff_ms(now, p.call[i].start) >= CALL_MS)
				call_end(&p, i);
		if (mono_diff_ns(next, now) <= 0) {
			call_start(&p, now);
			next = mono_add_ms(now, PERIOD_MS);
		}
		calls_wait(&p, next);
	}
	/* Still without an answer: the gap is at least this long. */
	if (mono_is_set(p.last_answer) &&
	    mono_diff_ns(mono_now(), p.last_answer) > p.gap_ns)
		p.gap_ns = mono_diff_ns(mono_now(), p.last_answer);
	printf("answers=%ld gap_ms=%.1f\n", p.answers,
	    (double)p.gap_ns / 1e6);
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "serve") == 0)
		serve(argv[2], argv[3], argv[4]);
	else if (argc == 4 && strcmp(argv[1], "probe") == 0)
		probe(argv[2], argv[3]);
	else {
		fprintf(stderr, "usage: see the head of beacon.c\n");
		return EX_USAGE;
	}
	return EX_OK;
}

/* SPDX-License-Identifier: ISC */
/*
 * The client of the ledger, for the demo and the tests.  `run' commits
 * entries without pause and writes down each that was acknowledged; `verify'
 * asks the ledger whether it has every one of them, at its number and once.
 *
 * An entry whose answer never came may have been committed: its id is never
 * used again, so that an id found twice in the ledger is always a fault.
 */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define ID_LEN		48
#define LINE_LEN	1024
#define LIST_PAGE	1000
/* As long as one round on any network the lab has, and short of a gap. */
#define CONNECT_MS	100
/* Above the longest pause an application may see without an error. */
#define ANSWER_MS	1500

struct conn {
	const struct addrinfo	*ai;
	int			 fd;		/* -1: not connected */
	int			 answer_ms;
	char			 in[LINE_LEN];
	size_t			 in_len;
};

struct tally {
	uint64_t	acknowledged;
	uint64_t	lost;		/* connections that ended or hung */
	uint64_t	refused;	/* answers that began with err */
	int64_t		last_ms;	/* of the newest acknowledgement */
	int64_t		gap_ms;
	int64_t		gap_at_ms;
};

struct entry {
	int64_t		number;
	char		id[ID_LEN];
};

struct entries {
	struct entry	*e;
	size_t		 count;
	size_t		 room;
};

static volatile sig_atomic_t	is_ending;

static int	run(struct conn *c, const char *file, int64_t seconds,
		    int64_t count, const char *prefix);
static int	verify(struct conn *c, const char *file);
static int64_t	verify_read(struct conn *c, struct entries *all);
static void	entries_load(struct entries *all, const char *file);
static void	entries_add(struct entries *all, int64_t number,
		    const char *id);
static int	by_id(const void *a, const void *b);
static bool	conn_open(struct conn *c);
static void	conn_close(struct conn *c);
static bool	conn_ask(struct conn *c, const char *line);
static bool	conn_line(struct conn *c, char line[LINE_LEN]);
static int64_t	now_ms(clockid_t clock);
static void	on_term(int sig);

static void
usage(void)
{
	fprintf(stderr,
	    "usage: ledger-client -a ADDRESS -p PORT -f FILE [-i PREFIX]\n"
	    "           [-n COUNT] [-t SECONDS] [-w ANSWER_MS] run\n"
	    "       ledger-client -a ADDRESS -p PORT -f FILE verify\n");
	exit(EX_USAGE);
}

static int64_t
number_arg(const char *text)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < 0)
		usage();
	return n;
}

int
main(int argc, char *argv[])
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *ai;
	struct conn conn = { .fd = -1, .answer_ms = ANSWER_MS };
	const char *addr = NULL, *port = NULL, *file = NULL, *prefix = "e";
	int64_t seconds = 0, count = 0;
	int c, error, status;

	while ((c = getopt(argc, argv, "a:f:i:n:p:t:w:")) != -1) {
		switch (c) {
		case 'a': addr = optarg; break;
		case 'f': file = optarg; break;
		case 'i': prefix = optarg; break;
		case 'n': count = number_arg(optarg); break;
		case 'p': port = optarg; break;
		case 't': seconds = number_arg(optarg); break;
		case 'w': conn.answer_ms = (int)number_arg(optarg); break;
		default: usage();
		}
	}
	if (addr == NULL || port == NULL || file == NULL ||
	    optind != argc - 1 || strlen(prefix) > ID_LEN / 2 ||
	    (strcmp(argv[optind], "run") != 0 &&
	    strcmp(argv[optind], "verify") != 0))
		usage();
	error = getaddrinfo(addr, port, &hints, &ai);
	if (error != 0)
		errx(EX_USAGE, "%s port %s: %s", addr, port,
		    gai_strerror(error));
	conn.ai = ai;
	if (strcmp(argv[optind], "run") == 0)
		status = run(&conn, file, seconds, count, prefix);
	else
		status = verify(&conn, file);
	freeaddrinfo(ai);
	return status;
}

/* Lines of the file: number, id, time of day in milliseconds. */
static int
run(struct conn *c, const char *file, int64_t seconds, int64_t count,
    const char *prefix)
{
	struct tally t = { 0 };
	char id[ID_LEN], line[LINE_LEN];
	int64_t number, now, start;
	uint64_t sent = 0;
	FILE *f;

	(void)signal(SIGTERM, on_term);
	(void)signal(SIGINT, on_term);
	f = fopen(file, "a");
	if (f == NULL)
		err(EX_CANTCREAT, "%s", file);
	start = t.last_ms = now_ms(CLOCK_MONOTONIC);
	while (!is_ending && (count == 0 || (int64_t)t.acknowledged < count) &&
	    (seconds == 0 ||
	    now_ms(CLOCK_MONOTONIC) - start < seconds * 1000)) {
		if (c->fd == -1 && !conn_open(c))
			continue;
		(void)snprintf(id, sizeof(id), "%s-%d-%" PRIu64, prefix,
		    (int)getpid(), ++sent);
		(void)snprintf(line, sizeof(line), "add %s\n", id);
		if (!conn_ask(c, line) || !conn_line(c, line)) {
			conn_close(c);
			t.lost += is_ending ? 0 : 1;
			continue;
		}
		if (sscanf(line, "ok %" SCNd64, &number) != 1) {
			if (t.refused++ == 0)
				warnx("%s: %s", id, line);
			continue;
		}
		/* Line buffered would do for a file, not for a reader. */
		if (fprintf(f, "%" PRId64 " %s %" PRId64 "\n", number, id,
		    now_ms(CLOCK_REALTIME)) < 0 || fflush(f) != 0)
			err(EX_IOERR, "%s", file);
		now = now_ms(CLOCK_MONOTONIC);
		if (t.acknowledged++ > 0 && now - t.last_ms > t.gap_ms) {
			t.gap_ms = now - t.last_ms;
			t.gap_at_ms = now_ms(CLOCK_REALTIME);
		}
		t.last_ms = now;
	}
	conn_close(c);
	printf("acknowledged=%" PRIu64 " lost_connections=%" PRIu64
	    " refused=%" PRIu64 " longest_gap_ms=%" PRId64 " gap_end_ms=%"
	    PRId64 " silent_ms=%" PRId64 "\n", t.acknowledged, t.lost,
	    t.refused, t.gap_ms, t.gap_at_ms,
	    now_ms(CLOCK_MONOTONIC) - t.last_ms);
	return fclose(f) == 0 ? 0 : EX_IOERR;
}

static int
verify(struct conn *c, const char *file)
{
	struct entries acked = { 0 }, all = { 0 };
	int64_t count, missing = 0, wrong = 0, twice = 0, number;

	entries_load(&acked, file);
	count = verify_read(c, &all);
	for (size_t i = 0; i < acked.count; i++) {
		number = acked.e[i].number;
		/* Read in order and without holes: number N is the Nth. */
		if (number < 1 || number > count)
			missing++;
		else if (strcmp(all.e[number - 1].id, acked.e[i].id) != 0)
			wrong++;
	}
	if (all.count > 0)
		qsort(all.e, all.count, sizeof(all.e[0]), by_id);
	for (size_t i = 1; i < all.count; i++)
		if (strcmp(all.e[i - 1].id, all.e[i].id) == 0)
			twice++;
	printf("acknowledged=%zu entries=%" PRId64 " missing=%" PRId64
	    " wrong=%" PRId64 " twice=%" PRId64 "\n", acked.count, count,
	    missing, wrong, twice);
	free(acked.e);
	free(all.e);
	return missing + wrong + twice == 0 ? 0 : 1;
}

/* The whole ledger, in order; its length.  Ends the program on any doubt. */
static int64_t
verify_read(struct conn *c, struct entries *all)
{
	char line[LINE_LEN], id[ID_LEN];
	int64_t count, number;
	int tries;

	for (tries = 0; c->fd == -1 && tries < 50; tries++)
		(void)conn_open(c);
	if (c->fd == -1)
		errx(EX_UNAVAILABLE, "the ledger does not answer");
	if (!conn_ask(c, "count\n") || !conn_line(c, line) ||
	    sscanf(line, "ok %" SCNd64, &count) != 1)
		errx(EX_PROTOCOL, "count: no answer");
	for (int64_t from = 1; from <= count; from += LIST_PAGE) {
		(void)snprintf(line, sizeof(line), "list %" PRId64 " %" PRId64
		    "\n", from, from + LIST_PAGE - 1);
		if (!conn_ask(c, line))
			errx(EX_PROTOCOL, "list: connection lost");
		for (;;) {
			if (!conn_line(c, line))
				errx(EX_PROTOCOL, "list: no answer");
			if (strncmp(line, "ok ", 3) == 0)
				break;
			if (sscanf(line, "%" SCNd64 " %47s", &number, id) != 2)
				errx(EX_PROTOCOL, "list: %s", line);
			if (number <= count)
				entries_add(all, number, id);
		}
	}
	if ((int64_t)all->count != count)
		errx(EX_DATAERR, "%zu entries of %" PRId64, all->count, count);
	conn_close(c);
	return count;
}

static void
entries_load(struct entries *all, const char *file)
{
	char line[LINE_LEN], id[ID_LEN];
	int64_t number;
	FILE *f;

	f = fopen(file, "r");
	if (f == NULL)
		err(EX_NOINPUT, "%s", file);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%" SCNd64 " %47s", &number, id) != 2)
			errx(EX_DATAERR, "%s: %s", file, line);
		entries_add(all, number, id);
	}
	(void)fclose(f);	/* only read */
}

static void
entries_add(struct entries *all, int64_t number, const char *id)
{
	if (all->count == all->room) {
		all->room = all->room == 0 ? 1024 : all->room * 2;
		all->e = realloc(all->e, all->room * sizeof(all->e[0]));
		if (all->e == NULL)
			err(EX_OSERR, "memory");
	}
	all->e[all->count].number = number;
	(void)snprintf(all->e[all->count].id, ID_LEN, "%s", id);
	all->count++;
}

static int
by_id(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return strcmp(x->id, y->id);
}

/* Takes CONNECT_MS when it fails, so that a caller may just try again. */
static bool
conn_open(struct conn *c)
{
	struct timespec rest = { 0 };
	struct pollfd p;
	int64_t start = now_ms(CLOCK_MONOTONIC), left;
	socklen_t len = sizeof(int);
	int error = 0;

	c->in_len = 0;
	c->fd = socket(c->ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		err(EX_OSERR, "socket");
	if (connect(c->fd, c->ai->ai_addr, c->ai->ai_addrlen) == 0)
		return true;
	p.fd = c->fd;
	p.events = POLLOUT;
	if (errno == EINPROGRESS && poll(&p, 1, CONNECT_MS) == 1 &&
	    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 &&
	    error == 0)
		return true;
	conn_close(c);
	left = CONNECT_MS - (now_ms(CLOCK_MONOTONIC) - start);
	if (left > 0) {
		rest.tv_nsec = left * 1000000L;
		(void)nanosleep(&rest, NULL);
	}
	return false;
}

static void
conn_close(struct conn *c)
{
	if (c->fd != -1)
		(void)close(c->fd);	/* it is given up, whatever it says */
	c->fd = -1;
}

static bool
conn_ask(struct conn *c, const char *line)
{
	size_t len = strlen(line);

	/* Shorter than any socket buffer that is empty. */
	return send(c->fd, line, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* The next line, without its end; false when none came in time. */
static bool
conn_line(struct conn *c, char line[LINE_LEN])
{
	int64_t end = now_ms(CLOCK_MONOTONIC) + c->answer_ms, left;
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	char *nl;
	ssize_t n;
	size_t len;

	while ((nl = memchr(c->in, '\n', c->in_len)) == NULL) {
		left = end - now_ms(CLOCK_MONOTONIC);
		if (left <= 0 || is_ending || c->in_len == sizeof(c->in))
			return false;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len,
		    0);
		if (n <= 0)
			return false;
		c->in_len += (size_t)n;
	}
	len = (size_t)(nl - c->in);
	memcpy(line, c->in, len);
	line[len] = '\0';
	c->in_len -= len + 1;
	memmove(c->in, nl + 1, c->in_len);
	return true;
}

static int64_t
now_ms(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
on_term(int sig)
{
	(void)sig;
	is_ending = 1;
}

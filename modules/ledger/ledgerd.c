/* SPDX-License-Identifier: ISC */
/*
 * The ledger: numbered entries in SQLite, over TCP, a line a request.  It is
 * the application of the demo and knows nothing of Holdfast: an entry is
 * answered with its number when SQLite has committed it.
 *
 * Write-ahead log, because a commit is then one append and one sync of one
 * file (the rollback journals make, sync and remove a second file for each),
 * and because its checksums make the torn end after a power cut harmless.
 * Exclusive locking, because one process owns the file: the index of the log
 * is then in memory and no shared mapping of a file is needed.
 *
 * One loop; a commit blocks it, which is right here: the next request would
 * have to wait for the same disk.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <sqlite3.h>

#define CLIENT_MAX	64
#define LINE_LEN	1024
/* A client pages through a long ledger; one answer stays in memory. */
#define LIST_MAX	1000

struct client {
	int	 fd;		/* -1: free */
	char	 in[LINE_LEN];
	size_t	 in_len;
	char	*out;		/* answers not yet taken */
	size_t	 out_len;
	size_t	 out_done;
	bool	 is_leaving;
};

struct ledger {
	sqlite3		*db;
	sqlite3_stmt	*add;
	sqlite3_stmt	*count;
	sqlite3_stmt	*list;
	int		 listener;
	struct client	 client[CLIENT_MAX];
};

static volatile sig_atomic_t	is_ending;

static void	db_open(struct ledger *l, const char *dir);
static int	listen_on(const char *addr, const char *port);
static void	serve(struct ledger *l);
static void	client_accept(struct ledger *l);
static void	client_read(struct ledger *l, struct client *c);
static void	client_write(struct client *c);
static void	client_close(struct client *c);
static void	request(struct ledger *l, struct client *c, char *line);
static void	request_add(struct ledger *l, FILE *out, const char *text);
static void	request_count(struct ledger *l, FILE *out);
static void	request_list(struct ledger *l, FILE *out, const char *range,
		    bool is_single);
static void	daemonise(int *ready);
static void	pid_write(const char *path);
static void	on_term(int sig);

static void
usage(void)
{
	fprintf(stderr, "usage: ledgerd [-d] [-i PIDFILE] -a ADDRESS -p PORT "
	    "DIRECTORY\n");
	exit(EX_USAGE);
}

int
main(int argc, char *argv[])
{
	static struct ledger l;
	const char *addr = NULL, *port = NULL, *pidfile = NULL;
	bool is_foreground = false;
	int c, ready = -1;

	while ((c = getopt(argc, argv, "a:di:p:")) != -1) {
		switch (c) {
		case 'a': addr = optarg; break;
		case 'd': is_foreground = true; break;
		case 'i': pidfile = optarg; break;
		case 'p': port = optarg; break;
		default: usage();
		}
	}
	if (addr == NULL || port == NULL || optind != argc - 1)
		usage();
	if (!is_foreground)
		daemonise(&ready);
	for (size_t i = 0; i < CLIENT_MAX; i++)
		l.client[i].fd = -1;
	db_open(&l, argv[optind]);
	l.listener = listen_on(addr, port);
	if (pidfile != NULL)
		pid_write(pidfile);
	/* From here on an entry can be made: the parent may say so. */
	if (ready != -1) {
		if (write(ready, "", 1) != 1)
			err(EX_OSERR, "readiness");
		(void)close(ready);
	}
	serve(&l);
	(void)sqlite3_finalize(l.add);
	(void)sqlite3_finalize(l.count);
	(void)sqlite3_finalize(l.list);
	if (sqlite3_close(l.db) != SQLITE_OK)
		warnx("close: %s", sqlite3_errmsg(l.db));
	if (pidfile != NULL)
		(void)unlink(pidfile);
	return 0;
}

static void
db_open(struct ledger *l, const char *dir)
{
	static const char set_up[] =
	    "PRAGMA locking_mode=EXCLUSIVE;"
	    "PRAGMA journal_mode=WAL;"
	    "PRAGMA synchronous=FULL;"
	    "CREATE TABLE IF NOT EXISTS entry"
	    " (number INTEGER PRIMARY KEY, text TEXT NOT NULL);";
	char path[4096];
	int n;

	n = snprintf(path, sizeof(path), "%s/ledger.db", dir);
	if (n < 0 || (size_t)n >= sizeof(path))
		errx(EX_USAGE, "%s: too long", dir);
	if (sqlite3_open(path, &l->db) != SQLITE_OK ||
	    sqlite3_exec(l->db, set_up, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(l->db, "INSERT INTO entry (text) VALUES (?)",
	    -1, &l->add, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(l->db,
	    "SELECT coalesce(max(number), 0) FROM entry", -1, &l->count,
	    NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(l->db, "SELECT number, text FROM entry"
	    " WHERE number BETWEEN ? AND ? ORDER BY number", -1, &l->list,
	    NULL) != SQLITE_OK)
		errx(EX_UNAVAILABLE, "%s: %s", path, sqlite3_errmsg(l->db));
}

static int
listen_on(const char *addr, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
	struct addrinfo *ai;
	int error, fd, on = 1;

	error = getaddrinfo(addr, port, &hints, &ai);
	if (error != 0)
		errx(EX_USAGE, "%s port %s: %s", addr, port,
		    gai_strerror(error));
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) == -1 ||
	    listen(fd, CLIENT_MAX) == -1)
		err(EX_UNAVAILABLE, "%s port %s", addr, port);
	freeaddrinfo(ai);
	return fd;
}

static void
serve(struct ledger *l)
{
	struct pollfd p[CLIENT_MAX + 1];
	struct client *c;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGTERM, on_term);
	(void)signal(SIGINT, on_term);
	while (!is_ending) {
		p[CLIENT_MAX].fd = l->listener;
		p[CLIENT_MAX].events = POLLIN;
		for (size_t i = 0; i < CLIENT_MAX; i++) {
			c = &l->client[i];
			p[i].fd = c->fd;
			/* Who does not take its answers gets no more. */
			p[i].events = c->out == NULL ? POLLIN : POLLOUT;
			p[i].revents = 0;
		}
		/* Half a second: a signal that came before poll is seen. */
		if (poll(p, CLIENT_MAX + 1, 500) <= 0)
			continue;
		for (size_t i = 0; i < CLIENT_MAX; i++) {
			if (p[i].revents == 0)
				continue;
			if (l->client[i].out != NULL)
				client_write(&l->client[i]);
			else
				client_read(l, &l->client[i]);
		}
		if (p[CLIENT_MAX].revents & POLLIN)
			client_accept(l);
	}
}

static void
client_accept(struct ledger *l)
{
	int fd;

	fd = accept4(l->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1)
		return;
	for (size_t i = 0; i < CLIENT_MAX; i++) {
		if (l->client[i].fd != -1)
			continue;
		memset(&l->client[i], 0, sizeof(l->client[i]));
		l->client[i].fd = fd;
		return;
	}
	(void)send(fd, "err too many clients\n", 21, MSG_NOSIGNAL);
	(void)close(fd);	/* told, if it could be */
}

static void
client_read(struct ledger *l, struct client *c)
{
	char *line, *end;
	ssize_t n;

	n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - 1 - c->in_len, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	c->in_len += (size_t)n;
	c->in[c->in_len] = '\0';
	line = c->in;
	while (!c->is_leaving && (end = strchr(line, '\n')) != NULL) {
		*end = '\0';
		if (end > line && end[-1] == '\r')
			end[-1] = '\0';
		request(l, c, line);
		line = end + 1;
	}
	c->in_len -= (size_t)(line - c->in);
	memmove(c->in, line, c->in_len);
	if (c->in_len == sizeof(c->in) - 1) {
		(void)send(c->fd, "err line too long\n", 18, MSG_NOSIGNAL);
		/* A close with input unread resets, and the answer is lost. */
		for (int i = 0; i < 64 &&
		    recv(c->fd, c->in, sizeof(c->in), MSG_DONTWAIT) > 0; i++)
			;
		c->in_len = 0;
		c->is_leaving = true;
	}
	client_write(c);
}

static void
client_write(struct client *c)
{
	ssize_t n;

	while (c->out != NULL) {
		n = send(c->fd, c->out + c->out_done, c->out_len - c->out_done,
		    MSG_NOSIGNAL);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n == -1) {
			c->is_leaving = true;
			break;
		}
		c->out_done += (size_t)n;
		if (c->out_done < c->out_len)
			continue;
		free(c->out);
		c->out = NULL;
		c->out_len = c->out_done = 0;
	}
	if (c->is_leaving)
		client_close(c);
}

static void
client_close(struct client *c)
{
	(void)close(c->fd);	/* nothing of it is wanted any more */
	free(c->out);
	c->out = NULL;
	c->fd = -1;
}

/* One line; the answer goes behind those that wait. */
static void
request(struct ledger *l, struct client *c, char *line)
{
	char *answer, *all, *arg;
	size_t len;
	FILE *out;

	out = open_memstream(&answer, &len);
	if (out == NULL)
		err(EX_OSERR, "answer");
	arg = line + strcspn(line, " ");
	if (*arg != '\0')
		*arg++ = '\0';
	if (strcmp(line, "add") == 0)
		request_add(l, out, arg);
	else if (strcmp(line, "count") == 0)
		request_count(l, out);
	else if (strcmp(line, "get") == 0)
		request_list(l, out, arg, true);
	else if (strcmp(line, "list") == 0)
		request_list(l, out, arg, false);
	else if (strcmp(line, "quit") == 0) {
		c->is_leaving = true;
		fprintf(out, "ok bye\n");
	} else
		fprintf(out, "err add TEXT, count, get N, list A B or quit\n");
	if (fclose(out) != 0)
		err(EX_OSERR, "answer");
	all = realloc(c->out, c->out_len + len);
	if (all == NULL)
		err(EX_OSERR, "answer");
	memcpy(all + c->out_len, answer, len);
	c->out = all;
	c->out_len += len;
	free(answer);
}

static void
request_add(struct ledger *l, FILE *out, const char *text)
{
	int rc;

	if (*text == '\0') {
		fprintf(out, "err add what?\n");
		return;
	}
	(void)sqlite3_bind_text(l->add, 1, text, -1, SQLITE_TRANSIENT);
	rc = sqlite3_step(l->add);
	/* One statement is one transaction: here it is on the disk. */
	if (rc == SQLITE_DONE)
		fprintf(out, "ok %lld\n",
		    (long long)sqlite3_last_insert_rowid(l->db));
	else
		fprintf(out, "err not added: %s\n", sqlite3_errmsg(l->db));
	(void)sqlite3_reset(l->add);
}

static void
request_count(struct ledger *l, FILE *out)
{
	if (sqlite3_step(l->count) == SQLITE_ROW)
		fprintf(out, "ok %lld\n",
		    (long long)sqlite3_column_int64(l->count, 0));
	else
		fprintf(out, "err not read: %s\n", sqlite3_errmsg(l->db));
	(void)sqlite3_reset(l->count);
}

/* "A B", or "N" when is_single. */
static void
request_list(struct ledger *l, FILE *out, const char *range, bool is_single)
{
	long long first = 0, last = 0;
	char extra;
	int n, rc, rows = 0;

	n = sscanf(range, "%lld %lld %c", &first, &last, &extra);
	if (is_single && n == 1)
		last = first;
	else if (is_single || n != 2)
		first = 0;
	if (first < 1 || last < first || last - first >= LIST_MAX) {
		fprintf(out, "err numbers from 1, at most %d at a time\n",
		    LIST_MAX);
		return;
	}
	(void)sqlite3_bind_int64(l->list, 1, first);
	(void)sqlite3_bind_int64(l->list, 2, last);
	while ((rc = sqlite3_step(l->list)) == SQLITE_ROW) {
		rows++;
		fprintf(out, "%s%lld %s\n", is_single ? "ok " : "",
		    (long long)sqlite3_column_int64(l->list, 0),
		    (const char *)sqlite3_column_text(l->list, 1));
	}
	if (rc != SQLITE_DONE)
		fprintf(out, "err not read: %s\n", sqlite3_errmsg(l->db));
	else if (is_single && rows == 0)
		fprintf(out, "err no entry %lld\n", first);
	else if (!is_single)
		fprintf(out, "ok %d\n", rows);
	(void)sqlite3_reset(l->list);
}

/* The parent ends when the child says that it serves, or as the child did. */
static void
daemonise(int *ready)
{
	int fd[2];
	pid_t pid;
	char byte;

	if (pipe2(fd, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		err(EX_OSERR, "start");
	if (pid != 0) {
		(void)close(fd[1]);
		_exit(read(fd[0], &byte, 1) == 1 ? 0 : EX_UNAVAILABLE);
	}
	(void)close(fd[0]);
	(void)setsid();
	if (chdir("/") == -1)
		err(EX_OSERR, "/");
	*ready = fd[1];
}

static void
pid_write(const char *path)
{
	char tmp[4096];
	FILE *f;
	int n;

	n = snprintf(tmp, sizeof(tmp), "%s.new", path);
	if (n < 0 || (size_t)n >= sizeof(tmp))
		errx(EX_USAGE, "%s: too long", path);
	f = fopen(tmp, "w");
	if (f == NULL || fprintf(f, "%d\n", (int)getpid()) < 0 ||
	    fclose(f) != 0 || rename(tmp, path) == -1)
		err(EX_CANTCREAT, "%s", path);
}

static void
on_term(int sig)
{
	(void)sig;
	is_ending = 1;
}

/* SPDX-License-Identifier: ISC */
/*
 * Local sockets, server side.  One request of a client is handled at a time;
 * what it sends meanwhile waits in its buffer.  A client is never freed
 * inside a handler: it is marked and reaped when the callback returns.
 */

#include "serve.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "paths.h"
#include "serve-peer.h"
#include "xalloc.h"

#define WATCH_MAX	8
#define TOPIC_LEN	48
#define CLIENT_MAX	128
#define CLIENT_FOREIGN	96	/* the rest is for root and ourselves */
#define CLIENT_EACH	32	/* of one other user */
#define CLIENT_NONE	8	/* that have no role; all together */
#define ACCEPT_PAUSE_MS	200

struct client {
	struct serve	*serve;
	struct client	*next;
	struct loop_fd	*io;
	int		 fd;
	struct ucred	 cred;
	enum role	 role;
	bool		 busy;		/* a later answer is owed */
	bool		 doomed;
	bool		 eof;
	int		 events;	/* that the loop looks for */
	unsigned	 depth;		/* callbacks that hold the pointer */
	int		 passed_fd;	/* came with a request, or -1 */
	unsigned	 watch_count;
	char		 watch[WATCH_MAX][TOPIC_LEN];
	size_t		 in_len;
	char		 in[LINE_MAX_LEN];
	size_t		 out_len;
	size_t		 out_size;
	char		*out;
	void		*data;
};

struct serve {
	struct loop		*loop;
	struct loop_fd		*io;
	struct loop_timer	*again;		/* to accept, without EMFILE */
	int			 fd;
	char			 path[PATH_LEN];
	const char		*name;
	const struct verb	*verbs;
	void			*arg;
	void			(*on_close)(struct client *, void *);
	struct client		*clients;
	unsigned		 count;
	bool			 full_said;
	struct peer_groups	 groups;
};

/* --- clients -------------------------------------------------------- */

static void
client_unlink(struct client *c)
{
	struct client **p;

	for (p = &c->serve->clients; *p != NULL; p = &(*p)->next)
		if (*p == c) {
			*p = c->next;
			c->serve->count--;
			c->serve->full_said = false;
			return;
		}
}

static void
client_free(struct client *c)
{
	client_unlink(c);
	if (c->serve->on_close != NULL)
		c->serve->on_close(c, c->serve->arg);
	loop_fd_del(c->io);
	(void)close(c->fd);	/* nothing to do about it */
	if (c->passed_fd != -1)
		(void)close(c->passed_fd);	/* never taken */
	free(c->out);
	free(c);
}

static void
client_enter(struct client *c)
{
	c->depth++;
}

static void
client_leave(struct client *c)
{
	if (--c->depth == 0 && c->doomed)
		client_free(c);
}

void
serve_close(struct client *c)
{
	client_enter(c);
	c->doomed = true;
	client_leave(c);
}

/*
 * A full buffer is read no further until the answer that is owed is given:
 * whoever listened all the same would be called without end.
 */
static void
client_listen(struct client *c)
{
	int events = (c->eof || c->in_len == sizeof(c->in) ? 0 : LOOP_READ) |
	    (c->out_len > 0 ? LOOP_WRITE : 0);

	if (events != c->events)
		loop_fd_set(c->io, events);
	c->events = events;
}

/* Sends what fits; keeps the rest. */
static void
client_flush(struct client *c)
{
	while (c->out_len > 0) {
		ssize_t n = send(c->fd, c->out, c->out_len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n == -1) {
			c->doomed = true;
			return;
		}
		memmove(c->out, c->out + n, c->out_len - (size_t)n);
		c->out_len -= (size_t)n;
	}
	client_listen(c);
}

static void
client_send(struct client *c, const char *text, size_t len)
{
	bool was_empty = c->out_len == 0;

	if (c->doomed)
		return;
	if (c->out_len + len > SERVE_QUEUE_MAX) {
		log_warnx("%s: client %d does not read: closed",
		    c->serve->name, (int)c->cred.pid);
		c->doomed = true;
		return;
	}
	if (c->out_len + len > c->out_size) {
		c->out_size = (c->out_len + len) * 2;
		c->out = xrealloc(c->out, c->out_size, 1);
	}
	memcpy(c->out + c->out_len, text, len);
	c->out_len += len;
	if (was_empty)
		client_flush(c);
}

static void
send_line(struct client *c, struct line_out *o)
{
	client_enter(c);
	if (line_end(o)) {
		client_send(c, o->text, o->len);
	} else {
		log_warnx("%s: an answer was longer than %d bytes",
		    c->serve->name, LINE_MAX_LEN);
		c->doomed = true;
	}
	client_leave(c);
}

/* --- requests ------------------------------------------------------- */

static bool
key_allowed(const char *keys, const char *key)
{
	size_t len = strlen(key);

	if (strcmp(keys, "*") == 0)
		return true;
	for (const char *p = keys; *p != '\0'; ) {
		size_t n = strcspn(p, " ");

		if (n == len && strncmp(p, key, n) == 0)
			return true;
		p += n + (p[n] == ' ');
	}
	return false;
}

static const struct verb *
find_verb(const struct serve *s, const char *name)
{
	for (const struct verb *v = s->verbs; v->name != NULL; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

static void
dispatch(struct client *c, const struct line *l)
{
	const struct verb *v = find_verb(c->serve, l->verb);

	if (v == NULL && c->role != ROLE_NONE) {
		serve_err(c, "unknown-verb", "%s does not know \"%s\"",
		    c->serve->name, l->verb);
		return;
	}
	if (v == NULL || c->role < v->least_role) {
		serve_err(c, "denied", "uid %u may not %s; groups "
		    "holdfast-admin, holdfast-control and holdfast give the "
		    "roles", (unsigned)c->cred.uid, l->verb);
		/* It was told why; there is nothing else for it here. */
		if (c->role == ROLE_NONE)
			c->doomed = true;
		return;
	}
	for (unsigned i = 0; i < l->count; i++)
		if (!key_allowed(v->keys, l->pair[i].key)) {
			serve_err(c, "unknown-key", "%s takes no \"%s\"",
			    l->verb, l->pair[i].key);
			return;
		}
	v->handler(c, l, c->serve->arg);
}

static void
handle_line(struct client *c, const char *text, size_t len)
{
	struct line *l = xcalloc(1, sizeof(*l));
	const char *why;

	if (line_parse(l, text, len, &why) == -1) {
		serve_err(c, "syntax", "%s", why);
		c->doomed = true;
	} else {
		c->busy = true;
		dispatch(c, l);
	}
	free(l);
}

/* Handles whole lines until one is answered later. */
static void
client_work(struct client *c)
{
	while (!c->busy && !c->doomed) {
		char *newline = memchr(c->in, '\n', c->in_len);
		size_t len;

		if (newline == NULL) {
			if (c->in_len == sizeof(c->in)) {
				serve_err(c, "syntax", "line too long");
				c->doomed = true;
			}
			break;
		}
		len = (size_t)(newline - c->in);
		handle_line(c, c->in, len);
		c->in_len -= len + 1;
		memmove(c->in, newline + 1, c->in_len);
	}
	if (c->eof && !c->busy && c->out_len == 0 && c->watch_count == 0)
		c->doomed = true;
	if (!c->doomed)
		client_listen(c);
}

/* The last of all that came is kept. */
static void
take_fds(struct client *c, struct msghdr *msg)
{
	size_t count;

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(msg); cm != NULL;
	    cm = CMSG_NXTHDR(msg, cm)) {
		if (cm->cmsg_level != SOL_SOCKET ||
		    cm->cmsg_type != SCM_RIGHTS)
			continue;
		count = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		/* The kernel pads: two fit where one was made room for. */
		for (size_t i = 0; i < count; i++) {
			if (c->passed_fd != -1)
				(void)close(c->passed_fd);	/* replaced */
			memcpy(&c->passed_fd, CMSG_DATA(cm) +
			    i * sizeof(int), sizeof(int));
		}
	}
}

static void
client_read(struct client *c)
{
	union {
		char		buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	align;
	} control;
	struct iovec iov = { c->in + c->in_len, sizeof(c->in) - c->in_len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	ssize_t n;

	if (iov.iov_len == 0)
		return;
	/* Without room for them the kernel drops the descriptors. */
	if (c->role == ROLE_NONE)
		msg.msg_controllen = 0;
	n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* Half-closed by `socat -' or a shell: answers still go. */
		c->eof = n == 0;
		c->doomed = n == -1 ||
		    (!c->busy && (peer_is_gone(c->fd) ||
		    (c->out_len == 0 && c->watch_count == 0)));
		if (!c->doomed)
			client_flush(c);
		return;
	}
	take_fds(c, &msg);
	c->in_len += (size_t)n;
}

static void
client_ready(int fd, int events, void *arg)
{
	struct client *c = arg;

	(void)fd;
	client_enter(c);
	if (events & LOOP_WRITE)
		client_flush(c);
	if ((events & LOOP_READ) && !c->eof)
		client_read(c);
	client_work(c);
	client_leave(c);
}

/* --- answers -------------------------------------------------------- */

/*
 * Ends an answer that client_enter() began: the request is over, and the next
 * one, if it is here already, begins.  A client that is gone meanwhile is
 * freed here and not before.
 */
static void
finish(struct client *c)
{
	c->busy = false;
	if (c->depth == 1)
		client_work(c);
	client_leave(c);
}

void
serve_line(struct client *c, struct line_out *o)
{
	send_line(c, o);
}

void
serve_ok_line(struct client *c, struct line_out *o)
{
	client_enter(c);
	send_line(c, o);
	finish(c);
}

void
serve_ok(struct client *c)
{
	struct line_out o;

	line_begin(&o, "ok");
	serve_ok_line(c, &o);
}

void
serve_err(struct client *c, const char *code, const char *fmt, ...)
{
	struct line_out o;
	char text[LINE_MAX_LEN / 4];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	line_begin(&o, "err");
	line_add(&o, "code", code);
	line_add(&o, "text", text);
	serve_ok_line(c, &o);
}

void
serve_later(struct client *c)
{
	c->busy = true;
}

void
serve_ok_fd(struct client *c, int fd)
{
	union {
		char		buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	align;
	} control;
	char text[] = "ok\n";
	struct iovec iov = { text, 3 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cm;

	memset(&control, 0, sizeof(control));
	cm = CMSG_FIRSTHDR(&msg);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	client_enter(c);
	/* Earlier answers must not be overtaken: send them or give up. */
	client_flush(c);
	if (c->out_len > 0 ||
	    sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) != 3)
		c->doomed = true;
	finish(c);
}

/* --- watching ------------------------------------------------------- */

void
serve_watch(struct client *c, const char *topic)
{
	for (unsigned i = 0; i < c->watch_count; i++)
		if (strcmp(c->watch[i], topic) == 0)
			return;
	if (c->watch_count == WATCH_MAX || strlen(topic) >= TOPIC_LEN) {
		log_warnx("%s: client %d watches too much", c->serve->name,
		    (int)c->cred.pid);
		return;
	}
	(void)snprintf(c->watch[c->watch_count++], TOPIC_LEN, "%s", topic);
}

static bool
watches(const struct client *c, const char *topic)
{
	for (unsigned i = 0; i < c->watch_count; i++)
		if (strcmp(c->watch[i], topic) == 0)
			return true;
	return false;
}

void
serve_event_to(struct client *c, struct line_out *o)
{
	send_line(c, o);
}

void
serve_event(struct serve *s, const char *topic, struct line_out *o)
{
	struct client *c, *next;

	if (!line_end(o)) {
		log_warnx("%s: an event was longer than %d bytes", s->name,
		    LINE_MAX_LEN);
		return;
	}
	for (c = s->clients; c != NULL; c = next) {
		next = c->next;
		if (!watches(c, topic))
			continue;
		client_enter(c);
		client_send(c, o->text, o->len);
		client_leave(c);
	}
}

bool
serve_has_watchers(const struct serve *s, const char *topic)
{
	for (const struct client *c = s->clients; c != NULL; c = c->next)
		if (watches(c, topic))
			return true;
	return false;
}

/* --- accessors ------------------------------------------------------ */

enum role
serve_role(const struct client *c)
{
	return c->role;
}

uid_t
serve_uid(const struct client *c)
{
	return c->cred.uid;
}

pid_t
serve_pid(const struct client *c)
{
	return c->cred.pid;
}

bool
serve_is_gone(const struct client *c)
{
	return peer_is_gone(c->fd);
}

size_t
serve_queued(const struct client *c)
{
	return c->out_len;
}

size_t
serve_unread(const struct client *c)
{
	return c->out_len + peer_unread(c->fd);
}

int
serve_take_fd(struct client *c)
{
	int fd = c->passed_fd;

	c->passed_fd = -1;
	return fd;
}

void
serve_set_data(struct client *c, void *data)
{
	c->data = data;
}

void *
serve_data(const struct client *c)
{
	return c->data;
}

/* --- the socket ----------------------------------------------------- */

static void
accept_again(void *arg)
{
	struct serve *s = arg;

	loop_fd_set(s->io, LOOP_READ);
}

/*
 * Who waits in the queue keeps the socket readable: the loop would turn
 * without end until a descriptor is free.
 */
static void
accept_pause(struct serve *s)
{
	log_warn("%s: no client is taken for %d ms", s->name,
	    ACCEPT_PAUSE_MS);
	loop_fd_set(s->io, 0);
	loop_timer_set(s->again, ACCEPT_PAUSE_MS, 0);
}

/*
 * Who has no role is kept only until it has asked once and is told why not;
 * of those who do not ask, the oldest goes.
 */
static void
drop_roleless(struct serve *s)
{
	struct client *oldest = NULL;
	unsigned count = 0;

	for (struct client *c = s->clients; c != NULL; c = c->next)
		if (c->role == ROLE_NONE) {
			oldest = c;	/* the newest are first */
			count++;
		}
	if (count >= CLIENT_NONE)
		serve_close(oldest);
}

/* No user may take the places of the others, and none those of root. */
static bool
has_place(const struct serve *s, const struct ucred *cred)
{
	unsigned foreign = 0, same = 0;

	if (peer_is_own(cred))
		return s->count < CLIENT_MAX;
	for (const struct client *c = s->clients; c != NULL; c = c->next) {
		foreign += !peer_is_own(&c->cred);
		same += c->cred.uid == cred->uid;
	}
	return s->count < CLIENT_MAX && foreign < CLIENT_FOREIGN &&
	    same < CLIENT_EACH;
}

/* Said once, not for each: who is refused may come again at once. */
static void
refuse(struct serve *s, int conn, const struct ucred *cred)
{
	if (!s->full_said)
		log_warnx("%s: too many clients: uid %u is refused", s->name,
		    (unsigned)cred->uid);
	s->full_said = true;
	(void)close(conn);	/* told by the end of file */
}

static void
client_new(struct serve *s, int conn, const struct ucred *cred,
    enum role role)
{
	struct client *c = xcalloc(1, sizeof(*c));
	struct line_out o;

	c->serve = s;
	c->fd = conn;
	c->passed_fd = -1;
	c->cred = *cred;
	c->role = role;
	c->events = LOOP_READ;
	c->io = loop_fd_add(s->loop, conn, LOOP_READ, client_ready, c);
	c->next = s->clients;
	s->clients = c;
	s->count++;
	o.len = (size_t)snprintf(o.text, sizeof(o.text), "holdfast %s 1",
	    s->name);
	o.overflow = false;
	send_line(c, &o);
}

static void
accept_ready(int fd, int events, void *arg)
{
	struct serve *s = arg;
	struct ucred cred;
	enum role role;
	int conn;

	(void)events;
	conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (conn == -1) {
		if (errno == EMFILE || errno == ENFILE)
			accept_pause(s);
		return;
	}
	role = peer_role(&s->groups, conn, &cred);
	if (role == ROLE_NONE)
		drop_roleless(s);
	if (has_place(s, &cred))
		client_new(s, conn, &cred, role);
	else
		refuse(s, conn, &cred);
}

/* A live server answers connect(2); what a dead one left is removed. */
static int
clear_stale(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	if (fd == -1)
		return -1;
	rc = connect(fd, (const struct sockaddr *)sun, sizeof(*sun));
	(void)close(fd);	/* only asked */
	if (rc == 0) {
		errno = EADDRINUSE;
		return -1;
	}
	return unlink(sun->sun_path) == 0 || errno == ENOENT ? 0 : -1;
}

static int
bind_socket(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char dir[PATH_LEN];
	mode_t mask;
	int fd, rc;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	(void)snprintf(dir, sizeof(dir), "%s", path);
	if (path_mkdirs(dirname(dir), 0755) == -1 || clear_stale(&sun) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	/* Anyone may connect: who has no role is told so. */
	mask = umask(0111);
	rc = bind(fd, (struct sockaddr *)&sun, sizeof(sun));
	(void)umask(mask);
	if (rc == -1 || listen(fd, 64) == -1) {
		rc = errno;
		(void)close(fd);	/* the first error counts */
		errno = rc;
		return -1;
	}
	return fd;
}

struct serve *
serve_new(struct loop *l, const char *path, const char *name,
    const struct verb *verbs, void *arg)
{
	struct serve *s;
	int fd = bind_socket(path);

	if (fd == -1)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->loop = l;
	s->fd = fd;
	(void)snprintf(s->path, sizeof(s->path), "%s", path);
	s->name = name;
	s->verbs = verbs;
	s->arg = arg;
	peer_groups_find(&s->groups);
	s->io = loop_fd_add(l, fd, LOOP_READ, accept_ready, s);
	s->again = loop_timer_new(l, accept_again, s);
	return s;
}

void
serve_on_close(struct serve *s,
    void (*on_close)(struct client *c, void *arg))
{
	s->on_close = on_close;
}

void
serve_free(struct serve *s)
{
	if (s == NULL)
		return;
	while (s->clients != NULL)
		client_free(s->clients);
	loop_timer_free(s->again);
	loop_fd_del(s->io);
	(void)close(s->fd);		/* nothing is lost */
	(void)unlink(s->path);		/* a stale one is replaced anyway */
	free(s);
}

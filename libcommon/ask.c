/* SPDX-License-Identifier: ISC */
/* Local sockets, client side. */

#include "ask.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "paths.h"
#include "xalloc.h"

#define RETRY_MIN_MS	10
#define RETRY_MAX_MS	200	/* a local socket: it costs nothing */
#define ASK_QUEUE_MAX	(256 * 1024)

struct pending {
	struct pending	*next;
	void		(*on_answer)(const struct line *, void *);
	void		*arg;
};

struct ask {
	struct loop		*loop;
	char			 path[PATH_LEN];
	const struct ask_calls	*calls;
	void			*arg;
	struct loop_timer	*retry;
	int64_t			 retry_ms;
	struct loop_fd		*io;
	int			 fd;
	bool			 greeted;
	bool			 freed;		/* inside a callback */
	unsigned		 depth;
	struct pending		*first;
	struct pending		**last;
	size_t			 in_len;
	char			 in[LINE_MAX_LEN];
	size_t			 out_len;
	size_t			 out_size;
	char			*out;
};

static int
open_socket(const char *path, int flags)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, saved;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		saved = errno;
		(void)close(fd);	/* the first error counts */
		errno = saved;
		return -1;
	}
	return fd;
}

static bool
is_greeting(const char *text, size_t len)
{
	return len > 9 && memcmp(text, "holdfast ", 9) == 0;
}

/* --- the standing link ---------------------------------------------- */

static void ask_ready(int, int, void *);

static void
answer_gone(struct ask *a)
{
	static const char text[] = "err code=gone text=\"the link broke\"";
	struct line *l = xcalloc(1, sizeof(*l));
	const char *why;
	struct pending *p;

	(void)line_parse(l, text, sizeof(text) - 1, &why);
	while ((p = a->first) != NULL) {
		a->first = p->next;
		if (p->on_answer != NULL)
			p->on_answer(l, p->arg);
		free(p);
	}
	a->last = &a->first;
	free(l);
}

static void
ask_down(struct ask *a)
{
	bool was_up = a->greeted;

	if (a->fd == -1)
		return;
	loop_fd_del(a->io);
	a->io = NULL;
	(void)close(a->fd);	/* already broken */
	a->fd = -1;
	a->greeted = false;
	a->in_len = a->out_len = 0;
	loop_timer_set(a->retry, a->retry_ms, a->retry_ms / 4);
	if (a->retry_ms < RETRY_MAX_MS)
		a->retry_ms *= 2;
	answer_gone(a);
	if (was_up && a->calls->on_down != NULL && !a->freed)
		a->calls->on_down(a, a->arg);
}

static void
ask_connect(void *arg)
{
	struct ask *a = arg;

	a->fd = open_socket(a->path, SOCK_NONBLOCK);
	if (a->fd == -1) {
		loop_timer_set(a->retry, a->retry_ms, a->retry_ms / 4);
		if (a->retry_ms < RETRY_MAX_MS)
			a->retry_ms *= 2;
		return;
	}
	a->io = loop_fd_add(a->loop, a->fd, LOOP_READ, ask_ready, a);
}

struct ask *
ask_new(struct loop *l, const char *path, const struct ask_calls *calls,
    void *arg)
{
	struct ask *a = xcalloc(1, sizeof(*a));

	a->loop = l;
	(void)snprintf(a->path, sizeof(a->path), "%s", path);
	a->calls = calls;
	a->arg = arg;
	a->fd = -1;
	a->last = &a->first;
	a->retry_ms = RETRY_MIN_MS;
	a->retry = loop_timer_new(l, ask_connect, a);
	loop_timer_set(a->retry, 0, 0);
	return a;
}

static void
ask_destroy(struct ask *a)
{
	struct pending *p;

	while ((p = a->first) != NULL) {
		a->first = p->next;
		free(p);
	}
	loop_fd_del(a->io);
	if (a->fd != -1)
		(void)close(a->fd);	/* ours to end */
	loop_timer_free(a->retry);
	free(a->out);
	free(a);
}

void
ask_free(struct ask *a)
{
	if (a == NULL)
		return;
	a->freed = true;
	if (a->depth == 0)
		ask_destroy(a);
}

bool
ask_is_up(const struct ask *a)
{
	return a->greeted;
}

static bool
ask_flush(struct ask *a)
{
	while (a->out_len > 0) {
		ssize_t n = send(a->fd, a->out, a->out_len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			break;
		if (n == -1)
			return false;
		memmove(a->out, a->out + n, a->out_len - (size_t)n);
		a->out_len -= (size_t)n;
	}
	loop_fd_set(a->io, LOOP_READ | (a->out_len > 0 ? LOOP_WRITE : 0));
	return true;
}

bool
ask_send(struct ask *a, struct line_out *o,
    void (*on_answer)(const struct line *l, void *arg), void *arg)
{
	struct pending *p;

	if (!a->greeted || !line_end(o))
		return false;
	if (a->out_len + o->len > ASK_QUEUE_MAX)
		return false;
	if (a->out_len + o->len > a->out_size) {
		a->out_size = (a->out_len + o->len) * 2;
		a->out = xrealloc(a->out, a->out_size, 1);
	}
	memcpy(a->out + a->out_len, o->text, o->len);
	a->out_len += o->len;
	p = xcalloc(1, sizeof(*p));
	p->on_answer = on_answer;
	p->arg = arg;
	*a->last = p;
	a->last = &p->next;
	/* A broken link is noticed by the reader, which answers "gone". */
	(void)ask_flush(a);
	return true;
}

static void
ask_greeted(struct ask *a, const char *text, size_t len)
{
	if (!is_greeting(text, len)) {
		log_warnx("%s: no Holdfast daemon answers there", a->path);
		ask_down(a);
		return;
	}
	a->greeted = true;
	a->retry_ms = RETRY_MIN_MS;
	a->calls->on_up(a, a->arg);
}

static void
ask_answer(struct ask *a, const struct line *l)
{
	struct pending *p = a->first;
	bool final = l->verb[0] != '\0';

	if (p == NULL) {
		log_warnx("%s: an answer nobody asked for", a->path);
		ask_down(a);
		return;
	}
	if (final) {
		a->first = p->next;
		if (a->first == NULL)
			a->last = &a->first;
	}
	if (p->on_answer != NULL)
		p->on_answer(l, p->arg);
	if (final)
		free(p);
}

static void
ask_line(struct ask *a, const char *text, size_t len)
{
	struct line *l;
	const char *why;

	if (!a->greeted) {
		ask_greeted(a, text, len);
		return;
	}
	l = xcalloc(1, sizeof(*l));
	if (line_parse(l, text, len, &why) == -1) {
		log_warnx("%s: bad line: %s", a->path, why);
		ask_down(a);
	} else if (l->verb[0] == '\0' || strcmp(l->verb, "ok") == 0 ||
	    strcmp(l->verb, "err") == 0) {
		ask_answer(a, l);
	} else if (a->calls->on_event != NULL) {
		a->calls->on_event(a, l, a->arg);
	}
	free(l);
}

static void
ask_read(struct ask *a)
{
	ssize_t n = recv(a->fd, a->in + a->in_len,
	    sizeof(a->in) - a->in_len, MSG_DONTWAIT);
	size_t done = 0;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		ask_down(a);
		return;
	}
	a->in_len += (size_t)n;
	while (a->fd != -1 && !a->freed) {
		char *start = a->in + done;
		char *newline = memchr(start, '\n', a->in_len - done);

		if (newline == NULL)
			break;
		done += (size_t)(newline - start) + 1;
		ask_line(a, start, (size_t)(newline - start));
	}
	if (a->fd == -1)
		return;
	a->in_len -= done;
	memmove(a->in, a->in + done, a->in_len);
	if (a->in_len == sizeof(a->in)) {
		log_warnx("%s: line too long", a->path);
		ask_down(a);
	}
}

static void
ask_ready(int fd, int events, void *arg)
{
	struct ask *a = arg;

	(void)fd;
	a->depth++;
	if ((events & LOOP_WRITE) && !ask_flush(a))
		ask_down(a);
	if ((events & LOOP_READ) && a->fd != -1 && !a->freed)
		ask_read(a);
	if (--a->depth == 0 && a->freed)
		ask_destroy(a);
}

/* --- blocking, for commands ----------------------------------------- */

struct session {
	int		fd;
	struct mono	deadline;	/* unset: none */
	size_t		in_len;
	size_t		done;
	char		in[LINE_MAX_LEN];
	struct line	line;
};

static int
session_wait(struct session *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	int64_t left = -1;
	int rc;

	if (mono_is_set(s->deadline)) {
		left = mono_diff_ms(s->deadline, mono_now());
		if (left < 0)
			left = 0;
	}
	rc = poll(&p, 1, (int)left);
	if (rc == 0)
		errno = ETIMEDOUT;
	return rc > 0 ? 0 : -1;
}

/* The next raw line; NULL with errno (EPROTO at the end of file). */
static char *
session_text(struct session *s, size_t *len)
{
	char *newline;
	ssize_t n;

	s->in_len -= s->done;
	memmove(s->in, s->in + s->done, s->in_len);
	s->done = 0;
	while ((newline = memchr(s->in, '\n', s->in_len)) == NULL) {
		if (s->in_len == sizeof(s->in)) {
			errno = EPROTO;
			return NULL;
		}
		if (session_wait(s) == -1) {
			if (errno == EINTR)
				continue;
			return NULL;
		}
		n = recv(s->fd, s->in + s->in_len, sizeof(s->in) - s->in_len,
		    0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (n == 0)
				errno = EPROTO;
			return NULL;
		}
		s->in_len += (size_t)n;
	}
	*len = (size_t)(newline - s->in);
	s->done = *len + 1;
	return s->in;
}

static const struct line *
session_line(struct session *s)
{
	const char *why;
	size_t len;
	char *text = session_text(s, &len);

	if (text == NULL)
		return NULL;
	if (line_parse(&s->line, text, len, &why) == -1) {
		errno = EPROTO;
		return NULL;
	}
	return &s->line;
}

/* The request, with a descriptor or without (-1). */
static bool
session_send(const struct session *s, const struct line_out *o, int fd)
{
	union {
		char		buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	align;
	} control;
	/* Only read from; the structure does not know. */
	struct iovec iov = { (void *)(uintptr_t)o->text, o->len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cm;

	if (fd != -1) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		cm = CMSG_FIRSTHDR(&msg);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	}
	return sendmsg(s->fd, &msg, MSG_NOSIGNAL) == (ssize_t)o->len;
}

static struct session *
session_open(const char *path, struct line_out *o, int fd,
    int64_t timeout_ms)
{
	struct session *s = xcalloc(1, sizeof(*s));
	char *text;
	size_t len;
	int saved;

	if (timeout_ms >= 0)
		s->deadline = mono_add_ms(mono_now(), timeout_ms);
	s->fd = open_socket(path, 0);
	if (s->fd == -1)
		goto out;
	text = session_text(s, &len);
	if (text == NULL)
		goto out;
	if (!is_greeting(text, len)) {
		errno = EPROTO;
		goto out;
	}
	if (line_end(o) && session_send(s, o, fd))
		return s;
out:
	saved = errno;
	if (s->fd != -1)
		(void)close(s->fd);	/* the first error counts */
	free(s);
	errno = saved;
	return NULL;
}

static void
session_close(struct session *s)
{
	int saved = errno;

	(void)close(s->fd);	/* the answer is in */
	free(s);
	errno = saved;
}

int
ask_once(const char *path, struct line_out *o, int64_t timeout_ms,
    void (*on_line)(const struct line *l, void *arg), void *arg)
{
	struct session *s = session_open(path, o, -1, timeout_ms);
	const struct line *l;
	int rc = -1;

	if (s == NULL)
		return -1;
	while ((l = session_line(s)) != NULL) {
		bool is_ok = strcmp(l->verb, "ok") == 0;
		bool is_err = strcmp(l->verb, "err") == 0;

		if (on_line != NULL && (is_ok || is_err ||
		    l->verb[0] == '\0'))
			on_line(l, arg);
		if (is_ok || is_err) {
			rc = is_ok ? 0 : 1;
			break;
		}
	}
	session_close(s);
	return rc;
}

int
ask_watch(const char *path, struct line_out *o, int64_t timeout_ms,
    bool (*on_line)(const struct line *l, void *arg), void *arg)
{
	return ask_watch_fd(path, o, -1, timeout_ms, on_line, arg);
}

int
ask_watch_fd(const char *path, struct line_out *o, int fd,
    int64_t timeout_ms, bool (*on_line)(const struct line *l, void *arg),
    void *arg)
{
	struct session *s = session_open(path, o, fd, timeout_ms);
	const struct line *l;
	int rc = -1;

	if (s == NULL)
		return -1;
	while ((l = session_line(s)) != NULL)
		if (!on_line(l, arg)) {
			rc = 0;
			break;
		}
	session_close(s);
	return rc;
}

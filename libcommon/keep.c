/* SPDX-License-Identifier: ISC */
/*
 * Client of keepd.  One request at a time, under a lock, since mirrord's
 * workers put too.  An answer that does not come in LIMIT_S breaks the link:
 * a stopped keepd must not stop its owners.  A broken link is shut down and
 * not closed, so that the owner's loop sees it and the number is not reused
 * under its handler; keep_refill() closes it.
 */
#include "keep.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "line.h"
#include "log.h"
#include "paths.h"
#include "xalloc.h"

#define KEEP_FD		4
#define LIMIT_S		2

struct kept {
	struct kept	*next;
	int		 fd;		/* our own duplicate */
	char		 what[];
};

struct keep {
	pthread_mutex_t	 lock;
	int		 fd;		/* -1: never connected */
	bool		 up;
	char		*owner;
	struct kept	*kept;
	int		 passed_fd;	/* came with the last answer, or -1 */
	size_t		 in_len;
	size_t		 done;
	char		 in[LINE_MAX_LEN];
	struct line	 line;
	struct line_out	 out;
};

/* --- what we put ---------------------------------------------------- */

static struct kept **
kept_find(struct keep *k, const char *what)
{
	struct kept **p = &k->kept;

	while (*p != NULL && strcmp((*p)->what, what) != 0)
		p = &(*p)->next;
	return p;
}

static void
kept_remove(struct keep *k, const char *what)
{
	struct kept **p = kept_find(k, what), *e = *p;

	if (e == NULL)
		return;
	*p = e->next;
	(void)close(e->fd);	/* a duplicate */
	free(e);
}

/* Remembers a duplicate of fd; 0 or -1 with errno. */
static int
kept_add(struct keep *k, const char *what, int fd)
{
	size_t len = strlen(what);
	struct kept *e;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 5);

	if (copy == -1)
		return -1;
	kept_remove(k, what);
	e = xcalloc(1, sizeof(*e) + len + 1);
	e->fd = copy;
	memcpy(e->what, what, len + 1);
	e->next = k->kept;
	k->kept = e;
	return 0;
}

/* --- the link ------------------------------------------------------- */

static void
link_broken(struct keep *k)
{
	k->up = false;
	if (k->fd != -1)
		(void)shutdown(k->fd, SHUT_RDWR);	/* tells the loop */
}

static int
send_request(struct keep *k, int fd)
{
	union {
		char		buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	align;
	} control;
	struct iovec iov = { k->out.text, 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cm;

	if (!line_end(&k->out))
		return -1;
	iov.iov_len = k->out.len;
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
	/* A line fits the socket's buffer whole: we send one at a time. */
	return sendmsg(k->fd, &msg, MSG_NOSIGNAL) == (ssize_t)k->out.len ?
	    0 : -1;
}

static int
receive(struct keep *k)
{
	union {
		char		buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	align;
	} control;
	struct iovec iov = { k->in + k->in_len, sizeof(k->in) - k->in_len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cm;
	ssize_t n;

	do {
		n = recvmsg(k->fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n == -1 && errno == EINTR);
	if (n <= 0)
		return -1;
	k->in_len += (size_t)n;
	cm = CMSG_FIRSTHDR(&msg);
	if (cm != NULL && cm->cmsg_level == SOL_SOCKET &&
	    cm->cmsg_type == SCM_RIGHTS) {
		if (k->passed_fd != -1)
			(void)close(k->passed_fd);	/* nobody took it */
		memcpy(&k->passed_fd, CMSG_DATA(cm), sizeof(int));
	}
	return 0;
}

/* The next line's text, or NULL. */
static char *
read_text(struct keep *k, size_t *len)
{
	char *newline;

	k->in_len -= k->done;
	memmove(k->in, k->in + k->done, k->in_len);
	k->done = 0;
	while ((newline = memchr(k->in, '\n', k->in_len)) == NULL) {
		if (k->in_len == sizeof(k->in) || receive(k) == -1)
			return NULL;
	}
	*len = (size_t)(newline - k->in);
	k->done = *len + 1;
	return k->in;
}

static int
errno_of(const char *code)
{
	if (code != NULL && strcmp(code, "notfound") == 0)
		return ENOENT;
	if (code != NULL && strcmp(code, "full") == 0)
		return ENFILE;
	return EPROTO;
}

/*
 * Sends k->out and reads its answers: 1 for `ok', 0 for `err' with errno, -1
 * when the link is broken, which is then said to the loop.
 */
static int
request(struct keep *k, int fd, void (*on_line)(const struct line *, void *),
    void *arg)
{
	const char *why;
	size_t len;
	char *text;

	if (send_request(k, fd) == -1)
		goto out;
	while ((text = read_text(k, &len)) != NULL) {
		if (line_parse(&k->line, text, len, &why) == -1)
			goto out;
		if (strcmp(k->line.verb, "ok") == 0)
			return 1;
		if (strcmp(k->line.verb, "err") == 0) {
			errno = errno_of(line_get(&k->line, "code"));
			return 0;
		}
		if (on_line != NULL)
			on_line(&k->line, arg);
	}
out:
	link_broken(k);
	errno = ENOTCONN;
	return -1;
}

static int
put(struct keep *k, const char *what, int fd)
{
	line_begin(&k->out, "put");
	line_add(&k->out, "name", what);
	return request(k, fd, NULL, NULL);
}

static void
set_limit(int fd)
{
	struct timeval tv = { .tv_sec = LIMIT_S };

	/* Local: these cannot fail on a socket. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static int
connect_keepd(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char path[PATH_LEN];
	int fd, saved;

	path_socket(path, NULL, "keepd");
	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	set_limit(fd);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	saved = errno;
	(void)close(fd);	/* the first error counts */
	errno = saved;
	return -1;
}

/* Greeting, then who we are. */
static int
introduce(struct keep *k)
{
	static const char greeting[] = "holdfast keepd 1";
	size_t len;
	char *text = read_text(k, &len);

	if (text == NULL || len != sizeof(greeting) - 1 ||
	    memcmp(text, greeting, len) != 0) {
		link_broken(k);
		errno = EPROTO;
		return -1;
	}
	line_begin(&k->out, "owner");
	line_add(&k->out, "name", k->owner);
	return request(k, -1, NULL, NULL) == 1 ? 0 : -1;
}

static int
refill(struct keep *k)
{
	if (k->fd != -1)
		(void)close(k->fd);	/* broken, or replaced */
	k->up = false;
	k->in_len = k->done = 0;
	k->fd = connect_keepd();
	if (k->fd == -1 || introduce(k) == -1)
		return -1;
	for (struct kept *e = k->kept; e != NULL; e = e->next) {
		if (put(k, e->what, e->fd) == -1)
			return -1;
	}
	k->up = true;
	return 0;
}

/* The connection holdfastd opened and introduced; false: none. */
static bool
take_given(struct keep *k)
{
	const char *given = getenv("HOLDFAST_KEEP_FD");

	if (given == NULL || strcmp(given, "4") != 0)
		return false;
	(void)unsetenv("HOLDFAST_KEEP_FD");	/* not for our children */
	if (fcntl(KEEP_FD, F_SETFD, FD_CLOEXEC) == -1)
		return false;
	set_limit(KEEP_FD);
	k->fd = KEEP_FD;
	k->up = true;
	return true;
}

/* --- what others call ----------------------------------------------- */

static struct keep *
keep_new(const char *owner)
{
	struct keep *k = xcalloc(1, sizeof(*k));

	(void)pthread_mutex_init(&k->lock, NULL);	/* cannot fail */
	k->owner = xstrdup(owner);
	k->fd = -1;
	k->passed_fd = -1;
	return k;
}

int
keep_connect(const char *owner)
{
	struct keep *k = keep_new(owner);
	int fd = -1;

	if (refill(k) == 0) {
		fd = k->fd;
		k->fd = -1;
	}
	keep_close(k);
	return fd;
}

struct keep *
keep_open(const char *owner)
{
	struct keep *k = keep_new(owner);

	if (!take_given(k) && refill(k) == -1)
		log_debug("keepd: not reached: nothing survives us yet");
	return k;
}

void
keep_close(struct keep *k)
{
	if (k == NULL)
		return;
	while (k->kept != NULL)
		kept_remove(k, k->kept->what);
	if (k->fd != -1)
		(void)close(k->fd);	/* what was put stays */
	if (k->passed_fd != -1)
		(void)close(k->passed_fd);	/* nobody took it */
	(void)pthread_mutex_destroy(&k->lock);
	free(k->owner);
	free(k);
}

bool
keep_is_up(const struct keep *k)
{
	return k->up;
}

int
keep_fd(const struct keep *k)
{
	return k->fd;
}

bool
keep_is_gone(struct keep *k)
{
	char c;
	ssize_t n;

	/* Who holds the lock is talking to keepd and will see it. */
	if (pthread_mutex_trylock(&k->lock) != 0)
		return false;
	n = recv(k->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
	pthread_mutex_unlock(&k->lock);
	return n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR);
}

int
keep_refill(struct keep *k)
{
	int rc;

	(void)pthread_mutex_lock(&k->lock);
	rc = refill(k);
	(void)pthread_mutex_unlock(&k->lock);
	return rc;
}

int
keep_put(struct keep *k, const char *what, int fd)
{
	int rc;

	(void)pthread_mutex_lock(&k->lock);
	rc = kept_add(k, what, fd);
	/* Down: it is put when the link is back. */
	if (rc == 0 && k->up && put(k, what, fd) == 0) {
		int saved = errno;

		kept_remove(k, what);
		errno = saved;
		rc = -1;
	}
	(void)pthread_mutex_unlock(&k->lock);
	return rc;
}

/* From keepd, or what we hold ourselves while it is away. */
static int
get(struct keep *k, const char *what)
{
	struct kept *e = *kept_find(k, what);
	int rc, fd;

	if (e != NULL)
		return fcntl(e->fd, F_DUPFD_CLOEXEC, 5);
	if (!k->up) {
		errno = ENOENT;
		return -1;
	}
	line_begin(&k->out, "get");
	line_add(&k->out, "name", what);
	rc = request(k, -1, NULL, NULL);
	fd = k->passed_fd;
	k->passed_fd = -1;
	if (rc != 1 || fd == -1) {
		if (rc == 1)
			errno = EPROTO;
		return -1;
	}
	/* Now ours too: a killed keepd gets it again from us. */
	if (kept_add(k, what, fd) == 0)
		return fd;
	(void)close(fd);	/* no descriptor left for the copy */
	errno = EMFILE;
	return -1;
}

int
keep_get(struct keep *k, const char *what)
{
	int fd;

	(void)pthread_mutex_lock(&k->lock);
	fd = get(k, what);
	(void)pthread_mutex_unlock(&k->lock);
	return fd;
}

int
keep_drop(struct keep *k, const char *what)
{
	(void)pthread_mutex_lock(&k->lock);
	kept_remove(k, what);
	if (k->up) {
		line_begin(&k->out, "drop");
		line_add(&k->out, "name", what);
		/* An idempotent wish: one that was not there is fine. */
		(void)request(k, -1, NULL, NULL);
	}
	(void)pthread_mutex_unlock(&k->lock);
	return 0;
}

struct names {
	unsigned	  count;
	char		**name;
};

static void
names_add(struct names *n, const char *name)
{
	n->name = xrealloc(n->name, n->count + 1, sizeof(*n->name));
	n->name[n->count++] = xstrdup(name);
}

static void
on_list(const struct line *l, void *arg)
{
	const char *name = line_get(l, "name");

	if (name != NULL)
		names_add(arg, name);
}

int
keep_list(struct keep *k, void (*on_name)(const char *what, void *arg),
    void *arg)
{
	struct names n = { 0, NULL };
	int rc = 0;

	/* Collected first: on_name may put, get and drop. */
	(void)pthread_mutex_lock(&k->lock);
	if (k->up) {
		line_begin(&k->out, "list");
		rc = request(k, -1, on_list, &n) == 1 ? 0 : -1;
	} else {
		for (struct kept *e = k->kept; e != NULL; e = e->next)
			names_add(&n, e->what);
	}
	(void)pthread_mutex_unlock(&k->lock);
	for (unsigned i = 0; i < n.count; i++) {
		if (rc == 0)
			on_name(n.name[i], arg);
		free(n.name[i]);
	}
	free(n.name);
	return rc;
}

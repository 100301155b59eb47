/* SPDX-License-Identifier: ISC */
/*
 * libevent behind our own four nouns.  A handler deleted inside a callback is
 * freed at once: libevent allows event_free() of the event that runs.
 */

#include "loop.h"

#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "log.h"
#include "xalloc.h"

struct loop {
	struct event_base	*base;
};

struct loop_fd {
	struct loop	*loop;
	struct event	*event;
	int		 fd;
	void		(*on_ready)(int, int, void *);
	void		*arg;
};

struct loop_timer {
	struct event	*event;
	void		(*on_time)(void *);
	void		*arg;
};

struct loop_signal {
	struct event	*event;
	void		(*on_signal)(int, void *);
	void		*arg;
};

struct loop_child {
	struct event	*event;
	int		 pidfd;
	pid_t		 pid;
	void		(*on_exit)(pid_t, int, void *);
	void		*arg;
};

struct loop *
loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));
	struct event_config *config = event_config_new();

	/* Timers of 3 ms pulses must not be rounded to a coarse clock. */
	if (config == NULL || event_config_set_flag(config,
	    EVENT_BASE_FLAG_PRECISE_TIMER) == -1)
		fatalx(71, "event loop: cannot be configured");
	l->base = event_base_new_with_config(config);
	event_config_free(config);
	if (l->base == NULL)
		fatal("event loop: cannot be made");
	return l;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	event_base_free(l->base);
	free(l);
}

void
loop_run(struct loop *l)
{
	if (event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY) == -1)
		fatal("event loop");
}

void
loop_stop(struct loop *l)
{
	(void)event_base_loopbreak(l->base);
}

static struct event *
event_make(struct loop *l, int fd, short what, event_callback_fn fn,
    void *arg)
{
	struct event *e = event_new(l->base, fd, what, fn, arg);

	if (e == NULL)
		fatal("event loop: no memory for a handler");
	return e;
}

static void
fd_event(evutil_socket_t fd, short what, void *arg)
{
	struct loop_fd *h = arg;

	h->on_ready(fd, ((what & EV_READ) ? LOOP_READ : 0) |
	    ((what & EV_WRITE) ? LOOP_WRITE : 0), h->arg);
}

static short
fd_what(int events)
{
	return (short)(EV_PERSIST | ((events & LOOP_READ) ? EV_READ : 0) |
	    ((events & LOOP_WRITE) ? EV_WRITE : 0));
}

struct loop_fd *
loop_fd_add(struct loop *l, int fd, int events,
    void (*on_ready)(int fd, int events, void *arg), void *arg)
{
	struct loop_fd *h = xcalloc(1, sizeof(*h));

	h->loop = l;
	h->fd = fd;
	h->on_ready = on_ready;
	h->arg = arg;
	h->event = event_make(l, fd, fd_what(events), fd_event, h);
	if (events != 0 && event_add(h->event, NULL) == -1)
		fatal("event loop: descriptor %d", fd);
	return h;
}

void
loop_fd_set(struct loop_fd *h, int events)
{
	(void)event_del(h->event);
	if (events == 0)
		return;
	if (event_assign(h->event, h->loop->base, h->fd, fd_what(events),
	    fd_event, h) == -1 || event_add(h->event, NULL) == -1)
		fatal("event loop: descriptor %d", h->fd);
}

void
loop_fd_del(struct loop_fd *h)
{
	if (h == NULL)
		return;
	event_free(h->event);
	free(h);
}

static void
timer_event(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *t = arg;

	(void)fd;
	(void)what;
	t->on_time(t->arg);
}

struct loop_timer *
loop_timer_new(struct loop *l, void (*on_time)(void *arg), void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	t->on_time = on_time;
	t->arg = arg;
	t->event = event_make(l, -1, 0, timer_event, t);
	return t;
}

void
loop_timer_set(struct loop_timer *t, int64_t ms, int64_t jitter_ms)
{
	struct timeval tv;

	if (ms < 0)
		ms = 0;
	if (jitter_ms > 0)
		ms += random() % (jitter_ms + 1);
	tv.tv_sec = ms / 1000;
	tv.tv_usec = (ms % 1000) * 1000;
	(void)event_del(t->event);
	if (event_add(t->event, &tv) == -1)
		fatal("event loop: timer");
}

void
loop_timer_cancel(struct loop_timer *t)
{
	(void)event_del(t->event);
}

void
loop_timer_free(struct loop_timer *t)
{
	if (t == NULL)
		return;
	event_free(t->event);
	free(t);
}

static void
signal_event(evutil_socket_t signo, short what, void *arg)
{
	struct loop_signal *s = arg;

	(void)what;
	s->on_signal(signo, s->arg);
}

struct loop_signal *
loop_signal_add(struct loop *l, int signo,
    void (*on_signal)(int signo, void *arg), void *arg)
{
	struct loop_signal *s = xcalloc(1, sizeof(*s));

	s->on_signal = on_signal;
	s->arg = arg;
	s->event = event_make(l, signo, EV_SIGNAL | EV_PERSIST, signal_event,
	    s);
	if (event_add(s->event, NULL) == -1)
		fatal("event loop: signal %d", signo);
	return s;
}

void
loop_signal_del(struct loop_signal *s)
{
	if (s == NULL)
		return;
	event_free(s->event);
	free(s);
}

static void
child_event(evutil_socket_t fd, short what, void *arg)
{
	struct loop_child *c = arg;
	void (*on_exit)(pid_t, int, void *) = c->on_exit;
	void *on_arg = c->arg;
	pid_t pid = c->pid;
	int status = -1;

	(void)fd;
	(void)what;
	/* ECHILD: adopted, its parent is another process. */
	if (waitpid(pid, &status, WNOHANG) != pid)
		status = -1;
	loop_child_del(c);
	on_exit(pid, status, on_arg);
}

struct loop_child *
loop_child_add(struct loop *l, pid_t pid,
    void (*on_exit)(pid_t pid, int status, void *arg), void *arg)
{
	struct loop_child *c;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd == -1)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->pidfd = fd;
	c->pid = pid;
	c->on_exit = on_exit;
	c->arg = arg;
	c->event = event_make(l, fd, EV_READ, child_event, c);
	if (event_add(c->event, NULL) == -1)
		fatal("event loop: child %d", (int)pid);
	return c;
}

void
loop_child_del(struct loop_child *c)
{
	if (c == NULL)
		return;
	event_free(c->event);
	(void)close(c->pidfd);	/* nothing can be lost */
	free(c);
}

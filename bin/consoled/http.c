/* SPDX-License-Identifier: ISC */
/*
 * See http.h.  libmicrohttpd with a poll set of its own: that set is one
 * descriptor in our loop, and what it wants to be woken for is one timer, so
 * there is neither a thread nor a second loop.
 */
#include "http.h"

#include <sys/socket.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "log.h"
#include "xalloc.h"

/* A balancer's request is a few hundred bytes. */
#define MEMORY_MAX	8192

struct http {
	struct MHD_Daemon	*mhd;
	struct loop_fd		*io;
	struct loop_timer	*timer;
	void			(*on_get)(const char *, struct http_answer *,
				    void *);
	void			*arg;
	struct log_limit	 limit;
};

/* Strangers can cause these without end. */
static void __attribute__((format(printf, 2, 0)))
on_log(void *arg, const char *fmt, va_list ap)
{
	struct http *h = arg;
	char text[256];

	if (!log_limit_ok(&h->limit, 5))
		return;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	log_debug("http: %s", text);
}

static enum MHD_Result
send_text(struct MHD_Connection *c, unsigned status, const char *text)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(text),
	    (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result rc;

	if (r == NULL)
		return MHD_NO;
	(void)MHD_add_response_header(r, "Content-Type",
	    "text/plain; charset=utf-8");
	/* An answer of some seconds ago is a lie. */
	(void)MHD_add_response_header(r, "Cache-Control", "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void)MHD_add_response_header(r, "Allow", "GET, HEAD");
	rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *body, size_t *size,
    void **state)
{
	static const char refused[] = "only GET and HEAD\n";
	struct http *h = arg;
	struct http_answer a = { .status = MHD_HTTP_NOT_FOUND, .text = "" };
	bool known = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	bool first = *state == NULL;

	(void)version;
	(void)body;
	*state = h;		/* not NULL: the headers were seen */
	if (first)
		return MHD_YES;	/* an answer now would cost keep-alive */
	if (*size != 0) {	/* a body: read, and left */
		*size = 0;
		return MHD_YES;
	}
	if (!known)
		return send_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, refused);
	h->on_get(url, &a, h->arg);
	return send_text(c, a.status, a.text);
}

static void
run(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	(void)MHD_run(h->mhd);
	if (MHD_get_timeout(h->mhd, &ms) == MHD_YES)
		loop_timer_set(h->timer, ms > 60000 ? 60000 : (int64_t)ms, 0);
	else
		loop_timer_cancel(h->timer);
}

static void
on_ready(int fd, int events, void *arg)
{
	(void)fd;
	(void)events;
	run(arg);
}

static void
on_time(void *arg)
{
	run(arg);
}

struct http *
http_new(struct loop *l, int fd, const struct http_conf *conf,
    void (*on_get)(const char *path, struct http_answer *a, void *arg),
    void *arg)
{
	struct http *h = xcalloc(1, sizeof(*h));
	const union MHD_DaemonInfo *info;

	h->on_get = on_get;
	h->arg = arg;
	h->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL,
	    NULL, on_request, h,
	    MHD_OPTION_EXTERNAL_LOGGER, on_log, h,
	    MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_CONNECTION_LIMIT, conf->connections,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT, conf->per_address,
	    MHD_OPTION_CONNECTION_TIMEOUT, conf->timeout_s,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_MAX,
	    MHD_OPTION_END);
	info = h->mhd == NULL ? NULL : MHD_get_daemon_info(h->mhd,
	    MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL) {
		if (h->mhd != NULL)
			MHD_stop_daemon(h->mhd);
		else
			(void)close(fd);	/* as was promised */
		free(h);
		return NULL;
	}
	h->timer = loop_timer_new(l, on_time, h);
	h->io = loop_fd_add(l, info->epoll_fd, LOOP_READ, on_ready, h);
	return h;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	loop_fd_del(h->io);
	loop_timer_free(h->timer);
	MHD_stop_daemon(h->mhd);
	free(h);
}

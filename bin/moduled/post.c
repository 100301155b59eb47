/* SPDX-License-Identifier: ISC */
/*
 * libcurl's multi interface: it says which descriptors and which time it
 * waits for, the loop says when.  One easy handle is used again and again, so
 * that the connection stays.
 */
#include "post.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <curl/curl.h>

#include "log.h"
#include "xalloc.h"

/* A connection, and another while names are looked up or it is replaced. */
#define WATCH_MAX	8

struct watch {
	curl_socket_t	 fd;
	struct loop_fd	*io;		/* NULL: free */
};

struct post {
	struct loop		*loop;
	struct loop_timer	*timer;
	CURLM			*multi;
	CURL			*easy;
	struct curl_slist	*headers;
	struct watch		 watch[WATCH_MAX];
	bool			 is_busy;
	char			 error[CURL_ERROR_SIZE];
	size_t			 len;
	char			 answer[POST_ANSWER_MAX];
	void			(*on_done)(long status, const char *body,
				    size_t len, const char *error, void *arg);
	void			*arg;
};

static void
finished(struct post *p, CURLcode rc)
{
	long status = 0;

	(void)curl_multi_remove_handle(p->multi, p->easy);
	p->is_busy = false;
	if (rc == CURLE_OK) {
		(void)curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE,
		    &status);
		p->on_done(status, p->answer, p->len, NULL, p->arg);
		return;
	}
	p->on_done(0, NULL, 0, p->error[0] != '\0' ? p->error :
	    curl_easy_strerror(rc), p->arg);
}

static void
act(struct post *p, curl_socket_t fd, int mask)
{
	CURLMsg *m;
	int n;

	(void)curl_multi_socket_action(p->multi, fd, mask, &n);
	while ((m = curl_multi_info_read(p->multi, &n)) != NULL) {
		if (m->msg == CURLMSG_DONE) {
			finished(p, m->data.result);
			return;		/* there is one at a time */
		}
	}
}

static void
on_ready(int fd, int events, void *arg)
{
	act(arg, fd, (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
	    (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static void
on_time(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int
set_timer(CURLM *multi, long ms, void *arg)
{
	struct post *p = arg;

	(void)multi;
	if (ms < 0)
		loop_timer_cancel(p->timer);
	else
		loop_timer_set(p->timer, ms, 0);
	return 0;
}

static int
set_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_fd)
{
	struct post *p = arg;
	struct watch *w = NULL;
	int events = 0;
	unsigned i;

	(void)easy;
	(void)of_fd;
	for (i = 0; i < WATCH_MAX; i++) {
		if (p->watch[i].io != NULL && p->watch[i].fd == fd)
			w = &p->watch[i];
	}
	if (what == CURL_POLL_REMOVE) {
		if (w != NULL)
			loop_fd_del(w->io);
		if (w != NULL)
			w->io = NULL;
		return 0;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= LOOP_READ;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= LOOP_WRITE;
	if (w != NULL) {
		loop_fd_set(w->io, events);
		return 0;
	}
	for (i = 0; i < WATCH_MAX && p->watch[i].io != NULL; i++)
		;
	if (i == WATCH_MAX)
		return -1;	/* this transfer fails, the next is tried */
	p->watch[i].fd = fd;
	p->watch[i].io = loop_fd_add(p->loop, fd, events, on_ready, p);
	return 0;
}

static size_t
take(char *data, size_t size, size_t count, void *arg)
{
	struct post *p = arg;
	size_t n = size * count;

	if (n > sizeof(p->answer) - p->len)
		return 0;
	memcpy(p->answer + p->len, data, n);
	p->len += n;
	return n;
}

static void
set_options(struct post *p, const struct post_tls *tls)
{
	CURL *e = p->easy;

	p->headers = curl_slist_append(NULL, "Content-Type: application/json");
	(void)curl_easy_setopt(e, CURLOPT_HTTPHEADER, p->headers);
	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_1_1);
	/* What an administrator's shell has set is not for this. */
	(void)curl_easy_setopt(e, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(e, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, p);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, p->error);
	if (tls->ca[0] != '\0')
		(void)curl_easy_setopt(e, CURLOPT_CAINFO, tls->ca);
	if (tls->cert[0] != '\0')
		(void)curl_easy_setopt(e, CURLOPT_SSLCERT, tls->cert);
	if (tls->key[0] != '\0')
		(void)curl_easy_setopt(e, CURLOPT_SSLKEY, tls->key);
}

struct post *
post_new(struct loop *l, const struct post_tls *tls,
    void (*on_done)(long status, const char *body, size_t len,
    const char *error, void *arg), void *arg)
{
	struct post *p = xcalloc(1, sizeof(*p));

	if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK ||
	    (p->multi = curl_multi_init()) == NULL ||
	    (p->easy = curl_easy_init()) == NULL)
		fatalx(EX_UNAVAILABLE, "libcurl: cannot be started");
	p->loop = l;
	p->on_done = on_done;
	p->arg = arg;
	p->timer = loop_timer_new(l, on_time, p);
	set_options(p, tls);
	(void)curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, set_watch);
	(void)curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	(void)curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	(void)curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
	return p;
}

void
post_free(struct post *p)
{
	if (p == NULL)
		return;
	if (p->is_busy)
		(void)curl_multi_remove_handle(p->multi, p->easy);
	curl_easy_cleanup(p->easy);
	(void)curl_multi_cleanup(p->multi);
	curl_slist_free_all(p->headers);
	loop_timer_free(p->timer);
	curl_global_cleanup();
	free(p);
}

void
post_start(struct post *p, const char *url, const char *body,
    int64_t timeout_ms)
{
	if (p->is_busy)
		(void)curl_multi_remove_handle(p->multi, p->easy);
	p->is_busy = true;
	p->len = 0;
	p->error[0] = '\0';
	(void)curl_easy_setopt(p->easy, CURLOPT_URL, url);
	(void)curl_easy_setopt(p->easy, CURLOPT_COPYPOSTFIELDS, body);
	(void)curl_easy_setopt(p->easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	(void)curl_multi_add_handle(p->multi, p->easy);
}

bool
post_is_busy(const struct post *p)
{
	return p->is_busy;
}

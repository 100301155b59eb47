/* SPDX-License-Identifier: ISC */
/*
 * GET and HEAD over HTTP on one socket, by libmicrohttpd in our own loop.  The
 * only file that knows the library.
 */
#ifndef CONSOLED_HTTP_H
#define CONSOLED_HTTP_H

#include "loop.h"

struct http;

struct http_conf {
	unsigned	connections;
	unsigned	per_address;
	unsigned	timeout_s;	/* of a silent connection */
};

struct http_answer {
	unsigned	 status;
	const char	*text;		/* copied */
};

/*
 * Serves fd, a listening socket, which is the library's from now on: closed by
 * http_free().  on_get fills the answer for a path.  NULL when the library
 * refuses; fd is then closed.
 */
struct http	*http_new(struct loop *l, int fd, const struct http_conf *conf,
		    void (*on_get)(const char *path, struct http_answer *a,
		    void *arg), void *arg);
void		 http_free(struct http *h);

#endif

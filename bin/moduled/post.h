/* SPDX-License-Identifier: ISC */
/*
 * HTTP POSTs, one at a time, by libcurl on our loop: nothing blocks.  An
 * endpoint that is a name, not an address, is looked up by a thread of
 * libcurl's own; it runs nothing of ours.
 */
#ifndef MODULED_POST_H
#define MODULED_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"

/* Longer answers are errors. */
#define POST_ANSWER_MAX	(64 * 1024)

struct post_tls {
	const char	*ca;	/* files; "": the system's, or none */
	const char	*cert;
	const char	*key;
};

struct post;

/*
 * on_done: status of HTTP and the body; or 0 and `error', what went wrong.
 * It may start the next one.  The strings of tls are kept.
 */
struct post	*post_new(struct loop *l, const struct post_tls *tls,
		    void (*on_done)(long status, const char *body,
		    size_t len, const char *error, void *arg), void *arg);
void		 post_free(struct post *p);
/* What is under way is given up, without on_done.  The body is copied. */
void		 post_start(struct post *p, const char *url, const char *body,
		    int64_t timeout_ms);
bool		 post_is_busy(const struct post *p);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * An echo request that is answered, or not: ping.  How long to wait is the
 * caller's.
 */
#ifndef COMMON_ECHO_H
#define COMMON_ECHO_H

#include <sys/socket.h>

#include "loop.h"

struct echo;

/* on_done: 0, or the errno of one that cannot be; once for each request. */
struct echo	*echo_new(struct loop *l, const struct sockaddr_storage *to,
		    void (*on_done)(int error, void *arg), void *arg);
void		 echo_free(struct echo *e);
/* One more request, after the last one was answered or cancelled. */
void		 echo_begin(struct echo *e);
void		 echo_cancel(struct echo *e);

#endif

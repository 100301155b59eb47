/* SPDX-License-Identifier: ISC */
/*
 * Client side of the local protocol.
 *
 * struct ask is a standing link of a daemon to a sibling: it connects,
 * reconnects (10 ms growing to 1 s) and calls on_up each time so that the
 * whole wish is stated again.  Requests in flight when the link breaks are
 * answered with err "gone".
 *
 * ask_once() is for commands: connect, one request, all answers, blocking.
 */
#ifndef COMMON_ASK_H
#define COMMON_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "line.h"
#include "loop.h"

struct ask;

struct ask_calls {
	/* Connected and greeted: restate the wish. */
	void	(*on_up)(struct ask *a, void *arg);
	/* Lost.  May be NULL. */
	void	(*on_down)(struct ask *a, void *arg);
	/* A line that is no answer: an event of `watch'.  May be NULL. */
	void	(*on_event)(struct ask *a, const struct line *l, void *arg);
};

/* path and calls are kept; connects in the background. Never NULL. */
struct ask	*ask_new(struct loop *l, const char *path,
		    const struct ask_calls *calls, void *arg);
void		 ask_free(struct ask *a);
bool		 ask_is_up(const struct ask *a);

/*
 * Answers of one request: `l' with the verb "" for each pair line, then once
 * with the verb "ok" or "err" (keys code, text).  Same order as requests.
 * Returns false when the link is down; then on_answer is not called.
 * on_answer may be NULL.
 */
bool	ask_send(struct ask *a, struct line_out *o,
	    void (*on_answer)(const struct line *l, void *arg), void *arg);

/*
 * Blocking, for commands.  on_line is called for each pair line and for the
 * final ok or err.  0 on ok; 1 on err; -1 with errno when the daemon cannot
 * be reached (ENOENT, ECONNREFUSED), is silent for timeout_ms (ETIMEDOUT) or
 * broke the protocol (EPROTO).
 */
int	ask_once(const char *path, struct line_out *o, int64_t timeout_ms,
	    void (*on_line)(const struct line *l, void *arg), void *arg);

/*
 * Blocking watch: sends o, then calls on_line for everything until it
 * returns false, the link ends or timeout_ms passed in all (-1: for ever).
 * 0 when on_line ended it; -1 with errno.
 */
int	ask_watch(const char *path, struct line_out *o, int64_t timeout_ms,
	    bool (*on_line)(const struct line *l, void *arg), void *arg);
/* The same; fd, unless -1, goes with the request and stays the caller's. */
int	ask_watch_fd(const char *path, struct line_out *o, int fd,
	    int64_t timeout_ms, bool (*on_line)(const struct line *l,
	    void *arg), void *arg);

#endif

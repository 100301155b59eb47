/* SPDX-License-Identifier: ISC */
/*
 * Client of keepd: descriptors that survive this process.  Blocking, local,
 * short.  The owner keeps its own copy of every descriptor it gave, so that
 * a killed keepd can be refilled: struct keep remembers (name, fd) pairs and
 * keep_refill() puts them all again on a new connection.
 */
#ifndef COMMON_KEEP_H
#define COMMON_KEEP_H

#include <stdbool.h>

struct keep;

/*
 * Takes the connection on fd 4 when holdfastd gave one, else connects to
 * keepd.sock as `owner' ("ledger/mirrord", "vipd").  Without a keepd all
 * calls succeed locally and keep_is_up() is false: nothing survives then.
 */
struct keep	*keep_open(const char *owner);
void		 keep_close(struct keep *k);
/*
 * For holdfastd: a connection introduced as `owner', to be given to a child
 * as descriptor 4.  -1 with errno: keepd does not answer.
 */
int		 keep_connect(const char *owner);
bool		 keep_is_up(const struct keep *k);
/* For the loop: when readable, ask keep_is_gone(): it may be the answer to
 * another thread. */
int		 keep_fd(const struct keep *k);
/* The link is gone: call keep_refill(). */
bool		 keep_is_gone(struct keep *k);
/* Reconnects and puts everything again.  0, or -1 with errno (try later). */
int		 keep_refill(struct keep *k);

/*
 * Keeps a duplicate of fd under `what'; replaces an older one.  fd must stay
 * open while it is kept.  0, or -1 with errno.  Thread-safe.
 */
int	keep_put(struct keep *k, const char *what, int fd);
/* What an earlier life put: a descriptor of the caller's, or -1 (ENOENT). */
int	keep_get(struct keep *k, const char *what);
int	keep_drop(struct keep *k, const char *what);
/* Calls for each name kept for this owner.  0, or -1 with errno. */
int	keep_list(struct keep *k, void (*on_name)(const char *what, void *arg),
	    void *arg);

#endif

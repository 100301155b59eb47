/* SPDX-License-Identifier: ISC */
/*
 * One caller: its call, the command that runs for it, its answer; or a
 * machine that joins.
 */
#ifndef REMOTED_SESSION_H
#define REMOTED_SESSION_H

#include "remoted.h"

struct session;

struct session_list {
	struct remoted	*r;
	struct session	*first;
	unsigned	 count;
};

void		session_list_init(struct session_list *l, struct remoted *r);
void		session_list_fini(struct session_list *l);
/* fd is its own from now on. */
void		session_new(struct session_list *l, int fd,
		    const struct sockaddr_storage *from);
unsigned	session_count(const struct session_list *l);
/* Those that have not proved a key yet. */
unsigned	session_strangers(const struct session_list *l);
/* Closes the oldest of them. */
void		session_evict(struct session_list *l);

#endif

/* SPDX-License-Identifier: ISC */
/* Who is at the other end of a local socket; for serve.c alone. */
#ifndef COMMON_SERVE_PEER_H
#define COMMON_SERVE_PEER_H

#include <sys/socket.h>

#include <stdbool.h>

#include "serve.h"

#define ROLE_GROUPS	3

struct peer_groups {
	gid_t	gid[ROLE_GROUPS];
};

void		 peer_groups_find(struct peer_groups *g);
/* The role; cred is filled, with uid -1 when the kernel does not say. */
enum role	 peer_role(const struct peer_groups *g, int fd,
		    struct ucred *cred);
/* root, or the user that this daemon runs as. */
bool		 peer_is_own(const struct ucred *cred);
/*
 * After the end of file: closed altogether, not only for writing.  A watcher
 * that died must be noticed now, not when there is next something to tell.
 */
bool		 peer_is_gone(int fd);
/* What the kernel holds for it. */
size_t		 peer_unread(int fd);

#endif

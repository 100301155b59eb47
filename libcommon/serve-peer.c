/* SPDX-License-Identifier: ISC */
/* Who is at the other end of a local socket, and what it may. */

#include "serve-peer.h"

#include <sys/ioctl.h>

#include <linux/sockios.h>

#include <grp.h>
#include <poll.h>
#include <unistd.h>

#define GROUPS_MAX	256

/*
 * Groups are looked up once, at start: getgrnam(3) may ask a directory server
 * and block, which no loop may do.  The client's own groups come from the
 * kernel (SO_PEERGROUPS, Linux 4.13), as they were when it connected.
 */
static const struct {
	const char	*group;
	enum role	 role;
} role_groups[ROLE_GROUPS] = {
	{ "holdfast-admin",	ROLE_ADMIN },
	{ "holdfast-control",	ROLE_CONTROL },
	{ "holdfast",		ROLE_MONITOR },
};

void
peer_groups_find(struct peer_groups *g)
{
	for (int i = 0; i < ROLE_GROUPS; i++) {
		const struct group *gr = getgrnam(role_groups[i].group);

		g->gid[i] = gr != NULL ? gr->gr_gid : (gid_t)-1;
	}
}

static bool
has_group(gid_t wanted, const struct ucred *cred, const gid_t *groups,
    size_t count)
{
	if (wanted == (gid_t)-1)
		return false;
	for (size_t i = 0; i < count; i++)
		if (groups[i] == wanted)
			return true;
	return cred->gid == wanted;
}

bool
peer_is_own(const struct ucred *cred)
{
	return cred->uid == 0 || cred->uid == geteuid();
}

enum role
peer_role(const struct peer_groups *g, int fd, struct ucred *cred)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(*cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, cred, &len) == -1)
		*cred = (struct ucred){ .uid = (uid_t)-1 };
	len = sizeof(groups);
	if (peer_is_own(cred))
		return ROLE_ADMIN;
	/* ERANGE, more groups than that: the primary one still counts. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == -1)
		len = 0;
	for (int i = 0; i < ROLE_GROUPS; i++)
		if (has_group(g->gid[i], cred, groups, len / sizeof(gid_t)))
			return role_groups[i].role;
	return ROLE_NONE;
}

bool
peer_is_gone(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

size_t
peer_unread(int fd)
{
	int n = 0;

	(void)ioctl(fd, SIOCOUTQ, &n);	/* any stream socket has it */
	return (size_t)n;
}

/* SPDX-License-Identifier: ISC */
/* See priv.h. */
#include "priv.h"

#include <sys/prctl.h>
#include <sys/stat.h>

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "paths.h"

void
priv_drop(const char *user, bool sealed)
{
	const struct passwd *pw;

	if (geteuid() != 0)
		return;
	if ((pw = getpwnam(user)) == NULL) {
		log_warnx("no user %s here: goes on as root; "
		    "`systemd-sysusers' makes it", user);
		return;
	}
	if (pw->pw_uid == 0)
		return;
	if (initgroups(user, pw->pw_gid) == -1 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1 ||
	    (sealed && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1))
		fatal("cannot become %s", user);
}

int
priv_dir(const char *dir, const char *user, unsigned mode)
{
	const struct passwd *pw = geteuid() == 0 ? getpwnam(user) : NULL;
	char parent[PATH_LEN];
	char *slash;

	/* What lies above is everybody's: only the last one is of the user. */
	(void)snprintf(parent, sizeof(parent), "%s", dir);
	slash = strrchr(parent, '/');
	if (slash != NULL && slash != parent) {
		*slash = '\0';
		if (path_mkdirs(parent, 0755) == -1)
			return -1;
	}
	if (path_mkdirs(dir, mode) == -1)
		return -1;
	return pw == NULL ? 0 : chown(dir, pw->pw_uid, pw->pw_gid);
}

/* SPDX-License-Identifier: ISC */
/*
 * Daemons that need no right of root give them up, for good, once their
 * sockets are bound.
 */
#ifndef COMMON_PRIV_H
#define COMMON_PRIV_H

#define PRIV_USER	"holdfast"

#include <stdbool.h>

/*
 * Become this user with its groups; with `sealed' no program run later can
 * get more either, not even by a set-id file.  Does nothing when we are not
 * root or the user is; without such a user, a tree that was not installed,
 * one line in the log.  Fatal when it is refused.
 */
void	priv_drop(const char *user, bool sealed);
/* The directory is made, and is this user's when there is one. */
int	priv_dir(const char *dir, const char *user, unsigned mode);

#endif

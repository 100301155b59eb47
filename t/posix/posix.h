/* SPDX-License-Identifier: ISC */
/*
 * Cases of the table: each is a function that runs in a fresh directory, as
 * a process of its own, with umask 022 and as root, and says what it saw.
 * What it says must not depend on anything but the file system's behaviour:
 * no inode numbers, device numbers, dates or sizes of directories.
 */
#ifndef POSIX_POSIX_H
#define POSIX_POSIX_H

#include <stdbool.h>
#include <sys/types.h>

struct posix_case {
	const char	*name;
	void		(*run)(void);
};

/* One table a file, ended by a NULL name. */
extern const struct posix_case open_cases[], name_cases[], data_cases[],
    space_cases[], attr_cases[], xattr_cases[], lock_cases[], misc_cases[],
    dir_cases[];

/* A directory of another file system. */
extern const char *posix_other;

/* " label=ok", " label=5" or " label=ENOENT": the result of a call that has
 * just been made. */
void	said(const char *label, long rc);
/* What the case needs first; said only when it fails. */
void	must(long rc);
/* " label=5". */
void	value(const char *label, long long v);
/* " label=TEXT", what is not printable in hex. */
void	text(const char *label, const void *p, size_t len);

/* A new file with that content, which is asserted. */
void	file(const char *name, const char *content, mode_t mode);
/* open(2) that says its result as ok; -1 when it failed. */
int	opened(const char *label, const char *name, int flags, mode_t mode);
/* Mode, links, owner, size. */
void	show(const char *label, const char *name);
/* The content of a file, the first 60 bytes. */
void	content(const char *label, const char *name);
/* fn() as that user with these groups; it says on the same line. */
void	as_user(uid_t uid, gid_t gid, gid_t more, void (*fn)(void));

#endif

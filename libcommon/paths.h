/* SPDX-License-Identifier: ISC */
/*
 * Where things are.  Each function writes a path into buf and returns buf; a
 * path too long is a panic, since module names are bounded (NAME_MODULE_MAX).
 * The environment variable HOLDFAST_ROOT, when set, goes before every path:
 * it lets a test run a daemon without touching the machine.
 */
#ifndef COMMON_PATHS_H
#define COMMON_PATHS_H

#include <stdbool.h>

/* Fits a sockaddr_un too: 108 bytes with the NUL. */
#define PATH_LEN	256
/* A module's name: [a-zA-Z0-9][a-zA-Z0-9_-]*, at most this long. */
#define MODULE_NAME_MAX	32

/* True for a well-formed module name; "cluster" is reserved and false. */
bool	module_name_ok(const char *name);

/* /run/holdfast/<daemon>.sock, or /run/holdfast/<module>/<daemon>.sock. */
const char	*path_socket(char buf[PATH_LEN], const char *module,
		    const char *daemon);
/* printf-style, below /run/holdfast, /var/lib/holdfast, /var/log/holdfast,
 * /etc/holdfast, /usr/share/holdfast, /usr/lib/holdfast. */
const char	*path_run(char buf[PATH_LEN], const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
const char	*path_state(char buf[PATH_LEN], const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
const char	*path_log(char buf[PATH_LEN], const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
const char	*path_etc(char buf[PATH_LEN], const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
const char	*path_share(char buf[PATH_LEN], const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
const char	*path_lib(char buf[PATH_LEN], const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));

/* mkdir -p with this mode for what is made; 0, or -1 with errno. */
int	path_mkdirs(const char *dir, unsigned mode);

#endif

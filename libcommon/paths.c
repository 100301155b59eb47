/* SPDX-License-Identifier: ISC */
/* Every path of the product is made here. */

#include "paths.h"

#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

static const char *make(char *, const char *, const char *, va_list)
    __attribute__((format(printf, 3, 0)));

static const char *
make(char *buf, const char *dir, const char *fmt, va_list ap)
{
	const char *root = getenv("HOLDFAST_ROOT");
	int len, more;

	len = snprintf(buf, PATH_LEN, "%s%s%s", root != NULL ? root : "",
	    dir, fmt[0] != '\0' ? "/" : "");
	if (len >= PATH_LEN)
		panic("path too long below %s", dir);
	more = vsnprintf(buf + len, PATH_LEN - (size_t)len, fmt, ap);
	if (more >= PATH_LEN - len)
		panic("path too long below %s", dir);
	return buf;
}

bool
module_name_ok(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > MODULE_NAME_MAX ||
	    !isalnum((unsigned char)name[0]) || strcmp(name, "cluster") == 0)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_' &&
		    name[i] != '-')
			return false;
	return true;
}

const char *
path_socket(char buf[PATH_LEN], const char *module, const char *daemon)
{
	return module == NULL ? path_run(buf, "%s.sock", daemon) :
	    path_run(buf, "%s/%s.sock", module, daemon);
}

#define PATH_BODY(dir) do {			\
	va_list ap_;				\
	va_start(ap_, fmt);			\
	(void)make(buf, (dir), fmt, ap_);	\
	va_end(ap_);				\
	return buf;				\
} while (0)

const char *
path_run(char buf[PATH_LEN], const char *fmt, ...)
{
	PATH_BODY(HF_RUNDIR);
}

const char *
path_state(char buf[PATH_LEN], const char *fmt, ...)
{
	PATH_BODY(HF_STATEDIR);
}

const char *
path_log(char buf[PATH_LEN], const char *fmt, ...)
{
	PATH_BODY(HF_LOGDIR);
}

const char *
path_etc(char buf[PATH_LEN], const char *fmt, ...)
{
	PATH_BODY(HF_ETCDIR);
}

const char *
path_lib(char buf[PATH_LEN], const char *fmt, ...)
{
	PATH_BODY(HF_PREFIX_LIB);
}

const char *
path_share(char buf[PATH_LEN], const char *fmt, ...)
{
	PATH_BODY(HF_SHAREDIR);
}

int
path_mkdirs(const char *dir, unsigned mode)
{
	char part[PATH_LEN];
	size_t len = strlen(dir);

	if (len >= sizeof(part)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (size_t i = 1; i <= len; i++) {
		if (dir[i] != '/' && dir[i] != '\0')
			continue;
		memcpy(part, dir, i);
		part[i] = '\0';
		if (mkdir(part, mode) == -1 && errno != EEXIST)
			return -1;
	}
	return 0;
}

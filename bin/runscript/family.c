/* SPDX-License-Identifier: ISC */
/* Descent by parent; a session would miss `(server &)' in a script. */
#include "family.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pid_t
parent_of(const struct family_member *m, size_t count, pid_t pid)
{
	for (size_t i = 0; i < count; i++) {
		if (m[i].pid == pid)
			return m[i].parent;
	}
	return 0;
}

bool
family_is_own(pid_t script, const struct family_member *m, size_t count,
    pid_t pid)
{
	/* Bounded: parents read one after another may form a ring. */
	for (size_t i = 0; i <= count && pid > 0; i++) {
		if (pid == script)
			return true;
		pid = parent_of(m, count, pid);
	}
	return false;
}

pid_t
family_parse_parent(const char *text)
{
	const char *p = strrchr(text, ')');	/* the name may hold any byte */
	long parent;
	char *end;

	/* ") S 123 ..." */
	if (p == NULL || p[1] != ' ' || p[2] == '\0' || p[3] != ' ')
		return 0;
	parent = strtol(p + 4, &end, 10);
	return end != p + 4 && parent > 0 ? (pid_t)parent : 0;
}

void
family_read(struct family_member *m, const pid_t *pid, size_t count)
{
	char path[64], text[1024];

	for (size_t i = 0; i < count; i++) {
		ssize_t n = -1;
		int fd;

		(void)snprintf(path, sizeof(path), "/proc/%d/stat",
		    (int)pid[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd != -1) {
			n = read(fd, text, sizeof(text) - 1);
			(void)close(fd);	/* only read from */
		}
		text[n > 0 ? n : 0] = '\0';
		m[i].pid = pid[i];
		m[i].parent = family_parse_parent(text);
	}
}

/* SPDX-License-Identifier: ISC */
/* Reading /proc for procs.h. */
#include "procs.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS_LEN	(64 * 1024)

bool
procs_parse_stat(const char *text, char comm[PROCS_COMM], char *state)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	size_t len;

	if (open == NULL || close == NULL || close < open ||
	    close[1] != ' ' || close[2] == '\0')
		return false;
	len = (size_t)(close - open) - 1;
	if (len >= PROCS_COMM)
		len = PROCS_COMM - 1;
	memcpy(comm, open + 1, len);
	comm[len] = '\0';
	*state = close[2];
	return true;
}

bool
procs_matches(const struct procs_match *m, const char *comm,
    const char *args)
{
	if (m->has_name_regex) {
		if (regexec(&m->name_regex, comm, 0, NULL, 0) != 0)
			return false;
	} else if (strcmp(m->name, comm) != 0)
		return false;
	return !m->has_arg_regex ||
	    regexec(&m->arg_regex, args, 0, NULL, 0) == 0;
}

/* Length, or -1; what is longer is cut. */
static ssize_t
read_file(pid_t pid, const char *file, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	n = read(fd, buf, size - 1);
	(void)close(fd);	/* only read from */
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

bool
procs_is(const struct procs_match *m, pid_t pid)
{
	static char args[ARGS_LEN];
	char text[1024], comm[PROCS_COMM], state;
	ssize_t n, i;

	if (read_file(pid, "stat", text, sizeof(text)) <= 0 ||
	    !procs_parse_stat(text, comm, &state) || strchr("ZXx", state))
		return false;
	args[0] = '\0';
	/* Most processes are told apart by name: their line is not read. */
	if (!m->has_name_regex && strcmp(m->name, comm) != 0)
		return false;
	if (m->has_arg_regex) {
		n = read_file(pid, "cmdline", args, sizeof(args));
		for (i = 0; i < n - 1; i++)
			if (args[i] == '\0')
				args[i] = ' ';
	}
	return procs_matches(m, comm, args);
}

int
procs_each(const struct procs_match *m, void (*on_pid)(pid_t, void *),
    void *arg)
{
	DIR *dir = opendir("/proc");
	const struct dirent *d;
	pid_t pid;

	if (dir == NULL)
		return -1;
	while ((d = readdir(dir)) != NULL) {
		if (!isdigit((unsigned char)d->d_name[0]))
			continue;
		pid = (pid_t)strtol(d->d_name, NULL, 10);
		if (pid != getpid() && procs_is(m, pid))
			on_pid(pid, arg);
	}
	(void)closedir(dir);	/* only read from */
	return 0;
}

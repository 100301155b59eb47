/* SPDX-License-Identifier: ISC */
/* See capture.h. */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

static void
child(const char *const *argv, int fd)
{
	int null = open("/dev/null", O_RDONLY);

	(void)setpgid(0, 0);
	if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(fd, STDOUT_FILENO) == -1 || dup2(fd, STDERR_FILENO) == -1)
		_exit(126);
	(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* Until its end, or the time is over; false: that. */
static bool
read_all(int fd, int64_t ms, size_t max, struct text *out)
{
	struct mono end = mono_add_ms(mono_now(), ms);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[8192];
	int64_t left;
	ssize_t n;

	for (;;) {
		left = mono_diff_ms(end, mono_now());
		if (left <= 0)
			return false;
		if (poll(&p, 1, (int)left) == -1 && errno != EINTR)
			return true;
		if (p.revents == 0)
			continue;
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			return true;
		if (out->len + (size_t)n <= max)
			text_add(out, buf, (size_t)n);
	}
}

void
capture_run(const char *const *argv, int64_t ms, size_t max,
    struct text *out)
{
	int pipes[2], status = 0;
	pid_t pid;
	bool whole;

	if (pipe2(pipes, O_CLOEXEC) == -1) {
		text_addf(out, "pipe: %s\n", strerror(errno));
		return;
	}
	pid = fork();
	if (pid == 0)
		child(argv, pipes[1]);
	(void)close(pipes[1]);	/* the child's */
	if (pid == -1) {
		text_addf(out, "fork: %s\n", strerror(errno));
		(void)close(pipes[0]);
		return;
	}
	whole = read_all(pipes[0], ms, max, out);
	(void)close(pipes[0]);
	if (!whole) {
		(void)kill(-pid, SIGKILL);
		(void)kill(pid, SIGKILL); /* had no group of its own yet */
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (!whole)
		text_addf(out, "(ended after %lld ms)\n", (long long)ms);
	else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		text_addf(out, "(status %d)\n", WEXITSTATUS(status));
}

/* SPDX-License-Identifier: ISC */
/* See run.h. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int
run(int dfd, int in, int out, const char *const *argv)
{
	int status;
	pid_t pid;

	(void)fflush(stdout);	/* ours comes first */
	pid = fork();
	if (pid == -1)
		return -1;
	if (pid == 0) {
		if (in == -1)
			in = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fchdir(dfd) == 0 && dup2(in, 0) == 0 &&
		    (out == -1 || dup2(out, 1) == 1))
			(void)execvp(argv[0],
			    (char *const *)(uintptr_t)argv);
		fprintf(stderr, "holdfast: %s: %s\n", argv[0],
		    strerror(errno));
		_exit(127);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
run_in(int dfd, int input_fd, const char *const *argv)
{
	return run(dfd, input_fd, -1, argv);
}

int
run_to(int dfd, int output_fd, const char *const *argv)
{
	return run(dfd, -1, output_fd, argv);
}

/* SPDX-License-Identifier: ISC */
/* A program of the system that is asked a question. */
#include "command.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

int
command_quiet(const char *const *argv)
{
	int status, null;
	pid_t pid = fork();

	if (pid == -1)
		return -1;
	if (pid == 0) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null != -1) {
			(void)dup2(null, 0);	/* quiet as it can be */
			(void)dup2(null, 1);
			(void)dup2(null, 2);
		}
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

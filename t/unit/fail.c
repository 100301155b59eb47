/* SPDX-License-Identifier: ISC */
/* Failpoints: each order in a child of its own, which is killed or not. */
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "fail.h"
#include "paths.h"

#include "tap.h"

#define PASSES	5

static void
write_file(const char *text)
{
	char path[PATH_LEN];
	int fd = open(path_run(path, "fail"), O_WRONLY | O_CREAT | O_TRUNC,
	    0600);

	if (fd == -1 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(9);
	(void)close(fd);
}

static off_t
file_size(void)
{
	char path[PATH_LEN];
	struct stat st;

	return stat(path_run(path, "fail"), &st) == 0 ? st.st_size : -1;
}

/* Until the file was looked at again: that is a matter of milliseconds. */
static void
pass_for_ms(int step, int64_t ms)
{
	struct mono end = mono_add_ms(mono_now(), ms);

	while (!mono_passed(end, mono_now()))
		fail_point(step);
}

/* Passes step 7 five times; how often it was when the child was killed. */
static int
passes(const char *env, const char *file)
{
	int p[2], status, n = 0;
	char byte;
	pid_t pid;

	if (env != NULL)
		(void)setenv("HOLDFAST_FAIL", env, 1);
	else
		(void)unsetenv("HOLDFAST_FAIL");
	write_file(file);
	if (pipe(p) == -1)
		return -1;
	pid = fork();
	if (pid == 0) {
		fail_init("mirrord");
		for (n = 0; n < PASSES; n++) {
			fail_point(8);
			fail_point(7);
			if (write(p[1], "", 1) != 1)
				_exit(9);
		}
		_exit(0);
	}
	(void)close(p[1]);
	while (read(p[0], &byte, 1) == 1)
		n++;
	(void)close(p[0]);
	(void)waitpid(pid, &status, 0);
	ok(WIFSIGNALED(status) == (n < PASSES) && (WIFEXITED(status) ||
	    WTERMSIG(status) == SIGKILL), "killed, or to its end");
	return n;
}

static void
test_env(void)
{
	is_num(passes(NULL, ""), PASSES, "no order");
	is_num(passes("7", ""), 0, "the first time");
	is_num(passes("7:3", ""), 2, "the third time");
	is_num(passes("7:6", ""), PASSES, "not reached");
	is_num(passes("9", ""), PASSES, "another step");
	is_num(passes("mirrord:7:2", ""), 1, "named");
	is_num(passes("moduled:7", ""), PASSES, "another program");
	is_num(passes("moduled:7 mirrord:7:4", ""), 3, "one of two");
	is_num(passes("7x", ""), PASSES, "nonsense");
	is_num(passes("7:0", ""), PASSES, "never");
	is_num(passes("mirrord", ""), PASSES, "no step");
	is_num(passes("1000", ""), PASSES, "too high");
}

static void
test_file(void)
{
	is_num(passes(NULL, "mirrord:7:3\n"), 2, "by the file");
	is_num(file_size(), 0, "which is empty then");
	is_num(passes(NULL, "mirrord:7:again"), 0, "in each life");
	is_num(file_size(), 15, "by a file that stays");
	is_num(passes(NULL, "witnessd:7\n"), PASSES, "not ours");
	is_num(file_size(), 11, "which stays");
}

/* It runs already, and is armed; it stops instead of dying. */
static void
test_running(void)
{
	int status;
	pid_t pid;

	(void)unsetenv("HOLDFAST_FAIL");
	write_file("");
	pid = fork();
	if (pid == 0) {
		fail_init("mirrord");
		fail_point(7);
		write_file("mirrord:7:stop");
		pass_for_ms(7, 1000);
		_exit(file_size() == 0 ? 3 : 4);
	}
	(void)waitpid(pid, &status, WUNTRACED);
	ok(WIFSTOPPED(status), "armed while it ran, and stopped");
	(void)kill(pid, SIGCONT);
	(void)waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 3,
	    "goes on, and is not stopped again");
}

int
main(void)
{
	char root[] = "/tmp/fail.XXXXXX", path[PATH_LEN], cmd[PATH_LEN];

	if (mkdtemp(root) == NULL)
		return 1;
	(void)setenv("HOLDFAST_ROOT", root, 1);
	if (path_mkdirs(path_run(path, "x"), 0755) == -1)
		return 1;
	if (fail_is_built()) {
		test_env();
		test_file();
		test_running();
	} else {
		(void)setenv("HOLDFAST_FAIL", "7", 1);
		fail_init("mirrord");
		fail_point(7);
		ok(true, "a build without them passes every step");
	}
	(void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", root);
	if (system(cmd) != 0)
		return 1;
	return tap_done();
}

/* SPDX-License-Identifier: ISC */
/*
 * A daemon gets: standard input from nowhere, its log as standard output and
 * error, readiness on 3, its connection to keepd on 4, and nothing else;
 * default signals; a session of its own; an OOM score that makes the kernel
 * look elsewhere first.
 */
#include "spawn.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "keep.h"
#include "log.h"
#include "paths.h"

#include "adopt.h"
#include "service.h"

#define OOM_SCORE	"-900"
#define READY_FD	3
#define KEEP_FD		4
/* Out of the way of the numbers that mean something. */
#define HIGH_FD		20

int
spawn_protect(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return -1;
	n = write(fd, OOM_SCORE, sizeof(OOM_SCORE) - 1);
	(void)close(fd);	/* the write is the whole story */
	return n > 0 ? 0 : -1;
}

static void
reset_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)sigaction(i, &sa, NULL);	/* KILL and STOP refuse */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int
open_log(const char *name, const char *module)
{
	char path[PATH_LEN];
	int fd;

	(void)path_mkdirs(path_log(path, "%s", ""), 0755);
	path_log(path, "%s.log", module[0] != '\0' ? module : name);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (fd == -1)
		log_warn("%s: logs here instead: %s", name, path);
	return fd;
}

static int
open_keep(const char *name, const char *module)
{
	char owner[SERVICE_NAME_MAX + MODULE_NAME_MAX + 2];

	if (strcmp(name, "keepd") == 0)
		return -1;
	(void)snprintf(owner, sizeof(owner), "%s%s%s", module,
	    module[0] != '\0' ? "/" : "", name);
	return keep_connect(owner);
}

/* Puts fd at number `at', or closes that number when there is none. */
static void
place(int fd, int at)
{
	if (fd == -1)
		(void)close(at);	/* whatever it was */
	else if (dup2(fd, at) == -1)
		fatal("descriptor %d", at);
}

static void
set_descriptors(const char *name, const char *module, int ready)
{
	int null, log, keep;

	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	log = open_log(name, module);
	keep = open_keep(name, module);
	if (keep != -1)
		keep = fcntl(keep, F_DUPFD_CLOEXEC, HIGH_FD);
	ready = fcntl(ready, F_DUPFD_CLOEXEC, HIGH_FD);
	place(null, STDIN_FILENO);
	if (log != -1) {
		place(log, STDOUT_FILENO);
		place(log, STDERR_FILENO);
	}
	place(ready, READY_FD);
	place(keep, KEEP_FD);
	(void)syscall(SYS_close_range, KEEP_FD + 1, ~0U, 0);
	(void)setenv("HOLDFAST_READY_FD", "3", 1);
	if (keep != -1)
		(void)setenv("HOLDFAST_KEEP_FD", "4", 1);
}

/* What systemd told holdfastd is not for its children. */
static void
clean_environment(void)
{
	static const char *const names[] = {
		"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
		"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
		"INVOCATION_ID", "JOURNAL_STREAM", "MAINPID",
		"HOLDFAST_READY_FD", "HOLDFAST_KEEP_FD",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unsetenv(names[i]);
}

static void
child(const char *name, const char *module, int ready, int go)
{
	char path[PATH_LEN], self[SERVICE_NAME_MAX], m[MODULE_NAME_MAX + 1];
	char option[] = "-M";
	char *argv[] = { self, NULL, NULL, NULL };
	char byte;

	if (read(go, &byte, 1) != 1)
		_exit(EX_OK);	/* not written down: must not run */
	(void)setsid();
	(void)umask(022);
	if (chdir("/") == -1)
		fatal("/");
	clean_environment();
	set_descriptors(name, module, ready);
	if (spawn_protect() == -1)
		log_debug("%s: OOM score not set", name);
	reset_signals();
	(void)snprintf(self, sizeof(self), "%s", name);
	(void)snprintf(m, sizeof(m), "%s", module);
	if (module[0] != '\0') {
		argv[1] = option;
		argv[2] = m;
	}
	(void)execv(path_lib(path, "%s", name), argv);
	log_warn("%s: not started: %s", name, path);
	_exit(EX_OSERR);
}

int
spawn_prepare(struct spawn *p, const char *name, const char *module)
{
	int ready[2], go[2];
	sigset_t all, old;
	int saved;

	if (pipe2(ready, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	if (pipe2(go, O_CLOEXEC) == -1) {
		saved = errno;
		(void)close(ready[0]);	/* the first error counts */
		(void)close(ready[1]);
		errno = saved;
		return -1;
	}
	/* No handler of ours may run in the child. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &old);
	p->pid = fork();
	saved = errno;
	if (p->pid == 0) {
		(void)close(go[1]);	/* or we would never see its end */
		child(name, module, ready[1], go[0]);
	}
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	(void)close(ready[1]);		/* the child's */
	(void)close(go[0]);
	p->ready_fd = ready[0];
	p->go_fd = go[1];
	if (p->pid == -1) {
		(void)close(ready[0]);	/* nobody is behind them */
		(void)close(go[1]);
		errno = saved;
		return -1;
	}
	p->start = adopt_start_time(p->pid);
	return 0;
}

void
spawn_go(struct spawn *p)
{
	if (write(p->go_fd, "", 1) == -1)
		log_warn("process %d: not told to go on", (int)p->pid);
	(void)close(p->go_fd);	/* told, or it is gone */
	p->go_fd = -1;
}

/* SPDX-License-Identifier: ISC */
/*
 * The first process of a host of the lab, and the few system calls a shell
 * cannot make.  `boot' makes the namespaces of a host, runs its set-up in
 * them and then is init there: it reaps, starts the service when it is told
 * to (SIGUSR1: the network is ready) and starts it again when it ends, as
 * an init system would; SIGTERM ends it in order, and then the host.
 * `boot-into' becomes another init instead, when the network is ready.
 * `shutdown-fs' makes a filesystem drop whatever it has not written.
 * `watchdog' returns when it is time to pull the plug.  Called by the files
 * beside it only.
 */
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

/* ext4's own header is not exported; these two are its fixed interface. */
#define LAB_EXT4_IOC_SHUTDOWN	_IOR('X', 125, uint32_t)
#define LAB_EXT4_NOLOGFLUSH	0x2

/* As the limits of the system's unit. */
#define SERVICE_NOFILE	131072

/* A service that ends at once is not started in a busy loop. */
#define RESPAWN_MIN_MS	50
#define RESPAWN_MAX_MS	5000
#define RESPAWN_WELL_MS	10000
#define IDLE_MS		3600000
#define READY_FD	3

struct service {
	const char	*command;
	pid_t		pid;		/* 0: not running */
	bool		is_wanted;
	bool		is_ending;	/* and with it the host */
	int64_t		delay_ms;	/* before the next start */
	struct mono	started;
	struct mono	due;		/* the next start */
};

/* What boots a host, in the order of the command line. */
struct host {
	const char	*cgroup;
	const char	*name;
	const char	*service;	/* command line, or the other init */
	bool		 is_init;	/* it becomes init itself */
	char		**setup;
};

static int	boot(const struct host *h);
static void	join_cgroup(const char *dir);
static int	init_run(const struct host *h, int ready);
static int	become_init(const char *program);
static int	setup_run(char **argv);
static void	init_loop(struct service *s);
static void	service_start(struct service *s);
static void	service_reap(struct service *s, int status);
static int	shutdown_fs(const char *path);
static int	watchdog(const char *fifo, int seconds);

int
main(int argc, char *argv[])
{
	if (argc >= 6 && (strcmp(argv[1], "boot") == 0 ||
	    strcmp(argv[1], "boot-into") == 0)) {
		struct host h = {
			.cgroup = argv[2], .name = argv[3], .service = argv[4],
			.is_init = strcmp(argv[1], "boot-into") == 0,
			.setup = argv + 5,
		};

		return boot(&h);
	}
	if (argc == 3 && strcmp(argv[1], "shutdown-fs") == 0)
		return shutdown_fs(argv[2]);
	if (argc == 4 && strcmp(argv[1], "watchdog") == 0)
		return watchdog(argv[2], (int)strtol(argv[3], NULL, 10));
	fprintf(stderr, "usage: labinit boot CGROUP HOST SERVICE SETUP...\n"
	    "       labinit boot-into CGROUP HOST INIT SETUP...\n"
	    "       labinit shutdown-fs DIR\n"
	    "       labinit watchdog FIFO SECONDS\n");
	return EX_USAGE;
}

/*
 * Prints the pid of the host's init, as seen here, when the set-up has
 * succeeded.
 */
static int
boot(const struct host *h)
{
	int ready[2];
	pid_t pid;
	char byte;

	join_cgroup(h->cgroup);
	if (pipe2(ready, O_CLOEXEC) == -1)
		err(EX_OSERR, "pipe");
	if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
	    CLONE_NEWNET | CLONE_NEWCGROUP) == -1)
		err(EX_OSERR, "namespaces of %s", h->name);
	pid = fork();
	if (pid == -1)
		err(EX_OSERR, "fork");
	if (pid == 0) {
		(void)close(ready[0]);
		_exit(init_run(h, ready[1]));
	}
	(void)close(ready[1]);
	if (read(ready[0], &byte, 1) != 1) {
		(void)waitpid(pid, NULL, 0);
		errx(EX_UNAVAILABLE, "%s: set-up failed", h->name);
	}
	printf("%d\n", (int)pid);
	(void)fflush(stdout);
	/* No exit handlers: children made from here on would be born into the
	 * host, and the leak checker of a sanitized build waits for one. */
	_exit(EX_OK);
}

/*
 * Before the namespaces are made, so that this cgroup is what the host sees
 * as the root of its tree.
 */
static void
join_cgroup(const char *dir)
{
	char path[512];
	int fd, len;

	len = snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	if (len < 0 || (size_t)len >= sizeof(path))
		errx(EX_USAGE, "%s: too long", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1 || write(fd, "0", 1) != 1)
		err(EX_OSERR, "%s", path);
	(void)close(fd);
}

static int
init_run(const struct host *h, int ready)
{
	struct service s = { .command = h->service,
	    .delay_ms = RESPAWN_MIN_MS };
	sigset_t all;

	/* Blocked, not handled: the kernel keeps them for init's sigwait. */
	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	(void)setsid();
	if (ready != READY_FD && dup3(ready, READY_FD, O_CLOEXEC) == -1) {
		warn("descriptors");
		return EX_OSERR;
	}
	if (dup2(STDERR_FILENO, STDOUT_FILENO) == -1 ||
	    close_range(READY_FD + 1, ~0U, 0) == -1) {
		warn("descriptors");
		return EX_OSERR;
	}
	if (sethostname(h->name, strlen(h->name)) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    chdir("/") == -1) {
		warn("%s: namespaces", h->name);
		return EX_OSERR;
	}
	if (setup_run(h->setup) != 0)
		return EX_UNAVAILABLE;
	if (write(READY_FD, "\n", 1) != 1)
		return EX_OSERR;
	(void)close(READY_FD);
	if (h->is_init)
		return become_init(h->service);
	init_loop(&s);
	sync();
	return 0;
}

/* Another init: with what the kernel gives to one, and where it is. */
static int
become_init(const char *program)
{
	static char *env[] = {
		(char *)(uintptr_t)"container=holdfast-lab",
		(char *)(uintptr_t)"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		NULL
	};
	char *argv[] = { (char *)(uintptr_t)program, NULL };
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	while (sigwait(&set, &sig) != 0)
		;
	sigemptyset(&set);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
	(void)execve(program, argv, env);
	warn("%s", program);
	return EX_UNAVAILABLE;
}

static int
setup_run(char **argv)
{
	sigset_t none;
	pid_t pid;
	int status;

	pid = fork();
	if (pid == -1) {
		warn("fork");
		return -1;
	}
	if (pid == 0) {
		sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)execv(argv[0], argv);
		warn("%s", argv[0]);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		warnx("%s: status %d", argv[0], status);
		return -1;
	}
	return 0;
}

/* The power button: the service ends first. */
static void
service_stop(struct service *s)
{
	s->is_wanted = false;
	s->is_ending = true;
	if (s->pid != 0)
		(void)kill(s->pid, SIGTERM);	/* or it has just ended */
}

/* When it returns the kernel ends the host; only SIGTERM makes it. */
static void
init_loop(struct service *s)
{
	struct timespec wait;
	sigset_t set;
	int64_t left_ms;
	pid_t pid;
	int sig, status;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	while (!s->is_ending || s->pid != 0) {
		left_ms = IDLE_MS;
		if (s->is_wanted && s->pid == 0)
			left_ms = mono_diff_ms(s->due, mono_now()) + 1;
		if (left_ms < 0)
			left_ms = 0;
		wait.tv_sec = left_ms / 1000;
		wait.tv_nsec = left_ms % 1000 * 1000000L;
		sig = sigtimedwait(&set, NULL, &wait);
		if (sig == SIGUSR1 && s->command[0] != '\0')
			s->is_wanted = true;
		if (sig == SIGTERM)
			service_stop(s);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == s->pid)
				service_reap(s, status);
		if (s->is_wanted && s->pid == 0 &&
		    (!mono_is_set(s->due) || mono_passed(s->due, mono_now())))
			service_start(s);
	}
}

static void
service_start(struct service *s)
{
	static const struct rlimit files = { SERVICE_NOFILE, SERVICE_NOFILE };
	static const struct rlimit locked = { RLIM_INFINITY, RLIM_INFINITY };
	sigset_t none;
	pid_t pid;

	pid = fork();
	if (pid == -1) {
		warn("fork");
		return;
	}
	if (pid == 0) {
		sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)setsid();
		/* Without the right to: it goes on with what it has. */
		(void)setrlimit(RLIMIT_NOFILE, &files);
		(void)setrlimit(RLIMIT_MEMLOCK, &locked);
		(void)execl("/bin/sh", "sh", "-c", s->command, (char *)NULL);
		_exit(127);
	}
	s->pid = pid;
	s->started = mono_now();
}

static void
service_reap(struct service *s, int status)
{
	s->pid = 0;
	if (s->is_ending)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		warnx("%s: not installed, not started again", s->command);
		s->is_wanted = false;
		return;
	}
	s->delay_ms *= 2;
	if (mono_diff_ms(mono_now(), s->started) >= RESPAWN_WELL_MS)
		s->delay_ms = RESPAWN_MIN_MS;
	if (s->delay_ms > RESPAWN_MAX_MS)
		s->delay_ms = RESPAWN_MAX_MS;
	warnx("%s: ended with status %d, again in %lld ms", s->command,
	    status, (long long)s->delay_ms);
	s->due = mono_add_ms(mono_now(), s->delay_ms);
}

/*
 * As the plug pulled: what is in the page cache and in the journal's open
 * transaction never reaches the disk; everything from now on is EIO.
 */
static int
shutdown_fs(const char *path)
{
	uint32_t how = LAB_EXT4_NOLOGFLUSH;
	int fd;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		err(EX_NOINPUT, "%s", path);
	if (ioctl(fd, LAB_EXT4_IOC_SHUTDOWN, &how) == -1)
		err(EX_OSERR, "%s: shutdown", path);
	(void)close(fd);
	return 0;
}

/*
 * As the kernel's watchdog: it runs from the first byte on, each byte winds it
 * up again, and a V as the last one stops it.
 */
static int
watchdog(const char *fifo, int seconds)
{
	struct pollfd p = { .events = POLLIN };
	char buf[512], last = 'V';
	ssize_t n;
	int rc;

	/* For both: a writer that closes is not the end of the file. */
	p.fd = open(fifo, O_RDWR | O_CLOEXEC);
	if (p.fd == -1)
		err(EX_NOINPUT, "%s", fifo);
	for (;;) {
		rc = poll(&p, 1, last == 'V' ? -1 : seconds * 1000);
		if (rc == 0)
			break;
		n = rc == -1 ? -1 : read(p.fd, buf, sizeof(buf));
		if (n > 0)
			last = buf[n - 1];
		else if (errno != EINTR)
			err(EX_IOERR, "%s", fifo);
	}
	warnx("watchdog: not fed for %d s: power off", seconds);
	(void)close(p.fd);
	return 0;
}

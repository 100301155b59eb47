/* SPDX-License-Identifier: ISC */
/* A process as init(8) would start it. */
#include "child.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "log.h"

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER	57
#endif
/* Bytes of the kernel's set of signals. */
#define KERNEL_SIGSET		8
/* ioprio_set(2) has no header: this process, class "none". */
#define IOPRIO_WHO_PROCESS	1

/*
 * What a service of systemd gets; -1: no limit.  Of the others no daemon of
 * ours changes anything, so they are the machine's already.
 */
static const struct {
	int	resource;
	rlim_t	soft;
	rlim_t	hard;
} limits[] = {
	{ RLIMIT_NOFILE,	1024,			524288 },
	{ RLIMIT_MEMLOCK,	8 * 1024 * 1024,	8 * 1024 * 1024 },
	{ RLIMIT_STACK,		8 * 1024 * 1024,	RLIM_INFINITY },
	{ RLIMIT_CORE,		0,			RLIM_INFINITY },
	{ RLIMIT_RTPRIO,	0,			0 },
	{ RLIMIT_NICE,		0,			0 },
	{ RLIMIT_RTTIME,	RLIM_INFINITY,		RLIM_INFINITY },
};

static void
reset_limits(void)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit now, want;

		if (getrlimit(limits[i].resource, &now) == -1)
			continue;
		want.rlim_cur = limits[i].soft;
		want.rlim_max = limits[i].hard;
		/* Where we may not raise the hard limit, it stays. */
		if (want.rlim_max > now.rlim_max)
			want.rlim_max = now.rlim_max;
		if (want.rlim_cur > want.rlim_max)
			want.rlim_cur = want.rlim_max;
		if (setrlimit(limits[i].resource, &want) == -1)
			log_warn("limit %d: not reset", limits[i].resource);
	}
}

static void
reset_oom_score(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd == -1 || write(fd, "0", 1) != 1)
		log_warn("OOM score: not reset");
	if (fd != -1)
		(void)close(fd);	/* the write is the whole story */
}

static void
reset_scheduling(void)
{
	struct sched_param param = { .sched_priority = 0 };

	if (sched_setscheduler(0, SCHED_OTHER, &param) == -1)
		log_warn("scheduling: not reset");
	if (setpriority(PRIO_PROCESS, 0, 0) == -1)
		log_warn("nice value: not reset");
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 0) == -1)
		log_warn("I/O priority: not reset");
	/* 0: that of its parent when it was started, the default. */
	(void)prctl(PR_SET_TIMERSLACK, 0, 0, 0, 0);
	/* mirrord's; EPERM or EINVAL: it was not set then. */
	(void)prctl(PR_SET_IO_FLUSHER, 0, 0, 0, 0);
}

/*
 * By the system call: sigaction(3) leaves out the two signals that the C
 * library keeps for itself, and an ignored one is inherited.
 */
static void
reset_signals(void)
{
	/* The kernel's struct: SIG_DFL, no flags, an empty mask are all 0. */
	const unsigned long zero[8] = { 0 };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)syscall(SYS_rt_sigaction, i, zero, NULL, KERNEL_SIGSET);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void
child_reset(void)
{

	reset_scheduling();
	reset_oom_score();
	reset_limits();
	(void)umask(022);
	reset_signals();
}

void
child_descriptors(int log)
{
	int null = open("/dev/null", O_RDWR);

	if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(log != -1 ? log : null, STDOUT_FILENO) == -1 ||
	    dup2(log != -1 ? log : null, STDERR_FILENO) == -1)
		fatal("/dev/null");
	(void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
}

/* SPDX-License-Identifier: ISC */
/*
 * The rights of a role are those its local members have: role admin runs as
 * root, the others as nobody in the role's group, so that every daemon
 * decides by the peer's credentials as it does for a local caller.
 */
#include "job.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"
#include "paths.h"
#include "xalloc.h"

#include "budget.h"

#define STREAMS		2
/* From "please" to "now". */
#define KILL_MS		5000
/* What is in the pipes of one that ended is read in this time. */
#define REST_MS		5000

struct job {
	struct loop		*loop;
	const struct job_calls	*calls;
	void			*arg;
	enum role		 role;
	pid_t			 pid;
	struct loop_child	*child;
	struct loop_timer	*kill;
	int			 fd[STREAMS];
	struct loop_fd		*io[STREAMS];
	bool			 paused;
	bool			 freed;
	unsigned		 depth;
	uint8_t			 status;
	char			 what[64];
};

static struct {
	uid_t		nobody;
	gid_t		gid[ROLE_ADMIN];	/* by role */
	unsigned	used[ROLE_ADMIN + 1];	/* by role, until freed */
	bool		leaving;
} self = { .nobody = (uid_t)-1 };

void
job_init(void)
{
	static const char *const groups[] = {
		[ROLE_MONITOR] = "holdfast",
		[ROLE_CONTROL] = "holdfast-control",
	};
	const struct passwd *pw = getpwnam("nobody");
	int i;

	self.nobody = pw != NULL ? pw->pw_uid : 65534;
	for (i = ROLE_MONITOR; i < ROLE_ADMIN; i++) {
		const struct group *gr = getgrnam(groups[i]);

		self.gid[i] = gr != NULL ? gr->gr_gid : (gid_t)-1;
	}
}

/* --- the child ------------------------------------------------------ */

static void
take_role(enum role role)
{
	gid_t gid;

	if (role == ROLE_ADMIN || geteuid() != 0)
		return;
	gid = self.gid[role];
	if (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(self.nobody, self.nobody, self.nobody) == -1)
		_exit(EX_OSERR);
}

static void
set_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;
	int i;

	for (i = 1; i < NSIG; i++)
		(void)sigaction(i, &sa, NULL);	/* KILL and STOP refuse */
	/* Nobody reads on when remoted has ended: no reason to end as well. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
set_environment(enum role role, const char *who)
{
	static const char *const roles[] = {
		[ROLE_MONITOR] = "monitor", [ROLE_CONTROL] = "control",
		[ROLE_ADMIN] = "admin",
	};
	const char *root = getenv("HOLDFAST_ROOT");
	char copy[PATH_LEN] = "";

	if (root != NULL)
		(void)snprintf(copy, sizeof(copy), "%s", root);
	(void)clearenv();
	(void)setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	(void)setenv("LC_ALL", "C.UTF-8", 1);
	(void)setenv("HOLDFAST_FOR", who, 1);
	(void)setenv("HOLDFAST_ROLE", roles[role], 1);
	if (copy[0] != '\0')
		(void)setenv("HOLDFAST_ROOT", copy, 1);
}

static void
run(enum role role, const char *who, const char *const *argv, int input,
    const int out[STREAMS])
{
	const char *words[REMOTE_ARG_MAX + 2] = { "holdfast" };
	char program[PATH_LEN];
	int i;

	(void)setsid();
	(void)umask(022);
	(void)path_lib(program, "safekit");	/* a link to holdfast */
	for (i = 0; argv[i] != NULL; i++)
		words[i + 1] = argv[i];
	words[i + 1] = NULL;
	if (dup2(input, 0) == -1 || dup2(out[0], 1) == -1 ||
	    dup2(out[1], 2) == -1 || chdir("/") == -1)
		_exit(EX_OSERR);
	(void)syscall(SYS_close_range, 3, ~0U, 0);
	/* What runs for others is no daemon to the memory killer. */
	i = open("/proc/self/oom_score_adj", O_WRONLY);
	if (i != -1 && write(i, "0", 1) == -1)
		log_debug("OOM score not set");
	if (i != -1)
		(void)close(i);	/* must not stay open */
	set_environment(role, who);
	take_role(role);
	set_signals();
	/* The strings are not changed; the prototype is older than const. */
	(void)execv(program, (char *const *)(uintptr_t)words);
	(void)dprintf(2, "holdfast: %s: %s\n", program, strerror(errno));
	_exit(EX_UNAVAILABLE);
}

/* --- its output and its end ----------------------------------------- */

static void
destroy(struct job *j)
{
	int i;

	self.used[j->role]--;
	for (i = 0; i < STREAMS; i++) {
		loop_fd_del(j->io[i]);
		if (j->fd[i] != -1)
			(void)close(j->fd[i]);	/* only read */
	}
	loop_timer_free(j->kill);
	loop_child_del(j->child);
	free(j);
}

static void
close_stream(struct job *j, int i)
{
	loop_fd_del(j->io[i]);
	j->io[i] = NULL;
	(void)close(j->fd[i]);	/* read to its end */
	j->fd[i] = -1;
}

static void
look(struct job *j)
{
	if (j->child == NULL && j->fd[0] == -1 && j->fd[1] == -1 &&
	    !j->freed)
		j->calls->on_end(j->status, j->what, j->arg);
}

static void
on_readable(int fd, int events, void *arg)
{
	struct job *j = arg;
	uint8_t buf[REMOTE_CHUNK];
	int i = fd == j->fd[0] ? 0 : 1;
	ssize_t n = read(fd, buf, sizeof(buf));

	(void)events;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	j->depth++;
	if (n > 0)
		j->calls->on_output(i == 0 ? REMOTE_OUT : REMOTE_ERR, buf,
		    (size_t)n, j->arg);
	else
		close_stream(j, i);
	look(j);
	if (--j->depth == 0 && j->freed && j->child == NULL)
		destroy(j);
}

/* A session of its own: its children go with it. */
static void
end_with(const struct job *j, int signo)
{
	if (kill(-j->pid, signo) == -1)
		(void)kill(j->pid, signo);	/* not that far yet */
}

static void
on_time(void *arg)
{
	struct job *j = arg;
	int i;

	if (j->child != NULL) {
		end_with(j, SIGKILL);
		return;
	}
	/* Something it left behind holds its output open: no matter. */
	j->depth++;
	for (i = 0; i < STREAMS; i++)
		if (j->io[i] != NULL)
			close_stream(j, i);
	look(j);
	if (--j->depth == 0 && j->freed)
		destroy(j);
}

static void
on_exit_status(pid_t pid, int status, void *arg)
{
	struct job *j = arg;

	(void)pid;
	j->child = NULL;
	loop_timer_cancel(j->kill);
	if (WIFEXITED(status)) {
		j->status = (uint8_t)WEXITSTATUS(status);
	} else {
		j->status = EX_SOFTWARE;
		(void)snprintf(j->what, sizeof(j->what),
		    "ended by signal %d", WTERMSIG(status));
	}
	if (j->freed) {
		if (j->depth == 0)
			destroy(j);
		return;
	}
	j->depth++;
	loop_timer_set(j->kill, REST_MS, 0);
	look(j);
	if (--j->depth == 0 && j->freed)
		destroy(j);
}

void
job_pause(struct job *j, bool pause)
{
	int i;

	j->paused = pause;
	for (i = 0; i < STREAMS; i++)
		if (j->io[i] != NULL)
			loop_fd_set(j->io[i], pause ? 0 : LOOP_READ);
}

void
job_free(struct job *j)
{
	int i;

	if (j == NULL)
		return;
	j->freed = true;
	for (i = 0; i < STREAMS; i++)
		if (j->io[i] != NULL && j->child != NULL)
			close_stream(j, i);
	if (j->child == NULL || self.leaving) {
		if (j->depth == 0)
			destroy(j);
		return;
	}
	end_with(j, SIGTERM);
	loop_timer_set(j->kill, KILL_MS, 0);
}

void
job_leave_all(void)
{
	self.leaving = true;
}

bool
job_has_place(enum role role, unsigned max)
{
	return budget_has_place(self.used, role, max);
}

static bool
may_run(enum role role, const char **why)
{
	if (role == ROLE_ADMIN || geteuid() != 0 ||
	    self.gid[role] != (gid_t)-1)
		return true;
	*why = role == ROLE_CONTROL ?
	    "group holdfast-control does not exist here" :
	    "group holdfast does not exist here";
	return false;
}

static struct job *
started(struct loop *l, enum role role, pid_t pid, const int out[STREAMS],
    const struct job_calls *calls, void *arg)
{
	struct job *j = xcalloc(1, sizeof(*j));
	int i;

	self.used[role]++;
	j->role = role;
	j->loop = l;
	j->calls = calls;
	j->arg = arg;
	j->pid = pid;
	j->kill = loop_timer_new(l, on_time, j);
	for (i = 0; i < STREAMS; i++) {
		j->fd[i] = out[i];
		j->io[i] = loop_fd_add(l, out[i], LOOP_READ, on_readable, j);
	}
	j->child = loop_child_add(l, pid, on_exit_status, j);
	return j;
}

struct job *
job_new(struct loop *l, enum role role, const char *who,
    const char *const *argv, int input_fd, const struct job_calls *calls,
    void *arg, const char **why)
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 }, null, ends[STREAMS];
	pid_t pid = -1;
	sigset_t all, old;

	if (!may_run(role, why))
		return NULL;
	*why = "no process could be started";
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	/* job_free() may end the child at once: no handler of ours there. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &old);
	if (null != -1 && pipe2(out, O_CLOEXEC) == 0 &&
	    pipe2(err, O_CLOEXEC) == 0)
		pid = fork();
	if (pid == 0) {
		ends[0] = out[1];
		ends[1] = err[1];
		run(role, who, argv, input_fd != -1 ? input_fd : null, ends);
	}
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	(void)close(null);	/* the child's, like the writing ends */
	(void)close(out[1]);
	(void)close(err[1]);
	if (pid == -1) {
		(void)close(out[0]);	/* nobody writes */
		(void)close(err[0]);
		return NULL;
	}
	(void)fcntl(out[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(err[0], F_SETFL, O_NONBLOCK);
	ends[0] = out[0];
	ends[1] = err[0];
	return started(l, role, pid, ends, calls, arg);
}

/* SPDX-License-Identifier: ISC */
/* Running what program.h describes. */
#include "program.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "child.h"
#include "log.h"
#include "xalloc.h"

#define WORD_LEN	200
#define NOT_RUN		127	/* as of a shell */

struct program {
	struct loop			*loop;
	const struct env		*env;
	char *const			*argv;
	int				(*call)(void *);
	void				*call_arg;
	const struct program_calls	*calls;
	void				*arg;
	char				 cgroup[CGROUP_PATH_LEN]; /* "" none */
	pid_t				 pid;		/* 0: none */
	bool				 killed;
	struct loop_child		*child;
	int				 out;		/* -1: none */
	struct loop_fd			*io;
	char				 word[WORD_LEN];
	char				 line[WORD_LEN];
	size_t				 line_len;
};

struct program *
program_new(struct loop *l, const char *module, const char *name,
    const struct env *env, char *const argv[],
    const struct program_calls *calls, void *arg)
{
	struct program *p = xcalloc(1, sizeof(*p));
	char parent[CGROUP_PATH_LEN], own[160];

	p->loop = l;
	p->env = env;
	p->argv = argv;
	p->calls = calls;
	p->arg = arg;
	p->out = -1;
	(void)snprintf(own, sizeof(own), "check-%s", name);
	if (cgroup_module(parent, module) == -1 ||
	    cgroup_below(p->cgroup, parent, own) == -1)
		p->cgroup[0] = '\0';	/* then by its process group */
	else
		(void)cgroup_kill(p->cgroup);	/* empty, most likely */
	return p;
}

struct program *
program_new_call(struct loop *l, int (*call)(void *arg), void *call_arg,
    const struct program_calls *calls, void *arg)
{
	struct program *p = xcalloc(1, sizeof(*p));

	p->loop = l;
	p->call = call;
	p->call_arg = call_arg;
	p->calls = calls;
	p->arg = arg;
	p->out = -1;
	return p;
}

/* --- what it says ---------------------------------------------------- */

static void
end_line(struct program *p)
{
	p->line[p->line_len] = '\0';
	if (p->line_len > 0)
		(void)snprintf(p->word, sizeof(p->word), "%s", p->line);
	p->line_len = 0;
}

static void
take(struct program *p, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '\n')
			end_line(p);
		else if (p->line_len < sizeof(p->line) - 1)
			p->line[p->line_len++] = text[i] >= ' ' &&
			    text[i] <= '~' ? text[i] : '?';
	}
}

static void
close_out(struct program *p)
{
	if (p->io != NULL)
		loop_fd_del(p->io);
	p->io = NULL;
	if (p->out != -1)
		(void)close(p->out);	/* only read from */
	p->out = -1;
}

static void
on_output(int fd, int events, void *arg)
{
	struct program *p = arg;
	char text[4096];
	ssize_t n = read(fd, text, sizeof(text));

	(void)events;
	if (n > 0)
		take(p, text, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_out(p);
}

/* --- its life ------------------------------------------------------- */

static void
on_exit_of(pid_t pid, int status, void *arg)
{
	struct program *p = arg;
	char text[4096];
	ssize_t n;

	(void)pid;
	p->child = NULL;
	p->pid = 0;
	if (p->killed) {
		if (p->calls->on_gone != NULL)
			p->calls->on_gone(p->arg);
		return;
	}
	if (p->out != -1 && (n = read(p->out, text, sizeof(text))) > 0)
		take(p, text, (size_t)n);
	end_line(p);
	close_out(p);
	p->calls->on_end(status, p->word, p->arg);
}

static void
child_main(const struct program *p, int out)
{
	/* Nobody reads its results after us. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setsid();
	if (p->cgroup[0] != '\0')
		(void)cgroup_join(p->cgroup, 0); /* then it is only killed */
	child_reset();
	child_descriptors(out);
	if (p->call != NULL) {
		int rc = p->call(p->call_arg);

		(void)fflush(stdout);	/* a result cut short is none */
		_exit(rc);
	}
	execve(p->argv[0], p->argv, p->env->var);
	dprintf(STDERR_FILENO, "%s: %s\n", p->argv[0], strerror(errno));
	_exit(NOT_RUN);
}

static void
kill_all(const struct program *p)
{
	if (p->cgroup[0] != '\0')
		(void)cgroup_kill(p->cgroup);	/* and if not, by group */
	(void)kill(-p->pid, SIGKILL);	/* ESRCH: gone, not yet reaped */
	(void)kill(p->pid, SIGKILL);
}

/* It runs, and its end would not be seen: it must not be left behind. */
static void
take_back(const struct program *p)
{
	siginfo_t si;

	/* Alone first: then it starts nothing more.  Not reaped, its number
	 * and so its group's stay its own. */
	(void)kill(p->pid, SIGKILL);
	while (waitid(P_PID, (id_t)p->pid, &si, WEXITED | WNOWAIT) == -1 &&
	    errno == EINTR)
		continue;
	kill_all(p);
	(void)waitpid(p->pid, NULL, 0);	/* it is dead */
}

int
program_start(struct program *p)
{
	int out[2], saved;

	if (p->pid != 0) {
		errno = EBUSY;
		return -1;
	}
	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	/* The program's end blocks, as it expects. */
	(void)fcntl(out[1], F_SETFL, 0);
	p->pid = fork();
	if (p->pid == 0)
		child_main(p, out[1]);
	saved = errno;
	(void)close(out[1]);	/* the program's */
	if (p->pid != -1) {
		p->child = loop_child_add(p->loop, p->pid, on_exit_of, p);
		saved = errno;
		if (p->child == NULL)
			take_back(p);
	}
	if (p->child == NULL) {
		p->pid = 0;
		(void)close(out[0]);	/* only read from */
		errno = saved;
		return -1;
	}
	p->killed = false;
	p->word[0] = '\0';
	p->line_len = 0;
	p->out = out[0];
	p->io = loop_fd_add(p->loop, p->out, LOOP_READ, on_output, p);
	return 0;
}

void
program_kill(struct program *p)
{
	if (p->pid == 0)
		return;
	close_out(p);
	p->killed = true;
	kill_all(p);
}

pid_t
program_pid(const struct program *p)
{
	return p->pid;
}

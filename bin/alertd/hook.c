/* SPDX-License-Identifier: ISC */
/* See hook.h. */
#include "hook.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "paths.h"
#include "xalloc.h"

/* From SIGTERM to SIGKILL. */
#define KILL_MS		2000
#define READS_MAX	32

struct message {
	struct message			*next;
	char				*env[HOOK_ENV_MAX + 1];
	const struct hook_calls		*calls;
	void				*arg;
	bool				 asked;		/* has, or had, calls */
};

struct hooks {
	struct loop		*loop;
	const char		*dir;
	int64_t			 timeout_ms;
	struct message		*first, **last;
	unsigned		 waiting;
	bool			 asked;		/* one of them is */
	bool			 full;		/* said */
	/* The message in hand: its hooks, and the one that runs. */
	struct dirent		**list;
	int			 count, at;
	int			 ran;
	pid_t			 pid;		/* 0: none */
	struct loop_child	*child;
	struct loop_timer	*timer;
	struct loop_timer	*soon;
	struct loop_fd		*io;
	int			 fd;
	struct mono		 begin;
	bool			 late;
	size_t			 len;
	char			 output[HOOK_OUTPUT];
};

static void run_next(struct hooks *);

/* --- which ---------------------------------------------------------- */

bool
hook_name_ok(const char *name)
{
	static const char *const tails[] = { "~", ".sample", ".disabled",
	    ".bak", ".orig", ".dpkg-old", ".dpkg-dist", ".dpkg-new",
	    ".dpkg-tmp", ".rpmsave", ".rpmorig", ".rpmnew", ".swp" };
	size_t len = strlen(name), n;

	if (name[0] == '.' || name[0] == '#' || len >= HOOK_NAME)
		return false;
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		n = strlen(tails[i]);
		if (len >= n && strcmp(name + len - n, tails[i]) == 0)
			return false;
	}
	return true;
}

static int
is_hook(const struct dirent *d)
{
	return hook_name_ok(d->d_name);
}

/* Who can write it would become our user, or root. */
static bool
is_writable_by_others(const struct stat *st)
{
	return (st->st_mode & S_IWOTH) != 0 ||
	    ((st->st_mode & S_IWGRP) != 0 && st->st_gid != 0);
}

/* Who can write into the directory can put his own hook there. */
static const char *
refused_dir(const char *dir)
{
	struct stat st;

	if (stat(dir, &st) == -1)
		return strerror(errno);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return "neither root nor our user owns the directory: chown "
		    "root it";
	if (is_writable_by_others(&st))
		return "others than root may write into the directory: chmod "
		    "go-w it";
	return NULL;
}

/* NULL: it may run. */
static const char *
refused(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? "" : "not a file";
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return "neither root nor our user owns it";
	if (is_writable_by_others(&st))
		return st.st_mode & S_IWOTH ? "everybody may write it" :
		    "a group that is not root's may write it";
	if (access(path, X_OK) == -1)
		return errno == EACCES ? "not executable for our user" :
		    strerror(errno);
	return NULL;
}

/* --- one run -------------------------------------------------------- */

static void
take_output(struct hooks *h)
{
	char buf[512];
	ssize_t n = -1;

	/*
	 * The last words tell most: what came before is cut.  One that writes
	 * without end must not keep us here, past its own time-out.
	 */
	for (int i = 0; i < READS_MAX; i++) {
		size_t room = sizeof(h->output) - 1, keep;

		if ((n = read(h->fd, buf, sizeof(buf))) <= 0)
			break;

		keep = h->len + (size_t)n > room ? room - (size_t)n : h->len;
		memmove(h->output, h->output + h->len - keep, keep);
		memcpy(h->output + keep, buf, (size_t)n);
		h->len = keep + (size_t)n;
	}
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR)) {
		loop_fd_del(h->io);
		h->io = NULL;
	}
}

static void
on_output(int fd, int events, void *arg)
{
	(void)fd;
	(void)events;
	take_output(arg);
}

static void
close_output(struct hooks *h)
{
	if (h->fd == -1)
		return;
	if (h->io != NULL)
		take_output(h);
	if (h->io != NULL)
		loop_fd_del(h->io);
	h->io = NULL;
	(void)close(h->fd);	/* only read from */
	h->fd = -1;
	while (h->len > 0 && (unsigned char)h->output[h->len - 1] <= ' ')
		h->len--;
	h->output[h->len] = '\0';
	for (size_t i = 0; i < h->len; i++)
		if (h->output[i] == '\0')
			h->output[i] = '?';
}

static void
tell(struct hooks *h, const char *name, const char *end, int64_t ms,
    const char *output)
{
	struct hook_result r = { .name = name, .end = end, .ms = ms,
	    .output = output };
	const struct message *m = h->first;

	h->ran++;
	if (strcmp(end, "ok") == 0)
		log_debug("%s/%s: ok, %lld ms", h->dir, name, (long long)ms);
	else
		log_warnx("%s/%s: %s%s%s", h->dir, name, end,
		    output[0] != '\0' ? ": " : "", output);
	if (m->calls != NULL)
		m->calls->on_hook(&r, m->arg);
}

static void
on_exit_status(pid_t pid, int status, void *arg)
{
	struct hooks *h = arg;
	char end[48];

	h->child = NULL;	/* the loop deleted it */
	h->pid = 0;
	loop_timer_cancel(h->timer);
	/* As long as one of its group is left, the number is not another's. */
	if (h->late)
		(void)kill(-pid, SIGKILL);
	close_output(h);
	if (h->late)
		(void)snprintf(end, sizeof(end), "timeout after %lld s",
		    (long long)(h->timeout_ms / 1000));
	else if (WIFSIGNALED(status))
		(void)snprintf(end, sizeof(end), "signal %d",
		    WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		(void)snprintf(end, sizeof(end), "exit %d",
		    WEXITSTATUS(status));
	else
		(void)snprintf(end, sizeof(end), "ok");
	tell(h, h->list[h->at]->d_name, end, mono_diff_ms(mono_now(),
	    h->begin), h->output);
	h->at++;
	run_next(h);
}

/* The whole group: a shell's child hangs as often as the shell. */
static void
on_time(void *arg)
{
	struct hooks *h = arg;

	if (h->pid == 0)
		return;
	(void)kill(-h->pid, h->late ? SIGKILL : SIGTERM);
	if (!h->late)
		loop_timer_set(h->timer, KILL_MS, 0);
	h->late = true;
}

static void __attribute__((noreturn))
child(const char *path, char *const *env, int out)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	char *argv[] = { (char *)(uintptr_t)path, NULL };
	sigset_t none;
	int fd;

	(void)setpgid(0, 0);
	(void)sigemptyset(&none);
	for (int i = 1; i < NSIG; i++)
		(void)sigaction(i, &sa, NULL);	/* KILL and STOP refuse */
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* The kernel may take a hook first when memory is short. */
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd != -1 && write(fd, "0", 1) == -1) {
		/* It runs all the same. */
	}
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd == -1 || dup2(fd, STDIN_FILENO) == -1 ||
	    dup2(out, STDOUT_FILENO) == -1 || dup2(out, STDERR_FILENO) == -1 ||
	    chdir("/") == -1)
		_exit(126);
	(void)umask(077);
	(void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
	(void)execve(path, argv, env);
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	_exit(126);
}

/* 0, or -1 with errno. */
static int
start(struct hooks *h, const char *path)
{
	int p[2], saved;
	sigset_t all, old;

	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	/* No handler of ours may run in the child. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &old);
	h->pid = fork();
	saved = errno;
	if (h->pid == 0) {
		(void)fcntl(p[1], F_SETFL, 0);	/* blocking, for a script */
		child(path, h->first->env, p[1]);
	}
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	(void)close(p[1]);	/* the child's */
	if (h->pid == -1) {
		(void)close(p[0]);	/* nobody is behind it */
		h->pid = 0;
		errno = saved;
		return -1;
	}
	(void)setpgid(h->pid, h->pid);	/* who is first */
	h->fd = p[0];
	h->len = 0;
	h->late = false;
	h->begin = mono_now();
	h->io = loop_fd_add(h->loop, h->fd, LOOP_READ, on_output, h);
	h->child = loop_child_add(h->loop, h->pid, on_exit_status, h);
	loop_timer_set(h->timer, h->timeout_ms, 0);
	return 0;
}

/* --- one message after the other ------------------------------------ */

static void
free_message(struct message *m)
{
	for (unsigned i = 0; m->env[i] != NULL; i++)
		free(m->env[i]);
	free(m);
}

static void
free_list(struct hooks *h)
{
	for (int i = 0; i < h->count; i++)
		free(h->list[i]);
	free(h->list);
	h->list = NULL;
	h->count = h->at = 0;
}

static void
end_message(struct hooks *h)
{
	struct message *m = h->first;

	free_list(h);
	h->first = m->next;
	if (h->first == NULL)
		h->last = &h->first;
	h->waiting--;
	h->full = false;
	if (m->asked)
		h->asked = false;
	if (m->calls != NULL)
		m->calls->on_done(h->ran, m->arg);
	free_message(m);
	if (h->first != NULL)
		loop_timer_set(h->soon, 0, 0);
}

static void
run_next(struct hooks *h)
{
	char path[PATH_LEN * 2];
	const char *why;

	for (; h->at < h->count; h->at++) {
		const char *name = h->list[h->at]->d_name;

		(void)snprintf(path, sizeof(path), "%s/%s", h->dir, name);
		why = refused(path);
		if (why == NULL)
			why = refused_dir(h->dir);
		if (why == NULL && start(h, path) == 0)
			return;
		if (why == NULL)
			why = strerror(errno);
		if (why[0] != '\0')	/* "": a directory */
			tell(h, name, "not run", 0, why);
	}
	end_message(h);
}

static void
begin_message(void *arg)
{
	struct hooks *h = arg;

	if (h->first == NULL || h->list != NULL)
		return;
	h->ran = 0;
	h->count = scandir(h->dir, &h->list, is_hook, alphasort);
	if (h->count == -1) {
		if (errno != ENOENT)
			log_warn("%s", h->dir);
		h->count = 0;
		h->list = NULL;
	}
	run_next(h);
}

bool
hooks_have_room(struct hooks *h)
{
	if (h->waiting < HOOK_QUEUE_MAX)
		return true;
	if (!h->full)
		log_warnx("%s: %d messages wait for the hooks: further ones "
		    "are told when there is room", h->dir, HOOK_QUEUE_MAX);
	h->full = true;
	return false;
}

bool
hooks_run(struct hooks *h, char *const *env, const struct hook_calls *calls,
    void *arg)
{
	struct message *m;

	if (!hooks_have_room(h) || (calls != NULL && h->asked)) {
		if (calls != NULL)
			calls->on_done(-1, arg);
		return false;
	}
	m = xcalloc(1, sizeof(*m));
	for (unsigned i = 0; i < HOOK_ENV_MAX && env[i] != NULL; i++)
		m->env[i] = xstrdup(env[i]);
	m->calls = calls;
	m->arg = arg;
	m->asked = calls != NULL;
	h->asked = h->asked || m->asked;
	*h->last = m;
	h->last = &m->next;
	h->waiting++;
	/* Never within the caller: it may be in the middle of its book. */
	loop_timer_set(h->soon, 0, 0);
	return true;
}

void
hooks_forget(struct hooks *h, const void *arg)
{
	for (struct message *m = h->first; m != NULL; m = m->next)
		if (m->arg == arg)
			m->calls = NULL;
}

unsigned
hooks_waiting(const struct hooks *h)
{
	return h->waiting;
}

struct hooks *
hooks_new(struct loop *l, const char *dir, int64_t timeout_ms)
{
	struct hooks *h = xcalloc(1, sizeof(*h));

	h->loop = l;
	h->dir = dir;
	h->timeout_ms = timeout_ms;
	h->last = &h->first;
	h->fd = -1;
	h->timer = loop_timer_new(l, on_time, h);
	h->soon = loop_timer_new(l, begin_message, h);
	return h;
}

void
hooks_free(struct hooks *h)
{
	struct message *m;

	if (h->pid != 0) {
		loop_child_del(h->child);
		(void)kill(-h->pid, SIGKILL);	/* init collects it */
	}
	close_output(h);
	loop_timer_free(h->timer);
	loop_timer_free(h->soon);
	free_list(h);
	while ((m = h->first) != NULL) {
		h->first = m->next;
		free_message(m);
	}
	free(h);
}

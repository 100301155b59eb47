/* SPDX-License-Identifier: ISC */
/*
 * Some agents return from "off" before the machine is off, so "status" is
 * asked as well: 0 on, 2 off, else not known.  Its 2 alone is no proof: that
 * is how a shell ends, too, when it cannot read a script.
 */
#include "power.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "xalloc.h"

#define WORDS_MAX	160
#define STATUS_IS_ON	0
#define STATUS_IS_OFF	2

enum phase { PH_OFF, PH_STATUS };

struct power {
	struct loop		*loop;
	const struct power_conf	*conf;
	void			(*on_done)(uint64_t id, bool is_off,
				    const char *text, void *arg);
	void			*arg;
	uint64_t		 id;		/* in hand, or done last */
	bool			 is_busy;
	enum phase		 phase;
	pid_t			 pid;
	struct loop_child	*child;
	struct loop_timer	*timer;
	bool			 timed_out, called_off;
	int			 out;		/* its words, or -1 */
	struct loop_fd		*io;
	char			 words[WORDS_MAX];	/* the last line */
};

static void	run(struct power *p, enum phase phase);

static void
end_run(struct power *p)
{
	loop_timer_cancel(p->timer);
	if (p->io != NULL)
		loop_fd_del(p->io);
	p->io = NULL;
	if (p->out != -1)
		(void)close(p->out);	/* only read from */
	p->out = -1;
	p->pid = 0;
}

static void
done(struct power *p, bool is_off, const char *text)
{
	p->is_busy = false;
	log_info("fencing %s: %s", p->conf->peer, is_off ? "its power is off" :
	    text);
	p->on_done(p->id, is_off, text, p->arg);
}

/* The last line that says something. */
static void
take_words(struct power *p, char *text)
{
	char *line, *rest = NULL;

	for (line = strtok_r(text, "\n", &rest); line != NULL;
	    line = strtok_r(NULL, "\n", &rest))
		if (line[strspn(line, " \t\r")] != '\0')
			(void)snprintf(p->words, sizeof(p->words), "%s",
			    line);
}

static void
on_words(int fd, int events, void *arg)
{
	struct power *p = arg;
	char buf[1024];
	ssize_t n = read(fd, buf, sizeof(buf) - 1);

	(void)events;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		loop_fd_del(p->io);
		p->io = NULL;
		return;
	}
	buf[n] = '\0';
	take_words(p, buf);
}

static void
failed(struct power *p)
{
	char text[2 * WORDS_MAX];

	(void)snprintf(text, sizeof(text), "%s failed%s%s", p->conf->agent,
	    p->words[0] != '\0' ? ": " : "", p->words);
	done(p, false, text);
}

static void
judge(struct power *p, int status)
{
	char text[2 * WORDS_MAX];

	if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_IS_OFF) {
		done(p, true, "");
		return;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != STATUS_IS_ON) {
		failed(p);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s says that it is still on",
	    p->conf->agent);
	done(p, false, text);
}

static void
on_exit_of(pid_t pid, int status, void *arg)
{
	struct power *p = arg;
	char text[WORDS_MAX];

	(void)pid;
	p->child = NULL;
	if (p->io != NULL)
		on_words(p->out, LOOP_READ, p);
	end_run(p);
	if (p->called_off) {
		p->called_off = p->is_busy = false;
		p->on_done(0, false, "", p->arg);
	} else if (p->timed_out) {
		(void)snprintf(text, sizeof(text), "%s did not answer in "
		    "%lld s", p->conf->agent,
		    (long long)p->conf->timeout_ms / 1000);
		done(p, false, text);
	} else if (p->phase == PH_STATUS)
		judge(p, status);
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		run(p, PH_STATUS);
	else
		failed(p);
}

static void
on_deadline(void *arg)
{
	struct power *p = arg;

	p->timed_out = true;
	(void)kill(-p->pid, SIGKILL);	/* on_exit_of() follows */
}

/* All that is said fits into a pipe; its end is the end of the file. */
static int
open_input(const struct power *p, enum phase phase)
{
	int fd[2];
	FILE *f;

	if (pipe2(fd, O_CLOEXEC) == -1)
		return -1;
	(void)fcntl(fd[1], F_SETFL, O_NONBLOCK);
	f = fdopen(fd[1], "w");
	if (f == NULL)
		fatal("fence agent");
	for (unsigned i = 0; i < p->conf->option_count; i++)
		fprintf(f, "%s\n", p->conf->option[i]);
	fprintf(f, "nodename=%s\naction=%s\n", p->conf->peer,
	    phase == PH_OFF ? "off" : "status");
	if (fclose(f) == 0)
		return fd[0];
	(void)close(fd[0]);	/* nobody reads it */
	return -1;
}

/* In a group of its own, so that what it starts ends with it. */
static int
spawn_agent(struct power *p, int in, int out)
{
	static char path_env[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char path[512], *argv[] = { path, NULL };
	char *env[] = { path_env, NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none;
	int rc;

	(void)snprintf(path, sizeof(path), "%s%s",
	    p->conf->agent[0] == '/' ? "" : "/usr/sbin/", p->conf->agent);
	(void)sigemptyset(&none);
	if (posix_spawn_file_actions_init(&fa) != 0 ||
	    posix_spawnattr_init(&attr) != 0)
		fatalx(71, "out of memory");
	(void)posix_spawn_file_actions_adddup2(&fa, in, STDIN_FILENO);
	(void)posix_spawn_file_actions_adddup2(&fa, out, STDOUT_FILENO);
	(void)posix_spawn_file_actions_adddup2(&fa, out, STDERR_FILENO);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
	    POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	rc = posix_spawn(&p->pid, path, &fa, &attr, argv, env);
	(void)posix_spawn_file_actions_destroy(&fa);
	(void)posix_spawnattr_destroy(&attr);
	errno = rc;
	return rc == 0 ? 0 : -1;
}

static int
start_agent(struct power *p, enum phase phase)
{
	int in = open_input(p, phase), out[2] = { -1, -1 }, rc = -1, saved;

	if (in != -1 && pipe2(out, O_CLOEXEC | O_NONBLOCK) == 0) {
		(void)fcntl(out[1], F_SETFL, 0);	/* the agent's */
		rc = spawn_agent(p, in, out[1]);
	}
	saved = errno;
	if (in != -1)
		(void)close(in);	/* the agent has its own */
	if (out[1] != -1)
		(void)close(out[1]);
	p->out = out[0];
	errno = saved;
	return rc;
}

static void
run(struct power *p, enum phase phase)
{
	char text[2 * WORDS_MAX];

	p->phase = phase;
	p->timed_out = false;
	p->words[0] = '\0';
	if (start_agent(p, phase) == 0)
		p->child = loop_child_add(p->loop, p->pid, on_exit_of, p);
	if (p->child == NULL) {
		(void)snprintf(text, sizeof(text), "%s cannot be run: %s",
		    p->conf->agent, strerror(errno));
		end_run(p);
		done(p, false, text);
		return;
	}
	p->io = loop_fd_add(p->loop, p->out, LOOP_READ, on_words, p);
	loop_timer_set(p->timer, p->conf->timeout_ms, 0);
}

struct power *
power_new(struct loop *l, const struct power_conf *conf,
    void (*on_done)(uint64_t id, bool is_off, const char *text, void *arg),
    void *arg)
{
	struct power *p = xcalloc(1, sizeof(*p));

	p->loop = l;
	p->conf = conf;
	p->on_done = on_done;
	p->arg = arg;
	p->out = -1;
	p->timer = loop_timer_new(l, on_deadline, p);
	return p;
}

void
power_free(struct power *p)
{
	if (p->child != NULL) {
		(void)kill(-p->pid, SIGKILL);
		loop_child_del(p->child);
		end_run(p);
	}
	loop_timer_free(p->timer);
	free(p);
}

void
power_want(struct power *p, uint64_t id)
{
	if (id == 0) {
		if (p->child == NULL || p->called_off)
			return;
		log_info("fencing %s: called off", p->conf->peer);
		p->called_off = true;
		(void)kill(-p->pid, SIGKILL);	/* its end is not waited for */
		return;
	}
	if (p->is_busy || id == p->id)
		return;
	p->id = id;
	p->is_busy = true;
	log_info("fencing %s: %s", p->conf->peer, p->conf->agent);
	run(p, PH_OFF);
}

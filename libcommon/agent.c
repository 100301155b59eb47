/* SPDX-License-Identifier: ISC */
/*
 * One run is one or two programs: that of password_script, when there is one,
 * and the agent.  Each is in a process group of its own, so that what it
 * starts ends with it, and has a deadline of its own.  Used by moduled and by
 * `holdfast cluster fence'.
 */
#include "agent.h"

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

#define OUTPUT_MAX	4096	/* the last of what it prints */
#define SECRET_MAX	256
#define SCRIPT_SUFFIX	"_script="

struct agent {
	struct loop		*loop;
	const struct agent_conf	*conf;
	void			(*on_done)(const struct agent_answer *a,
				    void *arg);
	void			*arg;
	const char		*action;
	bool			 for_secret;	/* password_script runs */
	char			 secret[SECRET_MAX];
	pid_t			 pid;
	struct loop_child	*child;
	struct loop_timer	*timer;
	bool			 timed_out, called_off;
	int			 out;		/* its words, or -1 */
	struct loop_fd		*io;
	char			 text[OUTPUT_MAX + 1];
	size_t			 len;
	bool			 is_cut;
};

/* --- words ---------------------------------------------------------------- */

/* Where the first word that announces a secret ends with `=' or `:'. */
static char *
secret_at(char *line)
{
	static const char *const names[] = { "passw", "secret", "token",
	    "community" };
	char *at;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((at = strcasestr(line, names[i])) == NULL)
			continue;
		at += strcspn(at, "=:");
		if (*at != '\0')
			return at + 1;
	}
	return NULL;
}

void
agent_words(char out[AGENT_WORDS], char *text, const char *secret,
    bool is_cut)
{
	size_t len = strlen(secret);
	char *line, *at, *rest = NULL;

	out[0] = '\0';
	/* What is left of the first line may begin inside of the secret. */
	if (is_cut)
		text += strcspn(text, "\n");
	for (line = strtok_r(text, "\r\n", &rest); line != NULL;
	    line = strtok_r(NULL, "\r\n", &rest)) {
		if (line[strspn(line, " \t")] == '\0')
			continue;
		for (at = line; len > 0 && (at = strstr(at, secret)) != NULL;
		    at += len)
			memset(at, '*', len);
		at = secret_at(line);
		(void)snprintf(out, AGENT_WORDS, "%.*s%s", at != NULL ?
		    (int)(at - line) : (int)strlen(line), line, at != NULL ?
		    "***" : "");
	}
}

/* --- the end of a run ----------------------------------------------------- */

static void	run(struct agent *a, bool for_secret);

static void
end_run(struct agent *a)
{
	loop_timer_cancel(a->timer);
	if (a->io != NULL)
		loop_fd_del(a->io);
	a->io = NULL;
	if (a->out != -1)
		(void)close(a->out);	/* only read from */
	a->out = -1;
	a->pid = 0;
}

/* Where the key of an option says that its value is a program; or NULL. */
static const char *
script_suffix(const char *option)
{
	const char *at = strstr(option, SCRIPT_SUFFIX);

	return at != NULL && strncmp(option, "passw", 5) == 0 &&
	    memchr(option, '=', (size_t)(at - option)) == NULL ? at : NULL;
}

static const char *
program(const struct agent *a)
{
	const char *at = NULL;

	for (unsigned i = 0; a->for_secret && i < a->conf->option_count; i++)
		if ((at = script_suffix(a->conf->option[i])) != NULL)
			return at + strlen(SCRIPT_SUFFIX);
	return a->conf->agent;
}

static void
done(struct agent *a, enum agent_end end, int status, const char *text)
{
	struct agent_answer answer = { .end = end, .status = status };

	explicit_bzero(a->secret, sizeof(a->secret));
	explicit_bzero(a->text, sizeof(a->text));
	a->len = 0;
	a->action = NULL;
	(void)snprintf(answer.text, sizeof(answer.text), "%s", text);
	a->on_done(&answer, a->arg);
}

/* The program's own words, for whom its end is a failure. */
static void
failure(struct agent *a, char out[2 * AGENT_WORDS])
{
	char words[AGENT_WORDS] = "";

	/* Those of a script that prints a password are not shown at all. */
	a->text[a->len] = '\0';
	if (!a->for_secret)
		agent_words(words, a->text, a->secret, a->is_cut);
	(void)snprintf(out, 2 * AGENT_WORDS, "%.100s failed%s%s", program(a),
	    words[0] != '\0' ? ": " : "", words);
}

/* What the password's script printed; then the agent's turn. */
static void
take_secret(struct agent *a)
{
	size_t len;

	a->text[a->len] = '\0';
	len = strcspn(a->text, "\r\n");
	if (len == 0 || len >= sizeof(a->secret) || a->is_cut) {
		char text[2 * AGENT_WORDS];

		(void)snprintf(text, sizeof(text), "%.100s prints %s",
		    program(a), len == 0 ? "no password" :
		    "more than a password");
		done(a, AGENT_FAILED, 0, text);
		return;
	}
	memcpy(a->secret, a->text, len);
	a->secret[len] = '\0';
	run(a, false);
}

static void
take_words(struct agent *a)
{
	char buf[1024];
	ssize_t n = read(a->out, buf, sizeof(buf));
	size_t drop;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		if (a->io != NULL)
			loop_fd_del(a->io);
		a->io = NULL;
		return;
	}
	if (a->len + (size_t)n > OUTPUT_MAX) {
		drop = a->len + (size_t)n - OUTPUT_MAX;
		memmove(a->text, a->text + drop, a->len - drop);
		a->len -= drop;
		a->is_cut = true;
	}
	memcpy(a->text + a->len, buf, (size_t)n);
	a->len += (size_t)n;
	explicit_bzero(buf, sizeof(buf));
}

static void
on_words(int fd, int events, void *arg)
{
	(void)fd;
	(void)events;
	take_words(arg);
}

static void
on_exit_of(pid_t pid, int status, void *arg)
{
	struct agent *a = arg;
	char text[2 * AGENT_WORDS];

	(void)pid;
	a->child = NULL;
	/* What is in the pipe; a grandchild may hold its other end. */
	for (unsigned i = 0; i < OUTPUT_MAX / 1024 && a->io != NULL; i++)
		take_words(a);
	end_run(a);
	failure(a, text);
	if (a->called_off)
		done(a, AGENT_CALLED_OFF, 0, "");
	else if (a->timed_out) {
		(void)snprintf(text, sizeof(text), "%.100s did not answer in "
		    "%lld s", program(a), (long long)a->conf->timeout_ms /
		    1000);
		done(a, AGENT_FAILED, 0, text);
	} else if (!WIFEXITED(status))
		done(a, AGENT_FAILED, 0, text);
	else if (!a->for_secret)
		done(a, AGENT_EXITED, WEXITSTATUS(status), text);
	else if (WEXITSTATUS(status) != 0)
		done(a, AGENT_FAILED, 0, text);
	else
		take_secret(a);
}

static void
on_deadline(void *arg)
{
	struct agent *a = arg;

	a->timed_out = true;
	(void)kill(-a->pid, SIGKILL);	/* on_exit_of() follows */
}

/* --- its begin ------------------------------------------------------------ */

static void
put_options(const struct agent *a, FILE *f)
{
	const char *option, *at;

	for (unsigned i = 0; i < a->conf->option_count; i++) {
		option = a->conf->option[i];
		at = script_suffix(option);
		if (at != NULL)
			fprintf(f, "%.*s=%s\n", (int)(at - option), option,
			    a->secret);
		else
			fprintf(f, "%s\n", option);
	}
	fprintf(f, "nodename=%s\naction=%s\n", a->conf->peer, a->action);
}

/* All that is said fits into a pipe; its end is the end of the file. */
static int
open_input(const struct agent *a)
{
	char buf[BUFSIZ];
	int fd[2], rc;
	FILE *f;

	if (pipe2(fd, O_CLOEXEC) == -1)
		return -1;
	(void)fcntl(fd[1], F_SETFL, O_NONBLOCK);
	f = fdopen(fd[1], "w");
	if (f == NULL)
		fatal("fence agent");
	(void)setvbuf(f, buf, _IOFBF, sizeof(buf));
	if (!a->for_secret)
		put_options(a, f);
	rc = fclose(f);
	explicit_bzero(buf, sizeof(buf));
	if (rc == 0)
		return fd[0];
	(void)close(fd[0]);	/* nobody reads it */
	return -1;
}

static int
spawn(struct agent *a, int in, int out)
{
	static char path_env[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char path[512], *argv[] = { path, NULL };
	char *env[] = { path_env, NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none;
	int rc;

	(void)snprintf(path, sizeof(path), "%s%s", program(a)[0] == '/' ? "" :
	    "/usr/sbin/", program(a));
	(void)sigemptyset(&none);
	if (posix_spawn_file_actions_init(&fa) != 0 ||
	    posix_spawnattr_init(&attr) != 0)
		fatalx(71, "out of memory");
	(void)posix_spawn_file_actions_adddup2(&fa, in, STDIN_FILENO);
	(void)posix_spawn_file_actions_adddup2(&fa, out, STDOUT_FILENO);
	/* A script that says its password says nothing else. */
	if (a->for_secret)
		(void)posix_spawn_file_actions_addopen(&fa, STDERR_FILENO,
		    "/dev/null", O_WRONLY, 0);
	else
		(void)posix_spawn_file_actions_adddup2(&fa, out,
		    STDERR_FILENO);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
	    POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	rc = posix_spawn(&a->pid, path, &fa, &attr, argv, env);
	(void)posix_spawn_file_actions_destroy(&fa);
	(void)posix_spawnattr_destroy(&attr);
	errno = rc;
	return rc == 0 ? 0 : -1;
}

static int
start(struct agent *a)
{
	int in = open_input(a), out[2] = { -1, -1 }, rc = -1, saved;

	if (in != -1 && pipe2(out, O_CLOEXEC | O_NONBLOCK) == 0) {
		(void)fcntl(out[1], F_SETFL, 0);	/* the agent's */
		rc = spawn(a, in, out[1]);
	}
	saved = errno;
	if (in != -1)
		(void)close(in);	/* the agent has its own */
	if (out[1] != -1)
		(void)close(out[1]);
	a->out = out[0];
	errno = saved;
	return rc;
}

static void
run(struct agent *a, bool for_secret)
{
	char text[2 * AGENT_WORDS];

	a->for_secret = for_secret;
	a->timed_out = a->is_cut = false;
	a->len = 0;
	if (start(a) == 0)
		a->child = loop_child_add(a->loop, a->pid, on_exit_of, a);
	if (a->child == NULL) {
		(void)snprintf(text, sizeof(text), "%.100s cannot be run: %s",
		    program(a), strerror(errno));
		end_run(a);
		done(a, AGENT_FAILED, 0, text);
		return;
	}
	a->io = loop_fd_add(a->loop, a->out, LOOP_READ, on_words, a);
	loop_timer_set(a->timer, a->conf->timeout_ms, 0);
}

/* --- for the callers ------------------------------------------------------ */

struct agent *
agent_new(struct loop *l, const struct agent_conf *conf,
    void (*on_done)(const struct agent_answer *a, void *arg), void *arg)
{
	struct agent *a = xcalloc(1, sizeof(*a));

	a->loop = l;
	a->conf = conf;
	a->on_done = on_done;
	a->arg = arg;
	a->out = -1;
	a->timer = loop_timer_new(l, on_deadline, a);
	return a;
}

void
agent_free(struct agent *a)
{
	if (a->child != NULL) {
		(void)kill(-a->pid, SIGKILL);
		loop_child_del(a->child);
		end_run(a);
	}
	loop_timer_free(a->timer);
	explicit_bzero(a, sizeof(*a));
	free(a);
}

bool
agent_is_busy(const struct agent *a)
{
	return a->action != NULL;
}

void
agent_ask(struct agent *a, const char *action)
{
	a->action = action;
	a->called_off = false;
	a->for_secret = true;
	run(a, program(a) != a->conf->agent);
}

void
agent_cancel(struct agent *a)
{
	if (a->child == NULL || a->called_off)
		return;
	a->called_off = true;
	(void)kill(-a->pid, SIGKILL);	/* its end is not waited for */
}

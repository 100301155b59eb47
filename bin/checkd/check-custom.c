/* SPDX-License-Identifier: ISC */
/*
 * A program of the module.  With an interval it is run for each try and its
 * exit status is the result.  Without one it runs for ever and sets its
 * resource itself: here it is only kept running.
 */
#include "check.h"

#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#include "program.h"

#define ARGS_MAX	64
#define AGAIN_MIN_MS	1000
#define AGAIN_MAX_MS	60000

struct custom {
	struct program		*program;
	char			*argv[ARGS_MAX];
	struct env		 env;		/* with an interval */
	struct mono		 begun;
	struct loop_timer	*again;
	int64_t			 again_ms;
};

/* "ended with status 2: connection refused" */
static void
end_text(char buf[CHECK_TEXT], int status, const char *word)
{
	int len;

	if (status != -1 && WIFSIGNALED(status))
		len = snprintf(buf, CHECK_TEXT, "killed by signal %d",
		    WTERMSIG(status));
	else
		len = snprintf(buf, CHECK_TEXT, "status %d",
		    status == -1 ? -1 : WEXITSTATUS(status));
	if (word[0] != '\0' && len > 0)
		(void)snprintf(buf + len, CHECK_TEXT - (size_t)len, ": %s",
		    word);
}

static void
run_for_ever(struct check *c)
{
	struct custom *u = c->data;
	char text[CHECK_TEXT];

	u->begun = mono_now();
	if (program_start(u->program) == 0 || errno == EBUSY)
		return;		/* EBUSY: the killed one's end, on_gone */
	(void)snprintf(text, sizeof(text), "%s cannot be run: %s",
	    u->argv[0], strerror(errno));
	c->host->on_note(c, text, c->host->arg);
	loop_timer_set(u->again, AGAIN_MAX_MS, 0);
}

static void
on_again(void *arg)
{
	struct check *c = arg;

	if (c->armed)
		run_for_ever(c);
}

static void
endless_ended(struct check *c, const char *how)
{
	struct custom *u = c->data;
	char text[CHECK_TEXT + 64];

	if (mono_diff_ms(mono_now(), u->begun) > AGAIN_MAX_MS)
		u->again_ms = AGAIN_MIN_MS;
	(void)snprintf(text, sizeof(text), "its program ended (%s), run "
	    "again in %lld s", how, (long long)(u->again_ms / 1000));
	c->host->on_note(c, text, c->host->arg);
	loop_timer_set(u->again, u->again_ms, 0);
	u->again_ms *= 2;
	if (u->again_ms > AGAIN_MAX_MS)
		u->again_ms = AGAIN_MAX_MS;
}

static void
on_end(int status, const char *word, void *arg)
{
	struct check *c = arg;
	char text[CHECK_TEXT];

	if (!c->armed)
		return;
	end_text(text, status, word);
	if (c->own_word)
		endless_ended(c, text);
	else
		check_result(c, status == 0, "%s", status == 0 ? word : text);
}

static void
on_gone(void *arg)
{
	struct check *c = arg;

	/* Wished again before the last run was reaped. */
	if (c->armed && c->own_word)
		run_for_ever(c);
}

static bool
split_args(struct check *c, cfg_t *sec)
{
	struct custom *u = c->data;
	const char *exec = cfg_getstr(sec, "exec");
	char *arg = xstrdup(cfg_getstr(sec, "arg")), *word, *save;
	unsigned n = 3;

	u->argv[0] = exec[0] == '/' ? xstrdup(exec) : xasprintf("%s/%s",
	    c->host->scriptdir, exec);
	u->argv[1] = xstrdup(c->host->module);
	u->argv[2] = xstrdup(c->resource);
	for (word = strtok_r(arg, " \t\n", &save); word != NULL &&
	    n < ARGS_MAX - 1; word = strtok_r(NULL, " \t\n", &save))
		u->argv[n++] = xstrdup(word);
	free(arg);
	if (word == NULL && exec[0] != '\0')
		return true;
	cfg_error(sec, "%s: %s", c->resource, word != NULL ?
	    "too many words in arg" : "exec is empty");
	return false;
}

/* A script that can do both has to know which is wanted of it. */
static const struct env *
env_of(const struct check *c, struct custom *u)
{
	size_t i;

	if (c->own_word)
		return c->host->env;
	env_init(&u->env);
	for (i = 0; i < c->host->env->count; i++)
		(void)env_set(&u->env, c->host->env->var[i]);
	(void)env_set(&u->env, "HOLDFAST_CHECK_ONCE=1"); /* or it is late */
	return &u->env;
}

static bool
custom_open(struct check *c, cfg_t *sec)
{
	static const struct program_calls calls = { on_end, on_gone };
	struct custom *u = xcalloc(1, sizeof(*u));

	c->data = u;
	if (!split_args(c, sec))
		return false;
	c->own_word = c->interval_ms == 0;
	if (c->host->loop == NULL)
		return true;	/* only checked */
	u->program = program_new(c->host->loop, c->host->module,
	    cfg_title(sec), env_of(c, u), u->argv, &calls, c);
	u->again = loop_timer_new(c->host->loop, on_again, c);
	return true;
}

static void
custom_begin(struct check *c)
{
	struct custom *u = c->data;

	if (program_start(u->program) == 0)
		return;
	if (errno == EBUSY)
		check_result(c, false, "process %d, killed, does not end",
		    (int)program_pid(u->program));
	else
		check_result(c, false, "%s cannot be run: %s", u->argv[0],
		    strerror(errno));
}

static void
custom_cancel(struct check *c)
{
	struct custom *u = c->data;
	char text[CHECK_TEXT];

	if (c->late) {
		(void)snprintf(text, sizeof(text), "its program, process "
		    "%d, hangs: killed after %lld ms",
		    (int)program_pid(u->program),
		    (long long)c->timeout_ms);
		c->host->on_note(c, text, c->host->arg);
	}
	program_kill(u->program);
}

static void
custom_arm(struct check *c)
{
	struct custom *u = c->data;

	u->again_ms = AGAIN_MIN_MS;
	if (c->own_word)
		run_for_ever(c);
}

static void
custom_disarm(struct check *c)
{
	struct custom *u = c->data;

	loop_timer_cancel(u->again);
	program_kill(u->program);
}

const struct check_kind check_custom = {
	.name = "custom",
	.open = custom_open,
	.begin = custom_begin,
	.cancel = custom_cancel,
	.arm = custom_arm,
	.disarm = custom_disarm,
};

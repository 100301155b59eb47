/* SPDX-License-Identifier: ISC */
/*
 * freeze: runs a command while the writes of a module are held and both nodes
 * have the same on disk.  The hold is mirrord's and belongs to this
 * program's connection: when it ends, however it ends, writes go on.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "ask.h"
#include "cmd.h"
#include "layer.h"
#include "loop.h"
#include "module-conf.h"
#include "paths.h"
#include "status.h"
#include "talk.h"

/* mirrord allows no more (bin/mirrord/freeze.h): an application that waits
 * longer than this in a write is taken for hung by most watchers. */
#define HOLD_MAX_MS	120000
#define HOLD_MS		30000
/* Beyond the hold itself, for an answer. */
#define PATIENCE_MS	2000

enum phase { PH_ASK, PH_ASKED, PH_RUN, PH_THAW, PH_END };

struct freezer {
	struct cmd		*c;
	const char		*state;
	int64_t			 ms;
	enum phase		 phase;
	struct loop		*loop;
	struct ask		*ask;
	struct loop_timer	*timer;
	pid_t			 pid;
	bool			 lost;	/* the hold, while it ran */
	int			 rc;
};

static void
end(struct freezer *z, int rc)
{
	z->phase = PH_END;
	z->rc = rc;
	loop_stop(z->loop);
}

/* --- the command --------------------------------------------------------- */

static void
set_environment(const struct freezer *z, const struct safe *m, bool both)
{
	char dirs[4096] = "", secs[32];
	size_t len = 0;
	unsigned i;

	snprintf(secs, sizeof(secs), "%lld", (long long)(z->ms / 1000));
	for (i = 0; i < m->dir_count && len < sizeof(dirs); i++)
		len += (size_t)snprintf(dirs + len, sizeof(dirs) - len,
		    "%s%s", i > 0 ? ":" : "", m->dir[i]);
	(void)setenv("HOLDFAST_MODULE", z->c->module, 1); /* memory only */
	(void)setenv("HOLDFAST_STATE", z->state, 1);
	(void)setenv("HOLDFAST_BOTH", both ? "1" : "0", 1);
	(void)setenv("HOLDFAST_SECONDS", secs, 1);
	(void)setenv("HOLDFAST_DIRS", dirs, 1);
}

static void
child(struct freezer *z, bool both)
{
	pid_t parent = getppid();
	struct safe m;

	/* Killed, we can tell it no more that nothing is held. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EX_TEMPFAIL);
	if (!module_conf_read(&m, z->c->module))
		_exit(EX_CONFIG);
	set_environment(z, &m, both);
	if (layer_show_disk(&m) == -1)
		_exit(EX_OSERR);
	(void)execvp(z->c->argv[0], z->c->argv);
	fprintf(stderr, "holdfast: %s: %s\n", z->c->argv[0],
	    strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static int
status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}

static void
say_lost(struct freezer *z)
{
	if (z->lost)
		return;
	z->lost = true;
	fprintf(stderr, "holdfast: %s: writes go on since now, before %s "
	    "ended: what it made is not of one moment; it is told to end\n",
	    z->c->module, z->c->argv[0]);
	if (z->phase == PH_RUN)
		(void)kill(z->pid, SIGTERM); /* ended by itself else */
}

static void
on_thawed(const struct line *l, void *arg)
{
	struct freezer *z = arg;

	if (z->phase != PH_THAW)
		return;
	if (strcmp(l->verb, "ok") != 0 || !line_get_bool(l, "held"))
		say_lost(z);
	end(z, z->lost ? EX_TEMPFAIL : z->rc);
}

static void
on_exit_of(pid_t pid, int status, void *arg)
{
	struct freezer *z = arg;
	struct line_out o;

	(void)pid;
	z->rc = status_of(status);
	z->phase = PH_THAW;
	line_begin(&o, "thaw");
	if (z->lost || !ask_send(z->ask, &o, on_thawed, z)) {
		say_lost(z);
		end(z, EX_TEMPFAIL);
		return;
	}
	loop_timer_set(z->timer, PATIENCE_MS, 0);
}

static void
run_command(struct freezer *z, bool both)
{
	fflush(stdout);
	z->pid = fork();
	if (z->pid == 0)
		child(z, both);
	if (z->pid == -1 || loop_child_add(z->loop, z->pid, on_exit_of, z) ==
	    NULL) {
		fprintf(stderr, "holdfast: fork: %s\n", strerror(errno));
		end(z, EX_OSERR);
		return;
	}
	z->phase = PH_RUN;
	loop_timer_set(z->timer, z->ms, 0);
}

/* --- the hold ------------------------------------------------------------ */

static void
on_held(const struct line *l, void *arg)
{
	struct freezer *z = arg;
	const char *code = line_get(l, "code"), *text = line_get(l, "text");
	bool both = line_get_bool(l, "both");

	if (z->phase != PH_ASKED)
		return;
	if (strcmp(l->verb, "ok") != 0) {
		fprintf(stderr, "holdfast: %s: %s\n", z->c->module,
		    text != NULL ? text : code != NULL ? code : "refused");
		end(z, talk_exit_status(code != NULL ? code : ""));
		return;
	}
	if (!both)
		fprintf(stderr, "holdfast: %s: no other node is in step: "
		    "only this one is held\n", z->c->module);
	run_command(z, both);
}

static void
on_up(struct ask *a, void *arg)
{
	struct freezer *z = arg;
	struct line_out o;

	if (z->phase != PH_ASK)
		return;
	line_begin(&o, "freeze");
	line_add_num(&o, "ms", z->ms);
	line_add(&o, "who", talk_who());
	z->phase = PH_ASKED;
	(void)ask_send(a, &o, on_held, z); /* the timer is behind it */
}

static void
on_down(struct ask *a, void *arg)
{
	struct freezer *z = arg;

	(void)a;
	if (z->phase == PH_RUN || z->phase == PH_THAW)
		say_lost(z);
}

static void
on_time(void *arg)
{
	struct freezer *z = arg;

	if (z->phase == PH_RUN) {
		say_lost(z);
		return;
	}
	fprintf(stderr, "holdfast: %s: mirrord does not answer\n",
	    z->c->module);
	end(z, EX_TEMPFAIL);
}

static int
freeze(struct freezer *z)
{
	static const struct ask_calls calls = { .on_up = on_up,
	    .on_down = on_down };
	char path[PATH_LEN];

	z->loop = loop_new();
	z->timer = loop_timer_new(z->loop, on_time, z);
	z->ask = ask_new(z->loop, path_socket(path, z->c->module, "mirrord"),
	    &calls, z);
	loop_timer_set(z->timer, z->ms + PATIENCE_MS, 0);
	loop_run(z->loop);
	ask_free(z->ask);
	loop_timer_free(z->timer);
	loop_free(z->loop);
	return z->rc;
}

int
verb_freeze(struct cmd *c)
{
	struct freezer z = { .c = c, .ms = c->timeout_ms == -1 ? HOLD_MS :
	    c->timeout_ms, .rc = EX_SOFTWARE };
	struct status *st;
	struct line_out o;
	int rc;

	if (z.ms < 1 || z.ms > HOLD_MAX_MS) {
		fprintf(stderr, "holdfast: freeze: --timeout: allowed: more "
		    "than 0, at most %d seconds\n", HOLD_MAX_MS / 1000);
		return EX_USAGE;
	}
	c->argv[c->argc] = NULL;
	/* remoted runs verbs for others, and not what they bring along. */
	if (getenv("HOLDFAST_ROLE") != NULL) {
		fprintf(stderr, "holdfast: freeze: runs a command, so it has "
		    "to be typed on the node itself\n");
		return EX_NOPERM;
	}
	line_begin(&o, "status");
	rc = talk(c->module, "mirrord", &o, NULL, NULL);
	if (rc != 0)
		return talk_failed(c->module, "mirrord", rc);
	st = status_new();
	(void)status_ask(st, c->module); /* for the environment only */
	z.state = st->state;
	rc = freeze(&z);
	status_free(st);
	return rc;
}

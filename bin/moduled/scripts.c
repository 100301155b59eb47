/* SPDX-License-Identifier: ISC */
/*
 * The queue of scripts.h.  Which scripts, sequence.c says; when, decide.c;
 * how one runs, runscript(8).
 */
#include "config.h"

#include "scripts.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "line.h"
#include "log.h"
#include "paths.h"
#include "statefile.h"
#include "xalloc.h"

#include "sequence.h"

#define ARGS_MAX	160
#define EXIT_FILE_MAX	4096

struct scripts {
	struct loop			*loop;
	const struct scripts_conf	*conf;
	const struct scripts_calls	*calls;
	void				*arg;
	enum state			 at, target;
	bool				 busy, restarting, forced;
	bool				 prim;
	bool				 gate_passed;
	unsigned			 step;
	struct sequence			 seq;
	char				 action[16];
	char				 services[256];
	pid_t				 pid;		/* of the present run */
	struct loop_child		*child;
	/* The wish. */
	enum state			 want;
	bool				 gate;
	bool				 changed;
	/* The module's cgroup is the memory of it: no restart forgets. */
	bool				 frozen;
	struct log_limit		 limit;
	char				 cgroup[CGROUP_PATH_LEN]; /* or "" */
};

static void advance(struct scripts *s);

struct scripts *
scripts_new(struct loop *l, const struct scripts_conf *conf,
    const struct scripts_calls *calls, void *arg)
{
	struct scripts *s = xcalloc(1, sizeof(*s));

	s->loop = l;
	s->conf = conf;
	s->calls = calls;
	s->arg = arg;
	s->at = s->target = s->want = ST_STOP;
	if (cgroup_module(s->cgroup, conf->module) == -1)
		s->cgroup[0] = '\0';
	else
		s->frozen = cgroup_is_frozen(s->cgroup);
	return s;
}

void
scripts_free(struct scripts *s)
{
	if (s->child != NULL)
		loop_child_del(s->child);
	free(s);
}

static bool
prim_like(enum state st)
{
	return st == ST_ALONE || st == ST_PRIM;
}

bool
scripts_frozen(const struct scripts *s)
{
	return s->frozen;
}

static bool
goes_down(const struct scripts *s)
{
	return s->busy && !s->restarting && !prim_like(s->target);
}

bool
scripts_freeze(struct scripts *s, bool on)
{
	if (s->frozen == on)
		return true;
	if (on && goes_down(s))
		return false;
	if (s->cgroup[0] == '\0' || cgroup_freeze(s->cgroup, on) == -1) {
		/* Its address and its data are fenced all the same. */
		if (log_limit_ok(&s->limit, 1))
			log_warnx("the application cannot be %s: %s",
			    on ? "frozen" : "thawed", s->cgroup[0] == '\0' ?
			    "this machine has no cgroup v2" :
			    strerror(errno));
		return false;
	}
	s->frozen = on;
	log_info("the application %s", on ? "stands still" : "goes on");
	return true;
}

static void
tell(struct scripts *s)
{
	s->calls->on_change(s->arg);
}

/* What runscript wrote about the run's end; absent: it was killed. */
static enum script_end
read_end(const struct scripts *s, const char *name, char *text, size_t size)
{
	char path[PATH_LEN];
	struct line l;
	const char *why, *v;
	char *data;
	size_t len;

	(void)snprintf(text, size, "ended without a word");
	data = statefile_read(path_run(path, "%s/script.exit",
	    s->conf->module), EXIT_FILE_MAX, &len);
	if (data == NULL)
		return SE_FAILED;
	len = strcspn(data, "\n");
	if (line_parse(&l, data, len, &why) != 0 ||
	    (v = line_get(&l, "script")) == NULL || strcmp(v, name) != 0) {
		free(data);
		return SE_FAILED;
	}
	free(data);
	if (line_get_bool(&l, "timeout")) {
		(void)snprintf(text, size, "did not end in time and was "
		    "killed after %s ms", line_get(&l, "ms"));
		return SE_TIMEOUT;
	}
	if (line_get_bool(&l, "missing")) {
		(void)snprintf(text, size, "is not there");
		return SE_MISSING;
	}
	if ((v = line_get(&l, "signal")) != NULL) {
		(void)snprintf(text, size, "was killed by signal %s", v);
		return SE_FAILED;
	}
	v = line_get(&l, "exit");
	(void)snprintf(text, size, "ended with status %s in %s ms",
	    v != NULL ? v : "?", line_get(&l, "ms"));
	return v != NULL && strcmp(v, "0") == 0 ? SE_OK : SE_FAILED;
}

static void
run_ended(struct scripts *s)
{
	const struct sequence_step *t = &s->seq.step[s->step];
	char text[160];
	enum script_end end = read_end(s, t->name, text, sizeof(text));

	s->pid = 0;
	s->step++;
	s->calls->on_end(t->name, end, text, s->arg);
	advance(s);
	tell(s);
}

static void
on_exit_of(pid_t pid, int status, void *arg)
{
	struct scripts *s = arg;

	(void)status;	/* the file says more, and survives moduled */
	(void)pid;
	s->child = NULL;
	run_ended(s);
}

static bool
is_runnable(const struct scripts *s, const char *name)
{
	char path[PATH_LEN * 2];

	if (!s->conf->enabled)
		return false;
	(void)snprintf(path, sizeof(path), "%s/%s", s->conf->dir, name);
	if (access(path, X_OK) == 0)
		return true;
	if (access(path, F_OK) == 0)
		s->calls->on_end(name, SE_MISSING, "may not be run: "
		    "chmod +x it and configure again", s->arg);
	else if (strcmp(name, "prestart") == 0)
		s->calls->on_end(name, SE_MISSING, "is not there: it should "
		    "stop what a crash may have left", s->arg);
	return false;
}

static pid_t
spawn_run(struct scripts *s, const struct sequence_step *t)
{
	char path[PATH_LEN], deadline[24], *argv[ARGS_MAX];
	char *const *e;
	unsigned n = 0;
	int64_t ms = t->force ? s->conf->force_ms : s->conf->nice_ms;
	pid_t pid;

	(void)snprintf(deadline, sizeof(deadline), "%lld",
	    (long long)((ms + 999) / 1000));
	argv[n++] = path;
	argv[n++] = (char *)(uintptr_t)"-M";
	argv[n++] = (char *)(uintptr_t)s->conf->module;
	argv[n++] = (char *)(uintptr_t)"-n";
	argv[n++] = (char *)(uintptr_t)t->name;
	argv[n++] = (char *)(uintptr_t)"-t";
	argv[n++] = deadline;
	for (e = s->conf->env; e != NULL && *e != NULL &&
	    n + 12 < ARGS_MAX; e++) {
		argv[n++] = (char *)(uintptr_t)"-e";
		argv[n++] = *e;
	}
	argv[n++] = (char *)(uintptr_t)"--";
	if (t->force)
		argv[n++] = (char *)(uintptr_t)"force";
	argv[n++] = (char *)(uintptr_t)state_name(s->at);
	argv[n++] = (char *)(uintptr_t)state_name(s->target);
	argv[n++] = s->action;
	if (s->services[0] != '\0') {
		argv[n++] = (char *)(uintptr_t)"-Services";
		argv[n++] = s->services;
	}
	argv[n] = NULL;
	(void)path_lib(path, "runscript");
	errno = posix_spawn(&pid, path, NULL, NULL, argv, environ);
	if (errno != 0) {
		log_warn("%s", path);
		return 0;
	}
	return pid;
}

/* false: there is nothing to run here, the step is over. */
static bool
begin_run(struct scripts *s)
{
	const struct sequence_step *t = &s->seq.step[s->step];
	char path[PATH_LEN];

	if (!is_runnable(s, t->name))
		return false;
	/* Told apart from an older run of the same name. */
	(void)unlink(path_run(path, "%s/script.exit", s->conf->module));
	s->pid = -1;
	tell(s);	/* saved before it runs: never run twice */
	s->calls->on_begin(t->name, t->force, s->arg);
	s->pid = spawn_run(s, t);
	if (s->pid > 0)
		s->child = loop_child_add(s->loop, s->pid, on_exit_of, s);
	if (s->pid <= 0 || s->child == NULL) {
		s->pid = 0;
		s->calls->on_end(t->name, SE_FAILED, "could not be run",
		    s->arg);
		return false;
	}
	return true;
}

static bool
at_gate(const struct scripts *s)
{
	return s->step < s->seq.count && s->seq.step[s->step].name[0] == '\0';
}

static void
begin_sequence(struct scripts *s)
{
	s->target = sequence_via(s->at, s->want);
	if (!sequence_plan(&s->seq, s->at, s->target)) {
		/* No way by scripts (STOP to a role): there is none to run. */
		s->at = s->target;
		return;
	}
	s->busy = true;
	s->restarting = false;
	s->gate_passed = false;
	s->services[0] = '\0';
	s->step = 0;
	s->changed = true;
}

static void
end_sequence(struct scripts *s)
{
	s->busy = s->restarting = s->forced = false;
	s->at = s->target;
	s->prim = prim_like(s->at);
	s->services[0] = '\0';
	s->changed = true;
}

/* ALONE becomes PRIM while its scripts wait: they go on, then to PRIM. */
static bool
turns_back(const struct scripts *s)
{
	if (s->want == s->target ||
	    (prim_like(s->want) && prim_like(s->target)))
		return false;
	return sequence_via(s->at, s->want) != s->target;
}

/* At the gate: turn back, wait, or pass.  true: passed. */
static bool
pass_gate(struct scripts *s)
{
	if (!prim_like(s->target) && s->prim) {
		s->prim = false;
		s->changed = true;
	}
	if (turns_back(s)) {
		/*
		 * What the new role would have begun is stopped as if it had,
		 * which does no harm; if nothing ran, nothing changed.
		 */
		s->busy = false;
		if (s->step > 0)
			s->at = s->target;
		s->changed = true;
		return false;
	}
	if (!s->gate)
		return false;
	s->gate_passed = true;
	if (prim_like(s->target))
		s->prim = true;
	s->step++;
	s->changed = true;
	return true;
}

static void
advance(struct scripts *s)
{
	while (s->pid == 0) {
		if (!s->busy) {
			if (s->at == s->want)
				return;
			begin_sequence(s);
			continue;
		}
		if (s->step == s->seq.count) {
			end_sequence(s);
			continue;
		}
		if (at_gate(s)) {
			if (!pass_gate(s) && s->busy)
				return;
			continue;
		}
		if (s->frozen && !(goes_down(s) && scripts_freeze(s, false)))
			return;
		if (s->forced && strncmp(s->seq.step[s->step].name, "stop_",
		    5) == 0)
			s->seq.step[s->step].force = true;
		if (!begin_run(s))
			s->step++;
	}
}

void
scripts_want(struct scripts *s, enum state target, bool gate,
    const char *action)
{
	s->want = target;
	s->gate = gate;
	if (!s->busy)
		(void)snprintf(s->action, sizeof(s->action), "%s", action);
	s->changed = false;
	advance(s);
	if (s->changed)
		tell(s);
}

bool
scripts_restart(struct scripts *s, const char *services)
{
	if (s->busy || s->at != s->want ||
	    !sequence_restart(&s->seq, s->at))
		return false;
	s->target = s->at;
	s->busy = s->restarting = s->gate_passed = true;
	s->step = 0;
	(void)snprintf(s->action, sizeof(s->action), "restart");
	(void)snprintf(s->services, sizeof(s->services), "%s",
	    services != NULL ? services : "");
	advance(s);
	tell(s);
	return true;
}

void
scripts_force(struct scripts *s)
{
	s->forced = true;
	/* runscript ends its script, and what that started, on SIGTERM. */
	if (s->pid > 0)
		(void)kill(s->pid, SIGTERM);
}

enum state
scripts_at(const struct scripts *s)
{
	return s->at;
}

enum state
scripts_target(const struct scripts *s)
{
	return s->target;
}

bool
scripts_busy(const struct scripts *s)
{
	return s->busy;
}

const char *
scripts_running(const struct scripts *s, int64_t *limit_ms)
{
	const struct sequence_step *t = &s->seq.step[s->step];

	if (!s->busy || s->pid <= 0 || s->step >= s->seq.count)
		return NULL;
	*limit_ms = t->force ? s->conf->force_ms : s->conf->nice_ms;
	return t->name;
}

bool
scripts_gated(const struct scripts *s)
{
	return s->busy && s->pid == 0 && !s->gate_passed && at_gate(s);
}

bool
scripts_prim(const struct scripts *s)
{
	return s->prim;
}

bool
scripts_save(const struct scripts *s, char *buf, size_t size)
{
	struct line_out o;

	line_begin(&o, "scripts");
	line_add(&o, "at", state_name(s->at));
	line_add(&o, "target", state_name(s->target));
	line_add_num(&o, "busy", s->busy);
	line_add_num(&o, "restarting", s->restarting);
	line_add_num(&o, "prim", s->prim);
	line_add_num(&o, "gate", s->gate_passed);
	line_add_num(&o, "step", s->step);
	line_add_num(&o, "run", s->pid != 0);
	line_add(&o, "action", s->action);
	line_add(&o, "services", s->services);
	if (!line_end(&o) || o.len >= size)
		return false;
	memcpy(buf, o.text, o.len + 1);
	return true;
}

/* The run the last moduled began: still on, ended, or never begun. */
static void
adopt(struct scripts *s)
{
	const char *name = s->seq.step[s->step].name;
	char path[PATH_LEN], *data;
	struct line l;
	const char *why, *v;
	int64_t pid = 0;
	size_t len;

	data = statefile_read(path_run(path, "%s/script", s->conf->module),
	    EXIT_FILE_MAX, &len);
	if (data != NULL && line_parse(&l, data, strcspn(data, "\n"),
	    &why) == 0 && (v = line_get(&l, "script")) != NULL &&
	    strcmp(v, name) == 0)
		(void)line_get_num(&l, "pid", 1, INT32_MAX, &pid);
	free(data);
	if (pid > 0)
		s->child = loop_child_add(s->loop, (pid_t)pid, on_exit_of, s);
	if (s->child != NULL) {
		s->pid = (pid_t)pid;
		log_info("script %s: still running, taken over", name);
		return;
	}
	s->pid = 0;
	/* Its end may have been written while nobody looked. */
	if (access(path_run(path, "%s/script.exit", s->conf->module),
	    F_OK) == 0)
		s->step++;
}

bool
scripts_restore(struct scripts *s, const char *text)
{
	struct line l;
	const char *why, *v;
	int64_t step;

	if (line_parse(&l, text, strcspn(text, "\n"), &why) != 0 ||
	    strcmp(l.verb, "scripts") != 0)
		return false;
	s->at = state_parse(line_get(&l, "at"));
	s->target = state_parse(line_get(&l, "target"));
	if (s->at == ST_COUNT || s->target == ST_COUNT ||
	    !line_get_num(&l, "step", 0, SEQUENCE_MAX, &step)) {
		s->at = s->target = ST_STOP;
		return false;
	}
	s->want = s->target;
	s->prim = line_get_bool(&l, "prim");
	if ((v = line_get(&l, "action")) != NULL)
		(void)snprintf(s->action, sizeof(s->action), "%s", v);
	if ((v = line_get(&l, "services")) != NULL)
		(void)snprintf(s->services, sizeof(s->services), "%s", v);
	if (!line_get_bool(&l, "busy"))
		return true;
	s->restarting = line_get_bool(&l, "restarting");
	s->busy = s->restarting ? sequence_restart(&s->seq, s->at) :
	    sequence_plan(&s->seq, s->at, s->target);
	if (!s->busy || (unsigned)step > s->seq.count) {
		s->busy = false;
		return true;
	}
	s->step = (unsigned)step;
	s->gate_passed = line_get_bool(&l, "gate");
	if (line_get_bool(&l, "run") && s->step < s->seq.count)
		adopt(s);
	return true;
}

void
scripts_assume(struct scripts *s, enum state at)
{
	s->at = s->target = s->want = at;
	s->busy = false;
	s->prim = prim_like(at);
}

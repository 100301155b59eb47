/* SPDX-License-Identifier: ISC */
/*
 * holdfastd(8): starts the other daemons, restarts them, adopts survivors
 * when it was itself restarted, and knows nothing else.  Here: its verbs, its
 * signals and the order of an end; super.c has the services.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "log.h"
#include "paths.h"
#include "xalloc.h"

#include "halt.h"
#include "holdfastd-conf.h"
#include "notify.h"
#include "spawn.h"
#include "super.h"

#define TOPIC	"service"

struct state {
	struct daemon		*d;
	struct super		*super;
	struct halt		*halt;
	struct loop_timer	*watchdog;
	struct loop_timer	*leave;
	int64_t			 watchdog_ms;
	bool			 told_ready;
	bool			 ending;	/* the modules are stopped */
	bool			 leaving;
	struct waiting		*waiting;
};

/* Who said module-stop and is answered when the daemons are gone. */
struct waiting {
	struct waiting	*next;
	struct client	*client;
	char		 module[MODULE_NAME_MAX + 1];
};

/* --- verbs ---------------------------------------------------------- */

static void
on_status(struct client *c, const struct line *l, void *arg)
{
	struct state *st = ((struct daemon *)arg)->state;
	struct line_out o;

	(void)l;
	for (unsigned i = 0; i < super_count(st->super); i++) {
		line_begin(&o, "");
		super_describe(st->super, i, &o);
		serve_line(c, &o);
	}
	serve_ok(c);
}

static void
on_watch(struct client *c, const struct line *l, void *arg)
{
	struct state *st = ((struct daemon *)arg)->state;
	struct line_out o;

	(void)l;
	serve_ok(c);
	serve_watch(c, TOPIC);
	for (unsigned i = 0; i < super_count(st->super); i++) {
		line_begin(&o, TOPIC);
		super_describe(st->super, i, &o);
		serve_event_to(c, &o);
	}
}

/* The module of the request, or NULL after answering. */
static const char *
module_of(struct client *c, const struct line *l)
{
	const char *name = line_get(l, "name");

	if (name != NULL && module_name_ok(name))
		return name;
	serve_err(c, "name", "name= is needed: a module");
	return NULL;
}

/*
 * Answered when the daemons are gone, so that module-stop and module-start
 * one after the other are new daemons.
 */
static void
on_module_stop(struct client *c, const struct line *l, void *arg)
{
	struct state *st = ((struct daemon *)arg)->state;
	const char *name = module_of(c, l);
	struct waiting *w;

	if (name == NULL)
		return;
	super_stop_module(st->super, name);
	if (super_module_is_down(st->super, name)) {
		serve_ok(c);
		return;
	}
	w = xcalloc(1, sizeof(*w));
	w->client = c;
	memcpy(w->module, name, strlen(name));
	w->next = st->waiting;
	st->waiting = w;
	serve_later(c);
}

static void
answer_waiting(struct state *st)
{
	struct waiting **p = &st->waiting, *w;

	while ((w = *p) != NULL) {
		if (!super_module_is_down(st->super, w->module)) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		serve_ok(w->client);
		free(w);
		p = &st->waiting;	/* the answer may bring requests */
	}
}

/* It is wanted again: who waits for its end waits for nothing. */
static void
refuse_waiting(struct state *st, const char *module)
{
	struct waiting **p = &st->waiting, *w;

	while ((w = *p) != NULL) {
		if (strcmp(w->module, module) != 0) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		serve_err(w->client, "busy", "%s was started meanwhile",
		    module);
		free(w);
		p = &st->waiting;
	}
}

static void
on_module_start(struct client *c, const struct line *l, void *arg)
{
	struct state *st = ((struct daemon *)arg)->state;
	const char *name = module_of(c, l);

	if (name == NULL)
		return;
	refuse_waiting(st, name);
	if (st->d->stopping)
		serve_err(c, "stopping", "this node is being stopped");
	else if (super_start_module(st->super, name) == -1)
		serve_err(c, "roster", "%s has no usable roster; run "
		    "`holdfast config %s'", name, name);
	else
		serve_ok(c);
}

static void
on_close(struct client *c, void *arg)
{
	struct state *st = ((struct daemon *)arg)->state;
	struct waiting **p, *w;

	if (st == NULL)
		return;		/* at the end */
	for (p = &st->waiting; (w = *p) != NULL; ) {
		if (w->client == c) {
			*p = w->next;
			free(w);
		} else {
			p = &w->next;
		}
	}
}

static void
on_restart(struct client *c, const struct line *l, void *arg)
{
	struct state *st = ((struct daemon *)arg)->state;
	const char *name = line_get(l, "service");
	const char *module = line_get(l, "module");

	if (name == NULL)
		serve_err(c, "service", "service= is needed: a daemon");
	else if (!super_restart(st->super, name, module ? module : ""))
		serve_err(c, "notfound", "%s does not run here", name);
	else
		serve_ok(c);
}

static void
on_reload_verb(struct client *c, const struct line *l, void *arg)
{
	struct state *st = ((struct daemon *)arg)->state;

	(void)l;
	super_reload(st->super);
	serve_ok(c);
}

static void
leave(struct state *st)
{
	if (st->leaving)
		return;
	st->leaving = true;
	log_info("leaves, everything goes on running");
	/* Not at once: the answer to `leave' is on its way. */
	loop_timer_set(st->leave, 50, 0);
}

static void
on_leave(struct client *c, const struct line *l, void *arg)
{
	(void)l;
	serve_ok(c);
	leave(((struct daemon *)arg)->state);
}

static const struct verb verbs[] = {
	/* name			least role	keys		handler */
	{ "status",		ROLE_MONITOR,	"",		on_status },
	{ "watch",		ROLE_MONITOR,	"topic",	on_watch },
	{ "module-start",	ROLE_ADMIN,	"name",		on_module_start },
	{ "module-stop",	ROLE_ADMIN,	"name",		on_module_stop },
	{ "restart",		ROLE_ADMIN,	"service module", on_restart },
	{ "reload",		ROLE_ADMIN,	"",		on_reload_verb },
	{ "leave",		ROLE_ADMIN,	"",		on_leave },
	{ NULL,			ROLE_NONE,	NULL,		NULL },
};

/* --- what the services bring ---------------------------------------- */

static void
on_service(struct super *s, unsigned i, void *arg)
{
	struct state *st = arg;
	struct line_out o;

	line_begin(&o, TOPIC);
	super_describe(s, i, &o);
	serve_event(st->d->serve, TOPIC, &o);
}

static void
on_quiet(struct super *s, void *arg)
{
	struct state *st = arg;

	if (!st->told_ready && super_is_settled(s)) {
		st->told_ready = true;
		notify_send("READY=1\nSTATUS=daemons run");
	}
	answer_waiting(st);
	if (st->ending && super_is_down(s))
		loop_stop(st->d->loop);
}

/* --- the end -------------------------------------------------------- */

static void
on_halted(void *arg)
{
	struct state *st = arg;

	st->ending = true;
	super_stop_all(st->super);
}

static void
stop(struct daemon *d)
{
	struct state *st = d->state;
	int64_t s = cfg_getint(d->conf, "stop_timeout_s");

	log_info("stops: modules first, then daemons in reverse");
	notify_send("STOPPING=1\nSTATUS=modules are being stopped");
	st->halt = halt_new(d->loop, s * 1000, on_halted, st);
	for (unsigned i = 0; i < super_count(st->super); i++) {
		const struct service *sv = super_service(st->super, i);

		if (strcmp(sv->name, "moduled") == 0 && sv->wanted)
			halt_add(st->halt, sv->module);
	}
}

static void
on_quit(int signo, void *arg)
{
	(void)signo;
	leave(arg);
}

static void
on_leave_time(void *arg)
{
	struct state *st = arg;

	loop_stop(st->d->loop);
}

static void
on_watchdog(void *arg)
{
	struct state *st = arg;

	notify_send("WATCHDOG=1");
	loop_timer_set(st->watchdog, st->watchdog_ms, 0);
}

/* --- the beginning -------------------------------------------------- */

static void
make_dirs(void)
{
	char path[PATH_LEN];

	if (path_mkdirs(path_run(path, "%s", ""), 0755) == -1)
		fatal("%s", path);
	if (path_mkdirs(path_log(path, "%s", ""), 0755) == -1)
		log_warn("%s", path);
}

static void
start(struct daemon *d)
{
	static const struct super_calls calls = { on_service, on_quiet };
	struct service_times times = {
		.ready_ms = cfg_getint(d->conf, "ready_timeout_ms"),
		.kill_ms = cfg_getint(d->conf, "kill_timeout_ms"),
	};
	struct state *st = xcalloc(1, sizeof(*st));

	d->state = st;
	st->d = d;
	make_dirs();
	if (spawn_protect() == -1)
		log_debug("OOM score not set");
	st->super = super_new(d->loop, &times, &calls, st);
	st->leave = loop_timer_new(d->loop, on_leave_time, st);
	st->watchdog = loop_timer_new(d->loop, on_watchdog, st);
	st->watchdog_ms = notify_watchdog_ms();
	if (st->watchdog_ms > 0)
		on_watchdog(st);
	(void)loop_signal_add(d->loop, SIGQUIT, on_quit, st);
	serve_on_close(d->serve, on_close);
	super_adopt(st->super);
	super_start_all(st->super);
}

static void
reload(struct daemon *d)
{
	struct state *st = d->state;

	super_reload(st->super);
}

static void
finish(struct daemon *d)
{
	struct state *st = d->state;
	char path[PATH_LEN];

	/* Left running: the next holdfastd reads it. */
	if (super_is_down(st->super))
		(void)unlink(path_run(path, "holdfastd.state"));
	halt_free(st->halt);
	super_free(st->super);
	loop_timer_free(st->leave);
	loop_timer_free(st->watchdog);
	while (st->waiting != NULL) {
		struct waiting *w = st->waiting;

		st->waiting = w->next;
		free(w);
	}
	free(st);
	d->state = NULL;
}

static int
check(cfg_t *cfg)
{
	return conf_check_int(cfg, "ready_timeout_ms", 100, 600000) +
	    conf_check_int(cfg, "kill_timeout_ms", 100, 600000) +
	    conf_check_int(cfg, "stop_timeout_s", 0, 86400);
}

int
main(int argc, char **argv)
{
	static cfg_opt_t opts[] = { HOLDFASTD_OPTS };
	static const struct daemon_spec spec = {
		.name = "holdfastd",
		.summary = "starts, restarts and adopts the other daemons",
		.no_keep = true,
		.opts = opts,
		.check = check,
		.verbs = verbs,
		.start = start,
		.stop = stop,
		.reload = reload,
		.finish = finish,
	};

	return daemon_main(&spec, argc, argv);
}

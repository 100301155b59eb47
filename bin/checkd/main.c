/* SPDX-License-Identifier: ISC */
/*
 * checkd: is it well?  Runs the checkers of one module while moduled wishes
 * so, and says what they find.  What follows from it is moduled's to decide.
 */
#include <sys/resource.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "env.h"
#include "line.h"
#include "log.h"
#include "paths.h"
#include "xalloc.h"

#include "check.h"
#include "checkd-conf.h"
#include "newproc.h"

#define WHEN_LEN	1024
#define WATCH		"resource"

struct checkd {
	struct daemon		*d;
	struct check_host	 host;
	struct env		 env;
	char			 scriptdir[PATH_LEN];
	struct check		*checks;
	bool			 has_events;	/* of new processes */
	char			 when[WHEN_LEN];	/* ",pre,prim," */
	int64_t			 gen;			/* of that wish */
};

static cfg_opt_t tcp_opts[] = { CHECKD_TCP_OPTS };
static cfg_opt_t proc_opts[] = { CHECKD_PROC_OPTS };
static cfg_opt_t custom_opts[] = { CHECKD_CUSTOM_OPTS };
static cfg_opt_t ping_opts[] = { CHECKD_PING_OPTS };
static cfg_opt_t disk_opts[] = { CHECKD_DISK_OPTS };
static cfg_opt_t var_opts[] = { CHECKD_VAR_OPTS };
static cfg_opt_t opts[] = { CHECKD_OPTS(tcp_opts, proc_opts, custom_opts,
    ping_opts, disk_opts, var_opts) };

static const struct check_kind *const kinds[] = {
	&check_tcp, &check_proc, &check_custom, &check_ping, &check_disk,
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- configuration -------------------------------------------------- */

/* Makes every checker of the file; how many could not be made. */
static int
read_checks(cfg_t *cfg, const struct check_host *host, struct check **list)
{
	struct check *c;
	unsigned i;
	int bad = 0;

	for (size_t k = 0; k < COUNT(kinds); k++)
		for (i = 0; i < cfg_size(cfg, kinds[k]->name); i++) {
			c = check_new(kinds[k], cfg_getnsec(cfg,
			    kinds[k]->name, i), host);
			if (c == NULL) {
				bad++;
				continue;
			}
			c->next = *list;
			*list = c;
		}
	return bad;
}

static int
check_sections(cfg_t *cfg)
{
	int bad = 0;

	for (size_t k = 0; k < COUNT(kinds); k++)
		for (unsigned i = 0; i < cfg_size(cfg, kinds[k]->name); i++) {
			cfg_t *sec = cfg_getnsec(cfg, kinds[k]->name, i);

			bad += conf_check_int(sec, "interval_ms", 0,
			    86400000);
			bad += conf_check_int(sec, "timeout_ms", 1, 86400000);
		}
	return bad;
}

static int
check(cfg_t *cfg)
{
	/* Kept: they are looked at for their faults only. */
	static struct check *list;
	static struct check_host host = { .module = "", .scriptdir = "" };
	int bad = check_sections(cfg);

	return bad + read_checks(cfg, &host, &list);
}

/* --- what is shown -------------------------------------------------- */

static void
describe(const struct check *c, struct line_out *o)
{
	line_add(o, "name", c->resource);
	line_add(o, "state", c->debounce.state == CS_UP && c->warn ?
	    "warn" : check_state_name(c->debounce.state));
	line_add(o, "when", c->when);
	line_add(o, "text", c->text);
}

static void
tell(struct checkd *k, const struct check *c)
{
	struct line_out o;

	/* One that sets its resource itself is only told to be at the start. */
	if (c->own_word && c->armed)
		return;
	line_begin(&o, "resource");
	describe(c, &o);
	line_add_num(&o, "gen", k->gen);
	serve_event(k->d->serve, WATCH, &o);
}

static void
on_change(struct check *c, void *arg)
{
	log_debug("%s: %s %s", c->resource,
	    check_state_name(c->debounce.state), c->text);
	tell(arg, c);
}

static void
on_note(struct check *c, const char *text, void *arg)
{
	struct checkd *k = arg;
	struct line_out o;

	log_warnx("%s: %s", c->resource, text);
	line_begin(&o, "note");
	line_add(&o, "name", c->resource);
	line_add(&o, "text", text);
	serve_event(k->d->serve, WATCH, &o);
}

/* --- verbs ---------------------------------------------------------- */

static struct checkd *
state_of(void *arg)
{
	return ((struct daemon *)arg)->state;
}

static bool
is_wished(const struct checkd *k, const char *when)
{
	char word[CHECK_CLASS + 2];

	(void)snprintf(word, sizeof(word), ",%s,", when);
	return strstr(k->when, word) != NULL;
}

static void
on_want(struct client *c, const struct line *l, void *arg)
{
	struct checkd *k = state_of(arg);
	const char *when = line_get(l, "when");
	int64_t gen;

	if (when == NULL || strlen(when) > WHEN_LEN - 3 ||
	    !line_get_num(l, "gen", 0, INT64_MAX, &gen)) {
		serve_err(c, "usage", "when=CLASS,CLASS... and gen=N are "
		    "needed");
		return;
	}
	(void)snprintf(k->when, sizeof(k->when), ",%s,", when);
	k->gen = gen;
	for (struct check *ch = k->checks; ch != NULL; ch = ch->next) {
		check_arm(ch, is_wished(k, ch->when));
		tell(k, ch);
	}
	serve_ok(c);
}

static void
on_watch(struct client *c, const struct line *l, void *arg)
{
	(void)l;
	(void)arg;
	/* The facts follow the wish, which the watcher or another states. */
	serve_watch(c, WATCH);
	serve_ok(c);
}

static void
on_status(struct client *c, const struct line *l, void *arg)
{
	struct checkd *k = state_of(arg);
	struct line_out o;

	(void)l;
	for (const struct check *ch = k->checks; ch != NULL; ch = ch->next) {
		line_begin(&o, "");
		describe(ch, &o);
		line_add_num(&o, "armed", ch->armed);
		line_add_num(&o, "trying", ch->trying);
		serve_line(c, &o);
	}
	line_begin(&o, "ok");
	line_add_num(&o, "events", k->has_events);
	serve_ok_line(c, &o);
}

static const struct verb verbs[] = {
	/* name      least role     keys         handler */
	{ "want",    ROLE_ADMIN,    "when gen",  on_want },
	{ "watch",   ROLE_MONITOR,  "",          on_watch },
	{ "status",  ROLE_MONITOR,  "",          on_status },
	{ NULL,      ROLE_NONE,     NULL,        NULL }
};

/* --- start and end -------------------------------------------------- */

static void
read_env(struct checkd *k)
{
	cfg_t *cfg = k->d->conf, *var;
	char *text;

	env_init(&k->env);
	/* First, so that there is room for them. */
	env_set_standard(&k->env, k->d->module, getenv);
	for (unsigned i = 0; i < cfg_size(cfg, "var"); i++) {
		var = cfg_getnsec(cfg, "var", i);
		text = xasprintf("%s=%s", cfg_title(var),
		    cfg_getstr(var, "value"));
		if (!env_set(&k->env, text))
			log_warnx("%s: too many variables: left out",
			    cfg_title(var));
		free(text);
	}
	/* Again: a variable of the user takes no standard one's place. */
	env_set_standard(&k->env, k->d->module, getenv);
}

static void
on_process(pid_t pid, pid_t parent, void *arg)
{
	struct checkd *k = arg;

	for (struct check *c = k->checks; c != NULL; c = c->next)
		if (c->armed && c->kind->on_process != NULL)
			c->kind->on_process(c, pid, parent);
}

static void
on_lost(void *arg)
{
	struct checkd *k = arg;

	for (struct check *c = k->checks; c != NULL; c = c->next)
		if (c->kind->on_process != NULL)
			check_now(c);
}

static void
on_known(bool works, void *arg)
{
	struct checkd *k = arg;

	k->has_events = works;
	if (!works)
		log_info("the kernel does not tell of new processes here (a "
		    "container): they are looked for at polltimer; a death "
		    "is seen at once all the same");
}

/* Only where somebody needs it: each fork of the machine wakes us then. */
static void
open_events(struct checkd *k)
{
	static const struct newproc_calls calls = { on_process, on_lost,
	    on_known };

	if (cfg_size(k->d->conf, "proc") > 0 &&
	    newproc_open(k->d->loop, &calls, k) == NULL)
		on_known(false, k);
}

/* A descriptor for each process that is watched. */
static void
raise_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) == -1)
		log_warn("number of open files: not raised");
}

static void
start(struct daemon *d)
{
	struct checkd *k = xcalloc(1, sizeof(*k));
	const char *dir = cfg_getstr(d->conf, "scriptdir");

	d->state = k;
	k->d = d;
	raise_limit();
	read_env(k);
	if (dir[0] != '\0')
		(void)snprintf(k->scriptdir, sizeof(k->scriptdir), "%s",
		    dir);
	else
		(void)path_state(k->scriptdir, "%s/config/active/bin",
		    d->module);
	k->host = (struct check_host){ .loop = d->loop,
	    .module = d->module, .scriptdir = k->scriptdir, .env = &k->env,
	    .on_change = on_change, .on_note = on_note, .arg = k };
	(void)read_checks(d->conf, &k->host, &k->checks); /* was checked */
	open_events(k);
}

static void
finish(struct daemon *d)
{
	struct checkd *k = d->state;

	/* No program of ours goes on without us. */
	for (struct check *c = k->checks; c != NULL; c = c->next)
		check_arm(c, false);
}

int
main(int argc, char **argv)
{
	static const struct daemon_spec spec = {
		.name = "checkd",
		.summary = "looks whether a module is well",
		.has_module = true,
		.no_keep = true,
		.opts = opts,
		.check = check,
		.verbs = verbs,
		.start = start,
		.finish = finish,
	};

	return daemon_main(&spec, argc, argv);
}

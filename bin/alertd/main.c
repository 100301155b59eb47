/* SPDX-License-Identifier: ISC */
/*
 * alertd(8): tells people what is wrong, by the executables of alert.d.  It
 * watches each moduled of this node; alert.c decides what is news and hook.c
 * runs the hooks.  Nothing of the cluster waits for it.
 */
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "log.h"
#include "observe.h"
#include "paths.h"
#include "priv.h"
#include "statefile.h"
#include "xalloc.h"

#include "alert.h"
#include "alertd-conf.h"
#include "hook.h"

#define TICK_MS		500
#define POLL_MS		1000
#define BOOK_FILE_MAX	(1024 * 1024)
#define VALUE_MAX	(OBSERVE_TEXT * 2)

struct alertd {
	struct daemon		*d;
	struct observe		*observe;
	struct hooks		*hooks;
	struct loop_timer	*tick;
	struct alert_book	 book;
	char			 dir[PATH_LEN];
	char			*said;		/* the file as it is */
};

/* --- messages ------------------------------------------------------- */

struct message {
	unsigned	 count;
	char		*env[HOOK_ENV_MAX + 1];
};

static void __attribute__((format(printf, 3, 4)))
put(struct message *m, const char *name, const char *fmt, ...)
{
	char value[VALUE_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (m->count < HOOK_ENV_MAX)
		m->env[m->count++] = xasprintf("%s=%s", name, value);
}

static void
put_common(struct message *m, const char *kind, const struct observed *o)
{
	put(m, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
	    "/sbin:/bin");
	put(m, "HOLDFAST_ALERT", "%s", kind);
	put(m, "HOLDFAST_MODULE", "%s", o->name);
	put(m, "HOLDFAST_NODE", "%s", o->node);
	put(m, "HOLDFAST_STATE", "%s", o->state);
	put(m, "HOLDFAST_QUALITY", "%s", o->quality);
	put(m, "HOLDFAST_PEER", "%s", o->peer);
	put(m, "HOLDFAST_PEER_STATE", "%s", o->peer_state);
	put(m, "HOLDFAST_EPOCH", "%s", o->epoch);
}

static bool
run(struct alertd *ad, struct message *m, const struct hook_calls *calls,
    void *arg)
{
	bool taken = hooks_run(ad->hooks, m->env, calls, arg);

	for (unsigned i = 0; i < m->count; i++)
		free(m->env[i]);
	return taken;
}

static void
wall_text(char buf[CLOCK_WALL_LEN], int64_t wall_s)
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL || strftime(buf, CLOCK_WALL_LEN,
	    "%Y-%m-%dT%H:%M:%S%z", &tm) == 0)
		buf[0] = '\0';
}

static const char *
weight_name(enum code_weight w)
{
	return w == CODE_CRITICAL ? "critical" : "warning";
}

static bool
emit(enum alert_kind k, const struct alert *a, const struct observed *o,
    void *arg)
{
	static const char *const lead[] = { "", "still ", "ended: " };
	static const enum journal_event events[] = { JE_ALERT_BEGIN,
	    JE_ALERT_REPEAT, JE_ALERT_END };
	struct alertd *ad = arg;
	struct message m = { 0 };
	char since[CLOCK_WALL_LEN];

	if (!hooks_have_room(ad->hooks))
		return false;	/* before it is in the journal, each time */
	wall_text(since, a->wall_s);
	log_context(o->node, o->epoch);
	log_event(events[k], a->module, "%s%s: %s (%s)", lead[k],
	    weight_name(a->weight), a->text, a->code);
	put_common(&m, alert_kind_name(k), o);
	put(&m, "HOLDFAST_CODE", "%s", a->code);
	put(&m, "HOLDFAST_SEVERITY", "%s", weight_name(a->weight));
	put(&m, "HOLDFAST_TEXT", "%s", a->text);
	put(&m, "HOLDFAST_COMMAND", "%s", a->command);
	put(&m, "HOLDFAST_SINCE", "%s", since);
	put(&m, "HOLDFAST_SINCE_S", "%lld", (long long)a->wall_s);
	put(&m, "HOLDFAST_COUNT", "%u", a->count);
	put(&m, "HOLDFAST_SUBJECT", "[holdfast] %s%s: %s on %s: %s", lead[k],
	    weight_name(a->weight), a->module, o->node, a->text);
	return run(ad, &m, NULL, NULL);
}

/* --- the book ------------------------------------------------------- */

static const char *
book_path(char path[PATH_LEN])
{
	return path_run(path, "alertd/book");
}

static void
save(struct alertd *ad)
{
	size_t len = 0, size = 1 + ad->book.count * (size_t)LINE_MAX_LEN;
	char path[PATH_LEN], *text = xcalloc(1, size);
	struct line_out o;

	for (unsigned i = 0; i < ad->book.count; i++) {
		alert_save(&o, &ad->book.alert[i]);
		if (!line_end(&o) || len + o.len >= size)
			continue;
		memcpy(text + len, o.text, o.len + 1);
		len += o.len;
	}
	if (ad->said == NULL || strcmp(ad->said, text) != 0) {
		free(ad->said);
		ad->said = text;
		if (statefile_write_volatile(book_path(path), text, len,
		    0644) == -1)
			log_warn("%s", path);
		return;
	}
	free(text);
}

static void
load(struct alertd *ad)
{
	char path[PATH_LEN], *text, *p, *end;
	struct line *l;
	const char *why;
	size_t len;

	text = statefile_read(book_path(path), BOOK_FILE_MAX, &len);
	if (text == NULL)
		return;		/* the first one since the boot */
	l = xcalloc(1, sizeof(*l));
	for (p = text; (end = strchr(p, '\n')) != NULL; p = end + 1)
		if (line_parse(l, p, (size_t)(end - p), &why) == -1 ||
		    !alert_load(&ad->book, l))
			log_warnx("%s: a line is damaged: its alert is told "
			    "again", path);
	free(l);
	free(text);
}

static void
on_tick(void *arg)
{
	struct alertd *ad = arg;

	for (unsigned i = 0; i < observe_count(ad->observe); i++)
		alert_update(&ad->book, observe_at(ad->observe, i),
		    mono_now(), (int64_t)time(NULL), emit, ad);
	save(ad);
	loop_timer_set(ad->tick, TICK_MS, 0);
}

static void
on_gone(const struct observed *o, void *arg)
{
	alert_forget(&((struct alertd *)arg)->book, o->name);
}

/* --- verbs ---------------------------------------------------------- */

static void
on_status(struct client *c, const struct line *l, void *arg)
{
	struct alertd *ad = ((struct daemon *)arg)->state;
	struct line_out o;

	(void)l;
	for (unsigned i = 0; i < ad->book.count; i++) {
		const struct alert *a = &ad->book.alert[i];

		if (!alert_is_active(a))
			continue;
		line_begin(&o, "");
		line_add(&o, "module", a->module);
		line_add(&o, "code", a->code);
		line_add(&o, "severity", weight_name(a->weight));
		line_add(&o, "text", a->text);
		line_add(&o, "command", a->command);
		line_add_num(&o, "since_s", mono_diff_ms(mono_now(),
		    a->since) / 1000);
		line_add_num(&o, "count", a->count);
		serve_line(c, &o);
	}
	line_begin(&o, "ok");
	line_add_num(&o, "waiting", hooks_waiting(ad->hooks));
	serve_ok_line(c, &o);
}

static void
on_test_hook(const struct hook_result *r, void *arg)
{
	struct line_out o;

	line_begin(&o, "");
	line_add(&o, "hook", r->name);
	line_add(&o, "end", r->end);
	line_add_num(&o, "ms", r->ms);
	line_add(&o, "output", r->output);
	serve_line(arg, &o);
}

static void
on_test_done(int count, void *arg)
{
	struct line_out o;

	if (count == -1) {
		serve_err(arg, "busy", "another test waits for its hooks "
		    "already, or %d alerts do: if it lasts, one hangs, see "
		    "alertd.log", HOOK_QUEUE_MAX);
		return;
	}
	line_begin(&o, "ok");
	line_add_num(&o, "hooks", count);
	serve_ok_line(arg, &o);
}

static void
on_test(struct client *c, const struct line *l, void *arg)
{
	static const struct hook_calls calls = { on_test_hook, on_test_done };
	struct alertd *ad = ((struct daemon *)arg)->state;
	const char *name = line_get(l, "module");
	const struct observed *o = NULL;
	struct observed none = { .is_up = false };
	struct message m = { 0 };
	int64_t now = (int64_t)time(NULL);
	char wall[CLOCK_WALL_LEN];

	if (name != NULL && (o = observe_find(ad->observe, name)) == NULL) {
		serve_err(c, "notfound", "%s: no such module is configured on "
		    "this node", name);
		return;
	}
	if (o == NULL && observe_count(ad->observe) > 0)
		o = observe_at(ad->observe, 0);
	if (o == NULL) {
		(void)snprintf(none.name, sizeof(none.name), "none");
		(void)gethostname(none.node, sizeof(none.node) - 1);
		o = &none;
	}
	wall_text(wall, now);
	put_common(&m, "test", o);
	put(&m, "HOLDFAST_CODE", "test");
	put(&m, "HOLDFAST_SEVERITY", "warning");
	put(&m, "HOLDFAST_TEXT", "a test of the alerts; nothing is wrong");
	put(&m, "HOLDFAST_COMMAND", "%s", "");
	put(&m, "HOLDFAST_SINCE", "%s", wall);
	put(&m, "HOLDFAST_SINCE_S", "%lld", (long long)now);
	put(&m, "HOLDFAST_COUNT", "1");
	put(&m, "HOLDFAST_SUBJECT", "[holdfast] test: %s on %s: a test of the "
	    "alerts", o->name, o->node);
	serve_later(c);
	(void)run(ad, &m, &calls, c);	/* or on_test_done says busy */
}

static void
on_close(struct client *c, void *arg)
{
	struct alertd *ad = ((struct daemon *)arg)->state;

	if (ad != NULL)
		hooks_forget(ad->hooks, c);
}

static const struct verb verbs[] = {
	/* name      least role     keys      handler */
	{ "status",  ROLE_MONITOR,  "",       on_status },
	{ "test",    ROLE_CONTROL,  "module", on_test },
	{ NULL,      ROLE_NONE,     NULL,     NULL }
};

/* --- life ----------------------------------------------------------- */

static int
check(cfg_t *cfg)
{
	int bad = 0;

	bad += conf_check_int(cfg, "settle_ms", 0, 600000);
	bad += conf_check_int(cfg, "period_s", 1, 30 * 86400);
	bad += conf_check_int(cfg, "timeout_s", 1, 3600);
	bad += conf_check_int(cfg, "down_s", 2, 3600);
	if (cfg_getstr(cfg, "user")[0] == '\0') {
		cfg_error(cfg, "user: is empty: a user's name is needed");
		bad++;
	}
	return bad;
}

static void
start(struct daemon *d)
{
	static const struct observe_calls calls = { NULL, on_gone };
	struct alertd *ad = xcalloc(1, sizeof(*ad));
	const char *user = cfg_getstr(d->conf, "user");
	char path[PATH_LEN];

	d->state = ad;
	ad->d = d;
	ad->book.conf = (struct alert_conf){
	    .settle_ms = cfg_getint(d->conf, "settle_ms"),
	    .period_ms = 1000 * (int64_t)cfg_getint(d->conf, "period_s"),
	    .down_ms = 1000 * (int64_t)cfg_getint(d->conf, "down_s") };
	/* A name that was mistyped must not become root. */
	if (strcmp(user, PRIV_USER) != 0 && getpwnam(user) == NULL)
		fatalx(EX_CONFIG, "alertd.conf: user \"%s\": no such user",
		    user);
	if (priv_dir(path_run(path, "alertd"), user, 0755) == -1)
		log_warn("%s", path);
	priv_drop(user, false);
	load(ad);
	ad->hooks = hooks_new(d->loop, path_etc(ad->dir, "alert.d"),
	    1000 * (int64_t)cfg_getint(d->conf, "timeout_s"));
	ad->tick = loop_timer_new(d->loop, on_tick, ad);
	serve_on_close(d->serve, on_close);
	ad->observe = observe_new(d->loop, POLL_MS, &calls, ad);
	loop_timer_set(ad->tick, TICK_MS, 0);
}

static void
finish(struct daemon *d)
{
	struct alertd *ad = d->state;

	observe_free(ad->observe);
	loop_timer_free(ad->tick);
	hooks_free(ad->hooks);
	free(ad->said);
	free(ad);
	d->state = NULL;
}

int
main(int argc, char **argv)
{
	static cfg_opt_t opts[] = { ALERTD_OPTS };
	static const struct daemon_spec spec = {
		.name = "alertd",
		.summary = "runs the alert hooks when something is wrong",
		.no_keep = true,
		.opts = opts,
		.check = check,
		.verbs = verbs,
		.start = start,
		.finish = finish,
	};

	return daemon_main(&spec, argc, argv);
}

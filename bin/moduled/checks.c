/* SPDX-License-Identifier: ISC */
/*
 * The link to checkd: which checkers shall run, as a wish with a number; the
 * answer restates all facts under that number, and only those count.  What
 * was said of checkers that ended meanwhile, and begin again, is thereby
 * never taken for news.
 */
#include <stdio.h>
#include <string.h>

#include "line.h"
#include "log.h"
#include "paths.h"

#include "events.h"
#include "failover.h"
#include "moduled.h"
#include "phase.h"

/* The wish is restated this often; unanswered by then, checkd hangs. */
#define WISH_EVERY_MS	5000
#define WHEN_LEN	512

static void
tell_silent(struct moduled *md, bool silent)
{
	if (md->checks_silent == silent)
		return;
	md->checks_silent = silent;
	md->checks_wall_s = wall_now();
	events_add(silent ? JE_CHECKS_SILENT : JE_CHECKS_HEARD, "moduled",
	    silent ?
	    "checkd does not answer: no checker is heard" :
	    "checkd answers again");
}

static void
on_answer(const struct line *l, void *arg)
{
	struct moduled *md = arg;
	const char *text = line_get(l, "text");

	if (strcmp(l->verb, "ok") != 0 && strcmp(l->verb, "err") != 0)
		return;
	if (md->checks_open > 0)
		md->checks_open--;
	if (strcmp(l->verb, "ok") == 0) {
		tell_silent(md, false);
		md->checks_fresh = md->checks_open == 0;
	} else if (ask_is_up(md->checks))
		log_warnx("checkd: wish refused: %s", text != NULL ? text :
		    "");
	moduled_think(md);
}

/*
 * The classes of this moment: of the scripts, and those of the module's own
 * that it switched on, while it is not stopped.
 */
static const char *
classes(const struct moduled *md, char buf[WHEN_LEN])
{
	size_t len = strlen(phase_text(buf, WHEN_LEN, md->phases));
	unsigned i;

	for (i = 0; i < md->res.count && md->phases != 0; i++) {
		const struct resource *r = &md->res.r[i];

		if (strncmp(r->name, "errd.", 5) != 0 ||
		    strcmp(r->value, "on") != 0 ||
		    len + strlen(r->name) >= WHEN_LEN)
			continue;
		len += (size_t)snprintf(buf + len, WHEN_LEN - len, ",%s",
		    r->name + 5);
	}
	return buf;
}

static void
want(struct moduled *md)
{
	struct line_out o;

	line_begin(&o, "want");
	line_add(&o, "when", md->checks_when);
	line_add_num(&o, "gen", md->checks_gen);
	if (ask_send(md->checks, &o, on_answer, md))
		md->checks_open++;
}

static void
on_time(void *arg)
{
	struct moduled *md = arg;

	if (md->checks_open > 0 || !ask_is_up(md->checks)) {
		tell_silent(md, true);
		md->checks_fresh = false;
		moduled_think(md);
	} else
		want(md);
	loop_timer_set(md->checks_timer, WISH_EVERY_MS, 0);
}

void
checks_look(struct moduled *md)
{
	char when[WHEN_LEN];

	md->phases = phase_of(scripts_at(md->scripts),
	    scripts_target(md->scripts), scripts_busy(md->scripts));
	if (md->checks == NULL ||
	    !moduled_news(&md->checks_when, classes(md, when)))
		return;
	md->checks_gen++;
	md->checks_fresh = false;
	want(md);
}

static void
checks_up(struct ask *a, void *arg)
{
	struct moduled *md = arg;
	struct line_out o;

	line_begin(&o, "watch");
	(void)ask_send(a, &o, NULL, NULL);
	want(md);
}

static void
checks_down(struct ask *a, void *arg)
{
	struct moduled *md = arg;

	(void)a;
	md->checks_fresh = false;
	moduled_think(md);
}

static void
checks_event(struct ask *a, const struct line *l, void *arg)
{
	struct moduled *md = arg;
	const char *name = line_get(l, "name");
	const char *state = line_get(l, "state");
	const char *text = line_get(l, "text");
	int64_t gen;

	(void)a;
	if (name == NULL || text == NULL)
		return;
	if (strcmp(l->verb, "note") == 0) {
		events_add(JE_CHECKER, "checkd", "%s: %s", name, text);
		return;
	}
	if (strcmp(l->verb, "resource") != 0 || state == NULL ||
	    !line_get_num(l, "gen", 0, INT64_MAX, &gen) ||
	    gen != md->checks_gen)
		return;
	moduled_resource(md, name, state, text, "checkd");
	moduled_think(md);
}

void
checks_open(struct moduled *md)
{
	static const struct ask_calls calls = { checks_up, checks_down,
	    checks_event };
	static char path[PATH_LEN];

	/* Told apart from the wishes of an earlier life. */
	md->checks_gen = mono_now().ns;
	(void)moduled_news(&md->checks_when, "");
	md->checks = ask_new(md->d->loop, path_socket(path, md->name,
	    "checkd"), &calls, md);
	md->checks_timer = loop_timer_new(md->d->loop, on_time, md);
	loop_timer_set(md->checks_timer, WISH_EVERY_MS, 0);
}

void
checks_close(struct moduled *md)
{
	if (md->checks == NULL)
		return;
	ask_free(md->checks);
	loop_timer_free(md->checks_timer);
}

/* SPDX-License-Identifier: ISC */
/*
 * The life of a checker: armed, a try, its result or its deadline, a pause,
 * the next try.
 */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "xalloc.h"

/* A checker that is down looks at least this often for the end of it. */
#define DOWN_INTERVAL_MS	1000
/* Between two tries in any case: what was killed needs time to end. */
#define PAUSE_MIN_MS		20

static void
set_text(struct check *c, const char *text)
{
	(void)snprintf(c->text, sizeof(c->text), "%s", text);
}

static int64_t
pause_ms(const struct check *c)
{
	/* From begin to begin, whatever a try takes. */
	int64_t ms = c->interval_ms - mono_diff_ms(mono_now(), c->begun);

	if (c->kind == &check_proc && c->debounce.state == CS_DOWN &&
	    ms > DOWN_INTERVAL_MS)
		ms = DOWN_INTERVAL_MS;
	return ms > PAUSE_MIN_MS ? ms : PAUSE_MIN_MS;
}

static void
end_try(struct check *c, bool good, const char *text)
{
	bool changed, news = strcmp(c->text, text) != 0;

	c->trying = false;
	changed = debounce_take(&c->debounce, good);
	set_text(c, text);
	loop_timer_set(c->timer, pause_ms(c), 0);
	if (changed || news)
		c->host->on_change(c, c->host->arg);
}

static void
try_now(struct check *c)
{
	c->begun = mono_now();
	c->trying = true;
	loop_timer_set(c->timer, c->timeout_ms, 0);
	c->kind->begin(c);
}

static void
on_timer(void *arg)
{
	struct check *c = arg;
	char text[CHECK_TEXT];

	if (!c->armed)
		return;
	if (!c->trying) {
		try_now(c);
		return;
	}
	c->late = true;
	c->kind->cancel(c);
	c->late = false;
	(void)snprintf(text, sizeof(text), "no answer within %lld ms",
	    (long long)c->timeout_ms);
	end_try(c, false, text);
}

void
check_result(struct check *c, bool good, const char *fmt, ...)
{
	char text[CHECK_TEXT];
	va_list ap;

	if (!c->trying)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	end_try(c, good, text);
}

void
check_later(struct check *c, int64_t ms)
{
	if (!c->trying)
		return;
	c->trying = false;
	loop_timer_set(c->timer, ms, 0);
}

void
check_now(struct check *c)
{
	/* No event makes it begin before its time (start_after). */
	if (c->armed && !c->trying && mono_passed(mono_add_ms(
	    c->armed_since, c->delay_ms), mono_now()))
		try_now(c);
}

void
check_arm(struct check *c, bool armed)
{
	if (c->armed == armed)
		return;
	c->armed = armed;
	c->armed_since = mono_now();
	if (!armed) {
		loop_timer_cancel(c->timer);
		if (c->trying)
			c->kind->cancel(c);
		c->trying = false;
		if (c->kind->disarm != NULL)
			c->kind->disarm(c);
	}
	debounce_reset(&c->debounce);
	set_text(c, "");
	if (!armed)
		return;
	if (c->kind->arm != NULL)
		c->kind->arm(c);
	if (!c->own_word)
		loop_timer_set(c->timer, c->delay_ms, 0);
}

static bool
read_counts(struct check *c, cfg_t *sec)
{
	struct debounce *d = &c->debounce;

	if (debounce_parse(cfg_getstr(sec, "fails"), &d->fails,
	    &d->fails_of) && debounce_parse(cfg_getstr(sec, "passes"),
	    &d->passes, &d->passes_of))
		return true;
	cfg_error(sec, "%s: fails and passes are n or n/m, m at most %d",
	    c->resource, DEBOUNCE_MAX);
	return false;
}

struct check *
check_new(const struct check_kind *kind, cfg_t *sec,
    const struct check_host *host)
{
	/* Checkers live as long as the program, which these end. */
	static struct check *faulty;
	struct check *c = xcalloc(1, sizeof(*c));

	c->kind = kind;
	c->host = host;
	(void)snprintf(c->resource, sizeof(c->resource), "%s.%s", kind->name,
	    cfg_title(sec));
	(void)snprintf(c->when, sizeof(c->when), "%s",
	    cfg_getstr(sec, "when"));
	c->interval_ms = cfg_getint(sec, "interval_ms");
	c->timeout_ms = cfg_getint(sec, "timeout_ms");
	if (!read_counts(c, sec) || !kind->open(c, sec)) {
		c->next = faulty;
		faulty = c;
		return NULL;
	}
	if (host->loop != NULL)
		c->timer = loop_timer_new(host->loop, on_timer, c);
	return c;
}

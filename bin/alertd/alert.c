/* SPDX-License-Identifier: ISC */
/* The rule of alert.h. */
#include "alert.h"

#include <stdio.h>
#include <string.h>

#define CLEAR_MAX_MS	(15 * 60 * 1000)

static bool
is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static bool
is_primary(const char *state)
{
	return is(state, "PRIM") || is(state, "ALONE") || is(state, "UP");
}

bool
alert_is_active(const struct alert *a)
{
	return a->told && mono_is_set(a->since);
}

const char *
alert_kind_name(enum alert_kind k)
{
	static const char *const names[] = { "begin", "repeat", "end" };

	return names[k];
}

/* --- the book ------------------------------------------------------- */

static struct alert *
find(struct alert_book *b, const char *module, const char *code,
    const char *about)
{
	for (unsigned i = 0; i < b->count; i++)
		if (is(b->alert[i].module, module) &&
		    is(b->alert[i].code, code) &&
		    is(b->alert[i].about, about))
			return &b->alert[i];
	return NULL;
}

static struct alert *
get(struct alert_book *b, const char *module, const char *code,
    const char *about)
{
	struct alert *a = find(b, module, code, about);

	if (a != NULL || b->count == ALERT_MAX)
		return a;
	a = &b->alert[b->count++];
	memset(a, 0, sizeof(*a));
	(void)snprintf(a->module, sizeof(a->module), "%s", module);
	(void)snprintf(a->code, sizeof(a->code), "%s", code);
	(void)snprintf(a->about, sizeof(a->about), "%s", about);
	return a;
}

static void
drop(struct alert_book *b, unsigned i)
{
	b->alert[i] = b->alert[--b->count];
}

void
alert_forget(struct alert_book *b, const char *module)
{
	for (unsigned i = b->count; i-- > 0; )
		if (is(b->alert[i].module, module))
			drop(b, i);
}

/* --- what is wrong -------------------------------------------------- */

static void
see(struct alert_book *b, const struct observed *o, const struct finding *f,
    enum code_weight weight, struct mono now, int64_t wall_s)
{
	char about[OBSERVE_NODE] = "";
	struct alert *a;

	if (!f->blocked)
		(void)snprintf(about, sizeof(about), "%.*s",
		    (int)strcspn(f->text, " "), f->text);
	if ((a = get(b, o->name, f->code, about)) == NULL)
		return;		/* more than anybody would read */
	(void)snprintf(a->text, sizeof(a->text), "%s", f->text);
	(void)snprintf(a->command, sizeof(a->command), "%s", f->command);
	a->weight = weight;
	a->gone = (struct mono){ 0 };
	if (mono_is_set(a->since))
		return;
	/* Still in the book: it ended within the last period. */
	if (mono_is_set(a->over))
		a->returns++;
	a->over = (struct mono){ 0 };
	a->since = now;
	a->wall_s = wall_s;
	a->told = false;
	a->count = 0;
}

static void
see_all(struct alert_book *b, const struct observed *o, struct mono now,
    int64_t wall_s)
{
	for (unsigned i = 0; i < o->count; i++) {
		const struct finding *f = &o->finding[i];

		if (f->blocked) {
			/* Transient passes; STOP is what somebody wanted. */
			if (is(o->quality, "NotReady") && !is(o->state, "STOP"))
				see(b, o, f, CODE_CRITICAL, now, wall_s);
		} else if (code_weight(f->code) != CODE_QUIET)
			see(b, o, f, code_weight(f->code), now, wall_s);
	}
}

static bool
has(const struct observed *o, const char *code)
{
	for (unsigned i = 0; i < o->count; i++)
		if (is(o->finding[i].code, code))
			return true;
	return false;
}

/* A moduled that does not answer: all that is known of the module is old. */
static bool
see_down(struct alert_book *b, const struct observed *o, struct mono now,
    int64_t wall_s)
{
	struct finding f = { .blocked = false };
	int64_t age = observed_age_ms(o, now);

	if (age < 0 || age < b->conf.down_ms)
		return false;
	(void)snprintf(f.code, sizeof(f.code), "daemon-down");
	(void)snprintf(f.text, sizeof(f.text), "moduled does not answer, last "
	    "known %s %s", o->state, o->quality);
	(void)snprintf(f.command, sizeof(f.command), "holdfast log -A %s",
	    o->name);
	see(b, o, &f, CODE_CRITICAL, now, wall_s);
	return true;
}

/* --- what is told --------------------------------------------------- */

static int64_t
clear_ms(const struct alert_book *b, const struct alert *a)
{
	int64_t ms = b->conf.settle_ms;

	for (unsigned i = 0; i < a->returns && ms < CLEAR_MAX_MS; i++)
		ms *= 2;
	return ms < CLEAR_MAX_MS ? ms : CLEAR_MAX_MS;
}

/* True: told, by us or by the other node. */
static bool
is_due(const struct alert_book *b, struct alert *a, struct mono now,
    enum alert_kind *k)
{
	if (!a->told) {
		if (mono_diff_ms(now, a->since) < b->conf.settle_ms)
			return false;
		*k = ALERT_BEGIN;
		a->told = true;
	} else if (mono_diff_ms(now, a->last) < b->conf.period_ms)
		return false;
	else
		*k = ALERT_REPEAT;
	a->last = now;
	return true;
}

/* False: it leaves the book. */
static bool
tell_absent(const struct alert_book *b, struct alert *a, struct mono now,
    bool *ended)
{
	if (!mono_is_set(a->since))	/* over: kept to count its returns */
		return mono_diff_ms(now, a->over) < b->conf.period_ms;
	if (!a->told) {		/* it passed before it was news */
		a->since = (struct mono){ 0 };
		a->over = now;
		return a->returns > 0;
	}
	if (!mono_is_set(a->gone))
		a->gone = now;
	if (mono_diff_ms(now, a->gone) < clear_ms(b, a))
		return true;
	*ended = true;
	a->since = (struct mono){ 0 };
	a->over = now;
	return true;
}

static bool
we_speak(const struct observed *o, const struct alert *a)
{
	/* In a farm all are: one of them speaks. */
	if (code_is_shared(a->code) && is(o->mode, "farm") &&
	    is(o->state, "UP"))
		return o->first;
	return !code_is_shared(a->code) || is_primary(o->state) ||
	    !is_primary(o->peer_state);
}

void
alert_update(struct alert_book *b, const struct observed *o, struct mono now,
    int64_t wall_s, bool (*emit)(enum alert_kind k, const struct alert *a,
    const struct observed *o, void *arg), void *arg)
{
	bool down, ended;
	enum alert_kind k;

	/* Never answered: nothing is known.  Maintenance: it is known. */
	if (!mono_is_set(o->asked) || has(o, "maintenance"))
		return;
	for (unsigned i = 0; i < b->count; i++)
		if (is(b->alert[i].module, o->name) &&
		    !mono_is_set(b->alert[i].gone) &&
		    mono_is_set(b->alert[i].since))
			b->alert[i].gone = now;		/* until seen below */
	down = see_down(b, o, now, wall_s);
	see_all(b, o, now, wall_s);
	for (unsigned i = b->count; i-- > 0; ) {
		struct alert *a = &b->alert[i], was = *a;

		if (!is(a->module, o->name))
			continue;
		ended = false;
		if (mono_is_set(a->since) && !mono_is_set(a->gone)) {
			/* An old answer is no reason to say it again. */
			if ((!down || is(a->code, "daemon-down")) &&
			    is_due(b, a, now, &k) && we_speak(o, a)) {
				a->count++;
				if (!emit(k, a, o, arg))
					*a = was;
			}
			continue;
		}
		if (!tell_absent(b, a, now, &ended))
			drop(b, i);
		else if (ended && we_speak(o, a) &&
		    !emit(ALERT_END, a, o, arg))
			*a = was;
	}
}

/* --- a restart ------------------------------------------------------ */

#define TIMES(X) X(since) X(gone) X(last) X(over)

void
alert_save(struct line_out *o, const struct alert *a)
{
	line_begin(o, "alert");
	line_add(o, "module", a->module);
	line_add(o, "code", a->code);
	line_add(o, "about", a->about);
	line_add(o, "text", a->text);
	line_add(o, "command", a->command);
	line_add_num(o, "weight", a->weight);
	line_add_num(o, "wall_s", a->wall_s);
	line_add_num(o, "told", a->told);
	line_add_num(o, "count", a->count);
	line_add_num(o, "returns", a->returns);
#define X(f) line_add_num(o, #f, a->f.ns);
	TIMES(X)
#undef X
}

bool
alert_load(struct alert_book *b, const struct line *l)
{
	const char *module = line_get(l, "module"), *code = line_get(l, "code");
	const char *text = line_get(l, "text"), *cmd = line_get(l, "command");
	const char *about = line_get(l, "about");
	struct alert *a;
	int64_t n;

	if (!is(l->verb, "alert") || module == NULL || code == NULL ||
	    about == NULL || text == NULL || cmd == NULL ||
	    !line_get_num(l, "weight", CODE_QUIET, CODE_CRITICAL, &n) ||
	    (a = get(b, module, code, about)) == NULL)
		return false;
	a->weight = (enum code_weight)n;
	(void)snprintf(a->text, sizeof(a->text), "%s", text);
	(void)snprintf(a->command, sizeof(a->command), "%s", cmd);
	a->told = line_get_bool(l, "told");
	if (line_get_num(l, "wall_s", 0, INT64_MAX, &n))
		a->wall_s = n;
	if (line_get_num(l, "count", 0, UINT32_MAX, &n))
		a->count = (unsigned)n;
	if (line_get_num(l, "returns", 0, UINT32_MAX, &n))
		a->returns = (unsigned)n;
#define X(f) if (line_get_num(l, #f, 0, INT64_MAX, &n)) a->f.ns = n;
	TIMES(X)
#undef X
	return true;
}

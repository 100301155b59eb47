/* SPDX-License-Identifier: ISC */
/*
 * See observe.h.  One question at a time is on its way to a moduled: one that
 * hangs gets no queue of them.
 */
#include "observe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "configured.h"
#include "line.h"
#include "log.h"
#include "xalloc.h"

/* Modules are configured by people: nobody minds this. */
#define SCAN_MS		1000
/* As many as holdfastd runs. */
#define MODULE_MAX	128

struct entry {
	struct observed	 shown;
	struct observed	 next;		/* being answered */
	struct observe	*ob;
	struct ask	*link;
	char		 path[PATH_LEN];
	bool		 asking, again, listed;
	struct mono	 sent;
};

struct observe {
	struct loop			*loop;
	struct loop_timer		*poll, *scan;
	int64_t				 poll_ms;
	const struct observe_calls	*calls;
	void				*arg;
	unsigned			 count;
	struct entry			*entry[MODULE_MAX];
};

/* --- one module ----------------------------------------------------- */

static void
copy(char *to, size_t size, const struct line *l, const char *key)
{
	const char *v = line_get(l, key);

	(void)snprintf(to, size, "%s", v != NULL ? v : "");
}

static void
take_finding(struct observed *o, const struct line *l, bool blocked)
{
	struct finding *f;

	if (o->count == OBSERVE_FINDINGS)
		return;
	f = &o->finding[o->count++];
	memset(f, 0, sizeof(*f));
	f->blocked = blocked;
	copy(f->code, sizeof(f->code), l, "code");
	copy(f->text, sizeof(f->text), l, "text");
	copy(f->command, sizeof(f->command), l, "command");
}

/* The ways on follow what blocks; the first one loses least. */
static void
take_way(struct observed *o, const struct line *l)
{
	struct finding *f = o->count > 0 ? &o->finding[o->count - 1] : NULL;

	if (f != NULL && f->blocked && f->command[0] == '\0')
		copy(f->command, sizeof(f->command), l, "command");
}

static void
take_node(struct observed *o, const struct line *l)
{
	if (line_get_bool(l, "self")) {
		copy(o->node, sizeof(o->node), l, "name");
		return;
	}
	/* Of several the one that serves says most. */
	if (strcmp(o->peer_state, "UP") == 0)
		return;
	copy(o->peer, sizeof(o->peer), l, "name");
	copy(o->peer_state, sizeof(o->peer_state), l, "state");
}

static void
take_line(struct observed *o, const struct line *l)
{
	const char *kind = line_get(l, "kind");

	if (kind == NULL)
		return;
	if (strcmp(kind, "module") == 0) {
		copy(o->mode, sizeof(o->mode), l, "mode");
		copy(o->state, sizeof(o->state), l, "state");
		copy(o->quality, sizeof(o->quality), l, "quality");
		copy(o->epoch, sizeof(o->epoch), l, "epoch");
	} else if (strcmp(kind, "warning") == 0) {
		take_finding(o, l, false);
	} else if (strcmp(kind, "blocked") == 0) {
		take_finding(o, l, true);
	} else if (strcmp(kind, "goon") == 0) {
		take_way(o, l);
	} else if (strcmp(kind, "farm") == 0) {
		o->open = line_get_bool(l, "open");
		o->first = line_get_bool(l, "first");
	} else if (strcmp(kind, "node") == 0) {
		take_node(o, l);
	}
}

static void entry_ask(struct entry *);

static void
on_answer(const struct line *l, void *arg)
{
	struct entry *e = arg;

	if (l->verb[0] == '\0') {
		take_line(&e->next, l);
		return;
	}
	e->asking = false;
	if (strcmp(l->verb, "ok") == 0) {
		e->next.is_up = true;
		e->next.asked = e->sent;
		e->shown = e->next;
		if (e->ob->calls->on_news != NULL)
			e->ob->calls->on_news(&e->shown, e->ob->arg);
	}
	if (e->again)
		entry_ask(e);
}

static void
entry_ask(struct entry *e)
{
	struct line_out o;

	if (e->asking) {
		e->again = true;
		return;
	}
	e->again = false;
	memset(&e->next, 0, sizeof(e->next));
	memcpy(e->next.name, e->shown.name, sizeof(e->next.name));
	e->sent = mono_now();
	line_begin(&o, "status");
	e->asking = ask_send(e->link, &o, on_answer, e);
}

static void
on_up(struct ask *a, void *arg)
{
	struct entry *e = arg;
	struct line_out o;

	e->asking = false;
	e->shown.is_up = true;
	line_begin(&o, "watch");
	line_add(&o, "topic", "state");
	(void)ask_send(a, &o, NULL, NULL);	/* lost: on_up comes again */
	entry_ask(e);
}

static void
on_down(struct ask *a, void *arg)
{
	struct entry *e = arg;

	(void)a;
	e->asking = e->again = false;
	e->shown.is_up = false;
	if (e->ob->calls->on_news != NULL)
		e->ob->calls->on_news(&e->shown, e->ob->arg);
}

static void
on_event(struct ask *a, const struct line *l, void *arg)
{
	(void)a;
	if (strcmp(l->verb, "state") == 0)
		entry_ask(arg);
}

static void
entry_free(struct entry *e)
{
	ask_free(e->link);
	free(e);
}

/* --- all of them ---------------------------------------------------- */

static struct entry *
find(const struct observe *ob, const char *module)
{
	for (unsigned i = 0; i < ob->count; i++)
		if (strcmp(ob->entry[i]->shown.name, module) == 0)
			return ob->entry[i];
	return NULL;
}

static void
on_module(const char *module, void *arg)
{
	static const struct ask_calls calls = { on_up, on_down, on_event };
	struct observe *ob = arg;
	struct entry *e = find(ob, module);

	if (e == NULL && ob->count < MODULE_MAX) {
		e = xcalloc(1, sizeof(*e));
		e->ob = ob;
		(void)snprintf(e->shown.name, sizeof(e->shown.name), "%s",
		    module);
		(void)path_socket(e->path, module, "moduled");
		ob->entry[ob->count++] = e;
		e->link = ask_new(ob->loop, e->path, &calls, e);
	}
	if (e != NULL)
		e->listed = true;
}

static void
on_scan(void *arg)
{
	struct observe *ob = arg;
	unsigned i, n = 0;

	for (i = 0; i < ob->count; i++)
		ob->entry[i]->listed = false;
	/* Not to be read: what is known stays. */
	if (configured_each(on_module, ob) == 0) {
		for (i = 0; i < ob->count; i++) {
			struct entry *e = ob->entry[i];

			if (e->listed) {
				ob->entry[n++] = e;
				continue;
			}
			if (ob->calls->on_gone != NULL)
				ob->calls->on_gone(&e->shown, ob->arg);
			entry_free(e);
		}
		ob->count = n;
	}
	loop_timer_set(ob->scan, SCAN_MS, SCAN_MS / 10);
}

static void
on_poll(void *arg)
{
	struct observe *ob = arg;

	for (unsigned i = 0; i < ob->count; i++)
		if (!ob->entry[i]->asking && ask_is_up(ob->entry[i]->link))
			entry_ask(ob->entry[i]);
	loop_timer_set(ob->poll, ob->poll_ms, 0);
}

struct observe *
observe_new(struct loop *l, int64_t poll_ms, const struct observe_calls *calls,
    void *arg)
{
	struct observe *ob = xcalloc(1, sizeof(*ob));

	ob->loop = l;
	ob->poll_ms = poll_ms;
	ob->calls = calls;
	ob->arg = arg;
	ob->poll = loop_timer_new(l, on_poll, ob);
	ob->scan = loop_timer_new(l, on_scan, ob);
	on_scan(ob);
	on_poll(ob);
	return ob;
}

void
observe_free(struct observe *ob)
{
	loop_timer_free(ob->poll);
	loop_timer_free(ob->scan);
	for (unsigned i = 0; i < ob->count; i++)
		entry_free(ob->entry[i]);
	free(ob);
}

unsigned
observe_count(const struct observe *ob)
{
	return ob->count;
}

const struct observed *
observe_at(const struct observe *ob, unsigned i)
{
	return &ob->entry[i]->shown;
}

const struct observed *
observe_find(const struct observe *ob, const char *module)
{
	struct entry *e = find(ob, module);

	return e != NULL ? &e->shown : NULL;
}

bool
observed_serves(const struct observed *o)
{
	return strcmp(o->quality, "Ready") == 0 &&
	    (strcmp(o->state, "PRIM") == 0 || strcmp(o->state, "ALONE") == 0 ||
	    (strcmp(o->state, "UP") == 0 && (o->open ||
	    strcmp(o->mode, "farm") != 0)));
}

int64_t
observed_age_ms(const struct observed *o, struct mono now)
{
	return mono_is_set(o->asked) ? mono_diff_ms(now, o->asked) : -1;
}

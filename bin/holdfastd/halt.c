/* SPDX-License-Identifier: ISC */
/*
 * Stopping the modules of a node.  moduled decides how; here is only a wish,
 * stated again on each new link, and patience with a bound.
 */
#include "halt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "clock.h"
#include "log.h"
#include "paths.h"
#include "xalloc.h"

#define TICK_MS		200
/* A moduled that cannot be reached for so long will not stop anything. */
#define UNREACHED_MS	15000

struct module {
	struct module	*next;
	char		 name[MODULE_NAME_MAX + 1];
	struct ask	*ask;
	struct mono	 reached;	/* last time it was */
	bool		 asked;		/* an answer is under way */
	bool		 taken;		/* it took the wish, or is asked to */
	bool		 refused;	/* said once */
	bool		 stopped;	/* or given up */
};

struct halt {
	struct loop		*loop;
	struct loop_timer	*timer;
	struct mono		 deadline;
	struct module		*modules;
	void			(*on_done)(void *);
	void			*arg;
};

bool
halt_line_says_stop(const struct line *l)
{
	const char *state = line_get(l, "state");

	/* The line of the module has a mode; those of its nodes do not. */
	return state != NULL && line_get(l, "mode") != NULL &&
	    strcmp(state, "STOP") == 0;
}

static void
on_status(const struct line *l, void *arg)
{
	struct module *m = arg;

	if (halt_line_says_stop(l) && !m->stopped) {
		log_info("%s: stopped", m->name);
		m->stopped = true;
	}
	if (l->verb[0] != '\0')
		m->asked = false;
}

/* Refused, as while it has just been started: stated again at each tick. */
static void
on_stop(const struct line *l, void *arg)
{
	struct module *m = arg;
	const char *text = line_get(l, "text");

	m->taken = strcmp(l->verb, "ok") == 0;
	if (m->taken || m->refused)
		return;
	m->refused = true;
	log_warnx("%s: does not stop yet: %s", m->name,
	    text != NULL ? text : "");
}

static void
say_stop(struct module *m)
{
	struct line_out o;

	line_begin(&o, "stop");
	line_add(&o, "who", "holdfastd");
	line_add(&o, "why", "the node stops");
	/* Down: on_up() comes again. */
	m->taken = ask_send(m->ask, &o, on_stop, m);
}

static void
on_up(struct ask *a, void *arg)
{
	struct module *m = arg;

	(void)a;
	m->reached = mono_now();
	m->asked = false;
	say_stop(m);
}

static const struct ask_calls calls = { .on_up = on_up };

static void
tick_module(struct halt *h, struct module *m, struct mono now)
{
	struct line_out o;

	if (m->stopped)
		return;
	if (ask_is_up(m->ask)) {
		m->reached = now;
		if (!m->taken)
			say_stop(m);
		line_begin(&o, "status");
		if (!m->asked && ask_send(m->ask, &o, on_status, m))
			m->asked = true;
	}
	if (mono_diff_ms(now, m->reached) > UNREACHED_MS) {
		log_warnx("%s: its moduled does not answer: left as it is",
		    m->name);
		m->stopped = true;
	} else if (mono_passed(h->deadline, now)) {
		log_warnx("%s: not stopped in time: its daemons end all the "
		    "same", m->name);
		m->stopped = true;
	}
}

static void
on_tick(void *arg)
{
	struct halt *h = arg;
	struct mono now = mono_now();
	bool done = true;

	for (struct module *m = h->modules; m != NULL; m = m->next) {
		tick_module(h, m, now);
		done = done && m->stopped;
	}
	if (done)
		h->on_done(h->arg);
	else
		loop_timer_set(h->timer, TICK_MS, 0);
}

struct halt *
halt_new(struct loop *l, int64_t timeout_ms, void (*on_done)(void *arg),
    void *arg)
{
	struct halt *h = xcalloc(1, sizeof(*h));

	h->loop = l;
	h->deadline = mono_add_ms(mono_now(), timeout_ms);
	h->on_done = on_done;
	h->arg = arg;
	h->timer = loop_timer_new(l, on_tick, h);
	loop_timer_set(h->timer, 0, 0);
	return h;
}

void
halt_add(struct halt *h, const char *module)
{
	char path[PATH_LEN];
	struct module *m = xcalloc(1, sizeof(*m));

	(void)snprintf(m->name, sizeof(m->name), "%s", module);
	m->reached = mono_now();
	m->ask = ask_new(h->loop, path_socket(path, module, "moduled"),
	    &calls, m);
	m->next = h->modules;
	h->modules = m;
}

void
halt_free(struct halt *h)
{
	struct module *m;

	if (h == NULL)
		return;
	while ((m = h->modules) != NULL) {
		h->modules = m->next;
		ask_free(m->ask);
		free(m);
	}
	loop_timer_free(h->timer);
	free(h);
}

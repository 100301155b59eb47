/* SPDX-License-Identifier: ISC */
/*
 * A management board loses its cable, its licence or its password in silence:
 * nobody talks to it until a node must be fenced.  "status" goes the whole
 * way, up to the plug: an answer that a node is off which is heard shows a
 * device that is another node's.
 */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>

#include "line.h"
#include "loop.h"
#include "xalloc.h"

#include "events.h"
#include "moduled.h"

/* Boards are slow to boot and busy at times: only the second miss counts. */
#define AGAIN_MS	10000
#define MISSES		2
/* Modules of one node start together, and have the same device. */
#define FIRST_MS	1000

struct device {
	struct moduled		*md;
	const struct agent_conf	*conf;
	int64_t			 period_ms;
	struct agent		*agent;
	struct loop_timer	*timer;
	bool			 is_paused, was_heard;
	unsigned		 misses;
	bool			 is_silent;	/* and that was told */
	int64_t			 answered_s, silent_s;	/* wall; 0 never */
	char			 text[2 * AGENT_WORDS];
};

static bool
peer_is_heard(const struct device *dv)
{
	return dv->md->peer.net == NET_UP;
}

static void
answered(struct device *dv)
{
	dv->misses = 0;
	dv->answered_s = wall_now();
	if (dv->is_silent)
		events_add(JE_FENCE_HEARD, "moduled", "the fencing device of "
		    "%s answers again", dv->conf->peer);
	dv->is_silent = false;
}

static void
missed(struct device *dv, const char *text)
{
	(void)snprintf(dv->text, sizeof(dv->text), "%s", text);
	if (++dv->misses < MISSES || dv->is_silent)
		return;
	dv->is_silent = true;
	dv->silent_s = wall_now();
	events_add(JE_FENCE_SILENT, "moduled", "the fencing device of %s: %s",
	    dv->conf->peer, dv->text);
}

static void
on_answer(const struct agent_answer *a, void *arg)
{
	struct device *dv = arg;
	char text[2 * AGENT_WORDS];
	int64_t next_ms = dv->period_ms;

	if (a->end == AGENT_CALLED_OFF)
		return;		/* device_pause() goes on */
	if (a->end == AGENT_EXITED && a->status == AGENT_IS_OFF &&
	    dv->was_heard && peer_is_heard(dv)) {
		(void)snprintf(text, sizeof(text), "%.100s says that %s is "
		    "off, and it is heard: is it the right device?",
		    dv->conf->agent, dv->conf->peer);
		missed(dv, text);
	} else if (a->end == AGENT_EXITED && (a->status == AGENT_IS_ON ||
	    a->status == AGENT_IS_OFF))
		answered(dv);
	else
		missed(dv, a->text);
	if (dv->misses > 0 && next_ms > AGAIN_MS)
		next_ms = AGAIN_MS;
	loop_timer_set(dv->timer, next_ms, next_ms / 10);
	status_show(dv->md);
}

static void
on_time(void *arg)
{
	struct device *dv = arg;

	if (dv->is_paused || agent_is_busy(dv->agent)) {
		loop_timer_set(dv->timer, FIRST_MS, 0);
		return;
	}
	dv->was_heard = peer_is_heard(dv);
	agent_ask(dv->agent, "status");
}

struct device *
device_new(struct moduled *md, const struct agent_conf *conf,
    int64_t period_ms)
{
	struct device *dv = xcalloc(1, sizeof(*dv));

	dv->md = md;
	dv->conf = conf;
	dv->period_ms = period_ms;
	dv->agent = agent_new(md->d->loop, conf, on_answer, dv);
	dv->timer = loop_timer_new(md->d->loop, on_time, dv);
	if (period_ms > 0)
		loop_timer_set(dv->timer, FIRST_MS, FIRST_MS);
	return dv;
}

void
device_free(struct device *dv)
{
	agent_free(dv->agent);
	loop_timer_free(dv->timer);
	free(dv);
}

void
device_pause(struct device *dv, bool is_cutting)
{
	if (dv->is_paused == is_cutting || dv->period_ms == 0)
		return;
	dv->is_paused = is_cutting;
	if (is_cutting && agent_is_busy(dv->agent)) {
		agent_cancel(dv->agent);
		loop_timer_set(dv->timer, FIRST_MS, 0);
	}
}

static void
warn_silent(const struct device *dv, struct status_out *t)
{
	char text[4 * AGENT_WORDS], since[CLOCK_WALL_LEN], command[128];

	status_wall(since, dv->silent_s);
	(void)snprintf(text, sizeof(text), "the fencing device of %s has not "
	    "answered since %s: %s; if %s falls silent now, this node can "
	    "neither go on without it nor take over", dv->conf->peer, since,
	    dv->text, dv->conf->peer);
	(void)snprintf(command, sizeof(command), "holdfast cluster fence test "
	    "%.64s", dv->conf->peer);
	status_warning(t, "fencing-silent", text, command);
}

void
device_status(const struct device *dv, struct status_out *t)
{
	char at[CLOCK_WALL_LEN] = "";
	struct line_out o;

	if (dv == NULL)
		return;
	if (dv->answered_s != 0)
		status_wall(at, dv->answered_s);
	status_begin(&o, "fencing");
	line_add(&o, "agent", dv->conf->agent);
	line_add(&o, "state", dv->period_ms == 0 ? "not asked" :
	    dv->is_silent ? "silent" : dv->answered_s != 0 ? "answers" :
	    "unknown");
	line_add(&o, "answered", at);
	line_add_num(&o, "answered_s", dv->answered_s);
	line_add(&o, "text", dv->is_silent ? dv->text : "");
	status_put(t, &o);
	if (dv->is_silent)
		warn_silent(dv, t);
}

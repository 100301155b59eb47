/* SPDX-License-Identifier: ISC */
/*
 * See farm-decide.h.  The order: the addresses are here and shut (hold)
 * before the start scripts run; the share opens when they have ended, or when
 * a script says so (scriptcontrol).  Before a stop what is connected is let
 * end (drain), for a bounded time; an application that is sick is shut at
 * once.
 */
#include "farm-decide.h"

#include <stdio.h>
#include <string.h>

#include "decide-int.h"

enum reason
farm_reason(const char *code)
{
	enum reason r;

	if (code[0] == '\0')
		return RS_NONE;
	r = reason_of_code(code);
	return r == RS_MIRRORD_ERROR ? RS_FARMD_ERROR : r;
}

bool
farm_is(const struct farm_view *f, enum farm_serve serve)
{
	return f->f.known && f->f.serve == serve && f->want_serve == serve &&
	    (f->f.i == -1 || f->f.i >= f->want_i);
}

bool
farm_may_leave(const struct view *v)
{
	return farm_others_open(&v->farm->nodes);
}

/* What farmd says is wrong, if it keeps this node from serving. */
static enum reason
obstacle(const struct view *v)
{
	const struct farm_facts *f = &v->farm->f;

	return f->blocked ? farm_reason(f->code) : RS_NONE;
}

/* The application runs, is being started, or still stops. */
static bool
app_is_up(const struct view *v)
{
	return v->scripts_at == ST_UP ||
	    (v->scripts_busy && v->scripts_target == ST_UP);
}

static bool
app_is_ready(const struct view *v)
{
	return v->scripts_at == ST_UP && !v->scripts_busy;
}

/* false, and the reason shown, while farmd has not spoken. */
static bool
farmd_is_heard(struct machine *m, const struct view *v, struct decision *d)
{
	if (v->farm->f.known) {
		m->nolink_since = (struct mono){ 0 };
		return true;
	}
	if (lasted(&m->nolink_since, v, d, FARM_SILENT_MS))
		because(d, Q_NOTREADY, RS_FARMD_SILENT, "%s", "");
	else
		because(d, Q_TRANSIENT, RS_STARTING,
		    ": no word from farmd yet");
	return false;
}

/* --- WAIT ------------------------------------------------------------- */

/* The scripts of UP end; what is connected is not cut off before. */
static enum event
app_stops(struct machine *m, const struct view *v, struct decision *d)
{
	d->serve = m->sick ? FARM_HOLD : FARM_DRAIN;
	d->script_target = v->wish_start ? ST_WAIT : ST_STOP;
	d->action = v->wish_start ? "stopwait" : "stop";
	because(d, Q_TRANSIENT, RS_STOPPING, "%s", "");
	return EV_NONE;
}

static enum event
go_to_stop(struct machine *m, const struct view *v, struct decision *d)
{
	d->script_target = ST_STOP;
	because(d, Q_TRANSIENT, RS_STOPPING, "%s", "");
	if (v->scripts_busy || v->scripts_at != ST_STOP)
		return EV_NONE;
	if (farm_is(v->farm, FARM_NONE))
		return EV_STOPPED;
	because(d, Q_TRANSIENT, RS_STOPPING, ": the addresses are still "
	    "here; if that lasts, see vipd.log and farmd.log");
	/* Nobody is there to take them away: their lifetime does. */
	if (!lasted(&m->nolink_since, v, d, FARM_SILENT_MS))
		return EV_NONE;
	if (v->farm->f.known)
		return EV_NONE;
	note(d, "stopped, though farmd does not answer");
	return EV_STOPPED;
}

/* Who is held must not come back before its time (flap.h). */
static bool
is_held_down(const struct machine *m, const struct view *v,
    struct decision *d)
{
	int64_t left_s;

	if (!flap_is_held(&m->flap, v->now))
		return false;
	left_s = (mono_diff_ms(m->flap.until, v->now) + 999) / 1000;
	because(d, Q_TRANSIENT, RS_HELD_DOWN, "left %u times in %d minutes; "
	    "comes back in %lld s", flap_count(&m->flap, v->now),
	    FLAP_WINDOW_MS / 60000, (long long)left_s);
	wake_at(d, mono_add_ms(m->flap.until, -1000 * (left_s - 1)));
	return true;
}

/* Where a node of the farm serves, the addresses are known to be ours. */
static bool
may_hold(struct machine *m, const struct view *v, struct decision *d)
{
	if (v->rule_wait) {
		because(d, Q_NOTREADY, v->rule_reason, "%s", v->rule_name);
		return false;
	}
	if (v->rule_init[0] != '\0') {
		because(d, Q_TRANSIENT, RS_CHECKING, "%s", v->rule_init);
		return false;
	}
	if (obstacle(v) == RS_CONFIG_DIFFERS || obstacle(v) == RS_MODULE_ID) {
		because(d, Q_NOTREADY, obstacle(v), "%s", v->farm->f.text);
		return false;
	}
	if (is_held_down(m, v, d))
		return false;
	if (farm_others_serve(&v->farm->nodes)) {
		probe_stop(m);
		return true;
	}
	because(d, Q_TRANSIENT, RS_STARTING, ": asking whether somebody "
	    "answers for %s", v->conf->addresses);
	return address_is_free(m, v, d, RS_ADDRESS_IN_USE);
}

static enum event
in_wait(struct machine *m, const struct view *v, struct decision *d)
{
	if (app_is_up(v))
		return app_stops(m, v, d);
	m->sick = false;
	if (!v->wish_start)
		return go_to_stop(m, v, d);
	because(d, Q_TRANSIENT, RS_STARTING, "%s", "");
	if (v->scripts_busy || v->scripts_at != ST_WAIT ||
	    !farmd_is_heard(m, v, d) || !may_hold(m, v, d))
		return EV_NONE;
	d->serve = FARM_HOLD;
	if (farm_is(v->farm, FARM_HOLD))
		return EV_HELD;
	if (obstacle(v) != RS_NONE)
		because(d, Q_NOTREADY, obstacle(v), "%s", v->farm->f.text);
	else
		because(d, Q_TRANSIENT, RS_STARTING, ": taking %s, shut",
		    v->conf->addresses);
	return EV_NONE;
}

/* --- UP --------------------------------------------------------------- */

static bool
link_is_up(const struct view *v)
{
	return !v->conf->vip || v->farm->lone || v->vip_link_up;
}

/* A farmd that was killed is back in a moment: nobody is cut off for that. */
static bool
farmd_is_gone(struct machine *m, const struct view *v, struct decision *d)
{
	if (!v->farm->f.known)
		return lasted(&m->nolink_since, v, d, FARM_SILENT_MS);
	m->nolink_since = (struct mono){ 0 };
	return false;
}

/* Is there anybody whose end is worth to be waited for? */
static bool
can_drain(struct machine *m, const struct view *v, struct decision *d)
{
	return !m->sick && !v->farm->lone && app_is_ready(v) &&
	    link_is_up(v) && !farmd_is_gone(m, v, d);
}

/* true: what was connected has ended, or had its time. */
static bool
has_drained(struct machine *m, const struct view *v, struct decision *d)
{
	const struct farm_view *f = v->farm;

	if (!can_drain(m, v, d))
		return true;
	d->serve = FARM_DRAIN;
	because(d, Q_TRANSIENT, RS_DRAINING, "%lld connections end here, for "
	    "at most %lld s", (long long)f->f.draining,
	    (long long)(f->stopdrain_ms / 1000));
	if (farm_is(f, FARM_DRAIN) && f->f.drained)
		return true;
	if (!lasted(&m->leave_since, v, d, f->stopdrain_ms))
		return false;
	if (f->f.draining > 0)
		note(d, "%lld connections have not ended in %lld s: they are "
		    "cut off", (long long)f->f.draining,
		    (long long)(f->stopdrain_ms / 1000));
	return true;
}

/* What a node that is to leave does; EV_NONE: not gone yet. */
static enum event
leave(struct machine *m, const struct view *v, struct decision *d)
{
	if (m->leave != LV_UP) {
		m->leave = LV_UP;
		m->restart = false;
		m->leave_since = v->now;
	}
	d->action = v->wish_start ? "stopwait" : "stop";
	if (!has_drained(m, v, d))
		return EV_NONE;
	m->leave = LV_NONE;
	m->leave_since = (struct mono){ 0 };
	return EV_LEAVE;
}

/* Stop and start of the application in place, asked for and not begun. */
static void
restart(struct machine *m, const struct view *v, struct decision *d)
{
	if (!mono_is_set(m->leave_since))
		m->leave_since = v->now;
	if (!has_drained(m, v, d))
		return;
	d->serve = FARM_HOLD;
	d->restart = true;
	m->restart = m->traffic = false;
	m->leave_since = (struct mono){ 0 };
	because(d, Q_TRANSIENT, RS_STARTING, "%s", "");
}

static enum farm_serve
serve_of(const struct machine *m, const struct view *v)
{
	const struct farm_view *f = v->farm;

	if (f->scriptcontrol ? !m->traffic : !app_is_ready(v))
		return FARM_HOLD;
	/* The rule about the link waits; its clients need not, too. */
	if (m->sick || f->sick[0] != '\0' || !link_is_up(v))
		return FARM_HOLD;
	/* What is connected has the address until its lifetime ends. */
	if (obstacle(v) == RS_FARM_NO_ADDRESS)
		return FARM_DRAIN;
	return f->drain ? FARM_DRAIN : FARM_OPEN;
}

/* The application is ready; is the share, too? */
static void
judge(struct machine *m, const struct view *v, struct decision *d)
{
	const struct farm_view *f = v->farm;

	because(d, Q_READY, RS_NONE, "%s", "");
	if (!f->f.known) {
		/* The filters stay in the kernel while farmd is restarted. */
		if (lasted(&m->nolink_since, v, d, FARM_SILENT_MS))
			because(d, Q_NOTREADY, RS_FARMD_SILENT, "%s", "");
		return;
	}
	m->nolink_since = (struct mono){ 0 };
	if (obstacle(v) != RS_NONE)
		because(d, Q_NOTREADY, obstacle(v), "%s", f->f.text);
	else if (f->sick[0] != '\0')
		because(d, Q_TRANSIENT, RS_CHECKER_FAILED, "%s", f->sick);
	else if (!link_is_up(v))
		because(d, Q_TRANSIENT, RS_CHECKER_FAILED, "the link that "
		    "carries %s is down", v->conf->addresses);
	else if (d->serve == FARM_OPEN && !farm_is(f, FARM_OPEN))
		because(d, Q_TRANSIENT, RS_FARM_JOINING, "%s", "");
}

static enum event
in_up(struct machine *m, const struct view *v, struct decision *d)
{
	if (!v->wish_start || v->rule_wait) {
		d->serve = FARM_HOLD;
		return leave(m, v, d);
	}
	if (m->leave == LV_UP) {	/* wished for again meanwhile */
		m->leave = LV_NONE;
		m->leave_since = (struct mono){ 0 };
	}
	if (m->restart && app_is_ready(v)) {
		restart(m, v, d);
		return EV_NONE;
	}
	if (app_is_ready(v))
		m->sick = false;
	d->serve = serve_of(m, v);
	if (!app_is_ready(v))
		because(d, Q_TRANSIENT, RS_STARTING, "%s", "");
	else
		judge(m, v, d);
	return EV_NONE;
}

enum event
farm_step(struct machine *m, const struct view *v, struct decision *d)
{
	enum event e = m->state == ST_UP ? in_up(m, v, d) :
	    in_wait(m, v, d);

	/* A new life of the application: its scripts open the traffic. */
	if (e == EV_HELD)
		m->traffic = m->sick = m->restart = false;
	return e;
}

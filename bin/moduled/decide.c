/* SPDX-License-Identifier: ISC */
/*
 * The entry of decide.h, what all states share, and what the peer is shown.
 * The states themselves: decide-wait.c, decide-serve.c, decide-second.c; the
 * ways in and out: decide-move.c.  Pure; called by main.c and by the
 * simulation of t/unit/pair.c.
 */
#include "decide.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

#include "decide-register.h"
#include "farm-decide.h"

/* More steps than this in one call would be two rules that contradict. */
#define STEPS_MAX 12

void
machine_init(struct machine *m)
{
	memset(m, 0, sizeof(*m));
	m->state = ST_STOP;
}

int
round_cmp(struct epoch a, struct epoch b)
{
	a.node = b.node = 0;
	return epoch_cmp(a, b);
}

static struct epoch
epoch_max(struct epoch a, struct epoch b)
{
	return epoch_cmp(a, b) >= 0 ? a : b;
}

struct epoch
next_epoch(const struct machine *m, const struct view *v)
{
	struct epoch e = epoch_max(m->epoch, v->self.fence);

	e = epoch_max(e, v->self.epoch);
	e = epoch_max(e, v->self.handed_epoch);
	e = epoch_max(e, v->peer.epoch);
	e = epoch_max(e, v->peer.fence);
	return epoch_next(e, v->conf->node_id);
}

bool
peer_up(const struct view *v)
{
	return v->peer.net == NET_UP && v->peer.has_blob;
}

bool
peer_serves(const struct view *v)
{
	return peer_up(v) &&
	    (v->peer.state == ST_ALONE || v->peer.state == ST_PRIM);
}

/*
 * A probe through a dead link finds nobody, so the links that carry the
 * addresses must be up too; of the cluster links one is enough to hear.
 */
bool
links_ok(const struct view *v)
{
	return v->lan_up && (!v->conf->vip || v->vip_link_up);
}

bool
tie_is_mine(const struct view *v)
{
	if (v->lastprim[0] != '\0' &&
	    strcmp(v->lastprim, v->peer.lastprim) == 0)
		return strcmp(v->lastprim, v->conf->node) == 0;
	return v->conf->node_id < v->conf->peer_id;
}

bool
is_between_syncs(const struct machine *m, const struct view *v)
{
	return v->conf->syncat && !m->sync.open && peer_serves(v);
}

bool
second_is_to_go(const struct machine *m, const struct view *v)
{
	return !v->wish_start || v->rule_wait || is_between_syncs(m, v);
}

bool
has_register(const struct view *v)
{
	return v->reg.on && v->registered;
}

/*
 * No epoch is above that of the register but one that was come to without:
 * the voters were taken away and are back, with what they held then.
 */
bool
register_is_old(const struct view *v)
{
	return v->reg.known && v->self.known &&
	    epoch_cmp(v->reg.present.epoch, v->self.epoch) < 0;
}

bool
peer_outranks(const struct machine *m, const struct view *v)
{
	int c = has_register(v) ? epoch_cmp(v->peer.epoch, m->epoch) :
	    round_cmp(v->peer.epoch, m->epoch);

	return c > 0 || (c == 0 && !tie_is_mine(v));
}

bool
handed_to_me(const struct view *v)
{
	return v->peer.has_blob &&
	    strcmp(v->peer.handed, v->conf->node) == 0 &&
	    round_cmp(v->peer.handed_epoch, v->self.epoch) > 0 &&
	    round_cmp(v->peer.handed_epoch, v->self.fence) > 0;
}

void
refuse_hand(const struct view *v, struct decision *d)
{
	/* Of a register the other one cannot take it back. */
	if (!v->reg.on && handed_to_me(v) &&
	    epoch_cmp(v->refused, v->peer.handed_epoch) < 0)
		d->refuse = v->peer.handed_epoch;
}

void
because(struct decision *d, enum quality q, enum reason r,
    const char *fmt, ...)
{
	va_list ap;

	d->quality = q;
	d->reason = r;
	va_start(ap, fmt);
	(void)vsnprintf(d->detail, sizeof(d->detail), fmt, ap);
	va_end(ap);
}

bool
because_store(struct decision *d, const struct view *v, enum quality q)
{
	if (!v->self.known || v->self.code[0] == '\0')
		return false;
	because(d, q, reason_of_code(v->self.code), "%s", v->self.error);
	return true;
}

void
wake_at(struct decision *d, struct mono t)
{
	if (!mono_is_set(d->wake) || mono_diff_ns(t, d->wake) < 0)
		d->wake = t;
}

void
note(struct decision *d, const char *fmt, ...)
{
	va_list ap;

	if (d->note_count == NOTE_MAX)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(d->note[d->note_count++], FACT_TEXT, fmt, ap);
	va_end(ap);
}

bool
lasted(struct mono *t, const struct view *v, struct decision *d, int64_t ms)
{
	struct mono end;

	if (!mono_is_set(*t))
		*t = v->now;
	end = mono_add_ms(*t, ms);
	if (mono_passed(end, v->now))
		return true;
	wake_at(d, end);
	return false;
}

const char *
epoch_detail(char *buf, size_t size, struct epoch e)
{
	char text[EPOCH_LEN];

	(void)snprintf(buf, size, " (%s)", epoch_human(text, e));
	return buf;
}

/*
 * Three probes, G apart, on every address.  Without an address there is
 * nothing to ask: then silence is the only evidence (holdfast check warns).
 */
enum probe
probe(struct machine *m, const struct view *v, struct decision *d)
{
	if (!v->conf->vip)
		return PB_FREE;
	if (!m->probing) {
		m->probing = true;
		m->probe_id++;
	}
	if (v->probe_done == m->probe_id)
		return v->probe_answered ? PB_ANSWERED : PB_FREE;
	d->probe_id = m->probe_id;
	return PB_PENDING;
}

bool
peer_has_probed(const struct view *v, struct decision *d)
{
	struct mono probed = mono_add_ms(v->peer.net_since,
	    PROBE_COUNT * v->conf->probe_gap_ms + v->conf->pulse_ms);

	if (v->peer.net != NET_DOWN)
		return false;
	if (mono_passed(probed, v->now))
		return true;
	wake_at(d, probed);
	return false;
}

void
probe_stop(struct machine *m)
{
	m->probing = false;
}

static enum event
step_stop(struct machine *m, const struct view *v, struct decision *d)
{
	d->script_target = ST_STOP;
	d->want.role = SR_NONE;
	because(d, Q_NOTREADY, RS_NONE, "%s", "");
	refuse_hand(v, d);
	if (!v->wish_start)
		return EV_NONE;
	m->wait_since = m->start_since = v->now;
	return EV_START;
}

static enum event
step(struct machine *m, const struct view *v, struct decision *d)
{
	if (v->farm != NULL && m->state != ST_STOP)
		return farm_step(m, v, d);
	if (m->leave == LV_PRIM)
		return step_leave_prim(m, v, d);
	if (m->leave == LV_SECOND)
		return step_leave_second(m, v, d);
	if (m->promoting)
		return step_promoting(m, v, d);
	switch (m->state) {
	case ST_STOP:
		return step_stop(m, v, d);
	case ST_WAIT:
		return step_wait(m, v, d);
	case ST_ALONE:
	case ST_PRIM:
		return step_serve(m, v, d);
	case ST_SECOND:
		return step_second(m, v, d);
	case ST_UP:	/* of a farm */
	case ST_COUNT:
		break;
	}
	panic("decide: state %d", (int)m->state);
}

/* What each call starts from; notes and steps of earlier rounds stay. */
static void
reset(const struct machine *m, const struct view *v, struct decision *d)
{
	memset(&d->want, 0, sizeof(d->want));
	d->want.valid = v->self.known;
	d->want.role = SR_WAIT;
	d->want.epoch = v->self.fence;
	d->want.compare = v->compare;
	d->vip_own = d->restart = false;
	d->serve = FARM_NONE;
	d->probe_id = d->power_id = d->ping_id = 0;
	d->script_target = m->state;
	d->script_gate = true;
	d->action = v->wish_start ? "start" : "stop";
	d->intent = v->wish_start ? IN_NONE : IN_STOP;
	d->wake = (struct mono){ 0 };
	d->lastprim = NULL;
	d->lease = LU_NONE;
	d->freeze = false;
	memset(&d->ask, 0, sizeof(d->ask));
	because(d, Q_TRANSIENT, RS_NONE, "%s", "");
}

static void
move(struct machine *m, const struct view *v, struct decision *d,
    enum event e)
{
	struct fsm_cell c = fsm_next(m->state, e);

	if (c.verdict != FV_GO && c.verdict != FV_STAY)
		panic("decide: %s in %s", event_name(e), state_name(m->state));
	if (c.next == m->state)
		return;
	if (d->step_count < NOTE_MAX) {
		d->step[d->step_count].from = m->state;
		d->step[d->step_count].to = c.next;
		d->step[d->step_count++].event = e;
	}
	m->state = c.next;
	m->left_since = m->unlinked_since = m->nolink_since =
	    (struct mono){ 0 };
	m->r24 = m->bid = false;
	m->probe_retry = (struct mono){ 0 };
	probe_stop(m);
	evidence_stop(m);
	if (c.next == ST_WAIT) {
		m->wait_since = v->now;
		m->young_since = (struct mono){ 0 };
	}
	if (c.next == ST_STOP) {
		m->block = RS_NONE;
		m->swap = m->sick = m->restart = m->traffic = false;
	}
}

void
decide(struct machine *m, const struct view *v, struct decision *d)
{
	enum event e;
	int i;

	memset(d, 0, sizeof(*d));
	/* A mark stands until the store has it on disk. */
	if (m->mark && v->self.known && !v->self.level)
		m->mark = false;
	m->late = v->late;
	/* From now on nobody is primary by its own records. */
	d->registered = v->reg.known && v->reg.chosen && !v->reg.empty &&
	    v->self.known && !register_is_old(v);
	for (i = 0; i < STEPS_MAX; i++) {
		reset(m, v, d);
		e = step(m, v, d);
		if (e == EV_NONE)
			return;
		move(m, v, d, e);
	}
	panic("decide: no rest in state %s", state_name(m->state));
}

static enum store_role
shown_role(const struct machine *m, const struct view *v)
{
	if (m->promoting || m->state == ST_ALONE || m->state == ST_PRIM)
		return SR_PRIM;
	if (leave_is_mute(m, v))
		return SR_WAIT;
	if (m->leave == LV_PRIM && !m->handing)
		return v->self.mounted || !v->self.known ? SR_PRIM : SR_DOWN;
	return v->self.role;
}

void
decide_blob(const struct machine *m, const struct view *v,
    const struct decision *d, struct peer_facts *out)
{
	memset(out, 0, sizeof(*out));
	out->has_blob = true;
	out->state = m->state;
	out->quality = d->quality;
	out->intent = m->promoting ? IN_PROMOTE : d->intent;
	out->role = shown_role(m, v);
	out->epoch = v->self.epoch;
	out->fence = v->self.fence;
	/* Where nobody can tell what it holds the other node's data counts. */
	out->level = v->self.level && !m->mark && !leave_is_mute(m, v);
	out->durable = out->level == v->self.level;
	out->alone = v->self.alone;
	out->is_new = v->self.is_new;
	out->wish_start = v->wish_start;
	out->standby = v->standby;
	(void)snprintf(out->current, sizeof(out->current), "%s",
	    v->self.current);
	(void)snprintf(out->handed, sizeof(out->handed), "%s",
	    v->self.handed);
	out->handed_epoch = v->self.handed_epoch;
	/* The heir need not wait for its next look at the register. */
	if (has_register(v) && v->reg.chosen && v->reg.known &&
	    v->reg.present.primary == v->conf->peer_id) {
		(void)snprintf(out->handed, sizeof(out->handed), "%s",
		    v->conf->peer);
		out->handed_epoch = v->reg.present.epoch;
	}
	out->fenced = m->sealed;
	out->votes = v->reg.on;
	out->refused = v->refused;
	out->disks = v->self.disks;
	out->disk_down = v->self.disk_down;
	(void)snprintf(out->lastprim, sizeof(out->lastprim), "%s",
	    v->lastprim);
	(void)snprintf(out->stoprole, sizeof(out->stoprole), "%s",
	    v->stoprole);
	(void)snprintf(out->reason, sizeof(out->reason), "%s",
	    d->reason == RS_NONE ? "" : reason_row(d->reason)->code);
}

/* SPDX-License-Identifier: ISC */
/*
 * Evidence from outside, where two nodes have no third voter: witnesses that
 * answer a ping (`splitbrain'), and a device that cuts the peer's power.
 *
 * A peer whose power is off writes nothing and answers nothing: no silence or
 * probe is taken in the place of that proof.  Who has a device and cannot use
 * it waits, since the peer may be using its own.  The proof is void when the
 * peer is heard, or its address answered, after the word of the device: that
 * was of another machine, or a lie.
 *
 * The primary asks at once, the other after a delay, so that of two that live
 * the primary does.  Nodes that are each primary of another module would both
 * ask at once and both be off: the one with the higher id gives the other half
 * of the delay.
 */
#include <stdio.h>

#include "decide-int.h"

/* A device that failed is asked again at this interval. */
#define POWER_AGAIN_MS	10000

void
evidence_stop(struct machine *m)
{
	m->powering = m->power_failed = m->power_waived = false;
	m->pinging = m->pinged = false;
	m->power_since = m->power_retry = m->power_off_since =
	    (struct mono){ 0 };
}

static bool
is_waiting(struct machine *m, const struct view *v, struct decision *d)
{
	if (!mono_is_set(m->power_retry) ||
	    mono_passed(m->power_retry, v->now))
		return false;
	wake_at(d, m->power_retry);
	return true;
}

static void
power_failed(struct machine *m, const struct view *v, struct decision *d,
    const char *text)
{
	(void)snprintf(m->power_text, sizeof(m->power_text), "%s", text);
	because(d, Q_NOTREADY, RS_FENCE_FAILED, "%s", text);
	if (!m->power_failed)
		note(d, "%s cannot be fenced: %s", v->conf->peer, text);
	m->powering = false;
	m->power_failed = true;
	m->power_retry = mono_add_ms(v->now, POWER_AGAIN_MS);
	wake_at(d, m->power_retry);
}

void
power_lied(struct machine *m, const struct view *v, struct decision *d,
    const char *text)
{
	char all[FACT_TEXT];

	(void)snprintf(all, sizeof(all), "its device says that it is off, and "
	    "%s: is it the right device?", text);
	m->power_off_since = (struct mono){ 0 };
	power_failed(m, v, d, all);
}

int64_t
prim_power_delay(const struct view *v)
{
	return v->conf->node_id > v->conf->peer_id ?
	    v->conf->power_delay_ms / 2 : 0;
}

bool
peer_is_off(struct machine *m, const struct view *v, struct decision *d,
    int64_t delay_ms)
{
	if (m->power_failed)
		because(d, Q_NOTREADY, RS_FENCE_FAILED, "%s", m->power_text);
	else
		because(d, Q_TRANSIENT, RS_FENCING, "%s", "");
	if (!lasted(&m->power_since, v, d, delay_ms) || is_waiting(m, v, d))
		return false;
	if (!m->powering) {
		m->powering = true;
		m->power_id++;
		probe_stop(m);	/* it is asked after the device */
		if (!m->power_failed)
			note(d, "%s is silent: cutting its power",
			    v->conf->peer);
	}
	if (v->power.done != m->power_id) {
		d->power_id = m->power_id;
		return false;
	}
	if (v->power.is_off)
		return true;
	power_failed(m, v, d, v->power.text);
	return false;
}

static bool
power_is_waived(struct machine *m, const struct view *v, struct decision *d)
{
	if (m->power_failed && v->peer.net == NET_DOWN &&
	    (v->order == OR_PRIM || v->order == OR_PRIMFORCE) &&
	    !m->power_waived) {
		m->power_waived = true;
		note(d, "the operator says that %s is off", v->conf->peer);
	}
	return m->power_waived;
}

static enum outside
witnesses(struct machine *m, const struct view *v, struct decision *d)
{
	/*
	 * On patch day switches come and go.  The device is asked all the
	 * same: a peer that did not hear of the maintenance asks its own.
	 */
	if (!v->ping.on || m->pinged || v->maintain)
		return OU_NOTHING;
	if (!m->pinging) {
		m->pinging = true;
		m->ping_id++;
	}
	if (v->ping.done != m->ping_id) {
		because(d, Q_TRANSIENT, RS_WITNESSES, "%s", v->ping.names);
		d->ping_id = m->ping_id;
		return OU_WAIT;
	}
	if (!v->ping.is_reached)
		return OU_CUT;
	m->pinged = true;	/* once for each silence */
	return OU_NOTHING;
}

enum outside
outside(struct machine *m, const struct view *v, struct decision *d,
    int64_t delay_ms)
{
	enum outside w;

	if (power_is_waived(m, v, d))
		return OU_NOTHING;
	w = witnesses(m, v, d);
	if (w != OU_NOTHING || !v->power.on)
		return w;
	return peer_is_off(m, v, d, delay_ms) ? OU_OFF : OU_WAIT;
}

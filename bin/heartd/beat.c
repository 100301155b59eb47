/* SPDX-License-Identifier: ISC */
/*
 * Who is alive.  Each opinion is a function of three times: when the peer was
 * last heard, since when this process has listened without a gap, and now.
 * Silence counts only from the later of the first two: a node that did not
 * listen has no right to call another one dead.
 */

#include "beat.h"

#include <string.h>

#include "clock.h"

static struct mono
later(struct mono a, struct mono b)
{
	return mono_diff_ns(a, b) > 0 ? a : b;
}

/* The point that silence on this network is counted from. */
static struct mono
silent_from(const struct beat *b, const struct ear *e, unsigned lan)
{
	return later(e->heard[lan], b->since);
}

static bool
has_lan(const struct beat *b, unsigned lan)
{
	return (b->lans & (1u << lan)) != 0;
}

int64_t
beat_loss_ms(int64_t timeout_ms)
{
	return timeout_ms * 6 / 10;
}

void
beat_init(struct beat *b, int64_t timeout_ms, unsigned lans,
    struct mono since)
{
	memset(b, 0, sizeof(*b));
	b->timeout_ms = timeout_ms;
	b->loss_ms = beat_loss_ms(timeout_ms);
	b->lans = lans;
	b->since = since;
}

void
beat_set(struct beat *b, int64_t timeout_ms, int64_t loss_ms, unsigned lans)
{
	unsigned i;

	b->timeout_ms = timeout_ms;
	b->loss_ms = loss_ms;
	b->lans = lans;
	for (i = 0; i < CLUSTER_LAN_MAX; i++) {
		if (!has_lan(b, i))
			b->lan[i] = BEAT_UNKNOWN;
	}
}

void
beat_void(struct beat *b, struct mono now)
{
	b->since = now;
}

/*
 * Down at exactly one nanosecond past the timeout, so that a timer set to
 * beat_deadline() finds it so.
 */
static bool
is_over(struct mono from, int64_t limit_ms, struct mono now)
{
	return mono_diff_ns(now, mono_add_ms(from, limit_ms)) > 0;
}

static enum beat_state
lan_state(const struct beat *b, const struct ear *e, unsigned lan,
    struct mono now)
{
	if (is_over(silent_from(b, e, lan), b->timeout_ms, now))
		return BEAT_DOWN;
	/* Heard before the gap: that was then. */
	if (!mono_is_set(e->heard[lan]) ||
	    mono_diff_ns(e->heard[lan], b->since) < 0)
		return BEAT_UNKNOWN;
	return BEAT_UP;
}

static enum beat_state
peer_state(const struct beat *b)
{
	bool all_down = b->lans != 0;
	unsigned i;

	for (i = 0; i < CLUSTER_LAN_MAX; i++) {
		if (!has_lan(b, i))
			continue;
		if (b->lan[i] == BEAT_UP)
			return BEAT_UP;
		if (b->lan[i] != BEAT_DOWN)
			all_down = false;
	}
	return all_down ? BEAT_DOWN : BEAT_UNKNOWN;
}

/* The newest sign of life on any network of the module, or `since'. */
static struct mono
newest(const struct beat *b, const struct ear *e)
{
	struct mono t = b->since;
	unsigned i;

	for (i = 0; i < CLUSTER_LAN_MAX; i++) {
		if (has_lan(b, i))
			t = later(t, e->heard[i]);
	}
	return t;
}

static void
update_loss(struct beat *b, const struct ear *e, struct mono now,
    struct beat_change *c)
{
	bool silent = is_over(newest(b, e), b->loss_ms, now);

	if (b->is_lost) {
		/* Only a pulse ends it: time without listening does not. */
		if (b->peer != BEAT_UP || silent)
			return;
	} else if (!silent || !b->ever_up)
		return;
	b->is_lost = !b->is_lost;
	c->loss = true;
}

bool
beat_update(struct beat *b, const struct ear *e, struct mono now,
    struct beat_change *c)
{
	enum beat_state state;
	unsigned i;

	memset(c, 0, sizeof(*c));
	for (i = 0; i < CLUSTER_LAN_MAX; i++) {
		if (!has_lan(b, i))
			continue;
		c->lan_silence_ms[i] =
		    mono_diff_ms(now, silent_from(b, e, i));
		state = lan_state(b, e, i, now);
		if (state == b->lan[i])
			continue;
		b->lan[i] = state;
		c->lans |= 1u << i;
	}
	c->silence_ms = mono_diff_ms(now, newest(b, e));
	state = peer_state(b);
	if (state != b->peer) {
		b->peer = state;
		c->peer = true;
	}
	if (state == BEAT_UP)
		b->ever_up = true;
	update_loss(b, e, now, c);
	return c->lans != 0 || c->peer || c->loss;
}

struct mono
beat_deadline(const struct beat *b, const struct ear *e)
{
	struct mono first = { 0 }, t;
	unsigned i;

	for (i = 0; i < CLUSTER_LAN_MAX; i++) {
		if (!has_lan(b, i) || b->lan[i] == BEAT_DOWN)
			continue;
		t = mono_add_ms(silent_from(b, e, i), b->timeout_ms);
		if (!mono_is_set(first) || mono_diff_ns(t, first) < 0)
			first = t;
	}
	if (b->ever_up && !b->is_lost && b->lans != 0) {
		t = mono_add_ms(newest(b, e), b->loss_ms);
		if (!mono_is_set(first) || mono_diff_ns(t, first) < 0)
			first = t;
	}
	if (mono_is_set(first))
		first.ns++;
	return first;
}

const char *
beat_state_name(enum beat_state s)
{
	static const char *const name[] = {
		[BEAT_UNKNOWN] = "unknown",
		[BEAT_UP] = "up",
		[BEAT_DOWN] = "down",
	};

	return name[s];
}

int64_t
wake_up(struct wake *w, struct mono due, struct mono now)
{
	int64_t gap = 0, late = 0;

	if (mono_is_set(w->last))
		gap = mono_diff_ms(now, w->last);
	if (mono_is_set(due))
		late = mono_diff_ms(now, due);
	if (late > w->late_max_ms)
		w->late_max_ms = late;
	w->last = now;
	return gap;
}

uint64_t
sent_next(struct sent *s, struct mono now)
{
	s->newest++;
	s->at[s->newest % SENT_RING] = now;
	return s->newest;
}

struct mono
sent_at(const struct sent *s, uint64_t number)
{
	struct mono never = { 0 };

	if (number == 0 || number > s->newest ||
	    s->newest - number >= SENT_RING)
		return never;
	return s->at[number % SENT_RING];
}

struct mono
lease_until(struct mono sent, int64_t timeout_ms)
{
	return mono_add_ms(sent, timeout_ms);
}

struct mono
grant_until(struct mono received, int64_t timeout_ms)
{
	int64_t drift = (timeout_ms + 99) / 100;
	int64_t fence = timeout_ms / 10 > 5 ? timeout_ms / 10 : 5;

	return mono_add_ms(received, timeout_ms + drift + fence);
}

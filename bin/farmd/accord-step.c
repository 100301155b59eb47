/* SPDX-License-Identifier: ISC */
/*
 * Prepare, stop, start: how a share comes into force (F5, F6).
 *
 *	prepared  computed from the highest share that a member acts on and
 *		  from the view; published by epoch and digest
 *	ready	  nobody who is outside of it takes buckets and could be told
 *	stopped	  all members are ready with the same one; what is lost in it
 *		  is not taken any more.  Who loses nothing is stopped as soon
 *		  as it is ready
 *	acting	  all members have stopped; what is gained is taken
 *
 * So after a death one message from each survivor suffices, and after a join
 * the buckets that move have no taker for the time of one message.
 *
 * Why no two take a bucket.  Say A starts share T.  Each member B of it has
 * said "stopped T" in answer to A's present life, so at that time B took
 * nothing that T gives to A.  B takes more only by starting some T' of which A
 * is a member and has said "stopped T'", at which time A took nothing that T'
 * gives to B.  A never comes back to T after that: epochs that a node prepares
 * only rise (F5), so that an old "stopped" it still has of somebody is of no
 * use to it; and a node that forgot which it had prepared begins a new life,
 * and counts only what answers that (F2).  Who is not a member of T either
 * takes nothing, or does not hear us nor is heard (view_outsider()).
 *
 * What a crash or a late message between any two steps leaves stands in
 * holdfast-failures(7).
 */

#include "accord-int.h"

#include <string.h>

static void
keep(struct accord *a, unsigned t, unsigned b)
{
	struct mono end = mono_add_ms(a->now, a->conf.drain_ms);

	share_set_add(&a->keeps, t, b);
	a->kept[t][b] = a->now;
	if (!mono_is_set(a->expires) || mono_passed(end, a->expires))
		a->expires = end;
}

/* Takes no more than `own' from now on. */
static void
stop(struct accord *a, const struct share_set *own)
{
	for (unsigned t = 0; t < SHARE_TABLE_MAX; t++) {
		for (unsigned b = 0; b < SHARE_BUCKETS; b++) {
			uint64_t lost = a->takes.bit[t][b / 64] &
			    ~own->bit[t][b / 64];

			if ((lost >> b % 64 & 1) == 0)
				continue;
			share_set_del(&a->takes, t, b);
			keep(a, t, b);
			a->new_buckets = true;
		}
	}
}

static void
start(struct accord *a)
{
	a->acting = a->next;
	a->acting.epoch = a->prepared_epoch;
	a->acting_digest = a->prepared_digest;
	a->is_started = true;
	share_set_of(&a->takes, &a->acting, a->conf.node[a->conf.self].id);
	for (unsigned t = 0; t < SHARE_TABLE_MAX; t++)
		for (unsigned i = 0; i < SHARE_BUCKETS / 64; i++)
			a->keeps.bit[t][i] &= ~a->takes.bit[t][i];
	a->new_buckets = true;
}

/* F2: what was promised is forgotten; only answers to the new life count. */
void
step_renew(struct accord *a, uint32_t life)
{
	a->life = life;
	a->life_since = a->now;
	a->floor = 0;
	a->is_unsure = false;
	step_stand_down(a);
}

void
step_stand_down(struct accord *a)
{
	static const struct share_set none;

	if (!share_set_is_empty(&a->takes))
		stop(a, &none);
	if (a->role == SHARE_NONE &&
	    memcmp(&a->keeps, &none, sizeof(none)) != 0) {
		a->keeps = none;
		a->new_buckets = true;
	}
	if (a->is_started)
		a->new_buckets = true;	/* it may have directed */
	a->is_started = false;
	a->step = FARM_NOTHING;
}

static bool
is_higher(uint64_t epoch, uint64_t digest, uint64_t than_epoch,
    uint64_t than_digest)
{
	return epoch != than_epoch ? epoch > than_epoch :
	    epoch != 0 && digest > than_digest;
}

/* Who takes no part knows the share of those who do: it passes on by it. */
void
step_observe(struct accord *a)
{
	for (unsigned i = 0; i < a->conf.node_count; i++) {
		const struct farm_blob *b = a->peer[i].blob;

		if (i == a->conf.self || !a->peer[i].is_same ||
		    b->acting.tables != a->conf.tables ||
		    !is_higher(b->acting.epoch, b->acting_digest,
		    a->acting.epoch, a->acting_digest))
			continue;
		a->acting = b->acting;
		a->acting_digest = b->acting_digest;
		a->new_buckets = true;
	}
}

/* The highest share that a member acts on. */
static const struct share *
find_base(const struct accord *a, uint64_t *digest)
{
	const struct share *base = &a->acting;

	*digest = a->acting_digest;
	for (unsigned i = 0; i < a->view_count; i++) {
		const struct farm_blob *b = a->peer[a->view[i]].blob;

		if (a->view[i] == a->conf.self ||
		    b->acting.tables != a->conf.tables ||
		    !is_higher(b->acting.epoch, b->acting_digest,
		    base->epoch, *digest))
			continue;
		base = &b->acting;
		*digest = b->acting_digest;
	}
	return base->epoch != 0 ? base : NULL;
}

static enum share_role
role_of(const struct accord *a, unsigned i)
{
	return i == a->conf.self ? a->role : a->peer[i].blob->role;
}

/* The share that ought to be: from base and view, when either is new. */
static void
compute(struct accord *a)
{
	struct share_member member[SHARE_NODE_MAX];
	struct next_key key;
	const struct share *base;

	memset(&key, 0, sizeof(key));
	memset(member, 0, sizeof(member));
	base = find_base(a, &key.digest);
	key.epoch = base != NULL ? base->epoch : 0;
	key.count = a->view_count;
	for (unsigned i = 0; i < a->view_count; i++) {
		member[i].id = a->conf.node[a->view[i]].id;
		member[i].role = role_of(a, a->view[i]);
		memcpy(member[i].power, a->conf.node[a->view[i]].power,
		    sizeof(member[i].power));
		key.id[i] = member[i].id;
		key.role[i] = (uint8_t)member[i].role;
	}
	if (memcmp(&key, &a->next_key, sizeof(key)) == 0)
		return;
	a->next_key = key;
	share_next(&a->next, base, a->conf.tables, member, a->view_count);
	a->next_digest = share_digest(&a->next);
}

static void
set_step(struct accord *a, enum farm_step s)
{
	a->step = s;
	a->step_since = a->now;
	/* accord_is_closed() and accord_taker() depend on it. */
	if (s == FARM_STOPPED)
		a->new_buckets = true;
}

/*
 * F5.  A share that somebody prepared already is taken up with its epoch,
 * else it gets one above all that were heard of.
 */
static void
prepare(struct accord *a)
{
	uint64_t most = a->epoch, found = 0;

	if (a->acting.epoch > most)
		most = a->acting.epoch;
	for (unsigned i = 0; i < a->view_count; i++) {
		const struct farm_blob *b = a->peer[a->view[i]].blob;

		if (a->view[i] == a->conf.self)
			continue;
		if (b->acting.epoch > most)
			most = b->acting.epoch;
		if (b->step == FARM_NOTHING)
			continue;
		if (b->prepared_epoch > most)
			most = b->prepared_epoch;
		if (b->prepared_digest == a->next_digest &&
		    b->prepared_epoch > found)
			found = b->prepared_epoch;
	}
	if (a->step != FARM_NOTHING && a->prepared_digest == a->next_digest) {
		if (found <= a->prepared_epoch)
			return;
	} else if (found <= a->floor)
		found = most + 1;
	a->prepared_epoch = a->floor = found;
	a->prepared_digest = a->next_digest;
	if (found > a->epoch)
		a->epoch = found;
	set_step(a, FARM_PREPARED);
}

/* The first member that is not as far with what is prepared, or -1. */
static int
who_is_behind(const struct accord *a, enum farm_step step)
{
	for (unsigned i = 0; i < a->view_count; i++) {
		const struct farm_blob *b = a->peer[a->view[i]].blob;

		if (a->view[i] != a->conf.self && (b->step < step ||
		    b->prepared_epoch != a->prepared_epoch ||
		    b->prepared_digest != a->prepared_digest ||
		    !peer_hears_us(a, a->view[i])))
			return (int)a->view[i];
	}
	return -1;
}

static bool
loses(const struct accord *a, const struct share_set *own)
{
	for (unsigned t = 0; t < SHARE_TABLE_MAX; t++)
		for (unsigned i = 0; i < SHARE_BUCKETS / 64; i++)
			if ((a->takes.bit[t][i] & ~own->bit[t][i]) != 0)
				return true;
	return false;
}

/* Remembers who is waited for; true when it is nobody. */
static bool
goes_on(struct accord *a, int who, const char *what)
{
	if (who == -1)
		return true;
	a->waits_for = who;
	a->waits_what = what;
	return false;
}

/*
 * Nobody stands in the way from outside.  Asked before this node says ready
 * and again before it starts: somebody may have come back in between.
 */
static bool
is_clear(struct accord *a)
{
	return goes_on(a, view_pending(a), "has not answered yet") &&
	    goes_on(a, view_outsider(a), "takes clients without being in the "
	    "share of the others");
}

void
step_go(struct accord *a)
{
	struct share_set own;

	a->waits_for = -1;
	/* F1: nothing is begun before it is known of everybody who is there. */
	if (!goes_on(a, view_unknown(a), "is not known to be up or down yet"))
		return;
	compute(a);
	prepare(a);
	if (a->step == FARM_ACTING)
		return;
	share_set_of(&own, &a->next, a->conf.node[a->conf.self].id);
	if (a->step == FARM_PREPARED && is_clear(a))
		set_step(a, loses(a, &own) ? FARM_READY : FARM_STOPPED);
	if (a->step == FARM_READY && goes_on(a, who_is_behind(a, FARM_READY),
	    "has not prepared the next share")) {
		stop(a, &own);
		set_step(a, FARM_STOPPED);
	}
	if (a->step == FARM_STOPPED && goes_on(a,
	    who_is_behind(a, FARM_STOPPED), "has not stopped for the next "
	    "share") && is_clear(a)) {
		start(a);
		set_step(a, FARM_ACTING);
	}
}

/* The bound of a drain: those connections are ended by main. */
void
keeps_expire(struct accord *a)
{
	struct mono first = { 0 };

	memset(&a->expired, 0, sizeof(a->expired));
	if (!mono_is_set(a->expires))
		return;
	if (!mono_passed(a->expires, a->now)) {
		accord_wake_at(a, a->expires);
		return;
	}
	for (unsigned t = 0; t < SHARE_TABLE_MAX; t++) {
		for (unsigned b = 0; b < SHARE_BUCKETS; b++) {
			struct mono end = mono_add_ms(a->kept[t][b],
			    a->conf.drain_ms);

			if (!share_set_has(&a->keeps, t, b))
				continue;
			if (mono_passed(end, a->now)) {
				share_set_del(&a->keeps, t, b);
				share_set_add(&a->expired, t, b);
				a->new_buckets = true;
			} else if (!mono_is_set(first) ||
			    mono_diff_ns(end, first) < 0)
				first = end;
		}
	}
	a->expires = first;
	if (mono_is_set(first))
		accord_wake_at(a, first);
}

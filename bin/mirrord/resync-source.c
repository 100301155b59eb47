/* SPDX-License-Identifier: ISC */
/*
 * The source's thread: handshake, passes, the freeze that ends them, and the
 * join.  Correct by one invariant: whatever differs between the nodes is in
 * the set of the next pass.  A pass makes equal what its set names, as it
 * was when it was looked at; what changed since, or could not be made equal
 * yet (RETRY), is in the next set.  When a pass under the freeze leaves
 * nothing, the nodes are equal, and from there the stream carries on.
 *
 * Nothing is taken out of the durable set before the join, so that a crash
 * of either node starts again from all of it (rule R49).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fail.h"
#include "log.h"
#include "resync-estimate.h"
#include "resync-int.h"
#include "resync-pass.h"
#include "xalloc.h"

/* A set this small is copied under the freeze. */
#define SMALL_BYTES	(8ull * 1024 * 1024)
#define SMALL_OBJECTS	512u
/* The bound of a freeze: longer when many passes did not get there. */
#define FREEZE_MS	250
#define FREEZE_LATE_MS	1000
#define PASSES_PATIENT	8
#define PASSES_MANY	32
#define FREEZE_WAIT_MS	100
#define FREEZE_TURNS	16

/* ---- answers ---- */

static void
on_slots(struct resync *r, struct frame_in *f)
{
	unsigned n = frame_get_u16(f);
	struct actlog_slot s;

	for (; n > 0 && !f->bad; n--) {
		s.kind = frame_get_u8(f);
		s.oid = frame_get_u64(f);
		s.extent = frame_get_u64(f);
		if (!f->bad && s.kind >= AK_DATA && s.kind <= AK_MARK)
			dirtyset_slots(r->slots, &s, 1);
	}
}

static void
on_missing(struct resync *r, struct frame_in *f, uint64_t dir)
{
	unsigned n = frame_get_u32(f);
	char name[OP_NAME_MAX + 1];
	struct missing *m;

	for (; n > 0 && !f->bad; n--) {
		uint64_t oid;

		(void)frame_get_str(f, name, sizeof(name)); /* f->bad tells */
		oid = frame_get_u64(f);
		if (f->bad)
			break;
		if (r->missing_count == r->missing_room) {
			r->missing_room = r->missing_room * 2 + 64;
			r->missing = xrealloc(r->missing, r->missing_room,
			    sizeof(*r->missing));
		}
		m = &r->missing[r->missing_count++];
		m->dir = dir;
		m->oid = oid;
		m->name = xstrdup(name);
	}
}

static void
on_need(struct resync *r, struct frame_in *f, uint64_t oid)
{
	struct fresh *n;
	uint8_t how;

	if (r->fresh_count == r->fresh_room) {
		r->fresh_room = r->fresh_room * 2 + 64;
		r->fresh = xrealloc(r->fresh, r->fresh_room,
		    sizeof(*r->fresh));
	}
	n = &r->fresh[r->fresh_count++];
	n->oid = oid;
	n->mode = frame_get_u32(f);
	how = frame_get_u8(f);
	n->made = how == NEED_MADE;
	n->since_s = 0;
	if (how != NEED_TIMES)
		return;
	n->since_s = frame_get_i64(f);
	n->size = frame_get_u64(f);
	n->mtime.tv_sec = frame_get_i64(f);
	n->mtime.tv_nsec = frame_get_u32(f);
}

static void
on_want(struct resync *r, struct frame_in *f, uint64_t oid)
{
	struct want *w = xcalloc(1, sizeof(*w));
	const uint8_t *bits;
	size_t len;

	w->oid = oid;
	w->off = frame_get_u64(f);
	w->len = frame_get_u64(f);
	bits = frame_get_bytes(f, sizeof(w->bitmap), &len);
	if (f->bad || w->len > RB_EXTENT || r->hash_open == 0) {
		f->bad = true;
		free(w);
		return;
	}
	r->hash_open--;
	memcpy(w->bitmap, bits, len);
	*r->want_end = w;
	r->want_end = &w->next;
}

static void
on_fail(struct resync *r, struct frame_in *f)
{
	char why[sizeof(r->st.error)];

	if (frame_get_str(f, why, sizeof(why)) == -1)
		return;
	pthread_mutex_unlock(&r->lock);
	resync_fail(r, "peer: %s", why);
	pthread_mutex_lock(&r->lock);
}

static void
on_retry(struct resync *r, struct frame_in *f, uint64_t dir)
{
	char name[OP_NAME_MAX + 1];

	if (frame_get_str(f, name, sizeof(name)) == 0)
		dirtyset_name(r->retry, dir, name);
}

int
resync_source_frame(struct resync *r, struct frame_in *f, uint64_t oid)
{
	bool good;

	pthread_mutex_lock(&r->lock);
	switch (f->type) {
	case RF_SLOTS:
		on_slots(r, f);
		break;
	case RF_SLOTS_END:
		r->slots_bad = frame_get_u8(f) != 0;
		r->got_slots = true;
		break;
	case RF_TARGET:
		r->got_target = true;
		break;
	case RF_MISSING:
		on_missing(r, f, oid);
		break;
	case RF_NEED:
		on_need(r, f, oid);
		break;
	case RF_RETRY:
		on_retry(r, f, oid);
		break;
	case RF_WANT:
		on_want(r, f, oid);
		break;
	case RF_DONE:
		r->barrier_done = frame_get_u64(f);
		break;
	case RF_EQUAL:
		r->got_equal = true;
		break;
	case RF_LEVEL:
		r->got_level = true;
		break;
	case RF_FAIL:
		on_fail(r, f);
		break;
	default:
		f->bad = true;
		break;
	}
	good = frame_done(f);
	pthread_cond_broadcast(&r->cond);
	pthread_mutex_unlock(&r->lock);
	return good ? 0 : -1;
}

/* ---- driving ---- */

static int
await(struct resync *r, const bool *flag)
{
	int rc;

	pthread_mutex_lock(&r->lock);
	while (!*flag && !r->stop)
		pthread_cond_wait(&r->cond, &r->lock);
	rc = *flag ? 0 : -1;
	pthread_mutex_unlock(&r->lock);
	return rc;
}

static void
set_phase(struct resync *r, enum resync_phase p)
{
	pthread_mutex_lock(&r->lock);
	r->st.phase = p;
	pthread_mutex_unlock(&r->lock);
}

/* What the peer's crash left hot is in our durable log before it may forget
 * it (rule R17). */
static int
handshake(struct resync *r)
{
	struct frame_out f;

	resync_frame(r, &f, RF_BEGIN, 0);
	frame_put_raw(&f, r->meet.source.byte, GEN_UUID_LEN);
	frame_put_u8(&f, (uint8_t)r->meet.verdict);
	if (resync_send(r, &f) == -1 || await(r, &r->got_slots) == -1)
		return -1;
	if (r->slots_bad && r->meet.verdict != MV_FULL) {
		log_warnx("peer: its logs cannot be read, every object is "
		    "compared");
		dirtyset_all(r->slots);
	}
	fail_point(33);
	if (!dirtyset_is_empty(r->slots) &&
	    change_merge(r->conf.change, r->slots) != 0) {
		resync_fail(r, "dirty log: what the peer had in hand cannot "
		    "be stored");
		return -1;
	}
	fail_point(34);
	resync_frame(r, &f, RF_KEPT, 0);
	if (resync_send(r, &f) == -1)
		return -1;
	return await(r, &r->got_target);
}

/* Names count as objects, and a directory that is listed as many. */
#define LIST_OBJECTS	64u

struct estimate {
	uint64_t	 bytes;
	uint64_t	 objects;
};

static struct estimate
estimate(struct resync *r, const struct dirtyset *set)
{
	struct resync_estimate e;

	resync_estimate(&e, r->conf.objects, set);
	return (struct estimate){ e.bytes, e.objects + e.names +
	    LIST_OBJECTS * e.lists };
}

static void
pass_clean(struct pass *p)
{
	oidset_fini(&p->compare);
	oidset_fini(&p->fresh);
	oidset_fini(&p->trusted);
	oidset_fini(&p->attr);
	oidset_fini(&p->owed);
	oidset_fini(&p->missing);
	oidset_fini(&p->deferred);
	p->walk_count = p->next_count = 0;
}

/* A pass that was broken off: what the target made of it is owed whole, and
 * its set stays the caller's. */
static void
owe(struct pass *p)
{
	struct resync *r = p->r;
	const struct oidset *whole[] = { &p->fresh, &p->compare };
	struct want *w;
	size_t i, k;

	pthread_mutex_lock(&r->lock);
	for (k = 0; k < 2; k++)
		for (i = 0; i < whole[k]->size; i++)
			if (whole[k]->slot[i] != 0)
				dirtyset_whole(r->retry, whole[k]->slot[i]);
	for (i = 0; i < p->attr.size; i++)
		if (p->attr.slot[i] != 0)
			dirtyset_attr(r->retry, p->attr.slot[i]);
	while ((w = r->want) != NULL) {
		r->want = w->next;
		free(w);
	}
	r->want_end = &r->want;
	pthread_mutex_unlock(&r->lock);
}

/* 0: done, -1: broken off; then the set is still owed. */
static int
pass_run(struct pass *p, const struct dirtyset *set)
{
	struct resync *r = p->r;
	int rc;

	p->set = set;
	rc = resync_names(p);
	fail_point(39);
	if (rc == 0)
		rc = resync_data(p);
	if (rc == 0)
		rc = resync_attrs(p);
	/* Also after a late one: its answers belong to it. */
	if (resync_barrier(r, false) == -1)
		rc = -1;
	if (rc != 0)
		owe(p);
	pass_clean(p);
	pthread_mutex_lock(&r->lock);
	r->st.passes++;
	pthread_mutex_unlock(&r->lock);
	return rc;
}

/* The names that could not be put right yet join the set. */
static void
take_retry(struct resync *r, struct dirtyset *set)
{
	pthread_mutex_lock(&r->lock);
	dirtyset_merge(set, r->retry);
	dirtyset_clear(r->retry);
	pthread_mutex_unlock(&r->lock);
}

static void
take_moved(struct resync *r, struct dirtyset *set)
{
	struct dirtyset *moved = change_track_next(r->conf.change);

	dirtyset_merge(set, moved);
	dirtyset_free(moved);
	take_retry(r, set);
}

/* Frozen, and the peer is equal: the stream carries everything from here. */
static int
go_strict(struct resync *r)
{
	struct frame_out f;

	resync_frame(r, &f, RF_FINAL, 0);
	if (resync_send(r, &f) == -1 || r->conf.strict(r->conf.arg) != 0)
		return -1;
	change_connect(r->conf.change);
	change_track_stop(r->conf.change);
	set_phase(r, RP_STRICT);
	return 0;
}

/*
 * The last, small pass.  1: equal, the stream is on; 0: not yet, set holds
 * what is owed; -1: broken.  Bounded: past the limit the application goes on
 * and the set waits for the next try (rule R48).
 */
static int
freeze_pass(struct pass *p, struct dirtyset *set)
{
	struct resync *r = p->r;
	struct dirtyset *now;
	struct mono t0 = mono_now();
	int64_t ms, limit;
	unsigned turn;
	int rc = 0;

	limit = r->st.passes < PASSES_PATIENT ? FREEZE_MS : FREEZE_LATE_MS;
	if (change_freeze(r->conf.change, FREEZE_WAIT_MS) != 0)
		return 0;
	r->deadline = mono_add_ms(t0, limit);
	for (turn = 0; turn < FREEZE_TURNS; turn++) {
		take_moved(r, set);
		if (dirtyset_is_empty(set)) {
			rc = go_strict(r) == 0 ? 1 : -1;
			break;
		}
		if (pass_run(p, set) != 0)
			break; /* late or broken: all of it is owed */
		now = dirtyset_new();
		take_retry(r, now);
		dirtyset_clear(set);
		dirtyset_merge(set, now);
		dirtyset_free(now);
	}
	r->deadline = (struct mono){ 0 };
	change_thaw(r->conf.change);
	ms = mono_diff_ms(mono_now(), t0);
	pthread_mutex_lock(&r->lock);
	if (ms > r->st.freeze_ms)
		r->st.freeze_ms = ms;
	if (r->stop)
		rc = -1;
	pthread_mutex_unlock(&r->lock);
	return rc;
}

/* It does not come to an end: the link or the disk is slower than what is
 * written, or a name cannot be put right.  Said once in a while. */
static void
breathe(struct resync *r, const struct dirtyset *set)
{
	struct timespec pause = { 0, 100 * 1000000 };
	struct estimate e = estimate(r, set);

	if (r->st.passes % 128 == 0)
		log_warnx("resync: pass %u, still %llu objects and names and "
		    "%llu KiB", r->st.passes, (unsigned long long)e.objects,
		    (unsigned long long)e.bytes / 1024);
	nanosleep(&pause, NULL);
}

/* Passes until the freeze succeeds.  set is what is owed. */
static int
passes(struct pass *p, struct dirtyset *set)
{
	struct resync *r = p->r;
	struct estimate e;
	int rc;

	for (;;) {
		if (pass_run(p, set) == -1)
			return -1;
		dirtyset_clear(set);
		take_moved(r, set);
		e = estimate(r, set);
		if ((e.bytes > SMALL_BYTES || e.objects > SMALL_OBJECTS) &&
		    r->st.passes < PASSES_PATIENT)
			continue;
		/* Durable first, so that little is left for the end. */
		if (resync_barrier(r, true) == -1)
			return -1;
		take_moved(r, set);
		rc = freeze_pass(p, set);
		if (rc != 0)
			return rc == 1 ? 0 : -1;
		if (r->st.passes > PASSES_MANY)
			breathe(r, set);
	}
}

static void
joined(struct gen *g, void *arg)
{
	const struct resync *r = arg;

	gen_joined(g);
	g->dirty_all = change_is_unlogged(r->conf.change);
}

/*
 * The peer's level is durable: base none, then the log is emptied.  Before
 * that everything written while alone is made durable here as well: its
 * slots left the activity log for the dirty log (rule R19), so that once
 * both are empty nothing would remember it, and a power cut would leave this
 * node behind the peer without either knowing (rule R12).
 */
static int
finish(struct resync *r)
{
	int error;

	if (await(r, &r->got_equal) == -1)
		return -1;
	r->conf.on_event(RE_READY, r->conf.arg);
	if (await(r, &r->got_level) == -1)
		return -1;
	fail_point(44);
	if (r->st.trusted > 0)
		log_warnx("resync: %llu files that were there were taken as "
		    "equal by size and times, as asked; a verify compares "
		    "them", (unsigned long long)r->st.trusted);
	error = objects_checkpoint(r->conf.objects);
	if (error != 0)
		log_warnx("local disk: %s: what was written alone stays on "
		    "record and is compared once more next time",
		    strerror(-error));
	else if (gen_update(r->conf.gen, joined, r) == -1 ||
	    change_level(r->conf.change) != 0) {
		log_warn("state directory: the end of the resync cannot be "
		    "stored; it is compared once more next time");
	}
	r->conf.on_event(RE_JOINED, r->conf.arg);
	return 0;
}

static void
count_total(struct resync *r, const struct dirtyset *set)
{
	struct estimate e = estimate(r, set);

	pthread_mutex_lock(&r->lock);
	r->st.total_bytes = e.bytes;
	pthread_mutex_unlock(&r->lock);
}

void *
resync_source_main(void *arg)
{
	struct resync *r = arg;
	struct pass p = { .r = r };
	struct dirtyset *set, *marks;
	unsigned i;
	bool stop;
	int rc = -1;

	if (handshake(r) == 0) {
		set = change_track_start(r->conf.change);
		marks = dirtyset_new();
		for (i = 0; dirtyset_marks(set, i) != 0; i++)
			dirtyset_mark(marks, dirtyset_marks(set, i));
		p.marks = marks;
		if (r->meet.verdict == MV_FULL)
			dirtyset_all(set);
		/* Cut short, it is to be the same the next time. */
		if (dirtyset_is_all(set) &&
		    change_owe(r->conf.change, set) != 0)
			resync_fail(r, "dirty log: cannot be written");
		p.full = dirtyset_is_all(set);
		p.by_hash = r->meet.verdict != MV_INCREMENTAL || r->meet.half;
		set_phase(r, p.full ? RP_FULL : r->meet.verdict == MV_EQUAL ?
		    RP_ACTLOG : RP_INCREMENTAL);
		count_total(r, set);
		rc = passes(&p, set);
		change_track_stop(r->conf.change);
		dirtyset_free(marks);
		dirtyset_free(set);
		pass_clean(&p);
		oidset_fini(&p.seen);
		free(p.walk);
		free(p.next);
	}
	if (rc == 0)
		rc = finish(r);
	pthread_mutex_lock(&r->lock);
	stop = r->stop;
	pthread_mutex_unlock(&r->lock);
	if (rc != 0 && !stop)
		resync_fail(r, "the connection was lost");
	return NULL;
}

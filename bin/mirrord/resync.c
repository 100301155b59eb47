/* SPDX-License-Identifier: ISC */
/*
 * The resync seen from the role machine: start, stop, join, status, and the
 * plumbing both ends use.  resync-source.c drives, resync-target.c obeys.
 *
 * Durable steps, in their order (the numbers are failpoints):
 *	source	slots of the returning primary into its dirty log	33
 *	target	its own history set aside (aside.c)			81-84
 *	target	gen: resyncing, not level				36
 *	target	its activity log is reset				35
 *	target	names, data, attributes; bits stay set at the source	37-41
 *	target	stage emptied, syncfs					42, 43
 *	source	gen: alone cleared, by the role machine
 *	target	gen: generation of the source, level			44
 *	source	gen: base none; then the dirty log is emptied		45
 * A crash of either before the last but one starts again from the set.
 */
#include "resync.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "resync-int.h"
#include "xalloc.h"

struct resync *
resync_new(const struct resync_conf *conf)
{
	struct resync *r = xcalloc(1, sizeof(*r));

	r->conf = *conf;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->cond, NULL);
	r->want_end = &r->want;
	r->st.eta_s = -1;
	return r;
}

void
resync_free(struct resync *r)
{
	if (r == NULL)
		return;
	resync_stop(r);
	pthread_cond_destroy(&r->cond);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* Forgets the answers of an earlier connection (rule L13). */
static void
forget(struct resync *r)
{
	struct want *w;
	size_t i;

	free(r->buf);
	free(r->scratch);
	free(r->names);
	free(r->value);
	r->buf = r->scratch = r->value = NULL;
	r->names = NULL;
	dirtyset_free(r->slots);
	dirtyset_free(r->retry);
	r->slots = r->retry = NULL;
	for (i = 0; i < r->missing_count; i++)
		free(r->missing[i].name);
	free(r->missing);
	free(r->fresh);
	r->missing = NULL;
	r->fresh = NULL;
	r->missing_count = r->missing_room = 0;
	r->fresh_count = r->fresh_room = 0;
	while ((w = r->want) != NULL) {
		r->want = w->next;
		free(w);
	}
	r->want_end = &r->want;
	r->hash_open = 0;
	r->barrier = r->barrier_done = 0;
	r->got_slots = r->got_target = r->got_equal = r->got_level = false;
	r->slots_bad = false;
	r->deadline = (struct mono){ 0 };
	r->begun = r->changing = false;
	aside_free(r->aside);
	r->aside = NULL;
	resync_target_fini(r);
}

static void
begin(struct resync *r, enum resync_side side)
{
	forget(r);
	memset(&r->st, 0, sizeof(r->st));
	r->total_told = 0;
	r->st.eta_s = -1;
	r->st.phase = RP_HANDSHAKE;
	r->began = mono_now();
	r->buf = xcalloc(1, FRAME_MAX_LEN);
	r->scratch = xcalloc(1, RB_EXTENT);
	r->names = xcalloc(2, RB_XATTR_MAX);
	r->value = xcalloc(1, RB_XATTR_MAX);
	r->stop = false;
	r->side = side;
}

int
resync_source_start(struct resync *r, const struct meet *m)
{
	int rc;

	if (r->side != RS_NONE)
		return -EBUSY;
	if (m->verdict != MV_EQUAL && m->verdict != MV_INCREMENTAL &&
	    m->verdict != MV_FULL)
		return -EINVAL;
	begin(r, RS_SOURCE);
	r->meet = *m;
	r->slots = dirtyset_new();
	r->retry = dirtyset_new();
	rc = pthread_create(&r->thread, NULL, resync_source_main, r);
	r->has_thread = rc == 0;
	if (rc != 0)
		r->side = RS_NONE;
	return -rc;
}

int
resync_target_start(struct resync *r, const struct gen *source,
    const struct meet *m)
{
	if (r->side != RS_NONE)
		return -EBUSY;
	if (m->verdict != MV_EQUAL && m->verdict != MV_INCREMENTAL &&
	    m->verdict != MV_FULL)
		return -EINVAL;
	begin(r, RS_TARGET);
	r->meet = *m;
	r->source = *source;
	return 0;
}

void
resync_cancel(struct resync *r)
{
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_broadcast(&r->cond);
	pthread_mutex_unlock(&r->lock);
}

void
resync_stop(struct resync *r)
{
	resync_cancel(r);
	if (r->has_thread)
		pthread_join(r->thread, NULL);
	r->has_thread = false;
	forget(r);
	r->side = RS_NONE;
	r->st.phase = RP_NONE;
}

int
resync_on_frame(struct resync *r, struct frame_in *f, uint64_t oid)
{
	switch (r->side) {
	case RS_SOURCE:
		return resync_source_frame(r, f, oid);
	case RS_TARGET:
		return resync_target_frame(r, f, oid);
	case RS_NONE:
		break;
	}
	return -1;
}

int
resync_join(struct resync *r, struct epoch since)
{
	uint8_t raw[GEN_ENCODED_LEN], buf[2048];
	struct frame_out f;
	struct gen g;

	if (r->side != RS_SOURCE || !r->got_equal)
		return -EINVAL;
	gen_read(r->conf.gen, &g);
	gen_encode(raw, &g);
	wire_begin(&f, buf, sizeof(buf), RF_JOIN, 0);
	frame_put_epoch(&f, since);
	frame_put_bytes(&f, raw, sizeof(raw));
	if (frame_end(&f) == 0)
		return -EMSGSIZE;
	return r->conf.send(&f, r->conf.arg) == 0 ? 0 : -ENOTCONN;
}

void
resync_status(struct resync *r, struct resync_status *s)
{
	int64_t ms;

	pthread_mutex_lock(&r->lock);
	*s = r->st;
	ms = mono_diff_ms(mono_now(), r->began);
	pthread_mutex_unlock(&r->lock);
	if (s->phase == RP_NONE || s->phase == RP_STRICT || ms <= 0)
		return;
	s->rate_bytes_s = s->done_bytes * 1000 / (uint64_t)ms;
	if (s->total_bytes > s->done_bytes && s->rate_bytes_s > 0)
		s->eta_s = (int64_t)((s->total_bytes - s->done_bytes) /
		    s->rate_bytes_s);
}

const char *
resync_phase_str(enum resync_phase p)
{
	static const char *const name[] = {
		[RP_NONE] = "none", [RP_HANDSHAKE] = "handshake",
		[RP_ASIDE] = "aside",
		[RP_ACTLOG] = "actlog", [RP_INCREMENTAL] = "incremental",
		[RP_FULL] = "full", [RP_STRICT] = "strict",
	};

	return name[p];
}

/* ---- plumbing ---- */

void
resync_frame(struct resync *r, struct frame_out *f, uint16_t type,
    uint64_t oid)
{
	wire_begin(f, r->buf, FRAME_MAX_LEN, type, oid);
}

bool
resync_is_late(struct resync *r)
{
	return mono_passed(r->deadline, mono_now());
}

static bool
is_stopped(struct resync *r)
{
	bool stop;

	pthread_mutex_lock(&r->lock);
	stop = r->stop;
	pthread_mutex_unlock(&r->lock);
	return stop;
}

/* The application waits for what is sent under the freeze. */
static void
keep_pace(struct resync *r, size_t bytes)
{
	struct timespec slice = { 0, 10 * 1000000 };
	int64_t ms;

	if (r->side != RS_SOURCE || mono_is_set(r->deadline))
		return;
	ms = pace_ms(&r->pace, r->conf.rate_bytes_s, bytes, mono_now());
	for (; ms > 0 && !is_stopped(r); ms -= 10)
		nanosleep(&slice, NULL);
}

int
resync_send(struct resync *r, struct frame_out *f)
{
	if (is_stopped(r) || frame_end(f) == 0 ||
	    r->conf.send(f, r->conf.arg) == -1)
		return -1;
	keep_pace(r, f->len);
	return 0;
}

/* What the target shows its administrator; a lost one is of no matter. */
static void
tell_total(struct resync *r)
{
	struct frame_out f;
	uint64_t total;

	pthread_mutex_lock(&r->lock);
	total = r->st.total_bytes;
	pthread_mutex_unlock(&r->lock);
	if (!r->meet.tell_total || total == r->total_told)
		return;
	r->total_told = total;
	resync_frame(r, &f, RF_TOTAL, 0);
	frame_put_u64(&f, total);
	(void)resync_send(r, &f);
}

int
resync_barrier(struct resync *r, bool durable)
{
	struct frame_out f;
	uint64_t number;
	int rc;

	tell_total(r);
	pthread_mutex_lock(&r->lock);
	number = ++r->barrier;
	pthread_mutex_unlock(&r->lock);
	resync_frame(r, &f, RF_BARRIER, 0);
	frame_put_u64(&f, number);
	frame_put_u8(&f, durable);
	if (frame_end(&f) == 0 || r->conf.send(&f, r->conf.arg) == -1)
		return -1;
	/* Without the deadline: answers of one pass must not come to be
	 * taken for those of the next. */
	pthread_mutex_lock(&r->lock);
	while (!r->stop && r->barrier_done < number)
		pthread_cond_wait(&r->cond, &r->lock);
	rc = r->stop ? -1 : 0;
	pthread_mutex_unlock(&r->lock);
	return rc;
}

void
resync_fail(struct resync *r, const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&r->lock);
	va_start(ap, fmt);
	vsnprintf(r->st.error, sizeof(r->st.error), fmt, ap);
	va_end(ap);
	r->stop = true;
	pthread_cond_broadcast(&r->cond);
	pthread_mutex_unlock(&r->lock);
	if (r->conf.on_event != NULL)
		r->conf.on_event(RE_FAILED, r->conf.arg);
}

/* An object without a name is as good as gone: the peer has no use for it
 * (rule R36). */
int
resync_stat(struct resync *r, uint64_t oid, struct stat *st)
{
	int rc = object_stat(r->conf.objects, oid, st);

	return rc == 0 && st->st_nlink == 0 ? -ESTALE : rc;
}

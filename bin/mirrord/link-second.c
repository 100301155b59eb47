/* SPDX-License-Identifier: ISC */
/*
 * The secondary's readers.  One has the connection (`lead') and applies what
 * it reads; when it meets a sync it gives the lead to the next and does the
 * sync itself, so that nobody has to be woken on the way of an answer.
 * Answers of several syncs that end together leave in one frame.
 */
#include "link-run.h"

#include <string.h>
#include <time.h>

#include "clock.h"
#include "log.h"

/* Without syncs the primary needs the mark only for room in its queue. */
#define ANSWER_BYTES	(512 * 1024)
#define ANSWER_MS	2
/* How long a frame of a higher epoch waits for our own wish to arrive. */
#define EPOCH_WAIT_NS	1000000000

static void
send_applied(struct link_run *r)
{
	uint8_t buf[128];
	struct frame_out f;

	wire_begin(&f, buf, sizeof(buf), WT_APPLIED, 0);
	frame_put_u64(&f, apply_applied(r->apply));
	(void)conn_send(r->conn, buf, frame_end(&f));
	r->unanswered = 0;
}

static void
send_synced(struct link_run *r, const uint64_t *seq, unsigned count)
{
	uint8_t buf[128 + 8 * RUN_SYNCED_MAX];
	struct frame_out f;
	unsigned i;

	wire_begin(&f, buf, sizeof(buf), WT_SYNCED, 0);
	frame_put_u64(&f, apply_applied(r->apply));
	frame_put_u32(&f, count);
	for (i = 0; i < count; i++)
		frame_put_u64(&f, seq[i]);
	(void)conn_send(r->conn, buf, frame_end(&f));
}

/* Who finds nobody sending sends for all who come meanwhile. */
static void
answer_sync(struct link_run *r, uint64_t seq)
{
	uint64_t list[RUN_SYNCED_MAX];
	unsigned count;

	(void)pthread_mutex_lock(&r->answer_lock);
	while (r->synced_count == RUN_SYNCED_MAX)
		(void)pthread_cond_wait(&r->answered, &r->answer_lock);
	r->synced[r->synced_count++] = seq;
	if (!r->is_answering) {
		r->is_answering = true;
		while ((count = r->synced_count) > 0) {
			memcpy(list, r->synced, count * sizeof(list[0]));
			r->synced_count = 0;
			(void)pthread_cond_broadcast(&r->answered);
			(void)pthread_mutex_unlock(&r->answer_lock);
			send_synced(r, list, count);
			(void)pthread_mutex_lock(&r->answer_lock);
		}
		r->is_answering = false;
	}
	(void)pthread_mutex_unlock(&r->answer_lock);
}

static void
send_durable(struct link_run *r, uint64_t seq)
{
	uint8_t buf[128];
	struct frame_out f;

	wire_begin(&f, buf, sizeof(buf), WT_DURABLE, 0);
	frame_put_u64(&f, seq);
	(void)conn_send(r->conn, buf, frame_end(&f));
}

/* Rule R25: that this node is not level any more is durable now. */
static void
send_error(struct link_run *r, const struct apply_job *job)
{
	uint8_t buf[512 + OP_NAME_MAX];
	struct frame_out f;

	log_warnx("apply: sequence %llu, object %016llx: %s; not level any "
	    "more", (unsigned long long)job->seq,
	    (unsigned long long)job->oid, strerror(job->err));
	wire_begin(&f, buf, sizeof(buf), WT_ERROR, job->oid);
	frame_put_u64(&f, job->seq);
	frame_put_u64(&f, job->dir);
	frame_put_u32(&f, (uint32_t)job->err);
	frame_put_u8(&f, 0);
	frame_put_str(&f, job->name);
	(void)conn_send(r->conn, buf, frame_end(&f));
}

/* Without the lead. */
static void
run_job(struct link_run *r, struct apply_job *job)
{
	switch (apply_run(r->apply, job)) {
	case AR_DONE:
		if (job->type == OP_SYNC)
			answer_sync(r, job->seq);
		else
			send_durable(r, job->seq);
		break;
	default:
		send_error(r, job);
		link_run_over(r);
		break;
	}
}

/*
 * Rules R27 and L11.  1: use it; 0: drop it; -1: close.  A higher epoch is
 * the primary's next one, of which our own side has not told us yet.  A lower
 * one than ours left this same primary, on this connection, before it heard
 * of the epoch that we follow already: it is in order until the first frame
 * of that one.  A ballot of our own is another thing: then the link has
 * ended before it is durable.
 */
static int
check_mark(struct link_run *r, const struct wire *w)
{
	struct timespec until;
	bool taken;
	int rc = 0;

	if (w->connection != r->number)
		return 0;
	(void)pthread_mutex_lock(&r->lock);
	if (epoch_cmp(w->epoch, r->epoch) > 0)
		clock_after(&until, EPOCH_WAIT_NS);
	while (epoch_cmp(w->epoch, r->epoch) > 0 && rc == 0 &&
	    !conn_is_broken(r->conn))
		rc = pthread_cond_timedwait(&r->changed, &r->lock, &until);
	taken = epoch_cmp(w->epoch, r->epoch) <= 0 &&
	    epoch_cmp(w->epoch, r->taken) >= 0;
	if (taken)
		r->taken = w->epoch;
	(void)pthread_mutex_unlock(&r->lock);
	return taken ? 1 : -1;
}

static int
on_begin(struct link_run *r, struct frame_in *f)
{
	uint64_t id = frame_get_u64(f), next = frame_get_u64(f);

	if (!frame_done(f) || id == 0 || next == 0)
		return -1;
	apply_begin(r->apply, id, next);
	return 0;
}

/* A frame of the stream; 1: a job for after the lead; 0, -1. */
static int
on_stream(struct link_run *r, struct frame_in *f, const struct wire *w,
    struct apply_job *job)
{
	r->unanswered += f->len;
	switch (apply_frame(r->apply, f, w, job)) {
	case AR_DONE:
		if (job->answer_now || r->unanswered >= ANSWER_BYTES ||
		    (r->names_wait && !op_is_data(f->type)))
			send_applied(r);
		return 0;
	case AR_SYNC:
		r->unanswered = 0;	/* the answer carries the mark */
		return 1;
	case AR_FAILED:
		send_error(r, job);
		return -1;
	default:
		return -1;
	}
}

static int
dispatch(struct link_run *r, struct frame_in *f, const struct wire *w,
    struct apply_job *job)
{
	if (f->type == WT_BEGIN)
		return on_begin(r, f);
	if (f->sequence != 0)
		return on_stream(r, f, w, job);
	if (f->type == WT_HELD || wire_is_work(f->type))
		return r->calls.on_frame(f, w->oid, r->arg);
	return -1;
}

static int
on_frame(struct link_run *r, const uint8_t *frame, size_t len,
    struct apply_job *job)
{
	static struct log_limit limit;
	struct frame_in f;
	struct wire w;
	int rc;

	if (wire_open(&f, &w, frame, len) == -1)
		return -1;
	rc = check_mark(r, &w);
	if (rc == 1)
		rc = dispatch(r, &f, &w, job);
	if (rc == -1 && log_limit_ok(&limit, 5))
		log_warnx("link: frame of type %u, sequence %llu, object "
		    "%016llx not taken: closed", f.type,
		    (unsigned long long)f.sequence,
		    (unsigned long long)w.oid);
	return rc;
}

/* With the lead.  1: a job; -1: the end. */
static int
lead(struct link_run *r, struct apply_job *job)
{
	const uint8_t *frame;
	size_t len;
	int rc;

	for (;;) {
		rc = conn_receive(r->conn, &frame, &len,
		    r->unanswered > 0 ? ANSWER_MS : -1);
		if (rc == 0)
			send_applied(r);
		else if (rc == 1)
			rc = on_frame(r, frame, len, job);
		if (rc != 0)
			return rc;
	}
}

void *
link_second_reader(void *arg)
{
	struct link_run *r = arg;
	struct apply_job job;
	int rc;

	do {
		(void)pthread_mutex_lock(&r->lead);
		rc = r->is_ended ? -1 : lead(r, &job);
		r->is_ended = rc == -1;
		(void)pthread_mutex_unlock(&r->lead);
		if (rc == 1)
			run_job(r, &job);
	} while (rc == 1);
	link_run_over(r);
	return NULL;
}

/* SPDX-License-Identifier: ISC */
/*
 * The primary's two threads: one sends the queue, sealing entries where they
 * lie, as many at once as are there; the other reads what the second says.
 */
#include "link-run.h"

#include <string.h>

#include "log.h"

/* Waits for link_stream(); 0: the connection ended first. */
static uint64_t
await_stream(struct link_run *r)
{
	uint64_t from;

	(void)pthread_mutex_lock(&r->lock);
	while (r->stream_from == 0 && !conn_is_broken(r->conn))
		(void)pthread_cond_wait(&r->changed, &r->lock);
	from = r->stream_from;
	(void)pthread_mutex_unlock(&r->lock);
	return conn_is_broken(r->conn) ? 0 : from;
}

static void
send_begin(struct link_run *r, uint64_t from)
{
	uint8_t buf[128];
	struct frame_out f;

	wire_begin(&f, buf, sizeof(buf), WT_BEGIN, 0);
	frame_put_u64(&f, stream_id(r->stream));
	frame_put_u64(&f, from);
	(void)conn_send(r->conn, buf, frame_end(&f));
}

static void
send_sync(const struct op *op, void *arg)
{
	struct link_run *r = arg;
	uint8_t buf[256];
	struct frame_out f;
	size_t len;

	op_put(&f, buf, sizeof(buf), op);
	len = frame_end(&f);
	wire_stamp_seq(buf, op->seq);
	(void)conn_send(r->conn, buf, len);
}

static uint64_t
frame_seq(const void *frame)
{
	const uint8_t *p = (const uint8_t *)frame + FRAME_HEADER_LEN - 8;
	uint64_t v = 0;
	unsigned i;

	for (i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

/* Sends all that is there.  With the turn. */
static void
send_queued(struct link_run *r)
{
	void *frame;
	size_t len;

	frame = stream_next(r->stream, r->send_seq, &len);
	while (frame != NULL && !conn_is_broken(r->conn)) {
		conn_send_begin(r->conn);
		do {
			r->send_seq = frame_seq(frame) + 1;
			if (!conn_add(r->conn, frame, len))
				break;
			frame = stream_next(r->stream, r->send_seq, &len);
		} while (frame != NULL);
		if (conn_send_end(r->conn) == 0)
			stream_sent(r->stream, r->send_seq - 1);
		frame = stream_next(r->stream, r->send_seq, &len);
	}
}

/*
 * A worker with a sync sends it itself: one wake-up less on the way to the
 * second.  Whoever has the turn may have looked before this entry was
 * there, so the sender is told when the turn is not to be had.
 */
void
link_push(void *arg)
{
	struct link_run *r = arg;

	if (!link_run_enter(r))
		return;
	if (pthread_mutex_trylock(&r->turn) == 0) {
		if (r->send_seq != 0)
			send_queued(r);
		(void)pthread_mutex_unlock(&r->turn);
	} else
		stream_kick(r->stream);
	link_run_leave(r);
}

void *
link_sender(void *arg)
{
	struct link_run *r = arg;
	uint64_t from;

	from = await_stream(r);
	if (from == 0)
		return NULL;
	(void)pthread_mutex_lock(&r->turn);
	send_begin(r, from);
	stream_each_sync(r->stream, from - 1, send_sync, r);
	r->send_seq = from;
	send_queued(r);
	(void)pthread_mutex_unlock(&r->turn);
	while (!conn_is_broken(r->conn)) {
		stream_await(r->stream);
		(void)pthread_mutex_lock(&r->turn);
		send_queued(r);
		(void)pthread_mutex_unlock(&r->turn);
	}
	link_run_over(r);
	return NULL;
}

static int
on_synced(struct link_run *r, struct frame_in *f)
{
	uint64_t applied;
	uint32_t i, n;

	applied = frame_get_u64(f);
	n = frame_get_u32(f);
	if (f->bad || n > RUN_SYNCED_MAX)
		return -1;
	stream_on_applied(r->stream, applied);
	for (i = 0; i < n; i++)
		stream_on_synced(r->stream, frame_get_u64(f));
	return frame_done(f) ? 0 : -1;
}

static int
on_durable(struct link_run *r, struct frame_in *f)
{
	uint64_t seq = frame_get_u64(f);

	if (!frame_done(f))
		return -1;
	stream_on_durable(r->stream, seq);
	r->calls.on_durable(seq, r->arg);
	return 0;
}

static int
on_error(struct link_run *r, struct frame_in *f, uint64_t oid)
{
	struct link_error e;

	memset(&e, 0, sizeof(e));
	e.oid = oid;
	e.seq = frame_get_u64(f);
	e.dir = frame_get_u64(f);
	e.err = (int)frame_get_u32(f);
	e.level = frame_get_u8(f) == 1;
	if (frame_get_str(f, e.name, sizeof(e.name)) == -1 || !frame_done(f))
		return -1;
	log_warnx("peer: sequence %llu, object %016llx: %s%s",
	    (unsigned long long)e.seq, (unsigned long long)e.oid,
	    strerror(e.err), e.level ? "" : "; it is not level any more");
	r->calls.on_error(&e, r->arg);
	/* Rule R25: it leaves the set, and its data is noted. */
	if (e.level)
		stream_on_synced(r->stream, e.seq);
	return 0;
}

static int
dispatch(struct link_run *r, struct frame_in *f, uint64_t oid)
{
	if (wire_is_work(f->type))
		return r->calls.on_frame(f, oid, r->arg);
	switch (f->type) {
	case WT_APPLIED:
		stream_on_applied(r->stream, frame_get_u64(f));
		return frame_done(f) ? 0 : -1;
	case WT_SYNCED:
		return on_synced(r, f);
	case WT_DURABLE:
		return on_durable(r, f);
	case WT_ERROR:
		return on_error(r, f, oid);
	case WT_HOLD:
	case WT_FREE:
		return r->calls.on_frame(f, oid, r->arg);
	default:
		return -1;
	}
}

void *
link_primary_reader(void *arg)
{
	struct link_run *r = arg;
	struct frame_in f;
	struct wire w;
	const uint8_t *frame;
	size_t len;
	int rc;

	for (;;) {
		rc = conn_receive(r->conn, &frame, &len, -1);
		if (rc == -1)
			break;
		if (rc == 0)
			continue;
		if (wire_open(&f, &w, frame, len) == -1)
			rc = -1;
		/*
		 * Answers are those of this connection (rule L10).  Which of
		 * the two hears first of a newer epoch is chance: a second
		 * that left this primary has left the connection as well.
		 */
		else if (w.connection == r->number)
			rc = dispatch(r, &f, w.oid);
		if (rc == -1) {
			log_warnx("link: frame of type %u from the second "
			    "not taken: closed", f.type);
			break;
		}
	}
	link_run_over(r);
	return NULL;
}

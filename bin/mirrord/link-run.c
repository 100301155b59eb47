/* SPDX-License-Identifier: ISC */
/*
 * The life of the connection in use: who may touch it, and until when.
 */
#include "link-run.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "log.h"

#define THREAD_STACK	(256 * 1024)

void
link_run_init(struct link_run *r, const struct link_calls *calls, void *arg,
    struct stream *s, struct apply *apply)
{

	memset(r, 0, sizeof(*r));
	r->calls = *calls;
	r->arg = arg;
	r->stream = s;
	r->apply = apply;
	(void)pthread_mutex_init(&r->lock, NULL);
	clock_cond_init(&r->changed);
	(void)pthread_mutex_init(&r->turn, NULL);
	(void)pthread_mutex_init(&r->lead, NULL);
	(void)pthread_mutex_init(&r->answer_lock, NULL);
	(void)pthread_cond_init(&r->answered, NULL);
}

void
link_run_fini(struct link_run *r)
{
	(void)pthread_mutex_destroy(&r->lock);
	(void)pthread_cond_destroy(&r->changed);
	(void)pthread_mutex_destroy(&r->turn);
	(void)pthread_mutex_destroy(&r->lead);
	(void)pthread_mutex_destroy(&r->answer_lock);
	(void)pthread_cond_destroy(&r->answered);
}

void
link_run_begin(struct link_run *r, enum link_side side, struct epoch epoch,
    void (*on_end)(void *arg), void *arg)
{
	r->side = side;
	r->epoch = epoch;
	r->on_end = on_end;
	r->on_end_arg = arg;
}

void
link_run_use(struct link_run *r, struct conn *c, uint64_t number)
{
	(void)pthread_mutex_lock(&r->lock);
	r->conn = c;
	r->number = number;
	r->taken = r->epoch;
	r->stream_from = 0;
	r->send_seq = 0;
	r->unanswered = 0;
	r->is_ended = false;
	r->synced_count = 0;
	r->is_answering = false;
	(void)pthread_mutex_unlock(&r->lock);
}

/* Nobody finds the connection any more, and who had found it is done. */
void
link_run_unuse(struct link_run *r)
{
	(void)pthread_mutex_lock(&r->lock);
	r->sent_before += conn_sent_bytes(r->conn);
	r->received_before += conn_received_bytes(r->conn);
	conn_break(r->conn);
	r->number = 0;
	while (r->users > 0)
		(void)pthread_cond_wait(&r->changed, &r->lock);
	r->conn = NULL;
	(void)pthread_mutex_unlock(&r->lock);
}

static void
start_thread(struct link_run *r, void *(*body)(void *arg))
{
	pthread_attr_t attr;
	int err;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, THREAD_STACK);
	err = pthread_create(&r->thread[r->thread_count], &attr, body, r);
	(void)pthread_attr_destroy(&attr);
	if (err == 0) {
		r->thread_count++;
		return;
	}
	errno = err;
	log_warn("link: thread");
	if (r->thread_count == 0)
		link_run_over(r);
}

void
link_run_start(struct link_run *r)
{
	unsigned i;

	r->thread_count = 0;
	if (r->side == LS_PRIMARY) {
		start_thread(r, link_primary_reader);
		start_thread(r, link_sender);
		return;
	}
	for (i = 0; i < RUN_THREADS; i++)
		start_thread(r, link_second_reader);
}

void
link_run_over(struct link_run *r)
{
	conn_break(r->conn);
	if (r->side == LS_PRIMARY)
		stream_kick(r->stream);
	(void)pthread_mutex_lock(&r->lock);
	(void)pthread_cond_broadcast(&r->changed);
	(void)pthread_mutex_unlock(&r->lock);
	r->on_end(r->on_end_arg);
}

void
link_run_stop(struct link_run *r)
{
	link_run_over(r);
	while (r->thread_count > 0)
		(void)pthread_join(r->thread[--r->thread_count], NULL);
	link_run_unuse(r);
}

bool
link_run_is_over(struct link_run *r)
{
	return conn_is_broken(r->conn);
}

void
link_run_break(struct link_run *r)
{
	(void)pthread_mutex_lock(&r->lock);
	if (r->number != 0)
		conn_break(r->conn);
	(void)pthread_cond_broadcast(&r->changed);
	(void)pthread_mutex_unlock(&r->lock);
	if (r->on_end != NULL)
		r->on_end(r->on_end_arg);
}

struct epoch
link_run_epoch(struct link_run *r)
{
	struct epoch e;

	(void)pthread_mutex_lock(&r->lock);
	e = r->epoch;
	(void)pthread_mutex_unlock(&r->lock);
	return e;
}

void
link_run_set_epoch(struct link_run *r, struct epoch epoch)
{
	(void)pthread_mutex_lock(&r->lock);
	r->epoch = epoch;
	if (r->number != 0)
		conn_set_epoch(r->conn, epoch);
	(void)pthread_cond_broadcast(&r->changed);
	(void)pthread_mutex_unlock(&r->lock);
}

void
link_run_stream(struct link_run *r, uint64_t connection, uint64_t from)
{
	(void)pthread_mutex_lock(&r->lock);
	if (r->number == connection && connection != 0)
		r->stream_from = from;
	(void)pthread_cond_broadcast(&r->changed);
	(void)pthread_mutex_unlock(&r->lock);
}

bool
link_run_enter(struct link_run *r)
{
	bool is_in;

	(void)pthread_mutex_lock(&r->lock);
	is_in = r->number != 0;
	if (is_in)
		r->users++;
	(void)pthread_mutex_unlock(&r->lock);
	return is_in;
}

void
link_run_leave(struct link_run *r)
{
	(void)pthread_mutex_lock(&r->lock);
	if (--r->users == 0)
		(void)pthread_cond_broadcast(&r->changed);
	(void)pthread_mutex_unlock(&r->lock);
}

int
link_run_send(struct link_run *r, struct frame_out *f)
{
	int rc = -1;

	if (link_run_enter(r)) {
		rc = conn_send(r->conn, f->buf, f->len);
		link_run_leave(r);
	}
	if (rc == -1)
		errno = ENOTCONN;
	return rc;
}

uint64_t
link_run_connection(struct link_run *r)
{
	uint64_t n;

	(void)pthread_mutex_lock(&r->lock);
	n = r->number;
	(void)pthread_mutex_unlock(&r->lock);
	return n;
}

void
link_run_bytes(struct link_run *r, uint64_t *sent, uint64_t *received)
{
	(void)pthread_mutex_lock(&r->lock);
	*sent = r->sent_before;
	*received = r->received_before;
	if (r->number != 0) {
		*sent += conn_sent_bytes(r->conn);
		*received += conn_received_bytes(r->conn);
	}
	(void)pthread_mutex_unlock(&r->lock);
}

int64_t
link_run_silence_ms(struct link_run *r)
{
	int64_t ms = -1;

	(void)pthread_mutex_lock(&r->lock);
	if (r->number != 0)
		ms = conn_silence_ms(r->conn);
	(void)pthread_mutex_unlock(&r->lock);
	return ms;
}

/* SPDX-License-Identifier: ISC */
/*
 * What runs on one connection: on the primary a sender and a reader, on the
 * secondary a pool of readers of which one at a time has the connection.
 * Private to link.c.
 */
#ifndef MIRRORD_LINK_RUN_H
#define MIRRORD_LINK_RUN_H

#include <pthread.h>
#include <stdatomic.h>

#include "conn.h"
#include "link.h"

/* A sync blocks its thread, so this many may be in flight on the second. */
#define RUN_THREADS	12
#define RUN_SYNCED_MAX	64

struct link_run {
	struct link_calls	 calls;
	void			*arg;
	struct stream		*stream;
	struct apply		*apply;
	enum link_side		 side;
	bool			 names_wait;	/* of the primary */
	void			(*on_end)(void *arg);
	void			*on_end_arg;

	pthread_mutex_t		 lock;
	pthread_cond_t		 changed;
	struct epoch		 epoch;
	struct epoch		 taken;		/* second: of the last frame */
	struct conn		*conn;		/* in use, or NULL */
	uint64_t		 number;
	unsigned		 users;		/* beside the threads */
	uint64_t		 stream_from;	/* primary: 0 not yet */
	pthread_mutex_t		 turn;		/* who sends the queue */
	uint64_t		 send_seq;	/* under turn; 0 not yet */
	uint64_t		 sent_before;
	uint64_t		 received_before;

	pthread_t		 thread[RUN_THREADS];
	unsigned		 thread_count;
	pthread_mutex_t		 lead;		/* who may read the conn */
	bool			 is_ended;	/* under lead, as the next */
	uint64_t		 unanswered;	/* bytes applied */

	pthread_mutex_t		 answer_lock;
	uint64_t		 synced[RUN_SYNCED_MAX];
	unsigned		 synced_count;
	bool			 is_answering;
	pthread_cond_t		 answered;
};

void	link_run_init(struct link_run *r, const struct link_calls *calls,
	    void *arg, struct stream *s, struct apply *a);
void	link_run_fini(struct link_run *r);
void	link_run_begin(struct link_run *r, enum link_side side,
	    struct epoch epoch, void (*on_end)(void *arg), void *arg);
/* The connection is there for senders; its threads do not run yet. */
void	link_run_use(struct link_run *r, struct conn *c, uint64_t number);
void	link_run_unuse(struct link_run *r);
void	link_run_start(struct link_run *r);
/* Breaks it, waits for threads and senders; conn is the caller's again. */
void	link_run_stop(struct link_run *r);
bool	link_run_is_over(struct link_run *r);
void	link_run_break(struct link_run *r);
struct epoch link_run_epoch(struct link_run *r);
void	link_run_set_epoch(struct link_run *r, struct epoch epoch);
void	link_run_stream(struct link_run *r, uint64_t connection,
	    uint64_t from);
int	link_run_send(struct link_run *r, struct frame_out *f);
uint64_t link_run_connection(struct link_run *r);
void	link_run_bytes(struct link_run *r, uint64_t *sent,
	    uint64_t *received);
int64_t	link_run_silence_ms(struct link_run *r);

/* conn stays as long as one is in.  false: there is none. */
bool	link_run_enter(struct link_run *r);
void	link_run_leave(struct link_run *r);

/* link-primary.c and link-second.c: the bodies of the threads. */
void	*link_sender(void *arg);
void	*link_primary_reader(void *arg);
void	*link_second_reader(void *arg);
/* stream_push()'s. */
void	link_push(void *arg);
/* The connection ended here; wakes everybody. */
void	link_run_over(struct link_run *r);

#endif

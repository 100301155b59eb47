/* SPDX-License-Identifier: ISC */
/*
 * The queue in kept memory: order, bounds, waiting, marks; and what a
 * SIGKILL at any moment leaves to the next life.
 */
#include "../../bin/mirrord/stream.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../bin/mirrord/wire.h"

#include "tap.h"

#define SIZE	(6u * 1024 * 1024)

static uint8_t data[OP_DATA_MAX];

static void *
memory_new(void)
{
	return mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static uint64_t
put(struct stream *s, enum op_type type, uint64_t obj, size_t len)
{
	struct op op;

	memset(&op, 0, sizeof(op));
	op.type = type;
	op.obj = obj;
	op.data = data;
	op.data_len = len;
	return stream_enqueue(s, &op);
}

/* Takes seq from the queue: its object, 0 when it is not there. */
static uint64_t
take(struct stream *s, uint64_t seq)
{
	struct frame_in f;
	struct wire w;
	struct op op;
	const void *p;
	size_t len;

	p = stream_next(s, seq, &len);
	if (p == NULL || wire_open(&f, &w, p, len) == -1 ||
	    f.sequence != seq)
		return 0;
	if (f.type == WT_VOID)
		return UINT64_MAX;
	return op_get(&op, &f, w.oid) == -1 ? 0 : w.oid;
}

static void
test_order(void)
{
	void *m = memory_new();
	struct stream *s = stream_new(m, SIZE);
	struct stream_marks marks;
	uint64_t id = stream_id(s);
	size_t len;

	is_num(put(s, OP_WRITE, 5, 10), 0, "nothing is queued alone");
	stream_set(s, SS_FEED);
	is_num(put(s, OP_WRITE, 5, 10), 1, "the first sequence");
	is_num(put(s, OP_SYNC, 5, 0), 0, "a feed answers syncs alone");
	stream_set(s, SS_BOTH);
	is_num(put(s, OP_SYNC, 6, 0), 2, "a sync is queued");
	is_num(take(s, 1), 5, "taken in order");
	is_num(take(s, 2), 6, "one by one");
	ok(stream_next(s, 3, &len) == NULL, "then none");
	is_num(take(s, 1), 5, "again after a reconnection");
	stream_on_applied(s, 1);
	stream_marks(s, &marks);
	ok(marks.first == 2 && marks.enqueued == 2 && marks.applied == 1,
	    "what was applied is freed");
	stream_on_applied(s, 99);
	stream_marks(s, &marks);
	is_num(marks.applied, 1, "a mark of the future is not believed");
	stream_free(s);
	s = stream_new(m, SIZE);
	stream_marks(s, &marks);
	ok(marks.first == 2 && marks.enqueued == 2 && marks.applied == 1 &&
	    stream_id(s) == id, "the next life takes it up");
	is_num(take(s, 2), 6, "with its content");
	stream_set(s, SS_BOTH);
	stream_reset(s);
	is_num(put(s, OP_WRITE, 7, 1), 3, "a reset goes on counting");
	is_num(take(s, 1), 0, "what was before is not there");
	is_num(take(s, 3), 7, "what is after is");
	stream_free(s);
	(void)munmap(m, SIZE);
}

static void
test_wrap(void)
{
	void *m = memory_new();
	struct stream *s = stream_new(m, SIZE);
	uint64_t i, bad = 0;

	stream_set(s, SS_BOTH);
	for (i = 1; i <= 5000; i++) {
		if (put(s, OP_WRITE, i, (i * 7919) % 300000) != i)
			bad++;
		if (i >= 3) {
			if (take(s, i - 2) != i - 2)
				bad++;
			stream_on_applied(s, i - 2);
		}
		if (i % 1000 == 0) {
			stream_free(s);
			s = stream_new(m, SIZE);
			stream_set(s, SS_BOTH);
		}
	}
	is_num(bad, 0, "5000 entries through a ring of 6 MiB, five lives");
	stream_free(s);
	(void)munmap(m, SIZE);
}

struct job {
	struct stream	*s;
	uint64_t	 seq;
	enum stream_ack	 ack;
	int		 rc;
	atomic_bool	 done;
};

static void *
wait_thread(void *arg)
{
	struct job *j = arg;

	j->rc = stream_wait(j->s, j->seq, j->ack);
	atomic_store(&j->done, true);
	return NULL;
}

static void *
full_thread(void *arg)
{
	struct job *j = arg;

	j->seq = put(j->s, OP_WRITE, 9, 1000000);
	atomic_store(&j->done, true);
	return NULL;
}

static void
nap(long ms)
{
	struct timespec t = { 0, ms * 1000000 };

	(void)nanosleep(&t, NULL);
}

static void
start(pthread_t *t, struct job *j, struct stream *s, uint64_t seq,
    enum stream_ack ack)
{
	j->s = s;
	j->seq = seq;
	j->ack = ack;
	atomic_init(&j->done, false);
	(void)pthread_create(t, NULL, wait_thread, j);
}

static void
on_sync(const struct op *op, void *arg)
{
	*(uint64_t *)arg = *(uint64_t *)arg * 100 + op->seq;
}

static void
test_wait(void)
{
	void *m = memory_new();
	struct stream *s = stream_new(m, SIZE);
	pthread_t t[3];
	struct job j[3];
	uint64_t seen = 0;

	is_num(stream_wait(s, 0, SA_SYNCED), 0, "sequence 0 waits for none");
	stream_set(s, SS_BOTH);
	(void)put(s, OP_SYNC, 1, 0);
	(void)put(s, OP_SYNC, 2, 0);
	(void)put(s, OP_WRITE, 3, 1);
	start(&t[0], &j[0], s, 1, SA_SYNCED);
	start(&t[1], &j[1], s, 2, SA_RECEIVED);
	start(&t[2], &j[2], s, 3, SA_RECEIVED);
	nap(30);
	ok(stream_stall_ms(s) >= 20, "the oldest sync is counted");
	stream_on_applied(s, 2);
	(void)pthread_join(t[1], NULL);
	is_num(j[1].rc, 0, "received is answered by the applied mark");
	nap(10);
	ok(!atomic_load(&j[0].done) && !atomic_load(&j[2].done),
	    "the others wait on");
	stream_on_synced(s, 1);
	(void)pthread_join(t[0], NULL);
	is_num(j[0].rc, 0, "synced is answered one by one");
	nap(30);
	ok(stream_stall_ms(s) >= 20, "who waits for a mark is counted");
	stream_on_applied(s, 3);
	(void)pthread_join(t[2], NULL);
	is_num(j[2].rc, 0, "a write may wait for receipt");
	is_num(stream_stall_ms(s), 0, "nobody waits");

	(void)put(s, OP_SYNC, 1, 0);
	stream_on_synced(s, 4);
	is_num(stream_wait(s, 4, SA_SYNCED), 0, "an answer may come first");
	(void)put(s, OP_SYNC, 1, 0);
	(void)put(s, OP_SYNC, 1, 0);
	stream_on_synced(s, 5);
	stream_each_sync(s, 99, on_sync, &seen);
	is_num(seen, 506, "a new connection sends both again");
	start(&t[0], &j[0], s, 5, SA_SYNCED);
	start(&t[1], &j[1], s, 6, SA_SYNCED);
	nap(10);
	ok(!atomic_load(&j[0].done), "and forgets the old answer");
	stream_set(s, SS_SELF);
	(void)pthread_join(t[0], NULL);
	(void)pthread_join(t[1], NULL);
	ok(j[0].rc == 0 && j[1].rc == 0, "going alone releases all");
	stream_set(s, SS_BOTH);
	(void)put(s, OP_SYNC, 1, 0);
	start(&t[0], &j[0], s, 7, SA_SYNCED);
	nap(10);
	stream_abort(s);
	(void)pthread_join(t[0], NULL);
	is_num(j[0].rc, -ECANCELED, "the end of the role cancels");
	ok(!stream_has_cut(s), "and cuts nothing by itself");
	is_num(put(s, OP_SYNC, 1, 0), 0, "a sync is not sent then");
	ok(!stream_has_cut(s), "which changes nothing");
	is_num(put(s, OP_UNLINK, 1, 0), 0, "nor is a change");
	stream_set(s, SS_BOTH);
	ok(stream_has_cut(s), "which the peer lacks, also while it drains");
	stream_set(s, SS_SELF);
	ok(!stream_has_cut(s), "until all is owed anyway");
	stream_abort(s);
	(void)put(s, OP_UNLINK, 1, 0);
	ok(!stream_has_cut(s), "alone, too");
	stream_free(s);
	(void)munmap(m, SIZE);
}

static void
test_full(void)
{
	void *m = memory_new();
	struct stream *s = stream_new(m, SIZE);
	pthread_t t;
	struct job j;
	unsigned i;

	stream_set(s, SS_BOTH);
	for (i = 0; i < 6; i++)
		if (i < 5)
			(void)put(s, OP_WRITE, i + 1, 1000000);
	j.s = s;
	atomic_init(&j.done, false);
	(void)put(s, OP_WRITE, 6, 1000000);
	(void)pthread_create(&t, NULL, full_thread, &j);
	nap(30);
	ok(!atomic_load(&j.done) && stream_stall_ms(s) >= 20,
	    "a full queue blocks, and that is a stall");
	stream_on_applied(s, 1);
	(void)pthread_join(t, NULL);
	is_num(j.seq, 7, "room lets it go on");
	atomic_store(&j.done, false);
	(void)pthread_create(&t, NULL, full_thread, &j);
	nap(10);
	stream_set(s, SS_SELF);
	(void)pthread_join(t, NULL);
	is_num(j.seq, 0, "going alone releases it");
	stream_free(s);
	(void)munmap(m, SIZE);
}

/* What the child says it had queued when it was killed. */
struct report {
	atomic_uint_fast64_t	seq[4];
	atomic_uint_fast64_t	applied;
};

struct writer {
	struct stream	*s;
	struct report	*r;
	unsigned	 number;
};

static void *
writer_thread(void *arg)
{
	struct writer *w = arg;
	uint64_t n, seq;

	for (n = 1;; n++) {
		seq = put(w->s, OP_WRITE, (uint64_t)w->number << 32 | n,
		    (n * 4001) % 9000);
		atomic_store(&w->r->seq[w->number - 1], seq);
	}
	return NULL;
}

static void
child(void *memory, struct report *r)
{
	struct stream *s = stream_new(memory, SIZE);
	struct writer w[4];
	pthread_t t;
	unsigned i;
	size_t len;
	uint64_t first = atomic_load(&r->applied) + 1, seq = first;

	stream_set(s, SS_BOTH);
	for (i = 0; i < 4; i++) {
		w[i].s = s;
		w[i].r = r;
		w[i].number = i + 1;
		(void)pthread_create(&t, NULL, writer_thread, &w[i]);
	}
	for (;;) {
		while (stream_next(s, seq, &len) == NULL)
			stream_await(s);
		if (seq % 64 == 0 && seq - 32 >= first) {
			atomic_store(&r->applied, seq - 32);
			stream_on_applied(s, seq - 32);
		}
		seq++;
	}
}

/* One life: killed after `us'; the next one must find everything. */
static bool
life(void *memory, struct report *r, long us, uint64_t *voids)
{
	struct timespec t = { 0, us * 1000 };
	struct stream_marks m;
	struct stream *s;
	uint64_t seq, oid;
	pid_t pid;
	unsigned i;
	bool good = true;

	pid = fork();
	if (pid == 0) {
		child(memory, r);
		_exit(0);
	}
	(void)nanosleep(&t, NULL);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	s = stream_new(memory, SIZE);
	stream_marks(s, &m);
	for (i = 0; i < 4; i++)
		good = good && atomic_load(&r->seq[i]) <= m.enqueued;
	good = good && m.first <= atomic_load(&r->applied) + 1;
	for (seq = m.first; good && seq <= m.enqueued; seq++) {
		oid = take(s, seq);
		if (oid == UINT64_MAX)
			(*voids)++;
		good = oid != 0;
	}
	/* No entry that was reported may be a hole. */
	for (i = 0; good && i < 4; i++) {
		seq = atomic_load(&r->seq[i]);
		if (seq >= m.first && seq != 0)
			good = take(s, seq) >> 32 == i + 1;
	}
	if (m.enqueued > 0) {
		stream_on_applied(s, m.enqueued);
		atomic_store(&r->applied, m.enqueued);
	}
	stream_free(s);
	return good;
}

static void
test_kill(void)
{
	void *m = memory_new();
	struct report *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t voids = 0;
	unsigned i, bad = 0;

	srand(42);
	for (i = 0; i < 60; i++)
		if (!life(m, r, 500 + rand() % 8000, &voids))
			bad++;
	is_num(bad, 0, "60 kills: nothing that was queued is lost");
	ok(atomic_load(&r->applied) > 1000, "and much was (%llu, %llu holes)",
	    (unsigned long long)atomic_load(&r->applied),
	    (unsigned long long)voids);
	(void)munmap(m, SIZE);
	(void)munmap(r, sizeof(*r));
}

int
main(void)
{
	test_order();
	test_wrap();
	test_wait();
	test_full();
	test_kill();
	return tap_done();
}

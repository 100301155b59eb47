/* SPDX-License-Identifier: ISC */
/*
 * The door of changes: whatever the peer has not durably is in the sets, and
 * after a crash of this node in what the two logs tell; at checkpoints of
 * any timing.  The stream is a counter.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../bin/mirrord/change.h"
#include "scratch.h"
#include "tap.h"

struct stream {
	atomic_bool	both;
	atomic_uint_fast64_t seq;
};

uint64_t
stream_enqueue(struct stream *s, const struct op *op)
{
	(void)op;
	return atomic_load(&s->both) ? atomic_fetch_add(&s->seq, 1) + 1 : 0;
}

static uint64_t rng = 88172645463325252u;

static unsigned
rnd(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)((rng >> 11) % n);
}

/* ---- a node's memory ---- */

struct memory {
	int		 dir;
	struct stream	 stream;
	struct actlog	*al;
	struct dirty	*log;
	struct dirtyset	*set;
	struct change	*c;
};

static void
memory_open(struct memory *m)
{
	struct actlog_slot *s = NULL;
	unsigned n;

	m->al = actlog_open(m->dir, "m", 1, &s, &n);
	free(s);
	m->set = dirtyset_new();
	m->log = dirty_open(m->dir, "m", 1, m->set);
	if (m->al == NULL || m->log == NULL) {
		printf("Bail out! logs: %s\n", strerror(errno));
		exit(1);
	}
	m->c = change_new(m->al, m->log, m->set, &m->stream);
}

static void
memory_close(struct memory *m)
{
	change_free(m->c);
	dirtyset_free(m->set);
	dirty_close(m->log);
	actlog_close(m->al);
}

static void
memory_up(struct memory *m)
{
	memset(m, 0, sizeof(*m));
	m->dir = scratch_up();
	memory_open(m);
}

static void
memory_down(struct memory *m)
{
	memory_close(m);
	scratch_down(m->dir);
}

static void
crash(struct memory *m)
{
	memory_close(m);
	memory_open(m);
}

/* ---- what a set covers ---- */

struct question {
	uint64_t	oid;
	uint64_t	extent;		/* of data; UINT64_MAX: the name */
	const char	*name;
	bool		yes;
};

static int
ask_item(const struct dirty_item *it, void *arg)
{
	struct question *q = arg;
	unsigned i, b;

	if (q->name != NULL && it->oid == 1) {
		b = dirty_bucket(q->name);
		q->yes |= it->all_names || (it->buckets != NULL &&
		    (it->buckets[b / 8] & 1u << (b & 7)) != 0);
		for (i = 0; i < it->name_count; i++)
			q->yes |= strcmp(it->name[i], q->name) == 0;
	}
	if (q->name != NULL || it->oid != q->oid)
		return 0;
	q->yes |= it->whole || it->tail_from / ACTLOG_EXTENT <= q->extent;
	for (i = 0; i < it->extent_count; i++)
		q->yes |= it->extent[i] == q->extent;
	return 0;
}

static bool
covers_name(const struct dirtyset *d, const char *name)
{
	struct question q = { 0, UINT64_MAX, name, dirtyset_is_all(d) };

	(void)dirtyset_walk(d, ask_item, &q);
	return q.yes;
}

static bool
covers_data(const struct dirtyset *d, uint64_t oid, uint64_t extent)
{
	struct question q = { oid, extent, NULL, dirtyset_is_all(d) };
	char name[32];

	(void)dirtyset_walk(d, ask_item, &q);
	if (q.yes)
		return true;
	/* Rule R15: new, and below a hot name. */
	snprintf(name, sizeof(name), "o%llx", (unsigned long long)oid);
	return dirtyset_is_new(d, oid) && covers_name(d, name);
}

/* What is owed after going alone, durable or not. */
static struct dirtyset *
owed(struct memory *m)
{
	struct dirtyset *d;

	if (change_go_alone(m->c) != 0)
		printf("# cannot go alone\n");
	d = change_track_start(m->c);
	change_track_stop(m->c);
	return d;
}

/* ---- ops ---- */

static struct op
write_op(uint64_t oid, uint64_t extent)
{
	return (struct op){ .type = OP_WRITE, .obj = oid,
	    .off = extent * ACTLOG_EXTENT + 5, .data_len = 10 };
}

static struct op
create_op(uint64_t oid)
{
	struct op op = { .type = OP_CREATE, .dir = 1, .obj = oid };

	snprintf(op.name, sizeof(op.name), "o%llx", (unsigned long long)oid);
	return op;
}

static uint64_t
run(struct memory *m, struct op op)
{
	if (change_begin(m->c, &op) != 0)
		return 0;
	return change_commit(m->c, &op);
}

static unsigned
slots(struct memory *m)
{
	struct actlog_slot *s;
	unsigned n;

	s = actlog_list(m->al, &n);
	free(s);
	return n;
}

static void
checkpoint(struct memory *m)
{
	uint64_t seq = atomic_load(&m->stream.seq);

	change_checkpoint_begin(m->c, seq);
	change_checkpoint_done(m->c, seq);
}

#define STORE	(1ull << 56 | 1ull << 40)

static void
test_rotation(void)
{
	struct memory m;
	struct dirtyset *d;

	memory_up(&m);
	atomic_store(&m.stream.both, true);
	run(&m, write_op(STORE | 5, 1));
	is_num(slots(&m), 1, "one hot slot");
	checkpoint(&m);
	is_num(slots(&m), 1, "one checkpoint does not cool it");
	run(&m, write_op(STORE | 6, 2));
	checkpoint(&m);
	is_num(slots(&m), 1, "the second does");
	checkpoint(&m);
	is_num(slots(&m), 0, "then the next");
	run(&m, write_op(STORE | 7, 3));
	d = owed(&m);
	ok(!covers_data(d, STORE | 5, 1) && !covers_data(d, STORE | 6, 2) &&
	    covers_data(d, STORE | 7, 3), "durable on both is not owed");
	dirtyset_free(d);
	crash(&m);
	ok(covers_data(m.set, STORE | 7, 3), "going alone made it durable");
	memory_down(&m);

	memory_up(&m);
	atomic_store(&m.stream.both, true);
	run(&m, write_op(STORE | 5, 1));
	checkpoint(&m);
	run(&m, write_op(STORE | 6, 2));
	change_checkpoint_begin(m.c, 2);
	run(&m, write_op(STORE | 7, 3));
	d = owed(&m);
	ok(covers_data(d, STORE | 5, 1) && covers_data(d, STORE | 6, 2) &&
	    covers_data(d, STORE | 7, 3), "alone: the union of all periods");
	dirtyset_free(d);
	change_checkpoint_done(m.c, 2);
	d = owed(&m);
	ok(covers_data(d, STORE | 5, 1), "a late answer takes nothing away");
	dirtyset_free(d);
	is_num(change_level(m.c), -EBUSY, "alone is not level");
	change_connect(m.c);
	is_num(change_level(m.c), 0, "level");
	crash(&m);
	ok(dirtyset_is_empty(m.set), "the log is empty");
	memory_down(&m);
}

static void
test_in_hand(void)
{
	struct op op = write_op(STORE | 5, 1);
	struct memory m;
	struct dirtyset *d;
	unsigned i;

	memory_up(&m);
	atomic_store(&m.stream.both, true);
	(void)change_begin(m.c, &op);
	for (i = 0; i < 6; i++)
		checkpoint(&m);
	is_num(slots(&m), 1, "what is in hand stays hot");
	(void)change_commit(m.c, &op);
	d = owed(&m);
	ok(covers_data(d, STORE | 5, 1), "and is owed");
	dirtyset_free(d);
	memory_down(&m);

	memory_up(&m);
	(void)change_begin(m.c, &op);
	is_num(change_freeze(m.c, 20), -ETIMEDOUT, "no freeze while in hand");
	change_abort(m.c, &op);
	is_num(change_freeze(m.c, 20), 0, "aborted: frozen");
	change_thaw(m.c);
	op = write_op(STORE | 6, 1);
	(void)change_begin(m.c, &op);
	/* The same thread begins again without an end: not for ever. */
	(void)change_begin(m.c, &op);
	change_abort(m.c, &op);
	is_num(change_freeze(m.c, 20), 0, "a forgotten end does no harm");
	change_thaw(m.c);
	d = owed(&m);
	ok(covers_data(d, STORE | 5, 1), "what failed is owed");
	dirtyset_free(d);
	memory_down(&m);
}

struct worker {
	struct memory	*m;
	atomic_bool	 stop;
	atomic_uint	 done;
};

static void *
worker_main(void *arg)
{
	struct worker *w = arg;

	while (!atomic_load(&w->stop)) {
		run(w->m, write_op(STORE | 9, 0));
		atomic_fetch_add(&w->done, 1);
	}
	return NULL;
}

static void
test_freeze(void)
{
	struct timespec t = { 0, 3000000 };
	struct worker w = { 0 };
	struct memory m;
	pthread_t th[3];
	unsigned i, before, moved = 0;

	memory_up(&m);
	w.m = &m;
	for (i = 0; i < 3; i++)
		pthread_create(&th[i], NULL, worker_main, &w);
	for (i = 0; i < 20; i++) {
		nanosleep(&t, NULL);
		if (change_freeze(m.c, 10000) != 0) {
			moved = 99;
			break;
		}
		before = atomic_load(&w.done);
		nanosleep(&t, NULL);
		/* The end of the last one may be counted late. */
		moved += atomic_load(&w.done) > before + 3;
		change_thaw(m.c);
	}
	atomic_store(&w.stop, true);
	for (i = 0; i < 3; i++)
		pthread_join(th[i], NULL);
	is_num(moved, 0, "20 freezes: nothing moves");
	ok(atomic_load(&w.done) > 0, "and it goes on after each");
	memory_down(&m);
}

static void
test_new_objects(void)
{
	struct memory m;
	unsigned i, hot;

	memory_up(&m);
	(void)change_go_alone(m.c);
	run(&m, create_op(STORE | 100));
	run(&m, write_op(STORE | 100, 0));
	is_num(slots(&m), 2, "before the first checkpoint all have records");
	is_num(change_flush(m.c), 0, "flush");
	hot = slots(&m);
	for (i = 0; i < 50; i++) {
		run(&m, create_op(STORE | (200 + i)));
		run(&m, write_op(STORE | (200 + i), 7));
	}
	ok(slots(&m) <= hot + 50 + 1, "new objects have none: %u slots",
	    slots(&m));
	ok(actlog_mark(m.al) != 0 && actlog_mark(m.al) <= (STORE | 200),
	    "the mark is below them");
	crash(&m);
	(void)change_go_alone(m.c);
	crash(&m);
	hot = 0;
	for (i = 0; i < 50; i++)
		hot += covers_data(m.set, STORE | (200 + i), 7);
	is_num(hot, 50, "and finds them after a crash");
	memory_down(&m);
}

static int
count_listed(const struct dirty_item *it, void *arg)
{
	unsigned *n = arg;

	*n += it->all_names;
	return 0;
}

/* Rule R16: files made in a new directory need one record, not one each. */
static void
test_new_directory(void)
{
	struct memory m;
	struct op dir = create_op(STORE | 200), op;
	unsigned i, hot, listed = 0, bad = 0;

	memory_up(&m);
	atomic_store(&m.stream.both, true);
	run(&m, create_op(STORE | 100));
	checkpoint(&m);
	dir.type = OP_MKDIR;
	run(&m, dir);
	hot = slots(&m);
	for (i = 0; i < 500; i++) {
		op = create_op(STORE | (300 + i));
		op.dir = dir.obj;
		bad += run(&m, op) == 0;
	}
	is_num(bad, 0, "500 files in a new directory");
	is_num(slots(&m), hot + 1, "one record for them");
	/* Old by then: the record is still there and goes on covering it. */
	checkpoint(&m);
	hot = slots(&m);
	op = create_op(STORE | 900);
	op.dir = dir.obj;
	run(&m, op);
	is_num(slots(&m), hot, "and for later ones, as long as it is hot");
	crash(&m);
	(void)change_go_alone(m.c);
	crash(&m);
	(void)dirtyset_walk(m.set, count_listed, &listed);
	is_num(listed, 1, "after a crash it is listed whole");
	memory_down(&m);

	memory_up(&m);
	atomic_store(&m.stream.both, true);
	for (i = 0; i < 100; i++)
		run(&m, create_op(STORE | (300 + i)));
	ok(slots(&m) > 50, "an old one has a record a bucket");
	memory_down(&m);
}

static void
test_tight(void)
{
	struct memory m;
	unsigned i, bad = 0;

	memory_up(&m);
	(void)change_go_alone(m.c);
	/* Cold extents without end: alone it makes room by itself. */
	for (i = 0; i < 4500; i += 2) {
		struct op op = { .type = OP_RENAME, .dir = 100 + i,
		    .name = "a", .dir2 = 101 + i, .name2 = "b" };

		bad += run(&m, op) != 0 || change_begin(m.c, &op) != 0;
		change_abort(m.c, &op);
	}
	is_num(bad, 0, "4,500 slots alone");
	crash(&m);
	ok(!dirtyset_is_empty(m.set), "what left is in the dirty log");
	memory_down(&m);
}

/* ---- any timing ---- */

struct done {
	uint64_t	seq;
	uint64_t	oid;
	uint64_t	extent;		/* UINT64_MAX: created */
};

/*
 * One life: random changes, checkpoints begun with a sequence that may be
 * old, confirmed or not.  Then the peer is lost, or we crash.
 */
static unsigned
play(struct memory *m, bool by_crash)
{
	static struct done done[400];
	uint64_t durable = 0, begun = 0, oid, next = 1000, known[40];
	unsigned n = 0, i, bad = 0, have = 0, steps = 20 + rnd(250);
	struct dirtyset *d;
	struct op op;
	char name[32];

	atomic_store(&m->stream.both, true);
	for (i = 0; i < steps; i++) {
		/* Read before whatever comes between, as a caller may. */
		uint64_t seq = atomic_load(&m->stream.seq);

		oid = have > 0 && rnd(5) ? known[rnd(have)] : STORE | rnd(9);
		op = write_op(oid, rnd(4));
		if (rnd(4) == 0 && have < 40) {
			known[have++] = STORE | next;
			op = create_op(STORE | next++);
		}
		if (change_begin(m->c, &op) != 0)
			continue;
		if (rnd(6) == 0) {
			begun = seq;
			change_checkpoint_begin(m->c, seq);
		}
		if (rnd(6) == 0 && begun != 0) {
			durable = begun;
			change_checkpoint_done(m->c, begun);
		}
		done[n].seq = change_commit(m->c, &op);
		done[n].oid = op.obj;
		done[n++].extent = op.type == OP_WRITE ?
		    op.off / ACTLOG_EXTENT : UINT64_MAX;
	}
	if (by_crash)
		crash(m);
	d = owed(m);
	for (i = 0; i < n; i++) {
		if (done[i].seq <= durable)
			continue;
		snprintf(name, sizeof(name), "o%llx",
		    (unsigned long long)done[i].oid);
		bad += done[i].extent == UINT64_MAX ? !covers_name(d, name) :
		    !covers_data(d, done[i].oid, done[i].extent);
	}
	dirtyset_free(d);
	return bad;
}

static void
test_random(void)
{
	struct memory m;
	unsigned i, bad = 0;

	for (i = 0; i < 24; i++) {
		memory_up(&m);
		bad += play(&m, i % 2);
		memory_down(&m);
	}
	is_num(bad, 0, "24 lives: all that is not durable there is owed");
}

/* ---- a log that cannot be written ---- */

static int log_answer, log_asked;

static int
on_log_error(int error, void *arg)
{
	(void)arg;
	log_asked++;
	return log_answer == 0 ? 0 : error;
}

/* The descriptor of the activity log becomes one that takes no writes. */
static int
break_log(int dir)
{
	char path[64], link[512];
	struct stat want, st;
	int fd, null;

	if (fstatat(dir, "al", &want, 0) == -1)
		return -1;
	for (fd = 3; fd < 256; fd++) {
		if (fstat(fd, &st) == -1 || st.st_ino != want.st_ino ||
		    st.st_dev != want.st_dev)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, link, sizeof(link)) == -1)
			return -1;
		null = open("/dev/full", O_RDWR | O_CLOEXEC);
		return null != -1 && dup2(null, fd) == fd ? 0 : -1;
	}
	return -1;
}

/* R21: not without leave, which is asked for once; then as usual. */
static void
test_log_error(void)
{
	struct memory m;
	struct op op = { .type = OP_WRITE, .obj = 1000, .data_len = 10 };

	memory_up(&m);
	atomic_store(&m.stream.both, true);
	is_num(change_begin(m.c, &op), 0, "the log can be written");
	ok(change_commit(m.c, &op) != 0, "and the change is queued");
	is_num(break_log(m.dir), 0, "now it cannot");
	op.obj = 2000;
	ok(change_begin(m.c, &op) < 0, "nobody to ask: an error");
	log_answer = -1;
	change_on_log_error(m.c, on_log_error, NULL);
	ok(change_begin(m.c, &op) < 0 && log_asked == 1, "no leave: an error");
	ok(!change_is_unlogged(m.c), "nothing goes without the log");
	log_answer = 0;
	is_num(change_begin(m.c, &op), 0, "with leave it goes on");
	ok(change_commit(m.c, &op) != 0 && change_is_unlogged(m.c),
	    "queued for the peer, and said");
	op.obj = 3000;
	is_num(change_begin(m.c, &op), 0, "the next one");
	(void)change_commit(m.c, &op);
	is_num(log_asked, 2, "does not ask again");
	ok(change_reset(m.c) != 0 && change_is_unlogged(m.c),
	    "not over while it cannot be written");
	memory_down(&m);
}

int
main(void)
{
	test_rotation();
	test_in_hand();
	test_freeze();
	test_new_objects();
	test_new_directory();
	test_tight();
	test_random();
	test_log_error();
	return tap_done();
}

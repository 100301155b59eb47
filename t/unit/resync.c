/* SPDX-License-Identifier: ISC */
/*
 * Two nodes in one process with a link of two queues: random trees, random
 * changes while the resync runs, cut links, restarts of either node from
 * its durable state, takeovers with remains of the crashed primary.  At the
 * end of each reunion both trees must be equal.  The seed is printed; a
 * second argument sets the number of rounds.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"

#include "../../bin/mirrord/change.h"
#include "../../bin/mirrord/meet.h"
#include "../../bin/mirrord/resync.h"
#include "../../bin/mirrord/store.h"
#include "../../bin/mirrord/wire.h"
#include "resync-app.h"
#include "resync-link.h"
#include "tap.h"
#include "tree.h"

/* ---- nodes ---- */

struct stream {
	atomic_bool	 both;
	struct queue	*q;
	uint64_t	 seq;
	pthread_mutex_t	 lock;
};

struct node {
	struct tree	 tree;
	struct host	 host;		/* as the application sees it */
	int		 statefd;
	uint8_t		 id;
	struct gen_file	*gen;
	struct actlog	*al;
	struct dirty	*log;
	struct dirtyset	*set;
	struct change	*change;
	struct resync	*resync;
	struct stream	 stream;
	struct queue	 in;		/* frames for this node */
	struct node	*peer;
	pthread_t	 receiver;
	atomic_int	 ready, joined, failed;
	atomic_long	 cut_after;	/* frames, then the link breaks */
	bool		 primary;
	uint64_t	 next_oid;
	bool		 link_open;
};

static struct node N[2];
static unsigned bad_ops;

uint64_t
stream_enqueue(struct stream *s, const struct op *op)
{
	static uint8_t buf[FRAME_MAX_LEN];
	struct frame_out f;
	uint64_t seq;

	if (!atomic_load(&s->both))
		return 0;
	/* One primary at a time, so one buffer. */
	pthread_mutex_lock(&s->lock);
	seq = ++s->seq;
	op_put(&f, buf, FRAME_MAX_LEN, op);
	if (frame_end(&f) != 0 && s->q != NULL)
		(void)queue_put(s->q, f.buf, f.len);
	pthread_mutex_unlock(&s->lock);
	return seq;
}

static int
send_to_peer(struct frame_out *f, void *arg)
{
	struct node *n = arg;

	if (atomic_fetch_sub(&n->cut_after, 1) == 1) {
		queue_close(&n->in);
		queue_close(&n->peer->in);
		return -1;
	}
	return queue_put(&n->peer->in, f->buf, f->len);
}

static int
strict(void *arg)
{
	struct node *n = arg;

	n->stream.q = &n->peer->in;
	atomic_store(&n->stream.both, true);
	return 0;
}

static void
on_event(enum resync_event e, void *arg)
{
	struct node *n = arg;

	if (e == RE_READY)
		atomic_store(&n->ready, 1);
	else if (e == RE_JOINED)
		atomic_store(&n->joined, 1);
	else if (e == RE_FAILED)
		atomic_store(&n->failed, 1);
}

static void *
receive(void *arg)
{
	struct node *n = arg;
	struct packet *p;
	struct frame_in f;
	struct wire w;
	struct op op;
	int rc;

	while ((p = queue_get(&n->in)) != NULL) {
		rc = wire_open(&f, &w, p->data, p->len);
		if (rc == 0 && f.type >= WT_RESYNC_MIN)
			rc = resync_on_frame(n->resync, &f, w.oid);
		else if (rc == 0) {
			rc = op_get(&op, &f, w.oid) == 0 ?
			    store_exec(n->tree.objects, &op, NULL) : -EPROTO;
			if (rc != 0) {
				bad_ops++;
				printf("# %s on the peer: %s\n",
				    op_name(op.type), strerror(-rc));
				rc = 0;
			}
		}
		free(p);
		if (rc != 0)
			break;
	}
	queue_close(&n->in);
	queue_close(&n->peer->in);
	return NULL;
}

static void
node_open(struct node *n)
{
	struct actlog_slot *slot = NULL;
	unsigned count;
	struct resync_conf conf = { .root_count = 1, .send = send_to_peer,
	    .strict = strict, .on_event = on_event, .arg = n };

	n->gen = gen_open(n->statefd, "m", n->id);
	n->al = actlog_open(n->statefd, "m", n->id, &slot, &count);
	free(slot);
	n->set = dirtyset_new();
	n->log = dirty_open(n->statefd, "m", n->id, n->set);
	if (n->gen == NULL || n->al == NULL || n->log == NULL) {
		printf("# state of node %u: %s\n", n->id, strerror(errno));
		exit(1);
	}
	memset(&n->stream, 0, sizeof(n->stream));
	pthread_mutex_init(&n->stream.lock, NULL);
	n->change = change_new(n->al, n->log, n->set, &n->stream);
	n->host.objects = n->tree.objects;
	n->host.change = n->change;
	conf.objects = n->tree.objects;
	conf.gen = n->gen;
	conf.change = n->change;
	conf.actlog = n->al;
	conf.node = n->id;
	n->resync = resync_new(&conf);
}

static void
node_close(struct node *n)
{
	resync_free(n->resync);
	change_free(n->change);
	dirtyset_free(n->set);
	dirty_close(n->log);
	actlog_close(n->al);
	gen_close(n->gen);
	n->resync = NULL;
}

static void
link_up(void)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		queue_init(&N[i].in);
		atomic_store(&N[i].ready, 0);
		atomic_store(&N[i].joined, 0);
		atomic_store(&N[i].failed, 0);
		N[i].link_open = true;
	}
	for (i = 0; i < 2; i++)
		pthread_create(&N[i].receiver, NULL, receive, &N[i]);
}

static void
link_down(void)
{
	unsigned i;

	if (!N[0].link_open)
		return;
	for (i = 0; i < 2; i++)
		queue_close(&N[i].in);
	for (i = 0; i < 2; i++)
		pthread_join(N[i].receiver, NULL);
	for (i = 0; i < 2; i++)
		resync_stop(N[i].resync);
	/* A primary goes on, unheard, until its role machine knows. */
	for (i = 0; i < 2; i++) {
		pthread_mutex_lock(&N[i].stream.lock);
		N[i].stream.q = NULL;
		pthread_mutex_unlock(&N[i].stream.lock);
	}
	for (i = 0; i < 2; i++) {
		queue_fini(&N[i].in);
		N[i].link_open = false;
	}
}

/* What a killed mirrord does: nothing is flushed, all is read again. */
static void
node_restart(struct node *n)
{
	node_close(n);
	n->next_oid += 1u << 21;
	if (!tree_again(&n->tree, n->id, n->next_oid)) {
		printf("# objects of node %u: %s\n", n->id, strerror(errno));
		exit(1);
	}
	node_open(n);
}

/* ---- role machine of the test ---- */

static void
go_alone(struct node *n)
{
	struct gen_uuid u;
	struct gen g;

	atomic_store(&n->stream.both, false);
	gen_read(n->gen, &g);
	gen_uuid_random(&u);
	gen_begin(&g, &u);
	g.alone = true;
	g.level = true;
	g.resyncing = (struct gen_uuid){ 0 };
	g.role = GR_PRIM;
	gen_write(n->gen, &g);
	if (change_go_alone(n->change) != 0)
		printf("# node %u: cannot go alone\n", n->id);
	n->primary = true;
	n->peer->primary = false;
}

static void
clear_alone(struct gen *g, void *arg)
{
	(void)arg;
	g->alone = false;
}

static struct node *
source(void)
{
	return N[0].primary ? &N[0] : &N[1];
}

static bool
wait_for(atomic_int *flag, struct node *s)
{
	struct timespec t = { 0, 1000000 };
	unsigned i;

	for (i = 0; i < 60000 && !atomic_load(flag); i++) {
		if (atomic_load(&s->failed) || atomic_load(&s->peer->failed) ||
		    s->in.closed || s->peer->in.closed)
			return false;
		nanosleep(&t, NULL);
	}
	return atomic_load(flag);
}

static enum meet_verdict last_verdict;
static struct resync_status last_status;

/* One try: true when both are level. */
static bool
reunite(bool join)
{
	struct node *s = source(), *t = s->peer;
	struct meet_side a = { 0 }, b = { 0 };
	struct epoch e = { 0, 1, 1 };
	struct gen gs, gt;
	struct meet m;
	bool done = false;

	gen_read(s->gen, &gs);
	gen_read(t->gen, &gt);
	a = (struct meet_side){ .node = s->id, .name = "s", .gen = &gs,
	    .is_primary = true };
	b = (struct meet_side){ .node = t->id, .name = "t", .gen = &gt,
	    .is_new = gen_is_new(t->gen) };
	meet_decide(&m, &a, &b);
	last_verdict = m.verdict;
	if (m.verdict == MV_REFUSE || m.verdict == MV_DIVERGED) {
		printf("# %s\n", m.text);
		return false;
	}
	link_up();
	if (resync_target_start(t->resync, &gs, &m) != 0 ||
	    resync_source_start(s->resync, &m) != 0)
		printf("# resync does not start\n");
	else if (wait_for(&s->ready, s) && join) {
		gen_update(s->gen, clear_alone, NULL);
		if (resync_join(s->resync, e) == 0)
			done = wait_for(&s->joined, s);
	}
	resync_status(s->resync, &last_status);
	if (!done) {
		if (last_status.error[0] != '\0' && s->cut_after > 0)
			printf("# %s\n", last_status.error);
		link_down();
	}
	return done;
}

static void
app_start(pthread_t *t, uint64_t seed)
{
	source()->host.seed = seed;
	atomic_store(&source()->host.stop, false);
	pthread_create(t, NULL, application, &source()->host);
}

static void
app_end(pthread_t t)
{
	atomic_store(&source()->host.stop, true);
	pthread_join(t, NULL);
}

/* All that was queued has been applied. */
static void
drain(void)
{
	struct timespec t = { 0, 1000000 };
	struct queue *q = &source()->peer->in;
	unsigned i, quiet = 0;

	for (i = 0; i < 20000 && quiet < 20; i++) {
		pthread_mutex_lock(&q->lock);
		quiet = q->count == 0 ? quiet + 1 : 0;
		pthread_mutex_unlock(&q->lock);
		nanosleep(&t, NULL);
	}
}

static void
check_equal(const char *what, unsigned round)
{
	ok(trees_differ(N[0].tree.data, N[1].tree.data) == 0 &&
	    stage_count(source()->peer->tree.data) == 0,
	    "round %u: equal after %s (%s, %u passes, %llu files, %llu KiB "
	    "sent, freeze %lld ms)", round, what,
	    meet_verdict_str(last_verdict), last_status.passes,
	    (unsigned long long)last_status.files,
	    (unsigned long long)last_status.sent_bytes / 1024,
	    (long long)last_status.freeze_ms);
}

/* A reunion under load, with `cuts' broken tries and restarts before it. */
static void
reunion(unsigned cuts, const char *what, unsigned round)
{
	struct node *s = source();
	pthread_t app;
	unsigned i;
	bool done = false;

	app_start(&app, rnd(1u << 30));
	for (i = 0; i < cuts; i++) {
		atomic_store(&s->cut_after, 1 + (long)rnd(rnd(3) ? 60 : 600));
		if (reunite(true)) {
			done = true;
			break;
		}
		app_end(app);
		if (rnd(2))
			node_restart(s->peer);
		if (rnd(2)) {
			node_restart(s);
			go_alone(s);
		} else if (atomic_load(&s->stream.both)) {
			go_alone(s);
		} else {
			struct gen g;

			gen_read(s->gen, &g);
			if (!g.alone)
				go_alone(s);
		}
		app_start(&app, rnd(1u << 30));
	}
	atomic_store(&s->cut_after, 1L << 40);
	for (i = 0; i < 3 && !done; i++)
		done = reunite(true);
	app_end(app);
	if (!ok(done, "round %u: level after %s", round, what)) {
		printf("# %s\n", last_status.error);
		return;
	}
	drain();
	check_equal(what, round);
}

static void
some_changes(unsigned count)
{
	while (count-- > 0)
		change_one(&source()->host);
}

/* As the role machine does: begun, and confirmed when all is applied. */
static void
checkpoints(unsigned count)
{
	struct node *s = source();
	uint64_t seq;

	while (count-- > 0 && atomic_load(&s->stream.both)) {
		some_changes(10);
		seq = s->stream.seq;
		change_checkpoint_begin(s->change, seq);
		some_changes(rnd(20));
		drain();
		change_checkpoint_done(s->change, seq);
	}
}

/* The primary dies: what it had in hand is on its disk only. */
static void
takeover(void)
{
	struct node *p = source(), *s = p->peer;

	link_down();
	/* Acknowledged by nobody: remains that must vanish. */
	some_changes(30);
	node_restart(p);
	node_restart(s);
	go_alone(s);
}

/* Both nodes at once lose their processes at a durable step. */
static const int step[] = { 1, 26, 30, 31, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45 };
#define STEPS (sizeof(step) / sizeof(step[0]))

static void
both_open(void)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		N[i].next_oid += 1u << 21;
		if (!tree_again(&N[i].tree, N[i].id, N[i].next_oid))
			exit(3);
		node_open(&N[i]);
	}
}

static void
both_close(void)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		node_close(&N[i]);
		objects_close(N[i].tree.objects);
		N[i].tree.objects = NULL;
	}
}

/* Level, then a takeover, then a reunion that is killed. */
static void
step_child(int number)
{
	pthread_t app;
	char env[32];

	both_open();
	go_alone(source());
	if (!reunite(true))
		_exit(4);
	some_changes(40);
	drain();
	takeover();
	some_changes(60);
	/* Some are passed once only. */
	snprintf(env, sizeof(env), "%d:%u", number,
	    number >= 37 && number <= 40 ? 1 + rnd(3) : 1);
	setenv("HOLDFAST_FAIL", env, 1);
	fail_init("mirrord");
	app_start(&app, rnd(1u << 30));
	(void)reunite(true);
	(void)change_flush(source()->change);
	_exit(0);
}

static void
test_steps(void)
{
	unsigned i, killed = 0;
	int status;
	pid_t pid;

	if (!fail_is_built()) {
		ok(true, "steps # SKIP needs --enable-failpoints");
		return;
	}
	both_close();
	for (i = 0; i < STEPS; i++) {
		fflush(stdout);
		(void)rnd(2); /* another life for each child */
		pid = fork();
		if (pid == 0)
			step_child(step[i]);
		(void)waitpid(pid, &status, 0);
		killed += WIFSIGNALED(status);
		if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
			printf("# step %d: exit %d\n", step[i],
			    WEXITSTATUS(status));
		/* The takeover was before it; ids are never given again. */
		N[0].next_oid += 4u << 21;
		N[1].next_oid += 4u << 21;
		N[0].primary = !N[0].primary;
		N[1].primary = !N[1].primary;
		both_open();
		go_alone(source());
		ok(reunite(true), "step %d: level", step[i]);
		drain();
		check_equal("a crash of both", (unsigned)step[i]);
		link_down();
		both_close();
	}
	ok(killed >= STEPS - 3, "%u of %zu steps were reached", killed,
	    STEPS);
	both_open();
}

static void
second_lost(void)
{
	struct node *p = source();

	link_down();
	go_alone(p);
	node_restart(p->peer);
}

/* Not inlined: gcc would warn of lengths it cannot know. */
static __attribute__((noinline)) bool
node_up(struct node *n, uint8_t id)
{
	if (!tree_up(&n->tree, id))
		return false;
	n->id = id;
	n->next_oid = 1000;
	atomic_store(&n->cut_after, 1L << 40);
	n->statefd = open(n->tree.state, O_RDONLY | O_DIRECTORY);
	node_open(n);
	return true;
}

int
main(int argc, char **argv)
{
	unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 6;
	unsigned i, k;
	uint64_t seed;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	printf("# seed %llu\n", (unsigned long long)seed);
	rnd_seed(seed);
	app_init();
	for (i = 0; i < 2; i++) {
		if (!node_up(&N[i], (uint8_t)(i + 1)))
			return tree_skip();
		N[i].peer = &N[1 - i];
	}
	umask(0);
	/* What was there before us has no ids. */
	(void)mkdirat(N[0].tree.fd, "n5", 0755);
	(void)close(openat(N[0].tree.fd, "n5/n6", O_CREAT | O_RDWR, 0640));
	if (symlinkat("n6", N[0].tree.fd, "n5/n7") == -1)
		printf("# symlink: %s\n", strerror(errno));
	go_alone(&N[0]);
	some_changes(400);
	/* The other node's directory is not empty. */
	(void)mkdirat(N[1].tree.fd, "n1", 0700);
	(void)close(openat(N[1].tree.fd, "n1/n2", O_CREAT | O_RDWR, 0600));
	(void)close(openat(N[1].tree.fd, "n3", O_CREAT | O_RDWR, 0600));
	reunion(0, "first copy", 0);
	for (k = 1; k <= rounds; k++) {
		some_changes(rnd(150));
		checkpoints(rnd(6));
		some_changes(rnd(50));
		switch (rnd(3)) {
		case 0:
			takeover();
			break;
		default:
			second_lost();
			break;
		}
		some_changes(rnd(200));
		if (rnd(3) == 0) {
			node_restart(source());
			go_alone(source());
		}
		reunion(rnd(4), "reunion", k);
	}
	is_num(bad_ops, 0, "no op of the stream failed on the peer");
	link_down();
	test_steps();
	for (i = 0; i < 2; i++) {
		node_close(&N[i]);
		(void)close(N[i].statefd);
		tree_down(&N[i].tree);
	}
	return tap_done();
}

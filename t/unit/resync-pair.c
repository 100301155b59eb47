/* SPDX-License-Identifier: ISC */
/* The two nodes of resync-pair.h. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../bin/mirrord/store.h"
#include "../../bin/mirrord/wire.h"
#include "resync-pair.h"

/* ---- nodes ---- */

struct node N[2];
unsigned bad_ops;

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

void
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
	conf.peer_name = n->id == 1 ? "n2" : "n1";
	n->resync = resync_new(&conf);
}

void
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

void
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

void
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
void
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

void
go_alone(struct node *n)
{
	static uint64_t epochs;
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
	g.epoch = (struct epoch){ 0, ++epochs, n->id };
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

struct node *
source(void)
{
	return N[0].primary ? &N[0] : &N[1];
}

bool
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

enum meet_verdict last_verdict;
struct resync_status last_status;
bool follow, both_set_aside;

/* One try: true when both are level. */
bool
reunite(bool join)
{
	struct node *s = source(), *t = s->peer;
	struct meet_side a = { 0 }, b = { 0 };
	struct gen gs, gt;
	struct meet m;
	bool done = false;

	gen_read(s->gen, &gs);
	gen_read(t->gen, &gt);
	a = (struct meet_side){ .node = s->id, .name = "s", .gen = &gs,
	    .is_primary = true };
	b = (struct meet_side){ .node = t->id, .name = "t", .gen = &gt,
	    .is_new = gen_is_new(t->gen), .fullsync = follow };
	a.asides = b.asides = both_set_aside;
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
		if (resync_join(s->resync, gs.epoch) == 0)
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

void
app_start(pthread_t *t, uint64_t seed)
{
	source()->host.seed = seed;
	atomic_store(&source()->host.stop, false);
	pthread_create(t, NULL, application, &source()->host);
}

void
app_end(pthread_t t)
{
	atomic_store(&source()->host.stop, true);
	pthread_join(t, NULL);
}

/* All that was queued has been applied. */
void
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

void
some_changes(unsigned count)
{
	while (count-- > 0)
		change_one(&source()->host);
}

void
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

void
both_close(void)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		node_close(&N[i]);
		objects_close(N[i].tree.objects);
		N[i].tree.objects = NULL;
	}
}

/* Not inlined: gcc would warn of lengths it cannot know. */
__attribute__((noinline)) bool
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

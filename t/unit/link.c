/* SPDX-License-Identifier: ISC */
/*
 * Both ends of a replication session in one process: queue, seal, apply,
 * answers; breaks, repeats, and who may not meet.
 */
#include "../../bin/mirrord/link.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "log.h"

#include "tap.h"
#include "tree.h"

#define SIZE	(6u * 1024 * 1024)

struct end {
	struct link		*link;
	struct epoch		 epoch;
	atomic_uint_fast64_t	 met;
	atomic_uint_fast64_t	 down;
	atomic_uint_fast64_t	 durable;
	atomic_uint_fast64_t	 errors;
	atomic_uint_fast64_t	 frames;
	struct link_error	 error;
	struct link_hello	 peer;
};

static struct end prim, second;
static struct stream *stream;
static struct apply *apply;
static struct tree tree;
static void *queue_memory, *apply_memory;
static struct link_conf conf[2];
static atomic_uint_fast64_t not_level;
static atomic_uint_fast64_t differs;

static void
nap(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
}

static void
on_hello(struct link_hello *own, void *arg)
{
	const struct end *e = arg;

	own->flags = e == &prim ? LHF_PRIMARY | LHF_MEMBER : 0;
	own->root_session = 42;
	own->gen.session = e == &prim ? 7 : 8;
	own->gen.level = true;
	own->gen.history[GEN_HISTORY - 1].byte[15] = 0xaa;
}

static int
on_meet(const struct link_hello *own, const struct link_hello *peer,
    void *arg)
{
	struct end *e = arg;

	e->peer = *peer;
	if (e == &prim)
		link_stream(e->link, own->connection,
		    peer->stream_id == own->stream_id &&
		    peer->applied + 1 >= own->first ? peer->applied + 1 :
		    own->first);
	atomic_fetch_add(&e->met, 1);
	return 0;
}

static void
on_down(uint64_t connection, void *arg)
{
	(void)connection;
	atomic_fetch_add(&((struct end *)arg)->down, 1);
}

static int
on_frame(struct frame_in *f, uint64_t oid, void *arg)
{
	struct end *e = arg;

	if (frame_get_u32(f) != 4711 || oid != 99 || !frame_done(f))
		return -1;
	atomic_fetch_add(&e->frames, 1);
	return 0;
}

static void
on_durable(uint64_t seq, void *arg)
{
	atomic_store(&((struct end *)arg)->durable, seq);
}

static void
on_error(const struct link_error *err, void *arg)
{
	struct end *e = arg;

	e->error = *err;
	atomic_fetch_add(&e->errors, 1);
}

static int
on_not_level(int err, const struct op *op, void *arg)
{
	(void)err;
	(void)arg;
	atomic_store(&differs, op != NULL ? op->obj : 0);
	atomic_fetch_add(&not_level, 1);
	return 0;
}

static const struct link_calls calls = {
	on_hello, on_meet, on_down, on_frame, on_durable, on_error,
};
static int
on_receipt(void *arg)
{
	(void)arg;
	return 0;
}

static const struct apply_calls apply_calls = { on_not_level, on_frame,
    on_receipt };

/* A port nobody has now. */
static uint16_t
free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)bind(fd, (struct sockaddr *)&a, sizeof(a));
	(void)getsockname(fd, (struct sockaddr *)&a, &len);
	(void)close(fd);
	return ntohs(a.sin_port);
}

static bool
wait_for(atomic_uint_fast64_t *v, uint64_t at_least)
{
	unsigned i;

	for (i = 0; i < 500 && atomic_load(v) < at_least; i++)
		nap(10);
	return atomic_load(v) >= at_least;
}

static uint64_t
enqueue(enum op_type type, uint64_t obj, uint64_t off, const char *text)
{
	struct op op;

	memset(&op, 0, sizeof(op));
	op.type = type;
	op.dir = 1;
	op.obj = obj;
	op.off = off;
	op.mode = 0644;
	if (type == OP_CREATE)
		(void)snprintf(op.name, sizeof(op.name), "%s", text);
	op.data = text;
	op.data_len = strlen(text);
	return stream_enqueue(stream, &op);
}

static int
sync_of(uint64_t obj)
{
	return stream_wait(stream, enqueue(OP_SYNC, obj, 0, ""), SA_SYNCED);
}

static bool
file_is(const char *name, const char *text)
{
	char buf[256];
	ssize_t n;
	int fd = openat(tree.fd, name, O_RDONLY);

	n = fd == -1 ? -1 : read(fd, buf, sizeof(buf));
	if (fd != -1)
		(void)close(fd);
	return n == (ssize_t)strlen(text) && memcmp(buf, text, (size_t)n) == 0;
}

static bool
start(void)
{
	struct epoch e = { 0, 7, 1 };

	prim.epoch = second.epoch = e;
	prim.link = link_new(&conf[0], &calls, &prim, stream, NULL);
	second.link = link_new(&conf[1], &calls, &second, NULL, apply);
	return link_start(prim.link, LS_PRIMARY, e) == 0 &&
	    link_start(second.link, LS_SECOND, e) == 0;
}

static void
stop(void)
{
	link_free(second.link);
	link_free(prim.link);
}

static void
test_session(void)
{
	uint8_t buf[256];
	struct frame_out f;
	uint64_t seq;

	ok(start(), "both ends start");
	ok(wait_for(&prim.met, 1) && wait_for(&second.met, 1), "they meet");
	ok(prim.peer.gen.session == 8 && second.peer.gen.session == 7 &&
	    second.peer.gen.level && second.peer.root_session == 42 &&
	    second.peer.gen.history[GEN_HISTORY - 1].byte[15] == 0xaa,
	    "each has the other's record");
	ok(link_state(prim.link) == LK_UP &&
	    link_connection(prim.link) == link_connection(second.link),
	    "one connection, one number");
	(void)enqueue(OP_CREATE, 1001, 0, "file");
	(void)enqueue(OP_WRITE, 1001, 0, "hello");
	is_num(sync_of(1001), 0, "a sync is answered");
	ok(file_is("file", "hello"), "everything before it is there");
	seq = stream_checkpoint(stream);
	ok(wait_for(&prim.durable, seq), "a checkpoint is answered");
	seq = enqueue(OP_WRITE, 1001, 5, " you");
	is_num(stream_wait(stream, seq, SA_RECEIVED), 0,
	    "a write may wait for receipt");
	ok(file_is("file", "hello you"), "which means applied");

	wire_begin(&f, buf, sizeof(buf), WT_RESYNC_MIN, 99);
	frame_put_u32(&f, 4711);
	(void)frame_end(&f);
	is_num(link_send(second.link, &f), 0, "a frame beside the stream");
	ok(wait_for(&prim.frames, 1), "reaches the primary");
	is_num(link_send(prim.link, &f), 0, "and back");
	ok(wait_for(&second.frames, 1), "the second");
	(void)stream_enqueue_frame(stream, &f);
	(void)sync_of(1001);
	is_num(atomic_load(&second.frames), 2, "and in the stream's order");
}

/* The second left for an error: nothing of the stream is owed to it. */
static void
leave(void)
{
	stop();
	stream_set(stream, SS_SELF);
	stream_reset(stream);
	stream_set(stream, SS_BOTH);
	atomic_store(&prim.met, 0);
	atomic_store(&prim.down, 0);
	atomic_store(&prim.errors, 0);
	atomic_store(&not_level, 0);
}

static void
test_errors(void)
{
	struct op op;

	(void)enqueue(OP_WRITE, 555, 0, "nobody");
	ok(wait_for(&prim.errors, 1) && prim.error.oid == 555 &&
	    prim.error.err == ESTALE && !prim.error.level,
	    "an unknown object is reported");
	ok(atomic_load(&not_level) >= 1 && atomic_load(&differs) == 555,
	    "after it was noted and `not level' is durable");
	ok(wait_for(&prim.down, 1), "and the connection ends");
	ok(wait_for(&prim.errors, 2), "it is met again at the next one");
	leave();
	ok(start() && wait_for(&prim.met, 1), "they meet again");

	memset(&op, 0, sizeof(op));
	op.type = OP_FALLOCATE;
	op.obj = 1001;
	op.len = INT64_MAX;
	(void)stream_enqueue(stream, &op);
	ok(wait_for(&prim.errors, 1) && !prim.error.level,
	    "a file that does not fit is reported");
	ok(atomic_load(&not_level) >= 1, "after `not level' is durable");
	ok(wait_for(&prim.down, 1), "and the connection ends");
	leave();
}

struct load {
	uint64_t	obj;
	unsigned	count;
	int		rc;
};

static void *
load_thread(void *arg)
{
	struct load *l = arg;
	char text[16];
	unsigned i;

	for (i = 0; i < l->count; i++) {
		(void)snprintf(text, sizeof(text), "%015u", i);
		(void)enqueue(OP_WRITE, l->obj, i * 15ull, text);
		l->rc |= sync_of(l->obj);
	}
	return NULL;
}

static bool
load_is_there(const char *name, unsigned count)
{
	char text[16], want[16];
	unsigned i;
	bool good = true;
	int fd = openat(tree.fd, name, O_RDONLY);

	text[15] = '\0';
	for (i = 0; i < count; i++) {
		(void)snprintf(want, sizeof(want), "%015u", i);
		good = good && pread(fd, text, 15, i * 15) == 15 &&
		    strcmp(text, want) == 0;
	}
	(void)close(fd);
	return good;
}

/* Syncs of four threads while the connection is broken again and again. */
static void
test_breaks(void)
{
	struct load l[4];
	pthread_t t[4];
	uint64_t met;
	unsigned i;
	bool good = true;

	atomic_store(&prim.met, 0);
	atomic_store(&not_level, 0);
	ok(start() && wait_for(&prim.met, 1), "they meet again");
	for (i = 0; i < 4; i++) {
		char name[8] = { 'l', (char)('0' + i), '\0' };

		l[i] = (struct load){ 2000 + i, 150, 0 };
		(void)enqueue(OP_CREATE, l[i].obj, 0, name);
		(void)pthread_create(&t[i], NULL, load_thread, &l[i]);
	}
	for (i = 0; i < 8; i++) {
		nap(10);
		met = atomic_load(&prim.met);
		link_break(i % 2 == 0 ? prim.link : second.link);
		(void)wait_for(&prim.met, met + 1);
	}
	for (i = 0; i < 4; i++) {
		char name[8] = { 'l', (char)('0' + i), '\0' };

		(void)pthread_join(t[i], NULL);
		good = good && l[i].rc == 0 && load_is_there(name, 150);
	}
	ok(good, "600 syncs over nine connections: all there, in order");
	is_num(atomic_load(&not_level), 0, "no repeat was an error");
}

/* The second's mirrord ends and comes back with its kept memory. */
static void
test_second_again(void)
{
	uint64_t id, applied;

	link_free(second.link);
	apply_free(apply);
	(void)enqueue(OP_WRITE, 1001, 0, "HELLO");
	apply = apply_new(tree.objects, apply_memory, &apply_calls, &second);
	apply_marks(apply, &id, &applied);
	ok(id == stream_id(stream) && applied > 0,
	    "the next life knows what was applied");
	atomic_store(&second.met, 0);
	second.link = link_new(&conf[1], &calls, &second, NULL, apply);
	(void)link_start(second.link, LS_SECOND, second.epoch);
	is_num(sync_of(1001), 0, "and the stream goes on there");
	ok(file_is("file", "HELLO you"), "nothing was lost");
	is_num(apply_drain(apply), 0, "drained");
}

static void
test_epoch(void)
{
	struct epoch next = { 0, 8, 1 };
	struct load l = { 2000, 150, 0 };
	pthread_t t;

	(void)pthread_create(&t, NULL, load_thread, &l);
	nap(10);
	link_set_epoch(prim.link, next);
	nap(30);
	link_set_epoch(second.link, next);
	(void)pthread_join(t, NULL);
	is_num(l.rc, 0, "a new epoch under load costs no answer");
	stop();
	atomic_store(&prim.met, 0);
	atomic_store(&second.met, 0);
	(void)start();
	link_stop(second.link);
	atomic_store(&second.met, 0);
	atomic_store(&prim.met, 0);
	link_break(prim.link);
	next.n = 9;
	(void)link_start(second.link, LS_SECOND, next);
	nap(150);
	is_num(atomic_load(&second.met), 0, "two epochs do not meet");
	link_set_epoch(prim.link, next);
	ok(wait_for(&second.met, 1), "until both have heard");
	stop();
}

/* also 0: one key only. */
static void
set_keys(unsigned side, int byte, int also)
{
	struct seal_ring ring = { .count = also != 0 ? 2 : 1 };

	memset(&ring.key[0], byte, sizeof(ring.key[0]));
	memset(&ring.key[1], also, sizeof(ring.key[1]));
	keys_set(conf[side].keys, &ring);
}

/* The old key, both in either order, the new key: they always meet. */
static void
test_rekey(void)
{
	static const int step[][4] = {
		{ 0x55, 0, 0x55, 0x66 }, { 0x55, 0x66, 0x66, 0x55 },
		{ 0x66, 0x55, 0x55, 0x66 }, { 0x66, 0, 0x66, 0x55 },
		{ 0x66, 0, 0x66, 0 },
	};
	unsigned i, met = 0;

	for (i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		set_keys(0, step[i][0], step[i][1]);
		set_keys(1, step[i][2], step[i][3]);
		atomic_store(&prim.met, 0);
		(void)start();
		met += wait_for(&prim.met, 1);
		stop();
	}
	is_num(met, 5, "all steps of a change of keys meet");
	set_keys(0, 0x55, 0);
	set_keys(1, 0x55, 0);
}

static void
test_strangers(void)
{
	char buf[256];
	struct sockaddr_in a = { .sin_family = AF_INET };
	ssize_t n;
	int fd;

	atomic_store(&prim.met, 0);
	set_keys(1, 0x54, 0);
	(void)start();
	nap(150);
	is_num(atomic_load(&prim.met), 0, "another key does not meet");
	a.sin_port = htons(conf[0].port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	(void)connect(fd, (struct sockaddr *)&a, sizeof(a));
	memset(buf, 'x', sizeof(buf));
	(void)!write(fd, buf, sizeof(buf));
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		continue;
	ok(n <= 0, "a stranger is closed");
	(void)close(fd);
	stop();
	set_keys(1, 0x55, 0);
	conf[1].module_id = 9;
	(void)start();
	nap(150);
	is_num(atomic_load(&prim.met), 0, "another module does not meet");
	stop();
	conf[1].module_id = 3;
}

/* A peer that says nothing must not hold up the end of a role. */
static void
test_silent_peer(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct timespec t0, t1;
	struct link *l;
	int fd;

	a.sin_port = htons(conf[0].port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 },
	    sizeof(int));
	(void)bind(fd, (struct sockaddr *)&a, sizeof(a));
	(void)listen(fd, 1);
	l = link_new(&conf[1], &calls, &second, NULL, apply);
	(void)link_start(l, LS_SECOND, second.epoch);
	nap(100);
	(void)clock_gettime(CLOCK_MONOTONIC, &t0);
	link_free(l);
	(void)clock_gettime(CLOCK_MONOTONIC, &t1);
	ok((t1.tv_sec - t0.tv_sec) * 1000 +
	    (t1.tv_nsec - t0.tv_nsec) / 1000000 < 200,
	    "the link ends at once beside a silent peer");
	(void)close(fd);
}

static void *
memory_new(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void
conf_init(void)
{
	struct seal_ring ring = { .count = 1 };
	uint16_t port = free_port();
	unsigned i;

	for (i = 0; i < 2; i++) {
		memset(&conf[i], 0, sizeof(conf[i]));
		conf[i].module = "test";
		conf[i].module_id = 3;
		conf[i].node = (uint8_t)(i + 1);
		conf[i].peer = (uint8_t)(2 - i);
		conf[i].port = port;
		conf[i].own_addr[0] = "127.0.0.1";
		conf[i].peer_addr[0] = "127.0.0.1";
		conf[i].keys = keys_new(&ring);
		set_keys(i, 0x55, 0);
	}
}

int
main(void)
{
	log_init("link", false);
	seal_init();
	if (!tree_up(&tree, 2))
		return tree_skip();
	queue_memory = memory_new(SIZE);
	apply_memory = memory_new(APPLY_MEMORY_SIZE);
	stream = stream_new(queue_memory, SIZE);
	stream_set(stream, SS_BOTH);
	apply = apply_new(tree.objects, apply_memory, &apply_calls, &second);
	conf_init();
	test_session();
	test_errors();
	test_breaks();
	test_second_again();
	test_epoch();
	test_rekey();
	test_strangers();
	test_silent_peer();
	apply_free(apply);
	stream_free(stream);
	tree_down(&tree);
	return tap_done();
}

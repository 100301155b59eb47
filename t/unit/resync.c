/* SPDX-License-Identifier: ISC */
/*
 * Two nodes in one process with a link of two queues: random trees, random
 * changes while the resync runs, cut links, restarts of either node from
 * its durable state, takeovers with remains of the crashed primary.  At the
 * end of each reunion both trees must be equal.  The seed is printed; a
 * second argument sets the number of rounds.
 */
#include <sys/stat.h>
#include <sys/xattr.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../bin/mirrord/change.h"
#include "../../bin/mirrord/meet.h"
#include "../../bin/mirrord/resync.h"
#include "../../bin/mirrord/store.h"
#include "../../bin/mirrord/wire.h"
#include "tap.h"
#include "tree.h"

/* ---- random ---- */

static _Thread_local uint64_t rng;

static unsigned
rnd(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)((rng >> 11) % n);
}

/* ---- link: a queue of frames a direction ---- */

struct packet {
	struct packet	*next;
	size_t		 len;
	uint8_t		 data[];
};

struct queue {
	pthread_mutex_t	 lock;
	pthread_cond_t	 cond;
	struct packet	*head, **tail;
	size_t		 count;
	bool		 closed;
};

static void
queue_init(struct queue *q)
{
	memset(q, 0, sizeof(*q));
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->cond, NULL);
	q->tail = &q->head;
}

static void
queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->cond);
	pthread_mutex_unlock(&q->lock);
}

static void
queue_fini(struct queue *q)
{
	struct packet *p;

	while ((p = q->head) != NULL) {
		q->head = p->next;
		free(p);
	}
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->cond);
}

static int
queue_put(struct queue *q, const void *data, size_t len)
{
	struct packet *p = malloc(sizeof(*p) + len);
	int rc = -1;

	p->next = NULL;
	p->len = len;
	memcpy(p->data, data, len);
	pthread_mutex_lock(&q->lock);
	/* Bounded, as a socket is. */
	while (!q->closed && q->count > 64)
		pthread_cond_wait(&q->cond, &q->lock);
	if (!q->closed) {
		*q->tail = p;
		q->tail = &p->next;
		q->count++;
		rc = 0;
		pthread_cond_broadcast(&q->cond);
	}
	pthread_mutex_unlock(&q->lock);
	if (rc != 0)
		free(p);
	return rc;
}

static struct packet *
queue_get(struct queue *q)
{
	struct packet *p;

	pthread_mutex_lock(&q->lock);
	while (q->head == NULL && !q->closed)
		pthread_cond_wait(&q->cond, &q->lock);
	p = q->closed ? NULL : q->head;
	if (p != NULL) {
		q->head = p->next;
		if (q->head == NULL)
			q->tail = &q->head;
		q->count--;
		pthread_cond_broadcast(&q->cond);
	}
	pthread_mutex_unlock(&q->lock);
	return p;
}

/* ---- nodes ---- */

struct stream {
	atomic_bool	 both;
	struct queue	*q;
	uint64_t	 seq;
	pthread_mutex_t	 lock;
};

struct node {
	struct tree	 tree;
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
	static _Thread_local uint8_t *buf;
	struct frame_out f;
	uint64_t seq;

	if (!atomic_load(&s->both))
		return 0;
	if (buf == NULL)
		buf = malloc(FRAME_MAX_LEN);
	pthread_mutex_lock(&s->lock);
	seq = ++s->seq;
	op_put(&f, buf, FRAME_MAX_LEN, op);
	if (frame_end(&f) != 0)
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
		else if (rc == 0 && op_get(&op, &f, w.oid) == 0) {
			rc = store_exec(n->tree.objects, &op, NULL);
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

/* ---- the application ---- */

struct found {
	uint64_t	dir, oid;
	char		name[16];
	mode_t		mode;
};

/* A random entry, a directory for `dir'.  Walks from the root. */
static bool
pick(struct node *n, struct found *f, bool want_dir)
{
	struct objects *o = n->tree.objects;
	uint64_t dir = 1, oid;
	struct stat st;
	unsigned depth, try;
	char name[16];

	f->dir = 0;
	f->oid = 1;
	f->mode = S_IFDIR;
	if (want_dir && rnd(3) == 0)
		return true;
	for (depth = 0; depth < 5; depth++) {
		for (try = 0; try < 6; try++) {
			snprintf(name, sizeof(name), "n%u", rnd(14));
			if (object_lookup(o, dir, name, false, &oid, &st) == 0)
				break;
		}
		if (try == 6)
			break;
		if (want_dir && !S_ISDIR(st.st_mode))
			continue;
		f->dir = dir;
		f->oid = oid;
		f->mode = st.st_mode;
		snprintf(f->name, sizeof(f->name), "%s", name);
		if (!S_ISDIR(st.st_mode) || rnd(3) == 0)
			return true;
		dir = oid;
	}
	return f->dir != 0 || want_dir;
}

static uint8_t blob[3 * 1024 * 1024];

static void
run(struct node *n, struct op *op)
{
	struct object_locks l;
	uint64_t oid[6] = { op->dir, op->dir2, op->obj, op->obj2, op->victim };
	int rc;

	if (change_begin(n->change, op) != 0)
		return;
	object_lock(n->tree.objects, &l, oid, 5);
	rc = store_exec(n->tree.objects, op, NULL);
	if (rc == 0)
		(void)change_commit(n->change, op);
	else
		change_abort(n->change, op);
	object_unlock(n->tree.objects, &l);
	if (rc == 0 && (op->type == OP_UNLINK || op->type == OP_RMDIR ||
	    op->type == OP_RENAME) && op->victim != 0)
		object_forget_if_gone(n->tree.objects, op->victim);
}

static void
make_something(struct node *n)
{
	static const enum op_type type[] = { OP_CREATE, OP_CREATE, OP_CREATE,
	    OP_MKDIR, OP_MKDIR, OP_SYMLINK, OP_MKNOD };
	struct op op = { .type = type[rnd(7)] };
	struct found d;

	if (!pick(n, &d, true))
		return;
	op.dir = d.oid;
	snprintf(op.name, sizeof(op.name), "n%u", rnd(14));
	op.obj = object_new_oid(n->tree.objects);
	op.mode = 0600 + rnd(0100);
	op.uid = rnd(3) * 100;
	op.gid = rnd(3) * 100;
	if (op.type == OP_MKDIR)
		op.mode |= 0100;
	if (op.type == OP_MKNOD)
		op.mode |= S_IFIFO;
	if (op.type == OP_SYMLINK) {
		op.data = blob;
		op.data_len = 1 + rnd(60);
	}
	run(n, &op);
}

static void
change_data(struct node *n)
{
	struct op op = { .type = OP_WRITE };
	struct found f;

	if (!pick(n, &f, false) || !S_ISREG(f.mode))
		return;
	op.obj = f.oid;
	op.off = (uint64_t)rnd(6) * 1024 * 1024 * rnd(2) + rnd(100000);
	switch (rnd(8)) {
	case 0:
		op.type = OP_SETATTR;
		op.valid = OPV_SIZE;
		op.size = op.off;
		break;
	case 1:
		op.type = OP_FALLOCATE;
		op.flags = 3; /* punch, keep size */
		op.len = 1 + rnd(200000);
		break;
	default:
		op.data = blob + rnd(100000);
		op.data_len = 1 + rnd(rnd(4) == 0 ? 400000 : 9000);
		op.mtime.tv_nsec = UTIME_OMIT;
		break;
	}
	run(n, &op);
}

static void
change_attr(struct node *n)
{
	struct op op = { .type = OP_SETATTR };
	struct found f;

	if (!pick(n, &f, false))
		return;
	op.obj = f.oid;
	switch (rnd(4)) {
	case 0:
		op.valid = OPV_UID | OPV_GID;
		op.uid = rnd(5) * 10;
		op.gid = rnd(5) * 10;
		break;
	case 1:
		if (S_ISLNK(f.mode))
			return;
		op.valid = OPV_MODE;
		op.mode = 0700 | rnd(0100);
		break;
	case 2:
		if (S_ISLNK(f.mode) || S_ISFIFO(f.mode))
			return;
		op.type = OP_SETXATTR;
		snprintf(op.name, sizeof(op.name), "user.x%u", rnd(3));
		op.data = blob + rnd(1000);
		op.data_len = rnd(80);
		break;
	default:
		if (S_ISLNK(f.mode) || S_ISFIFO(f.mode))
			return;
		op.type = OP_REMOVEXATTR;
		snprintf(op.name, sizeof(op.name), "user.x%u", rnd(3));
		break;
	}
	run(n, &op);
}

static void
change_name(struct node *n)
{
	struct op op = { 0 };
	struct found f, d;
	struct stat st;

	if (!pick(n, &f, false) || f.dir == 0 || !pick(n, &d, true))
		return;
	op.dir = f.dir;
	snprintf(op.name, sizeof(op.name), "%s", f.name);
	switch (rnd(6)) {
	case 0:
		op.type = S_ISDIR(f.mode) ? OP_RMDIR : OP_UNLINK;
		op.victim = f.oid;
		break;
	case 1:
		if (S_ISDIR(f.mode))
			return;
		op.type = OP_LINK;
		op.obj = f.oid;
		op.dir = d.oid;
		snprintf(op.name, sizeof(op.name), "n%u", rnd(14));
		break;
	default:
		op.type = OP_RENAME;
		op.obj = f.oid;
		op.dir2 = d.oid;
		snprintf(op.name2, sizeof(op.name2), "n%u", rnd(14));
		op.flags = rnd(4) == 0 ? RENAME_EXCHANGE : 0;
		if (object_lookup(n->tree.objects, d.oid, op.name2, false,
		    &op.victim, &st) != 0)
			op.victim = 0;
		break;
	}
	run(n, &op);
}

static void
change_one(struct node *n)
{
	switch (rnd(10)) {
	case 0: case 1: case 2:
		make_something(n);
		break;
	case 3: case 4:
		change_name(n);
		break;
	case 5:
		change_attr(n);
		break;
	default:
		change_data(n);
		break;
	}
}

static atomic_bool app_stop;
static uint64_t app_seed;

static void *
application(void *arg)
{
	struct node *n = arg;
	struct timespec t = { 0, 0 };

	rng = app_seed;
	while (!atomic_load(&app_stop)) {
		change_one(n);
		t.tv_nsec = rnd(300000);
		if (rnd(4) == 0)
			nanosleep(&t, NULL);
	}
	return NULL;
}

/* ---- comparison ---- */

static unsigned differences;

static void
differ(const char *path, const char *what)
{
	if (differences++ < 12)
		printf("# %s: %s differs\n", path, what);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static unsigned
names_of(const char *dir, char **list, unsigned max)
{
	struct dirent *e;
	unsigned n = 0;
	DIR *d = opendir(dir);

	while (d != NULL && (e = readdir(d)) != NULL && n < max)
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 &&
		    strcmp(e->d_name, ".holdfast") != 0)
			list[n++] = strdup(e->d_name);
	if (d != NULL)
		closedir(d);
	qsort(list, n, sizeof(*list), by_text);
	return n;
}

static void
compare_content(const char *a, const char *b)
{
	static uint8_t x[65536], y[65536];
	int fa = open(a, O_RDONLY), fb = open(b, O_RDONLY);
	ssize_t n, m;

	do {
		n = read(fa, x, sizeof(x));
		m = read(fb, y, sizeof(y));
		if (n != m || (n > 0 && memcmp(x, y, (size_t)n) != 0)) {
			differ(a, "content");
			break;
		}
	} while (n > 0);
	close(fa);
	close(fb);
}

static void
compare_xattrs(const char *a, const char *b)
{
	char la[1024], lb[1024], va[256], vb[256];
	ssize_t na = llistxattr(a, la, sizeof(la)), i, n, m;
	ssize_t nb = llistxattr(b, lb, sizeof(lb));

	if (na != nb) {
		struct stat st;
		differ(a, "xattr list");
		n = lgetxattr(a, OID_XATTR, va, sizeof(va));
		lstat(a, &st);
		printf("# mode %o oid", st.st_mode); for (i = 1; i < 9; i++) printf("%02x", (uint8_t)va[i]); printf("\n");
		for (i = 0; i < na; i += (ssize_t)strlen(la + i) + 1) printf("# a %s\n", la+i);
		for (i = 0; i < nb; i += (ssize_t)strlen(lb + i) + 1) printf("# b %s\n", lb+i);
	}
	for (i = 0; i < na; i += (ssize_t)strlen(la + i) + 1) {
		n = lgetxattr(a, la + i, va, sizeof(va));
		m = lgetxattr(b, la + i, vb, sizeof(vb));
		if (strcmp(la + i, OID_XATTR) == 0)
			n = m = memcmp(va, vb, 9) == 0 ? 0 : -2;
		if (n == -2 || n != m || (n > 0 &&
		    memcmp(va, vb, (size_t)n) != 0))
			differ(a, la + i);
	}
}

static void
compare_one(const char *a, const char *b)
{
	char ta[256] = "", tb[256] = "";
	struct stat sa, sb;

	if (lstat(a, &sa) == -1 || lstat(b, &sb) == -1) {
		differ(a, "existence");
		return;
	}
	if (sa.st_mode != sb.st_mode)
		differ(a, "mode");
	if (sa.st_uid != sb.st_uid || sa.st_gid != sb.st_gid)
		differ(a, "owner");
	if (sa.st_nlink != sb.st_nlink)
		differ(a, "link count");
	if (!S_ISDIR(sa.st_mode) && sa.st_size != sb.st_size)
		differ(a, "size");
	else if (S_ISREG(sa.st_mode))
		compare_content(a, b);
	if (S_ISLNK(sa.st_mode) && (readlink(a, ta, 255) != readlink(b, tb,
	    255) || strcmp(ta, tb) != 0))
		differ(a, "target");
	compare_xattrs(a, b);
}

static void
compare_trees(const char *a, const char *b)
{
	char *la[64], *lb[64], pa[512], pb[512];
	unsigned na = names_of(a, la, 64), nb = names_of(b, lb, 64), i;
	struct stat st;

	if (na != nb)
		differ(a, "number of names");
	for (i = 0; i < na || i < nb; i++) {
		if (i < na && i < nb && strcmp(la[i], lb[i]) == 0) {
			snprintf(pa, sizeof(pa), "%s/%s", a, la[i]);
			snprintf(pb, sizeof(pb), "%s/%s", b, lb[i]);
			compare_one(pa, pb);
			if (lstat(pa, &st) == 0 && S_ISDIR(st.st_mode))
				compare_trees(pa, pb);
		} else
			differ(i < na ? la[i] : lb[i], "name");
	}
	for (i = 0; i < na; i++)
		free(la[i]);
	for (i = 0; i < nb; i++)
		free(lb[i]);
}

static unsigned
stage_count(const struct node *n)
{
	char path[256], *l[64];
	unsigned c, i;

	snprintf(path, sizeof(path), "%s/.holdfast/stage", n->tree.data);
	c = names_of(path, l, 64);
	for (i = 0; i < c; i++)
		free(l[i]);
	return c;
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
	app_seed = seed;
	atomic_store(&app_stop, false);
	pthread_create(t, NULL, application, source());
}

static void
app_end(pthread_t t)
{
	atomic_store(&app_stop, true);
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
	differences = 0;
	compare_trees(N[0].tree.data, N[1].tree.data);
	ok(differences == 0 && stage_count(source()->peer) == 0,
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

	if (getenv("TRACE")) printf("# round %u source %u\n", round, s->id);
	app_start(&app, rng + round);
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
		app_start(&app, rng + round + i + 1);
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
		change_one(source());
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
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 6, i, k;

	rng = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	printf("# seed %llu\n", (unsigned long long)rng);
	rng = rng * 0x9e3779b97f4a7c15u + 1;
	for (i = 0; i < sizeof(blob); i++)
		blob[i] = (uint8_t)(i * 7 + i / 251 + i / 65536);
	memset(blob, 'a', 200);
	for (i = 0; i < 2; i++) {
		if (!node_up(&N[i], (uint8_t)(i + 1)))
			return tree_skip();
		N[i].peer = &N[1 - i];
	}
	umask(0);
	go_alone(&N[0]);
	some_changes(400);
	/* The other node's directory is not empty. */
	(void)mkdirat(N[1].tree.fd, "n1", 0700);
	(void)close(openat(N[1].tree.fd, "n1/n2", O_CREAT | O_RDWR, 0600));
	(void)close(openat(N[1].tree.fd, "n3", O_CREAT | O_RDWR, 0600));
	reunion(0, "first copy", 0);
	for (k = 1; k <= rounds; k++) {
		some_changes(rnd(150));
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
	for (i = 0; i < 2; i++) {
		node_close(&N[i]);
		(void)close(N[i].statefd);
		tree_down(&N[i].tree);
	}
	return tap_done();
}

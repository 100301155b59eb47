/* SPDX-License-Identifier: ISC */
/* Identity of files: xattr, handle, index, descriptors. */
#include "../../bin/mirrord/object.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/xattr.h>

#include "../../bin/mirrord/object-cache.h"
#include "../../bin/mirrord/object-index.h"
#include "../../bin/mirrord/store.h"

#include "tap.h"
#include "tree.h"

static struct tree t;

static void
touch(const char *name)
{
	int fd = openat(t.fd, name, O_CREAT | O_WRONLY, 0644);

	(void)close(fd);
}

static void
test_identity(void)
{
	struct stat st, real;
	uint64_t a, b, c;
	uint8_t value[64];
	ssize_t n;
	int fd;

	touch("a");
	is_num(object_lookup(t.objects, 1, "a", false, &a, NULL), -ENODATA,
	    "a foreign file has no id");
	is_num(object_lookup(t.objects, 1, "a", true, &a, &st), 0,
	    "it gets one when asked");
	ok(a >> 56 == 1 && (a >> 40 & 0xffff) == 1 && st.st_ino == a,
	    "made of node, store and counter");
	is_num(object_lookup(t.objects, 1, "a", false, &b, NULL), 0,
	    "and keeps it");
	ok(a == b, "the same one");
	is_num(object_lookup(t.objects, 1, "none", true, &b, NULL), -ENOENT,
	    "no such name");
	is_num(object_lookup(t.objects, 1, ".holdfast", true, &b, NULL),
	    -ENOENT, "the reserved name is hidden");

	/* cp -a copies trusted xattrs as root (rule R29). */
	touch("copy");
	fd = openat(t.fd, "a", O_RDONLY);
	n = fgetxattr(fd, OID_XATTR, value, sizeof(value));
	(void)close(fd);
	fd = openat(t.fd, "copy", O_RDONLY);
	(void)fsetxattr(fd, OID_XATTR, value, (size_t)n, 0);
	(void)close(fd);
	is_num(object_lookup(t.objects, 1, "copy", false, &c, NULL),
	    -ENODATA, "a copied xattr does not count");
	is_num(object_lookup(t.objects, 1, "copy", true, &c, NULL), 0,
	    "the copy gets its own id");
	ok(c != a, "another one");

	is_num(object_stat(t.objects, a, &st), 0, "attributes by id");
	(void)fstatat(t.fd, "a", &real, 0);
	ok(st.st_ctime == real.st_ctime && st.st_ino == a, "of that file");
}

static void
test_reuse(void)
{
	uint64_t a, b;
	struct stat st;

	(void)object_lookup(t.objects, 1, "a", false, &a, NULL);
	(void)tree_again(&t, 1, 1000000);
	(void)unlinkat(t.fd, "a", 0);
	touch("a");	/* ext4 gives the same inode number again (R31) */
	is_num(object_stat(t.objects, a, &st), -ESTALE,
	    "a reused inode is not the object");
	is_num(object_lookup(t.objects, 1, "a", false, &b, NULL), -ENODATA,
	    "and has no id");
	object_forget(t.objects, a);
	is_num(object_fd(t.objects, a, O_PATH), -ESTALE, "forgotten");
}

static void
test_fds(void)
{
	uint64_t id, fifo;
	int ro, rw, path;

	touch("f");
	(void)mkfifoat(t.fd, "fifo", 0600);
	(void)object_lookup(t.objects, 1, "f", true, &id, NULL);
	(void)object_lookup(t.objects, 1, "fifo", true, &fifo, NULL);
	rw = object_fd(t.objects, id, O_RDWR);
	ro = object_fd(t.objects, id, O_RDONLY);
	ok(rw >= 0 && rw == ro, "a writable descriptor serves reading");
	object_fd_done(t.objects, id, ro);
	object_forget(t.objects, id);
	ok(fcntl(rw, F_GETFD) != -1, "a borrowed one outlives forget");
	object_fd_done(t.objects, id, rw);
	ok(fcntl(rw, F_GETFD) == -1, "and is closed with the last use");
	is_num(object_fd(t.objects, fifo, O_RDONLY), -EINVAL,
	    "a FIFO is never opened");
	path = object_fd(t.objects, fifo, O_PATH);
	ok(path >= 0, "but reached by O_PATH");
	object_fd_done(t.objects, fifo, path);
	is_num(object_fd(t.objects, 1, O_RDONLY), t.fd,
	    "a root is its own descriptor");
}

static void
test_lost_index(void)
{
	char path[128];
	uint64_t dir, deep, found;
	struct stat st;

	(void)mkdirat(t.fd, "dir", 0755);
	(void)object_lookup(t.objects, 1, "dir", true, &dir, NULL);
	touch("dir/deep");
	(void)object_lookup(t.objects, dir, "deep", true, &deep, NULL);
	is_num(objects_sync_index(t.objects), 0, "index synced");
	(void)snprintf(path, sizeof(path), "%s/index", t.state);
	is_num(truncate(path, 100), 0, "index damaged");
	ok(tree_again(&t, 1, 2000000), "a torn index is made again");
	is_num(object_stat(t.objects, deep, &st), 0,
	    "from the tree, by a scan");
	(void)object_lookup(t.objects, dir, "deep", false, &found, NULL);
	ok(found == deep, "with the same ids");
	is_num(objects_checkpoint(t.objects), 0, "checkpoint");
}

/* The index in a directory of that name, which is made. */
static struct object_index *
open_index(const char *name, uint8_t node, bool *is_new)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/%s", t.top, name);
	(void)mkdir(path, 0700);	/* or it is there */
	return object_index_open(path, node, is_new);
}

static void
test_index(void)
{
	struct object_index *x;
	struct handle h, back;
	uint64_t i, bad = 0;
	bool is_new;

	memset(&h, 0, sizeof(h));
	h.len = 8;
	x = open_index("x", 1, &is_new);
	ok(x != NULL && is_new, "a new index");
	for (i = 1; i <= 150000; i++) {
		memcpy(h.byte, &i, sizeof(i));
		if (object_index_put(x, i << 40 | i, &h) != 0)
			bad++;
	}
	for (i = 1; i <= 150000; i += 2)
		object_index_del(x, i << 40 | i);
	is_num(object_index_count(x), 75000, "it grew twice");
	object_index_close(x);
	x = open_index("x", 1, &is_new);
	ok(is_new && object_index_count(x) == 75000,
	    "and is there after a restart, to be completed");
	is_num(object_index_complete(x), 0, "completed");
	object_index_close(x);
	x = open_index("x", 1, &is_new);
	ok(x != NULL && !is_new, "and that is known");
	for (i = 1; i <= 150000; i++) {
		int rc = object_index_get(x, i << 40 | i, &back);

		if (i % 2 == 1 ? rc != -ENOENT : rc != 0 ||
		    memcmp(back.byte, &i, sizeof(i)) != 0)
			bad++;
	}
	is_num(bad, 0, "every entry is as it was put");
	object_index_close(x);
	x = open_index("x", 2, &is_new);
	ok(x != NULL && is_new, "another node's index is not used");
	object_index_close(x);
}

static bool
is_about(uint64_t n, uint64_t want)
{
	return n > want - want / 50 && n < want + want / 50;
}

/* Of a large one pieces are counted, and its pages go back. */
/* What is there already, over and over; how often it was not found. */
struct reader {
	struct object_index	*x;
	atomic_bool		 stop;
	atomic_ulong		 reads;
	unsigned long		 bad;
};

static void *
read_on(void *arg)
{
	struct reader *r = arg;
	struct handle back;
	uint64_t i;

	while (!atomic_load(&r->stop))
		for (i = 1; i <= 1000; i++) {
			r->bad += object_index_get(r->x, i, &back) != 0 ||
			    back.len != 8;
			atomic_fetch_add(&r->reads, 1);
		}
	return NULL;
}

static void
test_growing_index(void)
{
	struct handle h = { .len = 8 };
	struct reader r = { 0 };
	unsigned long before, bad = 0;
	pthread_t reader;
	bool is_new;
	uint64_t i;

	r.x = open_index("z", 1, &is_new);
	for (i = 1; i <= 1000; i++)
		bad += object_index_put(r.x, i, &h) != 0;
	if (pthread_create(&reader, NULL, read_on, &r) != 0)
		abort();
	before = atomic_load(&r.reads);
	for (i = 1001; i <= 400000; i++)
		bad += object_index_put(r.x, i, &h) != 0;
	before = atomic_load(&r.reads) - before;
	atomic_store(&r.stop, true);
	(void)pthread_join(reader, NULL);
	ok(bad == 0 && r.bad == 0 && before > 0, "%lu lookups while it grew "
	    "three times, %lu of them found nothing", before, r.bad);
	object_index_close(r.x);
}

static void
test_large_index(void)
{
	struct object_index *x;
	struct handle h, back;
	uint64_t i, bad = 0;
	bool is_new;

	memset(&h, 0, sizeof(h));
	h.len = 8;
	x = open_index("y", 1, &is_new);
	for (i = 1; i <= 400000; i++) {
		memcpy(h.byte, &i, sizeof(i));
		bad += object_index_put(x, 1ull << 56 | i, &h) != 0;
	}
	object_index_trim(x);
	for (i = 1; i <= 400000; i++)
		bad += object_index_get(x, 1ull << 56 | i, &back) != 0 ||
		    memcmp(back.byte, &i, sizeof(i)) != 0;
	is_num(bad, 0, "nothing of a large one is lost when it is trimmed");
	is_num(object_index_complete(x), 0, "completed");
	object_index_close(x);
	x = open_index("y", 1, &is_new);
	ok(!is_new && is_about(object_index_count(x), 400000),
	    "about %zu are counted of 400000", object_index_count(x));
	for (i = 1; i <= 200000; i++)
		object_index_del(x, 1ull << 56 | i);
	object_index_close(x);
	x = open_index("y", 1, &is_new);
	ok(is_about(object_index_count(x), 200000),
	    "about %zu of 200000", object_index_count(x));
	object_index_close(x);
}

static unsigned
open_fds(void)
{
	unsigned i, n = 0;

	for (i = 0; i < 1024; i++)
		if (fcntl((int)i, F_GETFD) != -1)
			n++;
	return n;
}

static void
test_cache(void)
{
	struct object_cache *c = object_cache_new(32);
	unsigned before = open_fds();
	uint64_t i;
	int fd;

	for (i = 1; i <= 500; i++) {
		fd = object_cache_put(c, i, CM_READ, dup(0));
		object_cache_done(c, i, fd);
	}
	ok(open_fds() <= before + 32, "the cache keeps to its bound");
	object_cache_free(c);
	is_num(open_fds(), before, "and leaves nothing open");
	c = object_cache_new(16);
	for (i = 1; i <= 100; i++)
		(void)object_cache_put(c, i, CM_READ, dup(0));
	is_num(open_fds(), before + 100, "more may be in use at once");
	for (i = 1; i <= 100; i++) {
		fd = object_cache_get(c, i, CM_READ);
		if (fd != -1)
			object_cache_done(c, i, fd);
	}
	object_cache_free(c);
}

static int reserved;

static int
on_reserve(uint64_t upto, void *arg)
{
	(void)arg;
	reserved++;
	return upto > 3000000 + 2 * OID_RESERVE ? -EIO : 0;
}

static void
test_oids(void)
{
	struct objects *o;
	uint64_t i, last = 0, n = 0;
	bool rising = true;

	objects_close(t.objects);
	t.objects = NULL;
	o = objects_open(t.state, &t.fd, 1, 3, 9, 3000000, on_reserve, NULL);
	for (i = 0; i < 2 * OID_RESERVE; i++) {
		n = object_new_oid(o);
		rising = rising && n > last;
		last = n;
	}
	ok(rising && reserved == 2, "ids rise, reserved in two blocks");
	ok((last & ((1ull << 40) - 1)) == 3000000 + 2 * OID_RESERVE - 1,
	    "every reserved one is used");
	is_num(object_new_oid(o), 0, "none without a durable reservation");
	objects_close(o);
}

/*
 * The resync finds names while the application does, and while it makes them:
 * an object has one id, the one that everybody was told.
 */
#define RACE_FILES	400

static atomic_uint race_begun;	/* how many files the others may look for */
static uint64_t race_seen[2][RACE_FILES];

static void
race_name(char name[16], unsigned i)
{
	(void)snprintf(name, 16, "race%u", i);
}

static void *
race_lookup(void *arg)
{
	uint64_t *seen = arg;
	char name[16];
	unsigned i;

	for (i = 0; i < RACE_FILES; i++) {
		race_name(name, i);
		while (atomic_load(&race_begun) <= i)
			continue;
		while (object_lookup(t.objects, 1, name, true, &seen[i],
		    NULL) == -ENOENT)
			continue;
	}
	return NULL;
}

/* How many files are not known by the id in each of the lists. */
static unsigned
race_lost(void)
{
	unsigned i, lost = 0;
	struct stat st;

	for (i = 0; i < RACE_FILES; i++)
		lost += race_seen[0][i] != race_seen[1][i] ||
		    object_stat(t.objects, race_seen[0][i], &st) != 0;
	return lost;
}

static void
race_clear(void)
{
	char name[16];
	unsigned i;

	for (i = 0; i < RACE_FILES; i++) {
		race_name(name, i);
		(void)unlinkat(t.fd, name, 0);
	}
	atomic_store(&race_begun, 0);
}

static void
test_race(void)
{
	struct op op = { .type = OP_CREATE, .dir = 1, .mode = 0600 };
	pthread_t a, b;
	char name[16];
	unsigned i;

	for (i = 0; i < RACE_FILES; i++) {
		race_name(name, i);
		touch(name);
	}
	(void)pthread_create(&a, NULL, race_lookup, race_seen[0]);
	(void)pthread_create(&b, NULL, race_lookup, race_seen[1]);
	for (i = 1; i <= RACE_FILES; i++)
		atomic_store(&race_begun, i);
	(void)pthread_join(a, NULL);
	(void)pthread_join(b, NULL);
	is_num(race_lost(), 0, "found by two at once: one id");
	race_clear();

	(void)pthread_create(&a, NULL, race_lookup, race_seen[0]);
	for (i = 0; i < RACE_FILES; i++) {
		race_name(op.name, i);
		op.obj = race_seen[1][i] = object_new_oid(t.objects);
		atomic_store(&race_begun, i + 1);
		(void)store_exec(t.objects, &op, NULL);
	}
	(void)pthread_join(a, NULL);
	is_num(race_lost(), 0, "found while it is made: the maker's id");
	race_clear();
}

int
main(void)
{
	if (!tree_up(&t, 1))
		return tree_skip();
	test_identity();
	test_reuse();
	test_fds();
	test_race();
	test_lost_index();
	test_index();
	test_growing_index();
	test_large_index();
	test_cache();
	test_oids();
	tree_down(&t);
	return tap_done();
}

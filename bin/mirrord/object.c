/* SPDX-License-Identifier: ISC */
/*
 * Identity of files: xattr, handle, index and descriptors put together.  The
 * xattr of the object is the authority, the index only finds it; whatever
 * does not agree counts as absent and is found again by name.  Called by
 * store.c, the FUSE side, apply.c and the resync.
 *
 * The xattr's value: u8 version 1, u64 oid, u64 hash of the object's own
 * handle, big-endian.  A copy of the value on another object (cp -a, tar)
 * therefore does not count (rule R29).
 */
#include "object.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <xxhash.h>

#include "fail.h"
#include "log.h"

#include "object-cache.h"
#include "object-index.h"
#include "object-local.h"

#define RESERVED_DIR	".holdfast"
#define STRIPES		1024
#define VALUE_LEN	17
#define VALUE_VERSION	1
#define EXT4_ROOT_INO	2

struct object_root {
	int	fd;
	int	stage_fd;
	dev_t	dev;
	ino_t	ino;
};

struct objects {
	struct object_root	 root[OID_ROOT_MAX];
	unsigned		 root_count;
	struct object_index	*index;
	bool			 to_scan;	/* it lacks entries */
	struct object_scan	*scan;		/* NULL: none was needed */
	struct object_cache	*cache;
	const struct excludes	*excludes;	/* NULL: ids of any kind */
	pthread_mutex_t		 oid_lock;
	uint64_t		 oid_prefix;
	uint64_t		 oid_next;
	uint64_t		 oid_upto;	/* reserved below this */
	oid_reserve_fn		*reserve;
	void			*arg;
	pthread_mutex_t		 stage_lock;
	pthread_rwlock_t	 id_lock;	/* see object_make_begin() */
	pthread_mutex_t		 stripe[STRIPES];
	atomic_uint_fast64_t	 opened;
};

union handle_buf {
	struct file_handle	fh;
	uint8_t			room[sizeof(struct file_handle) + HANDLE_MAX];
};

const char *
object_proc_path(char buf[OBJECT_PROC_LEN], int fd)
{
	(void)snprintf(buf, OBJECT_PROC_LEN, "/proc/self/fd/%d", fd);
	return buf;
}

const char *
object_stage_name(char buf[OBJECT_STAGE_LEN], uint64_t oid)
{
	(void)snprintf(buf, OBJECT_STAGE_LEN, "%016llx",
	    (unsigned long long)oid);
	return buf;
}

static bool
oid_is_root(const struct objects *o, uint64_t oid)
{
	return oid >= 1 && oid <= o->root_count;
}

static int
handle_of(int fd, unsigned root, struct handle *h)
{
	union handle_buf b;
	int mount_id;

	memset(h, 0, sizeof(*h));
	b.fh.handle_bytes = HANDLE_MAX;
	if (name_to_handle_at(fd, "", &b.fh, &mount_id, AT_EMPTY_PATH) == -1)
		return errno == EOVERFLOW ? -EOPNOTSUPP : -errno;
	if (b.fh.handle_type < 0 || b.fh.handle_type > 255)
		return -EOPNOTSUPP;
	h->root = (uint8_t)root;
	h->type = (uint8_t)b.fh.handle_type;
	h->len = (uint8_t)b.fh.handle_bytes;
	memcpy(h->byte, b.fh.f_handle, h->len);
	return 0;
}

static int
handle_open(struct objects *o, const struct handle *h, int flags)
{
	union handle_buf b;
	int fd;

	if (h->root >= o->root_count)
		return -ESTALE;
	b.fh.handle_bytes = h->len;
	b.fh.handle_type = h->type;
	memcpy(b.fh.f_handle, h->byte, h->len);
	fd = open_by_handle_at(o->root[h->root].fd, &b.fh,
	    flags | O_CLOEXEC | O_NOFOLLOW);
	return fd == -1 ? -errno : fd;
}

static uint64_t
handle_hash(const struct handle *h)
{
	/* The root's number is configuration and not part of identity. */
	return XXH3_64bits_withSeed(h->byte, h->len, h->type);
}

static void
value_put(uint8_t v[VALUE_LEN], uint64_t oid, const struct handle *h)
{
	uint64_t hash = handle_hash(h);
	unsigned i;

	v[0] = VALUE_VERSION;
	for (i = 0; i < 8; i++) {
		v[1 + i] = (uint8_t)(oid >> (56 - 8 * i));
		v[9 + i] = (uint8_t)(hash >> (56 - 8 * i));
	}
}

/* The oid in fd's xattr if it is the object's own, else 0. */
static uint64_t
value_get(int fd, const struct handle *h)
{
	char path[OBJECT_PROC_LEN];
	uint8_t v[VALUE_LEN + 1], want[VALUE_LEN];
	uint64_t oid = 0;
	unsigned i;

	if (getxattr(object_proc_path(path, fd), OID_XATTR, v,
	    sizeof(v)) != VALUE_LEN)
		return 0;
	for (i = 0; i < 8; i++)
		oid = oid << 8 | v[1 + i];
	value_put(want, oid, h);
	return memcmp(v, want, VALUE_LEN) == 0 ? oid : 0;
}

static int
value_set(int fd, uint64_t oid, const struct handle *h)
{
	char path[OBJECT_PROC_LEN];
	uint8_t v[VALUE_LEN];

	value_put(v, oid, h);
	if (setxattr(object_proc_path(path, fd), OID_XATTR, v, VALUE_LEN,
	    0) == -1)
		return -errno;
	return 0;
}

/* xattr first, then index: what has no entry is found again by name. */
static int
bind_in(struct objects *o, int fd, unsigned root, uint64_t oid)
{
	struct handle h;
	int rc;

	rc = handle_of(fd, root, &h);
	if (rc == 0)
		rc = value_set(fd, oid, &h);
	fail_point(7);
	if (rc == 0)
		rc = object_index_put(o->index, oid, &h);
	return rc;
}

static int
root_init(struct objects *o, unsigned i, int fd)
{
	struct object_root *r = &o->root[i];
	struct handle h;
	struct stat st;
	uint64_t oid;
	int rc, back;

	r->fd = fd;
	r->stage_fd = -1;
	if (fstat(fd, &st) == -1)
		return -errno;
	r->dev = st.st_dev;
	r->ino = st.st_ino;
	rc = handle_of(fd, i, &h);
	if (rc != 0)
		return rc;
	back = handle_open(o, &h, O_RDONLY | O_DIRECTORY);
	if (back < 0)
		return back;
	(void)close(back);
	oid = value_get(fd, &h);
	if (oid == i + 1)
		return 0;
	rc = bind_in(o, fd, i, i + 1);
	return rc == -ENOTSUP ? -EOPNOTSUPP : rc;
}

static size_t
cache_size(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return 256;
	/* Up to three a node; the rest is for sockets and victims. */
	if (r.rlim_cur >= 65536)
		return 8192;
	return r.rlim_cur / 8 < 64 ? 64 : (size_t)r.rlim_cur / 8;
}

static bool
root_was_bound(int fd)
{
	struct handle h;

	return handle_of(fd, 0, &h) == 0 && value_get(fd, &h) != 0;
}

/* Makers hold it for short and all the time: who gives an id comes first. */
static void
id_lock_init(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;

	(void)pthread_rwlockattr_init(&attr);
	(void)pthread_rwlockattr_setkind_np(&attr,
	    PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	(void)pthread_rwlock_init(lock, &attr);
	(void)pthread_rwlockattr_destroy(&attr);
}

struct objects *
objects_open(const char *state_dir, const int *root_fd, unsigned root_count,
    uint8_t node, uint16_t store, uint64_t next, oid_reserve_fn *reserve,
    void *arg)
{
	struct objects *o;
	unsigned i;
	bool was_bound;
	int rc = 0;

	o = calloc(1, sizeof(*o));
	if (o == NULL)
		return NULL;
	for (i = 0; i < STRIPES; i++)
		(void)pthread_mutex_init(&o->stripe[i], NULL);
	(void)pthread_mutex_init(&o->oid_lock, NULL);
	(void)pthread_mutex_init(&o->stage_lock, NULL);
	id_lock_init(&o->id_lock);
	o->oid_prefix = (uint64_t)node << 56 | (uint64_t)store << 40;
	o->oid_next = o->oid_upto = next;
	o->reserve = reserve;
	o->arg = arg;
	o->index = object_index_open(state_dir, node, &o->to_scan);
	o->cache = object_cache_new(cache_size());
	if (o->index == NULL || o->cache == NULL ||
	    root_count > OID_ROOT_MAX)
		rc = errno == 0 ? -EINVAL : -errno;
	o->root_count = root_count;
	was_bound = rc == 0 && root_count > 0 && root_was_bound(root_fd[0]);
	for (i = 0; rc == 0 && i < root_count; i++) {
		rc = root_init(o, i, root_fd[i]);
		if (rc != 0)
			log_warnx("directory %u: no trusted xattr or file "
			    "handle: %s", i + 1, strerror(-rc));
	}
	if (rc == 0 && o->to_scan && !was_bound) {
		rc = object_index_complete(o->index);
		o->to_scan = false;
	}
	if (rc == 0)
		return o;
	objects_close(o);
	errno = -rc;
	return NULL;
}

void
objects_complete(struct objects *o)
{
	if (!o->to_scan)
		return;
	log_warnx("index: was lost: it is made again from the trees, and what "
	    "is asked for by id waits for that");
	o->scan = object_scan_start(o, o->index);
	if (o->scan == NULL)
		fatal("thread");
}

void
objects_close(struct objects *o)
{
	unsigned i;

	if (o == NULL)
		return;
	object_scan_stop(o->scan);
	for (i = 0; i < o->root_count; i++)
		if (o->root[i].stage_fd > 0)
			(void)close(o->root[i].stage_fd);
	object_cache_free(o->cache);
	object_index_close(o->index);
	for (i = 0; i < STRIPES; i++)
		(void)pthread_mutex_destroy(&o->stripe[i]);
	(void)pthread_mutex_destroy(&o->oid_lock);
	(void)pthread_mutex_destroy(&o->stage_lock);
	(void)pthread_rwlock_destroy(&o->id_lock);
	free(o);
}

uint64_t
object_new_oid(struct objects *o)
{
	uint64_t upto, oid = 0;

	(void)pthread_mutex_lock(&o->oid_lock);
	if (o->oid_next >= o->oid_upto) {
		upto = o->oid_next + OID_RESERVE;
		if (upto <= OID_LOCAL && (o->reserve == NULL ||
		    o->reserve(upto, o->arg) == 0)) {
			fail_point(51);
			o->oid_upto = upto;
		}
	}
	if (o->oid_next < o->oid_upto)
		oid = o->oid_prefix | o->oid_next++;
	(void)pthread_mutex_unlock(&o->oid_lock);
	return oid;
}

/* Opens by handle and looks whether it is what the index says it is. */
static int
open_object(struct objects *o, uint64_t oid, int flags)
{
	char path[OBJECT_PROC_LEN];
	struct handle h;
	struct stat st;
	int fd, again, rc;

	rc = object_scan_find(o->scan, o->index, oid, &h);
	if (rc != 0)
		return rc;
	/* O_PATH first: opening a FIFO would block, a device would act. */
	fd = handle_open(o, &h, O_PATH);
	if (fd < 0)
		return fd == -ENOENT ? -ESTALE : fd;
	atomic_fetch_add(&o->opened, 1);
	if (value_get(fd, &h) != oid) {
		(void)close(fd);
		return -ESTALE;
	}
	if (flags == O_PATH)
		return fd;
	if (fstat(fd, &st) == -1 ||
	    (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
		(void)close(fd);
		return -EINVAL;
	}
	again = open(object_proc_path(path, fd), flags | O_CLOEXEC);
	if (again == -1)
		again = -errno;
	(void)close(fd);
	return again;
}

int
object_fd(struct objects *o, uint64_t oid, int flags)
{
	enum cache_mode mode = flags == O_PATH ? CM_PATH :
	    flags == O_RDWR ? CM_WRITE : CM_READ;
	int fd;

	if (oid_is_root(o, oid))
		return flags == O_RDWR ? -EISDIR : o->root[oid - 1].fd;
	fd = object_cache_get(o->cache, oid, mode);
	if (fd != -1)
		return fd;
	fd = open_object(o, oid, flags);
	if (fd < 0)
		return fd;
	return object_cache_put(o->cache, oid, mode, fd);
}

void
object_fd_done(struct objects *o, uint64_t oid, int fd)
{
	if (fd >= 0 && !oid_is_root(o, oid))
		object_cache_done(o->cache, oid, fd);
}

int
object_stat(struct objects *o, uint64_t oid, struct stat *st)
{
	int fd, rc = 0;

	fd = object_fd(o, oid, O_PATH);
	if (fd < 0)
		return fd;
	if (fstat(fd, st) == -1)
		rc = -errno;
	else
		st->st_ino = oid;
	object_fd_done(o, oid, fd);
	return rc;
}

bool
object_name_is_reserved(const struct objects *o, uint64_t dir, const char *name)
{
	if (!oid_is_root(o, dir))
		return false;
	if (strcmp(name, RESERVED_DIR) == 0)
		return true;
	return o->root[dir - 1].ino == EXT4_ROOT_INO &&
	    strcmp(name, "lost+found") == 0;
}

int
object_root(struct objects *o, uint64_t oid)
{
	struct handle h;
	int rc;

	if (oid_is_root(o, oid))
		return (int)oid - 1;
	rc = object_scan_find(o->scan, o->index, oid, &h);
	return rc != 0 ? rc : h.root;
}

/* An O_PATH descriptor of the caller's. */
static int
open_name(struct objects *o, uint64_t dir, const char *name)
{
	int dfd, fd;

	if (object_name_is_reserved(o, dir, name))
		return -ENOENT;
	dfd = object_fd(o, dir, O_PATH);
	if (dfd < 0)
		return dfd;
	fd = openat(dfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		fd = -errno;
	object_fd_done(o, dir, dfd);
	return fd;
}

void
object_make_begin(struct objects *o)
{
	(void)pthread_rwlock_rdlock(&o->id_lock);
}

void
object_make_end(struct objects *o)
{
	(void)pthread_rwlock_unlock(&o->id_lock);
}

void
objects_exclude(struct objects *o, const struct excludes *e)
{
	o->excludes = e;
}

const struct excludes *
objects_excludes(const struct objects *o)
{
	return o->excludes;
}

/*
 * The rules have changed since it got its id, which is none then.  One with a
 * second name may be replicated by that, and keeps the id it has: two names
 * must not take it from each other.
 */
static bool
is_of_kind(const struct objects *o, uint64_t oid, bool local,
    const struct stat *st)
{
	return o->excludes == NULL || object_is_local(oid) == local ||
	    (local && !S_ISDIR(st->st_mode) && st->st_nlink > 1);
}

/*
 * An id for what has none.  The FUSE side and the resync may both have found
 * it so, or its maker may be about to give it the id that is in the stream
 * already: whoever is second takes the first one's.
 */
static int
assign_oid(struct objects *o, int fd, const struct handle *h, bool local,
    const struct stat *st, uint64_t *oid)
{
	uint64_t old;
	int rc = 0;

	(void)pthread_rwlock_wrlock(&o->id_lock);
	*oid = old = value_get(fd, h);
	if (old == 0 || !is_of_kind(o, old, local, st)) {
		*oid = object_new_oid(o);
		if (local && *oid != 0)
			*oid |= OID_LOCAL;
		rc = *oid == 0 ? -EIO : value_set(fd, *oid, h);
		if (rc == 0 && old != 0)
			object_forget(o, old);
	}
	if (rc == 0)
		rc = object_index_put(o->index, *oid, h);
	(void)pthread_rwlock_unlock(&o->id_lock);
	return rc;
}

/* The oid of fd, which has root's number; a new one when `assign'. */
static int
identify(struct objects *o, int fd, unsigned root, bool assign, bool local,
    const struct stat *st, uint64_t *oid)
{
	struct handle h, known;
	int rc;

	rc = handle_of(fd, root, &h);
	if (rc != 0)
		return rc;
	*oid = value_get(fd, &h);
	if (*oid == 0 || !is_of_kind(o, *oid, local, st))
		return assign ? assign_oid(o, fd, &h, local, st, oid) :
		    -ENODATA;
	if (object_index_get(o->index, *oid, &known) == 0 &&
	    memcmp(&known, &h, sizeof(h)) == 0)
		return 0;
	return object_index_put(o->index, *oid, &h);
}

static int
lookup(struct objects *o, uint64_t dir, const char *name, bool assign,
    bool here, uint64_t *oid, struct stat *st)
{
	struct stat found;
	int fd, rc, root;
	bool local;

	root = object_root(o, dir);
	if (root < 0)
		return root;
	fd = open_name(o, dir, name);
	if (fd < 0)
		return fd;
	if (fstat(fd, &found) == -1) {
		rc = -errno;
		(void)close(fd);
		return rc;
	}
	local = object_name_is_local(o, dir, name, S_ISDIR(found.st_mode));
	rc = local && !here ? -ENOENT : identify(o, fd, (unsigned)root,
	    assign, local, &found, oid);
	if (rc == 0 && st != NULL) {
		*st = found;
		st->st_ino = *oid;
	}
	if (rc != 0) {
		(void)close(fd);
		return rc;
	}
	/* It will be wanted soon: attributes follow a lookup. */
	fd = object_cache_put(o->cache, *oid, CM_PATH, fd);
	object_cache_done(o->cache, *oid, fd);
	return 0;
}

int
object_lookup(struct objects *o, uint64_t dir, const char *name, bool assign,
    uint64_t *oid, struct stat *st)
{
	return lookup(o, dir, name, assign, false, oid, st);
}

int
object_lookup_here(struct objects *o, uint64_t dir, const char *name,
    bool assign, uint64_t *oid, struct stat *st)
{
	return lookup(o, dir, name, assign, true, oid, st);
}

int
object_bind(struct objects *o, uint64_t dir, const char *name, uint64_t oid)
{
	int fd, rc, root;

	root = object_root(o, dir);
	if (root < 0)
		return root;
	fd = open_name(o, dir, name);
	if (fd < 0)
		return fd;
	rc = bind_in(o, fd, (unsigned)root, oid);
	(void)close(fd);
	return rc;
}

int
object_bind_fd(struct objects *o, uint64_t dir, int fd, uint64_t oid)
{
	int root = object_root(o, dir);

	return root < 0 ? root : bind_in(o, fd, (unsigned)root, oid);
}

uint64_t
object_oid_of(struct objects *o, int fd)
{
	struct handle h;

	(void)o;
	return handle_of(fd, 0, &h) == 0 ? value_get(fd, &h) : 0;
}

void
object_forget(struct objects *o, uint64_t oid)
{
	if (oid_is_root(o, oid))
		return;
	object_cache_drop(o->cache, oid);
	object_index_del(o->index, oid);
}

void
object_forget_if_gone(struct objects *o, uint64_t oid)
{
	struct stat st;
	int rc;

	rc = object_stat(o, oid, &st);
	if (rc == -ESTALE || (rc == 0 && st.st_nlink == 0))
		object_forget(o, oid);
}

unsigned
objects_root_count(const struct objects *o)
{
	return o->root_count;
}

int
objects_root_fd(const struct objects *o, unsigned root)
{
	return o->root[root].fd;
}

static int
open_made(int dfd, const char *name)
{
	int fd;

	if (mkdirat(dfd, name, 0700) == -1 && errno != EEXIST)
		return -errno;
	fd = openat(dfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	return fd == -1 ? -errno : fd;
}

int
objects_stage_fd(struct objects *o, unsigned root)
{
	struct object_root *r;
	int top, fd;

	if (root >= o->root_count)
		return -EINVAL;
	r = &o->root[root];
	(void)pthread_mutex_lock(&o->stage_lock);
	if (r->stage_fd == -1) {
		top = open_made(r->fd, RESERVED_DIR);
		fd = top < 0 ? top : open_made(top, "stage");
		if (top >= 0)
			(void)close(top);
		if (fd >= 0)
			r->stage_fd = fd;
	} else
		fd = r->stage_fd;
	(void)pthread_mutex_unlock(&o->stage_lock);
	return fd;
}

int
objects_sync_index(struct objects *o)
{
	return object_index_sync(o->index);
}

void
objects_trim(struct objects *o)
{
	object_index_trim(o->index);
}

int
objects_checkpoint(struct objects *o)
{
	unsigned i, j;
	int rc = 0;

	for (i = 0; i < o->root_count; i++) {
		for (j = 0; j < i && o->root[j].dev != o->root[i].dev; j++)
			continue;
		if (j == i && syncfs(o->root[i].fd) == -1)
			rc = -errno;
	}
	if (rc == 0)
		rc = object_index_sync(o->index);
	return rc;
}

uint64_t
objects_count(const struct objects *o)
{
	return object_index_count(o->index);
}

uint64_t
objects_opened(const struct objects *o)
{
	return atomic_load(&o->opened);
}

static unsigned
stripe_of(uint64_t oid)
{
	oid *= 0x9e3779b97f4a7c15ull;
	return (unsigned)(oid >> 54);
}
_Static_assert(STRIPES == 1024, "stripe_of() gives 10 bits");

/*
 * Objects share 1024 locks.  The order is that of the locks and not of the
 * oids, so that two objects of one lock cannot deadlock; both nodes need the
 * same result and not the same order (rule R7).
 */
void
object_lock(struct objects *o, struct object_locks *l, const uint64_t *oid,
    unsigned count)
{
	unsigned i, j, s;

	l->count = 0;
	for (i = 0; i < count; i++) {
		if (oid[i] == 0)
			continue;
		s = stripe_of(oid[i]);
		for (j = 0; j < l->count && l->oid[j] < s; j++)
			continue;
		if (j < l->count && l->oid[j] == s)
			continue;
		memmove(&l->oid[j + 1], &l->oid[j],
		    (l->count - j) * sizeof(l->oid[0]));
		l->oid[j] = s;
		l->count++;
	}
	for (i = 0; i < l->count; i++)
		(void)pthread_mutex_lock(&o->stripe[l->oid[i]]);
}

void
object_unlock(struct objects *o, struct object_locks *l)
{
	while (l->count > 0)
		(void)pthread_mutex_unlock(&o->stripe[l->oid[--l->count]]);
}

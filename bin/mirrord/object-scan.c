/* SPDX-License-Identifier: ISC */
/*
 * Looks at everything in the trees, by oid, so that neither depth nor path
 * length is a limit; makes the index again that way, after its file was
 * lost, in a thread of its own.  What has no oid of its own is left alone: the
 * role machine and the resync decide about foreign objects.
 */
#include "object-local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fail.h"
#include "log.h"
#include "xalloc.h"

struct todo {
	uint64_t	*oid;
	size_t		 count;
	size_t		 room;
};

static int
todo_add(struct todo *t, uint64_t oid)
{
	uint64_t *more;

	if (t->count == t->room) {
		t->room = t->room == 0 ? 256 : t->room * 2;
		more = realloc(t->oid, t->room * sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		t->oid = more;
	}
	t->oid[t->count++] = oid;
	return 0;
}

struct walk {
	struct objects	*objects;
	object_worth_fn	*worth;
	object_walk_fn	*look;
	void		*arg;
	bool		 local;		/* what is left out; ids are given */
	struct todo	 todo;
};

static int
look_up(struct walk *w, uint64_t dir, const char *name, uint64_t *oid,
    struct stat *st)
{
	return w->local ? object_lookup_here(w->objects, dir, name, true, oid,
	    st) : object_lookup(w->objects, dir, name, false, oid, st);
}

static int
walk_entries(struct walk *w, uint64_t dir, DIR *d)
{
	const struct dirent *e;
	struct stat st;
	uint64_t oid = 0;
	int rc, found;

	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		if (w->worth != NULL && fstatat(dirfd(d), e->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode) &&
		    !w->worth(&st, w->arg))
			continue;
		found = look_up(w, dir, e->d_name, &oid, &st);
		if (found == -ENOENT)
			continue;
		if (found != 0 && found != -ENODATA)
			return found;
		rc = w->look(dir, e->d_name, found, oid, &st, w->arg);
		if (rc == 0 && found == 0 && S_ISDIR(st.st_mode))
			rc = todo_add(&w->todo, oid);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
walk_dir(struct walk *w, uint64_t dir)
{
	DIR *d;
	int fd, own, rc;

	fd = object_fd(w->objects, dir, O_RDONLY);
	/* Removed meanwhile. */
	if (fd == -ESTALE)
		return 0;
	if (fd < 0)
		return fd;
	/* The position of the shared descriptor is not ours to move. */
	own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = own == -1 ? -errno : 0;
	object_fd_done(w->objects, dir, fd);
	if (own == -1)
		return rc == -ENOENT ? 0 : rc;
	d = fdopendir(own);
	if (d == NULL) {
		rc = -errno;
		(void)close(own);
		return rc;
	}
	rc = walk_entries(w, dir, d);
	(void)closedir(d);
	return rc;
}

int
objects_walk(struct objects *o, object_worth_fn *worth, object_walk_fn *look,
    void *arg)
{
	struct walk w = { .objects = o, .worth = worth, .look = look,
	    .arg = arg };
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < objects_root_count(o); i++)
		rc = todo_add(&w.todo, i + 1);
	while (rc == 0 && w.todo.count > 0)
		rc = walk_dir(&w, w.todo.oid[--w.todo.count]);
	free(w.todo.oid);
	return rc;
}

/* To be looked up is all that is wanted. */
static int
pass_on(uint64_t dir, const char *name, int found, uint64_t oid,
    const struct stat *st, void *arg)
{
	(void)dir;
	(void)name;
	(void)found;
	(void)oid;
	(void)st;
	(void)arg;
	return 0;
}

int
objects_walk_local(struct objects *o, uint64_t dir, const char *name)
{
	struct walk w = { .objects = o, .look = pass_on, .local = true };
	uint64_t oid = 0;
	struct stat st;
	int rc;

	rc = look_up(&w, dir, name, &oid, &st);
	if (rc == 0 && S_ISDIR(st.st_mode))
		rc = todo_add(&w.todo, oid);
	while (rc == 0 && w.todo.count > 0)
		rc = walk_dir(&w, w.todo.oid[--w.todo.count]);
	free(w.todo.oid);
	return rc == -ENOENT ? 0 : rc;
}

/* ---- the thread ---- */

#define AWAIT_NS	(20 * 1000000)
#define RETRY_S		10

struct object_scan {
	struct objects	*objects;
	struct object_index *index;
	pthread_t	 thread;
	pthread_mutex_t	 lock;
	pthread_cond_t	 changed;
	atomic_bool	 stop, over;
	int		 error;		/* it stands at; under the lock */
};

static _Thread_local bool is_scan;

struct scanned {
	struct object_scan *scan;
	uint64_t	 seen;
};

/* The look itself puts it into the index. */
static int
put(uint64_t dir, const char *name, int found, uint64_t oid,
    const struct stat *st, void *arg)
{
	struct scanned *n = arg;

	(void)dir;
	(void)name;
	(void)oid;
	(void)st;
	n->seen += found == 0;
	fail_point(88);
	return atomic_load(&n->scan->stop) ? -ECANCELED : 0;
}

static int
scan_once(struct object_scan *s)
{
	struct scanned n = { .scan = s };
	int rc = objects_walk(s->objects, NULL, put, &n);

	if (rc == 0)
		rc = object_index_complete(s->index);
	if (rc == 0)
		log_info("index: made again from the trees, %llu objects",
		    (unsigned long long)n.seen);
	else if (rc != -ECANCELED)
		log_warnx("index: scan failed: %s; it is tried again every "
		    "%d s", strerror(-rc), RETRY_S);
	return rc;
}

static void *
scan_main(void *arg)
{
	struct object_scan *s = arg;
	struct timespec t;
	int rc;

	is_scan = true;
	while ((rc = scan_once(s)) != 0 && !atomic_load(&s->stop)) {
		clock_after(&t, RETRY_S * INT64_C(1000000000));
		(void)pthread_mutex_lock(&s->lock);
		s->error = rc;
		(void)pthread_cond_broadcast(&s->changed);
		while (!atomic_load(&s->stop) && pthread_cond_timedwait(
		    &s->changed, &s->lock, &t) == 0)
			continue;
		(void)pthread_mutex_unlock(&s->lock);
	}
	(void)pthread_mutex_lock(&s->lock);
	s->error = 0;
	atomic_store(&s->over, rc == 0);
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void
scan_free(struct object_scan *s)
{
	(void)pthread_cond_destroy(&s->changed);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

struct object_scan *
object_scan_start(struct objects *o, struct object_index *x)
{
	struct object_scan *s = xcalloc(1, sizeof(*s));

	s->objects = o;
	s->index = x;
	(void)pthread_mutex_init(&s->lock, NULL);
	clock_cond_init(&s->changed);
	errno = pthread_create(&s->thread, NULL, scan_main, s);
	if (errno == 0)
		return s;
	scan_free(s);
	return NULL;
}

void
object_scan_stop(struct object_scan *s)
{
	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&s->lock);
	atomic_store(&s->stop, true);
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	scan_free(s);
}

/* Something is not in the index: waits a little.  0: look again. */
static int
await(struct object_scan *s)
{
	struct timespec t;
	int rc;

	clock_after(&t, AWAIT_NS);
	(void)pthread_mutex_lock(&s->lock);
	if (s->error == 0 && !atomic_load(&s->over))
		(void)pthread_cond_timedwait(&s->changed, &s->lock, &t);
	rc = s->error;
	(void)pthread_mutex_unlock(&s->lock);
	return rc;
}

int
object_scan_find(struct object_scan *s, struct object_index *x, uint64_t oid,
    struct handle *h)
{
	bool over;
	int rc;

	for (;;) {
		/* What the scan itself has just found may be gone. */
		over = s == NULL || is_scan || atomic_load(&s->over);
		if (object_index_get(x, oid, h) == 0)
			return 0;
		if (over)
			return -ESTALE;
		rc = await(s);
		if (rc != 0)
			return rc;
	}
}

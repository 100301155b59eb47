/* SPDX-License-Identifier: ISC */
/*
 * The thread of the sweep.  Of a root only mtime counts: our own session
 * number changes its ctime at every role change (rule R23).
 */
#include "sweep.h"

#include <sys/resource.h>
#include <sys/syscall.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "fail.h"
#include "log.h"
#include "xalloc.h"

#include "dirty.h"

/* So many are made durable at once. */
#define BATCH		4096u
/* So many are named in the log. */
#define NAMED		20u
#define NICE		10
#define IO_IDLE		(3 << 13)	/* IOPRIO_CLASS_IDLE */
#define IO_THREAD	1		/* IOPRIO_WHO_PROCESS */
#define STACK_LEN	(256 * 1024)

struct sweep {
	struct sweep_conf conf;
	pthread_t	 thread;
	atomic_bool	 stop;
	_Atomic uint64_t looked;
	struct dirtyset	*hits;		/* of the thread, not durable yet */
	unsigned	 hit_count;
	uint64_t	 found;

	pthread_mutex_t	 lock;
	pthread_cond_t	 over;
	bool		 is_over;
};

static bool
is_later(const struct sweep *s, const struct timespec *t)
{
	int64_t ns = (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;

	return ns > s->conf.since_ns;
}

static int
store(struct sweep *s)
{
	int rc;

	if (s->hit_count == 0)
		return 0;
	fail_point(55);
	rc = change_merge(s->conf.change, s->hits);
	dirtyset_clear(s->hits);
	s->hit_count = 0;
	return rc;
}

static int
hit(struct sweep *s, const char *name)
{
	if (s->found++ < NAMED)
		log_warnx("changed while the module was stopped: %s", name);
	return ++s->hit_count < BATCH ? 0 : store(s);
}

/* What came or was changed since then has a later change time, which nobody
 * can set; with a clock that was set back there is no sweep. */
static bool
is_worth(const struct stat *st, void *arg)
{
	struct sweep *s = arg;

	atomic_fetch_add(&s->looked, 1);
	return atomic_load(&s->stop) || is_later(s, &st->st_ctim);
}

/* As objects_walk() calls it. */
static int
look(uint64_t dir, const char *name, int rc, uint64_t oid,
    const struct stat *st, void *arg)
{
	struct sweep *s = arg;

	if (atomic_load(&s->stop))
		return -ECANCELED;
	if (S_ISDIR(st->st_mode))
		atomic_fetch_add(&s->looked, 1);
	if (rc == -ENODATA) {
		dirtyset_name(s->hits, dir, name);
		return hit(s, name);
	}
	if (!is_later(s, &st->st_ctim))
		return 0;
	if (S_ISDIR(st->st_mode)) {
		dirtyset_dir(s->hits, oid);
		dirtyset_attr(s->hits, oid);
	} else
		dirtyset_whole(s->hits, oid);
	return hit(s, name);
}

static int
look_at_roots(struct sweep *s)
{
	struct stat st;
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < objects_root_count(s->conf.objects); i++) {
		if (fstat(objects_root_fd(s->conf.objects, i), &st) == -1)
			return -errno;
		if (!is_later(s, &st.st_mtim))
			continue;
		dirtyset_dir(s->hits, i + 1);
		rc = hit(s, ".");
	}
	return rc;
}

static void *
sweep_thread(void *arg)
{
	struct sweep *s = arg;
	pid_t self = (pid_t)syscall(SYS_gettid);
	int rc;

	/* Refused, it is only less polite. */
	(void)setpriority(PRIO_PROCESS, (id_t)self, NICE);
	(void)syscall(SYS_ioprio_set, IO_THREAD, self, IO_IDLE);
	rc = look_at_roots(s);
	if (rc == 0)
		rc = objects_walk(s->conf.objects, is_worth, look, s);
	if (rc == 0)
		rc = store(s);
	if (!atomic_load(&s->stop))
		s->conf.on_done(s->found, rc, s->conf.arg);
	pthread_mutex_lock(&s->lock);
	s->is_over = true;
	pthread_cond_broadcast(&s->over);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

struct sweep *
sweep_start(const struct sweep_conf *conf)
{
	struct sweep *s = xcalloc(1, sizeof(*s));
	pthread_attr_t attr;
	int error;

	s->conf = *conf;
	s->hits = dirtyset_new();
	pthread_mutex_init(&s->lock, NULL);
	clock_cond_init(&s->over);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_LEN);
	error = pthread_create(&s->thread, &attr, sweep_thread, s);
	pthread_attr_destroy(&attr);
	if (error == 0)
		return s;
	s->thread = pthread_self();
	sweep_free(s);
	errno = error;
	return NULL;
}

void
sweep_free(struct sweep *s)
{
	if (s == NULL)
		return;
	atomic_store(&s->stop, true);
	if (!pthread_equal(s->thread, pthread_self()))
		(void)pthread_join(s->thread, NULL);
	dirtyset_free(s->hits);
	pthread_cond_destroy(&s->over);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

bool
sweep_await(struct sweep *s, int64_t ms)
{
	struct timespec until;
	bool is_over;

	clock_after(&until, ms * 1000000);
	pthread_mutex_lock(&s->lock);
	while (!s->is_over &&
	    pthread_cond_timedwait(&s->over, &s->lock, &until) == 0)
		continue;
	is_over = s->is_over;
	pthread_mutex_unlock(&s->lock);
	return is_over;
}

uint64_t
sweep_looked(struct sweep *s)
{
	return atomic_load(&s->looked);
}

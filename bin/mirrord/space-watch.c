/* SPDX-License-Identifier: ISC */
/* See space-watch.h. */
#include "space-watch.h"

#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "xalloc.h"

#include "crc32c.h"

/* A disk that takes no writes is known within 5 s, also when nobody writes. */
#define LOOK_S		2
#define STACK_LEN	(256 * 1024)
#define FILE_MAGIC	0x48465350	/* HFSP */
/* One in a thousand less or more is worth a word. */
#define NEWS		1000

/* As it is in the file `space': one a directory, in their order. */
struct kept {
	uint32_t		magic;
	uint32_t		crc;	/* of what follows */
	struct space_window	window;
};

struct space_watch {
	const struct mirrord_conf	*conf;
	const struct space_calls	*calls;
	void				*arg;
	int				 fd;
	pthread_t			 thread;
	struct kept			 kept[CONF_DIR_MAX];	/* thread's */
	pthread_mutex_t			 lock;
	struct space			 space[CONF_DIR_MAX];
};

/* --- the file ------------------------------------------------------- */

static uint32_t
crc_of(const struct kept *k)
{
	return crc32c(0, &k->window, sizeof(k->window));
}

/* Only a forecast hangs on it: what cannot be read begins anew. */
static void
load(struct space_watch *w, unsigned i)
{
	struct kept *k = &w->kept[i];

	if (w->fd != -1 && pread(w->fd, k, sizeof(*k), (off_t)(i *
	    sizeof(*k))) == (ssize_t)sizeof(*k) && k->magic == FILE_MAGIC &&
	    k->crc == crc_of(k) && k->window.count <= SPACE_SAMPLES)
		return;
	memset(k, 0, sizeof(*k));
}

/* In place, as all in the state directory (R20). */
static void
save(struct space_watch *w, unsigned i)
{
	struct kept *k = &w->kept[i];

	k->magic = FILE_MAGIC;
	k->crc = crc_of(k);
	if (w->fd != -1 && pwrite(w->fd, k, sizeof(*k), (off_t)(i *
	    sizeof(*k))) != (ssize_t)sizeof(*k))
		log_debug("space: samples not kept");
}

/* --- the look ------------------------------------------------------- */

static bool
differs(int64_t a, int64_t b, int64_t whole)
{
	return llabs(a - b) > whole / NEWS;
}

static bool
is_news(const struct space *a, const struct space *b)
{
	return a->known != b->known || a->total != b->total ||
	    (a->avail == 0) != (b->avail == 0) ||
	    (a->files_avail == 0) != (b->files_avail == 0) ||
	    (a->full_in_s == -1) != (b->full_in_s == -1) ||
	    differs((int64_t)a->avail, (int64_t)b->avail, (int64_t)a->total) ||
	    differs((int64_t)a->files_avail, (int64_t)b->files_avail,
	    (int64_t)a->files) ||
	    differs(a->full_in_s, b->full_in_s, 20 * a->full_in_s);
}

/*
 * A filesystem that has given up says so to a sync, also when there is nothing
 * to be written: nobody writes on a node that waits or follows an idle primary.
 */
static void
probe(struct space_watch *w, int root_fd)
{
	int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return;
	if (fsync(fd) != 0 && (errno == EIO || errno == EROFS ||
	    errno == EUCLEAN))
		w->calls->on_error(errno, w->arg);
	(void)close(fd);	/* a directory */
}

/* False: not open, or the disk does not say. */
static bool
look(struct space_watch *w, unsigned i, struct space *s)
{
	struct space_window *window = &w->kept[i].window;
	struct statvfs st;
	int fd = w->calls->root(i, w->arg);
	bool good;

	memset(s, 0, sizeof(*s));
	s->full_in_s = -1;
	if (fd == -1)
		return false;
	good = fstatvfs(fd, &st) == 0;
	probe(w, fd);
	(void)close(fd);	/* a directory */
	if (!good)
		return false;
	s->known = true;
	s->total = (uint64_t)st.f_blocks * st.f_frsize;
	/* What is reserved for root is not the application's. */
	s->avail = (uint64_t)st.f_bavail * st.f_frsize;
	s->files = st.f_files;
	s->files_avail = st.f_favail;
	if (w->calls->is_copying(w->arg))
		space_forget(window);
	else if (space_add(window, (int64_t)time(NULL),
	    (uint64_t)(st.f_blocks - st.f_bfree) * st.f_frsize))
		save(w, i);
	s->full_in_s = space_full_in(window, s->avail);
	return true;
}

static void *
watch_thread(void *arg)
{
	static const struct timespec pause = { .tv_sec = LOOK_S };
	struct space_watch *w = arg;
	struct space s;
	bool news;

	for (;;) {
		news = false;
		for (unsigned i = 0; i < w->conf->dir_count; i++) {
			(void)look(w, i, &s);
			pthread_mutex_lock(&w->lock);
			if (is_news(&w->space[i], &s)) {
				w->space[i] = s;
				news = true;
			}
			pthread_mutex_unlock(&w->lock);
		}
		if (news)
			w->calls->on_change(w->arg);
		(void)nanosleep(&pause, NULL);
	}
	return NULL;
}

struct space_watch *
space_watch_new(const struct mirrord_conf *conf, int state_fd,
    const struct space_calls *calls, void *arg)
{
	struct space_watch *w = xcalloc(1, sizeof(*w));
	pthread_attr_t attr;

	w->conf = conf;
	w->calls = calls;
	w->arg = arg;
	w->fd = state_fd == -1 ? -1 : openat(state_fd, "space", O_RDWR |
	    O_CREAT | O_CLOEXEC, 0600);
	for (unsigned i = 0; i < conf->dir_count; i++) {
		load(w, i);
		w->space[i].full_in_s = -1;
	}
	pthread_mutex_init(&w->lock, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_LEN);
	errno = pthread_create(&w->thread, &attr, watch_thread, w);
	pthread_attr_destroy(&attr);
	if (errno != 0)
		fatal("thread");
	return w;
}

void
space_watch_get(struct space_watch *w, unsigned i, struct space *out)
{
	pthread_mutex_lock(&w->lock);
	*out = w->space[i];
	pthread_mutex_unlock(&w->lock);
}

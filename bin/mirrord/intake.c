/* SPDX-License-Identifier: ISC */
/*
 * Workers and slots.  A few workers wait in read(2); who takes a request and
 * leaves nobody waiting wakes or makes another, so that blocked requests
 * never keep others out.  At most INTAKE_WAITING requests that may wait run
 * at once; more of them stay in their slots until one is over.
 *
 * Slots are prefaulted before they are read into: a fault that meets SIGKILL
 * fails, and the kernel would answer the half-copied request with EIO.
 */
#include "intake.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"
#include "xalloc.h"

#include "fuse.h"

#define MAGIC		0x686f6c64696e7431ull
#define STACK_LEN	(256 * 1024)
/* Workers that may wait in read(2): more only rotate through more slots,
 * since the kernel wakes them in turn. */
#define READERS_MAX	4
/* Slots below this keep their pages. */
#define TRIM_ABOVE	4

struct memory {
	uint64_t	magic;
	uint32_t	slots;
	uint32_t	buf_len;
	struct slot	slot[INTAKE_SLOTS];
};

struct intake {
	struct memory	*m;
	uint8_t		*bufs;
	int		 memfd;
	int		 fuse_fd;
	struct intake_calls calls;
	void		*arg;
	pthread_mutex_t	 lock;
	pthread_cond_t	 wake;		/* parked workers */
	pthread_cond_t	 joined;
	unsigned	 threads;
	unsigned	 parked;
	unsigned	 readers;
	unsigned	 waiting;	/* requests that may wait, running */
	bool		 ended;		/* the mount is gone */
	unsigned	 free_count;
	uint16_t	 free[INTAKE_SLOTS];
	unsigned	 deferred_head;
	unsigned	 deferred_count;
	uint16_t	 deferred[INTAKE_SLOTS];
	bool		 populated[INTAKE_SLOTS];
	bool		 used[INTAKE_SLOTS];	/* since the last trim */
};

static void	*worker(void *arg);
static void	*first_worker(void *arg);

static size_t
bufs_offset(void)
{
	return (sizeof(struct memory) + 4095) & ~(size_t)4095;
}

size_t
intake_size(void)
{
	return bufs_offset() + (size_t)INTAKE_SLOTS * FUSE_BUF_LEN;
}

static void *
buf_of(struct intake *in, unsigned i)
{
	return in->bufs + (size_t)i * FUSE_BUF_LEN;
}

static void
set_state(struct slot *s, enum slot_state state)
{
	__atomic_store_n(&s->state, (uint32_t)state, __ATOMIC_RELEASE);
}

void
slot_intent(struct slot *s, const struct evidence *ev)
{
	s->ev = *ev;
	set_state(s, SLOT_INTENT);
}

void
slot_done(struct slot *s, int error, const void *reply, size_t len)
{
	if (len > sizeof(s->reply))
		panic("intake: a reply of %zu bytes for a change", len);
	s->error = error;
	s->reply_len = (uint32_t)len;
	if (len > 0)
		memcpy(s->reply, reply, len);
	set_state(s, SLOT_DONE);
}

struct intake *
intake_new(void *memory, size_t size, int memfd, int fuse_fd,
    const struct intake_calls *calls, void *arg)
{
	struct memory *m = memory;
	struct intake *in;
	unsigned i;

	if (size < intake_size())
		return NULL;
	if (m->magic == 0) {
		m->slots = INTAKE_SLOTS;
		m->buf_len = FUSE_BUF_LEN;
		m->magic = MAGIC;
	} else if (m->magic != MAGIC || m->slots != INTAKE_SLOTS ||
	    m->buf_len != FUSE_BUF_LEN) {
		return NULL;
	}
	in = xcalloc(1, sizeof(*in));
	in->m = m;
	in->bufs = (uint8_t *)memory + bufs_offset();
	in->memfd = memfd;
	in->fuse_fd = fuse_fd;
	in->calls = *calls;
	in->arg = arg;
	pthread_mutex_init(&in->lock, NULL);
	pthread_cond_init(&in->wake, NULL);
	pthread_cond_init(&in->joined, NULL);
	/* The lowest slot comes off the stack first. */
	for (i = INTAKE_SLOTS; i-- > 0;)
		in->free[in->free_count++] = (uint16_t)i;
	return in;
}

void
intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	pthread_mutex_destroy(&in->lock);
	pthread_cond_destroy(&in->wake);
	pthread_cond_destroy(&in->joined);
	free(in);
}

static void
defer(struct intake *in, unsigned index)
{
	in->deferred[(in->deferred_head + in->deferred_count++) %
	    INTAKE_SLOTS] = (uint16_t)index;
}

static unsigned
take_deferred(struct intake *in)
{
	unsigned index = in->deferred[in->deferred_head];

	in->deferred_head = (in->deferred_head + 1) % INTAKE_SLOTS;
	in->deferred_count--;
	return index;
}

/* Serves slot i if it holds a request.  true: it was put off. */
static bool
recover_slot(struct intake *in, unsigned i)
{
	struct slot *s = &in->m->slot[i];
	const struct fuse_in_header *h = buf_of(in, i);

	if (s->state == SLOT_READING)
		set_state(s, SLOT_FETCHED);
	if (s->state == SLOT_FETCHED && in->calls.may_wait(h, h->len)) {
		defer(in, i);
		return true;
	}
	in->calls.serve(s, buf_of(in, i), h->len, in->arg);
	return false;
}

/* The header was zeroed before the read: a length means that the kernel
 * handed the request over. */
static bool
holds_request(struct intake *in, unsigned i)
{
	const struct fuse_in_header *h = buf_of(in, i);

	return in->m->slot[i].state != SLOT_FREE && h->len >= sizeof(*h) &&
	    h->len <= FUSE_BUF_LEN;
}

/*
 * What was begun comes first.  A request without intent may have been
 * answered already, its slot not yet given back; made again too early, a
 * LOOKUP would find the half-made object of an intent and give it an id.
 */
struct intake_found
intake_recover(struct intake *in)
{
	struct intake_found found = { 0 };
	unsigned i;
	bool later;

	for (i = 0; i < INTAKE_SLOTS; i++) {
		later = in->m->slot[i].state != SLOT_INTENT &&
		    in->m->slot[i].state != SLOT_DONE;
		if (later || !holds_request(in, i))
			continue;
		if (in->m->slot[i].state == SLOT_DONE)
			found.answered++;
		else
			found.begun++;
		(void)recover_slot(in, i);
		set_state(&in->m->slot[i], SLOT_FREE);
	}
	in->free_count = 0;
	for (i = INTAKE_SLOTS; i-- > 0;) {
		later = false;
		if (holds_request(in, i)) {
			found.fetched++;
			later = recover_slot(in, i);
		}
		if (later)
			continue;
		set_state(&in->m->slot[i], SLOT_FREE);
		in->free[in->free_count++] = (uint16_t)i;
	}
	return found;
}

/* Called with the lock held. */
static void
spawn(struct intake *in, void *(*body)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;
	int error;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_LEN);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	error = pthread_create(&thread, &attr, body, in);
	pthread_attr_destroy(&attr);
	if (error == 0) {
		in->threads++;
	} else if (in->threads == 0) {
		errno = error;
		fatal("intake: first worker");
	}
	/* Otherwise those that run go on; the next request tries again. */
}

void
intake_start(struct intake *in)
{
	pthread_mutex_lock(&in->lock);
	spawn(in, first_worker);
	pthread_mutex_unlock(&in->lock);
}

void
intake_join(struct intake *in)
{
	pthread_mutex_lock(&in->lock);
	while (in->threads > 0)
		pthread_cond_wait(&in->joined, &in->lock);
	pthread_mutex_unlock(&in->lock);
}

void
intake_trim(struct intake *in)
{
	unsigned i, index;

	pthread_mutex_lock(&in->lock);
	for (i = 0; i < in->free_count; i++) {
		index = in->free[i];
		if (index < TRIM_ABOVE || !in->populated[index])
			continue;
		if (!in->used[index] && fallocate(in->memfd,
		    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    (off_t)(bufs_offset() + (size_t)index * FUSE_BUF_LEN),
		    FUSE_BUF_LEN) == 0)
			in->populated[index] = false;
		in->used[index] = false;
	}
	pthread_mutex_unlock(&in->lock);
}

/* A free slot with its pages present.  Lock held; there is always one, as
 * there are more slots than workers and deferral keeps a reserve. */
static unsigned
take_slot(struct intake *in)
{
	unsigned index = in->free[--in->free_count];
	volatile uint8_t *p = buf_of(in, index);
	size_t i;

	in->used[index] = true;
	if (in->populated[index])
		return index;
	for (i = 0; i < FUSE_BUF_LEN; i += 4096)
		p[i] = 0;
	in->populated[index] = true;
	return index;
}

static void
give_slot(struct intake *in, unsigned index)
{
	set_state(&in->m->slot[index], SLOT_FREE);
	in->free[in->free_count++] = (uint16_t)index;
}

/*
 * Waits until this worker is wanted in read(2).  Lock held.  false: the
 * mount is gone.
 */
static bool
become_reader(struct intake *in)
{
	while (!in->ended && (in->readers >= READERS_MAX ||
	    in->free_count == 0)) {
		in->parked++;
		pthread_cond_wait(&in->wake, &in->lock);
		in->parked--;
	}
	if (in->ended)
		return false;
	in->readers++;
	return true;
}

/* Lock held; a request was taken. */
static void
leave_reader(struct intake *in)
{
	in->readers--;
	if (in->readers > 0 || in->ended)
		return;
	if (in->parked > 0)
		pthread_cond_signal(&in->wake);
	else if (in->threads < INTAKE_THREADS)
		spawn(in, worker);
}

/* The length of a request, 0 to try again, -1 when the mount is gone. */
static ssize_t
fetch(struct intake *in, unsigned index)
{
	struct slot *s = &in->m->slot[index];
	struct fuse_in_header *h = buf_of(in, index);
	ssize_t len;

	h->len = 0;
	memset(&s->ev, 0, sizeof(s->ev));
	set_state(s, SLOT_READING);
	len = read(in->fuse_fd, h, FUSE_BUF_LEN);
	if (len > 0) {
		set_state(s, SLOT_FETCHED);
		return len;
	}
	set_state(s, SLOT_FREE);
	if (len == -1 && (errno == EINTR || errno == EAGAIN ||
	    errno == ENOENT))
		return 0;
	if (len == -1 && errno != ENODEV)
		log_warn("intake: read from /dev/fuse");
	return -1;
}

/* Lock held.  Runs the request of a slot, and the deferred ones after it. */
static void
serve_slot(struct intake *in, unsigned index, size_t len)
{
	const struct fuse_in_header *h = buf_of(in, index);
	bool waits = in->calls.may_wait(buf_of(in, index), len);

	if (waits && in->waiting >= INTAKE_WAITING) {
		/* Whoever ends a waiting one takes it up. */
		defer(in, index);
		return;
	}
	in->waiting += waits;
	for (;;) {
		pthread_mutex_unlock(&in->lock);
		in->calls.serve(&in->m->slot[index], buf_of(in, index), len,
		    in->arg);
		pthread_mutex_lock(&in->lock);
		give_slot(in, index);
		if (!waits || in->deferred_count == 0)
			break;
		index = take_deferred(in);
		h = buf_of(in, index);
		len = h->len;
	}
	in->waiting -= waits;
}

static void *
worker(void *arg)
{
	struct intake *in = arg;
	unsigned index;
	ssize_t len;

	pthread_mutex_lock(&in->lock);
	/* Put off by recovery. */
	if (in->deferred_count > 0 && in->waiting < INTAKE_WAITING) {
		index = take_deferred(in);
		serve_slot(in, index,
		    ((const struct fuse_in_header *)buf_of(in, index))->len);
	}
	while (become_reader(in)) {
		index = take_slot(in);
		pthread_mutex_unlock(&in->lock);
		len = fetch(in, index);
		pthread_mutex_lock(&in->lock);
		if (len > 0) {
			leave_reader(in);
			serve_slot(in, index, (size_t)len);
			continue;
		}
		in->readers--;
		give_slot(in, index);
		if (len == -1) {
			in->ended = true;
			pthread_cond_broadcast(&in->wake);
		}
	}
	if (--in->threads == 0)
		pthread_cond_broadcast(&in->joined);
	pthread_mutex_unlock(&in->lock);
	return NULL;
}

/*
 * Rule R55: recovery is complete before new requests.  It may wait itself,
 * for room in the queue to the peer, so nobody waits for it.
 */
static void *
first_worker(void *arg)
{
	struct intake *in = arg;
	struct intake_found found = intake_recover(in);
	unsigned i, more, count;

	count = found.answered + found.begun + found.fetched;
	if (count > 0)
		log_info("mirror: %u requests were in hand: %u answered, %u "
		    "begun, %u not begun", count, found.answered,
		    found.begun, found.fetched);
	pthread_mutex_lock(&in->lock);
	more = in->deferred_count < INTAKE_WAITING ? in->deferred_count :
	    INTAKE_WAITING;
	for (i = 0; i < more; i++)
		spawn(in, worker);
	pthread_mutex_unlock(&in->lock);
	return worker(in);
}

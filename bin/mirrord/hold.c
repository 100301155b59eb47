/* SPDX-License-Identifier: ISC */
/*
 * The door of hold.h.  A change counts itself in before it looks whether the
 * door is shut, and hold_begin() shuts it before it looks who is inside: one
 * of the two sees the other.
 */
#include "hold.h"

#include <errno.h>
#include <string.h>

void
hold_init(struct hold *h)
{

	memset(h, 0, sizeof(*h));
	pthread_mutex_init(&h->lock, NULL);
	clock_cond_init(&h->opened);
	clock_cond_init(&h->empty);
}

void
hold_fini(struct hold *h)
{
	pthread_cond_destroy(&h->empty);
	pthread_cond_destroy(&h->opened);
	pthread_mutex_destroy(&h->lock);
}

/* With the lock. */
static void
open_door(struct hold *h)
{
	atomic_store(&h->shut, false);
	pthread_cond_broadcast(&h->opened);
}

/* With the lock: shut, and its time is not over. */
static bool
is_shut(struct hold *h)
{
	if (atomic_load(&h->shut) && mono_passed(h->until, mono_now()))
		open_door(h);
	return atomic_load(&h->shut);
}

/* With the lock: sleeps on cond, not beyond the end of the hold. */
static void
sleep_on(struct hold *h, pthread_cond_t *cond)
{
	int64_t ns = mono_diff_ns(h->until, mono_now());
	struct timespec t;

	if (ns <= 0)
		return;
	clock_after(&t, ns);
	(void)pthread_cond_timedwait(cond, &h->lock, &t);
}

void
hold_enter(struct hold *h)
{
	for (;;) {
		atomic_fetch_add(&h->inside, 1);
		if (!atomic_load(&h->shut))
			return;
		hold_leave(h);
		pthread_mutex_lock(&h->lock);
		while (is_shut(h))
			sleep_on(h, &h->opened);
		pthread_mutex_unlock(&h->lock);
	}
}

void
hold_leave(struct hold *h)
{
	if (atomic_fetch_sub(&h->inside, 1) != 1 || !atomic_load(&h->shut))
		return;
	pthread_mutex_lock(&h->lock);
	pthread_cond_broadcast(&h->empty);
	pthread_mutex_unlock(&h->lock);
}

int
hold_begin(struct hold *h, int64_t ms, uint64_t *number)
{
	int error = 0;

	pthread_mutex_lock(&h->lock);
	if (is_shut(h)) {
		pthread_mutex_unlock(&h->lock);
		return -EBUSY;
	}
	h->until = mono_add_ms(mono_now(), ms);
	*number = ++h->number;
	atomic_store(&h->shut, true);
	while (atomic_load(&h->inside) != 0 && is_shut(h))
		sleep_on(h, &h->empty);
	if (!is_shut(h))
		error = -ETIMEDOUT;
	pthread_mutex_unlock(&h->lock);
	return error;
}

bool
hold_end(struct hold *h, uint64_t number)
{
	bool held;

	pthread_mutex_lock(&h->lock);
	held = is_shut(h) && h->number == number;
	if (held)
		open_door(h);
	pthread_mutex_unlock(&h->lock);
	return held;
}

void
hold_break(struct hold *h)
{
	pthread_mutex_lock(&h->lock);
	open_door(h);
	pthread_mutex_unlock(&h->lock);
}

int64_t
hold_left_ms(struct hold *h)
{
	int64_t ms = 0;

	pthread_mutex_lock(&h->lock);
	if (is_shut(h))
		ms = mono_diff_ms(h->until, mono_now()) + 1;
	pthread_mutex_unlock(&h->lock);
	return ms;
}

bool
hold_is(struct hold *h, uint64_t number)
{
	bool is;

	pthread_mutex_lock(&h->lock);
	is = is_shut(h) && h->number == number;
	pthread_mutex_unlock(&h->lock);
	return is;
}

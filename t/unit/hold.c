/* SPDX-License-Identifier: ISC */
/* The door of `holdfast freeze': who waits, for how long, who opens it. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "tap.h"

#include "../../bin/mirrord/hold.h"

#define THREADS 8

static struct hold hold;
static atomic_uint done, inside;
static atomic_bool ending, stop_seen;

/* A writer of a moment; it may never be inside while the door is shut. */
static void *
writer(void *arg)
{
	(void)arg;
	while (!atomic_load(&ending)) {
		hold_enter(&hold);
		atomic_fetch_add(&inside, 1);
		if (atomic_load(&stop_seen))
			atomic_store(&done, 1000000);
		atomic_fetch_sub(&inside, 1);
		hold_leave(&hold);
		atomic_fetch_add(&done, 1);
	}
	return NULL;
}

static void *
one_change(void *arg)
{
	struct timespec t = { 0, 50000000 };

	(void)arg;
	hold_enter(&hold);
	atomic_store(&inside, 1);
	(void)nanosleep(&t, NULL);
	hold_leave(&hold);
	return NULL;
}

static void
storm(void)
{
	pthread_t t[THREADS];
	unsigned i, k, before, bad = 0;
	uint64_t n;

	for (i = 0; i < THREADS; i++)
		(void)pthread_create(&t[i], NULL, writer, NULL);
	for (k = 0; k < 200; k++) {
		if (hold_begin(&hold, 5000, &n) != 0) {
			bad++;
			continue;
		}
		atomic_store(&stop_seen, true);
		before = atomic_load(&done);
		for (i = 0; i < 100; i++)
			if (atomic_load(&inside) != 0)
				bad++;
		/* At most each one between its end and its count. */
		if (atomic_load(&done) - before > THREADS)
			bad++;
		atomic_store(&stop_seen, false);
		if (!hold_end(&hold, n))
			bad++;
	}
	atomic_store(&ending, true);
	for (i = 0; i < THREADS; i++)
		(void)pthread_join(t[i], NULL);
	is_num(bad, 0, "200 holds among %d writers: nobody inside", THREADS);
}

static void
rules(void)
{
	struct mono begin;
	uint64_t n, other = 99;
	pthread_t t;

	hold_enter(&hold);
	hold_leave(&hold);
	is_num(hold_left_ms(&hold), 0, "open");
	is_num(hold_begin(&hold, 60000, &n), 0, "shut");
	ok(hold_left_ms(&hold) > 59000 && hold_is(&hold, n), "for its time");
	is_num(hold_begin(&hold, 10, &other), -EBUSY, "by one at a time");
	ok(!hold_end(&hold, n + 1), "another number does not open it");
	ok(hold_end(&hold, n) && !hold_end(&hold, n), "its own does, once");

	begin = mono_now();
	is_num(hold_begin(&hold, 60, &n), 0, "shut again");
	hold_enter(&hold);
	ok(mono_diff_ms(mono_now(), begin) >= 60,
	    "who comes waits until the time is over");
	hold_leave(&hold);
	ok(!hold_end(&hold, n), "and then it did not hold until the end");

	atomic_store(&inside, 0);
	(void)pthread_create(&t, NULL, one_change, NULL);
	while (atomic_load(&inside) == 0)
		(void)0;
	is_num(hold_begin(&hold, 5, &n), -ETIMEDOUT,
	    "somebody stays inside: not held");
	is_num(hold_left_ms(&hold), 0, "and open");
	is_num(hold_begin(&hold, 5000, &n), 0, "with patience it is");
	(void)pthread_join(t, NULL);
	hold_break(&hold);
	ok(!hold_is(&hold, n), "the end of the role opens it");
}

int
main(void)
{
	hold_init(&hold);
	rules();
	atomic_store(&inside, 0);
	storm();
	hold_fini(&hold);
	return tap_done();
}

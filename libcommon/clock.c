/* SPDX-License-Identifier: ISC */
/* The only file that reads a clock. */

#include "clock.h"

#include <stdio.h>
#include <time.h>

#define NS_PER_MS	1000000LL
#define NS_PER_S	1000000000LL

struct mono
mono_now(void)
{
	struct timespec ts;

	/* Cannot fail: the clock exists since Linux 2.6.39. */
	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (struct mono){ ts.tv_sec * NS_PER_S + ts.tv_nsec };
}

struct mono
mono_add_ms(struct mono t, int64_t ms)
{
	return (struct mono){ t.ns + ms * NS_PER_MS };
}

int64_t
mono_diff_ms(struct mono a, struct mono b)
{
	return (a.ns - b.ns) / NS_PER_MS;
}

int64_t
mono_diff_ns(struct mono a, struct mono b)
{
	return a.ns - b.ns;
}

bool
mono_is_set(struct mono t)
{
	return t.ns != 0;
}

bool
mono_passed(struct mono deadline, struct mono now)
{
	return deadline.ns != 0 && deadline.ns <= now.ns;
}

struct mono
mono_of_wall(const struct timespec *wall)
{
	struct timespec ts;
	struct mono now = mono_now();

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	now.ns -= (ts.tv_sec - wall->tv_sec) * NS_PER_S +
	    (ts.tv_nsec - wall->tv_nsec);
	return now;
}

void
clock_cond_init(pthread_cond_t *c)
{
	pthread_condattr_t a;

	/* None of them fails on Linux. */
	(void)pthread_condattr_init(&a);
	(void)pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	(void)pthread_cond_init(c, &a);
	(void)pthread_condattr_destroy(&a);
}

void
clock_after(struct timespec *t, int64_t ns)
{
	(void)clock_gettime(CLOCK_MONOTONIC, t);
	t->tv_sec += (t->tv_nsec + ns) / 1000000000;
	t->tv_nsec = (t->tv_nsec + ns) % 1000000000;
}

const char *
clock_wall(char buf[CLOCK_WALL_LEN])
{
	struct timespec ts;
	struct tm tm;
	size_t len;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)localtime_r(&ts.tv_sec, &tm);
	len = strftime(buf, CLOCK_WALL_LEN, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(buf + len, CLOCK_WALL_LEN - len, ".%03d",
	    (int)(ts.tv_nsec / NS_PER_MS));
	return buf;
}

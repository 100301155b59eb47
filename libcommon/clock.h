/* SPDX-License-Identifier: ISC */
/*
 * Time that cannot be mixed with wall time.  Only clock.c reads the clock;
 * pure files get `struct mono now' as an argument so that a test can play a
 * day in a second.  The clock is CLOCK_BOOTTIME: it goes on in suspend, which
 * the lease needs (rule L6).
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* A point in time, nanoseconds since boot, suspend included. 0 is "never". */
struct mono {
	int64_t ns;
};

struct mono	mono_now(void);

struct mono	mono_add_ms(struct mono t, int64_t ms);
/* a - b in milliseconds, rounded toward zero; negative when a is earlier. */
int64_t		mono_diff_ms(struct mono a, struct mono b);
/* a - b in nanoseconds. */
int64_t		mono_diff_ns(struct mono a, struct mono b);
bool		mono_is_set(struct mono t);
/* True when `deadline' is set and not later than `now'. */
bool		mono_passed(struct mono deadline, struct mono now);

/*
 * When a stamp of wall time that the kernel made (a datagram's arrival) was.
 * Wrong by as much as wall time was stepped since: the caller bounds it.
 */
struct mono	mono_of_wall(const struct timespec *wall);

/*
 * A condition for pthread_cond_timedwait(3) with clock_after(), ns from now:
 * its clock is CLOCK_MONOTONIC, which is used nowhere else.
 */
void		clock_cond_init(pthread_cond_t *c);
void		clock_after(struct timespec *t, int64_t ns);

/* Wall time for humans: "2026-11-22T21:30:00.123" (local time) into buf. */
#define CLOCK_WALL_LEN 32
const char	*clock_wall(char buf[CLOCK_WALL_LEN]);

#endif

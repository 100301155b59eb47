/* SPDX-License-Identifier: ISC */
/*
 * Descriptors that outlive this process without a word to keepd: they lie
 * unread in a socket pair whose two ends keepd holds.  A put costs one
 * system call, where a question and an answer would cost two switches of
 * process for each unlink.  Not thread-safe: the caller locks.
 */
#ifndef MIRRORD_PARCEL_H
#define MIRRORD_PARCEL_H

#include <stdint.h>

#include "keep.h"

struct parcel;

/* Takes up the pair that keepd has, or makes one.  NULL with errno. */
struct parcel	*parcel_open(struct keep *k);
void		 parcel_close(struct parcel *p);

/* Keeps fd under oid, not 0.  0; -EAGAIN when it is full. */
int		 parcel_put(struct parcel *p, uint64_t oid, int fd);
/* Lets go of what was put under oid.  0, or -ENOENT. */
int		 parcel_drop(struct parcel *p, uint64_t oid);
/* Calls for each; fd is the callee's.  The number. */
unsigned	 parcel_each(struct parcel *p,
		    void (*on_fd)(uint64_t oid, int fd, void *arg), void *arg);

#endif

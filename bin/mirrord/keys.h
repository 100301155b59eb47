/* SPDX-License-Identifier: ISC */
/*
 * The keys of the link, which may change while it runs: each handshake takes
 * those of the moment.  Any thread may call.
 */
#ifndef MIRRORD_KEYS_H
#define MIRRORD_KEYS_H

#include "seal.h"

struct keys;

/* NULL with errno. */
struct keys	*keys_new(const struct seal_ring *ring);
void		 keys_free(struct keys *k);
void		 keys_set(struct keys *k, const struct seal_ring *ring);
void		 keys_get(struct keys *k, struct seal_ring *ring);

#endif

/* SPDX-License-Identifier: ISC */
/* The loop's thread sets them, the link's thread reads them. */
#include "keys.h"

#include <pthread.h>
#include <stdlib.h>

#include <sodium.h>

struct keys {
	pthread_mutex_t		lock;
	struct seal_ring	ring;
};

struct keys *
keys_new(const struct seal_ring *ring)
{
	struct keys *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	(void)pthread_mutex_init(&k->lock, NULL);
	k->ring = *ring;
	return k;
}

void
keys_free(struct keys *k)
{
	if (k == NULL)
		return;
	(void)pthread_mutex_destroy(&k->lock);
	sodium_memzero(k, sizeof(*k));
	free(k);
}

void
keys_set(struct keys *k, const struct seal_ring *ring)
{
	(void)pthread_mutex_lock(&k->lock);
	k->ring = *ring;
	(void)pthread_mutex_unlock(&k->lock);
}

void
keys_get(struct keys *k, struct seal_ring *ring)
{
	(void)pthread_mutex_lock(&k->lock);
	*ring = k->ring;
	(void)pthread_mutex_unlock(&k->lock);
}

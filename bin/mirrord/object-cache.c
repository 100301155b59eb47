/* SPDX-License-Identifier: ISC */
/*
 * Sixteen shards, each a pool of nodes with a hash and an LRU list of those
 * that nobody borrows.  A dropped object that is still borrowed leaves the
 * hash at once and is freed by the last object_cache_done(), which finds it
 * in the shard's list of such.
 */
#include "object-cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHARDS		16
#define BUCKETS		256

struct node {
	uint64_t	 oid;
	int		 fd[CM_COUNT];
	unsigned	 refs;
	struct node	*chain;		/* hash, free or dropped list */
	struct node	*newer;		/* LRU, only while refs is 0 */
	struct node	*older;
};

struct shard {
	pthread_mutex_t	 lock;
	struct node	*bucket[BUCKETS];
	struct node	*free;
	struct node	*dropped;
	struct node	*newest;
	struct node	*oldest;
};

struct object_cache {
	struct shard	 shard[SHARDS];
	struct node	*pool;
};

static uint64_t
mix(uint64_t oid)
{
	oid ^= oid >> 29;
	oid *= 0xbf58476d1ce4e5b9ull;
	return oid ^ oid >> 32;
}

static struct shard *
shard_of(struct object_cache *c, uint64_t oid)
{
	return &c->shard[mix(oid) % SHARDS];
}

static struct node **
bucket_of(struct shard *s, uint64_t oid)
{
	return &s->bucket[mix(oid) / SHARDS % BUCKETS];
}

static void
lru_remove(struct shard *s, struct node *n)
{
	if (n->newer != NULL)
		n->newer->older = n->older;
	else
		s->newest = n->older;
	if (n->older != NULL)
		n->older->newer = n->newer;
	else
		s->oldest = n->newer;
	n->newer = n->older = NULL;
}

static void
lru_add(struct shard *s, struct node *n)
{
	n->newer = NULL;
	n->older = s->newest;
	if (s->newest != NULL)
		s->newest->newer = n;
	else
		s->oldest = n;
	s->newest = n;
}

static struct node *
node_find(struct shard *s, uint64_t oid)
{
	struct node *n;

	for (n = *bucket_of(s, oid); n != NULL; n = n->chain)
		if (n->oid == oid)
			return n;
	return NULL;
}

static void
chain_remove(struct node **at, struct node *n)
{
	while (*at != n)
		at = &(*at)->chain;
	*at = n->chain;
}

static void
node_free(struct shard *s, struct node *n)
{
	unsigned m;

	for (m = 0; m < CM_COUNT; m++) {
		if (n->fd[m] != -1)
			(void)close(n->fd[m]);
		n->fd[m] = -1;
	}
	n->chain = s->free;
	s->free = n;
}

static struct node *
node_new(struct shard *s, uint64_t oid)
{
	struct node *n;

	if (s->free == NULL && s->oldest != NULL) {
		n = s->oldest;
		lru_remove(s, n);
		chain_remove(bucket_of(s, n->oid), n);
		node_free(s, n);
	}
	n = s->free;
	if (n == NULL)
		return NULL;
	s->free = n->chain;
	n->oid = oid;
	n->refs = 0;
	n->newer = n->older = NULL;
	n->chain = *bucket_of(s, oid);
	*bucket_of(s, oid) = n;
	return n;
}

static bool
node_has(const struct node *n, int fd)
{
	return n->fd[CM_PATH] == fd || n->fd[CM_READ] == fd ||
	    n->fd[CM_WRITE] == fd;
}

static int
node_fd(const struct node *n, enum cache_mode mode)
{
	/* A descriptor that can do more serves too. */
	for (; mode < CM_COUNT; mode++)
		if (n->fd[mode] != -1)
			return n->fd[mode];
	return -1;
}

static void
node_borrow(struct shard *s, struct node *n)
{
	if (n->refs++ == 0)
		lru_remove(s, n);
}

struct object_cache *
object_cache_new(size_t capacity)
{
	struct object_cache *c;
	struct node *n;
	size_t i;
	unsigned m;

	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->pool = calloc(capacity, sizeof(*c->pool));
	if (c->pool == NULL) {
		free(c);
		return NULL;
	}
	for (i = 0; i < SHARDS; i++)
		(void)pthread_mutex_init(&c->shard[i].lock, NULL);
	for (i = 0; i < capacity; i++) {
		n = &c->pool[i];
		for (m = 0; m < CM_COUNT; m++)
			n->fd[m] = -1;
		node_free(&c->shard[i % SHARDS], n);
	}
	return c;
}

void
object_cache_free(struct object_cache *c)
{
	struct shard *s;
	struct node *n;
	unsigned i, b;

	if (c == NULL)
		return;
	for (i = 0; i < SHARDS; i++) {
		s = &c->shard[i];
		for (b = 0; b < BUCKETS; b++)
			while ((n = s->bucket[b]) != NULL) {
				s->bucket[b] = n->chain;
				node_free(s, n);
			}
		while ((n = s->dropped) != NULL) {
			s->dropped = n->chain;
			node_free(s, n);
		}
		(void)pthread_mutex_destroy(&s->lock);
	}
	free(c->pool);
	free(c);
}

int
object_cache_get(struct object_cache *c, uint64_t oid, enum cache_mode mode)
{
	struct shard *s = shard_of(c, oid);
	struct node *n;
	int fd = -1;

	(void)pthread_mutex_lock(&s->lock);
	n = node_find(s, oid);
	if (n != NULL)
		fd = node_fd(n, mode);
	if (fd != -1)
		node_borrow(s, n);
	(void)pthread_mutex_unlock(&s->lock);
	return fd;
}

int
object_cache_put(struct object_cache *c, uint64_t oid, enum cache_mode mode,
    int fd)
{
	struct shard *s = shard_of(c, oid);
	struct node *n;

	(void)pthread_mutex_lock(&s->lock);
	n = node_find(s, oid);
	if (n == NULL) {
		n = node_new(s, oid);
		if (n != NULL)
			lru_add(s, n);
	}
	if (n != NULL) {
		if (n->fd[mode] != -1) {
			(void)close(fd);
			fd = n->fd[mode];
		} else
			n->fd[mode] = fd;
		node_borrow(s, n);
	}
	/* No node: object_cache_done() finds none either and closes it. */
	(void)pthread_mutex_unlock(&s->lock);
	return fd;
}

void
object_cache_done(struct object_cache *c, uint64_t oid, int fd)
{
	struct shard *s = shard_of(c, oid);
	struct node *n;
	bool was_dropped = false;

	(void)pthread_mutex_lock(&s->lock);
	n = node_find(s, oid);
	if (n == NULL || !node_has(n, fd)) {
		was_dropped = true;
		for (n = s->dropped; n != NULL; n = n->chain)
			if (node_has(n, fd))
				break;
	}
	if (n == NULL)
		(void)close(fd);
	else if (--n->refs == 0 && was_dropped) {
		chain_remove(&s->dropped, n);
		node_free(s, n);
	} else if (n->refs == 0)
		lru_add(s, n);
	(void)pthread_mutex_unlock(&s->lock);
}

void
object_cache_drop(struct object_cache *c, uint64_t oid)
{
	struct shard *s = shard_of(c, oid);
	struct node *n;

	(void)pthread_mutex_lock(&s->lock);
	n = node_find(s, oid);
	if (n != NULL) {
		chain_remove(bucket_of(s, oid), n);
		if (n->refs == 0) {
			lru_remove(s, n);
			node_free(s, n);
		} else {
			n->chain = s->dropped;
			s->dropped = n;
		}
	}
	(void)pthread_mutex_unlock(&s->lock);
}

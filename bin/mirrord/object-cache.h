/* SPDX-License-Identifier: ISC */
/*
 * LRU of descriptors by oid: a bounded pool, so that no allocation happens
 * on the path of a request.  An object may have three: O_PATH, O_RDONLY and
 * O_RDWR.  What does not fit is used once and closed.  Thread-safe.
 */
#ifndef MIRRORD_OBJECT_CACHE_H
#define MIRRORD_OBJECT_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cache_mode { CM_PATH, CM_READ, CM_WRITE, CM_COUNT };

struct object_cache;

struct object_cache *object_cache_new(size_t capacity);
void		 object_cache_free(struct object_cache *c);
/* A borrowed descriptor that serves mode, or -1. */
int		 object_cache_get(struct object_cache *c, uint64_t oid,
		    enum cache_mode mode);
/*
 * Gives fd to the cache and borrows it.  When another thread was faster, fd
 * is closed and the other one is returned.
 */
int		 object_cache_put(struct object_cache *c, uint64_t oid,
		    enum cache_mode mode, int fd);
/* Ends a borrowing. */
void		 object_cache_done(struct object_cache *c, uint64_t oid,
		    int fd);
/* The object is gone: its descriptors are closed once nobody uses them. */
void		 object_cache_drop(struct object_cache *c, uint64_t oid);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * A hash of (oid, count) in shared memory.  Entries are used from the front,
 * so that few known objects touch few pages; only the heads are scattered.
 * A kill between two stores loses at most one entry of the free list, never
 * a count.  Called by the request files and intake recovery.
 */
#include "lookup.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define MAGIC		0x686f6c646c6b7031ull
#define HEADS		65536u
/* 2 million objects known to the kernel at once; beyond, `full' is set and
 * kept descriptors stay until the mount ends. */
#define ENTRIES		(2u * 1024 * 1024)

struct entry {
	uint64_t	oid;
	uint64_t	count;
	uint32_t	next;		/* index + 1 */
	uint32_t	unused;
};

struct memory {
	uint64_t	magic;
	uint32_t	used;		/* entries ever taken */
	uint32_t	free;		/* index + 1 of the first free one */
	uint32_t	full;
	uint32_t	unused;
	uint32_t	head[HEADS];
	struct entry	entry[ENTRIES];
};

struct lookup {
	struct memory	*m;
	pthread_mutex_t	 lock;
};

size_t
lookup_size(void)
{
	return sizeof(struct memory);
}

struct lookup *
lookup_open(void *memory, size_t size)
{
	struct memory *m = memory;
	struct lookup *l;

	if (size < sizeof(*m) || (m->magic != 0 && m->magic != MAGIC) ||
	    m->used > ENTRIES)
		return NULL;
	m->magic = MAGIC;
	l = xcalloc(1, sizeof(*l));
	l->m = m;
	pthread_mutex_init(&l->lock, NULL);
	return l;
}

void
lookup_close(struct lookup *l)
{
	if (l == NULL)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static uint32_t *
head_of(struct memory *m, uint64_t oid)
{
	return &m->head[(oid * 0x9e3779b97f4a7c15ull) >> 48];
}

/* The link that names oid's entry, or the end of its chain. */
static uint32_t *
find(struct memory *m, uint64_t oid)
{
	uint32_t *link = head_of(m, oid);

	while (*link != 0 && m->entry[*link - 1].oid != oid)
		link = &m->entry[*link - 1].next;
	return link;
}

static uint32_t
take_entry(struct memory *m)
{
	uint32_t index = m->free;

	if (index != 0) {
		m->free = m->entry[index - 1].next;
		return index;
	}
	if (m->used == ENTRIES)
		return 0;
	return ++m->used;
}

void
lookup_add(struct lookup *l, uint64_t oid, uint64_t count)
{
	struct memory *m = l->m;
	uint32_t *link, index;

	pthread_mutex_lock(&l->lock);
	link = find(m, oid);
	if (*link != 0) {
		m->entry[*link - 1].count += count;
	} else if ((index = take_entry(m)) == 0) {
		m->full = 1;
	} else {
		m->entry[index - 1].oid = oid;
		m->entry[index - 1].count = count;
		m->entry[index - 1].next = 0;
		__atomic_store_n(link, index, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&l->lock);
}

uint64_t
lookup_forget(struct lookup *l, uint64_t oid, uint64_t count)
{
	struct memory *m = l->m;
	uint32_t *link, index;
	struct entry *e;
	uint64_t left = 0;

	pthread_mutex_lock(&l->lock);
	link = find(m, oid);
	index = *link;
	if (index != 0) {
		e = &m->entry[index - 1];
		left = e->count > count ? e->count - count : 0;
		e->count = left;
		if (left == 0) {
			*link = e->next;
			e->next = m->free;
			m->free = index;
		}
	} else if (m->full) {
		left = UINT64_MAX;
	}
	pthread_mutex_unlock(&l->lock);
	return left;
}

uint64_t
lookup_count(struct lookup *l, uint64_t oid)
{
	uint64_t count;
	uint32_t index;

	pthread_mutex_lock(&l->lock);
	index = *find(l->m, oid);
	count = index != 0 ? l->m->entry[index - 1].count : 0;
	if (count == 0 && l->m->full)
		count = UINT64_MAX;
	pthread_mutex_unlock(&l->lock);
	return count;
}

void
lookup_clear(struct lookup *l)
{
	pthread_mutex_lock(&l->lock);
	l->m->used = l->m->free = l->m->full = 0;
	memset(l->m->head, 0, sizeof(l->m->head));
	pthread_mutex_unlock(&l->lock);
}

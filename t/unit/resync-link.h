/* SPDX-License-Identifier: ISC */
/* For resync.c: random numbers, and a link as a queue of frames a direction. */
#ifndef UNIT_RESYNC_LINK_H
#define UNIT_RESYNC_LINK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each thread has its own sequence. */
void		 rnd_seed(uint64_t seed);
unsigned	 rnd(unsigned n);

struct packet {
	struct packet	*next;
	size_t		 len;
	uint8_t		 data[];
};

struct queue {
	pthread_mutex_t	 lock;
	pthread_cond_t	 cond;
	struct packet	*head, **tail;
	size_t		 count;
	bool		 closed;
};

void		 queue_init(struct queue *q);
void		 queue_close(struct queue *q);
void		 queue_fini(struct queue *q);
/* Waits while it is full; -1: closed. */
int		 queue_put(struct queue *q, const void *data, size_t len);
/* The caller frees; NULL: closed. */
struct packet	*queue_get(struct queue *q);

#endif

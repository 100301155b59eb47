/* SPDX-License-Identifier: ISC */
/* For resync.c: random numbers, and a link as a queue of frames a direction. */
#ifndef UNIT_RESYNC_LINK_H
#define UNIT_RESYNC_LINK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local uint64_t rng;

static unsigned
rnd(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)((rng >> 11) % n);
}

/* ---- link: a queue of frames a direction ---- */

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

static void
queue_init(struct queue *q)
{
	memset(q, 0, sizeof(*q));
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->cond, NULL);
	q->tail = &q->head;
}

static void
queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->cond);
	pthread_mutex_unlock(&q->lock);
}

static void
queue_fini(struct queue *q)
{
	struct packet *p;

	while ((p = q->head) != NULL) {
		q->head = p->next;
		free(p);
	}
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->cond);
}

static int
queue_put(struct queue *q, const void *data, size_t len)
{
	struct packet *p = malloc(sizeof(*p) + len);
	int rc = -1;

	p->next = NULL;
	p->len = len;
	memcpy(p->data, data, len);
	pthread_mutex_lock(&q->lock);
	/* Bounded, as a socket is. */
	while (!q->closed && q->count > 64)
		pthread_cond_wait(&q->cond, &q->lock);
	if (!q->closed) {
		*q->tail = p;
		q->tail = &p->next;
		q->count++;
		rc = 0;
		pthread_cond_broadcast(&q->cond);
	}
	pthread_mutex_unlock(&q->lock);
	if (rc != 0)
		free(p);
	return rc;
}

static struct packet *
queue_get(struct queue *q)
{
	struct packet *p;

	pthread_mutex_lock(&q->lock);
	while (q->head == NULL && !q->closed)
		pthread_cond_wait(&q->cond, &q->lock);
	p = q->closed ? NULL : q->head;
	if (p != NULL) {
		q->head = p->next;
		if (q->head == NULL)
			q->tail = &q->head;
		q->count--;
		pthread_cond_broadcast(&q->cond);
	}
	pthread_mutex_unlock(&q->lock);
	return p;
}

#endif

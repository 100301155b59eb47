/* SPDX-License-Identifier: ISC */
/* Random numbers and the link of the resync test. */
#include "resync-link.h"

#include <stdlib.h>
#include <string.h>

static _Thread_local uint64_t rng;

void
rnd_seed(uint64_t seed)
{
	/* Never zero: that would stay zero. */
	rng = seed * 0x9e3779b97f4a7c15u | 1;
}

unsigned
rnd(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)((rng >> 11) % n);
}

void
queue_init(struct queue *q)
{
	memset(q, 0, sizeof(*q));
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->cond, NULL);
	q->tail = &q->head;
}

void
queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->cond);
	pthread_mutex_unlock(&q->lock);
}

void
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

int
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

struct packet *
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

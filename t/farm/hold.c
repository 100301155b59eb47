/* SPDX-License-Identifier: ISC */
/*
 * The connections of mode `hold'.  Each sends a message every period and
 * waits for its echo; every nth says nothing until the end, when each has to
 * answer once more.
 */
#include <sys/epoll.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

#include "hold.h"

#define EVENTS		256
#define MESSAGE_LEN	512
#define GROW		1024
/* So many connections are opened in a turn: no burst on a full backlog. */
#define OPEN_AT_ONCE	16
#define AGAIN_MS	20

static struct life *
life_of(struct hold *h, const struct hold_client *hc)
{
	return &h->life[hc->life];
}

static void
life_end(struct hold *h, struct hold_client *hc, int error, struct mono now)
{
	struct life *l = life_of(h, hc);

	l->ended = now;
	l->waited_ms = hc->owed > 0 ? ms_between(hc->sent, now) : 0;
	l->end = LE_ERROR;
	if (error == 0)
		l->end = LE_CLOSED;
	else if (error == ECONNRESET || error == ECONNREFUSED ||
	    error == EPIPE)
		l->end = LE_RESET;
	else if (error == ETIMEDOUT)
		l->end = LE_TIMEDOUT;
	if (hc->fd != -1)
		(void)close(hc->fd);	/* it is over */
	hc->fd = -1;
	/* The first try at once, as a client does that is in a hurry. */
	hc->due = mono_is_set(l->answered) ? now : mono_add_ms(now, AGAIN_MS);
}

static void
client_connect(struct hold *h, const struct client *c, unsigned i,
    struct mono now)
{
	struct hold_client *hc = &h->client[i];

	if (h->life_count % GROW == 0)
		h->life = xrealloc(h->life, h->life_count + GROW,
		    sizeof(*h->life));
	hc->life = h->life_count++;
	*life_of(h, hc) = (struct life){ .client = i, .asked = now };
	hc->owed = 0;
	hc->fd = source_socket(c, SOCK_STREAM, i);
	if (hc->fd == -1)
		life_end(h, hc, errno, now);
	else
		source_watch(c, hc->fd, EPOLLIN, i);
}

static void
client_send(struct hold *h, struct hold_client *hc, struct mono now)
{
	static const char message[MESSAGE_LEN] = "farmcli";
	ssize_t n = send(hc->fd, message, sizeof(message), MSG_NOSIGNAL);

	if (n == -1 && errno == EAGAIN)
		return;
	if (n == -1) {
		life_end(h, hc, errno, now);
		return;
	}
	hc->owed = (unsigned)n;
	hc->sent = now;
}

/* The idle ones, too, once: so they learn whether their node is dead. */
static void
clients_speak(struct hold *h, const struct client *c, struct mono now)
{
	unsigned i;

	for (i = 0; i < c->count; i++) {
		struct hold_client *hc = &h->client[i];

		if (hc->fd != -1 && hc->owed == 0 &&
		    mono_is_set(life_of(h, hc)->answered))
			client_send(h, hc, now);
	}
}

static void
client_echoed(struct hold *h, struct hold_client *hc, struct mono now)
{
	if (mono_diff_ms(now, hc->sent) < STALL_MS)
		return;
	if (h->stall_count % GROW == 0)
		h->stall = xrealloc(h->stall, h->stall_count + GROW,
		    sizeof(*h->stall));
	h->stall[h->stall_count++] = (struct stall){
		.node = life_of(h, hc)->node, .from = hc->sent, .to = now };
}

static void
client_event(struct hold *h, const struct client *c, struct hold_client *hc)
{
	char buf[4096], *data = buf;
	ssize_t len = recv(hc->fd, buf, sizeof(buf), 0);
	struct mono now = mono_now();
	struct life *l = life_of(h, hc);

	if (len == -1 && errno == EAGAIN)
		return;
	if (len <= 0) {
		life_end(h, hc, len == 0 ? 0 : errno, now);
		return;
	}
	if (!mono_is_set(l->answered)) {
		l->answered = now;
		l->node = name_index(buf, (size_t)len);
		/* They do not all speak at the same time. */
		hc->due = now;
		hc->due.ns += c->period_ns * (l->client % 97) / 97;
		data = memchr(buf, '\n', (size_t)len);
		len -= data != NULL ? data + 1 - buf : len;
	}
	if (hc->owed > 0 && (size_t)len >= hc->owed)
		client_echoed(h, hc, now);
	hc->owed -= (size_t)len < hc->owed ? (unsigned)len : hc->owed;
}

/* Connects or sends what is due; returns when the next thing is. */
static struct mono
clients_turn(struct hold *h, struct client *c, struct mono now)
{
	struct mono next = mono_add_ms(now, 10);
	unsigned i, opened = 0;

	for (i = 0; i < c->count; i++) {
		struct hold_client *hc = &h->client[i];

		if (!mono_passed(hc->due, now)) {
			if (mono_is_set(hc->due) && hc->due.ns < next.ns)
				next = hc->due;
			continue;
		}
		if (hc->fd == -1) {
			if (opened++ < OPEN_AT_ONCE)
				client_connect(h, c, i, now);
			else
				next = now;
			continue;
		}
		if (!mono_is_set(life_of(h, hc)->answered) || hc->owed > 0 ||
		    hc->is_idle)
			continue;
		hc->due.ns = now.ns + c->period_ns;
		client_send(h, hc, now);
	}
	return next;
}

static void
events_take(struct hold *h, struct client *c, struct mono next)
{
	struct epoll_event ev[EVENTS];
	int i, n = source_wait(c, ev, EVENTS, next);

	for (i = 0; i < n; i++)
		client_event(h, c, &h->client[ev[i].data.u64]);
}

static bool
all_answered(const struct hold *h, const struct client *c)
{
	unsigned i;

	for (i = 0; i < c->count; i++)
		if (h->client[i].fd == -1 || !mono_is_set(
		    h->life[h->client[i].life].answered))
			return false;
	return true;
}

/* Each has to answer once more. */
static void
last_words(struct hold *h, struct client *c)
{
	struct mono start = mono_now(), now = start;
	bool is_waiting = true;
	unsigned i;

	control_mark(c, "end", now);
	for (i = 0; i < c->count; i++)
		h->unanswered += h->client[i].fd == -1 ||
		    !mono_is_set(life_of(h, &h->client[i])->answered);
	clients_speak(h, c, now);
	while (is_waiting && mono_diff_ms(now, start) < c->bound_ms) {
		events_take(h, c, mono_add_ms(now, 10));
		is_waiting = false;
		for (i = 0; i < c->count; i++)
			is_waiting = is_waiting || (h->client[i].fd != -1 &&
			    h->client[i].owed > 0);
		now = mono_now();
	}
	for (i = 0; i < c->count; i++)
		if (h->client[i].fd != -1 && h->client[i].owed > 0)
			life_of(h, &h->client[i])->hung = true;
}

void
hold(struct client *c)
{
	struct hold h = { .life_count = 0 };
	bool is_ready = false;
	struct mono now = mono_now(), next;
	unsigned i;

	h.client = xcalloc(c->count, sizeof(*h.client));
	for (i = 0; i < c->count; i++) {
		h.client[i].fd = -1;
		h.client[i].due = now;
		h.client[i].is_idle = c->idle_every > 0 &&
		    i % c->idle_every == 0;
	}
	while (!c->is_ending) {
		now = mono_now();
		control_read(c, now);
		if (c->is_to_speak) {
			c->is_to_speak = false;
			clients_speak(&h, c, now);
		}
		next = clients_turn(&h, c, now);
		events_take(&h, c, next);
		if (!is_ready && all_answered(&h, c)) {
			is_ready = true;
			control_ready();
		}
	}
	last_words(&h, c);
	hold_report(&h, c);
}

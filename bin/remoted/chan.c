/* SPDX-License-Identifier: ISC */
/*
 * Banner and hello, then records.  Bytes of the network are trusted as far
 * as they open; a record that does not ends the connection, since nothing
 * can follow it.  Called by server.c and call.c.
 */
#include "chan.h"

#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "xalloc.h"

#define HELLO_LEN	(REMOTE_BANNER_LEN + SEAL_HELLO_LEN)
#define RECORD_MAX	(REMOTE_FRAME_MAX + SEAL_RECORD_EXTRA)
#define QUEUE_MAX	(1024 * 1024)
#define QUEUE_ENOUGH	(128 * 1024)
/* A machine that went without a word. */
#define DEAD_MS		10000

struct chan {
	struct loop		*loop;
	struct loop_fd		*io;
	struct loop_timer	*timer;
	const struct chan_calls	*calls;
	void			*arg;
	int			 fd;
	bool			 is_server;
	bool			 said_hello;
	bool			 ready;
	bool			 proved;	/* a record opened */
	bool			 paused;
	bool			 is_full;
	bool			 ended;
	bool			 freed;
	unsigned		 depth;
	int64_t			 patience_ms;
	struct seal_ring	 keys;
	struct seal_stream	*seal;
	uint8_t			 hello_in[HELLO_LEN];
	uint8_t			 hello_out[HELLO_LEN];
	size_t			 in_len;
	uint8_t			 in[RECORD_MAX];
	size_t			 out_len;
	size_t			 out_size;
	uint8_t			*out;
};

const char *
chan_end_text(enum chan_end why)
{
	static const char *const text[] = {
		[CHAN_CLOSED] = "closed the connection",
		[CHAN_SILENT] = "does not answer",
		[CHAN_STRANGER] = "speaks another protocol or version",
		[CHAN_SEAL] = "has another cluster key",
		[CHAN_BROKEN] = "sent a record that is replayed or damaged",
		[CHAN_GARBLED] = "sent what makes no sense",
		[CHAN_FULL] = "does not read",
	};

	return text[why];
}

static void take_records(struct chan *);

static void
enter(struct chan *c)
{
	c->depth++;
}

static void
destroy(struct chan *c)
{
	loop_fd_del(c->io);
	loop_timer_free(c->timer);
	if (c->fd != -1)
		(void)close(c->fd);	/* said all it had to say */
	seal_stream_free(c->seal);
	sodium_memzero(&c->keys, sizeof(c->keys));
	free(c->out);
	free(c);
}

static void
leave(struct chan *c)
{
	if (--c->depth == 0 && c->freed)
		destroy(c);
}

void
chan_free(struct chan *c)
{
	if (c == NULL)
		return;
	c->freed = c->ended = true;
	if (c->depth == 0)
		destroy(c);
}

static void
end(struct chan *c, enum chan_end why)
{
	if (c->ended)
		return;
	c->ended = true;
	loop_fd_del(c->io);
	c->io = NULL;
	loop_timer_cancel(c->timer);
	c->calls->on_end(c, why, c->arg);
}

static void
watch(struct chan *c)
{
	if (!c->ended)
		loop_fd_set(c->io, (c->paused ? 0 : LOOP_READ) |
		    (c->out_len > 0 ? LOOP_WRITE : 0));
}

static void
flush(struct chan *c)
{
	while (c->out_len > 0) {
		ssize_t n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && (errno == EAGAIN || errno == ENOTCONN))
			break;
		if (n == -1) {
			end(c, CHAN_CLOSED);
			return;
		}
		memmove(c->out, c->out + n, c->out_len - (size_t)n);
		c->out_len -= (size_t)n;
	}
	watch(c);
	if (c->out_len == 0 && c->ready && c->calls->on_sent != NULL)
		c->calls->on_sent(c, c->arg);
}

/*
 * Room for len more bytes, or NULL.  Nobody's on_end is called from inside a
 * call of his own: too much ends by the timer.
 */
static uint8_t *
room(struct chan *c, size_t len)
{
	if (c->ended || c->is_full)
		return NULL;
	if (c->out_len + len > QUEUE_MAX) {
		c->is_full = true;
		loop_timer_set(c->timer, 0, 0);
		return NULL;
	}
	if (c->out_len + len > c->out_size) {
		c->out_size = (c->out_len + len) * 2;
		c->out = xrealloc(c->out, c->out_size, 1);
	}
	c->out_len += len;
	return c->out + c->out_len - len;
}

bool
chan_send(struct chan *c, const void *frame, size_t len)
{
	uint8_t *p;

	if (len == 0 || len > REMOTE_FRAME_MAX || !c->ready)
		return false;
	p = room(c, len + SEAL_RECORD_EXTRA);
	if (p == NULL)
		return false;
	(void)seal_stream_seal(c->seal, p, frame, len);
	/* From the loop, so that on_sent is never called from in here. */
	watch(c);
	return true;
}

bool
chan_is_full(const struct chan *c)
{
	return c->out_len > QUEUE_ENOUGH;
}

size_t
chan_queued(const struct chan *c)
{
	return c->out_len;
}

bool
chan_is_ready(const struct chan *c)
{
	return c->ready;
}

bool
chan_is_proved(const struct chan *c)
{
	return c->proved;
}

void
chan_pause(struct chan *c, bool pause)
{
	if (c->paused == pause)
		return;
	c->paused = pause;
	/* Silence is ours now, not the other end's. */
	chan_patience(c, c->patience_ms);
	watch(c);
	/* What is here already brings no event of its own. */
	if (!pause && c->depth == 0) {
		enter(c);
		take_records(c);
		leave(c);
	}
}

void
chan_patience(struct chan *c, int64_t ms)
{
	c->patience_ms = ms;
	if (c->is_full)
		return;
	if (c->ended || ms == 0 || c->paused)
		loop_timer_cancel(c->timer);
	else
		loop_timer_set(c->timer, ms, 0);
}

void
chan_transcript(const struct chan *c, uint8_t out[32])
{
	crypto_generichash_state state;

	(void)crypto_generichash_init(&state, NULL, 0, 32);
	(void)crypto_generichash_update(&state, c->is_server ? c->hello_in :
	    c->hello_out, HELLO_LEN);
	(void)crypto_generichash_update(&state, c->is_server ?
	    c->hello_out : c->hello_in, HELLO_LEN);
	(void)crypto_generichash_final(&state, out, 32);
}

/* --- handshake ------------------------------------------------------ */

static void
say_hello(struct chan *c, const char *id)
{
	uint8_t *p;

	c->seal = seal_stream_new_ring(&c->keys, c->is_server);
	remote_banner_put(c->hello_out, id);
	seal_stream_hello(c->seal, c->hello_out + REMOTE_BANNER_LEN);
	c->said_hello = true;
	p = room(c, HELLO_LEN);
	if (p != NULL)
		memcpy(p, c->hello_out, HELLO_LEN);
}

/* The other end's first words: who is it, and what is it to be told? */
static bool
take_banner(struct chan *c)
{
	char id[REMOTE_ID_LEN + 1];

	switch (remote_banner_get(c->in, id)) {
	case BANNER_REMOTE:
		if (c->is_server)
			say_hello(c, NULL);
		return true;
	case BANNER_JOIN:
		if (!c->is_server || c->calls->on_join == NULL ||
		    !c->calls->on_join(c, id, &c->keys.key[0], c->arg))
			break;
		c->keys.count = 1;
		say_hello(c, id);
		return true;
	default:
		break;
	}
	end(c, CHAN_STRANGER);
	return false;
}

/* False: not whole yet, or the end. */
static bool
take_hello(struct chan *c)
{
	if (c->in_len < REMOTE_BANNER_LEN || (c->is_server &&
	    !c->said_hello && !take_banner(c)) || c->in_len < HELLO_LEN)
		return false;
	if (!c->is_server && !take_banner(c))
		return false;
	memcpy(c->hello_in, c->in, HELLO_LEN);
	c->in_len -= HELLO_LEN;
	memmove(c->in, c->in + HELLO_LEN, c->in_len);
	if (seal_stream_start(c->seal, c->hello_in +
	    REMOTE_BANNER_LEN) == -1) {
		/* The other end learns it too, from our hello. */
		flush(c);
		end(c, CHAN_SEAL);
		return false;
	}
	c->ready = true;
	/* A caller's hello may be a recorded one: his time goes on. */
	if (!c->is_server)
		chan_patience(c, REMOTE_SILENCE_MS);
	if (c->calls->on_ready != NULL)
		c->calls->on_ready(c, c->arg);
	return !c->ended;
}

/* --- records -------------------------------------------------------- */

/* Takes the record at p of n bytes behind its length. */
static bool
take_record(struct chan *c, uint8_t *p, size_t n)
{
	int64_t len = seal_stream_open(c->seal, p, p, n);
	struct frame_in f;

	if (len == -1) {
		end(c, CHAN_BROKEN);
		return false;
	}
	/* Only this shows who has the key: loose bytes buy no time. */
	chan_patience(c, c->proved ? c->patience_ms : REMOTE_SILENCE_MS);
	c->proved = true;
	if (frame_open(&f, p, (size_t)len) == -1 ||
	    (f.type != REMOTE_TICK && !c->calls->on_frame(c, &f, c->arg))) {
		end(c, CHAN_GARBLED);
		return false;
	}
	return !c->ended;
}

static void
take_records(struct chan *c)
{
	size_t done = 0, n;
	uint8_t *p;

	while (!c->ended && !c->paused && c->in_len - done >= 4) {
		p = c->in + done;
		n = (size_t)p[0] << 24 | (size_t)p[1] << 16 |
		    (size_t)p[2] << 8 | p[3];
		if (n > RECORD_MAX - 4) {
			end(c, CHAN_GARBLED);
			return;
		}
		if (c->in_len - done < n + 4 || !take_record(c, p + 4, n))
			break;
		done += n + 4;
	}
	c->in_len -= done;
	memmove(c->in, c->in + done, c->in_len);
}

static void
take(struct chan *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len,
	    sizeof(c->in) - c->in_len, 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end(c, CHAN_CLOSED);
		return;
	}
	c->in_len += (size_t)n;
	if (!c->ready && !take_hello(c)) {
		watch(c);
		return;
	}
	take_records(c);
	watch(c);
}

static void
on_io(int fd, int events, void *arg)
{
	struct chan *c = arg;

	(void)fd;
	enter(c);
	if (events & LOOP_WRITE)
		flush(c);
	if ((events & LOOP_READ) && !c->ended && !c->paused)
		take(c);
	leave(c);
}

static void
on_timer(void *arg)
{
	struct chan *c = arg;

	enter(c);
	end(c, c->is_full ? CHAN_FULL : CHAN_SILENT);
	leave(c);
}

struct chan *
chan_new(struct loop *l, int fd, bool is_server,
    const struct seal_ring *keys, const struct chan_calls *calls, void *arg)
{
	struct chan *c = xcalloc(1, sizeof(*c));
	unsigned dead = DEAD_MS;
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead,
	    sizeof(dead));
	c->loop = l;
	c->fd = fd;
	c->is_server = is_server;
	c->keys = *keys;
	c->calls = calls;
	c->arg = arg;
	c->io = loop_fd_add(l, fd, LOOP_READ, on_io, c);
	c->timer = loop_timer_new(l, on_timer, c);
	chan_patience(c, REMOTE_HELLO_MS);
	if (!is_server) {
		say_hello(c, NULL);
		watch(c);
	}
	return c;
}

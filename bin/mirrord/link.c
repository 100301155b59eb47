/* SPDX-License-Identifier: ISC */
/*
 * One session thread connects or accepts, shakes hands and asks on_meet;
 * while a connection is in use it waits for its end, or (primary) for a
 * newer one, which proves the key and then takes its place.  What runs on a
 * connection is link-run.c's.  Called by the role machine.
 */
#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

#include "conn.h"
#include "link-hello.h"
#include "link-run.h"

/* Reconnection: at once after a loss, then slower, at most each second; a
 * connection that did not live longer than that was none. */
#define RETRY_MIN_MS	10
#define RETRY_MAX_MS	1000
#define CONNECT_MS	1000
#define HELLO_MS	3000
#define THREAD_STACK	(256 * 1024)

/* A copy: the configuration's strings may go. */
struct address {
	struct sockaddr_storage	sa;
	socklen_t		len;
	char			text[NI_MAXHOST];
};

struct link {
	struct link_run		 run;		/* first: shared with it */
	char			 module[LINK_MODULE_MAX];
	uint32_t		 module_id;
	uint8_t			 node;
	uint8_t			 peer;
	struct keys		*keys;
	struct address		 own[LINK_ADDR_MAX];
	unsigned		 own_count;
	struct address		 other[LINK_ADDR_MAX];
	unsigned		 other_count;

	pthread_t		 thread;
	bool			 is_started;
	int			 wake_fd;	/* eventfd: look around */
	atomic_bool		 stopping;
	int			 listen_fd[LINK_ADDR_MAX];
	unsigned		 listen_count;
	uint64_t		 last_number;
	int			 hand_fd;	/* a copy, under run.lock */
};

static int
address_set(struct address *a, const char *text, uint16_t port)
{
	struct addrinfo hints, *r;

	memset(&hints, 0, sizeof(hints));
	hints.ai_flags = AI_NUMERICHOST;
	hints.ai_socktype = SOCK_STREAM;
	if (getaddrinfo(text, NULL, &hints, &r) != 0)
		return -1;
	memcpy(&a->sa, r->ai_addr, r->ai_addrlen);
	a->len = r->ai_addrlen;
	freeaddrinfo(r);
	if (a->sa.ss_family == AF_INET)
		((struct sockaddr_in *)&a->sa)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)&a->sa)->sin6_port = htons(port);
	(void)snprintf(a->text, sizeof(a->text), "%s", text);
	return 0;
}

static unsigned
addresses_set(struct address *a, const char *const *text, uint16_t port)
{
	unsigned i, n = 0;

	for (i = 0; i < LINK_ADDR_MAX && text[i] != NULL; i++) {
		if (address_set(&a[n], text[i], port) == 0)
			n++;
		else
			log_warnx("link: %s: not an address", text[i]);
	}
	return n;
}

struct link *
link_new(const struct link_conf *conf, const struct link_calls *calls,
    void *arg, struct stream *s, struct apply *a)
{
	struct link *l;
	struct timespec now;

	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake_fd == -1) {
		free(l);
		return NULL;
	}
	l->hand_fd = -1;
	(void)snprintf(l->module, sizeof(l->module), "%s", conf->module);
	l->module_id = conf->module_id;
	l->node = conf->node;
	l->peer = conf->peer;
	l->keys = conf->keys;
	l->own_count = addresses_set(l->own, conf->own_addr, conf->port);
	l->other_count = addresses_set(l->other, conf->peer_addr,
	    conf->port);
	/* Numbers of connections never repeat, not after a restart. */
	(void)clock_gettime(CLOCK_REALTIME, &now);
	l->last_number = (uint64_t)now.tv_sec * 1000000 +
	    (uint64_t)now.tv_nsec / 1000;
	link_run_init(&l->run, calls, arg, s, a);
	l->run.names_wait = conf->names_wait;
	return l;
}

void
link_free(struct link *l)
{
	if (l == NULL)
		return;
	link_stop(l);
	link_run_fini(&l->run);
	(void)close(l->wake_fd);
	free(l);
}

static void
wake(struct link *l)
{
	uint64_t one = 1;

	(void)!write(l->wake_fd, &one, sizeof(one));
}

static void
forget_wakes(struct link *l)
{
	uint64_t drop;

	(void)!read(l->wake_fd, &drop, sizeof(drop));
}

/* Sleeps, or returns early when something happened. */
static void
wait_ms(struct link *l, int ms)
{
	struct pollfd pfd = { l->wake_fd, POLLIN, 0 };

	(void)poll(&pfd, 1, ms);
	forget_wakes(l);
}

/*
 * A peer that is frozen in the middle of the handshake must not hold up
 * link_stop(): a copy of the descriptor lets that end it at any time.
 */
static void
hand_end(struct link *l)
{
	(void)pthread_mutex_lock(&l->run.lock);
	if (l->hand_fd != -1)
		(void)close(l->hand_fd);
	l->hand_fd = -1;
	(void)pthread_mutex_unlock(&l->run.lock);
}

static struct conn *
shake_hands(struct link *l, int fd, const char *text)
{
	struct seal_ring ring;
	struct conn *c;

	hand_end(l);
	(void)pthread_mutex_lock(&l->run.lock);
	l->hand_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (atomic_load(&l->stopping))
		(void)shutdown(fd, SHUT_RDWR);
	(void)pthread_mutex_unlock(&l->run.lock);
	keys_get(l->keys, &ring);
	c = conn_new(fd, l->run.side == LS_PRIMARY, &ring, text);
	explicit_bzero(&ring, sizeof(ring));
	if (c == NULL)
		hand_end(l);
	return c;
}

static int
try_connect(struct link *l, const struct address *a)
{
	struct pollfd pfd[2] = {
		{ -1, POLLOUT, 0 }, { l->wake_fd, POLLIN, 0 } };
	socklen_t len = sizeof(int);
	int fd, err = 0;

	fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	pfd[0].fd = fd;
	if (connect(fd, (const struct sockaddr *)&a->sa, a->len) == -1 &&
	    (errno != EINPROGRESS || poll(pfd, 2, CONNECT_MS) <= 0 ||
	    pfd[0].revents == 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR,
	    &err, &len) == -1 || err != 0)) {
		(void)close(fd);
		return -1;
	}
	(void)fcntl(fd, F_SETFL, 0);
	return fd;
}

/* Second: the first address that answers. */
static struct conn *
connect_peer(struct link *l)
{
	struct conn *c;
	unsigned i;
	int fd;

	for (i = 0; i < l->other_count && !atomic_load(&l->stopping); i++) {
		fd = try_connect(l, &l->other[i]);
		if (fd == -1)
			continue;
		c = shake_hands(l, fd, l->other[i].text);
		if (c != NULL)
			return c;
	}
	return NULL;
}

static int
listen_on(const struct address *a)
{
	int fd, on = 1;

	fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* A network that is down now may be up later. */
	(void)setsockopt(fd, SOL_IP, IP_FREEBIND, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&a->sa, a->len) == -1 ||
	    listen(fd, 4) == -1) {
		int err = errno;

		(void)close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

static int
listen_start(struct link *l)
{
	unsigned i;
	int fd;

	l->listen_count = 0;
	for (i = 0; i < l->own_count; i++) {
		fd = listen_on(&l->own[i]);
		if (fd == -1)
			log_warn("link: listen on %s", l->own[i].text);
		else
			l->listen_fd[l->listen_count++] = fd;
	}
	return l->listen_count > 0 ? 0 : -1;
}

static void
listen_stop(struct link *l)
{
	while (l->listen_count > 0)
		(void)close(l->listen_fd[--l->listen_count]);
}

/* Primary: a connection that proved the key, or NULL after a wake-up. */
static struct conn *
accept_peer(struct link *l)
{
	struct pollfd pfd[LINK_ADDR_MAX + 1];
	struct sockaddr_storage sa;
	char text[NI_MAXHOST] = "?";
	socklen_t len = sizeof(sa);
	unsigned i;
	int fd = -1;

	for (i = 0; i < l->listen_count; i++)
		pfd[i] = (struct pollfd){ l->listen_fd[i], POLLIN, 0 };
	pfd[i] = (struct pollfd){ l->wake_fd, POLLIN, 0 };
	if (poll(pfd, l->listen_count + 1, -1) <= 0)
		return NULL;
	if (pfd[l->listen_count].revents != 0)
		forget_wakes(l);
	for (i = 0; fd == -1 && i < l->listen_count; i++)
		if (pfd[i].revents != 0)
			fd = accept4(l->listen_fd[i],
			    (struct sockaddr *)&sa, &len, SOCK_CLOEXEC);
	if (fd == -1)
		return NULL;
	(void)getnameinfo((struct sockaddr *)&sa, len, text, sizeof(text),
	    NULL, 0, NI_NUMERICHOST);
	return shake_hands(l, fd, text);
}

static void
hello_fill(struct link *l, struct link_hello *h)
{
	struct stream_marks m;

	memset(h, 0, sizeof(*h));
	h->node = l->node;
	h->module_id = l->module_id;
	memcpy(h->module, l->module, sizeof(h->module));
	h->epoch = link_run_epoch(&l->run);
	if (l->run.side == LS_PRIMARY) {
		h->connection = ++l->last_number;
		h->stream_id = stream_id(l->run.stream);
		stream_marks(l->run.stream, &m);
		h->first = m.first;
		h->last = m.enqueued;
	} else
		apply_marks(l->run.apply, &h->stream_id, &h->applied);
	l->run.calls.hello(h, l->run.arg);
}

/* What cannot be meant by either; the rest is on_meet's. */
static bool
hello_is_ours(struct link *l, const struct link_hello *own,
    const struct link_hello *peer)
{
	static struct log_limit limit;
	char mine[EPOCH_LEN], theirs[EPOCH_LEN];

	if (peer->module_id != l->module_id ||
	    strcmp(peer->module, l->module) != 0) {
		if (log_limit_ok(&limit, 3))
			log_warnx("link: peer is of module %s (id %u), this "
			    "is %s (id %u): give each module its own id",
			    peer->module, peer->module_id, l->module,
			    l->module_id);
		return false;
	}
	if (peer->node != l->peer) {
		if (log_limit_ok(&limit, 3))
			log_warnx("link: peer says it is node %u, not %u",
			    peer->node, l->peer);
		return false;
	}
	if (epoch_cmp(own->epoch, peer->epoch) == 0)
		return true;
	/* One of the two has not heard yet (rule L11). */
	if (log_limit_ok(&limit, 3))
		log_info("link: epoch %s here, %s there: not yet",
		    epoch_str(mine, own->epoch),
		    epoch_str(theirs, peer->epoch));
	return false;
}

/* Both hellos; then on_meet.  true: the connection may be used. */
static bool
meet(struct link *l, struct conn *c, uint64_t *number)
{
	struct link_hello own, peer;
	uint8_t buf[HELLO_FRAME_MAX];
	const uint8_t *frame;
	size_t len;

	hello_fill(l, &own);
	conn_mark(c, 0, own.epoch);
	len = link_hello_put(buf, sizeof(buf), &own);
	if (len == 0 || conn_send(c, buf, len) == -1 ||
	    conn_receive(c, &frame, &len, HELLO_MS) != 1)
		return false;
	if (link_hello_get(&peer, frame, len) == -1) {
		log_warnx("link: peer's hello is not one");
		return false;
	}
	if (!hello_is_ours(l, &own, &peer))
		return false;
	*number = l->run.side == LS_PRIMARY ? own.connection :
	    peer.connection;
	conn_mark(c, *number, own.epoch);
	/* on_meet may send already. */
	link_run_use(&l->run, c, *number);
	if (l->run.calls.on_meet(&own, &peer, l->run.arg) != 0) {
		link_run_unuse(&l->run);
		return false;
	}
	log_info("link: up, connection %llu, %s",
	    (unsigned long long)*number, conn_cipher(c));
	return true;
}

/* Primary: while a connection runs, a newer one may take its place. */
static struct conn *
await_end(struct link *l)
{
	struct conn *newer = NULL;

	while (newer == NULL && !atomic_load(&l->stopping) &&
	    !link_run_is_over(&l->run)) {
		if (l->run.side == LS_PRIMARY)
			newer = accept_peer(l);
		else
			wait_ms(l, -1);
	}
	return newer;
}

/* Uses c until it ends; returns a newer connection or NULL. */
static struct conn *
session(struct link *l, struct conn *c)
{
	struct conn *newer;
	uint64_t number = 0;
	bool is_up;

	is_up = meet(l, c, &number);
	hand_end(l);
	if (!is_up) {
		conn_free(c);
		return NULL;
	}
	link_run_start(&l->run);
	newer = await_end(l);
	link_run_stop(&l->run);
	log_info("link: down, connection %llu", (unsigned long long)number);
	l->run.calls.on_down(number, l->run.arg);
	conn_free(c);
	/* The threads that ended said so: that is no reason to hurry. */
	forget_wakes(l);
	return newer;
}

static void *
session_thread(void *arg)
{
	struct link *l = arg;
	struct conn *c = NULL;
	struct mono since;
	int retry_ms = RETRY_MIN_MS;

	while (!atomic_load(&l->stopping)) {
		if (c == NULL)
			c = l->run.side == LS_PRIMARY ? accept_peer(l) :
			    connect_peer(l);
		if (c != NULL) {
			since = mono_now();
			c = session(l, c);
			if (mono_diff_ms(mono_now(), since) > RETRY_MAX_MS)
				retry_ms = RETRY_MIN_MS;
		}
		if (l->run.side == LS_PRIMARY || atomic_load(&l->stopping))
			continue;
		wait_ms(l, retry_ms);
		retry_ms = retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS :
		    retry_ms * 2;
	}
	if (c != NULL)
		conn_free(c);
	hand_end(l);
	return NULL;
}

static void
on_end(void *arg)
{
	wake(arg);
}

int
link_start(struct link *l, enum link_side side, struct epoch epoch)
{
	pthread_attr_t attr;
	int err;

	if (l->is_started) {
		errno = EBUSY;
		return -1;
	}
	atomic_store(&l->stopping, false);
	link_run_begin(&l->run, side, epoch, on_end, l);
	if (side == LS_PRIMARY && listen_start(l) == -1)
		return -1;
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, THREAD_STACK);
	err = pthread_create(&l->thread, &attr, session_thread, l);
	(void)pthread_attr_destroy(&attr);
	if (err != 0) {
		listen_stop(l);
		errno = err;
		return -1;
	}
	l->is_started = true;
	if (side == LS_PRIMARY)
		stream_set_push(l->run.stream, link_push, &l->run);
	return 0;
}

void
link_stop(struct link *l)
{
	if (!l->is_started)
		return;
	(void)pthread_mutex_lock(&l->run.lock);
	atomic_store(&l->stopping, true);
	if (l->hand_fd != -1)
		(void)shutdown(l->hand_fd, SHUT_RDWR);
	(void)pthread_mutex_unlock(&l->run.lock);
	link_run_break(&l->run);
	wake(l);
	(void)pthread_join(l->thread, NULL);
	l->is_started = false;
	if (l->run.side == LS_PRIMARY)
		stream_set_push(l->run.stream, NULL, NULL);
	listen_stop(l);
}

void
link_break(struct link *l)
{
	link_run_break(&l->run);
}

void
link_set_epoch(struct link *l, struct epoch epoch)
{
	link_run_set_epoch(&l->run, epoch);
}

void
link_stream(struct link *l, uint64_t connection, uint64_t from)
{
	link_run_stream(&l->run, connection, from);
}

int
link_send(struct link *l, struct frame_out *f)
{
	return link_run_send(&l->run, f);
}

enum link_state
link_state(struct link *l)
{
	if (!l->is_started)
		return LK_DOWN;
	return link_run_connection(&l->run) != 0 ? LK_UP : LK_CONNECTING;
}

uint64_t
link_connection(struct link *l)
{
	return link_run_connection(&l->run);
}

void
link_bytes(struct link *l, uint64_t *sent, uint64_t *received)
{
	link_run_bytes(&l->run, sent, received);
}

int64_t
link_silence_ms(struct link *l)
{
	return link_run_silence_ms(&l->run);
}

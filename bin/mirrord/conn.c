/* SPDX-License-Identifier: ISC */
/*
 * TCP and seal.  Frames are sealed one by one into the send buffer, from
 * wherever they are (the queue in kept memory, for the stream), and leave in
 * one send; records are opened in place in the receive buffer.  Called by
 * link.c only.
 */
#include "conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "frame.h"
#include "log.h"

#include "wire.h"

/* Name and version in clear, so that a stranger or another version can be
 * told from a wrong key. */
#define BANNER_LEN	32
#define HANDSHAKE_MS	3000

#define RECORD_LEN	(FRAME_MAX_LEN + SEAL_RECORD_EXTRA)
#define TX_BATCH	(256 * 1024)	/* more frames than this wait */
#define TX_SIZE		(TX_BATCH + RECORD_LEN)
#define RX_SIZE		(3 * RECORD_LEN)

/* A peer whose kernel is silent for so long is gone; the stall rule, which
 * looks at unanswered syncs, is faster. */
#define DEAD_MS		10000

struct conn {
	int			 fd;
	struct seal_stream	*seal;
	atomic_bool		 broken;
	uint64_t		 number;
	pthread_mutex_t		 epoch_lock;
	struct epoch		 epoch;
	pthread_mutex_t		 tx_lock;
	uint8_t			*tx;
	size_t			 tx_len;
	uint8_t			*rx;
	size_t			 rx_pos;	/* of what was not given yet */
	size_t			 rx_len;
	atomic_uint_fast64_t	 sent;
	atomic_uint_fast64_t	 received;
	_Atomic int64_t		 heard_ns;
};

static void *
buffer_new(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int
send_all(int fd, const uint8_t *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
recv_all(int fd, uint8_t *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = recv(fd, p, len, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (n == 0)
				errno = ECONNRESET;
			return -1;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static void
set_timeout(int fd, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static void
set_options(int fd)
{
	int on = 1, idle = 1, count = 5;
	unsigned dead = DEAD_MS;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle,
	    sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count,
	    sizeof(count));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead,
	    sizeof(dead));
}

static bool
banner_is_ours(const char *theirs, const char *peer)
{
	static struct log_limit limit;
	char want[BANNER_LEN];
	size_t name_len = strlen(WIRE_NAME);
	char version[BANNER_LEN];

	memset(want, 0, sizeof(want));
	(void)snprintf(want, sizeof(want), "%s %d\n", WIRE_NAME,
	    WIRE_VERSION);
	if (memcmp(theirs, want, BANNER_LEN) == 0)
		return true;
	if (!log_limit_ok(&limit, 3))
		return false;
	if (memcmp(theirs, WIRE_NAME " ", name_len + 1) != 0) {
		log_warnx("link %s: not a mirrord", peer);
		return false;
	}
	memset(version, 0, sizeof(version));
	memcpy(version, theirs + name_len + 1, BANNER_LEN - name_len - 2);
	version[strspn(version, "0123456789")] = '\0';
	log_warnx("link %s: speaks version %s of %s, this node version %d: "
	    "install the same release on both nodes", peer, version,
	    WIRE_NAME, WIRE_VERSION);
	return false;
}

static int
handshake(struct conn *c, const char *peer)
{
	static struct log_limit limit;
	uint8_t out[BANNER_LEN + SEAL_HELLO_LEN], in[sizeof(out)];

	memset(out, 0, sizeof(out));
	(void)snprintf((char *)out, BANNER_LEN, "%s %d\n", WIRE_NAME,
	    WIRE_VERSION);
	seal_stream_hello(c->seal, out + BANNER_LEN);
	set_timeout(c->fd, HANDSHAKE_MS);
	if (send_all(c->fd, out, sizeof(out)) == -1 ||
	    recv_all(c->fd, in, BANNER_LEN) == -1) {
		log_debug("link %s: handshake: %s", peer, strerror(errno));
		return -1;
	}
	if (!banner_is_ours((const char *)in, peer))
		return -1;
	if (recv_all(c->fd, in, SEAL_HELLO_LEN) == -1)
		return -1;
	if (seal_stream_start(c->seal, in) == -1) {
		if (log_limit_ok(&limit, 3))
			log_warnx("link %s: another cluster key, or another "
			    "module's port: compare cluster.key on both "
			    "nodes", peer);
		return -1;
	}
	set_timeout(c->fd, 0);
	return 0;
}

struct conn *
conn_new(int fd, bool is_server, const struct seal_ring *k, const char *peer)
{
	struct conn *c;

	set_options(fd);
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		(void)close(fd);
		return NULL;
	}
	c->fd = fd;
	(void)pthread_mutex_init(&c->tx_lock, NULL);
	(void)pthread_mutex_init(&c->epoch_lock, NULL);
	c->tx = buffer_new(TX_SIZE);
	c->rx = buffer_new(RX_SIZE);
	c->seal = seal_stream_new_ring(k, is_server);
	atomic_store(&c->heard_ns, mono_now().ns);
	if (c->tx == NULL || c->rx == NULL || handshake(c, peer) == -1) {
		conn_free(c);
		return NULL;
	}
	return c;
}

void
conn_free(struct conn *c)
{
	if (c == NULL)
		return;
	(void)close(c->fd);
	seal_stream_free(c->seal);
	if (c->tx != NULL)
		(void)munmap(c->tx, TX_SIZE);
	if (c->rx != NULL)
		(void)munmap(c->rx, RX_SIZE);
	(void)pthread_mutex_destroy(&c->tx_lock);
	(void)pthread_mutex_destroy(&c->epoch_lock);
	free(c);
}

void
conn_break(struct conn *c)
{
	atomic_store(&c->broken, true);
	(void)shutdown(c->fd, SHUT_RDWR);
}

bool
conn_is_broken(const struct conn *c)
{
	return atomic_load(&c->broken);
}

const char *
conn_cipher(const struct conn *c)
{
	return seal_stream_cipher(c->seal);
}

void
conn_mark(struct conn *c, uint64_t number, struct epoch epoch)
{
	c->number = number;
	conn_set_epoch(c, epoch);
}

void
conn_set_epoch(struct conn *c, struct epoch epoch)
{
	(void)pthread_mutex_lock(&c->epoch_lock);
	c->epoch = epoch;
	(void)pthread_mutex_unlock(&c->epoch_lock);
}

void
conn_send_begin(struct conn *c)
{
	(void)pthread_mutex_lock(&c->tx_lock);
	c->tx_len = 0;
}

bool
conn_add(struct conn *c, void *frame, size_t len)
{
	struct epoch epoch;

	(void)pthread_mutex_lock(&c->epoch_lock);
	epoch = c->epoch;
	(void)pthread_mutex_unlock(&c->epoch_lock);
	wire_stamp(frame, c->number, epoch);
	c->tx_len += seal_stream_seal(c->seal, c->tx + c->tx_len, frame, len);
	return c->tx_len < TX_BATCH;
}

int
conn_send_end(struct conn *c)
{
	int rc = 0;

	if (conn_is_broken(c) || (c->tx_len > 0 &&
	    send_all(c->fd, c->tx, c->tx_len) == -1)) {
		/* A part may have left: nothing can follow it. */
		conn_break(c);
		rc = -1;
	} else
		atomic_fetch_add(&c->sent, c->tx_len);
	(void)pthread_mutex_unlock(&c->tx_lock);
	return rc;
}

int
conn_send(struct conn *c, void *frame, size_t len)
{
	conn_send_begin(c);
	(void)conn_add(c, frame, len);
	return conn_send_end(c);
}

/* Opens a whole record if one is there: 1, 0, or -1. */
static int
next_record(struct conn *c, const uint8_t **frame, size_t *len)
{
	uint8_t *p = c->rx + c->rx_pos;
	size_t have = c->rx_len - c->rx_pos, n;
	int64_t plain;

	if (have < 4)
		return 0;
	n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 |
	    p[3];
	if (n > RECORD_LEN - 4) {
		log_warnx("link: record of %zu bytes: closed", n);
		return -1;
	}
	if (have < 4 + n)
		return 0;
	plain = seal_stream_open(c->seal, p + 4, p + 4, n);
	if (plain == -1) {
		log_warnx("link: a record does not open: closed");
		return -1;
	}
	c->rx_pos += 4 + n;
	*frame = p + 4;
	*len = (size_t)plain;
	return 1;
}

/* 1: more bytes are there; 0: none in time; -1: the end. */
static int
fill(struct conn *c, int timeout_ms)
{
	struct pollfd pfd = { c->fd, POLLIN, 0 };
	ssize_t n;
	int rc;

	if (c->rx_pos == c->rx_len)
		c->rx_pos = c->rx_len = 0;
	else if (RX_SIZE - c->rx_pos < RECORD_LEN) {
		memmove(c->rx, c->rx + c->rx_pos, c->rx_len - c->rx_pos);
		c->rx_len -= c->rx_pos;
		c->rx_pos = 0;
	}
	for (;;) {
		n = recv(c->fd, c->rx + c->rx_len, RX_SIZE - c->rx_len,
		    MSG_DONTWAIT);
		if (n > 0)
			break;
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return -1;
		rc = poll(&pfd, 1, timeout_ms);
		if (rc == 0)
			return 0;
		if (rc == -1 && errno != EINTR)
			return -1;
	}
	c->rx_len += (size_t)n;
	atomic_fetch_add(&c->received, (uint64_t)n);
	atomic_store(&c->heard_ns, mono_now().ns);
	return 1;
}

int
conn_receive(struct conn *c, const uint8_t **frame, size_t *len,
    int timeout_ms)
{
	int rc;

	for (;;) {
		rc = next_record(c, frame, len);
		if (rc != 0)
			return rc;
		rc = fill(c, timeout_ms);
		if (rc != 1)
			return rc;
	}
}

uint64_t
conn_sent_bytes(const struct conn *c)
{
	return atomic_load(&c->sent);
}

uint64_t
conn_received_bytes(const struct conn *c)
{
	return atomic_load(&c->received);
}

int64_t
conn_silence_ms(const struct conn *c)
{
	struct mono heard = { atomic_load(&c->heard_ns) };

	return mono_diff_ms(mono_now(), heard);
}

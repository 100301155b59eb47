/* SPDX-License-Identifier: ISC */
/*
 * The clients of the farm demo, which run on c1 and are there as many as its
 * addresses (holdfast-lab(8)).
 *
 *	crowd requests ADDRESS PORT PATH RATE
 *		RATE times a second a new client, a new connection, a GET of
 *		PATH; a line for each that ended:
 *			STARTED_MS TOOK_MS WHO CLIENT
 *		WHO is the first word of the answer, or -why when there was
 *		none; times are wall clock
 *	crowd download ADDRESS PORT PATH CLIENT RATE
 *		one GET by that client, RATE KiB a second; five times a second
 *			NOW_MS BYTES LONGEST_PAUSE_MS
 *		and at last `end BYTES LONGEST_PAUSE_MS WHY'
 *
 * SIGTERM ends both.  Status 1: the download broke.
 */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "cluster.h"
#include "loop.h"
#include "xalloc.h"

/* A SYN that is lost is sent again after 1 and 3 s; this is beyond both. */
#define ANSWER_MS	5000
#define ANSWER_LEN	1024
#define CLIENTS		65000
/* What is on the way hides a pause: little of it. */
#define DOWNLOAD_BUFFER	65536
#define DOWNLOAD_STEP_MS 10
#define SHOW_MS		200

struct crowd {
	struct loop		*loop;
	struct loop_timer	*timer;
	struct sockaddr_storage	 to;
	char			 get[256];
	double			 rate;
	struct mono		 began;
	int64_t			 started;	/* requests so far */
	struct request		*requests;
};

struct request {
	struct request	*next;
	struct crowd	*crowd;
	struct loop_fd	*io;
	int		 fd;
	unsigned	 client;
	struct mono	 began;
	int64_t		 began_wall_ms;
	bool		 is_asked;
	size_t		 len;
	char		 answer[ANSWER_LEN];
};

struct download {
	struct loop		*loop;
	struct loop_timer	*timer;
	int			 fd;
	size_t			 step;		/* bytes a DOWNLOAD_STEP_MS */
	bool			 is_past_header;
	int64_t			 bytes;
	int64_t			 pause_ms;	/* the longest */
	struct mono		 last;		/* something came */
	struct mono		 shown;
	int			 status;
};

static int64_t
wall_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* A socket of that client, connecting; -1 with errno. */
static int
client_connect(const struct sockaddr_storage *to, unsigned client, int buffer)
{
	struct sockaddr_storage from;
	char text[ADDR_LEN];
	int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	if (to->ss_family == AF_INET)
		(void)snprintf(text, sizeof(text), "10.99.%u.%u",
		    client >> 8 & 255, client & 255);
	else
		(void)snprintf(text, sizeof(text), "fd99::%x", client);
	(void)addr_parse(&from, text);
	if (buffer > 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer,
		    sizeof(buffer));	/* a larger one hides pauses */
	if (bind(fd, (struct sockaddr *)&from, addr_len(&from)) == 0 &&
	    (connect(fd, (const struct sockaddr *)to, addr_len(to)) == 0 ||
	    errno == EINPROGRESS))
		return fd;
	(void)close(fd);	/* the first error counts */
	return -1;
}

/* --- requests --------------------------------------------------------- */

static const char *
word_for(int error)
{
	switch (error) {
	case ECONNRESET:	return "-reset";
	case ECONNREFUSED:	return "-refused";
	case ETIMEDOUT:		return "-timeout";
	case EHOSTUNREACH:	return "-unreachable";
	default:		return "-error";
	}
}

static void
request_end(struct request *r, const char *who)
{
	struct request **at;

	printf("%lld %lld %s %u\n", (long long)r->began_wall_ms,
	    (long long)mono_diff_ms(mono_now(), r->began), who, r->client);
	for (at = &r->crowd->requests; *at != r; at = &(*at)->next)
		;
	*at = r->next;
	loop_fd_del(r->io);
	(void)close(r->fd);	/* all that counts was read */
	free(r);
}

/* The first word of the body of a whole answer, else what is wrong. */
static void
request_read_end(struct request *r)
{
	char *body, *end;

	r->answer[r->len] = '\0';
	body = strstr(r->answer, "\r\n\r\n");
	if (body == NULL || strncmp(r->answer, "HTTP/1.", 7) != 0) {
		request_end(r, "-short");
		return;
	}
	if (strncmp(r->answer + 8, " 200", 4) != 0) {
		request_end(r, "-status");
		return;
	}
	body += 4;
	for (end = body; (unsigned char)*end > ' '; end++)
		;
	*end = '\0';
	request_end(r, *body != '\0' ? body : "-empty");
}

static void
on_request(int fd, int events, void *arg)
{
	struct request *r = arg;
	size_t len = strlen(r->crowd->get);
	ssize_t n;

	(void)events;
	if (!r->is_asked) {
		if (send(fd, r->crowd->get, len, MSG_NOSIGNAL) !=
		    (ssize_t)len) {
			request_end(r, word_for(errno));
			return;
		}
		r->is_asked = true;
		loop_fd_set(r->io, LOOP_READ);
		return;
	}
	n = recv(fd, r->answer + r->len, sizeof(r->answer) - 1 - r->len, 0);
	if (n > 0)
		r->len += (size_t)n;
	else if (n == 0)
		request_read_end(r);
	else if (errno != EAGAIN)
		request_end(r, word_for(errno));
}

static void
request_begin(struct crowd *c)
{
	struct request *r = xcalloc(1, sizeof(*r));

	r->crowd = c;
	r->began = mono_now();
	r->began_wall_ms = wall_ms();
	/* A step that shares no factor: each client once, in no order. */
	r->client = 256 + (unsigned)(c->started++ * 7919 % CLIENTS);
	r->fd = client_connect(&c->to, r->client, 0);
	if (r->fd == -1) {
		printf("%lld 0 %s %u\n", (long long)r->began_wall_ms,
		    word_for(errno), r->client);
		free(r);
		return;
	}
	r->io = loop_fd_add(c->loop, r->fd, LOOP_WRITE, on_request, r);
	r->next = c->requests;
	c->requests = r;
}

static void
on_crowd_time(void *arg)
{
	struct crowd *c = arg;
	struct mono now = mono_now();
	struct request *r, *next;
	int64_t due = (int64_t)((double)mono_diff_ms(now, c->began) *
	    c->rate / 1000);

	/* The wait was ours: these clients never came. */
	if (due > c->started + 1 + (int64_t)c->rate / 4)
		c->began = mono_add_ms(now,
		    -(int64_t)((double)c->started * 1000 / c->rate));
	else
		while (c->started < due)
			request_begin(c);
	for (r = c->requests; r != NULL; r = next) {
		next = r->next;
		if (mono_diff_ms(now, r->began) > ANSWER_MS)
			request_end(r, "-silence");
	}
	loop_timer_set(c->timer, 1, 0);
}

static void
on_term(int signo, void *arg)
{
	(void)signo;
	loop_stop(arg);
}

static int
requests_run(struct crowd *c)
{
	c->began = mono_now();
	c->timer = loop_timer_new(c->loop, on_crowd_time, c);
	on_crowd_time(c);
	loop_run(c->loop);
	/* What the end of the run cut short is nobody's failure. */
	return EX_OK;
}

/* --- download --------------------------------------------------------- */

static void
download_end(struct download *d, const char *why, int status)
{
	printf("end %lld %lld %s\n", (long long)d->bytes,
	    (long long)d->pause_ms, why);
	d->status = status;
	loop_stop(d->loop);
}

static void
download_count(struct download *d, const char *buf, size_t len)
{
	struct mono now = mono_now();
	const char *body;

	if (mono_diff_ms(now, d->last) > d->pause_ms)
		d->pause_ms = mono_diff_ms(now, d->last);
	d->last = now;
	if (!d->is_past_header) {
		body = memmem(buf, len, "\r\n\r\n", 4);
		if (body == NULL)
			return;
		d->is_past_header = true;
		len -= (size_t)(body + 4 - buf);
	}
	d->bytes += (int64_t)len;
}

static void
on_download_time(void *arg)
{
	static char buf[DOWNLOAD_BUFFER * 4];
	struct download *d = arg;
	struct mono now = mono_now();
	ssize_t n = recv(d->fd, buf, d->step < sizeof(buf) ? d->step :
	    sizeof(buf), 0);

	if (n > 0)
		download_count(d, buf, (size_t)n);
	else if (n == 0) {
		download_end(d, "-over", EXIT_FAILURE);
		return;
	} else if (errno != EAGAIN) {
		download_end(d, word_for(errno), EXIT_FAILURE);
		return;
	}
	if (mono_diff_ms(now, d->shown) >= SHOW_MS) {
		int64_t pause = mono_diff_ms(now, d->last);

		/* The one that goes on counts too. */
		printf("%lld %lld %lld\n", (long long)wall_ms(),
		    (long long)d->bytes, (long long)(pause > d->pause_ms ?
		    pause : d->pause_ms));
		d->shown = now;
	}
	loop_timer_set(d->timer, DOWNLOAD_STEP_MS, 0);
}

static void
on_download_term(int signo, void *arg)
{
	(void)signo;
	download_end(arg, "told", EX_OK);
}

static int
download_run(struct crowd *c, unsigned client)
{
	struct download d = {
		.loop = c->loop, .last = mono_now(), .shown = mono_now(),
		.step = (size_t)(c->rate * 1024 * DOWNLOAD_STEP_MS / 1000),
	};
	size_t len = strlen(c->get);

	d.fd = client_connect(&c->to, client, DOWNLOAD_BUFFER);
	if (d.fd == -1)
		err(EX_UNAVAILABLE, "download");
	/* One connection: it may well block until it is there. */
	if (fcntl(d.fd, F_SETFL, 0) == -1 ||
	    send(d.fd, c->get, len, MSG_NOSIGNAL) != (ssize_t)len ||
	    fcntl(d.fd, F_SETFL, O_NONBLOCK) == -1)
		err(EX_UNAVAILABLE, "download");
	(void)loop_signal_add(c->loop, SIGTERM, on_download_term, &d);
	d.timer = loop_timer_new(c->loop, on_download_time, &d);
	on_download_time(&d);
	loop_run(c->loop);
	return d.status;
}

/* --- command line ----------------------------------------------------- */

static double
number(const char *text, double most)
{
	char *end;
	double x = strtod(text, &end);

	if (end == text || *end != '\0' || !(x > 0 && x <= most))
		errx(EX_USAGE, "%s: not a number up to %.0f", text, most);
	return x;
}

int
main(int argc, char *argv[])
{
	struct crowd c = { 0 };
	bool is_download = argc == 7 && strcmp(argv[1], "download") == 0;

	if (!is_download && (argc != 6 || strcmp(argv[1], "requests") != 0)) {
		fprintf(stderr,
		    "usage: crowd requests ADDRESS PORT PATH RATE\n"
		    "       crowd download ADDRESS PORT PATH CLIENT KIB\n");
		return EX_USAGE;
	}
	if (addr_parse(&c.to, argv[2]) == -1)
		errx(EX_USAGE, "%s: no address", argv[2]);
	addr_set_port(&c.to, (uint16_t)number(argv[3], 65535));
	if (snprintf(c.get, sizeof(c.get), "GET %s HTTP/1.0\r\n"
	    "Host: farm\r\nConnection: close\r\n\r\n", argv[4]) >=
	    (int)sizeof(c.get))
		errx(EX_USAGE, "%s: too long", argv[4]);
	c.rate = number(argv[argc - 1], 100000);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	c.loop = loop_new();
	if (is_download)
		return download_run(&c, (unsigned)number(argv[5],
		    CLIENTS + 255));
	(void)loop_signal_add(c.loop, SIGTERM, on_term, c.loop);
	return requests_run(&c);
}

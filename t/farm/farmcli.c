/* SPDX-License-Identifier: ISC */
/*
 * The clients of a farm, many in one process, and what they saw.
 *
 *	farmcli hold   -d ADDRESS [-n 300] [-i 100] [-q N]
 *		long-lived connections; each sends a message every -i ms, but
 *		every Nth none by itself
 *	farmcli fresh  -d ADDRESS [-i 2]
 *		a new connection every -i ms
 *	farmcli udp    -d ADDRESS [-i 2]
 *		a datagram every -i ms
 *	farmcli fair   -d ADDRESS [-n 10000] [-o FILE]
 *		one connection from each client; a line in FILE for each,
 *		the client's number and its node
 *
 *	farmcli load   -d ADDRESS,... [-n 64] [-u PATH] [-x]
 *		HTTP requests as fast as they are answered; -x: a new
 *		connection for each
 *
 *	-p PORT		7800 if not stated
 *	-s FIRST+COUNT	source addresses
 *	-b MS		longer than this is no answer
 *	-t SECONDS	ends after that time
 *	-c FIFO		made and removed; lines `mark NAME [TIME]', `speak'
 *			(hold: the idle ones send once) and `end'
 *
 * It prints `ready' when it is at work (hold: when all are connected) and its
 * report when it ends; SIGTERM ends it, too.
 */
#include <sys/epoll.h>
#include <sys/resource.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"

#define FILES_MAX	65536

static volatile sig_atomic_t	is_told_to_end;

struct mode {
	const char	*name;
	void		(*run)(struct client *c);
	unsigned	count;
	double		period_ms;
	/* fresh: two repetitions of a SYN (1 s, 3 s) belong to it. */
	int64_t		bound_ms;
};

static const struct mode modes[] = {
	{ "hold",  hold,  300,   100, 2000 },
	{ "fresh", fresh, 0,     2,   4000 },
	{ "udp",   udp,   0,     2,   1000 },
	{ "fair",  fair,  10000, 1,   4000 },
	{ "load",  load,  64,    1,   4000 },
};

void
die(const char *what)
{
	fprintf(stderr, "farmcli: %s: %s\n", what, strerror(errno));
	exit(EX_OSERR);
}

double
ms_between(struct mono a, struct mono b)
{
	return (double)mono_diff_ns(b, a) / 1e6;
}

static void
usage(void)
{
	fprintf(stderr, "usage: see the head of farmcli.c\n");
	exit(EX_USAGE);
}

static double
number(const char *text, double most)
{
	char *end;
	double x = strtod(text, &end);

	if (end == text || *end != '\0' || !(x > 0 && x <= most)) {
		fprintf(stderr, "farmcli: %s: not a number up to %.0f\n", text,
		    most);
		exit(EX_USAGE);
	}
	return x;
}

/* The running mode looks in each turn: control_read(). */
static void
on_signal(int signo)
{
	(void)signo;
	is_told_to_end = 1;
}

bool
told_to_end(void)
{
	return is_told_to_end;
}

static const struct mode *
mode_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(modes[i].name, name) == 0)
			return &modes[i];
	usage();
	return NULL;
}

static void
options(struct client *c, int argc, char **argv)
{
	const char *to = NULL, *port = "7800";
	int opt;

	while ((opt = getopt(argc, argv, "b:c:d:i:n:o:p:q:s:t:u:x")) != -1)
		switch (opt) {
		case 'b':
			c->bound_ms = (int64_t)number(optarg, 600000);
			break;
		case 'c':
			c->control_path = optarg;
			break;
		case 'd':
			to = optarg;
			break;
		case 'i':
			c->period_ns = (int64_t)(number(optarg, 1e6) * 1e6);
			break;
		case 'n':
			c->count = (unsigned)number(optarg, 60000);
			break;
		case 'o':
			c->list_path = optarg;
			break;
		case 'p':
			port = optarg;
			break;
		case 'q':
			c->idle_every = (unsigned)number(optarg, 60000);
			break;
		case 's':
			if (!source_parse_from(c, optarg))
				exit(EX_USAGE);
			break;
		case 't':
			c->until = mono_add_ms(mono_now(),
			    (int64_t)(number(optarg, 86400) * 1000));
			break;
		case 'u':
			c->path = optarg;
			break;
		case 'x':
			c->is_each_new = true;
			break;
		default:
			usage();
		}
	if (to == NULL || optind != argc)
		usage();
	if (!source_parse_to(c, to, port))
		exit(EX_USAGE);
	if (c->from_count > 0 && c->from.ss_family != c->to[0].ss_family) {
		fprintf(stderr, "farmcli: -d and -s: not the same family\n");
		exit(EX_USAGE);
	}
}

int
main(int argc, char **argv)
{
	struct rlimit files = { FILES_MAX, FILES_MAX };
	struct sigaction on_term = { .sa_handler = on_signal };
	const struct mode *mode;
	struct client c = { .ep = -1, .path = "/" };

	if (argc < 2)
		usage();
	mode = mode_find(argv[1]);
	c.count = mode->count;
	c.period_ns = (int64_t)(mode->period_ms * 1e6);
	c.bound_ms = mode->bound_ms;
	options(&c, argc - 1, argv + 1);
	(void)setrlimit(RLIMIT_NOFILE, &files);	/* socket(2) will tell */
	(void)sigaction(SIGTERM, &on_term, NULL);	/* cannot fail */
	c.ep = epoll_create1(EPOLL_CLOEXEC);
	if (c.ep == -1)
		die("epoll");
	control_open(&c);
	mode->run(&c);
	if (fflush(stdout) == EOF)
		die("stdout");
	/* Its end tells that the report is there. */
	control_close(&c);
	return EX_OK;
}

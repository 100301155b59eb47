/* SPDX-License-Identifier: ISC */
/*
 * etcd-votes [-a CA] [-c CERT] [-k KEY] [-t T] PREFIX NODE ENDPOINT...: a
 * proposer with its register in etcd.  Each line of the input is an ask,
 * `read', `prepare EPOCH' or `accept VALUE', and is answered by one line;
 * `seen' tells which nodes etcd hears.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "../../bin/moduled/voter-etcd.h"
#include "log.h"

struct driver {
	struct loop		*loop;
	struct voter_etcd	*etcd;
	struct reg_backend	 backend;
	struct reg_message	 m;
	uint64_t		 nonce;
};

static void
on_answer(const char *voter, const struct vote_answer *r, void *arg)
{
	struct driver *d = arg;
	char text[REG_TEXT_LEN] = "value none", e[EPOCH_LEN];

	(void)voter;
	if (r->nonce != d->nonce)
		return;
	if (!reg_value_is_none(&r->value))
		reg_value_text(text, &r->value);
	printf("%s voter=%016llx promised=%s text=\"%s\" %s\n",
	    vote_result_name(r->result), (unsigned long long)r->voter,
	    epoch_str(e, r->promised), r->text, text);
	(void)fflush(stdout);
}

static void
ask(struct driver *d, const char *line)
{
	struct vote_ask *a = &d->m.ask;
	const char *why;

	memset(&d->m, 0, sizeof(d->m));
	(void)snprintf(d->m.voter, sizeof(d->m.voter), VOTER_ETCD_NAME);
	a->nonce = ++d->nonce;
	if (strcmp(line, "read") == 0) {
		a->kind = VOTE_READ;
	} else if (strncmp(line, "prepare ", 8) == 0 &&
	    epoch_parse(&a->ballot, line + 8) == 0) {
		a->kind = VOTE_PREPARE;
	} else if (strncmp(line, "accept ", 7) == 0 &&
	    reg_value_parse(&a->value, line + 7, &why) == 0) {
		a->kind = VOTE_ACCEPT;
		a->ballot = a->value.epoch;
	} else
		fatalx(EX_USAGE, "%s: no ask", line);
	d->backend.send(d->backend.arg, &d->m);
}

static void
on_input(int fd, int events, void *arg)
{
	static char buf[8192];
	static size_t len;
	struct driver *d = arg;
	ssize_t n = read(fd, buf + len, sizeof(buf) - 1 - len);
	char *end;

	(void)events;
	if (n <= 0) {
		loop_stop(d->loop);
		return;
	}
	len += (size_t)n;
	buf[len] = '\0';
	while ((end = strchr(buf, '\n')) != NULL) {
		*end = '\0';
		if (strcmp(buf, "seen") == 0) {
			printf("seen=%s\n", voter_etcd_seen(d->etcd));
			(void)fflush(stdout);
		} else
			ask(d, buf);
		len -= (size_t)(end + 1 - buf);
		memmove(buf, end + 1, len + 1);
	}
}

int
main(int argc, char **argv)
{
	struct etcd_conf conf = { .tls = { "", "", "" }, .timeout_ms = 2000 };
	struct driver d = { .nonce = 0 };
	struct loop_fd *io;
	int c;

	while ((c = getopt(argc, argv, "a:c:k:t:")) != -1) {
		switch (c) {
		case 'a':
			conf.tls.ca = optarg;
			break;
		case 'c':
			conf.tls.cert = optarg;
			break;
		case 'k':
			conf.tls.key = optarg;
			break;
		case 't':
			conf.timeout_ms = strtol(optarg, NULL, 10);
			break;
		default:
			return EX_USAGE;
		}
	}
	argv += optind;
	if (argc - optind < 3 || argc - optind > 2 + ETCD_ENDPOINT_MAX)
		return EX_USAGE;
	log_init("etcd-votes", false);
	seal_init();
	conf.prefix = argv[0];
	conf.node = argv[1];
	for (argv += 2; *argv != NULL; argv++)
		conf.endpoint[conf.endpoint_count++] = *argv;
	d.loop = loop_new();
	d.etcd = voter_etcd_open(d.loop, &conf, &d.backend, on_answer, &d);
	io = loop_fd_add(d.loop, STDIN_FILENO, LOOP_READ, on_input, &d);
	loop_run(d.loop);
	loop_fd_del(io);
	d.backend.close(d.backend.arg);
	loop_free(d.loop);
	return EX_OK;
}

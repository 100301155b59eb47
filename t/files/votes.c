/* SPDX-License-Identifier: ISC */
/*
 * votes [-c CLUSTER] [-m MODULE] [-n NODE] [-t MS] [-N COUNT] KEYFILE ADDRESS
 * PORT read | prepare EPOCH | accept VALUE | noise: asks a voter as a
 * proposer does and prints its answer; with -N that many times, and how many
 * were answered.  VALUE is the text of one (register.h).  `noise' is what
 * strangers send, in turn: nothing, another protocol, another key, damage.
 * Exit status 0 with an answer, 1 when there was none for MS (1000).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include <sodium.h>

#include "log.h"
#include "vote.h"

static struct vote_keys keys, stranger;

static size_t
build_ask(uint8_t out[VOTE_MAX], struct vote_ask *a, char **word)
{
	const char *why;

	a->nonce++;
	if (strcmp(word[0], "read") == 0) {
		a->kind = VOTE_READ;
	} else if (strcmp(word[0], "prepare") == 0 && word[1] != NULL) {
		a->kind = VOTE_PREPARE;
		if (epoch_parse(&a->ballot, word[1]) == -1)
			fatalx(EX_USAGE, "%s: no epoch", word[1]);
	} else if (strcmp(word[0], "accept") == 0 && word[1] != NULL) {
		a->kind = VOTE_ACCEPT;
		if (reg_value_parse(&a->value, word[1], &why) == -1)
			fatalx(EX_USAGE, "%s: %s", word[1], why);
		a->ballot = a->value.epoch;
	} else
		fatalx(EX_USAGE, "%s: no ask", word[0]);
	if (a->node == 0)
		a->node = a->kind == VOTE_READ ? 1 : a->ballot.node;
	return vote_ask_seal(out, a, &keys);
}

static void
print_answer(const struct vote_answer *r)
{
	char text[REG_TEXT_LEN] = "value none", e[EPOCH_LEN];

	if (!reg_value_is_none(&r->value))
		reg_value_text(text, &r->value);
	printf("%s voter=%016llx promised=%s text=\"%s\" %s\n",
	    vote_result_name(r->result), (unsigned long long)r->voter,
	    epoch_str(e, r->promised), r->text, text);
}

static void
noise(int fd, struct vote_ask *a, long count)
{
	uint8_t buf[VOTE_MAX];
	size_t len;
	long i;

	for (i = 0; i < count; i++) {
		char *word[] = { (char[]){ "read" }, NULL };

		len = build_ask(buf, a, word);
		switch (i % 4) {
		case 0:
			len = 0;
			break;
		case 1:
			buf[0] = 'X';
			break;
		case 2:
			len = vote_ask_seal(buf, a, &stranger);
			break;
		default:
			buf[len - 1] ^= 1;
			break;
		}
		/* A full buffer is not what is looked at. */
		(void)send(fd, buf, len, 0);
	}
}

/* Until the answer to this ask came; false: none in time. */
static bool
wait_answer(int fd, const struct vote_ask *a, struct vote_answer *r)
{
	uint8_t buf[2048];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) >= 0) {
		if (vote_answer_open(r, buf, (size_t)n, &keys) ==
		    VOTE_ERROR_NONE && r->nonce == a->nonce)
			return true;
	}
	return false;
}

static int
open_to(const char *address, const char *port, long ms)
{
	struct timeval bound = { ms / 1000, ms % 1000 * 1000 };
	struct sockaddr_storage ss;
	int fd;

	if (addr_parse(&ss, address) == -1)
		fatalx(EX_USAGE, "%s: no address", address);
	addr_set_port(&ss, (uint16_t)strtol(port, NULL, 10));
	fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
	/* Connected: an answer from another address than was asked is none. */
	if (fd == -1 || connect(fd, (struct sockaddr *)&ss, addr_len(&ss)) ==
	    -1)
		fatal("%s", address);
	return fd;
}

int
main(int argc, char **argv)
{
	struct vote_ask a = { .cluster = "lab", .module = "m" };
	struct vote_answer r;
	struct cluster_key k;
	uint8_t buf[VOTE_MAX];
	long ms = 1000, count = 1, i, answered = 0;
	const char *why;
	int c, fd;

	log_init("votes", false);
	seal_init();
	while ((c = getopt(argc, argv, "c:m:n:N:t:")) != -1) {
		switch (c) {
		case 'c':
			(void)snprintf(a.cluster, sizeof(a.cluster), "%s",
			    optarg);
			break;
		case 'm':
			(void)snprintf(a.module, sizeof(a.module), "%s",
			    optarg);
			break;
		case 'n':
			a.node = (uint8_t)strtol(optarg, NULL, 10);
			break;
		case 'N':
			count = strtol(optarg, NULL, 10);
			break;
		case 't':
			ms = strtol(optarg, NULL, 10);
			break;
		default:
			return EX_USAGE;
		}
	}
	if (argc - optind < 4)
		return EX_USAGE;
	argv += optind;
	if (seal_key_load(&k, argv[0], &why) == -1)
		fatalx(EX_NOINPUT, "%s: %s", argv[0], why);
	vote_keys_derive(&keys, &k, a.cluster);
	memset(&k.key, 'x', sizeof(k.key));
	vote_keys_derive(&stranger, &k, a.cluster);
	randombytes_buf(&a.nonce, sizeof(a.nonce));
	fd = open_to(argv[1], argv[2], ms);
	if (strcmp(argv[3], "noise") == 0) {
		noise(fd, &a, count);
		return EX_OK;
	}
	for (i = 0; i < count; i++) {
		if (send(fd, buf, build_ask(buf, &a, argv + 3), 0) == -1)
			break;
		if (!wait_answer(fd, &a, &r))
			break;
		answered++;
	}
	if (count > 1)
		printf("%ld answers\n", answered);
	else if (answered == 1)
		print_answer(&r);
	return answered < count;
}

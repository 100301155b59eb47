/* SPDX-License-Identifier: ISC */
/*
 * Messages to witnessd's by UDP, sealed (vote.h): each to all addresses of
 * its voter, since any network may be the one that works.  Nothing is kept:
 * what is lost is said again by the proposer.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "paths.h"
#include "xalloc.h"

#include "voters.h"

/* Keys change while we run; a file is looked at no more often than this. */
#define KEY_LOOK_MS	1000
/* In one wake-up; more than all voters can have answered. */
#define DRAIN_MAX	256
/* Longer than any of ours, so that a longer one is seen as such. */
#define READ_MAX	2048
/* Answers that may still come; a power of two. */
#define OPEN_MAX	256
/* Before bulk data in every queue that looks at it. */
#define TOS_CONTROL	0xc0

struct place {
	struct voter_place	 at;
	unsigned		 key_count;	/* 0: it cannot be read */
	struct vote_keys	 key[SEAL_KEYS_MAX];
	struct mono		 looked;
	struct stat		 file;
	bool			 told;		/* that it cannot be */
};

struct voters_udp {
	struct voters		*vs;
	char			 cluster[CLUSTER_NAME_LEN];
	int			 fd[2];		/* IPv4, IPv6; -1: none */
	struct loop_fd		*io[2];
	unsigned		 place_count;
	struct place		 place[PROPOSE_VOTER_MAX];
	struct {
		uint64_t	 nonce;
		unsigned	 place;
	}			 open[OPEN_MAX];
	void			(*on_drained)(void *arg);
	void			*arg;
};

static void
read_keys(struct voters_udp *u, struct place *p)
{
	char path[PATH_LEN];
	struct cluster_keys ks;
	struct stat st;
	const char *why;
	unsigned i;

	if (mono_is_set(p->looked) &&
	    mono_diff_ms(mono_now(), p->looked) < KEY_LOOK_MS)
		return;
	p->looked = mono_now();
	if (strcmp(p->at.key, "cluster") == 0)
		path_etc(path, "cluster.key");
	else
		path_etc(path, "witness/%s.key", p->at.key);
	if (p->key_count > 0 && stat(path, &st) == 0 &&
	    st.st_ino == p->file.st_ino && st.st_size == p->file.st_size &&
	    st.st_mtim.tv_sec == p->file.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == p->file.st_mtim.tv_nsec)
		return;
	why = "there is no such file";
	if (stat(path, &p->file) != 0 ||
	    seal_keys_load(&ks, path, &why) != 0) {
		if (!p->told)
			log_warnx("voter %s: %s: %s", p->at.name, path, why);
		p->told = true;
		return;		/* what was known may still open */
	}
	p->told = false;
	p->key_count = ks.count;
	for (i = 0; i < ks.count; i++)
		vote_keys_derive(&p->key[i], &ks.key[i], u->cluster);
}

static void
send_message(void *arg, const struct reg_message *m)
{
	struct voters_udp *u = arg;
	struct place *p = NULL;
	uint8_t buf[VOTE_MAX];
	unsigned i, slot;
	size_t len;
	int fd;

	for (i = 0; i < u->place_count; i++)
		if (strcmp(u->place[i].at.name, m->voter) == 0)
			p = &u->place[i];
	if (p == NULL)
		return;
	read_keys(u, p);
	if (p->key_count == 0)
		return;
	len = vote_ask_seal(buf, &m->ask, &p->key[0]);
	if (len == 0) {
		log_warnx("voter %s: an ask does not fit", p->at.name);
		return;
	}
	slot = (unsigned)(m->ask.nonce % OPEN_MAX);
	u->open[slot].nonce = m->ask.nonce;
	u->open[slot].place = (unsigned)(p - u->place);
	for (i = 0; i < p->at.addr_count; i++) {
		fd = u->fd[p->at.addr[i].ss_family == AF_INET6];
		/* No route now, or no buffer: lost like any datagram. */
		if (fd != -1)
			(void)sendto(fd, buf, len, MSG_DONTWAIT |
			    MSG_NOSIGNAL, (struct sockaddr *)&p->at.addr[i],
			    addr_len(&p->at.addr[i]));
	}
}

/* Only by a key of the voter that was asked with this nonce. */
static bool
take(struct voters_udp *u, const uint8_t *in, size_t len)
{
	struct vote_answer a;
	char id[SEAL_ID_LEN + 1];
	unsigned i, k, slot;
	struct place *p;

	if (vote_head(id, in, len) != VOTE_ERROR_NONE)
		return false;
	for (i = 0; i < u->place_count; i++) {
		p = &u->place[i];
		for (k = 0; k < p->key_count; k++) {
			if (strcmp(p->key[k].id, id) != 0 ||
			    vote_answer_open(&a, in, len, &p->key[k]) !=
			    VOTE_ERROR_NONE)
				continue;
			slot = (unsigned)(a.nonce % OPEN_MAX);
			if (u->open[slot].nonce != a.nonce ||
			    u->open[slot].place != i)
				continue;
			u->open[slot].nonce = 0;
			voters_answer(u->vs, p->at.name, &a);
			return true;
		}
	}
	return false;
}

static void
on_ready(int fd, int events, void *arg)
{
	struct voters_udp *u = arg;
	uint8_t in[READ_MAX];
	bool any = false;
	ssize_t n;
	int i;

	(void)events;
	for (i = 0; i < DRAIN_MAX; i++) {
		n = recv(fd, in, sizeof(in), MSG_DONTWAIT);
		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		/* Another error is of an earlier send. */
		if (n > 0 && take(u, in, (size_t)n))
			any = true;
	}
	if (any)
		u->on_drained(u->arg);
}

static void
udp_close(void *arg)
{
	struct voters_udp *u = arg;
	unsigned i;

	for (i = 0; i < 2; i++) {
		if (u->fd[i] == -1)
			continue;
		loop_fd_del(u->io[i]);
		(void)close(u->fd[i]);	/* datagrams only */
	}
	free(u);
}

static void
open_socket(struct voters_udp *u, struct loop *l, unsigned i, int family)
{
	const int tos = TOS_CONTROL;

	u->fd[i] = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (u->fd[i] == -1)
		return;		/* a kernel without that family */
	/* Works as well without, only later. */
	if (family == AF_INET)
		(void)setsockopt(u->fd[i], IPPROTO_IP, IP_TOS, &tos,
		    sizeof(tos));
	else
		(void)setsockopt(u->fd[i], IPPROTO_IPV6, IPV6_TCLASS, &tos,
		    sizeof(tos));
	u->io[i] = loop_fd_add(l, u->fd[i], LOOP_READ, on_ready, u);
}

struct voters_udp *
voters_udp_open(struct voters *vs, struct loop *l, const char *cluster,
    struct reg_backend *b, void (*on_drained)(void *arg), void *arg)
{
	struct voters_udp *u = xcalloc(1, sizeof(*u));

	u->vs = vs;
	u->on_drained = on_drained;
	u->arg = arg;
	(void)snprintf(u->cluster, sizeof(u->cluster), "%s", cluster);
	open_socket(u, l, 0, AF_INET);
	open_socket(u, l, 1, AF_INET6);
	*b = (struct reg_backend){ send_message, udp_close, u };
	return u;
}

void
voters_udp_add(struct voters_udp *u, const struct voter_place *at)
{
	struct place *p;
	unsigned i;

	if (u->place_count == PROPOSE_VOTER_MAX)
		return;
	p = &u->place[u->place_count++];
	p->at = *at;
	for (i = 0; i < at->addr_count; i++)
		addr_set_port(&p->at.addr[i], VOTE_PORT);
	read_keys(u, p);
}

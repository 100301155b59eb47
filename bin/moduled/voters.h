/* SPDX-License-Identifier: ISC */
/*
 * The voters of this module: carries the messages of the proposer
 * (propose.h) to them and keeps what must be remembered of each.
 */
#ifndef MODULED_VOTERS_H
#define MODULED_VOTERS_H

#include <netinet/in.h>

#include "moduled.h"
#include "propose.h"

#define VOTER_ADDR_MAX	(CLUSTER_LAN_MAX + 1)

/* Whom to ask, and by which key. */
struct voter_place {
	char			name[CLUSTER_NAME_LEN];
	/* "cluster", or the name of a file in /etc/holdfast/witness. */
	char			key[CLUSTER_NAME_LEN];
	unsigned		addr_count;
	struct sockaddr_storage	addr[VOTER_ADDR_MAX];
};

struct voters;

/* NULL: none are configured.  md->d->conf must be loaded. */
struct voters	*voters_open(struct moduled *md);
void		 voters_close(struct voters *vs);
/* Into md->v.reg. */
void		 voters_look(struct moduled *md);
/*
 * After the wish has gone to the store and the beats: an accept must not
 * leave before what it binds.  *wake: sooner, if need be.
 */
void		 voters_step(struct moduled *md, struct mono *wake);
/*
 * Has etcd heard of the other node within its presence, some 10 s?  For
 * messages: no decision rests on it.
 */
bool		 voters_hear_peer(const struct moduled *md);
/* As propose_renew(): etcd was made anew. */
bool		 voters_renew(struct moduled *md, char why[REG_TEXT]);
/* For a backend: an answer has come. */
void		 voters_answer(struct voters *vs, const char *voter,
		    const struct vote_answer *a);

/* voters-memory.c: .../M/voters, a line a voter. */
struct voter_line {
	struct voter_place	place;
	struct propose_memory	memory;
};
/* How many, at most max; a damaged line is left out, loudly. */
unsigned	voters_load(struct voter_line *lines, unsigned max,
		    const char *module);
/* 0 when durable, or -1 after a warning. */
int		voters_save(const struct voter_line *lines, unsigned count,
		    const char *module);

/* voters-udp.c: the backend of witnessd. */
struct voters_udp;
struct voters_udp *voters_udp_open(struct voters *vs, struct loop *l,
		    const char *cluster, struct reg_backend *b,
		    void (*on_drained)(void *arg), void *arg);
void		 voters_udp_add(struct voters_udp *u,
		    const struct voter_place *p);

#endif

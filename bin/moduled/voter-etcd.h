/* SPDX-License-Identifier: ISC */
/*
 * The register in etcd, in the place of voters: a backend of propose.h that
 * answers as one voter, `etcd', whose id is that of the etcd cluster.
 */
#ifndef MODULED_VOTER_ETCD_H
#define MODULED_VOTER_ETCD_H

#include "loop.h"

#include "post.h"
#include "propose.h"

#define VOTER_ETCD_NAME	"etcd"
#define ETCD_ENDPOINT_MAX 8

struct etcd_conf {
	unsigned	 endpoint_count;
	const char	*endpoint[ETCD_ENDPOINT_MAX];	/* https://HOST:PORT */
	struct post_tls	 tls;
	const char	*prefix;	/* PREFIX/CLUSTER/MODULE, the key */
	const char	*node;
	int64_t		 timeout_ms;	/* T */
};

struct voter_etcd;

/*
 * Strings are kept.  on_answer is called from the loop, never from send.
 * *b is filled; its close ends all.
 */
struct voter_etcd *voter_etcd_open(struct loop *l, const struct etcd_conf *c,
		    struct reg_backend *b, void (*on_answer)(
		    const char *voter, const struct vote_answer *a,
		    void *arg), void *arg);
/*
 * Which nodes of this module etcd heard within 10 s or so, by blanks; for
 * texts only.  "": not known.
 */
const char	*voter_etcd_seen(const struct voter_etcd *e);

#endif

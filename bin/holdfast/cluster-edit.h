/* SPDX-License-Identifier: ISC */
/*
 * A machine that joins: what it says of itself, which of its addresses are
 * for which network, and cluster.xml with it.  Pure: no files, no network.
 */
#ifndef HOLDFAST_CLUSTER_EDIT_H
#define HOLDFAST_CLUSTER_EDIT_H

#include <stddef.h>

#include "cluster.h"
#include "machine.h"
#include "report.h"

#define JOIN_HAVE_MAX	64

struct join_have {
	struct sockaddr_storage	addr;
	unsigned		prefix;
};

struct join_want {
	char			lan[CLUSTER_NAME_LEN];
	struct sockaddr_storage	addr;
};

struct join_request {
	char			name[CLUSTER_NAME_LEN];
	char			machine[MACHINE_TEXT_LEN];
	unsigned		have_count;
	struct join_have	have[JOIN_HAVE_MAX];
	unsigned		want_count;
	struct join_want	want[CLUSTER_LAN_MAX];
};

/* Where it is in the cluster; is_set says on which lans. */
struct join_place {
	struct cluster_addr	lan[CLUSTER_LAN_MAX];
};

/*
 * The text of a request: lines `join name= machine=', `have addr= prefix=',
 * `want lan= addr='.  0, or -1 after reporting.
 */
int	join_parse(struct join_request *q, const char *text, size_t len,
	    struct report *r);
/* 0, or -1 with an error that lists what could be meant. */
int	join_choose(struct join_place *p, const struct cluster *cl,
	    const struct join_request *q, struct report *r);
/*
 * cluster.xml with the node, or with its new addresses when it is there
 * already; malloc'd, or NULL after reporting.  A new node gets an id that no
 * node ever had.
 */
char	*cluster_with_node(const char *text, size_t len,
	    const struct cluster *cl, const struct join_request *q,
	    const struct join_place *p, struct report *r);
/*
 * cluster.xml with this witness, or with its new addresses; addrs NULL:
 * without it, and without <voters> when it was the last one.  malloc'd, or
 * NULL after reporting.
 */
char	*cluster_with_witness(const char *text, size_t len,
	    const char *name, const char *addrs, struct report *r);
/* cluster.xml without <voters>; malloc'd, or NULL after reporting. */
char	*cluster_without_voters(const char *text, size_t len,
	    struct report *r);
/*
 * The text with lastid, where a node of a higher id was taken out of the file
 * by hand; malloc'd, or NULL after reporting.
 */
char	*cluster_with_last_id(const char *text, size_t len, int last,
	    struct report *r);

#endif

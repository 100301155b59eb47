/* SPDX-License-Identifier: ISC */
/*
 * A voter that is silent is noticed when it is needed, which is when another
 * one is lost too: here it is asked before.
 */
#include "check-voters.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check-fencing.h"
#include "modules.h"
#include "paths.h"
#include "seal.h"
#include "voter-ask.h"
#include "xalloc.h"

struct out {
	probe_say	*say;
	void		*arg;
};

static void
tell(const struct out *o, enum verdict v, const char *about,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void
tell(const struct out *o, enum verdict v, const char *about,
    const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	o->say(v, about, text, o->arg);
}

/* --- etcd --------------------------------------------------------------- */

static void
check_file(const struct out *o, const char *path, bool is_secret)
{
	struct stat st;

	if (path[0] == '\0')
		return;
	if (stat(path, &st) == -1)
		tell(o, VERDICT_ERROR, path, "cluster.xml names it for etcd: "
		    "%s", strerror(errno));
	else if (is_secret && (st.st_mode & 077) != 0)
		tell(o, VERDICT_WARN, path, "others may read this key: "
		    "`chmod 600 %s'", path);
	else
		tell(o, VERDICT_OK, path, "is there, for etcd");
}

static void
check_etcd(const struct out *o, const struct cluster *cl)
{
	const struct cluster_etcd *e = &cl->etcd;
	char addr[ADDR_LEN];
	const char *host;
	unsigned i, n, k;
	size_t len;

	check_file(o, e->ca, false);
	check_file(o, e->cert, false);
	check_file(o, e->key, true);
	if (e->endpoint_count % 2 == 0)
		tell(o, VERDICT_WARN, "etcd", "%u endpoints: name all members, "
		    "an odd number", e->endpoint_count);
	for (i = 0; i < e->endpoint_count; i++) {
		host = strstr(e->endpoint[i], "://") + 3;
		host += host[0] == '[';
		len = strcspn(host, host[-1] == '[' ? "]" : ":/");
		for (n = 0; n < cl->node_count * cl->lan_count; n++) {
			k = n % cl->lan_count;
			(void)addr_str(addr,
			    &cl->node[n / cl->lan_count].lan[k].addr);
			if (strlen(addr) == len &&
			    strncmp(addr, host, len) == 0)
				tell(o, VERDICT_WARN, e->endpoint[i], "is on "
				    "node %s and dies with it: a majority of "
				    "etcd must be elsewhere",
				    cl->node[n / cl->lan_count].name);
		}
	}
}

/* --- witnesses ---------------------------------------------------------- */

static void
check_witness(const struct out *o, const struct cluster *cl,
    const struct cluster_witness *w)
{
	char path[PATH_LEN];
	struct cluster_key key;
	const char *why;

	if (geteuid() == 0 && seal_key_load(&key, path_etc(path,
	    "witness/%s.key", w->name), &why) == -1)
		tell(o, VERDICT_ERROR, path, "%s", access(path, F_OK) == -1 ?
		    "the key of the witness is not here: `holdfast cluster "
		    "push' on a node that has it" : why);
	explicit_bzero(&key, sizeof(key));
	if (w->addr_count < 2 && cl->lan_count > 1)
		tell(o, VERDICT_WARN, w->name, "is reached by one network of "
		    "%u: when that fails it cannot vote; give it more "
		    "addresses: `holdfast cluster witness replace %s "
		    "ADDR,ADDR'", cl->lan_count, w->name);
}

/* Once a voter, whatever the number of modules. */
static bool
is_first(const struct voter_ask *q, unsigned at)
{
	unsigned i;

	for (i = 0; i < at; i++)
		if (strcmp(q->item[i].name, q->item[at].name) == 0)
			return false;
	return true;
}

/* Another voter with the same id: one disk was copied from the other. */
static const char *
twin_of(const struct voter_ask *q, const struct voter_item *v)
{
	unsigned i;

	for (i = 0; i < q->count; i++)
		if (q->item[i].came && strcmp(q->item[i].name, v->name) != 0 &&
		    q->item[i].answer.voter == v->answer.voter)
			return q->item[i].name;
	return NULL;
}

static void
check_answer(const struct out *o, const struct voter_ask *q,
    const struct voter_item *v)
{
	const char *twin;

	if (v->why[0] != '\0')
		return;		/* its key: was told */
	if (!v->came) {
		tell(o, VERDICT_WARN, v->name, "the voter is silent: one "
		    "more, and a primary can neither go on alone nor be taken "
		    "over; `holdfast cluster witness list'");
	} else if (v->answer.result == VOTE_UNABLE) {
		tell(o, VERDICT_ERROR, v->name, "the voter cannot vote: %s",
		    v->answer.text);
	} else if ((twin = twin_of(q, v)) != NULL) {
		tell(o, VERDICT_ERROR, v->name, "is the same voter as %s: one "
		    "machine was copied from the other, or both names are "
		    "one machine", twin);
	} else {
		tell(o, VERDICT_OK, v->name, "votes, and answers in %lld.%lld "
		    "ms", (long long)v->after_us / 1000,
		    (long long)v->after_us % 1000 / 100);
	}
}

static void
check_all(const struct out *o, const struct cluster *cl)
{
	struct voter_ask *q = xcalloc(1, sizeof(*q));
	unsigned i;

	q->cl = cl;
	voter_ask_add_all(q);
	voter_ask_run(q);
	for (i = 0; i < q->count; i++)
		if (is_first(q, i))
			check_answer(o, q, &q->item[i]);
	voter_ask_fini(q);
	free(q);
}

void
check_voters(const struct cluster *cl, probe_say *say, void *arg)
{
	struct out o = { say, arg };
	unsigned i;

	if (cl->etcd.endpoint_count > 0) {
		check_etcd(&o, cl);
		return;
	}
	if (cl->witness_count == 0) {
		if (cl->fence_timeout_ms > 0)
			check_fencing(cl, say, arg);
		else if (cl->node_count == 2)
			tell(&o, VERDICT_WARN, "cluster", "two nodes and no "
			    "third voter: a split of all networks at once "
			    "cannot be told from the loss of the other node; "
			    "`holdfast help witness'");
		return;
	}
	for (i = 0; i < cl->witness_count; i++)
		check_witness(&o, cl, &cl->witness[i]);
	if (cl->witness_count % 2 == 0)
		tell(&o, VERDICT_WARN, "cluster", "%u witnesses and two "
		    "nodes are an even number: one less is as safe",
		    cl->witness_count);
	if (geteuid() == 0)
		check_all(&o, cl);
}

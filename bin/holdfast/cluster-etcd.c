/* SPDX-License-Identifier: ISC */
/*
 * `cluster witness remove etcd' and `replace etcd': etcd is the only voter
 * then, so that no vote of others takes it out or in again.  The operator's
 * word does, after he was told what it costs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cluster.h"
#include "cluster-edit.h"
#include "cluster-verbs.h"
#include "cmd.h"
#include "config-cluster.h"
#include "config-xml.h"
#include "configure.h"
#include "generation.h"
#include "modules.h"
#include "paths.h"
#include "statefile.h"
#include "talk.h"
#include "xalloc.h"

#define ETCD	"etcd"

struct etcd_change {
	struct cluster	 old, new;
	char		*xml;		/* after */
	bool		 all;		/* every node answered */
};

static bool
confirm(const struct cmd *c, const char *verb)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "witness %s " ETCD, verb);
	return cluster_confirm(c, "", command, ETCD, ETCD);
}

static int
begin(struct etcd_change *h)
{
	char path[PATH_LEN], *text;
	size_t len;

	if (cluster_lock() == -1)
		return EX_CANTCREAT;
	if (cluster_load(&h->old, NULL) == -1)
		return EX_CONFIG;
	if (h->old.etcd.endpoint_count == 0) {
		fprintf(stderr, "holdfast: no etcd votes: `holdfast cluster "
		    "witness list' names who does\n");
		return EX_NOINPUT;
	}
	text = statefile_read(path_etc(path, "cluster.xml"), XML_FILE_MAX,
	    &len);
	if (text != NULL) {
		h->xml = text;
		return 0;
	}
	fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
	return EX_NOINPUT;
}

/* --- remove ------------------------------------------------------------- */

/* Whoever answers must be able to; who is silent is the operator's word. */
static int
examine(struct etcd_change *h)
{
	static const char *const word[] = { "cluster", "witness", "ready" };
	char *made, *nodes;
	struct report r;
	int rc = EX_CONFIG;

	report_init(&r, "cluster.xml");
	made = cluster_without_voters(h->xml, strlen(h->xml), &r);
	free(h->xml);
	h->xml = made;
	if (made != NULL && cluster_compile(&h->new, made, strlen(made),
	    &r) == 0)
		(void)cluster_find_self(&h->new, cluster_addr_is_local, NULL,
		    &r);
	report_print(&r, stderr);
	if (r.errors == 0)
		rc = configure_can_refresh(&h->new);
	report_fini(&r);
	if (rc != 0)
		return rc;
	nodes = cluster_other_nodes(&h->old, &h->new, true);
	rc = cluster_send(nodes, word, 3, h->xml, strlen(h->xml));
	free(nodes);
	h->all = rc == 0;
	return rc == EX_UNAVAILABLE ? 0 : rc;
}

static void
say_cost(const struct etcd_change *h)
{
	fprintf(stderr, "Without etcd there is no third voter: the mirror "
	    "modules go back to heartbeats only,\nwith the records that the "
	    "nodes have.  They go on running; but a node that loses all\n"
	    "networks at once is no longer fenced: both may run until they "
	    "meet, and what one of\nthem wrote is set aside.  See "
	    "holdfast-failures(7).\n");
	if (!h->all)
		fprintf(stderr, "A node does not answer: make sure that it is "
		    "off, and that it stays off until `holdfast\ncluster "
		    "push' reaches it.  If it runs, it may be primary by "
		    "etcd, and both run until\nthey meet.\n");
}

static int
carry_out(const struct etcd_change *h)
{
	char path[PATH_LEN];

	if (statefile_write(path_etc(path, "cluster.xml"), h->xml,
	    strlen(h->xml), 0644) == -1) {
		fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
		return EX_CANTCREAT;
	}
	return cluster_push_file(true);
}

int
etcd_remove(struct cmd *c)
{
	struct etcd_change *h = xcalloc(1, sizeof(*h));
	int rc = begin(h);

	if (rc == 0)
		rc = examine(h);
	if (rc == 0) {
		say_cost(h);
		rc = confirm(c, "remove") ? carry_out(h) : EXIT_UNSAFE;
	}
	free(h->xml);
	free(h);
	return rc;
}

/* --- replace ------------------------------------------------------------ */

/* Of another one no etcd votes: a farm, or one with heart@voters. */
static bool
has_etcd(const char *module)
{
	char *text = generation_read(module, generation_active(module),
	    "moduled.conf");
	bool has = text != NULL && strstr(text, "\netcd {") != NULL;

	free(text);
	return has;
}

static void
renew_module(const char *module, void *arg)
{
	struct line_out o;
	int *worst = arg, rc;

	if (!has_etcd(module))
		return;
	line_begin(&o, "renew");
	line_add(&o, "who", talk_who());
	rc = talk(module, "moduled", &o, NULL, NULL);
	if (rc == 0) {
		printf("%s: the etcd that answers now is its register\n",
		    module);
		return;
	}
	rc = talk_failed(module, "moduled", rc);
	if (rc > *worst)
		*worst = rc;
}

/* For remoted, and here. */
int
etcd_renew(struct cmd *c)
{
	struct cluster *cl = xcalloc(1, sizeof(*cl));
	int rc = cluster_load(cl, NULL) == -1 ? EX_CONFIG : 0;

	(void)c;
	free(cl);
	if (rc == 0)
		modules_each(renew_module, &rc);
	return rc;
}

int
etcd_replace(struct cmd *c)
{
	static const char *const word[] = { "cluster", "witness", "renew" };
	struct etcd_change *h = xcalloc(1, sizeof(*h));
	int rc = begin(h), here;
	char *nodes;

	if (rc == 0) {
		fprintf(stderr, "What the nodes know of the etcd of before is "
		    "forgotten, and the one that answers now\nis believed.  "
		    "A module that runs as primary goes on and writes it "
		    "down there; one that\nwaits on both nodes asks for "
		    "`holdfast prim' where the newest data is.\nThere must be "
		    "no other etcd that still has the register, and nothing "
		    "restored from a\nbackup in this one.\n");
		rc = confirm(c, "replace") ? 0 : EXIT_UNSAFE;
	}
	if (rc == 0) {
		here = etcd_renew(c);
		nodes = cluster_other_nodes(&h->old, &h->old, true);
		rc = cluster_send(nodes, word, 3, "", 0);
		free(nodes);
		if (rc != 0)
			fprintf(stderr, "holdfast: the same command again "
			    "when that node answers\n");
		rc = here > rc ? here : rc;
	}
	free(h->xml);
	free(h);
	return rc;
}

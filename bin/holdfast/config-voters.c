/* SPDX-License-Identifier: ISC */
/*
 * A change of who is primary needs a majority of voters: the two nodes of
 * the module and a witness, or an etcd cluster.  Two voters alone have no
 * majority once one is lost, so without a third nobody votes at all.
 */
#include "config-voters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config-xml.h"
#include "resolve.h"
#include "xalloc.h"

/* Without heart@voters: more make changes slower and lose no less. */
#define DEFAULT_MAX	5
/* A try at the register takes at least this long. */
#define ROUND_MS	20

/* The next item of a list with commas, without blanks; false at its end. */
static bool
next_item(const char **list, char *item, size_t size)
{
	const char *p = *list + strspn(*list, " ,");
	size_t len = strcspn(p, ",");

	*list = p + len;
	while (len > 0 && p[len - 1] == ' ')
		len--;
	if (len >= size)
		len = size - 1;		/* no such name: reported by it */
	memcpy(item, p, len);
	item[len] = '\0';
	return len > 0;
}

/* --- cluster.xml ---------------------------------------------------- */

/* Whose address it is so far, or NULL. */
static const char *
owner_of(const struct cluster *c, const struct sockaddr_storage *ss)
{
	unsigned i, k;

	for (i = 0; i < c->node_count; i++)
		for (k = 0; k < c->lan_count; k++) {
			const struct cluster_addr *a = &c->node[i].lan[k];

			if (a->is_set && (addr_equal(&a->addr, ss) ||
			    addr_equal(&a->laddr, ss)))
				return c->node[i].name;
		}
	for (i = 0; i < c->witness_count; i++)
		for (k = 0; k < c->witness[i].addr_count; k++)
			if (addr_equal(&c->witness[i].addr[k], ss))
				return c->witness[i].name;
	return NULL;
}

static void
read_addrs(const struct cluster *c, struct cluster_witness *w,
    const xmlNode *n, struct report *r)
{
	const char *list = xml_attr(n, "addr"), *why, *owner;
	long line = xmlGetLineNo(n);
	char item[256];

	while (next_item(&list, item, sizeof(item))) {
		struct sockaddr_storage *ss = &w->addr[w->addr_count];

		if (w->addr_count == CLUSTER_WITNESS_ADDRS) {
			report_error(r, line, "witness@addr", "at most %d "
			    "addresses are allowed", CLUSTER_WITNESS_ADDRS);
			return;
		}
		if (resolve_host(ss, item, &why) == -1) {
			report_error(r, line, "witness@addr", "\"%s\" cannot "
			    "be resolved: %s", item, why);
			continue;
		}
		owner = owner_of(c, ss);
		if (owner != NULL)
			report_error(r, line, "witness@addr", "%s is an "
			    "address of %s: a witness is a machine of its "
			    "own, that does not fail with a node", item,
			    owner);
		w->addr_count++;
	}
	if (w->addr_count == 0 && r->errors == 0)
		report_error(r, line, "witness@addr", "has no address in it; "
		    "allowed: ADDR or ADDR,ADDR");
}

static void
read_witness(struct cluster *c, const xmlNode *n, struct report *r)
{
	const char *name = xml_attr(n, "name");
	struct cluster_witness *w = &c->witness[c->witness_count];
	long line = xmlGetLineNo(n);

	if (c->witness_count == CLUSTER_WITNESS_MAX ||
	    strlen(name) >= CLUSTER_NAME_LEN) {
		report_error(r, line, "witness@name", "\"%s\" is too long, "
		    "or more than %d witnesses", name, CLUSTER_WITNESS_MAX);
		return;
	}
	if (strcmp(name, "cluster") == 0 || strcmp(name, "none") == 0)
		report_error(r, line, "witness@name", "\"%s\" is taken: use "
		    "another name, as w1", name);
	if (cluster_node_index(c, name) != -1 ||
	    cluster_witness_index(c, name) != -1)
		report_error(r, line, "witness@name", "\"%s\" is the name of "
		    "a node or of another witness", name);
	memset(w, 0, sizeof(*w));
	memcpy(w->name, name, strlen(name) + 1);
	read_addrs(c, w, n, r);
	c->witness_count++;
}

static void
copy_file(char out[CLUSTER_PATH_LEN], const xmlNode *n, const char *name,
    struct report *r)
{
	const char *path = xml_value(n, schema_cluster(), name);
	char where[64];

	if (path == NULL)
		return;
	if (strlen(path) < CLUSTER_PATH_LEN) {
		memcpy(out, path, strlen(path) + 1);
		return;
	}
	(void)snprintf(where, sizeof(where), "etcd@%s", name);
	report_error(r, xmlGetLineNo(n), where, "is longer than %d "
	    "characters", CLUSTER_PATH_LEN - 1);
}

static void
read_endpoints(struct cluster_etcd *e, const xmlNode *n, struct report *r)
{
	const char *list = xml_attr(n, "endpoints");
	char item[CLUSTER_PATH_LEN];
	long line = xmlGetLineNo(n);

	while (next_item(&list, item, sizeof(item))) {
		if (e->endpoint_count == CLUSTER_ETCD_MAX) {
			report_error(r, line, "etcd@endpoints", "at most %d "
			    "are allowed", CLUSTER_ETCD_MAX);
			return;
		}
		if (strncmp(item, "https://", 8) != 0 &&
		    strncmp(item, "http://", 7) != 0)
			report_error(r, line, "etcd@endpoints", "\"%s\" is "
			    "no URL; allowed: https://HOST:2379, several "
			    "with commas", item);
		else if (strncmp(item, "http://", 7) == 0)
			report_warn(r, line, "etcd@endpoints", "\"%s\" is "
			    "not encrypted: whoever is on that network can "
			    "make a node primary", item);
		memcpy(e->endpoint[e->endpoint_count++], item,
		    sizeof(item));
	}
	if (e->endpoint_count == 0)
		report_error(r, line, "etcd@endpoints", "has no URL in it; "
		    "allowed: https://HOST:2379, several with commas");
}

static void
read_etcd(struct cluster *c, const xmlNode *n, struct report *r)
{
	struct cluster_etcd *e = &c->etcd;

	read_endpoints(e, n, r);
	copy_file(e->ca, n, "ca", r);
	copy_file(e->cert, n, "cert", r);
	copy_file(e->key, n, "key", r);
	copy_file(e->prefix, n, "prefix", r);
	if ((e->cert[0] == '\0') != (e->key[0] == '\0'))
		report_error(r, xmlGetLineNo(n), "etcd@cert", "and key belong "
		    "together: write both or none");
	if (c->witness_count > 0)
		report_error(r, xmlGetLineNo(n), "etcd", "and <witness> "
		    "cannot both vote: allowed is one kind");
}

void
voters_read_cluster(struct cluster *c, const xmlNode *root, struct report *r)
{
	const xmlNode *voters = xml_child(root, "voters"), *n;
	long line;

	if (voters == NULL)
		return;
	line = xmlGetLineNo(voters);
	for (n = xml_child(voters, "witness"); n != NULL;
	    n = xml_next(n, "witness"))
		read_witness(c, n, r);
	n = xml_child(voters, "etcd");
	if (n != NULL)
		read_etcd(c, n, r);
	else if (c->witness_count == 0 && r->errors == 0)
		report_warn(r, line, "voters", "is empty: heartbeats only, "
		    "as without it");
	if (c->witness_count + 2 > DEFAULT_MAX)
		report_warn(r, line, "witness", "%u are there: the first %d "
		    "vote, unless heart@voters of a module names others",
		    c->witness_count, DEFAULT_MAX - 2);
	else if (c->witness_count == 2)
		report_warn(r, line, "witness", "2 and the two nodes are 4 "
		    "voters, which go on without one, as 3 do; 1 or 3 "
		    "witnesses are as safe for less");
}

static void
add_etcd(struct text *t, const struct cluster_etcd *e, const char *prefix)
{
	const char *list[CLUSTER_ETCD_MAX];
	unsigned i;

	for (i = 0; i < e->endpoint_count; i++)
		list[i] = e->endpoint[i];
	text_addf(t, "etcd {\n\t");
	text_list(t, "endpoints", list, e->endpoint_count);
	text_addf(t, "\t");
	text_option(t, "ca", e->ca);
	text_addf(t, "\t");
	text_option(t, "cert", e->cert);
	text_addf(t, "\t");
	text_option(t, "key", e->key);
	text_addf(t, "\t");
	text_option(t, "prefix", prefix);
	text_addf(t, "}\n");
}

void
voters_add_cluster(struct text *t, const struct cluster *c)
{
	const char *list[CLUSTER_WITNESS_ADDRS];
	char addr[CLUSTER_WITNESS_ADDRS][ADDR_LEN];
	unsigned i, k;

	for (i = 0; i < c->witness_count; i++) {
		const struct cluster_witness *w = &c->witness[i];

		for (k = 0; k < w->addr_count; k++)
			list[k] = addr_str(addr[k], &w->addr[k]);
		text_addf(t, "witness \"%s\" {\n\t", w->name);
		text_list(t, "addresses", list, w->addr_count);
		text_addf(t, "}\n");
	}
	if (c->etcd.endpoint_count > 0)
		add_etcd(t, &c->etcd, c->etcd.prefix);
}

/* --- a module ------------------------------------------------------- */

static void
add_voter(struct safe *m, const char *name)
{
	m->voter[m->voter_count++] = name;
}

static void
add_default(struct safe *m)
{
	const struct cluster *c = m->cluster;
	unsigned i;

	m->etcd = c->etcd.endpoint_count > 0;
	if (c->witness_count == 0)
		return;
	for (i = 0; i < c->node_count; i++)
		add_voter(m, c->node[i].name);
	for (i = 0; i < c->witness_count && m->voter_count < DEFAULT_MAX;
	    i++)
		add_voter(m, c->witness[i].name);
}

/* The cluster's copy of a name in the list; NULL after reporting. */
static const char *
known_voter(const struct safe *m, const char *item, long line,
    struct report *r)
{
	const struct cluster *c = m->cluster;
	int at = cluster_node_index(c, item);
	const char *name = at != -1 ? c->node[at].name : NULL;
	unsigned i;

	if (name == NULL && (at = cluster_witness_index(c, item)) != -1)
		name = c->witness[at].name;
	if (name == NULL) {
		report_error(r, line, "heart@voters", "\"%s\" is neither a "
		    "node nor a witness of cluster.xml; `holdfast cluster "
		    "witness list' names them", item);
		return NULL;
	}
	for (i = 0; i < m->voter_count; i++)
		if (strcmp(m->voter[i], name) == 0) {
			report_error(r, line, "heart@voters", "\"%s\" is "
			    "there twice", item);
			return NULL;
		}
	return name;
}

static bool
has_voter(const struct safe *m, const char *name)
{
	unsigned i;

	for (i = 0; i < m->voter_count; i++)
		if (strcmp(m->voter[i], name) == 0)
			return true;
	return false;
}

static void
read_list(struct safe *m, const char *list, long line, struct report *r)
{
	const struct cluster *c = m->cluster;
	unsigned errors = r->errors;
	char item[CLUSTER_NAME_LEN + 1];
	const char *name;

	while (next_item(&list, item, sizeof(item))) {
		if (m->voter_count == SAFE_VOTER_MAX) {
			report_error(r, line, "heart@voters", "at most %d "
			    "vote", SAFE_VOTER_MAX);
			return;
		}
		name = known_voter(m, item, line, r);
		if (name != NULL)
			add_voter(m, name);
	}
	if (r->errors > errors)
		return;
	if (!has_voter(m, c->node[c->self].name) ||
	    !has_voter(m, c->node[m->peer].name))
		report_error(r, line, "heart@voters", "must have both nodes "
		    "in it: %s and %s", c->node[c->self].name,
		    c->node[m->peer].name);
	else if (m->voter_count == 2)
		report_error(r, line, "heart@voters", "has the two nodes "
		    "alone, which have no majority when one is lost; name a "
		    "witness too, or write none for heartbeats only");
	else if (m->voter_count % 2 == 0)
		report_warn(r, line, "heart@voters", "%u voters go on "
		    "without %u, as %u do: an odd number is as safe for "
		    "less", m->voter_count, m->voter_count / 2 - 1,
		    m->voter_count - 1);
}

/*
 * A loss shows after 0.6 T and a pulse; a try at the register takes T/4.
 * All of that must fit into the lease, which is T, or the one that is left is
 * fenced for no reason when the other dies.
 */
static void
check_lease(const struct safe *m, long line, struct report *r)
{
	int64_t most = m->timeout_ms * 3 / 20 - 1;

	if (m->timeout_ms == 0)
		return;		/* was reported */
	if (20 * m->pulse_ms >= 3 * m->timeout_ms)
		report_error(r, line, "heart@pulse", "%lld ms is too slow "
		    "for timeout %lld ms with voters: 0.6 of it, a pulse and "
		    "a try at the register (0.25 of it) must be over before "
		    "the lease is; allowed: at most %lld ms, or leave pulse "
		    "out", (long long)m->pulse_ms, (long long)m->timeout_ms,
		    (long long)(most > 0 ? most : 1));
	else if (m->timeout_ms * 2 / 5 - m->pulse_ms <= ROUND_MS)
		report_warn(r, line, "heart@timeout", "%lld ms leaves less "
		    "than the %d ms that a try at the register may take: "
		    "when the secondary dies the primary may stand still "
		    "until it has the votes; safe, but 70 ms and more avoid "
		    "it", (long long)m->timeout_ms, ROUND_MS);
}

void
voters_read(struct safe *m, const xmlNode *service, struct report *r)
{
	const xmlNode *heart = xml_child(service, "heart");
	const char *list = heart != NULL ? xml_attr(heart, "voters") : NULL;
	long line = heart != NULL ? xmlGetLineNo(heart) : 0;

	if (m->peer == -1)
		return;
	if (list == NULL)
		add_default(m);
	else if (strcmp(list, "none") == 0)
		return;
	else if (m->cluster->etcd.endpoint_count > 0)
		report_error(r, line, "heart@voters", "names voters, but "
		    "cluster.xml has etcd in their place; allowed: none, or "
		    "leave it out");
	else
		read_list(m, list, line, r);
	if (m->voter_count == 0 && !m->etcd)
		return;
	check_lease(m, line, r);
	if (m->syncdelta_s > 0)
		report_warn(r, xmlGetLineNo(xml_child(service, "rfs")),
		    "rfs@syncdelta", "does nothing where there are voters: "
		    "they say who may be primary");
}

/* The addresses of a node on the networks of the module. */
static void
node_addrs(const struct safe *m, int node, struct voter *v)
{
	const struct cluster *c = m->cluster;
	const struct cluster_addr *a;
	unsigned i;

	for (i = 0; i < m->beat_count; i++) {
		a = &c->node[node].lan[cluster_lan_index(c, m->beat[i].lan)];
		v->addr[v->addr_count++] = node == c->self ? &a->laddr :
		    &a->addr;
	}
}

void
voters_get(const struct safe *m, unsigned i, struct voter *v)
{
	const struct cluster *c = m->cluster;
	int node = cluster_node_index(c, m->voter[i]), at;
	unsigned k;

	memset(v, 0, sizeof(*v));
	v->name = m->voter[i];
	v->key = node != -1 ? "cluster" : v->name;
	if (node != -1) {
		node_addrs(m, node, v);
		return;
	}
	at = cluster_witness_index(c, v->name);
	for (k = 0; k < c->witness[at].addr_count; k++)
		v->addr[v->addr_count++] = &c->witness[at].addr[k];
}

void
voters_add(struct text *t, const struct safe *m)
{
	const struct cluster *c = m->cluster;
	char text[CLUSTER_LAN_MAX][ADDR_LEN], *prefix;
	const char *list[CLUSTER_LAN_MAX];
	struct voter v;
	unsigned i, k;

	if (m->voter_count > 0 || m->etcd)
		text_option(t, "cluster", c->name);
	if (m->etcd) {
		prefix = xasprintf("%s/%s/%s", c->etcd.prefix, c->name,
		    m->name);
		add_etcd(t, &c->etcd, prefix);
		free(prefix);
	}
	for (i = 0; i < m->voter_count; i++) {
		voters_get(m, i, &v);
		for (k = 0; k < v.addr_count; k++)
			list[k] = addr_str(text[k], v.addr[k]);
		text_addf(t, "voter \"%s\" {\n\t", v.name);
		text_list(t, "addresses", list, v.addr_count);
		text_addf(t, "\t");
		text_option(t, "key", v.key);
		text_addf(t, "}\n");
	}
}

/* SPDX-License-Identifier: ISC */
/*
 * Which networks a module uses.  A mirror needs both nodes in each; a farm
 * this node only: that others are missing is said.
 */
#include "config-lans.h"

#include <stdio.h>
#include <string.h>

#include "config-xml.h"

struct lans {
	struct safe	*m;
	const char	*element, *old;
	struct report	*r;
};

static bool
fits(const struct safe *m, int lan)
{
	const struct cluster *c = m->cluster;

	return c->node[c->self].lan[lan].is_set &&
	    (m->peer == -1 || c->node[m->peer].lan[lan].is_set);
}

static bool
host_is(const char *host, const struct sockaddr_storage *ss)
{
	struct sockaddr_storage other;

	return host != NULL && addr_parse(&other, host) == 0 &&
	    addr_equal(&other, ss);
}

/* The lan in which each <server> is the address of a node, or -1. */
static int
lan_of_old(const struct lans *l, const xmlNode *n)
{
	const struct cluster *c = l->m->cluster;
	const xmlNode *old;
	unsigned lan, i, hits, count;

	for (lan = 0; lan < c->lan_count; lan++) {
		hits = count = 0;
		for (old = xml_child(n, l->old); old != NULL;
		    old = xml_next(old, l->old)) {
			count++;
			for (i = 0; i < c->node_count; i++)
				hits += c->node[i].lan[lan].is_set &&
				    host_is(xml_attr(old, "addr"),
				    &c->node[i].lan[lan].addr);
		}
		if (count > 0 && hits == count)
			return (int)lan;
	}
	return -1;
}

static void
say_missing(const struct lans *l, int lan, long line, const char *where)
{
	const struct cluster *c = l->m->cluster;
	unsigned i;

	for (i = 0; i < c->node_count; i++)
		if (!c->node[i].lan[lan].is_set)
			report_warn(l->r, line, where, "lan %s of cluster.xml "
			    "does not have node %s: a farm is heard best on "
			    "networks that all its nodes have",
			    c->lan[lan].name, c->node[i].name);
}

static void
add_lan(struct lans *l, int lan, const char *ident, long line)
{
	struct safe *m = l->m;
	const char *name = m->cluster->lan[lan].name;
	char where[64];
	unsigned i;

	(void)snprintf(where, sizeof(where), "%s@name", l->element);
	if (!fits(m, lan)) {
		report_error(l->r, line, where, "lan %s of cluster.xml does "
		    "not have %s", name, m->peer != -1 ? "both nodes" :
		    "this node");
		return;
	}
	for (i = 0; i < m->beat_count; i++)
		if (strcmp(m->beat[i].lan, name) == 0) {
			report_error(l->r, line, where, "\"%s\" is there "
			    "twice", name);
			return;
		}
	if (m->peer == -1 && line > 0)
		say_missing(l, lan, line, where);
	if (ident == NULL)
		ident = name;
	if (strcmp(ident, "flow") == 0)
		m->flow = m->beat_count;
	m->beat[m->beat_count].lan = name;
	m->beat[m->beat_count++].ident = ident;
}

static void
read_lan(struct lans *l, const xmlNode *n)
{
	const struct cluster *c = l->m->cluster;
	const char *name = xml_attr(n, "name");
	bool has_old = xml_child(n, l->old) != NULL;
	long line = xmlGetLineNo(n);
	char lans[256] = "", where[64], old_where[64];
	size_t len = 0;
	unsigned i;
	int lan;

	for (i = 0; i < c->lan_count && len < sizeof(lans); i++)
		len += (size_t)snprintf(lans + len, sizeof(lans) - len,
		    "%s%s", i > 0 ? ", " : "", c->lan[i].name);
	(void)snprintf(where, sizeof(where), "%s@name", l->element);
	(void)snprintf(old_where, sizeof(old_where), "%s@addr", l->old);
	if (name != NULL && has_old) {
		report_error(l->r, line, where, "and <%s> cannot be mixed; "
		    "allowed: name, one of: %s", l->old, lans);
		return;
	}
	if (name == NULL && !has_old) {
		report_error(l->r, line, where, "is missing; allowed: a lan "
		    "of cluster.xml: %s", lans);
		return;
	}
	if (name != NULL && name[0] == '\0')
		return;		/* was reported */
	lan = name != NULL ? cluster_lan_index(c, name) : lan_of_old(l, n);
	if (lan == -1) {
		report_error(l->r, line, name != NULL ? where : old_where,
		    "%s%s%s is no lan of cluster.xml; allowed: %s",
		    name != NULL ? "\"" : "",
		    name != NULL ? name : "the network of these addresses",
		    name != NULL ? "\"" : "", lans);
		return;
	}
	add_lan(l, lan, xml_attr(n, "ident"), line);
}

void
lans_read(struct safe *m, const xmlNode *parent, const char *element,
    const char *old, struct report *r)
{
	struct lans l = { .m = m, .element = element, .old = old, .r = r };
	const xmlNode *n;
	unsigned lan;

	for (n = xml_child(parent, element); n != NULL;
	    n = xml_next(n, element))
		read_lan(&l, n);
	if (xml_child(parent, element) != NULL)
		return;
	for (lan = 0; lan < m->cluster->lan_count; lan++)
		if (fits(m, (int)lan))
			add_lan(&l, (int)lan, NULL, 0);
}

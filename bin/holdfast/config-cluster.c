/* SPDX-License-Identifier: ISC */
/*
 * The cluster: who its nodes are and on which networks they talk.  Called by
 * `holdfast config' without a module and by `holdfast cluster init'.
 */
#include "config-cluster.h"

#include <sys/types.h>

#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config-fencing.h"
#include "config-voters.h"
#include "config-xml.h"
#include "resolve.h"
#include "text.h"
#include "xalloc.h"

/* The node of this name, made when it is new; NULL when there are too many. */
static struct cluster_node *
node_of(struct cluster *c, const char *name)
{
	int i = cluster_node_index(c, name);

	if (i >= 0)
		return &c->node[i];
	if (c->node_count == CLUSTER_NODE_MAX ||
	    strlen(name) >= CLUSTER_NAME_LEN)
		return NULL;
	memcpy(c->node[c->node_count].name, name, strlen(name) + 1);
	return &c->node[c->node_count++];
}

static void
read_id(struct cluster_node *node, const xmlNode *n, struct report *r)
{
	int64_t id = xml_number(n, schema_cluster(), "id");

	if (id == 0)
		return;
	if (node->id != 0 && node->id != id)
		report_error(r, xmlGetLineNo(n), "node@id", "node %s has id "
		    "%d elsewhere; a node has one id", node->name, node->id);
	node->id = (uint8_t)id;
}

static void
read_node(struct cluster *c, unsigned lan, const xmlNode *n,
    struct report *r)
{
	const char *name = xml_attr(n, "name"), *addr = xml_attr(n, "addr");
	const char *laddr = xml_attr(n, "laddr"), *why;
	long line = xmlGetLineNo(n);
	struct cluster_node *node = node_of(c, name);
	struct cluster_addr *a;

	if (node == NULL) {
		report_error(r, line, "node@name", "\"%s\" is too long, or "
		    "more than %d nodes", name, CLUSTER_NODE_MAX);
		return;
	}
	read_id(node, n, r);
	a = &node->lan[lan];
	if (a->is_set)
		report_error(r, line, "node@name", "\"%s\" is on lan %s "
		    "twice", name, c->lan[lan].name);
	a->is_set = true;
	if (resolve_host(&a->addr, addr, &why) == -1)
		report_error(r, line, "node@addr", "\"%s\" cannot be "
		    "resolved: %s", addr, why);
	a->laddr = a->addr;
	if (laddr != NULL && resolve_host(&a->laddr, laddr, &why) == -1)
		report_error(r, line, "node@laddr", "\"%s\" is no address",
		    laddr);
}

static void
read_lan(struct cluster *c, const xmlNode *n, struct report *r)
{
	const char *name = xml_attr(n, "name");
	unsigned lan = c->lan_count;
	xmlNode *node;

	if (lan == CLUSTER_LAN_MAX || strlen(name) >= CLUSTER_NAME_LEN) {
		report_error(r, xmlGetLineNo(n), "lan@name", "\"%s\" is too "
		    "long, or more than %d lans", name, CLUSTER_LAN_MAX);
		return;
	}
	if (cluster_lan_index(c, name) != -1)
		report_error(r, xmlGetLineNo(n), "lan@name", "\"%s\" is "
		    "there twice", name);
	memcpy(c->lan[lan].name, name, strlen(name) + 1);
	c->lan_count++;
	for (node = xml_child(n, "node"); node != NULL;
	    node = xml_next(node, "node"))
		read_node(c, lan, node, r);
}

/* Nodes without an id get their place in the first lan. */
static void
complete_ids(struct cluster *c, struct report *r)
{
	unsigned i, j, missing = 0;

	for (i = 0; i < c->node_count; i++)
		if (c->node[i].id == 0) {
			c->node[i].id = (uint8_t)(i + 1);
			missing++;
		}
	for (i = 0; i < c->node_count; i++)
		for (j = 0; j < i; j++)
			if (c->node[i].id == c->node[j].id)
				report_error(r, 0, "node@id", "%d is the id "
				    "of %s and of %s; each node needs its "
				    "own", c->node[i].id, c->node[j].name,
				    c->node[i].name);
	if (missing > 0)
		report_warn(r, 0, "node@id", "%u of %u nodes have none; the "
		    "place in the first lan is taken, which changes when a "
		    "node is removed: write id=\"1\", id=\"2\" ...", missing,
		    c->node_count);
}

static void
check_whole(const struct cluster *c, struct report *r)
{
	unsigned i, lan, n;
	unsigned other, l2;
	char text[ADDR_LEN];

	for (lan = 0; lan < c->lan_count; lan++) {
		n = 0;
		for (i = 0; i < c->node_count; i++)
			n += c->node[i].lan[lan].is_set;
		if (n == c->node_count)
			break;
	}
	if (lan == c->lan_count && c->lan_count > 0)
		report_error(r, 0, "lan", "none has all nodes; at least one "
		    "lan must have a <node> for each of them");
	for (i = 0; i < c->node_count * c->lan_count; i++)
		for (other = 0; other < i; other++) {
			const struct cluster_addr *a, *b;

			lan = i % c->lan_count;
			l2 = other % c->lan_count;
			a = &c->node[i / c->lan_count].lan[lan];
			b = &c->node[other / c->lan_count].lan[l2];
			if (a->is_set && b->is_set &&
			    addr_equal(&a->addr, &b->addr))
				report_error(r, 0, "node@addr", "%s is there "
				    "twice", addr_str(text, &a->addr));
		}
}

static void
read_cluster(struct cluster *c, const xmlNode *root, struct report *r)
{
	const struct schema *s = schema_cluster();
	const xmlNode *lans = xml_child(root, "lans");
	const char *name = xml_value(root, s, "name");
	xmlNode *lan;

	if (strlen(name) >= CLUSTER_NAME_LEN)
		report_error(r, xmlGetLineNo(root), "cluster@name",
		    "is longer than %d characters", CLUSTER_NAME_LEN - 1);
	else
		memcpy(c->name, name, strlen(name) + 1);
	c->port = (uint16_t)xml_number(lans, s, "port");
	for (lan = xml_child(lans, "lan"); lan != NULL;
	    lan = xml_next(lan, "lan"))
		read_lan(c, lan, r);
	complete_ids(c, r);
	check_whole(c, r);
	voters_read_cluster(c, root, r);
	fencing_read(c, root, r);
}

int
cluster_compile(struct cluster *c, const char *text, size_t len,
    struct report *r)
{
	xmlDoc *doc;

	memset(c, 0, sizeof(*c));
	c->self = -1;
	cluster_digest(c->digest, text, len);
	doc = xml_parse(text, len, "cluster", r);
	if (doc == NULL)
		return -1;
	xml_check(doc, schema_cluster(), r);
	if (r->errors == 0)
		read_cluster(c, xmlDocGetRootElement(doc), r);
	xmlFreeDoc(doc);
	return r->errors > 0 ? -1 : 0;
}

int
cluster_last_id(const char *text, size_t len)
{
	struct cluster *cl = xcalloc(1, sizeof(*cl));
	struct report r;
	xmlDoc *doc;
	int64_t last = 0;
	unsigned i;

	report_init(&r, "cluster.xml");
	if (cluster_compile(cl, text, len, &r) == 0) {
		doc = xml_parse(text, len, "cluster", &r);
		if (doc != NULL)
			last = xml_number(xmlDocGetRootElement(doc),
			    schema_cluster(), "lastid");
		xmlFreeDoc(doc);
	}
	for (i = 0; i < cl->node_count; i++)
		if (cl->node[i].id > last)
			last = cl->node[i].id;
	report_fini(&r);
	free(cl);
	return (int)last;
}

bool
cluster_addr_is_local(const struct sockaddr_storage *ss, void *arg)
{
	struct ifaddrs *list, *i;
	struct sockaddr_storage have;
	bool found = false;

	(void)arg;
	if (getifaddrs(&list) == -1)
		return false;
	for (i = list; i != NULL && !found; i = i->ifa_next) {
		if (i->ifa_addr == NULL ||
		    i->ifa_addr->sa_family != ss->ss_family)
			continue;
		memset(&have, 0, sizeof(have));
		memcpy(&have, i->ifa_addr, addr_len(ss));
		found = addr_equal(&have, ss);
	}
	freeifaddrs(list);
	return found;
}

int
cluster_find_self(struct cluster *c,
    bool (*is_local)(const struct sockaddr_storage *ss, void *arg),
    void *arg, struct report *r)
{
	char list[512] = "", mine[256] = "", a[ADDR_LEN];
	unsigned i, lan, found = 0;
	size_t len = 0, mlen = 0;

	for (i = 0; i < c->node_count; i++) {
		bool is_self = false;

		for (lan = 0; lan < c->lan_count; lan++) {
			const struct cluster_addr *at = &c->node[i].lan[lan];

			if (!at->is_set)
				continue;
			if (len < sizeof(list))
				len += (size_t)snprintf(list + len,
				    sizeof(list) - len, "%s%s %s",
				    len > 0 ? ", " : "", c->node[i].name,
				    addr_str(a, &at->laddr));
			is_self |= is_local(&at->laddr, arg) ||
			    is_local(&at->addr, arg);
		}
		if (!is_self)
			continue;
		c->self = (int)i;
		found++;
		if (mlen < sizeof(mine))
			mlen += (size_t)snprintf(mine + mlen,
			    sizeof(mine) - mlen, "%s%s", mlen > 0 ? ", " : "",
			    c->node[i].name);
	}
	if (found == 1)
		return 0;
	if (found == 0)
		report_error(r, 0, "node@addr", "this machine has none of "
		    "the addresses, so which node it is is not known: %s",
		    list);
	else
		report_error(r, 0, "node@addr", "this machine has addresses "
		    "of %u nodes (%s); it must be one: %s", found, mine, list);
	return -1;
}

char *
cluster_text(const struct cluster *c)
{
	struct text t = { 0 };
	char a[ADDR_LEN], l[ADDR_LEN], digest[CLUSTER_DIGEST_TEXT];
	unsigned i, lan;

	text_addf(&t, "# Made by `holdfast config' from cluster.xml\n");
	text_option(&t, "name", c->name);
	text_option(&t, "self", c->node[c->self].name);
	text_addf(&t, "port = %u\n", c->port);
	cluster_digest_text(digest, c->digest);
	text_option(&t, "digest", digest);
	for (lan = 0; lan < c->lan_count; lan++)
		text_addf(&t, "lan \"%s\" {\n}\n", c->lan[lan].name);
	for (i = 0; i < c->node_count; i++) {
		text_addf(&t, "node \"%s\" {\n\tid = %u\n", c->node[i].name,
		    c->node[i].id);
		for (lan = 0; lan < c->lan_count; lan++) {
			const struct cluster_addr *at = &c->node[i].lan[lan];

			if (at->is_set)
				text_addf(&t, "\taddress \"%s\" {\n"
				    "\t\taddr = \"%s\"\n"
				    "\t\tladdr = \"%s\"\n\t}\n",
				    c->lan[lan].name, addr_str(a, &at->addr),
				    addr_equal(&at->addr, &at->laddr) ? "" :
				    addr_str(l, &at->laddr));
		}
		text_addf(&t, "}\n");
	}
	voters_add_cluster(&t, c);
	fencing_add_cluster(&t, c);
	return t.text;
}

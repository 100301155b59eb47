/* SPDX-License-Identifier: ISC */
/*
 * An address is for a network when it is in the same subnet as a member's,
 * by the prefix the new machine has on it.  None is no reason to refuse, as
 * long as one network remains; two are, since only the administrator knows.
 */
#include "cluster-edit.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config-cluster.h"
#include "config-value.h"
#include "config-xml.h"
#include "line.h"
#include "text.h"
#include "xalloc.h"

/* --- the request ------------------------------------------------------ */

static void
take_join(struct join_request *q, const struct line *l, struct report *r)
{
	const char *name = line_get(l, "name");
	const char *machine = line_get(l, "machine");
	char why[256];

	if (name == NULL || strlen(name) >= sizeof(q->name) ||
	    value_check(VT_NAME, name, "", "", 0, 0, why, sizeof(why)) == -1)
		report_error(r, 0, NULL, "\"%s\" is no name for a node: give "
		    "one with --name", name != NULL ? name : "");
	else
		memcpy(q->name, name, strlen(name) + 1);
	if (machine != NULL && strlen(machine) < sizeof(q->machine))
		memcpy(q->machine, machine, strlen(machine) + 1);
}

static void
take_have(struct join_request *q, const struct line *l, struct report *r)
{
	struct join_have *h = &q->have[q->have_count];
	const char *addr = line_get(l, "addr");
	int64_t prefix;

	if (q->have_count == JOIN_HAVE_MAX)
		return;
	if (addr == NULL || addr_parse(&h->addr, addr) == -1 ||
	    !line_get_num(l, "prefix", 1, h->addr.ss_family == AF_INET6 ?
	    128 : 32, &prefix)) {
		report_error(r, 0, NULL, "an address that is none");
		return;
	}
	h->prefix = (unsigned)prefix;
	q->have_count++;
}

static void
take_want(struct join_request *q, const struct line *l, struct report *r)
{
	struct join_want *w = &q->want[q->want_count];
	const char *lan = line_get(l, "lan"), *addr = line_get(l, "addr");

	if (lan == NULL || strlen(lan) >= sizeof(w->lan) || addr == NULL ||
	    q->want_count == CLUSTER_LAN_MAX ||
	    addr_parse(&w->addr, addr) == -1) {
		report_error(r, 0, NULL, "--addr %s=%s: is no LAN=ADDRESS",
		    lan != NULL ? lan : "", addr != NULL ? addr : "");
		return;
	}
	memcpy(w->lan, lan, strlen(lan) + 1);
	q->want_count++;
}

int
join_parse(struct join_request *q, const char *text, size_t len,
    struct report *r)
{
	struct line *l = xcalloc(1, sizeof(*l));
	const char *end = text + len, *eol, *why;

	memset(q, 0, sizeof(*q));
	for (; text < end; text = eol + 1) {
		eol = memchr(text, '\n', (size_t)(end - text));
		if (eol == NULL)
			eol = end;
		if (line_parse(l, text, (size_t)(eol - text), &why) == -1)
			report_error(r, 0, NULL, "request: %s", why);
		else if (strcmp(l->verb, "join") == 0)
			take_join(q, l, r);
		else if (strcmp(l->verb, "have") == 0)
			take_have(q, l, r);
		else if (strcmp(l->verb, "want") == 0)
			take_want(q, l, r);
		/* What a later release adds is skipped. */
		if (r->errors > 0)
			break;
	}
	free(l);
	if (r->errors == 0 && q->name[0] == '\0')
		report_error(r, 0, NULL, "request: no name in it");
	return r->errors > 0 ? -1 : 0;
}

/* --- its place ---------------------------------------------------------- */

static const uint8_t *
addr_bytes(const struct sockaddr_storage *ss, unsigned *bits)
{
	if (ss->ss_family == AF_INET6) {
		*bits = 128;
		return (const uint8_t *)
		    &((const struct sockaddr_in6 *)ss)->sin6_addr;
	}
	*bits = 32;
	return (const uint8_t *)&((const struct sockaddr_in *)ss)->sin_addr;
}

static bool
is_in_subnet(const struct sockaddr_storage *a,
    const struct sockaddr_storage *b, unsigned prefix)
{
	const uint8_t *pa, *pb;
	unsigned bits, i;

	if (a->ss_family != b->ss_family)
		return false;
	pa = addr_bytes(a, &bits);
	pb = addr_bytes(b, &bits);
	/* A host address has no neighbours. */
	if (prefix >= bits)
		return false;
	for (i = 0; i < prefix; i++)
		if (((pa[i / 8] ^ pb[i / 8]) & (0x80 >> i % 8)) != 0)
			return false;
	return true;
}

static bool
fits_lan(const struct cluster *cl, const struct join_request *q,
    unsigned lan, const struct join_have *h)
{
	unsigned i;

	for (i = 0; i < cl->node_count; i++)
		if (cl->node[i].lan[lan].is_set &&
		    strcmp(cl->node[i].name, q->name) != 0 &&
		    is_in_subnet(&h->addr, &cl->node[i].lan[lan].addr,
		    h->prefix))
			return true;
	return false;
}

static bool
has_addr(const struct join_request *q, const struct sockaddr_storage *ss)
{
	unsigned i;

	for (i = 0; i < q->have_count; i++)
		if (addr_equal(&q->have[i].addr, ss))
			return true;
	return false;
}

/* What the administrator said, for one network: true when he did. */
static bool
choose_wanted(struct cluster_addr *a, const char *lan,
    const struct join_request *q, struct report *r)
{
	char text[ADDR_LEN];
	unsigned i;

	for (i = 0; i < q->want_count; i++) {
		if (strcmp(q->want[i].lan, lan) != 0)
			continue;
		a->addr = a->laddr = q->want[i].addr;
		a->is_set = true;
		if (!has_addr(q, &a->addr))
			report_error(r, 0, NULL, "--addr %s=%s: the machine "
			    "does not have this address", lan,
			    addr_str(text, &a->addr));
		return true;
	}
	return false;
}

static void
choose_lan(struct join_place *p, const struct cluster *cl, unsigned lan,
    const struct join_request *q, struct report *r)
{
	struct cluster_addr *a = &p->lan[lan];
	const char *name = cl->lan[lan].name;
	struct text list = { 0 };
	char text[ADDR_LEN];
	unsigned i, found = 0;

	if (choose_wanted(a, name, q, r))
		return;
	for (i = 0; i < q->have_count; i++) {
		if (!fits_lan(cl, q, lan, &q->have[i]))
			continue;
		a->addr = a->laddr = q->have[i].addr;
		a->is_set = true;
		text_addf(&list, "%s--addr %s=%s", found++ > 0 ? " or " : "",
		    name, addr_str(text, &a->addr));
	}
	if (found > 1)
		report_error(r, 0, NULL, "%s: the machine has %u addresses "
		    "there: join with %s", name, found, list.text);
	else if (found == 0)
		report_warn(r, 0, NULL, "%s: the machine has no address "
		    "there", name);
	free(list.text);
}

static void
check_wanted(const struct cluster *cl, const struct join_request *q,
    struct report *r)
{
	unsigned i;

	for (i = 0; i < q->want_count; i++)
		if (cluster_lan_index(cl, q->want[i].lan) == -1)
			report_error(r, 0, NULL, "--addr %s=...: the cluster "
			    "has no lan \"%s\"", q->want[i].lan,
			    q->want[i].lan);
}

int
join_choose(struct join_place *p, const struct cluster *cl,
    const struct join_request *q, struct report *r)
{
	struct text have = { 0 };
	char text[ADDR_LEN];
	unsigned lan, i, n = 0;

	memset(p, 0, sizeof(*p));
	check_wanted(cl, q, r);
	for (lan = 0; lan < cl->lan_count; lan++) {
		choose_lan(p, cl, lan, q, r);
		n += p->lan[lan].is_set;
	}
	if (n == 0) {
		text_add(&have, "", 0);
		for (i = 0; i < q->have_count; i++)
			text_addf(&have, " %s/%u", addr_str(text,
			    &q->have[i].addr), q->have[i].prefix);
		report_error(r, 0, NULL, "the machine has no address in any "
		    "network of the cluster; it has%s", have.len > 0 ?
		    have.text : " none");
		free(have.text);
	}
	return r->errors > 0 ? -1 : 0;
}

/* --- the file ------------------------------------------------------------ */

static xmlNode *
find_child(const xmlNode *parent, const char *element, const char *name)
{
	xmlNode *n;

	for (n = xml_child(parent, element); n != NULL;
	    n = xml_next(n, element))
		if (xml_attr(n, "name") != NULL &&
		    strcmp(xml_attr(n, "name"), name) == 0)
			return n;
	return NULL;
}

static void
set_attr(xmlNode *n, const char *name, const char *value)
{
	(void)xmlSetProp(n, (const xmlChar *)name,
	    (const xmlChar *)value);
}

/* Behind the last of its brothers, with the blanks that stand before it. */
static xmlNode *
add_element(xmlNode *parent, const char *element)
{
	xmlNode *last = NULL, *n, *made, *blank;

	for (n = xml_child(parent, element); n != NULL;
	    n = xml_next(n, element))
		last = n;
	made = xmlNewNode(NULL, (const xmlChar *)element);
	if (last == NULL) {
		(void)xmlAddChild(parent, made);
		return made;
	}
	(void)xmlAddNextSibling(last, made);
	if (last->prev != NULL && last->prev->type == XML_TEXT_NODE) {
		blank = xmlNewText(last->prev->content);
		(void)xmlAddNextSibling(last, blank);
	}
	return made;
}

static void
edit_lan(xmlNode *lan, const struct join_request *q, const char *id,
    const struct cluster_addr *a)
{
	xmlNode *n = find_child(lan, "node", q->name);
	char text[ADDR_LEN];

	if (!a->is_set) {
		if (n != NULL) {
			xmlUnlinkNode(n);
			xmlFreeNode(n);
		}
		return;
	}
	if (n == NULL)
		n = add_element(lan, "node");
	set_attr(n, "name", q->name);
	set_attr(n, "id", id);
	set_attr(n, "addr", addr_str(text, &a->addr));
	(void)xmlUnsetProp(n, (const xmlChar *)"laddr");
}

/* The document as text; frees it. */
static char *
doc_text(xmlDoc *doc)
{
	xmlChar *made = NULL;
	char *out = NULL;
	int size = 0;

	xmlDocDumpMemory(doc, &made, &size);
	if (made != NULL)
		out = xstrdup((const char *)made);
	xmlFree(made);
	xmlFreeDoc(doc);
	return out;
}

char *
cluster_with_last_id(const char *text, size_t len, int last,
    struct report *r)
{
	xmlDoc *doc = xml_parse(text, len, "cluster", r);
	char lastid[16];

	if (doc == NULL)
		return NULL;
	snprintf(lastid, sizeof(lastid), "%d", last);
	set_attr(xmlDocGetRootElement(doc), "lastid", lastid);
	return doc_text(doc);
}

char *
cluster_with_node(const char *text, size_t len, const struct cluster *cl,
    const struct join_request *q, const struct join_place *p,
    struct report *r)
{
	int at = cluster_node_index(cl, q->name), last;
	xmlDoc *doc = xml_parse(text, len, "cluster", r);
	char id[16], lastid[16];
	xmlNode *root, *lan;

	if (doc == NULL)
		return NULL;
	last = cluster_last_id(text, len);
	if (at == -1 && last >= 255) {
		report_error(r, 0, "node@id", "all 255 ids were given: a "
		    "cluster of a new name has to be made");
		xmlFreeDoc(doc);
		return NULL;
	}
	snprintf(id, sizeof(id), "%d", at == -1 ? last + 1 :
	    cl->node[at].id);
	snprintf(lastid, sizeof(lastid), "%d", at == -1 ? last + 1 : last);
	root = xmlDocGetRootElement(doc);
	set_attr(root, "lastid", lastid);
	for (lan = xml_child(xml_child(root, "lans"), "lan"); lan != NULL;
	    lan = xml_next(lan, "lan"))
		edit_lan(lan, q, id, &p->lan[cluster_lan_index(cl,
		    xml_attr(lan, "name"))]);
	return doc_text(doc);
}

/* With the blanks before it, so that a file stays as it was written. */
static void
drop_element(xmlNode *n)
{
	xmlNode *blank = n->prev;

	if (blank != NULL && xmlIsBlankNode(blank)) {
		xmlUnlinkNode(blank);
		xmlFreeNode(blank);
	}
	xmlUnlinkNode(n);
	xmlFreeNode(n);
}

static void
add_blank(xmlNode *n, const char *text)
{
	(void)xmlAddPrevSibling(n, xmlNewText((const xmlChar *)text));
}

/* As a person would write it. */
static xmlNode *
first_witness(xmlNode *root)
{
	xmlNode *voters = xml_child(root, "voters"), *n;

	if (voters == NULL) {
		voters = xmlNewNode(NULL, (const xmlChar *)"voters");
		(void)xmlAddChild(root, voters);
		add_blank(voters, "  ");
		(void)xmlAddNextSibling(voters,
		    xmlNewText((const xmlChar *)"\n"));
	}
	n = xmlNewNode(NULL, (const xmlChar *)"witness");
	(void)xmlAddChild(voters, n);
	add_blank(n, "\n    ");
	(void)xmlAddNextSibling(n, xmlNewText((const xmlChar *)"\n  "));
	return n;
}

char *
cluster_with_witness(const char *text, size_t len, const char *name,
    const char *addrs, struct report *r)
{
	xmlDoc *doc = xml_parse(text, len, "cluster", r);
	xmlNode *root, *voters, *n;

	if (doc == NULL)
		return NULL;
	root = xmlDocGetRootElement(doc);
	voters = xml_child(root, "voters");
	n = find_child(voters, "witness", name);
	if (addrs != NULL) {
		if (n == NULL)
			n = xml_child(voters, "witness") == NULL ?
			    first_witness(root) :
			    add_element(voters, "witness");
		set_attr(n, "name", name);
		set_attr(n, "addr", addrs);
	} else if (n != NULL) {
		drop_element(n);
		if (xmlChildElementCount(voters) == 0)
			drop_element(voters);
	}
	return doc_text(doc);
}

char *
cluster_without_voters(const char *text, size_t len, struct report *r)
{
	xmlDoc *doc = xml_parse(text, len, "cluster", r);
	xmlNode *voters;

	if (doc == NULL)
		return NULL;
	voters = xml_child(xmlDocGetRootElement(doc), "voters");
	if (voters != NULL)
		drop_element(voters);
	return doc_text(doc);
}

/* SPDX-License-Identifier: ISC */
/*
 * struct safe to the files of a generation.  The names of the options are
 * those the daemons have in their tables; t/holdfast.bats asks each daemon
 * whether it takes what is written here.
 */
#include "config-safe.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config-checks.h"
#include "config-fencing.h"
#include "config-voters.h"
#include "config-xml.h"
#include "text.h"
#include "xalloc.h"

/* TCP ports of mirrord: four a module. */
#define MIRROR_PORT	5600

void
safe_add_head(struct text *t, const struct safe *m)
{
	text_addf(t, "# Made by `holdfast config %s'; edit userconfig.xml\n",
	    m->name);
	text_option(t, "module", m->name);
}

static void
add_nodes(struct text *t, const struct safe *m)
{
	const struct cluster *c = m->cluster;

	text_option(t, "node", c->node[c->self].name);
	text_number(t, "node_id", c->node[c->self].id);
	text_option(t, "peer", m->peer == -1 ? "" : c->node[m->peer].name);
	text_number(t, "peer_id", m->peer == -1 ? 0 : c->node[m->peer].id);
}

static void
add_farm(struct text *t, const struct safe *m)
{
	const struct cluster *c = m->cluster;
	const char *nodes[CLUSTER_NODE_MAX];
	unsigned i, n = 0;

	for (i = 0; i < c->node_count; i++)
		if (m->farm.is_in[i])
			nodes[n++] = c->node[i].name;
	text_list(t, "nodes", nodes, n);
	text_number(t, "stopdrain_ms", m->farm.stopdrain_ms);
	text_bool(t, "scriptcontrol", m->farm.scriptcontrol);
}

static void
add_beats(struct text *t, const struct safe *m)
{
	const char *lans[CLUSTER_LAN_MAX];
	unsigned i;

	for (i = 0; i < m->beat_count; i++)
		lans[i] = m->beat[i].lan;
	text_list(t, "lans", lans, m->beat_count);
	text_option(t, "flow", m->beat_count > 0 ? lans[m->flow] : "");
	text_number(t, "pulse_ms", m->pulse_ms);
	text_number(t, "timeout_ms", m->timeout_ms);
	text_number(t, "stall_ms", m->stall_ms);
	text_number(t, "fencehold_ms", m->fencehold_ms);
	text_number(t, "startgrace_ms", m->startgrace_ms);
}

struct names {
	char		text[SAFE_ADDR_MAX + SAFE_CHECK_MAX][128];
	const char	*list[SAFE_ADDR_MAX + SAFE_CHECK_MAX];
	unsigned	count;
};

static void
add_name(struct names *n, const char *class, const char *id)
{
	char *text = n->text[n->count];
	unsigned i;

	(void)snprintf(text, sizeof(n->text[0]), "%s.%s", class, id);
	for (i = 0; i < n->count; i++)
		if (strcmp(n->list[i], text) == 0)
			return;
	n->list[n->count++] = text;
}

/* "intf." or "ip." and what it is about, once each. */
static void
add_resources(struct text *t, const struct safe *m, const char *name,
    bool is_link, bool only_vip)
{
	struct names *n = xcalloc(1, sizeof(*n));
	const char *class = is_link ? "intf" : "ip";
	unsigned i;

	for (i = 0; i < m->addr_count; i++) {
		const struct safe_addr *a = &m->addr[i];

		if (is_link ? a->check_link && a->network[0] != '\0' :
		    a->check)
			add_name(n, class, is_link ? a->network : a->addr);
	}
	for (i = 0; i < m->check_count && !only_vip; i++)
		if (m->check[i].kind == (is_link ? SK_INTF : SK_IP))
			add_name(n, class, m->check[i].ident);
	text_list(t, name, n->list, n->count);
	free(n);
}

char *
safe_text_moduled(const struct safe *m, const char *digest)
{
	const char *addrs[SAFE_ADDR_MAX];
	struct text t = { 0 };
	unsigned i;

	safe_add_head(&t, m);
	text_number(&t, "id", m->id);
	text_option(&t, "mode", m->mode);
	text_option(&t, "digest", digest);
	add_nodes(&t, m);
	add_beats(&t, m);
	voters_add(&t, m);
	fencing_add(&t, m);
	splitbrain_add(&t, m);
	if (m->is_farm)
		add_farm(&t, m);
	text_number(&t, "maxloop", m->maxloop);
	text_number(&t, "loop_interval_s", m->loop_interval_s);
	text_bool(&t, "failover", m->failover);
	text_option(&t, "defaultprim", m->defaultprim);
	text_option(&t, "boot", m->boot);
	text_number(&t, "boot_delay_s", m->boot_delay_s);
	text_bool(&t, "rfs", m->rfs);
	if (m->rfs) {
		text_option(&t, "syncat", m->syncat);
		text_number(&t, "syncdelta_s", m->syncdelta_s);
	}
	text_bool(&t, "vip", m->vip);
	text_bool(&t, "scripts", m->scripts);
	for (i = 0; i < m->addr_count; i++)
		addrs[i] = m->addr[i].addr;
	text_list(&t, "addresses", addrs, m->addr_count);
	text_number(&t, "handle_ms", m->handle_ms);
	if (m->extends) {
		add_resources(&t, m, "wait_on", true, false);
		add_resources(&t, m, "stopstart_on", false, false);
	}
	add_resources(&t, m, "vip_links", true, true);
	text_number(&t, "nicestop_ms", m->nicestop_ms);
	text_number(&t, "forcestop_ms", m->forcestop_ms);
	text_option(&t, "logging", m->logging);
	text_number(&t, "userlogsize", m->userlogsize);
	checks_add_rules(&t, m);
	safe_add_vars(&t, m);
	return t.text;
}

/* Addresses of a node in the order replication tries them: flow first. */
static void
add_addrs(struct text *t, const struct safe *m, int node, bool local)
{
	char text[CLUSTER_LAN_MAX][ADDR_LEN];
	const char *list[CLUSTER_LAN_MAX];
	unsigned i, at, n = 0;
	int lan;

	for (i = 0; i < m->beat_count; i++) {
		at = i == 0 ? m->flow : i <= m->flow ? i - 1 : i;
		lan = cluster_lan_index(m->cluster, m->beat[at].lan);
		list[n] = addr_str(text[n], local ?
		    &m->cluster->node[node].lan[lan].laddr :
		    &m->cluster->node[node].lan[lan].addr);
		n++;
	}
	text_list(t, "addrs", list, n);
}

/* Absolute, so that the file can be read by itself. */
static void
add_tocheck(struct text *t, const struct safe *m)
{
	char path[PATH_MAX];
	unsigned i;

	if (m->tocheck_count == 0)
		return;
	text_addf(t, "tocheck = {");
	for (i = 0; i < m->tocheck_count; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s",
		    m->dir[m->tocheck[i].dir], m->tocheck[i].path);
		text_addf(t, "%s", i > 0 ? ", " : "");
		text_quoted(t, path);
	}
	text_addf(t, "}\n");
}

static void
add_writeback(struct text *t, const struct safe *m)
{
	const char *list[SAFE_DIR_MAX];
	unsigned i, n = 0;

	for (i = 0; i < m->dir_count; i++)
		if (m->writeback[i])
			list[n++] = m->dir[i];
	if (n > 0)
		text_list(t, "writeback", list, n);
}

/* Those of directory i, either the paths or the expressions. */
static void
add_excluded(struct text *t, const struct safe *m, unsigned i,
    const char *option, bool paths)
{
	const char *list[SAFE_BELOW_MAX], *one;
	unsigned k, n = 0;

	for (k = 0; k < m->excluded_count; k++) {
		one = paths ? m->excluded[k].path : m->excluded[k].regex;
		if (m->excluded[k].dir == i && one != NULL)
			list[n++] = one;
	}
	if (n > 0)
		text_list(t, option, list, n);
}

static void
add_notreplicated(struct text *t, const struct safe *m)
{
	unsigned i, k;

	for (i = 0; i < m->dir_count; i++) {
		for (k = 0; k < m->excluded_count; k++)
			if (m->excluded[k].dir == i)
				break;
		if (k == m->excluded_count)
			continue;
		text_addf(t, "notreplicated ");
		text_quoted(t, m->dir[i]);
		text_addf(t, " {\n");
		add_excluded(t, m, i, "paths", true);
		add_excluded(t, m, i, "names", false);
		text_addf(t, "}\n");
	}
}

char *
safe_text_mirrord(const struct safe *m)
{
	const struct cluster *c = m->cluster;
	struct text t = { 0 };

	if (!m->rfs || m->peer == -1)
		return NULL;
	safe_add_head(&t, m);
	text_number(&t, "id", m->id);
	text_number(&t, "node", c->node[c->self].id);
	text_option(&t, "name", c->node[c->self].name);
	add_addrs(&t, m, c->self, true);
	text_addf(&t, "peer \"%s\" {\n", c->node[m->peer].name);
	text_number(&t, "id", c->node[m->peer].id);
	add_addrs(&t, m, m->peer, false);
	text_addf(&t, "}\n");
	text_number(&t, "port", MIRROR_PORT + 4 * (m->id - 1));
	text_option(&t, "async", m->async);
	if (strcmp(m->meta, "pipelined") != 0)
		text_option(&t, "meta", m->meta);
	text_number(&t, "stall_ms", m->stall_ms);
	text_number(&t, "disktime_ms", m->disktime_ms);
	text_option(&t, "secondary", m->secondary);
	text_option(&t, "diverged", m->diverged);
	text_option(&t, "verify", m->verify);
	text_number(&t, "verify_kbs", m->verify_kbs);
	if (m->resync_kbs > 0)
		text_number(&t, "resync_kbs", m->resync_kbs);
	text_list(&t, "directories", m->dir, m->dir_count);
	add_writeback(&t, m);
	add_tocheck(&t, m);
	add_notreplicated(&t, m);
	return t.text;
}

static bool
has_links(const struct safe *m)
{
	unsigned i;

	for (i = 0; i < m->check_count; i++)
		if (m->check[i].kind == SK_INTF || m->check[i].kind == SK_IP)
			return true;
	return false;
}

/* Of <intf> and <ip>; what an address has already is not said twice. */
static void
add_links(struct text *t, const struct safe *m)
{
	unsigned i, j;

	for (i = 0; i < m->check_count; i++) {
		const struct safe_check *c = &m->check[i];

		if (c->kind != SK_INTF && c->kind != SK_IP)
			continue;
		for (j = 0; j < m->addr_count; j++)
			if (c->kind == SK_INTF ? m->addr[j].check_link &&
			    strcmp(m->addr[j].network, c->ident) == 0 :
			    strcmp(m->addr[j].addr, c->ident) == 0)
				break;
		if (j < m->addr_count)
			continue;
		text_addf(t, "%s ", c->kind == SK_INTF ? "intf" : "ip");
		text_quoted(t, c->ident);
		text_addf(t, " {\n\t");
		text_option(t, "address", c->addr);
		text_addf(t, "}\n");
	}
}

char *
safe_text_vipd(const struct safe *m)
{
	struct text t = { 0 };
	int64_t life = m->timeout_ms * 5 / 1000;
	unsigned i, j;

	if (!m->vip && !has_links(m))
		return NULL;
	safe_add_head(&t, m);
	text_bool(&t, "tcpreset", m->tcpreset);
	text_number(&t, "lifetime_s", life > 10 ? life : 10);
	for (i = 0; i < m->addr_count; i++) {
		const struct safe_addr *a = &m->addr[i];

		text_addf(&t, "address \"%s\" {\n", a->addr);
		text_option(&t, "interface", a->interface);
		text_number(&t, "prefix", a->prefix);
		text_bool(&t, "check", a->check);
		text_bool(&t, "periodic", a->periodic);
		text_number(&t, "arpinterval_s", a->arpinterval_s);
		text_number(&t, "arpelapse_s", a->arpelapse_s);
		text_bool(&t, "primary_source", a->primary_source);
		if (m->is_farm)
			text_bool(&t, "farm", true);
		text_addf(&t, "}\n");
	}
	for (i = 0; i < m->addr_count; i++) {
		const struct safe_addr *a = &m->addr[i];

		for (j = 0; j < i; j++)
			if (strcmp(m->addr[j].network, a->network) == 0 &&
			    m->addr[j].check_link)
				break;
		if (j < i || !a->check_link || a->network[0] == '\0')
			continue;
		text_addf(&t, "intf \"%s\" {\n\t", a->network);
		text_option(&t, "address", a->own);
		text_addf(&t, "}\n");
	}
	add_links(&t, m);
	return t.text;
}

char *
safe_text_roster(const struct safe *m)
{
	/* checkd in any case: a checker may be added while all of it runs. */
	return xasprintf("%scheckd\nmoduled\n", m->is_farm ? "farmd\n" :
	    m->rfs && m->peer != -1 ? "mirrord\n" : "");
}

char *
safe_text_xml(const struct safe *m)
{
	xmlChar *out = NULL;
	char *copy;
	int len = 0;

	xmlDocDumpMemory(m->doc, &out, &len);
	copy = xstrdup(out != NULL ? (const char *)out : "");
	xmlFree(out);
	return copy;
}

char *
safe_set_macro(const char *text, size_t len, const char *name,
    const char *value, struct report *r)
{
	xmlDoc *doc = xml_parse(text, len, "safe", r);
	xmlNode *n;
	struct safe m = { .doc = doc };
	const char *have;
	char *out = NULL;

	if (doc == NULL)
		return NULL;
	for (n = xml_child(xmlDocGetRootElement(doc), "macro"); n != NULL;
	    n = xml_next(n, "macro")) {
		have = xml_attr(n, "name");
		if (have == NULL || strcmp(have, name) != 0)
			continue;
		(void)xmlSetProp(n, (const xmlChar *)"value",
		    (const xmlChar *)value);
		out = safe_text_xml(&m);
	}
	if (out == NULL)
		report_error(r, 0, "macro", "there is no macro %s to set",
		    name);
	safe_fini(&m);
	return out;
}

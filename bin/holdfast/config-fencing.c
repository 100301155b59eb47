/* SPDX-License-Identifier: ISC */
/*
 * Where two nodes have no third voter, a device that cuts the other's power
 * proves more than any silence.  One that only one of them has is worse than
 * none: the other would go by silence, and be cut off while it writes.
 */
#include "config-fencing.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config-xml.h"

#define OPTIONS_MAX	32
#define US_MS		1000	/* times of a file are in us */

/* The next word of *list into item; false: no more, or it is too long. */
static bool
next_word(const char **list, char *item, size_t size)
{
	const char *p = *list + strspn(*list, " \t\r\n");
	size_t len = strcspn(p, " \t\r\n");

	*list = p + len;
	if (len == 0 || len >= size)
		return false;
	memcpy(item, p, len);
	item[len] = '\0';
	return true;
}

static bool
is_secret(const char *option)
{
	static const char *const keys[] = { "password", "passwd",
	    "snmp_priv_passwd", "snmp_priv_password", "community",
	    "secret_key", "token", "api_token", "refresh_token" };
	size_t len = strcspn(option, "=");

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strlen(keys[i]) == len &&
		    strncmp(option, keys[i], len) == 0)
			return true;
	return false;
}

static void
check_options(const char *options, long line, struct report *r)
{
	char item[CLUSTER_FENCE_LEN];
	const char *p = options;
	unsigned count = 0;
	size_t key;

	while (next_word(&p, item, sizeof(item))) {
		key = strcspn(item, "=");
		if (key == 0 || item[key] != '=')
			report_error(r, line, "device@options", "\"%s\" is "
			    "not KEY=VALUE; values have no blanks", item);
		else if (is_secret(item))
			report_error(r, line, "device@options", "has a "
			    "password, and every user of the node may read "
			    "this file; write password_script=FILE, a "
			    "program that prints it, mode 0700");
		else if (strncmp(item, "action=", 7) == 0)
			report_error(r, line, "device@options", "action= is "
			    "not yours: a node is asked to be off, and "
			    "whether it is");
		count++;
	}
	if (count > OPTIONS_MAX)
		report_error(r, line, "device@options", "at most %d are "
		    "allowed", OPTIONS_MAX);
}

static void
copy(char *out, size_t size, const char *text, long line, const char *where,
    struct report *r)
{
	if (strlen(text) < size)
		memcpy(out, text, strlen(text) + 1);
	else
		report_error(r, line, where, "is longer than %zu characters",
		    size - 1);
}

static void
read_device(struct cluster *c, const xmlNode *n, struct report *r)
{
	const struct schema *s = schema_cluster();
	const char *name = xml_value(n, s, "node");
	const char *agent = xml_value(n, s, "agent");
	const char *text = xml_value(n, s, "options");
	const char *options = text != NULL ? text : "";
	long line = xmlGetLineNo(n);
	int at = cluster_node_index(c, name);
	struct cluster_node *node;

	if (at == -1) {
		report_error(r, line, "device@node", "\"%s\" is no node of "
		    "this file", name);
		return;
	}
	node = &c->node[at];
	if (node->fence_agent[0] != '\0')
		report_error(r, line, "device@node", "%s has a device "
		    "already", name);
	if (agent[0] != '/' && strchr(agent, '/') != NULL)
		report_error(r, line, "device@agent", "\"%s\" is neither a "
		    "whole path nor the name of a program in /usr/sbin",
		    agent);
	copy(node->fence_agent, sizeof(node->fence_agent), agent, line,
	    "device@agent", r);
	check_options(options, line, r);
	copy(node->fence_options, sizeof(node->fence_options), options, line,
	    "device@options", r);
}

void
fencing_read(struct cluster *c, const xmlNode *root, struct report *r)
{
	const xmlNode *fencing = xml_child(root, "fencing"), *n;
	long line;

	if (fencing == NULL)
		return;
	line = xmlGetLineNo(fencing);
	c->fence_delay_ms = xml_number(fencing, schema_cluster(), "delay") /
	    US_MS;
	c->fence_timeout_ms = xml_number(fencing, schema_cluster(),
	    "timeout") / US_MS;
	c->fence_period_ms = xml_number(fencing, schema_cluster(), "period") /
	    US_MS;
	for (n = xml_child(fencing, "device"); n != NULL;
	    n = xml_next(n, "device"))
		read_device(c, n, r);
	for (unsigned i = 0; r->errors == 0 && i < c->node_count; i++)
		if (c->node[i].fence_agent[0] == '\0')
			report_error(r, line, "fencing", "has no <device> of "
			    "node %s: all nodes need one, or none has "
			    "fencing", c->node[i].name);
	if (c->witness_count > 0 || c->etcd.endpoint_count > 0)
		report_warn(r, line, "fencing", "is not used where there are "
		    "<voters>: they decide");
}

void
fencing_add_cluster(struct text *t, const struct cluster *c)
{
	if (c->fence_timeout_ms == 0)
		return;
	text_addf(t, "fencing {\n\tdelay_ms = %lld\n\ttimeout_ms = %lld\n\t"
	    "period_ms = %lld\n", (long long)c->fence_delay_ms,
	    (long long)c->fence_timeout_ms, (long long)c->fence_period_ms);
	for (unsigned i = 0; i < c->node_count; i++) {
		text_addf(t, "\tdevice \"%s\" {\n\t\t", c->node[i].name);
		text_option(t, "agent", c->node[i].fence_agent);
		text_addf(t, "\t\t");
		text_option(t, "options", c->node[i].fence_options);
		text_addf(t, "\t}\n");
	}
	text_addf(t, "}\n");
}

void
fencing_add(struct text *t, const struct safe *m)
{
	const struct cluster *c = m->cluster;
	char item[OPTIONS_MAX][CLUSTER_FENCE_LEN];
	const char *list[OPTIONS_MAX], *p;
	unsigned n = 0;

	if (m->peer == -1 || c->fence_timeout_ms == 0 || m->etcd ||
	    m->voter_count > 0)
		return;
	p = c->node[m->peer].fence_options;
	while (n < OPTIONS_MAX && next_word(&p, item[n], sizeof(item[n]))) {
		list[n] = item[n];
		n++;
	}
	text_addf(t, "fencing {\n\t");
	text_option(t, "agent", c->node[m->peer].fence_agent);
	text_addf(t, "\t");
	text_list(t, "options", list, n);
	text_addf(t, "\tdelay_ms = %lld\n\ttimeout_ms = %lld\n\t"
	    "period_ms = %lld\n}\n", (long long)c->fence_delay_ms,
	    (long long)c->fence_timeout_ms, (long long)c->fence_period_ms);
}

/* --- witnesses by ping ------------------------------------------------ */

void
splitbrain_read(struct safe *m, const xmlNode *service, struct report *r)
{
	const xmlNode *check = xml_child(service, "check"), *n;
	const struct schema *s = schema_safe();
	struct sockaddr_storage ss;
	char item[ADDR_LEN + 1];
	const char *p;
	long line;

	n = check != NULL ? xml_child(check, "splitbrain") : NULL;
	if (n == NULL)
		return;
	line = xmlGetLineNo(n);
	m->split_ident = xml_value(n, s, "ident");
	m->split_witnesses = p = xml_value(n, s, "arg");
	if (m->split_ident == NULL || p == NULL)
		return;		/* was said */
	while (next_word(&p, item, sizeof(item)))
		if (addr_parse(&ss, item) == -1)
			report_error(r, line, "splitbrain@arg", "\"%s\" is "
			    "no IPv4 or IPv6 address; a name would ask a "
			    "server that is cut off as well", item);
	if (*p != '\0')
		report_error(r, line, "splitbrain@arg", "\"%.20s...\" is no "
		    "address", p);
	if (m->is_farm || m->peer == -1)
		report_warn(r, line, "splitbrain", "is for mirror modules of "
		    "two nodes, and not used here");
	else if (m->voter_count > 0 || m->etcd)
		report_warn(r, line, "splitbrain", "is not used where there "
		    "are voters: they decide");
}

void
splitbrain_add(struct text *t, const struct safe *m)
{
	char item[OPTIONS_MAX][ADDR_LEN + 1];
	const char *list[OPTIONS_MAX], *p = m->split_witnesses;
	unsigned n = 0;

	if (p == NULL || m->is_farm || m->peer == -1 || m->etcd ||
	    m->voter_count > 0)
		return;
	while (n < OPTIONS_MAX && next_word(&p, item[n], sizeof(item[n]))) {
		list[n] = item[n];
		n++;
	}
	text_addf(t, "splitbrain {\n\t");
	text_option(t, "ident", m->split_ident);
	text_addf(t, "\t");
	text_list(t, "witnesses", list, n);
	text_addf(t, "}\n");
}

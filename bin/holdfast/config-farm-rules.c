/* SPDX-License-Identifier: ISC */
/*
 * The rules of a farm: what each may say, and that no packet is meant by two
 * that disagree: nodes that took different ones would both answer it, or
 * none.
 */
#include "config-farm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config-safe.h"
#include "config-xml.h"
#include "resolve.h"

#define PORT_MAX	65535

static const struct {
	const char	*proto, *filters;
	bool		 has_port;
} protos[] = {
	{ "tcp", "on_addr on_port", true },
	{ "udp", "on_addr on_port on_ipid", true },
	{ "arp", "on_addr", false },
	{ "route", "on_source on_dest", false },
};

static bool
is_ip6(const char *addr)
{
	return strchr(addr, ':') != NULL;
}

static bool
is_any(const char *addr)
{
	return strcmp(addr, "*") == 0;
}

static void
list_addrs(const struct safe *m, char *out, size_t size)
{
	size_t len = 0;
	unsigned i;

	out[0] = '\0';
	for (i = 0; i < m->addr_count && len < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s",
		    i > 0 ? ", " : "", m->addr[i].addr);
}

/* "*", or an address of the module as it is written everywhere. */
static bool
read_addr(const struct safe *m, struct farm_rule *rule, const xmlNode *n,
    struct report *r)
{
	const char *text = xml_value(n, schema_safe(), "virtual_addr"), *why;
	struct sockaddr_storage ss;
	char addrs[512];
	unsigned i;

	(void)snprintf(rule->addr, sizeof(rule->addr), "*");
	if (text[0] == '\0')
		return false;	/* was reported */
	if (is_any(text))
		return true;
	if (resolve_host(&ss, text, &why) == -1) {
		report_error(r, rule->line, "rule@virtual_addr", "\"%s\" "
		    "cannot be resolved: %s", text, why);
		return false;
	}
	(void)addr_str(rule->addr, &ss);
	for (i = 0; i < m->addr_count; i++)
		if (strcmp(m->addr[i].addr, rule->addr) == 0)
			return true;
	list_addrs(m, addrs, sizeof(addrs));
	report_error(r, rule->line, "rule@virtual_addr", "%s is no "
	    "<virtual_addr> of this module; allowed: *%s%s", rule->addr,
	    addrs[0] != '\0' ? ", " : "", addrs);
	return false;
}

static const char *
port_of(const char *text, int *port)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || n < 1 || n > PORT_MAX)
		return NULL;
	*port = (int)n;
	return end;
}

static bool
read_port(struct farm_rule *rule, bool has_port, const xmlNode *n,
    struct report *r)
{
	const char *text = xml_value(n, schema_safe(), "port"), *p;

	rule->low = 0;
	rule->high = PORT_MAX;
	if (text[0] == '\0')
		return false;	/* was reported */
	if (is_any(text))
		return true;
	if (!has_port) {
		report_error(r, rule->line, "rule@port", "proto %s has no "
		    "ports; leave it out", rule->proto);
		return false;
	}
	p = port_of(text, &rule->low);
	rule->high = rule->low;
	if (p != NULL && *p == '-')
		p = port_of(p + 1, &rule->high);
	if (p != NULL && *p == '\0' && rule->low <= rule->high)
		return true;
	report_error(r, rule->line, "rule@port", "\"%s\" is no port; "
	    "allowed: a number from 1 to %d, two of them as in 8000-8100 "
	    "with the lower one first, or *", text, PORT_MAX);
	return false;
}

/* Answers to ARP can only be spread where there is no shared MAC. */
static void
check_arp(const struct safe *m, const struct farm_rule *rule,
    struct report *r)
{
	unsigned i;
	bool any = false;

	for (i = 0; i < m->addr_count; i++) {
		const struct safe_addr *a = &m->addr[i];

		if (!is_any(rule->addr) && strcmp(rule->addr, a->addr) != 0)
			continue;
		any |= !a->is_vmac && !is_ip6(a->addr);
	}
	if (!any && m->addr_count > 0)
		report_error(r, rule->line, "rule@proto", "arp needs an IPv4 "
		    "address of type vmac_directed: a shared MAC has one "
		    "answer only, and one node answers for IPv6");
}

static void
check_ipid(const struct safe *m, const struct farm_rule *rule,
    struct report *r)
{
	unsigned i;

	if (is_ip6(rule->addr))
		report_error(r, rule->line, "rule@filter", "on_ipid: packets "
		    "of IPv6 have no id; allowed: on_addr on_port");
	for (i = 0; is_any(rule->addr) && i < m->addr_count; i++)
		if (is_ip6(m->addr[i].addr))
			report_warn(r, rule->line, "rule@filter", "on_ipid: "
			    "packets of IPv6 have no id: clients of %s are "
			    "shared as with on_addr", m->addr[i].addr);
}

static void
check_route(const struct safe *m, const struct farm_rule *rule,
    struct report *r)
{
	if (is_any(rule->addr) && m->addr_count > 1)
		report_error(r, rule->line, "rule@virtual_addr", "is "
		    "missing: with proto route a rule is for the address "
		    "outside (on_source) or for the one inside (on_dest)");
	if (strcmp(m->farm.backend, "bpf") == 0)
		report_error(r, rule->line, "rule@proto", "route is done by "
		    "nft only; allowed with it: farm@backend auto or nft");
}

static void
read_rule(struct safe *m, const xmlNode *n, unsigned group, struct report *r)
{
	const char *proto = xml_attr(n, "proto");
	const char *filter = xml_attr(n, "filter");
	struct farm_rule rule = { .group = group, .line = xmlGetLineNo(n) };
	size_t i, kinds = sizeof(protos) / sizeof(protos[0]);

	for (i = 0; i < kinds && (proto == NULL ||
	    strcmp(proto, protos[i].proto) != 0); i++)
		;
	if (i == kinds || filter == NULL)
		return;		/* was reported */
	rule.proto = proto;
	rule.filter = filter;
	if (!value_is_word(filter, protos[i].filters)) {
		report_error(r, rule.line, "rule@filter", "\"%s\" cannot be "
		    "with proto %s; allowed: %s", filter, proto,
		    protos[i].filters);
		return;
	}
	if (!read_addr(m, &rule, n, r) ||
	    !read_port(&rule, protos[i].has_port, n, r))
		return;
	if (strcmp(proto, "arp") == 0)
		check_arp(m, &rule, r);
	if (strcmp(proto, "route") == 0)
		check_route(m, &rule, r);
	if (strcmp(filter, "on_ipid") == 0)
		check_ipid(m, &rule, r);
	if (m->farm.rule_count == FARM_RULE_MAX) {
		report_error(r, rule.line, "rule", "at most %d are allowed",
		    FARM_RULE_MAX);
		return;
	}
	m->farm.rule[m->farm.rule_count++] = rule;
}

void
farm_read_rules(struct safe *m, const xmlNode *group, unsigned index,
    struct report *r)
{
	const xmlNode *n;

	for (n = xml_child(group, "rule"); n != NULL; n = xml_next(n,
	    "rule"))
		read_rule(m, n, index, r);
}

/* --- together ------------------------------------------------------------ */

static bool
overlaps(const struct farm_rule *a, const struct farm_rule *b)
{
	return strcmp(a->proto, b->proto) == 0 &&
	    a->low <= b->high && b->low <= a->high &&
	    (is_any(a->addr) || is_any(b->addr) ||
	    strcmp(a->addr, b->addr) == 0);
}

static void
check_overlap(const struct farm *f, const struct farm_rule *a,
    const struct farm_rule *b, struct report *r)
{
	const char *first = f->group[a->group].name;
	const char *second = f->group[b->group].name;

	if (!overlaps(a, b))
		return;
	if (strcmp(a->filter, b->filter) != 0)
		report_error(r, b->line, "rule@filter", "is %s, and the rule "
		    "of line %ld says %s about some of the same packets; "
		    "give them different ports or addresses, or one filter",
		    b->filter, a->line, a->filter);
	else if (a->group != b->group)
		report_error(r, b->line, "rule", "of group \"%s\" is about "
		    "some of the same packets as the one of line %ld in "
		    "group \"%s\"; a packet belongs to one group", second,
		    a->line, first);
}

/* What goes in through one node must come back through it. */
static void
check_symmetry(const struct farm *f, struct report *r)
{
	const struct farm_rule *out = NULL, *in = NULL, *rule;
	unsigned i;

	for (i = 0; i < f->rule_count; i++) {
		rule = &f->rule[i];
		if (strcmp(rule->filter, "on_source") == 0)
			out = rule;
		if (strcmp(rule->filter, "on_dest") == 0)
			in = rule;
	}
	if (out == NULL && in == NULL)
		return;
	if (out == NULL || in == NULL) {
		rule = out != NULL ? out : in;
		report_error(r, rule->line, "rule@filter", "%s alone: the "
		    "answers would pass through another node; add a rule "
		    "with %s for the address on the other side",
		    rule->filter, out != NULL ? "on_dest" : "on_source");
		return;
	}
	if (f->group[out->group].weights != f->group[in->group].weights)
		report_error(r, in->line, "rule", "on_dest has other powers "
		    "than on_source in line %ld: the answers would pass "
		    "through another node; put both into one group",
		    out->line);
}

void
farm_check_rules(const struct safe *m, const xmlNode *list, struct report *r)
{
	const struct farm *f = &m->farm;
	unsigned i, j;

	for (i = 0; i < f->rule_count; i++)
		for (j = 0; j < i; j++)
			check_overlap(f, &f->rule[j], &f->rule[i], r);
	check_symmetry(f, r);
	for (i = 0; i < f->rule_count; i++)
		if (strcmp(f->rule[i].proto, "arp") != 0)
			return;
	if (r->errors == 0)
		report_error(r, xmlGetLineNo(list), "loadbalancing_list",
		    "has no <rule> of proto tcp, udp or route: every "
		    "connection to the address would be refused");
}

/* SPDX-License-Identifier: ISC */
/*
 * <farm> and the groups of <loadbalancing_list>: nodes, weights, tables.
 * The rules are config-farm-rules.c's.
 */
#include "config-farm.h"

#include <stdio.h>
#include <string.h>

#include "config-lans.h"
#include "config-safe.h"
#include "config-xml.h"

#define FARM		"safe/service/farm"
#define PULSES		5
#define TIMEOUT_MIN	20
#define TIMEOUT_MAX	600000

/* --- the element --------------------------------------------------------- */

static void
say_not_here(const struct safe *m, const xmlNode *parent, const char *name,
    const char *of, struct report *r)
{
	const xmlNode *n = xml_child(parent, name);

	if (n != NULL)
		report_error(r, xmlGetLineNo(n), name, "belongs to "
		    "mode=\"%s\" and this module has mode=\"%s\"; leave it "
		    "out", of, m->mode);
}

/* The nodes in at least one of its networks. */
static void
find_nodes(struct safe *m, long line, struct report *r)
{
	const struct cluster *c = m->cluster;
	unsigned i, b;
	int lan;

	for (i = 0; i < c->node_count; i++) {
		for (b = 0; b < m->beat_count; b++) {
			lan = cluster_lan_index(c, m->beat[b].lan);
			m->farm.is_in[i] |= c->node[i].lan[lan].is_set;
		}
		m->farm.node_count += m->farm.is_in[i];
		if (!m->farm.is_in[i] && m->beat_count > 0)
			report_warn(r, line, "farm", "node %s is in none of "
			    "its lans, and so not in the farm",
			    c->node[i].name);
	}
	if (m->beat_count == 0 && r->errors == 0)
		report_error(r, line, "farm", "has no lan that this node is "
		    "in");
}

/* So that two farms do not send one client to one node. */
static uint32_t
seed_of(const struct safe *m)
{
	uint8_t digest[CLUSTER_DIGEST_LEN];
	char text[CLUSTER_NAME_LEN + 96];
	uint32_t seed = 0;
	int i;

	(void)snprintf(text, sizeof(text), "%s/%.64s/%d", m->cluster->name,
	    m->name, m->id);
	cluster_digest(digest, text, strlen(text));
	for (i = 0; i < 4; i++)
		seed = seed << 8 | digest[i];
	/* Within a long of any machine; 0 is "choose one" to some. */
	seed &= 0x7fffffff;
	return seed == 0 ? 1 : seed;
}

static int64_t
ms_of(const xmlNode *n, const char *name)
{
	return n != NULL ? xml_number(n, schema_safe(), name) / 1000 :
	    xml_default_ms(schema_safe(), FARM, name);
}

static void
read_times(struct safe *m, const xmlNode *n, struct report *r)
{
	int64_t count = n != NULL ? xml_number(n, schema_safe(),
	    "slost_count") : PULSES;

	m->pulse_ms = ms_of(n, "pulse");
	m->timeout_ms = m->pulse_ms * count;
	m->farm.drain_ms = ms_of(n, "drain");
	m->farm.stopdrain_ms = ms_of(n, "stopdrain");
	if (m->timeout_ms > 0 && (m->timeout_ms < TIMEOUT_MIN ||
	    m->timeout_ms > TIMEOUT_MAX))
		report_error(r, n != NULL ? xmlGetLineNo(n) : 0,
		    "farm@slost_count", "%lld pulses of %lld ms are %lld ms "
		    "until a node is lost; allowed: %d ms to %d ms",
		    (long long)count, (long long)m->pulse_ms,
		    (long long)m->timeout_ms, TIMEOUT_MIN, TIMEOUT_MAX);
}

void
farm_read(struct safe *m, const xmlNode *service, struct report *r)
{
	const xmlNode *n = xml_child(service, "farm");

	if (!m->is_farm) {
		say_not_here(m, service, "farm", "farm", r);
		return;
	}
	say_not_here(m, service, "heart", "mirror", r);
	m->farm.backend = n != NULL ? xml_value(n, schema_safe(),
	    "backend") : "auto";
	m->farm.seed = seed_of(m);
	read_times(m, n, r);
	lans_read(m, n, "lan", "node", r);
	find_nodes(m, n != NULL ? xmlGetLineNo(n) : 0, r);
}

/* --- weights ------------------------------------------------------------- */

static void
list_nodes(const struct safe *m, char *out, size_t size)
{
	const struct cluster *c = m->cluster;
	size_t len = 0;
	unsigned i;

	out[0] = '\0';
	for (i = 0; i < c->node_count && len < size; i++)
		if (m->farm.is_in[i])
			len += (size_t)snprintf(out + len, size - len,
			    "%s%s", len > 0 ? ", " : "", c->node[i].name);
}

static void
read_host(struct safe *m, const xmlNode *host, struct farm_weights *w,
    bool named[CLUSTER_NODE_MAX], struct report *r)
{
	const char *name = xml_attr(host, "name");
	long line = xmlGetLineNo(host);
	char nodes[512];
	int i;

	if (name == NULL || name[0] == '\0')
		return;		/* was reported */
	i = cluster_node_index(m->cluster, name);
	if (i == -1 || !m->farm.is_in[i]) {
		list_nodes(m, nodes, sizeof(nodes));
		report_error(r, line, "host@name", "\"%s\" is no node of "
		    "%s; allowed: %s", name, i == -1 ? "the cluster" :
		    "this farm", nodes);
		return;
	}
	if (named[i]) {
		report_error(r, line, "host@name", "\"%s\" is there twice",
		    name);
		return;
	}
	named[i] = true;
	w->power[i] = xml_number(host, schema_safe(), "power");
}

static void
check_power(const struct safe *m, const xmlNode *group,
    const struct farm_weights *w, const bool named[CLUSTER_NODE_MAX],
    struct report *r)
{
	const struct cluster *c = m->cluster;
	const char *name = xml_attr(group, "name");
	long line = xmlGetLineNo(xml_child(group, "cluster"));
	bool any = false;
	unsigned i;

	for (i = 0; i < c->node_count; i++) {
		any |= w->power[i] > 0;
		if (m->farm.is_in[i] && !named[i])
			report_warn(r, line, "cluster", "of group \"%s\" "
			    "does not name node %s, which gets no share; "
			    "power=\"0\" says that it is meant",
			    name, c->node[i].name);
	}
	if (!any)
		report_error(r, line, "cluster", "of group \"%s\": the "
		    "powers of all nodes are 0, so nobody would take its "
		    "packets; give one of them a power above 0", name);
}

/* 4 and 2 are 2 and 1: one table does for both. */
static void
reduce(struct farm_weights *w)
{
	int64_t a, b, rest, by = 0;
	unsigned i;

	for (i = 0; i < CLUSTER_NODE_MAX; i++) {
		for (a = by, b = w->power[i]; b != 0; a = b, b = rest)
			rest = a % b;
		by = a;
	}
	for (i = 0; i < CLUSTER_NODE_MAX && by > 1; i++)
		w->power[i] /= by;
}

/*
 * Each table is in what the nodes tell one another all the time, and must
 * fit a line: as share_table_limit() of farmd.
 */
static unsigned
tables_allowed(unsigned nodes)
{
	return nodes <= 2 ? 4 : nodes <= 4 ? 3 : nodes <= 16 ? 2 : 1;
}

static unsigned
add_weights(struct safe *m, const xmlNode *group,
    const struct farm_weights *w, struct report *r)
{
	struct farm *f = &m->farm;
	unsigned i, most = tables_allowed(f->node_count);

	for (i = 0; i < f->weights_count; i++)
		if (memcmp(&f->weights[i], w, sizeof(*w)) == 0)
			return i;
	if (i == most) {
		report_error(r, xmlGetLineNo(group), "group", "\"%s\" has "
		    "other powers than the groups before it; with %u nodes "
		    "there may be %u different weighting%s in a module: give "
		    "it the <cluster> of another group, or make it a module "
		    "of its own", xml_attr(group, "name"), f->node_count,
		    most, most == 1 ? "" : "s");
		return 0;
	}
	f->weights[f->weights_count] = *w;
	return f->weights_count++;
}

static unsigned
read_weights(struct safe *m, const xmlNode *group, struct report *r)
{
	const xmlNode *cluster = xml_child(group, "cluster"), *host;
	struct farm_weights w;
	bool named[CLUSTER_NODE_MAX] = { false };
	unsigned i, before = r->errors;

	memset(&w, 0, sizeof(w));
	for (i = 0; i < m->cluster->node_count; i++)
		w.power[i] = cluster == NULL && m->farm.is_in[i];
	for (host = xml_child(cluster, "host"); host != NULL;
	    host = xml_next(host, "host"))
		read_host(m, host, &w, named, r);
	if (r->errors > before || m->farm.node_count == 0)
		return 0;
	if (cluster != NULL)
		check_power(m, group, &w, named, r);
	reduce(&w);
	return add_weights(m, group, &w, r);
}

/* --- groups -------------------------------------------------------------- */

static void
read_group(struct safe *m, const xmlNode *n, struct report *r)
{
	struct farm *f = &m->farm;
	const char *name = xml_attr(n, "name");
	long line = xmlGetLineNo(n);
	unsigned i;

	if (name == NULL || name[0] == '\0')
		return;		/* was reported */
	for (i = 0; i < f->group_count; i++)
		if (strcmp(f->group[i].name, name) == 0) {
			report_error(r, line, "group@name", "\"%s\" is there "
			    "twice", name);
			return;
		}
	if (strlen(name) >= FARM_NAME_LEN) {
		report_error(r, line, "group@name", "\"%s\" is too long; "
		    "allowed: %d characters", name, FARM_NAME_LEN - 1);
		return;
	}
	if (f->group_count == FARM_GROUP_MAX) {
		report_error(r, line, "group", "at most %d are allowed",
		    FARM_GROUP_MAX);
		return;
	}
	f->group[f->group_count].name = name;
	f->group[f->group_count].weights = read_weights(m, n, r);
	farm_read_rules(m, n, f->group_count++, r);
}

void
farm_read_groups(struct safe *m, const xmlNode *vip, struct report *r)
{
	const xmlNode *list = xml_child(vip, "loadbalancing_list"), *n;

	if (!m->is_farm) {
		say_not_here(m, vip, "loadbalancing_list", "farm", r);
		return;
	}
	if (vip == NULL) {
		report_error(r, 0, "vip", "is missing: a farm shares the "
		    "clients of an address: <vip>, with <interface_list> and "
		    "<loadbalancing_list>");
		return;
	}
	m->farm.scriptcontrol = xml_is_on(vip, schema_safe(),
	    "scriptcontrol");
	for (n = xml_child(list, "group"); n != NULL; n = xml_next(n,
	    "group"))
		read_group(m, n, r);
	if (list == NULL)
		report_error(r, xmlGetLineNo(vip), "vip", "has no "
		    "<loadbalancing_list>: without a rule every connection "
		    "to the address is refused");
	else
		farm_check_rules(m, list, r);
}

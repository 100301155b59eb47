/* SPDX-License-Identifier: ISC */
/* The lines of farmd's `status', sorted. */
#include "farm-view.h"

#include <stdlib.h>
#include <string.h>

#include "config-value.h"

static void
text(char *out, size_t size, const struct line *l, const char *key)
{
	const char *v = line_get(l, key);

	if (v != NULL)
		(void)snprintf(out, size, "%s", v);
}

static int64_t
number(const struct line *l, const char *key)
{
	const char *v = line_get(l, key);
	int64_t n;

	return v != NULL && value_int(&n, v) == 0 ? n : 0;
}

#define TEXT(field, l, key)	text((field), sizeof(field), (l), (key))

static struct farm_node *
node_of(struct farm_view *v, const char *name)
{
	struct farm_node *n;
	unsigned i;

	for (i = 0; i < v->node_count; i++)
		if (strcmp(v->node[i].name, name) == 0)
			return &v->node[i];
	if (v->node_count == CLUSTER_NODE_MAX)
		return NULL;
	n = &v->node[v->node_count++];
	(void)snprintf(n->name, sizeof(n->name), "%s", name);
	return n;
}

/* Its index, or -1 when there are too many. */
static int
group_of(struct farm_view *v, const char *name)
{
	unsigned i;

	for (i = 0; i < v->group_count; i++)
		if (strcmp(v->group[i], name) == 0)
			return (int)i;
	if (v->group_count == FARM_GROUP_MAX)
		return -1;
	(void)snprintf(v->group[v->group_count], FARM_NAME_LEN, "%s", name);
	return (int)v->group_count++;
}

static void
add_node(struct farm_view *v, const struct line *l)
{
	struct farm_node *n = node_of(v, line_get(l, "node"));
	const char *group = line_get(l, "group");
	int g;

	if (n == NULL)
		return;
	if (group != NULL) {
		g = group_of(v, group);
		if (g == -1)
			return;
		n->cell[g].buckets = number(l, "buckets");
		TEXT(n->cell[g].percent, l, "percent");
	}
	n->is_self |= line_get_bool(l, "self");
	if (line_get(l, "draining") != NULL)
		n->draining = number(l, "draining");
	TEXT(n->net, l, "net");
	TEXT(n->serve, l, "serve");
	TEXT(n->state, l, "state");
	TEXT(n->quality, l, "quality");
	TEXT(n->reason, l, "reason");
}

static void
add_address(struct farm_view *v, const struct line *l)
{
	struct farm_view_addr *a;

	if (v->addr_count == FARM_ADDR_MAX)
		return;
	a = &v->addr[v->addr_count++];
	TEXT(a->addr, l, "address");
	TEXT(a->interface, l, "interface");
	TEXT(a->type, l, "type");
	TEXT(a->vmac, l, "vmac");
	a->is_own = line_get_bool(l, "own");
}

static void
add_counters(struct farm_view *v, const struct line *l)
{
	const char *group = line_get(l, "group");
	int g;

	if (group != NULL) {
		g = group_of(v, group);
		if (g != -1)
			v->taken[g] = number(l, "accepted");
		return;
	}
	v->packets = (struct farm_packets){
		.accepted = number(l, "accepted"),
		.passed = number(l, "passed"),
		.rejected = number(l, "rejected"),
		.refused = number(l, "refused"),
		.copied = number(l, "copied"),
		.lost = number(l, "lost"),
	};
}

static void
add_warning(struct farm_view *v, const char *code, const char *words,
    const char *command)
{
	struct farm_warn *w;

	if (v->warn_count == FARM_WARN_MAX)
		return;
	w = &v->warn[v->warn_count++];
	(void)snprintf(w->code, sizeof(w->code), "%s", code);
	(void)snprintf(w->text, sizeof(w->text), "%s", words);
	(void)snprintf(w->command, sizeof(w->command), "%s", command);
}

void
farm_view_add(struct farm_view *v, const struct line *l)
{
	const char *words = line_get(l, "text");
	const char *command = line_get(l, "command");

	if (line_get(l, "farm") != NULL) {
		TEXT(v->serve, l, "serve");
		TEXT(v->backend, l, "backend");
		TEXT(v->delivery, l, "delivery");
		TEXT(v->epoch, l, "epoch");
		TEXT(v->digest, l, "digest");
		TEXT(v->director, l, "director");
	} else if (line_get(l, "node") != NULL) {
		add_node(v, l);
	} else if (line_get(l, "address") != NULL) {
		add_address(v, l);
	} else if (line_get(l, "counters") != NULL) {
		add_counters(v, l);
	} else if (line_get(l, "code") != NULL && words != NULL) {
		add_warning(v, line_get(l, "code"), words,
		    command != NULL ? command : "");
	}
}

/* Of codes that farmd has: what ends it. */
static void
find_command(struct farm_warn *w, const char *module)
{
	static const struct {
		const char	*code, *command;
	} table[] = {
		{ "config-differs", "holdfast module push %s -H '*'" },
		{ "module-id", "holdfast -H '*' module list" },
		{ "farm-no-power", "holdfast -H '*' start %s" },
		{ "farm-outcast", "holdfast -H '*' check %s" },
		{ "farm-no-flood", "holdfast check %s" },
		{ "farm-filter", "holdfast check %s" },
		{ "farm-no-address", "holdfast check %s" },
	};
	const char *p;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].code, w->code) != 0)
			continue;
		p = strstr(table[i].command, "%s");
		if (p == NULL)
			(void)snprintf(w->command, sizeof(w->command), "%s",
			    table[i].command);
		else
			(void)snprintf(w->command, sizeof(w->command),
			    "%.*s%s%s", (int)(p - table[i].command),
			    table[i].command, module, p + 2);
	}
}

void
farm_view_warnings(struct farm_view *v, const struct status *st,
    const char *module)
{
	struct farm_warn *own = calloc(FARM_WARN_MAX, sizeof(*own));
	const struct record *r = NULL;
	unsigned i, j, count = v->warn_count;

	if (own == NULL)
		return;
	memcpy(own, v->warn, sizeof(v->warn));
	v->warn_count = 0;
	while ((r = status_find(st, "warning", r)) != NULL)
		add_warning(v, record_get(r, "code"), record_get(r, "text"),
		    record_get(r, "command"));
	for (i = 0; i < count; i++) {
		for (j = 0; j < v->warn_count; j++)
			if (strcmp(v->warn[j].code, own[i].code) == 0)
				break;
		if (j < v->warn_count || v->warn_count == FARM_WARN_MAX)
			continue;
		if (own[i].command[0] == '\0')
			find_command(&own[i], module);
		v->warn[v->warn_count++] = own[i];
	}
	free(own);
}

const struct farm_node *
farm_view_self(const struct farm_view *v)
{
	unsigned i;

	for (i = 0; i < v->node_count; i++)
		if (v->node[i].is_self)
			return &v->node[i];
	return NULL;
}

struct farm_cell
farm_node_takes(const struct farm_node *n, unsigned g)
{
	static const struct farm_cell nothing = { 0, "0.0" };

	return strcmp(n->serve, "hold") == 0 ||
	    strcmp(n->serve, "none") == 0 ? nothing : n->cell[g];
}

int64_t
farm_node_buckets(const struct farm_view *v, const struct farm_node *n)
{
	int64_t sum = 0;
	unsigned g;

	for (g = 0; g < v->group_count; g++)
		sum += farm_node_takes(n, g).buckets;
	return sum;
}

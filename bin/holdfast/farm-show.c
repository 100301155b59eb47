/* SPDX-License-Identifier: ISC */
/*
 * A farm in columns, for people, and as one document, schema 1: fields are
 * added, never renamed or removed, within a schema.
 */
#include "farm-view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define SCHEMA	1

/* --- columns ------------------------------------------------------------- */

static const char *
serve_word(const struct farm_node *n)
{
	return strcmp(n->serve, "open") == 0 ? "yes" :
	    strcmp(n->serve, "drain") == 0 ? "drains" :
	    strcmp(n->serve, "hold") == 0 ? "held" :
	    n->serve[0] == '\0' ? "-" : "no";
}

static bool
is_heard(const struct farm_node *n)
{
	return n->is_self || strcmp(n->net, "up") == 0;
}

static void
show_node(const struct farm_view *v, const struct farm_node *n, FILE *out)
{
	char name[CLUSTER_NAME_LEN + 2];
	struct farm_cell cell;
	unsigned g;

	(void)snprintf(name, sizeof(name), "%s%s", n->name, n->is_self ?
	    " *" : "");
	fprintf(out, "%-16s %-7s %-10s %-6s", name, is_heard(n) &&
	    n->state[0] != '\0' ? n->state : "UNKNOWN", is_heard(n) &&
	    n->quality[0] != '\0' ? n->quality : "-", is_heard(n) ?
	    serve_word(n) : "-");
	for (g = 0; g < v->group_count; g++) {
		cell = farm_node_takes(n, g);
		if (cell.percent[0] == '\0')
			fprintf(out, " %15s", "-");
		else
			fprintf(out, " %5" PRId64 " %7s %%", cell.buckets,
			    cell.percent);
	}
	if (is_heard(n))
		fprintf(out, " %9" PRId64 "\n", n->draining);
	else
		fprintf(out, " %9s\n", "-");
}

static void
show_address(const struct farm_view *v, const struct farm_view_addr *a,
    FILE *out)
{
	fprintf(out, "  address %s%s%s: ", a->addr, a->interface[0] != '\0' ?
	    " on " : "", a->interface);
	if (strcmp(a->type, "vmac") == 0 &&
	    strcmp(v->delivery, "fallback") != 0)
		fprintf(out, "every node gets its frames, by %s\n", a->vmac);
	else
		fprintf(out, "%s passes its frames on%s\n",
		    v->director[0] != '\0' ? v->director : "no node",
		    strcmp(a->type, "vmac") == 0 ? ", since the switch does "
		    "not flood" : "");
}

void
farm_show(const struct farm_view *v, const char *module, FILE *out)
{
	const struct farm_packets *p = &v->packets;
	unsigned i;

	fprintf(out, "%s: delivery %s, backend %s, epoch %s\n", module,
	    v->delivery[0] != '\0' ? v->delivery : "-",
	    v->backend[0] != '\0' ? v->backend : "-",
	    v->epoch[0] != '\0' ? v->epoch : "-");
	fprintf(out, "%-16s %-7s %-10s %-6s", "NODE", "STATE", "QUALITY",
	    "SERVES");
	for (i = 0; i < v->group_count; i++)
		fprintf(out, " %15.15s", v->group[i]);
	fprintf(out, " %9s\n", "DRAINING");
	for (i = 0; i < v->node_count; i++)
		show_node(v, &v->node[i], out);
	for (i = 0; i < v->addr_count; i++)
		show_address(v, &v->addr[i], out);
	fprintf(out, "  packets here: %" PRId64 " accepted, %" PRId64
	    " passed on, %" PRId64 " rejected, %" PRId64 " refused",
	    p->accepted, p->passed, p->rejected, p->refused);
	if (p->lost > 0)
		fprintf(out, ", %" PRId64 " nobody's", p->lost);
	fprintf(out, "\n");
	for (i = 0; i < v->warn_count; i++) {
		fprintf(out, "  warning: %s [%s]\n", v->warn[i].text,
		    v->warn[i].code);
		if (v->warn[i].command[0] != '\0')
			fprintf(out, "    ends with: %s\n",
			    v->warn[i].command);
	}
}

/* --- one document -------------------------------------------------------- */

static void
put(json_t *o, const char *key, const char *text)
{
	json_t *j = json_string(text);

	json_object_set_new(o, key, j != NULL ? j : json_string("?"));
}

static void
put_number(json_t *o, const char *key, int64_t n)
{
	json_object_set_new(o, key, json_integer(n));
}

static json_t *
shares_of(const struct farm_view *v, const struct farm_node *n)
{
	json_t *list = json_array(), *o;
	struct farm_cell cell;
	unsigned g;

	for (g = 0; g < v->group_count; g++) {
		cell = farm_node_takes(n, g);
		o = json_object();
		put(o, "group", v->group[g]);
		put_number(o, "buckets", cell.buckets);
		json_object_set_new(o, "percent",
		    json_real(strtod(cell.percent, NULL)));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
nodes_of(const struct farm_view *v)
{
	json_t *list = json_array(), *o;
	const struct farm_node *n;
	unsigned i;

	for (i = 0; i < v->node_count; i++) {
		n = &v->node[i];
		o = json_object();
		put(o, "name", n->name);
		json_object_set_new(o, "self", json_boolean(n->is_self));
		put(o, "net", n->is_self ? "up" : n->net);
		put(o, "serve", n->serve);
		put(o, "state", n->state);
		put(o, "quality", n->quality);
		put(o, "reason", n->reason);
		put_number(o, "draining", n->draining);
		json_object_set_new(o, "shares", shares_of(v, n));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
addresses_of(const struct farm_view *v)
{
	json_t *list = json_array(), *o;
	unsigned i;

	for (i = 0; i < v->addr_count; i++) {
		o = json_object();
		put(o, "address", v->addr[i].addr);
		put(o, "interface", v->addr[i].interface);
		put(o, "type", v->addr[i].type);
		put(o, "vmac", v->addr[i].vmac);
		json_object_set_new(o, "own",
		    json_boolean(v->addr[i].is_own));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
packets_of(const struct farm_view *v)
{
	json_t *o = json_object(), *groups = json_object();
	unsigned g;

	put_number(o, "accepted", v->packets.accepted);
	put_number(o, "passed", v->packets.passed);
	put_number(o, "rejected", v->packets.rejected);
	put_number(o, "refused", v->packets.refused);
	put_number(o, "copied", v->packets.copied);
	put_number(o, "lost", v->packets.lost);
	for (g = 0; g < v->group_count; g++)
		put_number(groups, v->group[g], v->taken[g]);
	json_object_set_new(o, "groups", groups);
	return o;
}

static json_t *
warnings_of(const struct farm_view *v)
{
	json_t *list = json_array(), *o;
	unsigned i;

	for (i = 0; i < v->warn_count; i++) {
		o = json_object();
		put(o, "code", v->warn[i].code);
		put(o, "text", v->warn[i].text);
		put(o, "command", v->warn[i].command);
		json_array_append_new(list, o);
	}
	return list;
}

void
farm_show_json(const struct farm_view *v, const char *module, FILE *out)
{
	json_t *o = json_object();

	put_number(o, "schema", SCHEMA);
	put(o, "module", module);
	put(o, "serve", v->serve);
	put(o, "delivery", v->delivery);
	put(o, "backend", v->backend);
	put(o, "director", v->director);
	put(o, "epoch", v->epoch);
	put(o, "digest", v->digest);
	json_object_set_new(o, "nodes", nodes_of(v));
	json_object_set_new(o, "addresses", addresses_of(v));
	json_object_set_new(o, "packets", packets_of(v));
	json_object_set_new(o, "warnings", warnings_of(v));
	/* main looks at out; percents have one digit, not seventeen. */
	(void)json_dumpf(o, out, JSON_INDENT(2) | JSON_REAL_PRECISION(4));
	fputc('\n', out);
	json_decref(o);
}

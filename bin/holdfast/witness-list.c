/* SPDX-License-Identifier: ISC */
/*
 * `cluster witness list': asks every voter what it promised and what it
 * holds, module by module.  That is what a majority would decide by; what
 * this node makes of it is in `status'.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <jansson.h>

#include "cluster.h"
#include "cluster-verbs.h"
#include "cmd.h"
#include "text.h"
#include "voter-ask.h"
#include "xalloc.h"

#define SCHEMA	1

static const char *
node_name(const struct cluster *cl, uint8_t id)
{
	int at = cluster_node_by_id(cl, id);

	return at != -1 ? cl->node[at].name : "?";
}

/* "n1, n2"; the caller frees. */
static char *
members(const struct cluster *cl, const struct reg_value *v)
{
	struct text t = { 0 };
	unsigned i;

	text_add(&t, "", 0);
	for (i = 0; i < v->member_count; i++)
		text_addf(&t, "%s%s", i > 0 ? ", " : "",
		    node_name(cl, v->member[i].node));
	return t.text;
}

static char *
addresses(const struct voter_item *v)
{
	struct text t = { 0 };
	char addr[ADDR_LEN];
	unsigned i;

	text_add(&t, "", 0);
	for (i = 0; i < v->addr_count; i++)
		text_addf(&t, "%s%s", i > 0 ? "," : "",
		    addr_str(addr, &v->addr[i]));
	return t.text;
}

static void
print_module(const struct cluster *cl, const struct voter_item *v)
{
	const struct vote_answer *a = &v->answer;
	char promised[EPOCH_LEN], epoch[EPOCH_LEN], *set;

	if (a->result == VOTE_UNABLE) {
		printf("  %-12s cannot vote: %s\n", v->module, a->text);
		return;
	}
	printf("  %-12s promised %s, ", v->module,
	    epoch_is_none(a->promised) ? "nothing" :
	    epoch_str(promised, a->promised));
	if (reg_value_is_none(&a->value)) {
		printf("holds nothing\n");
		return;
	}
	set = members(cl, &a->value);
	printf("holds %s: primary %s, in sync %s%s\n",
	    epoch_str(epoch, a->value.epoch),
	    node_name(cl, a->value.primary), set,
	    a->value.forced ? ", forced" : "");
	free(set);
}

/* The head of a voter, before its modules. */
static void
print_voter(const struct cluster *cl, const struct voter_item *v)
{
	bool is_node = cluster_node_index(cl, v->name) != -1;
	char *addrs = addresses(v);

	printf("%-12s %s%s: ", v->name, is_node ? "node, " : "", addrs);
	free(addrs);
	if (v->why[0] != '\0')
		printf("not asked: %s\n", v->why);
	else if (v->came)
		printf("answers in %lld.%03lld ms, id %016llx\n",
		    (long long)v->after_us / 1000,
		    (long long)v->after_us % 1000,
		    (unsigned long long)v->answer.voter);
	else if (is_node)
		printf("silent: is it up, does witnessd run there "
		    "(`holdfast -H %s check')?\n", v->name);
	else
		printf("silent: is it up, does witnessd run there with the "
		    "key (`witnessd -l'), is %d/udp let through?\n",
		    VOTE_PORT);
}

static bool
is_first(const struct voter_ask *q, unsigned at)
{
	unsigned i;

	for (i = 0; i < at; i++)
		if (strcmp(q->item[i].name, q->item[at].name) == 0)
			return false;
	return true;
}

static void
print_all(const struct voter_ask *q)
{
	unsigned i, k;

	for (i = 0; i < q->count; i++) {
		if (!is_first(q, i))
			continue;
		print_voter(q->cl, &q->item[i]);
		for (k = i; k < q->count; k++)
			if (strcmp(q->item[k].name, q->item[i].name) == 0 &&
			    q->item[k].came && q->item[k].module[0] != '\0')
				print_module(q->cl, &q->item[k]);
	}
	if (q->count > 0)
		return;
	if (q->cl->etcd.endpoint_count > 0)
		printf("etcd votes, at %s and as cluster.xml says; what it "
		    "holds: etcdctl get --prefix %s/%s/\n",
		    q->cl->etcd.endpoint[0], q->cl->etcd.prefix,
		    q->cl->name);
	else
		printf("no witness: heartbeats only; `holdfast help "
		    "witness'\n");
}

/* --- one document ------------------------------------------------------ */

static json_t *
json_epoch(struct epoch e)
{
	char text[EPOCH_LEN];

	return epoch_is_none(e) ? json_null() : json_string(epoch_str(text,
	    e));
}

static json_t *
json_value(const struct cluster *cl, const struct reg_value *v)
{
	json_t *o = json_object(), *set = json_array();
	unsigned i;

	if (reg_value_is_none(v)) {
		json_decref(o);
		json_decref(set);
		return json_null();
	}
	for (i = 0; i < v->member_count; i++)
		json_array_append_new(set,
		    json_string(node_name(cl, v->member[i].node)));
	json_object_set_new(o, "epoch", json_epoch(v->epoch));
	json_object_set_new(o, "primary", json_string(node_name(cl,
	    v->primary)));
	json_object_set_new(o, "set", set);
	json_object_set_new(o, "forced", json_boolean(v->forced));
	return o;
}

static json_t *
json_item(const struct cluster *cl, const struct voter_item *v)
{
	json_t *o = json_object();
	char *addrs = addresses(v), id[17];

	(void)snprintf(id, sizeof(id), "%016llx",
	    (unsigned long long)v->answer.voter);
	json_object_set_new(o, "voter", json_string(v->name));
	json_object_set_new(o, "node", json_boolean(cluster_node_index(cl,
	    v->name) != -1));
	json_object_set_new(o, "addresses", json_string(addrs));
	json_object_set_new(o, "module", v->module[0] != '\0' ?
	    json_string(v->module) : json_null());
	json_object_set_new(o, "answers", json_boolean(v->came));
	json_object_set_new(o, "id", v->came ? json_string(id) :
	    json_null());
	json_object_set_new(o, "answer_us", v->came ?
	    json_integer(v->after_us) : json_null());
	json_object_set_new(o, "promised", json_epoch(v->answer.promised));
	json_object_set_new(o, "value", json_value(cl, &v->answer.value));
	json_object_set_new(o, "text", json_string(v->why[0] != '\0' ?
	    v->why : v->answer.text));
	free(addrs);
	return o;
}

static void
print_json(const struct voter_ask *q)
{
	json_t *top = json_object(), *list = json_array();
	unsigned i;

	for (i = 0; i < q->count; i++)
		json_array_append_new(list, json_item(q->cl, &q->item[i]));
	json_object_set_new(top, "schema", json_integer(SCHEMA));
	json_object_set_new(top, "voters", list);
	(void)json_dumpf(top, stdout, JSON_INDENT(2)); /* ferror() tells */
	putchar('\n');
	json_decref(top);
}

int
witness_list(struct cmd *c)
{
	struct voter_ask *q = xcalloc(1, sizeof(*q));
	struct cluster *cl = xcalloc(1, sizeof(*cl));
	unsigned i;
	int rc = EX_CONFIG;

	q->cl = cl;
	if (cluster_load(cl, NULL) == 0) {
		rc = 0;
		voter_ask_add_all(q);
		voter_ask_run(q);
		for (i = 0; i < q->count; i++)
			if (!q->item[i].came ||
			    q->item[i].answer.result == VOTE_UNABLE)
				rc = EX_UNAVAILABLE;
		if (c->json)
			print_json(q);
		else
			print_all(q);
	}
	voter_ask_fini(q);
	free(cl);
	free(q);
	return rc;
}

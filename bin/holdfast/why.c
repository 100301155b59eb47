/* SPDX-License-Identifier: ISC */
/*
 * why: asks moduled here, and the other nodes of the module through remoted.
 * A node that does not answer is named; what this node knows is told all the
 * same.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cluster.h"
#include "cmd.h"
#include "nodes.h"
#include "status.h"
#include "story.h"
#include "talk.h"
#include "xalloc.h"

struct why {
	struct story	*story;
	const char	*node;		/* this one */
	unsigned	 silent;	/* nodes that did not answer */
};

static void
on_line(const struct line *l, void *arg)
{
	struct why *w = arg;
	const char *text = line_get(l, "text");

	if (text != NULL && l->verb[0] == '\0')
		story_add(w->story, w->node, line_get(l, "time"), text);
}

static const char *
json_word(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static void
on_node(const char *node, int status, const char *out, const char *err,
    void *arg)
{
	struct why *w = arg;
	json_t *top, *line;
	json_error_t e;
	size_t i;

	top = status == 0 ? json_loads(out, 0, &e) : NULL;
	if (top == NULL) {
		w->silent++;
		fprintf(stderr, "holdfast: %s does not answer: what follows "
		    "is without what it knows%s%s", node, err[0] != '\0' ?
		    ": " : "\n", err);
		return;
	}
	json_array_foreach(json_object_get(top, "lines"), i, line)
		story_add(w->story, node, json_word(line, "time"),
		    json_word(line, "text"));
	json_decref(top);
}

static void
ask_others(const struct cmd *c, struct why *w)
{
	char nodes[1024], verb[] = "why", json[] = "--json";
	char local[] = "--local";
	char *module = xstrdup(c->module);
	char *argv[] = { verb, json, local, module };
	struct nodes_run r = { .nodes = nodes, .argc = 4, .argv = argv,
	    .input_fd = -1, .on_node = on_node, .arg = w };

	if (status_other_nodes(c->module, nodes, sizeof(nodes)) &&
	    nodes_run(&r) != 0 && w->silent == 0)
		fprintf(stderr, "holdfast: %s cannot be asked: what follows "
		    "is what this node knows\n", nodes);
	free(module);
}

static json_t *
json_text(const char *s)
{
	json_t *j = json_string(s);

	return j != NULL ? j : json_string("(not UTF-8)");
}

static void
print_json(const struct why *w, const char *module)
{
	json_t *top = json_object(), *list = json_array(), *o;
	const struct story *s = w->story;
	unsigned i;

	for (i = 0; i < s->count; i++) {
		o = json_object();
		json_object_set_new(o, "node", json_text(s->line[i].node));
		json_object_set_new(o, "time", json_text(s->line[i].time));
		json_object_set_new(o, "text", json_text(s->line[i].text));
		json_array_append_new(list, o);
	}
	json_object_set_new(top, "schema", json_integer(1));
	json_object_set_new(top, "module", json_string(module));
	json_object_set_new(top, "lines", list);
	(void)json_dumpf(top, stdout, JSON_INDENT(2)); /* ferror() tells */
	putchar('\n');
	json_decref(top);
}

int
verb_why(struct cmd *c)
{
	struct cluster *cl = xcalloc(1, sizeof(*cl));
	struct story *story = xcalloc(1, sizeof(*story));
	struct why w = { .story = story };
	struct line_out o;
	int rc;

	w.node = cluster_load(cl, NULL) == 0 ? cl->node[cl->self].name : "-";
	line_begin(&o, "why");
	rc = talk(c->module, "moduled", &o, on_line, &w);
	if (rc != 0)
		rc = talk_failed(c->module, "moduled", rc);
	/* Asked for by another node: it asks the others itself. */
	if (!c->local && getenv("HOLDFAST_ROLE") == NULL)
		ask_others(c, &w);
	story_sort(story);
	if (c->json)
		print_json(&w, c->module);
	else
		story_print(story, stdout);
	story_fini(story);
	free(story);
	free(cl);
	return rc;
}

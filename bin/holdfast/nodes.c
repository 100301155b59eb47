/* SPDX-License-Identifier: ISC */
/*
 * Sends the command to the local remoted and sorts what comes back: output
 * of several nodes at once, in pieces.  A node's answer is printed when it is
 * whole, those of the quick ones first; a command that never ends is printed
 * by lines.
 */
#include "nodes.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ask.h"
#include "cluster.h"
#include "paths.h"
#include "talk.h"
#include "text.h"
#include "xalloc.h"

#define SCHEMA	1

struct answer {
	char		*node;
	struct text	 out;
	struct text	 err;
	size_t		 out_done;	/* printed, when following */
	size_t		 err_done;
	int		 status;	/* -1: not over */
	char		*failed;	/* code, or NULL: it ran */
};

struct answers {
	const struct nodes_run	*r;
	unsigned		 count;
	struct answer		 node[CLUSTER_NODE_MAX];
	int			 worst;
	int			 rc;	/* of the request */
	char			 code[64];
	char			 why[1024];
};

static struct answer *
answer_of(struct answers *a, const char *node)
{
	unsigned i;

	for (i = 0; i < a->count; i++)
		if (strcmp(a->node[i].node, node) == 0)
			return &a->node[i];
	if (a->count == CLUSTER_NODE_MAX)
		return NULL;
	a->node[a->count].node = xstrdup(node);
	a->node[a->count].status = -1;
	return &a->node[a->count++];
}

static const char *
text_or_empty(const struct text *t)
{
	return t->text != NULL ? t->text : "";
}

/* Whole lines behind *done, each with the node before it. */
static void
print_lines(const char *node, const struct text *t, size_t *done, bool rest,
    FILE *out)
{
	const char *p, *end;

	while (*done < t->len) {
		p = t->text + *done;
		end = memchr(p, '\n', t->len - *done);
		if (end == NULL && !rest)
			return;
		if (end == NULL)
			end = t->text + t->len;
		fprintf(out, "%s: %.*s\n", node, (int)(end - p), p);
		*done = (size_t)(end - t->text) + 1;
	}
}

/* Under a heading; what it complained of names the node in each line. */
static void
print_answer(struct answer *n)
{
	size_t done = 0;

	if (n->out.len > 0) {
		printf("== %s\n%s", n->node, n->out.text);
		if (n->out.text[n->out.len - 1] != '\n')
			putchar('\n');
	} else if (n->status == 0 && n->err.len == 0) {
		printf("== %s\n", n->node);
	}
	fflush(stdout);
	print_lines(n->node, &n->err, &done, true, stderr);
}

static void
answer_over(struct answers *a, struct answer *n, int status)
{
	n->status = status;
	if (status > a->worst)
		a->worst = status;
	if (a->r->on_node != NULL) {
		a->r->on_node(n->node, status, text_or_empty(&n->out),
		    text_or_empty(&n->err), a->r->arg);
		return;
	}
	if (a->r->json)
		return;
	if (!a->r->follow) {
		print_answer(n);
		return;
	}
	print_lines(n->node, &n->out, &n->out_done, true, stdout);
	print_lines(n->node, &n->err, &n->err_done, true, stderr);
}

static int
failed_status(const char *code)
{
	static const char *const gone[] = { "silent", "wrong-key" };
	size_t i;

	for (i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		if (strcmp(code, gone[i]) == 0)
			return EX_UNAVAILABLE;
	return talk_exit_status(code);
}

static void
take_failed(struct answers *a, struct answer *n, const char *code,
    const char *text)
{
	n->failed = xstrdup(code);
	text_addf(&n->err, "holdfast: %s%s\n", strcmp(code, "silent") == 0 ||
	    strcmp(code, "wrong-key") == 0 ? "" : "refused: ",
	    text != NULL ? text : code);
	answer_over(a, n, failed_status(code));
}

static void
take_node(struct answers *a, const struct line *l)
{
	struct answer *n = answer_of(a, line_get(l, "node"));
	const char *out = line_get(l, "out"), *err = line_get(l, "err");
	const char *failed = line_get(l, "failed");
	const char *what = line_get(l, "what");
	int64_t status;

	if (n == NULL || n->status != -1)
		return;
	if (out != NULL)
		text_add(&n->out, out, strlen(out));
	if (err != NULL)
		text_add(&n->err, err, strlen(err));
	if (a->r->follow && a->r->on_node == NULL) {
		print_lines(n->node, &n->out, &n->out_done, false, stdout);
		print_lines(n->node, &n->err, &n->err_done, false, stderr);
		fflush(stdout);
	}
	if (failed != NULL) {
		take_failed(a, n, failed, line_get(l, "text"));
	} else if (line_get_num(l, "exit", 0, 255, &status)) {
		if (what != NULL)
			text_addf(&n->err, "holdfast: %s\n", what);
		answer_over(a, n, (int)status);
	}
}

static bool
on_line(const struct line *l, void *arg)
{
	struct answers *a = arg;
	const char *code, *text;

	if (strcmp(l->verb, "ok") == 0) {
		a->rc = 0;
		return false;
	}
	if (strcmp(l->verb, "err") == 0) {
		code = line_get(l, "code");
		text = line_get(l, "text");
		a->rc = 1;
		snprintf(a->code, sizeof(a->code), "%s", code != NULL ?
		    code : "");
		snprintf(a->why, sizeof(a->why), "%s", text != NULL ? text :
		    a->code);
		return false;
	}
	if (line_get(l, "node") != NULL)
		take_node(a, l);
	return true;
}

/* --- one document ---------------------------------------------------- */

static json_t *
json_text(const char *s)
{
	json_t *j = json_string(s);

	return j != NULL ? j : json_string("?");	/* not UTF-8 */
}

static json_t *
json_node(const struct answer *n)
{
	const char *out = text_or_empty(&n->out);
	json_t *o = json_object(), *answer;
	json_error_t e;

	json_object_set_new(o, "node", json_text(n->node));
	json_object_set_new(o, "exit", json_integer(n->status));
	json_object_set_new(o, "failed", n->failed != NULL ?
	    json_text(n->failed) : json_null());
	answer = json_loads(out, 0, &e);
	json_object_set_new(o, "answer", answer != NULL ? answer :
	    json_null());
	json_object_set_new(o, "output", json_text(answer != NULL ? "" :
	    out));
	json_object_set_new(o, "errors", json_text(text_or_empty(&n->err)));
	return o;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct answer *)a)->node,
	    ((const struct answer *)b)->node);
}

static void
print_json(struct answers *a)
{
	json_t *top = json_object(), *list = json_array();
	unsigned i;

	qsort(a->node, a->count, sizeof(a->node[0]), by_name);
	for (i = 0; i < a->count; i++)
		json_array_append_new(list, json_node(&a->node[i]));
	json_object_set_new(top, "schema", json_integer(SCHEMA));
	json_object_set_new(top, "exit", json_integer(a->worst));
	json_object_set_new(top, "nodes", list);
	(void)json_dumpf(top, stdout, JSON_INDENT(2)); /* ferror() tells */
	putchar('\n');
	json_decref(top);
}

/* --- the request ------------------------------------------------------ */

static int
ask(struct answers *a)
{
	const struct nodes_run *r = a->r;
	char path[PATH_LEN];
	struct line_out o;
	int i;

	line_begin(&o, "run");
	line_add(&o, "nodes", r->nodes);
	line_add(&o, "who", talk_who());
	if (r->input_fd != -1)
		line_add_num(&o, "input", 1);
	for (i = 0; i < r->argc; i++)
		line_add(&o, "arg", r->argv[i]);
	path_socket(path, NULL, "remoted");
	if (ask_watch_fd(path, &o, r->input_fd, -1, on_line, a) == -1)
		return talk_failed(NULL, "remoted", -1);
	if (a->rc == 0)
		return a->worst;
	fprintf(stderr, "holdfast: %s\n", a->why);
	return talk_exit_status(a->code);
}

int
nodes_run(const struct nodes_run *r)
{
	struct answers *a = xcalloc(1, sizeof(*a));
	unsigned i;
	int rc;

	a->r = r;
	a->rc = -1;
	rc = ask(a);
	if (a->rc == 0 && r->json && r->on_node == NULL)
		print_json(a);
	for (i = 0; i < a->count; i++) {
		free(a->node[i].node);
		free(a->node[i].out.text);
		free(a->node[i].err.text);
		free(a->node[i].failed);
	}
	free(a);
	return rc;
}

int
nodes_run_as(const struct cmd *c, const char *node, const char *const *word,
    unsigned count)
{
	char *argv[16], timeout[32];
	struct nodes_run r = { .nodes = node, .argv = argv, .input_fd = -1 };
	int n, rc;

	for (n = 0; n < (int)count; n++)
		argv[n] = xstrdup(word[n]);
	if (c->off)
		argv[n++] = xstrdup("--off");
	if (c->no_wait)
		argv[n++] = xstrdup("--no-wait");
	if (c->why != NULL) {
		argv[n++] = xstrdup("--why");
		argv[n++] = xstrdup(c->why);
	}
	if (c->yes != NULL) {
		argv[n++] = xstrdup("--yes");
		argv[n++] = xstrdup(c->yes);
	}
	if (c->timeout_ms >= 0) {
		(void)snprintf(timeout, sizeof(timeout), "%lld.%03lld",
		    (long long)c->timeout_ms / 1000,
		    (long long)c->timeout_ms % 1000);
		argv[n++] = xstrdup("--timeout");
		argv[n++] = xstrdup(timeout);
	}
	r.argc = n;
	rc = nodes_run(&r);
	while (n > 0)
		free(argv[--n]);
	return rc;
}

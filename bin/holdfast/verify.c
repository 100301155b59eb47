/* SPDX-License-Identifier: ISC */
/*
 * verify: the two nodes of a mirror compared while the application works;
 * diff: what a resync would cost now.  mirrord of the primary does both; said
 * on another node, the command is run on the primary.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "clock.h"
#include "cmd.h"
#include "human.h"
#include "nodes.h"
#include "paths.h"
#include "show.h"
#include "status.h"
#include "talk.h"
#include "xalloc.h"

/* ---- on the primary ---- */

/* The node that serves; NULL: not known here. */
static char *
primary_of(const char *module)
{
	struct status *st = status_new();
	const struct record *r = NULL;
	const char *state;
	char *name = NULL;

	(void)status_ask(st, module); /* empty then */
	while (name == NULL && (r = status_find(st, "node", r)) != NULL) {
		state = record_get(r, "state");
		if (record_num(r, "self") != 1 &&
		    (strcmp(state, "PRIM") == 0 ||
		    strcmp(state, "ALONE") == 0))
			name = xstrdup(record_get(r, "name"));
	}
	status_free(st);
	return name;
}

/* Only the primary can: there, or how to say it there. */
static int
on_primary(struct cmd *c, int rc)
{
	const char *word[6];
	unsigned n = 0;
	char *node;

	if (rc != 1 || strcmp(talk_code(), "notprim") != 0 ||
	    getenv("HOLDFAST_ROLE") != NULL)
		return talk_failed(c->module, "mirrord", rc);
	node = primary_of(c->module);
	if (node == NULL) {
		fprintf(stderr, "holdfast: %s: this node is not the primary, "
		    "and knows of none: run it there\n", c->module);
		return EXIT_NOT_PRIM;
	}
	word[n++] = c->verb;
	word[n++] = c->module;
	if (c->argc > 0)
		word[n++] = c->argv[0];
	if (c->repair)
		word[n++] = "--repair";
	if (c->json)
		word[n++] = "--json";
	rc = nodes_run_as(c, node, word, n);
	free(node);
	return rc;
}

/* ---- the result ---- */

struct result {
	struct cmd	*c;
	bool		 is_first;	/* line: the result itself */
	char		 state[32], why[192];
	int64_t		 end, objects, bytes, differences;
	int64_t		 listed;
	json_t		*list;
};

static int64_t
number(const struct line *l, const char *key)
{
	int64_t n = 0;

	(void)line_get_num(l, key, 0, INT64_MAX, &n);
	return n;
}

static const char *
word_of(const struct line *l, const char *key)
{
	const char *v = line_get(l, key);

	return v != NULL ? v : "";
}

static void
wall_text(char buf[CLOCK_WALL_LEN], int64_t s)
{
	time_t t = (time_t)s;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(buf, CLOCK_WALL_LEN, "%Y-%m-%d %H:%M", &tm) == 0)
		buf[0] = '\0';
}

static void
print_result(struct result *r, const struct line *l)
{
	char end[CLOCK_WALL_LEN], bytes[HUMAN_LEN];

	(void)snprintf(r->state, sizeof(r->state), "%s",
	    word_of(l, "state"));
	(void)snprintf(r->why, sizeof(r->why), "%s", word_of(l, "why"));
	r->end = number(l, "end");
	r->objects = number(l, "objects");
	r->bytes = number(l, "bytes");
	r->differences = number(l, "differences");
	if (r->c->json)
		return;
	wall_text(end, r->end);
	(void)human_bytes(bytes, (uint64_t)r->bytes);
	if (strcmp(r->state, "none") == 0)
		printf("never verified\n");
	else if (strcmp(r->state, "running") == 0)
		printf("being verified: %" PRId64 " objects, %s, %" PRId64
		    " differences so far\n", r->objects, bytes,
		    r->differences);
	else
		printf("%s %s%s%s, %" PRId64 " differences in %" PRId64
		    " objects, %s\n", strcmp(r->state, "clean") == 0 ||
		    strcmp(r->state, "differs") == 0 ? "verified" :
		    r->state, end, r->why[0] != '\0' ? ", " : "", r->why,
		    r->differences, r->objects, bytes);
}

static void
print_diff(struct result *r, const struct line *l)
{
	int64_t off = number(l, "off"), len = number(l, "len");
	json_t *o;

	r->listed++;
	if (!r->c->json) {
		printf("  %s: %s", word_of(l, "path"), word_of(l, "what"));
		if (len > 0)
			printf(", bytes %" PRId64 " to %" PRId64, off,
			    off + len - 1);
		printf("\n");
		return;
	}
	o = json_object();
	/* A name of any byte is no text of JSON: as the lines have it. */
	if (json_object_set_new(o, "path", json_string(
	    word_of(l, "path"))) == -1)
		json_object_set_new(o, "path", json_null());
	json_object_set_new(o, "what", json_string(word_of(l, "what")));
	json_object_set_new(o, "offset", json_integer(off));
	json_object_set_new(o, "length", json_integer(len));
	json_array_append_new(r->list, o);
}

static void
on_list_line(const struct line *l, void *arg)
{
	struct result *r = arg;

	if (l->verb[0] != '\0')
		return;
	if (line_get(l, "state") != NULL)
		print_result(r, l);
	else if (line_get(l, "what") != NULL)
		print_diff(r, l);
}

static void
print_json(struct result *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "schema", json_integer(1));
	json_object_set_new(o, "module", json_string(r->c->module));
	json_object_set_new(o, "state", json_string(r->state));
	json_object_set_new(o, "why", json_string(r->why));
	json_object_set_new(o, "end", json_integer(r->end));
	json_object_set_new(o, "objects", json_integer(r->objects));
	json_object_set_new(o, "bytes", json_integer(r->bytes));
	json_object_set_new(o, "differences", json_integer(r->differences));
	json_object_set(o, "list", r->list);
	(void)json_dumpf(o, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(o);
}

static int
status_of(const struct result *r)
{
	if (r->differences > 0 && strcmp(r->state, "repaired") != 0)
		return EX_DATAERR;
	return strcmp(r->state, "cancelled") == 0 ||
	    strcmp(r->state, "broken") == 0 ? EX_TEMPFAIL : 0;
}

static int
verify_list(struct cmd *c)
{
	struct result r = { .c = c, .list = json_array() };
	struct line_out o;
	int rc;

	line_begin(&o, "verify-list");
	rc = talk(c->module, "mirrord", &o, on_list_line, &r);
	if (rc != 0) {
		json_decref(r.list);
		return talk_failed(c->module, "mirrord", rc);
	}
	if (c->json)
		print_json(&r);
	else if (r.differences > r.listed && r.listed > 0)
		printf("  and more: %" PRId64 " in all\n", r.differences);
	else if (r.differences > 0 && r.listed == 0)
		printf("  listed on the primary\n");
	if (!c->json && r.differences > 0 && r.listed > 0 &&
	    strcmp(r.state, "repaired") != 0)
		printf("see which side is right; to bring them over from this "
		    "node: holdfast verify %s --repair\n", c->module);
	json_decref(r.list);
	return status_of(&r);
}

/* ---- waiting ---- */

struct wait {
	bool	for_repair;
	bool	left;		/* repair: it is out of the set */
	bool	shown;		/* progress was */
	bool	done;
};

static bool
on_fact(const struct line *l, void *arg)
{
	struct wait *w = arg;
	bool joined = line_get_bool(l, "joined");

	if (strcmp(l->verb, "fact") != 0)
		return true;
	if (w->for_repair) {
		w->left = w->left || !joined;
		w->done = w->left && joined;
		return !w->done;
	}
	w->done = strcmp(word_of(l, "verify"), "running") != 0;
	if (!w->done && isatty(STDERR_FILENO)) {
		fprintf(stderr, "\r%" PRId64 " of about %" PRId64 " objects, "
		    "%" PRId64 " MB, %" PRId64 " differences ",
		    number(l, "verify_objects"), number(l, "verify_total"),
		    number(l, "verify_bytes") / 1000000,
		    number(l, "verify_differences"));
		w->shown = true;
	}
	return !w->done;
}

/* 0, or an exit status. */
static int
await(struct cmd *c, bool for_repair)
{
	struct wait w = { .for_repair = for_repair };
	char path[PATH_LEN];
	struct line_out o;
	int rc;

	line_begin(&o, "watch");
	rc = ask_watch(path_socket(path, c->module, "mirrord"), &o,
	    c->timeout_ms, on_fact, &w);
	if (w.shown)
		fprintf(stderr, "\n");
	if (rc == 0 && w.done)
		return 0;
	if (errno == ETIMEDOUT)
		fprintf(stderr, "holdfast: %s: it goes on; `holdfast verify "
		    "%s list' tells how it ended\n", c->module, c->module);
	else
		fprintf(stderr, "holdfast: %s: mirrord has ended meanwhile\n",
		    c->module);
	return EX_TEMPFAIL;
}

static int
verify_repair(struct cmd *c)
{
	struct line_out o;
	int rc;

	line_begin(&o, "verify-repair");
	rc = talk(c->module, "mirrord", &o, NULL, NULL);
	if (rc != 0)
		return on_primary(c, rc);
	if (c->no_wait)
		return 0;
	rc = await(c, true);
	if (rc == 0)
		printf("%s: brought over; to be sure: holdfast verify %s\n",
		    c->module, c->module);
	return rc;
}

static int
verify_stop(struct cmd *c)
{
	struct line_out o;
	int rc;

	line_begin(&o, "verify-stop");
	line_add(&o, "who", talk_who());
	rc = talk(c->module, "mirrord", &o, NULL, NULL);
	return rc == 0 ? 0 : talk_failed(c->module, "mirrord", rc);
}

int
verb_verify(struct cmd *c)
{
	struct line_out o;
	int rc;

	if (c->argc > 0 && c->repair) {
		fprintf(stderr, "holdfast: verify: --repair goes without a "
		    "word\n");
		return EX_USAGE;
	}
	if (c->argc > 0 && strcmp(c->argv[0], "list") == 0)
		return verify_list(c);
	if (c->argc > 0 && strcmp(c->argv[0], "stop") == 0)
		return verify_stop(c);
	if (c->argc > 0) {
		fprintf(stderr, "holdfast: verify: \"%s\": list or stop, or "
		    "nothing\n", c->argv[0]);
		return EX_USAGE;
	}
	if (c->repair)
		return verify_repair(c);
	line_begin(&o, "verify");
	line_add(&o, "who", talk_who());
	rc = talk(c->module, "mirrord", &o, NULL, NULL);
	if (rc != 0)
		return on_primary(c, rc);
	if (c->no_wait)
		return 0;
	rc = await(c, false);
	return rc == 0 ? verify_list(c) : rc;
}

/* ---- diff ---- */

struct estimate {
	bool	known, apart, all, linked;
	int64_t	objects, names, bytes, rate;
};

static void
on_estimate(const struct line *l, void *arg)
{
	struct estimate *e = arg;

	if (strcmp(l->verb, "ok") != 0 || line_get(l, "objects") == NULL)
		return;
	e->known = true;
	e->apart = line_get_bool(l, "apart");
	e->all = line_get_bool(l, "all");
	e->linked = line_get_bool(l, "linked");
	e->objects = number(l, "objects");
	e->names = number(l, "names");
	e->bytes = number(l, "bytes");
	e->rate = number(l, "rate_bytes_s");
}

static void
print_estimate(const struct cmd *c, const struct estimate *e)
{
	char bytes[HUMAN_LEN];

	(void)human_bytes(bytes, (uint64_t)e->bytes);
	if (!e->apart)
		printf("%s: the other node is in step: nothing to bring over; "
		    "were it lost now, ", c->module);
	else
		printf("%s: the other node is behind%s; a resync looks at ",
		    c->module, e->linked ? ", connected" :
		    ", not connected");
	if (e->all)
		printf("everything: about %" PRId64 " objects, compares "
		    "%s by hash and sends what differs", e->objects, bytes);
	else
		printf("%" PRId64 " objects and %" PRId64 " names, at most "
		    "%s", e->objects, e->names, bytes);
	if (e->rate > 0)
		printf(", about %" PRId64 " s at the pace of the last one",
		    e->bytes / e->rate + 1);
	printf("\n");
}

int
verb_diff(struct cmd *c)
{
	struct estimate e = { 0 };
	struct line_out o;
	json_t *j;
	int rc;

	line_begin(&o, "diff");
	rc = talk(c->module, "mirrord", &o, on_estimate, &e);
	if (rc != 0)
		return on_primary(c, rc);
	if (!e.known) {
		fprintf(stderr, "holdfast: %s: mirrord gives no estimate\n",
		    c->module);
		return EX_SOFTWARE;
	}
	if (!c->json) {
		print_estimate(c, &e);
		return 0;
	}
	j = json_pack("{s:i, s:s, s:b, s:b, s:b, s:I, s:I, s:I}", "schema", 1,
	    "module", c->module, "apart", e.apart, "everything", e.all,
	    "connected", e.linked, "objects", (json_int_t)e.objects, "names",
	    (json_int_t)e.names, "bytes", (json_int_t)e.bytes);
	(void)json_dumpf(j, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(j);
	return 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * status, state and why: what the modules of this node are doing, in columns
 * and three colours.
 */
#include "show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "cluster.h"
#include "cmd.h"
#include "config-xml.h"
#include "generation.h"
#include "human.h"
#include "modules.h"
#include "paths.h"
#include "statefile.h"
#include "talk.h"
#include "xalloc.h"

#define MODULES_MAX	256
#define WARNINGS_MAX	64

static const char *
colour_of(const char *quality)
{
	if (strcmp(quality, "Ready") == 0)
		return "\033[32m";
	if (strcmp(quality, "Transient") == 0)
		return "\033[35m";
	return "\033[31m";
}

/* "3d", "2h", "5m", "12s" */
static void
since_text(char *buf, size_t size, int64_t s)
{
	if (s >= 2 * 86400)
		snprintf(buf, size, "%" PRId64 "d", s / 86400);
	else if (s >= 2 * 3600)
		snprintf(buf, size, "%" PRId64 "h", s / 3600);
	else if (s >= 120)
		snprintf(buf, size, "%" PRId64 "m", s / 60);
	else
		snprintf(buf, size, "%" PRId64 "s", s);
}

void
show_head(bool only_farms, FILE *out)
{
	fprintf(out, "%-16s %-12s %-7s %-10s %-6s %s\n", "MODULE", "NODE",
	    "STATE", "QUALITY", only_farms ? "SHARE" : "DATA", "SINCE");
}

/* Of a farm's node: what it has of the clients, or why none. */
static const char *
share_text(char *buf, size_t size, const struct record *r)
{
	const char *serve = record_get(r, "serve");

	if (strcmp(serve, "open") == 0)
		snprintf(buf, size, "%" PRId64 "%%", record_num(r, "share"));
	else if (strcmp(serve, "drain") == 0)
		snprintf(buf, size, "drain");
	else
		snprintf(buf, size, "%s", strcmp(serve, "hold") == 0 ?
		    "shut" : "-");
	return buf;
}

/* Of a node nobody hears there is nothing to say. */
static const char *
level_text(const char *state, const char *level)
{
	if (strcmp(state, "UNKNOWN") == 0)
		return "-";
	return strcmp(level, "1") == 0 ? "level" :
	    strcmp(level, "0") == 0 ? "stale" : level[0] != '\0' ? level :
	    "-";
}

static void
show_row(const char *module, const char *node, const char *state,
    const char *quality, const char *level, const char *since, bool colour,
    FILE *out)
{
	fprintf(out, "%-16s %-12s %s%-7s %-10s%s %-6s %s\n", module, node,
	    colour ? colour_of(quality) : "", state, quality,
	    colour ? "\033[0m" : "", level_text(state, level), since);
}

static void
show_nodes(const struct status *st, bool colour, FILE *out)
{
	const struct record *r = NULL;
	char since[32], node[80], share[32];
	bool first = true, farm = strcmp(st->mode, "farm") == 0;

	while ((r = status_find(st, "node", r)) != NULL) {
		since_text(since, sizeof(since), record_num(r, "since_s"));
		snprintf(node, sizeof(node), "%.64s%s",
		    record_get(r, "name"), record_num(r, "self") == 1 ?
		    " *" : "");
		show_row(first ? st->module : "", node,
		    record_get(r, "state"), record_get(r, "quality"),
		    farm ? share_text(share, sizeof(share), r) :
		    record_num(r, "new") == 1 ? "new" :
		    record_get(r, "level"), record_get(r, "since_s")[0] !=
		    '\0' ? since : "-", colour, out);
		first = false;
	}
	if (first)
		show_row(st->module, "*", st->state, st->quality, "", "-",
		    colour, out);
}

/* "verified 2026-11-29 02:13, 0 differences" */
static void
show_verify(const struct record *r, FILE *out)
{
	const char *state = record_get(r, "verify");
	time_t t = (time_t)record_num(r, "verify_end");
	int64_t done = record_num(r, "verify_objects");
	int64_t total = record_num(r, "verify_total");
	char end[32] = "", bytes[HUMAN_LEN];
	struct tm tm;

	if (state[0] == '\0' || strcmp(state, "none") == 0)
		return;
	if (strcmp(state, "running") == 0) {
		(void)human_bytes(bytes,
		    (uint64_t)record_num(r, "verify_bytes"));
		fprintf(out, "  verify: %" PRId64 "/%" PRId64 " objects, "
		    "%" PRId64 " %%, %s, %" PRId64 " differences\n", done,
		    total, total > 0 ? done * 100 / total : 0, bytes,
		    record_num(r, "verify_differences"));
		return;
	}
	if (localtime_r(&t, &tm) != NULL)
		(void)strftime(end, sizeof(end), "%Y-%m-%d %H:%M", &tm);
	if (strcmp(state, "clean") == 0 || strcmp(state, "differs") == 0)
		fprintf(out, "  verified %s", end);
	else
		fprintf(out, "  verify: %s %s%s%s", state, end,
		    record_get(r, "verify_why")[0] != '\0' ? ", " : "",
		    record_get(r, "verify_why"));
	fprintf(out, ", %" PRId64 " differences\n",
	    record_num(r, "verify_differences"));
}

static void
show_replication(const struct status *st, FILE *out)
{
	const struct record *r = status_find(st, "replication", NULL);
	const char *phase = record_get(r, "phase");
	int64_t total = record_num(r, "total_bytes");
	char done[HUMAN_LEN], all[HUMAN_LEN], dirty[HUMAN_LEN];

	if (r == NULL)
		return;
	fprintf(out, "  replication: async=%s, link %s, epoch %s\n",
	    record_get(r, "mode"), record_get(r, "link"),
	    record_get(r, "epoch"));
	if (phase[0] != '\0' && strcmp(phase, "none") != 0) {
		(void)human_bytes(done,
		    (uint64_t)record_num(r, "done_bytes"));
		/* The secondary is not told how much it will be. */
		fprintf(out, "  resync: %s, %s%s%s", phase, done, total > 0 ?
		    " of " : "", total > 0 ?
		    human_bytes(all, (uint64_t)total) : "");
		if (record_num(r, "eta_s") > 0)
			fprintf(out, ", %" PRId64 " s left",
			    record_num(r, "eta_s"));
		fprintf(out, "\n");
	}
	show_verify(r, out);
	if (record_num(r, "dirty_bytes") > 0) {
		(void)human_bytes(dirty,
		    (uint64_t)record_num(r, "dirty_bytes"));
		fprintf(out, "  to bring over when the other node is back: "
		    "%s\n", dirty);
	}
}

/* "n1,n2" as "n1, n2"; how many they are. */
static unsigned
print_names(const char *list, FILE *out)
{
	unsigned count = list[0] != '\0';

	for (; *list != '\0'; list++) {
		fputc(*list, out);
		if (*list == ',') {
			fputc(' ', out);
			count++;
		}
	}
	return count;
}

/* Nothing without voters: a warning says that. */
static void
show_lease(const struct status *st, FILE *out)
{
	const struct record *r = status_find(st, "lease", NULL);
	const char *state = record_get(r, "state");
	const char *members = record_get(r, "members");
	unsigned voters;

	if (r == NULL || st->is_old ||
	    strcmp(record_get(r, "mode"), "register") != 0)
		return;
	fprintf(out, "  voters: ");
	voters = print_names(record_get(r, "voters"), out);
	fprintf(out, "; %" PRId64 " of %u answer", record_num(r,
	    "answering"), voters);
	if (members[0] != '\0') {
		fprintf(out, "; in sync: ");
		(void)print_names(members, out);
		fprintf(out, " (epoch %s%s)", record_get(r, "epoch"),
		    record_num(r, "chosen") == 1 ? "" : ", not confirmed");
	}
	fprintf(out, "%s\n", strcmp(state, "over") == 0 ?
	    "; lease over: fenced" : strcmp(state, "runs") == 0 ?
	    "; lease runs" : "");
}

/* What cuts the other node's power, and when it last answered. */
static void
show_fencing(const struct status *st, FILE *out)
{
	const struct record *r = status_find(st, "fencing", NULL);
	const char *state = record_get(r, "state");
	const char *at = record_get(r, "answered");

	if (r == NULL || st->is_old)
		return;
	fprintf(out, "  fencing: %s", record_get(r, "agent"));
	if (strcmp(state, "answers") == 0)
		fprintf(out, " answered %s\n", at);
	else if (strcmp(state, "silent") == 0)
		fprintf(out, " does not answer, %s%s\n", at[0] != '\0' ?
		    "last " : "and never did", at);
	else
		fprintf(out, ", %s\n", strcmp(state, "unknown") == 0 ?
		    "not asked yet" : state);
}

static void
show_resources(const struct status *st, FILE *out)
{
	const struct record *r = NULL;
	const char *value;

	while ((r = status_find(st, "resource", r)) != NULL) {
		value = record_get(r, "value");
		if (strcmp(value, "down") == 0)
			fprintf(out, "  resource %s is down\n",
			    record_get(r, "name"));
	}
}

static void
show_farm(const struct status *st, FILE *out)
{
	const struct record *r = status_find(st, "farm", NULL);

	if (r == NULL || st->is_old || record_get(r, "backend")[0] == '\0')
		return;
	fprintf(out, "  farm: director %s, delivery %s, filter %s, epoch %s",
	    record_get(r, "director")[0] != '\0' ?
	    record_get(r, "director") : "none", record_get(r, "delivery"),
	    record_get(r, "backend"), record_get(r, "epoch"));
	if (record_num(r, "draining") > 0)
		fprintf(out, ", %" PRId64 " connections draining",
		    record_num(r, "draining"));
	fprintf(out, "\n");
}

void
show_way(const struct record *r, const char *indent, FILE *out)
{
	const char *command = record_get(r, "command");
	const char *cost = record_get(r, "cost");

	fprintf(out, "%sto go on: %s%s%s\n", indent, command,
	    command[0] != '\0' && cost[0] != '\0' ? "  - " : "", cost);
}

/* Who waits for whom; true: that was said of this node. */
static bool
show_waits(const struct status *st, FILE *out)
{
	const struct record *r = NULL, *self = status_find(st, "node", NULL);
	bool said = false;

	while ((r = status_find(st, "waits", r)) != NULL) {
		fprintf(out, "  %s waits for %s since %s: %s [%s]\n",
		    record_get(r, "node"), record_get(r, "for"),
		    record_get(r, "since"), record_get(r, "text"),
		    record_get(r, "code"));
		if (strcmp(record_get(r, "node"), record_get(self,
		    "name")) == 0)
			said = true;
	}
	return said;
}

static void
show_troubles(const struct status *st, FILE *out)
{
	const struct record *r;
	bool said = show_waits(st, out);

	r = status_find(st, "newest", NULL);
	if (r != NULL)
		fprintf(out, "  newest data: %s\n", record_get(r, "text"));
	r = status_find(st, "blocked", NULL);
	if (r != NULL && !said)
		fprintf(out, "  %s: %s [%s]\n", strcmp(st->quality,
		    "Transient") == 0 ? "now" : "waits",
		    record_get(r, "text"), record_get(r, "code"));
	for (r = NULL; (r = status_find(st, "missing", r)) != NULL; )
		fprintf(out, "    missing: %s\n", record_get(r, "text"));
	for (r = NULL; (r = status_find(st, "goon", r)) != NULL; )
		show_way(r, "    ", out);
	for (r = NULL; (r = status_find(st, "warning", r)) != NULL; ) {
		fprintf(out, "  warning: %s\n", record_get(r, "text"));
		if (record_get(r, "command")[0] != '\0')
			fprintf(out, "    ends with: %s\n",
			    record_get(r, "command"));
	}
}

void
show_module(const struct status *st, bool colour, FILE *out)
{
	const struct record *first = status_find(st, "node", NULL);

	show_nodes(st, colour, out);
	if (st->is_old)
		fprintf(out, "  moduled does not answer on this node%s\n",
		    first == NULL ? "; it has said nothing yet" :
		    "; this is what it said last");
	show_replication(st, out);
	show_lease(st, out);
	show_fencing(st, out);
	show_farm(st, out);
	show_resources(st, out);
	show_troubles(st, out);
}

int
show_state_code(const char *state)
{
	static const char *const states[] = {
		"STOP", "WAIT", "ALONE", "PRIM", "SECOND"
	};
	int i;

	for (i = 0; i < 5; i++)
		if (strcmp(states[i], state) == 0)
			return i;
	return strcmp(state, "UP") == 0 ? 2 : 0;
}

/* --- the verbs ------------------------------------------------------- */

struct view {
	unsigned	 count;
	struct status	*st[MODULES_MAX];
	unsigned	 bare_count;		/* not configured */
	char		*bare[MODULES_MAX];
	unsigned	 warnings;
	char		*warning[WARNINGS_MAX];
};

static void
view_add(const char *module, void *arg)
{
	struct view *v = arg;

	if (generation_active(module) == 0) {
		if (v->bare_count < MODULES_MAX)
			v->bare[v->bare_count++] = xstrdup(module);
		return;
	}
	if (v->count == MODULES_MAX)
		return;
	v->st[v->count] = status_new();
	(void)status_ask(v->st[v->count++], module); /* else: STOP, old */
}

static void
view_fini(struct view *v)
{
	unsigned i;

	for (i = 0; i < v->count; i++)
		status_free(v->st[i]);
	for (i = 0; i < v->bare_count; i++)
		free(v->bare[i]);
	for (i = 0; i < v->warnings; i++)
		free(v->warning[i]);
	free(v);
}

/* A service of holdfastd that is not up is worth a line. */
static void
on_service(const struct line *l, void *arg)
{
	struct view *v = arg;
	const char *state = line_get(l, "state"), *name;
	const char *module = line_get(l, "module"), *last;

	name = line_get(l, "service");
	last = line_get(l, "last_exit");
	if (name == NULL || state == NULL || strcmp(state, "up") == 0 ||
	    strcmp(state, "starting") == 0 || v->warnings == WARNINGS_MAX)
		return;
	v->warning[v->warnings++] = xasprintf("%s%s%s is %s%s%s", name,
	    module != NULL && module[0] != '\0' ? " of " : "",
	    module != NULL ? module : "", state,
	    last != NULL && last[0] != '\0' ? ", last exit " : "",
	    last != NULL ? last : "");
}

/* --- what differs between the nodes ---------------------------------- */

static void
warn_drift(struct view *v, char *text)
{
	if (v->warnings < WARNINGS_MAX)
		v->warning[v->warnings++] = text;
	else
		free(text);
}

struct drift {
	struct view	*v;
	char		 mine[CLUSTER_DIGEST_TEXT];	/* in effect */
	char		 said[CLUSTER_NAME_LEN];	/* node before */
};

/* A node on a network: what it has in effect, and whether it is a copy. */
static void
on_heartd(const struct line *l, void *arg)
{
	struct drift *d = arg;
	const char *node = line_get(l, "node"), *state = line_get(l, "state");
	const char *theirs = line_get(l, "cluster");
	const char *clone = line_get(l, "clone");

	if (node == NULL || line_get(l, "lan") == NULL ||
	    strcmp(node, d->said) == 0)
		return;
	if (clone != NULL && strcmp(clone, node) == 0)
		warn_drift(d->v, xasprintf("two machines say that they are "
		    "%s; the second is not heard: switch one off", node));
	else if (clone != NULL)
		warn_drift(d->v, xasprintf("%s has the machine-id of %s and "
		    "is not heard: it is a copy; `systemd-machine-id-setup' "
		    "there gives it its own", node, clone));
	else if (state == NULL || strcmp(state, "up") != 0 ||
	    theirs == NULL || strspn(theirs, "0") == strlen(theirs) ||
	    strcmp(theirs, d->mine) == 0)
		return;
	else
		warn_drift(d->v, xasprintf("cluster.xml of %s is not that of "
		    "this node: `holdfast cluster push' on the one that has "
		    "the right one", node));
	snprintf(d->said, sizeof(d->said), "%s", node);
}

static void
look_for_drift(struct view *v)
{
	struct cluster *cl = xcalloc(1, sizeof(*cl));
	struct drift d = { .v = v };
	char path[PATH_LEN], edited[CLUSTER_DIGEST_TEXT], *text;
	uint8_t digest[CLUSTER_DIGEST_LEN];
	struct line_out o;
	size_t len;

	if (access(path_state(path, "cluster/cluster.conf"), F_OK) == 0 &&
	    cluster_load(cl, NULL) == 0) {
		cluster_digest_text(d.mine, cl->digest);
		text = statefile_read(path_etc(path, "cluster.xml"),
		    XML_FILE_MAX, &len);
		if (text != NULL) {
			cluster_digest(digest, text, len);
			cluster_digest_text(edited, digest);
			if (strcmp(edited, d.mine) != 0)
				warn_drift(v, xasprintf("cluster.xml was "
				    "edited and is not in effect: `holdfast "
				    "cluster push' makes it that of all "
				    "nodes"));
		}
		free(text);
		line_begin(&o, "status");
		(void)talk(NULL, "heartd", &o, on_heartd, &d);
	}
	free(cl);
}

static bool
want_colour(const struct cmd *c)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !c->no_colour && isatty(STDOUT_FILENO) &&
	    (no == NULL || no[0] == '\0') &&
	    (term == NULL || strcmp(term, "dumb") != 0);
}

static void
print_text(const struct view *v, bool colour)
{
	unsigned i, farms = 0;

	for (i = 0; i < v->count; i++)
		if (strcmp(v->st[i]->mode, "farm") == 0)
			farms++;
	if (v->count > 0)
		show_head(farms == v->count, stdout);
	for (i = 0; i < v->count; i++)
		show_module(v->st[i], colour, stdout);
	for (i = 0; i < v->bare_count; i++)
		printf("%-16s not configured: `holdfast config %s'\n",
		    v->bare[i], v->bare[i]);
	if (v->count == 0 && v->bare_count == 0)
		printf("no module is installed: `holdfast module install'\n");
	for (i = 0; i < v->warnings; i++)
		printf("warning: %s\n", v->warning[i]);
}

static void
print_json(const struct view *v)
{
	struct cluster *cl = xcalloc(1, sizeof(*cl));
	bool have = cluster_load(cl, NULL) == 0;

	show_json(v->st, v->count, have ? cl->node[cl->self].name : "",
	    have ? cl->name : "", v->warning, v->warnings, stdout);
	free(cl);
}

static int
quick_state(const struct cmd *c)
{
	struct status *st;
	int code;

	if (c->module == NULL) {
		fprintf(stderr, "holdfast: -q needs a module\n");
		return EX_USAGE;
	}
	st = status_new();
	if (status_ask(st, c->module) == -1 && !talk_is_up()) {
		status_free(st);
		errno = ENOENT;
		return talk_failed(NULL, "holdfastd", -1);
	}
	if (c->letter)
		printf("%s\n", st->state);
	code = show_state_code(st->state);
	status_free(st);
	return code;
}

int
verb_status(struct cmd *c)
{
	struct view *v;
	struct line_out o;
	int rc = 0, answer;

	if (c->quiet)
		return quick_state(c);
	if (c->module != NULL && !modules_is_installed(c->module) &&
	    generation_active(c->module) == 0) {
		fprintf(stderr, "holdfast: module %s is not installed\n",
		    c->module);
		return EX_NOINPUT;
	}
	v = xcalloc(1, sizeof(*v));
	line_begin(&o, "status");
	answer = talk(NULL, "holdfastd", &o, on_service, v);
	if (c->module != NULL)
		view_add(c->module, v);
	else
		modules_each(view_add, v);
	if (answer == -1)
		warn_drift(v,
		    xstrdup("holdfastd is not running on this node"));
	look_for_drift(v);
	if (c->json)
		print_json(v);
	else
		print_text(v, want_colour(c));
	fflush(stdout);
	if (answer == -1) {
		errno = ENOENT;
		rc = talk_failed(NULL, "holdfastd", -1);
	}
	view_fini(v);
	return rc;
}

int
verb_state(struct cmd *c)
{
	if (c->letter)
		c->quiet = true;
	return verb_status(c);
}

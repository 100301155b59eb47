/* SPDX-License-Identifier: ISC */
/*
 * node standby and active.  That a node is on standby is a durable fact of
 * this command: the file node.standby, which each moduled reads when it
 * starts and when it is told to.  moduled gives the roles up; here is asked
 * first whether somebody can take them, and waited for the end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "cluster.h"
#include "cmd.h"
#include "files.h"
#include "generation.h"
#include "modules.h"
#include "nodes.h"
#include "paths.h"
#include "statefile.h"
#include "status.h"
#include "talk.h"
#include "xalloc.h"

#define POLL_US		100000
#define NODE_FILE	"node.standby"

struct sweep {
	const struct cmd	*c;
	const char		*node;
	bool			 standby;	/* the aim */
	unsigned		 count;		/* modules */
	unsigned		 stuck;		/* nobody takes their place */
	unsigned		 open;		/* not there yet */
	unsigned		 failed;
	bool			 tells;		/* what is open */
};

static bool
is_word(const struct record *r, const char *key, const char *word)
{
	return strcmp(record_get(r, key), word) == 0;
}

/* Is there a level secondary, Ready, whose node takes roles?  Or, of a farm,
 * another node that takes clients? */
static bool
can_be_taken(const struct status *st)
{
	const struct record *r = NULL;

	while ((r = status_find(st, "node", r)) != NULL) {
		if (record_num(r, "self") == 0 && strcmp(st->mode, "farm") ==
		    0 && is_word(r, "serve", "open"))
			return true;
		if (record_num(r, "self") == 0 && is_word(r, "state",
		    "SECOND") && is_word(r, "quality", "Ready") &&
		    record_num(r, "standby") == 0)
			return true;
	}
	return false;
}

static bool
serves(const struct status *st)
{
	return strcmp(st->state, "PRIM") == 0 ||
	    strcmp(st->state, "ALONE") == 0 || strcmp(st->state, "UP") == 0;
}

static void
look_first(const char *module, void *arg)
{
	struct sweep *s = arg;
	struct status *st;

	if (generation_active(module) == 0)
		return;
	s->count++;
	st = status_new();
	if (status_ask(st, module) == -1 || st->is_old) {
		s->stuck++;
		fprintf(stderr, "holdfast: %s: moduled does not answer: what "
		    "becomes of it is not known\n", module);
	} else if (serves(st) && !can_be_taken(st)) {
		s->stuck++;
		fprintf(stderr, "holdfast: %s is %s here, and no other node "
		    "%s: it would be stopped\n", module, st->state,
		    strcmp(st->mode, "farm") == 0 ? "of the farm takes "
		    "clients" : "is a level SECOND that could take its "
		    "place");
	}
	status_free(st);
}

static void
tell_one(const char *module, void *arg)
{
	struct sweep *s = arg;
	struct line_out o;
	int rc;

	if (generation_active(module) == 0)
		return;
	line_begin(&o, "standby");
	line_add(&o, "who", talk_who());
	if (s->c->why != NULL)
		line_add(&o, "why", s->c->why);
	rc = talk(module, "moduled", &o, NULL, NULL);
	if (rc == 0)
		return;
	s->failed++;
	(void)talk_failed(module, "moduled", rc); /* it reads it at start */
}

static void
look_one(const char *module, void *arg)
{
	struct sweep *s = arg;
	struct status *st;
	const struct record *r;
	bool there;

	if (generation_active(module) == 0)
		return;
	st = status_new();
	(void)status_ask(st, module); /* STOP when nobody answers */
	r = status_find(st, "module", NULL);
	if (s->standby)
		there = strcmp(st->state, "STOP") == 0;
	else
		there = !is_word(r, "wish", "start") ||
		    strcmp(st->quality, "Ready") == 0 ||
		    (strcmp(st->quality, "NotReady") == 0 &&
		    strcmp(st->state, "STOP") != 0);
	if (!there) {
		s->open++;
		if (s->tells)
			fprintf(stderr, "holdfast: %s: still %s %s%s\n",
			    module, st->state, st->quality, s->standby &&
			    serves(st) && !can_be_taken(st) ? ": it goes when "
			    "another node can take its place" : "");
	}
	status_free(st);
}

static int
await(struct sweep *s)
{
	struct mono end = { 0 };

	if (s->c->no_wait)
		return 0;
	if (s->c->timeout_ms >= 0)
		end = mono_add_ms(mono_now(), s->c->timeout_ms);
	for (;;) {
		s->open = 0;
		modules_each(look_one, s);
		if (s->open == 0)
			return 0;
		if (mono_passed(end, mono_now()))
			break;
		(void)usleep(POLL_US);
	}
	s->tells = true;
	modules_each(look_one, s);
	return EX_TEMPFAIL;
}

static int
store(const struct sweep *s, bool now)
{
	char path[PATH_LEN], dir[PATH_LEN];
	struct line_out o;
	int rc;

	(void)path_mkdirs(path_state(dir, "%s", ""), 0755); /* said below */
	path_state(path, NODE_FILE);
	if (s->standby) {
		line_begin(&o, "standby");
		line_add_num(&o, "now", now);
		line_add_num(&o, "at", (int64_t)time(NULL));
		line_add(&o, "who", talk_who());
		line_add(&o, "why", s->c->why);
		rc = !line_end(&o) ? -1 : statefile_write(path, o.text,
		    o.len, 0644);
	} else
		rc = unlink(path) == -1 && errno != ENOENT ? -1 :
		    dir_sync(dir);
	if (rc == 0)
		return 0;
	fprintf(stderr, "holdfast: %s: %s\n", path, strerror(errno));
	return EX_IOERR;
}

static int
go_standby(struct sweep *s)
{
	bool now = s->c->yes != NULL;
	int rc;

	if (now && strcmp(s->c->yes, s->node) != 0) {
		fprintf(stderr, "holdfast: --yes %s: is not the name of this "
		    "node, %s\n", s->c->yes, s->node);
		return EX_USAGE;
	}
	modules_each(look_first, s);
	if (s->stuck > 0 && !now) {
		fprintf(stderr, "holdfast: refused; `holdfast node standby "
		    "%s --yes %s' does it all the same\n", s->node, s->node);
		return EXIT_UNSAFE;
	}
	if ((rc = store(s, now)) != 0)
		return rc;
	modules_each(tell_one, s);
	rc = await(s);
	if (rc == 0)
		printf("%s is on standby: it takes no role until `holdfast "
		    "node active'\n", s->node);
	return rc == 0 && s->failed > 0 ? EX_TEMPFAIL : rc;
}

static int
go_active(struct sweep *s)
{
	int rc = store(s, false);

	if (rc != 0)
		return rc;
	modules_each(tell_one, s);
	rc = await(s);
	if (rc == 0)
		printf("%s is active\n", s->node);
	return rc == 0 && s->failed > 0 ? EX_TEMPFAIL : rc;
}

static int
show(const struct sweep *s)
{
	char path[PATH_LEN], *text;
	struct line l;
	const char *why, *who;
	size_t len;

	text = statefile_read(path_state(path, NODE_FILE), LINE_MAX_LEN,
	    &len);
	if (text == NULL && errno == ENOENT) {
		printf("%s is active\n", s->node);
		return 0;
	}
	printf("%s is on standby", s->node);
	if (text != NULL && line_parse(&l, text, strcspn(text, "\n"),
	    &why) == 0 && (who = line_get(&l, "who")) != NULL) {
		why = line_get(&l, "why");
		printf(", by %s%s%s", who, why != NULL && why[0] != '\0' ?
		    ": " : "", why != NULL ? why : "");
	}
	printf("\n");
	free(text);
	return 0;
}

/* The same words on the node that is named. */
static int
run_there(const struct cmd *c)
{
	const char *const word[] = { "node", c->argv[0], c->argv[1] };

	return nodes_run_as(c, c->argv[1], word, 3);
}

/* Which node is meant?  false: *rc says how it ended, there or here. */
static bool
is_here(const struct cmd *c, struct sweep *s, struct cluster *cl, int *rc)
{
	*rc = EX_CONFIG;
	if (cluster_load(cl, NULL) == -1)
		return false;
	s->node = cl->node[cl->self].name;
	if (c->argc < 2 || strcmp(c->argv[1], s->node) == 0)
		return true;
	*rc = EX_USAGE;
	if (cluster_node_index(cl, c->argv[1]) == -1)
		fprintf(stderr, "holdfast: %s is no node of this cluster\n",
		    c->argv[1]);
	else
		*rc = run_there(c);
	return false;
}

int
verb_node(struct cmd *c)
{
	struct cluster *cl = xcalloc(1, sizeof(*cl));
	struct sweep s = { .c = c };
	int rc;

	if (!is_here(c, &s, cl, &rc)) {
		free(cl);
		return rc;
	}
	if (c->argc == 0)
		rc = show(&s);
	else if (strcmp(c->argv[0], "standby") == 0) {
		s.standby = true;
		rc = go_standby(&s);
	} else if (strcmp(c->argv[0], "active") == 0)
		rc = go_active(&s);
	else {
		fprintf(stderr, "usage: holdfast node [standby|active "
		    "[NODE]]\n");
		rc = EX_USAGE;
	}
	free(cl);
	return rc;
}

/* SPDX-License-Identifier: ISC */
/*
 * `cluster fence': would the other node's device do its work?  test asks it;
 * test --power does what the night of a failure will do: cuts the power, looks
 * whether the modules of this node go on alone, and gives the power back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "cluster.h"
#include "cluster-verbs.h"
#include "cmd.h"
#include "fence.h"
#include "modules.h"
#include "status.h"

#define POLL_US		100000
/* Silence, the delay of a secondary, a slow device, a promotion. */
#define GO_ON_MS	120000

struct power_test {
	const struct cluster	*cl;
	unsigned		 node;
	const char		*name;
	bool			 tells;
	unsigned		 unsafe;	/* would stand still */
	unsigned		 open;		/* not alone yet */
};

static int
usage(void)
{
	fprintf(stderr, "usage: holdfast cluster fence list\n"
	    "       holdfast cluster fence test [NODE]\n"
	    "       holdfast cluster fence test NODE --power [--yes NODE]\n");
	return EX_USAGE;
}

static int
list(const struct cluster *cl)
{
	for (unsigned i = 0; i < cl->node_count; i++)
		printf("%-12s %s %s\n", cl->node[i].name,
		    cl->node[i].fence_agent, cl->node[i].fence_options);
	printf("asked every %lld s; an agent has %lld s; who is not primary "
	    "asks %lld.%lld s later\n", (long long)cl->fence_period_ms / 1000,
	    (long long)cl->fence_timeout_ms / 1000,
	    (long long)cl->fence_delay_ms / 1000,
	    (long long)cl->fence_delay_ms % 1000 / 100);
	return 0;
}

/* One question, told; its status, or -1. */
static int
ask(const struct cluster *cl, unsigned node, const char *action)
{
	const char *name = cl->node[node].name;
	bool is_status = strcmp(action, "status") == 0;
	struct agent_answer a;
	int64_t ms;

	fence_ask(cl, node, action, &a, &ms);
	if (a.end == AGENT_EXITED && a.status == AGENT_IS_ON)
		printf("%s: %s after %lld.%lld s\n", name, is_status ?
		    "its device says on" : action, (long long)ms / 1000,
		    (long long)ms % 1000 / 100);
	else if (a.end == AGENT_EXITED && is_status &&
	    a.status == AGENT_IS_OFF)
		printf("%s: its device says off after %lld.%lld s\n", name,
		    (long long)ms / 1000, (long long)ms % 1000 / 100);
	else {
		fprintf(stderr, "holdfast: %s: %s: %s\n", name, action,
		    a.text);
		return -1;
	}
	(void)fflush(stdout);
	return a.status;
}

static int
test_status(const struct cluster *cl, unsigned node)
{
	const char *name = cl->node[node].name;

	switch (ask(cl, node, "status")) {
	case AGENT_IS_ON:
		return 0;
	case AGENT_IS_OFF:
		if (!fence_is_heard(name))
			return 0;
		fprintf(stderr, "holdfast: %s is heard: this is not its "
		    "device, or not its plug\n", name);
		return EX_UNAVAILABLE;
	default:
		fprintf(stderr, "holdfast: %s cannot be fenced from here; see "
		    "holdfast-troubleshooting(7), fence-failed\n", name);
		return EX_UNAVAILABLE;
	}
}

static int
test_all(const struct cluster *cl)
{
	int rc = 0, one;

	for (unsigned i = 0; i < cl->node_count; i++) {
		if ((int)i == cl->self)
			continue;
		one = test_status(cl, i);
		rc = one > rc ? one : rc;
	}
	return rc;
}

/* --- with its power ------------------------------------------------------- */

static const struct record *
node_of(const struct status *st, const char *name)
{
	const struct record *r = NULL;

	while ((r = status_find(st, "node", r)) != NULL)
		if (strcmp(record_get(r, "name"), name) == 0)
			return r;
	return NULL;
}

static bool
is(const struct record *r, const char *key, const char *word)
{
	return strcmp(record_get(r, key), word) == 0;
}

static void
look_before(const char *module, void *arg)
{
	struct power_test *t = arg;
	struct status *st = status_new();
	const struct record *r;

	if (status_ask(st, module) == 0 && !st->is_old &&
	    (r = node_of(st, t->name)) != NULL) {
		if ((is(r, "state", "PRIM") || is(r, "state", "ALONE")) &&
		    (strcmp(st->state, "SECOND") != 0 ||
		    strcmp(st->quality, "Ready") != 0)) {
			fprintf(stderr, "holdfast: %s is %s on %s and %s %s "
			    "here: nobody could take its place\n", module,
			    record_get(r, "state"), t->name, st->state,
			    st->quality);
			t->unsafe++;
		} else if (is(r, "state", "PRIM"))
			printf("%s: comes over to this node\n", module);
	}
	status_free(st);
}

/* What was PRIM or SECOND here must come to be ALONE. */
static void
look_after(const char *module, void *arg)
{
	struct power_test *t = arg;
	struct status *st = status_new();

	if (status_ask(st, module) == 0 && !st->is_old &&
	    node_of(st, t->name) != NULL &&
	    (strcmp(st->state, "PRIM") == 0 ||
	    strcmp(st->state, "SECOND") == 0 ||
	    (strcmp(st->state, "ALONE") == 0 &&
	    strcmp(st->quality, "Ready") != 0))) {
		t->open++;
		if (t->tells)
			fprintf(stderr, "holdfast: %s is %s %s here: `holdfast "
			    "why %s'\n", module, st->state, st->quality,
			    module);
	} else if (t->tells && strcmp(st->state, "ALONE") == 0)
		printf("%s: ALONE here\n", module);
	status_free(st);
}

static bool
confirm(const struct cmd *c, const char *name)
{
	char cost[256], command[CLUSTER_NAME_LEN + 32];

	(void)snprintf(cost, sizeof(cost), "The power of %s will be cut as at "
	    "its failure, and given back when the modules of\nthis node go on "
	    "alone.\n", name);
	(void)snprintf(command, sizeof(command), "fence test %s --power", name);
	return cluster_confirm(c, cost, command, "the name of the node", name);
}

/* Not before: moduled asks for "off" as well, which must not come last. */
static int
wait_alone(struct power_test *t)
{
	struct mono begun = mono_now(), end = mono_add_ms(begun, GO_ON_MS);
	int64_t ms;

	do {
		(void)usleep(POLL_US);
		t->open = 0;
		modules_each(look_after, t);
	} while (t->open > 0 && !mono_passed(end, mono_now()));
	ms = mono_diff_ms(mono_now(), begun);
	t->tells = true;
	t->open = 0;
	modules_each(look_after, t);
	if (t->open > 0)
		return EX_UNAVAILABLE;
	printf("this node goes on after %lld.%lld s\n", (long long)ms / 1000,
	    (long long)ms % 1000 / 100);
	return 0;
}

static int
test_power(const struct cmd *c, const struct cluster *cl, unsigned node)
{
	struct power_test t = { .cl = cl, .node = node,
	    .name = cl->node[node].name };
	int rc;

	if ((int)node == cl->self) {
		fprintf(stderr, "holdfast: %s is this node: run it on "
		    "another\n", t.name);
		return EX_USAGE;
	}
	if ((rc = test_status(cl, node)) != 0)
		return rc;
	modules_each(look_before, &t);
	if (t.unsafe > 0)
		return EXIT_UNSAFE;
	if (!confirm(c, t.name))
		return EXIT_UNSAFE;
	if (ask(cl, node, "off") != 0)
		return EX_UNAVAILABLE;
	rc = ask(cl, node, "status") == AGENT_IS_OFF ? wait_alone(&t) :
	    EX_UNAVAILABLE;
	if (ask(cl, node, "on") != 0 ||
	    ask(cl, node, "status") != AGENT_IS_ON) {
		fprintf(stderr, "holdfast: %s must be switched on by hand\n",
		    t.name);
		return EX_UNAVAILABLE;
	}
	if (rc != 0)
		fprintf(stderr, "holdfast: the test of %s failed\n", t.name);
	return rc;
}

int
cluster_fence(struct cmd *c)
{
	static struct cluster cl;
	int at = -1;

	if (c->argc < 2 || c->argc > 3 || (c->power && c->argc != 3))
		return usage();
	if (cluster_load(&cl, NULL) == -1)
		return EX_CONFIG;
	if (cl.fence_timeout_ms == 0) {
		fprintf(stderr, "holdfast: there is no <fencing> in "
		    "cluster.xml, see cluster.xml(5)\n");
		return EX_CONFIG;
	}
	if (c->argc == 3 && (at = cluster_node_index(&cl, c->argv[2])) == -1) {
		fprintf(stderr, "holdfast: \"%s\" is no node of cluster.xml\n",
		    c->argv[2]);
		return EX_USAGE;
	}
	if (strcmp(c->argv[1], "list") == 0)
		return list(&cl);
	if (strcmp(c->argv[1], "test") != 0)
		return usage();
	if (geteuid() != 0) {
		fprintf(stderr, "holdfast: needs root: the agent does\n");
		return EX_NOPERM;
	}
	if (c->power)
		return test_power(c, &cl, (unsigned)at);
	return at == -1 ? test_all(&cl) : test_status(&cl, (unsigned)at);
}

/* SPDX-License-Identifier: ISC */
/*
 * holdfast farm: who takes how much of a farm's traffic, and the two things
 * one may ask of it: to take a node's new connections away, and what the
 * scripts of a module with scriptcontrol say.
 */
#include "farm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "farm-view.h"
#include "generation.h"
#include "modules.h"
#include "nodes.h"
#include "paths.h"
#include "talk.h"
#include "xalloc.h"

/* A share moves within a few pulses of all nodes. */
#define MOVE_MS		10000
#define POLL_US		100000

static void
on_line(const struct line *l, void *arg)
{
	farm_view_add(arg, l);
}

/* The caller frees; NULL: *rc is the exit status, and why was said. */
static struct farm_view *
ask_farmd(const char *module, int *rc)
{
	struct farm_view *v = xcalloc(1, sizeof(*v));
	struct line_out o;

	line_begin(&o, "status");
	*rc = talk(module, "farmd", &o, on_line, v);
	if (*rc == 0)
		return v;
	*rc = talk_failed(module, "farmd", *rc);
	free(v);
	return NULL;
}

/* 0, or an exit status after saying why it is none. */
static int
check_farm(const char *module)
{
	if (generation_has(module, "farmd.conf"))
		return 0;
	if (!modules_is_installed(module))
		fprintf(stderr, "holdfast: module %s is not installed on "
		    "this node\n", module);
	else if (generation_active(module) == 0)
		fprintf(stderr, "holdfast: %s is not configured: `holdfast "
		    "config %s' first\n", module, module);
	else
		fprintf(stderr, "holdfast: %s is no farm: its "
		    "userconfig.xml has another mode; `holdfast status %s' "
		    "shows it\n", module, module);
	return EX_NOINPUT;
}

static int
show(const char *module, bool json)
{
	struct farm_view *v;
	struct status *st;
	int rc;

	v = ask_farmd(module, &rc);
	if (v == NULL)
		return rc;
	st = status_new();
	(void)status_ask(st, module);	/* without it: farmd's words only */
	farm_view_warnings(v, st, module);
	if (json)
		farm_show_json(v, module, stdout);
	else
		farm_show(v, module, stdout);
	status_free(st);
	free(v);
	return 0;
}

/* --- drain --------------------------------------------------------------- */

/* Has the share gone, or come back?  Only a node that serves has one. */
static bool
is_there(const struct farm_view *v, bool off, int64_t *draining)
{
	const struct farm_node *self = farm_view_self(v);

	if (self == NULL)
		return false;
	*draining = self->draining;
	if (off)
		return strcmp(self->serve, "drain") != 0;
	return farm_node_buckets(v, self) == 0;
}

static int
await(const struct cmd *c, int64_t *draining)
{
	int64_t patience = c->timeout_ms >= 0 ? c->timeout_ms : MOVE_MS;
	struct mono end = mono_add_ms(mono_now(), patience);
	struct farm_view *v;
	bool there;
	int rc;

	for (;;) {
		v = ask_farmd(c->module, &rc);
		if (v == NULL)
			return rc;
		there = is_there(v, c->off, draining);
		free(v);
		if (there)
			return 0;
		if (mono_passed(end, mono_now()))
			break;
		(void)usleep(POLL_US);
	}
	fprintf(stderr, "holdfast: %s: not there after %" PRId64 " ms; the "
	    "wish stands: `holdfast farm %s' shows it\n", c->module, patience,
	    c->module);
	return EX_TEMPFAIL;
}

static int
drain_here(const struct cmd *c, const char *node)
{
	struct line_out o;
	int64_t draining = 0;
	int rc;

	line_begin(&o, "drain");
	line_add_num(&o, "off", c->off);
	line_add(&o, "who", talk_who());
	if (c->why != NULL)
		line_add(&o, "why", c->why);
	if (c->identity != NULL)
		line_add(&o, "i", c->identity);
	rc = talk(c->module, "moduled", &o, NULL, NULL);
	if (rc != 0)
		return talk_failed(c->module, "moduled", rc);
	if (!c->no_wait && (rc = await(c, &draining)) != 0)
		return rc;
	if (c->off)
		printf("%s: %s takes its share again\n", c->module, node);
	else
		printf("%s: %s takes no new connection; %" PRId64 " of those "
		    "it has are left; `holdfast farm %s drain %s --off' ends "
		    "it\n", c->module, node, draining, c->module, node);
	return 0;
}

/* The same words on the node that is named. */
static int
drain_there(const struct cmd *c, const char *node)
{
	const char *const word[] = { "farm", c->module, "drain", node };

	return nodes_run_as(c, node, word, 4);
}

static int
drain(const struct cmd *c)
{
	struct cluster *cl = xcalloc(1, sizeof(*cl));
	const char *node;
	int rc = EX_CONFIG;

	if (cluster_load(cl, NULL) == 0) {
		node = c->argc > 1 ? c->argv[1] : cl->node[cl->self].name;
		if (strcmp(node, cl->node[cl->self].name) == 0) {
			rc = drain_here(c, node);
		} else if (cluster_node_index(cl, node) == -1) {
			fprintf(stderr, "holdfast: %s is no node of this "
			    "cluster\n", node);
			rc = EX_USAGE;
		} else {
			rc = drain_there(c, node);
		}
	}
	free(cl);
	return rc;
}

/* --- scripts ------------------------------------------------------------- */

static int
traffic(const char *module, const char *identity, bool open)
{
	struct line_out o;
	int rc;

	line_begin(&o, "traffic");
	line_add_num(&o, "open", open);
	line_add(&o, "who", talk_who());
	if (identity != NULL)
		line_add(&o, "i", identity);
	rc = talk(module, "moduled", &o, NULL, NULL);
	return rc == 0 ? 0 : talk_failed(module, "moduled", rc);
}

/* Three words, one a kind of group; all of them open, or none. */
static int
set_groups(char **argv)
{
	const char *module = getenv("SAFEMODULE");
	bool open;
	int i;

	if (module == NULL || !module_name_ok(module)) {
		fprintf(stderr, "safekit -r saferpc_send: SAFEMODULE names "
		    "no module: it is called by scripts of a module\n");
		return EX_USAGE;
	}
	for (i = 0; argv[i] != NULL; i++)
		if (strcmp(argv[i], argv[0]) != 0)
			break;
	open = argv[0] != NULL && strcmp(argv[0], "all") == 0;
	if (i == 0 || argv[i] != NULL ||
	    (!open && strcmp(argv[0], "none") != 0)) {
		fprintf(stderr, "safekit -r saferpc_send vipd SETGROUPS: "
		    "allowed: all all all, or none none none; groups are "
		    "opened and closed together\n");
		return EX_USAGE;
	}
	return traffic(module, "script", open);
}

struct shown {
	unsigned	count;
	int		rc;
};

static void
show_if_farm(const char *module, void *arg)
{
	struct shown *s = arg;
	int rc;

	if (!generation_has(module, "farmd.conf"))
		return;
	s->count++;
	rc = show(module, false);
	if (rc != 0)
		s->rc = rc;
}

static int
show_all(void)
{
	const char *module = getenv("SAFEMODULE");
	struct shown s = { 0 };

	if (module != NULL && module_name_ok(module))
		show_if_farm(module, &s);
	else
		modules_each(show_if_farm, &s);
	if (s.count == 0)
		printf("no farm is configured on this node\n");
	return s.rc;
}

int
farm_helper(char **argv)
{
	if (strcmp(argv[0], "vip_if_ctrl") == 0)
		return show_all();
	if (strcmp(argv[0], "saferpc_send") != 0)
		return -1;
	if (argv[1] != NULL && strcmp(argv[1], "vipd") == 0 &&
	    argv[2] != NULL && strcmp(argv[2], "SETGROUPS") == 0)
		return set_groups(argv + 3);
	fprintf(stderr, "safekit -r saferpc_send: only \"vipd SETGROUPS\" is "
	    "known\n");
	return EX_UNAVAILABLE;
}

/* --- the verb ------------------------------------------------------------ */

static int
usage(void)
{
	fprintf(stderr, "usage: holdfast farm MODULE [drain [NODE] [--off]|"
	    "open|close]\n");
	return EX_USAGE;
}

int
verb_farm(struct cmd *c)
{
	const char *what = c->argc > 0 ? c->argv[0] : "";
	bool open = strcmp(what, "open") == 0;
	int rc = check_farm(c->module);

	if (rc != 0)
		return rc;
	if (c->argc == 0)
		return c->off ? usage() : show(c->module, c->json);
	if (!talk_has_role("control")) {
		fprintf(stderr, "holdfast: farm %s needs role control\n",
		    what);
		return EX_NOPERM;
	}
	if (strcmp(what, "drain") == 0)
		return drain(c);
	if (c->argc > 1 || c->off || (!open && strcmp(what, "close") != 0))
		return usage();
	return traffic(c->module, c->identity, open);
}

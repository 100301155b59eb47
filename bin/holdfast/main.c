/* SPDX-License-Identifier: ISC */
/*
 * holdfast: the operator's command.  One table of verbs; the same program
 * is `safekit' for the scripts of modules, and xpathGet and boundcmd in
 * $SAFEBIN.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd.h"
#include "config-tables.h"
#include "farm.h"
#include "helper.h"
#include "log.h"
#include "paths.h"
#include "nodes.h"
#include "talk.h"
#include "xalloc.h"

enum module_need { NO_MODULE, MAY_MODULE, NEEDS_MODULE };

struct verb_row {
	const char		*name;
	const char		*role;		/* least role */
	enum module_need	 module;
	int			 min, max;	/* arguments behind it */
	const char		*options;	/* beside -m -H --json */
	int			(*run)(struct cmd *c);
	const char		*args;
	const char		*help;
};

#define WAITS	"--no-wait --timeout --why -i"

static int verb_help(struct cmd *);

static const struct verb_row verbs[] = {
	{ "status", "monitor", MAY_MODULE, 0, 0, "-q --no-colour",
	    verb_status, "[MODULE]", "state of the modules, by node" },
	{ "state", "monitor", MAY_MODULE, 0, 0, "-q -l -v",
	    verb_state, "[-lq] [MODULE]", "as status; -lq: letter, exit "
	    "status" },
	{ "why", "monitor", NEEDS_MODULE, 0, 0, "--local",
	    verb_why, "MODULE", "how it came to its present state" },
	{ "start", "control", NEEDS_MODULE, 0, 0, WAITS " --yes",
	    verb_act, "MODULE", "start the module on this node" },
	{ "stop", "control", NEEDS_MODULE, 0, 0, WAITS,
	    verb_act, "MODULE", "stop it on this node" },
	{ "forcestop", "control", NEEDS_MODULE, 0, 0, WAITS,
	    verb_act, "MODULE", "stop it without waiting for scripts" },
	{ "restart", "control", NEEDS_MODULE, 0, 0, WAITS,
	    verb_act, "MODULE", "stop and start the application here" },
	{ "stopstart", "control", NEEDS_MODULE, 0, 0, WAITS " --yes",
	    verb_act, "MODULE", "stop and start the module here" },
	{ "swap", "control", NEEDS_MODULE, 0, 1, WAITS,
	    verb_act, "MODULE", "exchange primary and secondary" },
	{ "prim", "admin", NEEDS_MODULE, 0, 1, WAITS " --yes",
	    verb_act, "MODULE", "start as primary: this node has the data" },
	{ "primforce", "admin", NEEDS_MODULE, 0, 0, WAITS " --yes",
	    verb_act, "MODULE", "the same even after an unfinished resync" },
	{ "second", "admin", NEEDS_MODULE, 0, 1, WAITS " --yes",
	    verb_act, "MODULE [fullsync]", "start as secondary" },
	{ "secondforce", "admin", NEEDS_MODULE, 0, 0, WAITS " -d",
	    verb_act, "-d DATE MODULE", "the same with a copy of that date: "
	    "files older than it are not read" },
	{ "farm", "monitor", NEEDS_MODULE, 0, 2, "--off --no-wait --timeout "
	    "--why -i", verb_farm, "MODULE [drain|open|close] [NODE]",
	    "shares of the nodes of a farm" },
	{ "maintain", "control", NEEDS_MODULE, 0, 1, "--for --why",
	    verb_maintain, "MODULE [--for TIME|off]", "no takeover and no "
	    "automatic action for a time" },
	{ "release", "admin", NEEDS_MODULE, 0, 0, WAITS " --yes",
	    verb_release, "MODULE", "plain directories here, to run it by "
	    "hand" },
	{ "freeze", "admin", NEEDS_MODULE, 1, 9999, "--timeout",
	    verb_freeze, "MODULE [--timeout S] -- CMD...", "run CMD while "
	    "writes are held" },
	{ "diverged", "admin", NEEDS_MODULE, 0, 3, "--to --local --yes",
	    verb_diverged, "MODULE [list|show|diff|restore|discard] [EPOCH] "
	    "[PATH]", "what a node wrote alone and gave way with" },
	{ "verify", "control", NEEDS_MODULE, 0, 1, "--repair --no-wait "
	    "--timeout", verb_verify, "MODULE [list|stop]", "compare the two "
	    "nodes; --repair brings over what differs" },
	{ "diff", "monitor", NEEDS_MODULE, 0, 0, "",
	    verb_diff, "MODULE", "what a resync would cost now" },
	{ "snapshot", "admin", NO_MODULE, 0, 2, "--anonymise",
	    verb_snapshot, "[MODULE] [FILE]", "an archive for who helps, "
	    "without key and passwords" },
	{ "node", "admin", NO_MODULE, 0, 2, "--no-wait --timeout --why --yes",
	    verb_node, "[standby|active [NODE]]", "this node gives up its "
	    "roles and takes none" },
	{ "wait", "monitor", NEEDS_MODULE, 1, 1, "--timeout",
	    verb_wait, "MODULE STATE", "wait for STOP, WAIT, ALONE, PRIM, "
	    "SECOND, UP or Ready" },
	{ "waitstart", "monitor", NEEDS_MODULE, 0, 0, "--timeout",
	    verb_wait, "MODULE", "wait until it is started" },
	{ "waitstop", "monitor", NEEDS_MODULE, 0, 0, "--timeout",
	    verb_wait, "MODULE", "wait until it is stopped" },
	{ "waitstate", "monitor", NEEDS_MODULE, 1, 1, "--timeout",
	    verb_wait, "MODULE STATE", "as wait" },
	{ "log", "monitor", NEEDS_MODULE, 0, 0, "-s -A -f",
	    verb_log, "MODULE", "what happened; -f follows" },
	{ "events", "monitor", NEEDS_MODULE, 0, 0, "--timeout",
	    verb_events, "MODULE", "events as they come" },
	{ "get", "monitor", NEEDS_MODULE, 0, 1, "-r",
	    verb_get, "MODULE RESOURCE", "value of a resource" },
	{ "set", "control", NEEDS_MODULE, 0, 2, "-r -v -i -n -l",
	    verb_set, "MODULE RESOURCE VALUE", "set a resource" },
	{ "config", "admin", MAY_MODULE, 0, 0, "--dry-run --rollback",
	    verb_config, "[MODULE]", "make cluster.xml, or userconfig.xml of "
	    "a module, effective" },
	{ "module", "admin", NO_MODULE, 1, 99, "--id --set "
	    "--from --service --dir --vip", verb_module,
	    "new|install|pack|push|list|remove ...", "modules" },
	{ "cluster", "admin", NO_MODULE, 1, 99,
	    "--expires --replace --name --addr --power --yes", verb_cluster,
	    "init|invite|join|push|keys|witness|fence|ports ...",
	    "the cluster" },
	{ "alert", "control", NO_MODULE, 1, 1, "--timeout",
	    verb_alert, "test|list", "run the alert hooks; what was told" },
	{ "upgrade", "admin", NO_MODULE, 0, 0, "--timeout",
	    verb_upgrade, "", "daemons take up programs that were replaced" },
	{ "check", "monitor", MAY_MODULE, 0, 0, "",
	    verb_check, "[MODULE]", "what will hurt, before it does" },
	{ "printi", "control", NEEDS_MODULE, 1, 99, "-i",
	    verb_print, "MODULE TEXT", "a line of information in the log" },
	{ "printw", "control", NEEDS_MODULE, 1, 99, "-i",
	    verb_print, "MODULE TEXT", "a warning in the log" },
	{ "printe", "control", NEEDS_MODULE, 1, 99, "-i",
	    verb_print, "MODULE TEXT", "an error in the log" },
	{ "incloop", "control", NEEDS_MODULE, 0, 0, "-i",
	    verb_loop, "MODULE", "count one error action; 1: limit" },
	{ "checkloop", "monitor", NEEDS_MODULE, 0, 0, "-i",
	    verb_loop, "MODULE", "exit status 1: limit reached" },
	{ "resetloop", "control", NEEDS_MODULE, 0, 0, "-i",
	    verb_loop, "MODULE", "begin to count again" },
	{ "errd", "control", NEEDS_MODULE, 2, 2, "-i",
	    verb_errd, "MODULE enable|disable CLASS", "watch the processes "
	    "of a class of the module's own" },
	{ "help", "monitor", NO_MODULE, 0, 1, "",
	    verb_help, "", "this list" },
	{ NULL, NULL, NO_MODULE, 0, 0, NULL, NULL, NULL, NULL }
};

static void
usage(FILE *out)
{
	const struct verb_row *v;

	fprintf(out, "usage: holdfast [-H NODES] [--json] VERB [MODULE] "
	    "[ARG...]\n\n");
	for (v = verbs; v->name != NULL; v++)
		fprintf(out, "  %-10s %-28s %s\n", v->name, v->args,
		    v->help);
	fprintf(out, "\nOptions of verbs: -m MODULE, --no-wait, "
	    "--timeout S, --why TEXT; see holdfast(8).\n");
}

static const struct verb_row *
find_verb(const char *name)
{
	const struct verb_row *v;

	for (v = verbs; v->name != NULL; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

/* The warning of a module without a third voter leads here. */
static const char witness_text[] =
"Two nodes that lose each other cannot tell a dead machine from a cut cable.\n"
"As long as the heartbeats or the address of a module pass between living\n"
"nodes, one node runs it and nothing acknowledged is lost.  If every network\n"
"is split at once, both may run until they meet.\n\n"
"A witness, the third voter, ends that: a machine that has no data and only\n"
"votes.  Two of three votes let a node be primary; one that is cut off from\n"
"the others stops to serve within the time-out, before the other one begins.\n"
"It must share neither power, switch nor hypervisor with a node.\n\n"
"  on a node:  holdfast cluster witness add w1 ADDRESS[,ADDRESS of lan 2]\n"
"  on w1:      install holdfast-witness, run the line that was printed\n"
"  on a node:  holdfast cluster witness list\n\n"
"Nothing stops meanwhile.  Lost or broken witness, another machine, or an\n"
"old copy of its disk:\n"
"  on a node:  holdfast cluster witness replace w1 [ADDRESS[,ADDRESS]]\n"
"  on w1:      run the line that was printed\n\n"
"An etcd cluster can vote instead: <voters> in cluster.xml(5).  One that is\n"
"gone for good, or made anew without its data:\n"
"  on a node:  holdfast cluster witness remove etcd, or replace etcd\n\n"
"See holdfast-topologies(7); what happens when: holdfast-failures(7).\n";

static int
help_on(const struct verb_row *v)
{
	printf("usage: holdfast %s %s\n%s; options: %s; least role: %s\n",
	    v->name, v->args, v->help, v->options[0] != '\0' ? v->options :
	    "none", v->role);
	return 0;
}

static int
verb_help(struct cmd *c)
{
	const struct verb_row *v;

	if (c->argc == 0) {
		usage(stdout);
		return 0;
	}
	if (strcmp(c->argv[0], "witness") == 0) {
		fputs(witness_text, stdout);
		return 0;
	}
	v = find_verb(c->argv[0]);
	if (v == NULL) {
		fprintf(stderr, "holdfast: there is no help on \"%s\"\n",
		    c->argv[0]);
		return EX_USAGE;
	}
	return help_on(v);
}

/* --- options --------------------------------------------------------- */

struct option_row {
	const char	*name;
	bool		 has_value;
	bool		 is_common;
	void		(*take)(struct cmd *c, const char *value);
};

static void
take_number(long *out, const char *name, const char *text, long min)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end != '\0' || n < min || n > 1000000000)
		fatalx(EX_USAGE, "%s: \"%s\" is no number from %ld", name,
		    text, min);
	*out = n;
}

static void
take_timeout(struct cmd *c, const char *v)
{
	char *end;
	double s = strtod(v, &end);

	if (end == v || *end != '\0' || !(s >= 0 && s < 1e9))
		fatalx(EX_USAGE, "--timeout: \"%s\" is no number of seconds",
		    v);
	c->timeout_ms = (int64_t)(s * 1000);
}

static void
take_service(struct cmd *c, const char *v)
{
	if (c->service_count == SERVICE_MAX)
		fatalx(EX_USAGE, "--service: at most %d", SERVICE_MAX);
	c->service[c->service_count++] = v;
}

static void
take_set(struct cmd *c, const char *v)
{
	if (c->set_count == SET_MAX)
		fatalx(EX_USAGE, "--set: at most %d", SET_MAX);
	c->set[c->set_count++] = v;
}

static void
take_addr(struct cmd *c, const char *v)
{
	if (c->addr_count == SET_MAX)
		fatalx(EX_USAGE, "--addr: at most %d", SET_MAX);
	c->addr[c->addr_count++] = v;
}

#define FLAG(fn, field) \
	static void fn(struct cmd *c, const char *v) \
	{ (void)v; c->field = true; }
#define WORD(fn, field) \
	static void fn(struct cmd *c, const char *v) { c->field = v; }

FLAG(take_json, json)
FLAG(take_quiet, quiet)
FLAG(take_no_wait, no_wait)
FLAG(take_dry_run, dry_run)
FLAG(take_rollback, rollback)
FLAG(take_follow, follow)
FLAG(take_all, all)
FLAG(take_no_log, no_log)
FLAG(take_letter, letter)
FLAG(take_no_colour, no_colour)
FLAG(take_local, local)
FLAG(take_anonymise, anonymise)
FLAG(take_off, off)
FLAG(take_power, power)
FLAG(take_repair, repair)
WORD(take_nodes, nodes)
WORD(take_module, module)
WORD(take_why, why)
WORD(take_identity, identity)
WORD(take_from, from)
WORD(take_dir, dir)
WORD(take_vip, vip)
WORD(take_resource, resource)
WORD(take_yes, yes)
WORD(take_expires, expires)
WORD(take_replace, replace)
WORD(take_name, name)
WORD(take_span, span)
WORD(take_date, date)
WORD(take_to, to)

static void
take_lines(struct cmd *c, const char *v)
{
	take_number(&c->lines, "-s", v, 0);
}

static void
take_id(struct cmd *c, const char *v)
{
	take_number(&c->id, "--id", v, 1);
}

static const struct option_row options[] = {
	{ "-m",		true,	true,	take_module },
	{ "--module",	true,	true,	take_module },
	{ "-H",		true,	true,	take_nodes },
	{ "--json",	false,	true,	take_json },
	{ "-q",		false,	false,	take_quiet },
	{ "-l",		false,	false,	take_letter },
	{ "-v",		false,	false,	NULL },		/* see below */
	{ "-r",		true,	false,	take_resource },
	{ "-i",		true,	false,	take_identity },
	{ "-n",		false,	false,	take_no_log },
	{ "-s",		true,	false,	take_lines },
	{ "-A",		false,	false,	take_all },
	{ "-f",		false,	false,	take_follow },
	{ "--no-wait",	false,	false,	take_no_wait },
	{ "--no-colour", false,	false,	take_no_colour },
	{ "--local",	false,	false,	take_local },
	{ "--anonymise", false,	false,	take_anonymise },
	{ "--off",	false,	false,	take_off },
	{ "--power",	false,	false,	take_power },
	{ "--repair",	false,	false,	take_repair },
	{ "--timeout",	true,	false,	take_timeout },
	{ "--why",	true,	false,	take_why },
	{ "--yes",	true,	false,	take_yes },
	{ "--for",	true,	false,	take_span },
	{ "-d",		true,	false,	take_date },
	{ "--to",	true,	false,	take_to },
	{ "--dry-run",	false,	false,	take_dry_run },
	{ "--rollback",	false,	false,	take_rollback },
	{ "--id",	true,	false,	take_id },
	{ "--set",	true,	false,	take_set },
	{ "--from",	true,	false,	take_from },
	{ "--service",	true,	false,	take_service },
	{ "--dir",	true,	false,	take_dir },
	{ "--vip",	true,	false,	take_vip },
	{ "--expires",	true,	false,	take_expires },
	{ "--replace",	true,	false,	take_replace },
	{ "--name",	true,	false,	take_name },
	{ "--addr",	true,	false,	take_addr },
	{ NULL, false, false, NULL }
};

static const struct option_row *
find_option(const char *name, size_t len, const struct verb_row *v)
{
	const struct option_row *o;
	char word[32];

	if (len >= sizeof(word))
		return NULL;
	memcpy(word, name, len);
	word[len] = '\0';
	for (o = options; o->name != NULL; o++)
		if (strcmp(o->name, word) == 0)
			break;
	if (o->name == NULL)
		return NULL;
	return o->is_common || (v != NULL &&
	    value_is_word(word, v->options)) ? o : NULL;
}

/*
 * One option at argv[i]; the index behind it, or -1 when it is none we know.
 * -v takes a value only where -r is allowed too (set -v up).
 */
static int
take_option(struct cmd *c, const struct verb_row *v, char **argv, int i)
{
	const struct option_row *o;
	const char *arg = argv[i], *eq;
	size_t len = strcspn(arg, "=");

	if (strcmp(arg, "-lq") == 0 || strcmp(arg, "-ql") == 0) {
		c->quiet = c->letter = true;
		return v != NULL && strchr(v->options, 'l') != NULL ?
		    i + 1 : -1;
	}
	eq = arg[1] == '-' && arg[len] == '=' ? arg + len + 1 : NULL;
	o = find_option(arg, eq != NULL ? len : strlen(arg), v);
	if (o == NULL)
		return -1;
	if (strcmp(o->name, "-v") == 0) {
		if (strcmp(v->name, "set") != 0)
			return i + 1;
		if (argv[i + 1] == NULL)
			return -1;
		c->value = argv[i + 1];
		return i + 2;
	}
	if (!o->has_value) {
		o->take(c, NULL);
		return i + 1;
	}
	if (eq == NULL && argv[i + 1] == NULL)
		fatalx(EX_USAGE, "%s: a value is missing", o->name);
	o->take(c, eq != NULL ? eq : argv[i + 1]);
	return eq != NULL ? i + 1 : i + 2;
}

/* --- the call -------------------------------------------------------- */

/*
 * The module: -m, else the first word; else $SAFEMODULE, when the words are
 * just as many as the verb wants, or a script calls us as safekit.
 */
static void
find_module(struct cmd *c, const struct verb_row *v)
{
	const char *env = getenv("SAFEMODULE");
	bool enough;

	if (env != NULL && env[0] == '\0')
		env = NULL;
	if (v->module == NO_MODULE)
		return;
	/* get and set may have their words as options too. */
	enough = c->argc <= v->min || (value_is_word("-r", v->options) &&
	    c->argc == v->max);
	if (c->module == NULL && env != NULL &&
	    (c->as_safekit || enough) && v->module == NEEDS_MODULE)
		c->module = env;
	if (c->module == NULL && c->argc > 0) {
		c->module = c->argv[0];
		c->argv++;
		c->argc--;
	}
	if (c->module == NULL && v->module == NEEDS_MODULE) {
		fprintf(stderr, "usage: holdfast %s %s\n", v->name, v->args);
		exit(EX_USAGE);
	}
	if (c->module != NULL && !module_name_ok(c->module))
		fatalx(EX_USAGE, "\"%s\" is no module name; allowed: up to "
		    "%d letters, digits, _ and -", c->module,
		    MODULE_NAME_MAX);
}

/* Verbs of the reference that are not here: the module's log says so too,
 * since the script that called may throw our words away. */
static int
unknown_verb(const struct cmd *c, const char *name)
{
	const char *module = c->module != NULL ? c->module :
	    getenv("SAFEMODULE");
	struct line_out o;

	fprintf(stderr, "%s: verb \"%s\" is not known; `holdfast help' lists "
	    "all\n", c->as_safekit ? "safekit" : "holdfast", name);
	if (c->as_safekit && module != NULL && module_name_ok(module)) {
		line_begin(&o, "print");
		line_add(&o, "level", "E");
		line_addf(&o, "text", "safekit %s is not known to Holdfast: "
		    "a script of the module needs it", name);
		line_add(&o, "i", "safekit");
		(void)talk(module, "moduled", &o, NULL, NULL);
		return EX_UNAVAILABLE;
	}
	return c->as_safekit ? EX_UNAVAILABLE : EX_USAGE;
}

/* safekit -p, and the hidden ways to print the tables. */
static int
special_option(struct cmd *c, char **argv)
{
	int rc;

	if (strcmp(argv[1], "--tables") == 0 && argv[2] != NULL) {
		bool is_safe = strstr(argv[2], "cluster") == NULL;
		const struct schema *s = is_safe ? schema_safe() :
		    schema_cluster();

		if (strstr(argv[2], ".rng") != NULL)
			schema_print_rng(s, stdout);
		else
			schema_print_mdoc(s, stdout);
		return 0;
	}
	if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)
		return verb_help(c);
	if (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0) {
		printf("holdfast " HF_VERSION "\n");
		return 0;
	}
	if (c->as_safekit && strcmp(argv[1], "-p") == 0)
		return helper_print_env();
	if (c->as_safekit && strcmp(argv[1], "-r") == 0 && argv[2] != NULL) {
		rc = farm_helper(argv + 2);
		return rc != -1 ? rc : helper_run(argv + 2);
	}
	return -1;
}

/*
 * remoted runs us for somebody of another node: his role is said there, and
 * is looked at here.
 */
static bool
role_is_enough(const struct verb_row *v)
{
	if (talk_has_role(v->role))
		return true;
	fprintf(stderr, "holdfast: %s needs role %s; %s has role %s\n",
	    v->name, v->role, talk_who(), getenv("HOLDFAST_ROLE"));
	return false;
}

/* The words as they were typed; NULL is where -H and its value were. */
static int
run_remote(const struct cmd *c, int argc, char *const *typed)
{
	struct nodes_run r = {
		.nodes = c->nodes, .input_fd = -1, .json = c->json,
		.follow = c->follow || strcmp(c->verb, "events") == 0,
	};
	int i, rc;

	r.argv = xcalloc((size_t)argc, sizeof(*r.argv));
	for (i = 1; i < argc; i++)
		if (typed[i] != NULL)
			r.argv[r.argc++] = typed[i];
	rc = nodes_run(&r);
	free(r.argv);
	return rc;
}

static bool
knows_nodes_itself(const struct cmd *c)
{
	return strcmp(c->verb, "module") == 0 &&
	    strcmp(c->argv[0], "push") == 0;
}

static int
run_verb(struct cmd *c, const struct verb_row *v, int argc,
    char *const *typed)
{
	find_module(c, v);
	if (c->argc < v->min || c->argc > v->max) {
		fprintf(stderr, "usage: holdfast %s %s\n", v->name, v->args);
		return EX_USAGE;
	}
	c->verb = v->name;
	if (!role_is_enough(v))
		return EX_NOPERM;
	if (c->nodes != NULL && !knows_nodes_itself(c))
		return run_remote(c, argc, typed);
	return v->run(c);
}

static int
run(struct cmd *c, int argc, char **argv, char **typed)
{
	const struct verb_row *v = NULL;
	const char *name = NULL;
	int i = 1, next, words = 1;
	bool text_only = false;

	/* Words move to the front of argv, options are taken out. */
	while (i < argc) {
		if (!text_only && v != NULL &&
		    strcmp(argv[i], "--help") == 0)
			return help_on(v);
		if (!text_only && strcmp(argv[i], "--") == 0) {
			text_only = true;
			i++;
		} else if (!text_only && argv[i][0] == '-' &&
		    argv[i][1] != '\0') {
			next = name != NULL && v == NULL ? i + 1 :
			    take_option(c, v, argv, i);
			if (next == -1) {
				fprintf(stderr, "holdfast: option %s is not "
				    "known%s%s; see `holdfast help'\n",
				    argv[i], v != NULL ? " to " : "",
				    v != NULL ? v->name : "");
				return EX_USAGE;
			}
			/* Not sent on; -H behind -- or as a value is. */
			if (strcmp(argv[i], "-H") == 0)
				typed[i] = typed[i + 1] = NULL;
			i = next;
		} else if (name == NULL) {
			name = argv[i++];
			v = find_verb(name);
		} else {
			argv[words++] = argv[i++];
		}
	}
	if (name == NULL) {
		usage(stderr);
		return EX_USAGE;
	}
	c->argv = argv + 1;
	c->argc = words - 1;
	return v == NULL ? unknown_verb(c, name) :
	    run_verb(c, v, argc, typed);
}

int
main(int argc, char **argv)
{
	struct cmd c = { .timeout_ms = -1, .lines = -1 };
	const char *base = strrchr(argv[0], '/');
	char **typed;
	int rc;

	base = base != NULL ? base + 1 : argv[0];
	log_init("holdfast", false);
	if (strcmp(base, "xpathGet") == 0)
		return helper_xpath_get(argc, argv);
	if (strcmp(base, "boundcmd") == 0)
		return helper_boundcmd(argc, argv);
	/* remoted knows us by the same link, and calls us holdfast. */
	c.as_safekit = strcmp(base, "safekit") == 0;
	if (argc < 2) {
		usage(stderr);
		return EX_USAGE;
	}
	rc = special_option(&c, argv);
	if (rc == -1) {
		typed = xcalloc((size_t)argc, sizeof(*typed));
		memcpy(typed, argv, (size_t)argc * sizeof(*typed));
		rc = run(&c, argc, argv, typed);
		free(typed);
	}
	if (fflush(stdout) == EOF)
		return EX_IOERR;
	return rc;
}

/* SPDX-License-Identifier: ISC */
/*
 * moduled(8): what this node should be now, for one module.  States wishes
 * to mirrord, vipd and the scripts, reads their facts, and shows its own to
 * the peer; never commands the peer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "paths.h"
#include "xalloc.h"

#include "events.h"
#include "failover.h"
#include "farm.h"
#include "evidence.h"
#include "hold.h"
#include "moduled-conf.h"
#include "moduled.h"
#include "standing.h"
#include "voters.h"

static cfg_opt_t var_opts[] = { MODULED_VAR_OPTS };
static cfg_opt_t rule_opts[] = { MODULED_RULE_OPTS };
static cfg_opt_t voter_opts[] = { MODULED_VOTER_OPTS };
static cfg_opt_t etcd_opts[] = { MODULED_ETCD_OPTS };
static cfg_opt_t fencing_opts[] = { MODULED_FENCING_OPTS };
static cfg_opt_t splitbrain_opts[] = { MODULED_SPLITBRAIN_OPTS };
static cfg_opt_t opts[] = {
	MODULED_OPTS(var_opts, rule_opts, voter_opts, etcd_opts,
	    fencing_opts, splitbrain_opts)
};

static int
check_rules(cfg_t *cfg)
{
	const char *text, *end;
	char why[128];
	struct expr *e;
	unsigned i;
	int bad = 0;

	for (i = 0; i < cfg_size(cfg, "rule"); i++) {
		cfg_t *sec = cfg_getnsec(cfg, "rule", i);

		bad += conf_check_int(sec, "handle_ms", 0, 3600000);
		bad += conf_check_word(sec, "then",
		    "stop wait stopstart swap restart");
		text = cfg_getstr(sec, "if");
		e = expr_parse(text, &end, why, sizeof(why));
		if (e == NULL || *end != '\0') {
			cfg_error(sec, "rule %s: if: %s at \"%s\"",
			    cfg_title(sec), e == NULL ? why : "ends early",
			    end);
			bad++;
		}
		expr_free(e);
	}
	return bad;
}

static int
check(cfg_t *cfg)
{
	int bad = 0;

	bad += conf_check_word(cfg, "mode", "mirror farm light");
	bad += conf_check_word(cfg, "boot", "on off auto ignore");
	bad += conf_check_word(cfg, "logging", "userlog none");
	bad += conf_check_int(cfg, "id", 1, 65535);
	bad += conf_check_int(cfg, "node_id", 1, 255);
	bad += conf_check_int(cfg, "peer_id", 0, 255);
	bad += conf_check_int(cfg, "pulse_ms", 1, 60000);
	bad += conf_check_int(cfg, "timeout_ms", 10, 3600000);
	bad += conf_check_int(cfg, "stall_ms", 10, 3600000);
	bad += conf_check_int(cfg, "fencehold_ms", 0, 3600000);
	bad += conf_check_int(cfg, "startgrace_ms", 0, 3600000);
	bad += conf_check_int(cfg, "handle_ms", 0, 3600000);
	bad += conf_check_int(cfg, "period_ms", 1, 3600000);
	bad += conf_check_int(cfg, "maxloop", 0, 1000000);
	bad += conf_check_int(cfg, "loop_interval_s", 0, 31536000);
	bad += conf_check_int(cfg, "boot_delay_s", 0, 86400);
	bad += conf_check_int(cfg, "stopdrain_ms", 0, 86400000);
	bad += conf_check_int(cfg, "nicestop_ms", 0, 86400000);
	bad += conf_check_int(cfg, "forcestop_ms", 0, 86400000);
	bad += conf_check_int(cfg, "userlogsize", 0, 1048576);
	if (cfg_getstr(cfg, "node")[0] == '\0') {
		cfg_error(cfg, "node: is empty: a node's name is needed");
		bad++;
	}
	bad += check_rules(cfg);
	bad += evidence_check(cfg);
	if (cfg_size(cfg, "lans") > LAN_MAX || cfg_size(cfg, "wait_on") +
	    cfg_size(cfg, "stopstart_on") + cfg_size(cfg, "rule") > RULE_MAX ||
	    cfg_size(cfg, "var") > VAR_MAX) {
		cfg_error(cfg, "more than %d lans, %d rules or %d "
		    "variables", LAN_MAX, RULE_MAX, VAR_MAX);
		bad++;
	}
	return bad;
}

static void
read_conf(struct moduled *md)
{
	cfg_t *cfg = md->d->conf;
	struct decide_conf *c = &md->conf;
	unsigned i, len = 0;
	int64_t t = cfg_getint(cfg, "timeout_ms");

	c->module = md->name;
	c->node = cfg_getstr(cfg, "node");
	c->peer = cfg_getstr(cfg, "peer");
	c->node_id = (uint8_t)cfg_getint(cfg, "node_id");
	c->peer_id = (uint8_t)cfg_getint(cfg, "peer_id");
	c->timeout_ms = t;
	c->probe_gap_ms = t / 10 > 5 ? t / 10 : 5;	/* G */
	c->pulse_ms = cfg_getint(cfg, "pulse_ms");
	c->stall_ms = cfg_getint(cfg, "stall_ms");
	c->fencehold_ms = cfg_getint(cfg, "fencehold_ms");
	c->startgrace_ms = cfg_getint(cfg, "startgrace_ms");
	c->failover = cfg_getbool(cfg, "failover");
	c->syncdelta_s = cfg_getint(cfg, "syncdelta_s");
	(void)when_parse(&md->sync.when, cfg_getstr(cfg, "syncat"));
	c->syncat = md->sync.when.is_on;
	c->vip = cfg_getbool(cfg, "vip");
	c->defaultprim = cfg_getstr(cfg, "defaultprim");
	c->addresses = md->addresses;
	log_context(c->node, NULL);
	md->rfs = cfg_getbool(cfg, "rfs");
	md->handle_ms = cfg_getint(cfg, "handle_ms");
	for (i = 0; i < cfg_size(cfg, "addresses") &&
	    len < sizeof(md->addresses); i++)
		len += (unsigned)snprintf(md->addresses + len,
		    sizeof(md->addresses) - len, "%s%s", i > 0 ? ", " : "",
		    cfg_getnstr(cfg, "addresses", i));
	md->lan_count = cfg_size(cfg, "lans");
	for (i = 0; i < md->lan_count; i++)
		md->lan[i].name = cfg_getnstr(cfg, "lans", i);
}

static void
read_scripts(struct moduled *md)
{
	cfg_t *cfg = md->d->conf, *var;
	const char *dir = cfg_getstr(cfg, "scriptdir");
	char path[PATH_LEN];
	unsigned i, n = cfg_size(cfg, "var");

	for (i = 0; i < n; i++) {
		var = cfg_getnsec(cfg, "var", i);
		md->env[i] = xasprintf("%s=%s", cfg_title(var),
		    cfg_getstr(var, "value"));
	}
	md->scripts_conf = (struct scripts_conf){ .module = md->name,
	    .dir = xstrdup(dir[0] != '\0' ? dir : path_state(path,
	    "%s/config/active/bin", md->name)),
	    .enabled = cfg_getbool(cfg, "scripts"),
	    .nice_ms = cfg_getint(cfg, "nicestop_ms"),
	    .force_ms = cfg_getint(cfg, "forcestop_ms"), .env = md->env };
}

/* --- scripts -------------------------------------------------------------- */

static void
script_begins(const char *script, bool force, void *arg)
{
	struct moduled *md = arg;

	md->script_wall_s = wall_now();
	md->complaint[0] = '\0';
	events_add(JE_SCRIPT_BEGIN, "script", "Script %s%s", script,
	    force ? " force" : "");
}

static void
script_ended(const char *script, enum script_end end, const char *text,
    void *arg)
{
	struct moduled *md = arg;
	char refused[FACT_TEXT];

	if (end == SE_OK) {
		events_add(JE_SCRIPT_END, "script", "Script %s %s", script,
		    text);
		return;
	}
	events_add(JE_SCRIPT_FAILED, "script", "Script %s %s", script, text);
	(void)snprintf(md->warning, sizeof(md->warning), "script %s %s%s%s",
	    script, text, md->complaint[0] != '\0' ? ": " : "",
	    md->complaint);
	/* A script that hangs is a failure of the application. */
	if (end == SE_TIMEOUT && strncmp(script, "start_", 6) == 0 &&
	    md->wish.start)
		(void)action_take(md, "stopstart", script, script, text,
		    refused, sizeof(refused));
}

static void
script_changed(void *arg)
{
	moduled_think(arg);
}

/* --- life ----------------------------------------------------------------- */

static void
on_wake(void *arg)
{
	moduled_think(arg);
}

/* The wish of before the boot, as the module's boot setting has it. */
static void
boot_wish(struct moduled *md)
{
	const char *boot = cfg_getstr(md->d->conf, "boot");
	char path[PATH_LEN];

	if (md->wish.resume)
		md->wish.start = true;
	md->wish.resume = false;
	if (access(path_run(path, "%s/state", md->name), F_OK) == 0)
		return;
	if (strcmp(boot, "on") == 0)
		md->wish.start = true;
	else if (strcmp(boot, "off") == 0)
		md->wish.start = false;
	else if (md->wish.again)
		md->wish.start = true;
	md->wish.again = false;
	md->boot_until = mono_add_ms(mono_now(), 1000 *
	    (int64_t)cfg_getint(md->d->conf, "boot_delay_s"));
}

static void
start(struct daemon *d)
{
	static const struct scripts_calls calls = { script_begins,
	    script_ended, script_changed };
	struct moduled *md = xcalloc(1, sizeof(*md));
	char path[PATH_LEN];

	d->state = md;
	md->d = d;
	md->name = d->module;
	machine_init(&md->m);
	read_conf(md);
	if (strcmp(cfg_getstr(d->conf, "mode"), "mirror") != 0)
		md->farm = farm_new(md);
	if (md->farm != NULL)
		md->v.farm = &md->farm->view;
	failover_read(md);
	read_scripts(md);
	if (path_mkdirs(path_state(path, "%s", md->name), 0755) != 0 ||
	    path_mkdirs(path_run(path, "%s", md->name), 0755) != 0)
		fatal("%s", path);
	events_open(md->name, d->serve);
	wish_load(&md->wish, md->name);
	boot_wish(md);
	standing_read_node(md);
	standing_take_left(md);
	md->scripts = scripts_new(d->loop, &md->scripts_conf, &calls, md);
	md->wake = loop_timer_new(d->loop, on_wake, md);
	moduled_take_up(md);
	failover_restore(md);
	links_open(md);
	if (md->farm == NULL)
		md->voters = voters_open(md);
	hold_open(md);
	evidence_open(md);
	if (cfg_getbool(d->conf, "checks"))
		checks_open(md);
	if (md->farm != NULL)
		farm_open(md);
	else if (md->rfs)
		mirror_open(md);
	else
		record_open(md);
	md->started = true;
	moduled_think(md);
	status_show(md);
}

static void
finish(struct daemon *d)
{
	struct moduled *md = d->state;

	links_close(md);
	evidence_close(md);
	checks_close(md);
	if (md->farm != NULL)
		farm_close(md);
	if (md->mirror != NULL)
		ask_free(md->mirror);
	voters_close(md->voters);
	hold_close(md);
	scripts_free(md->scripts);
}

int
main(int argc, char **argv)
{
	static const struct daemon_spec spec = {
		.name = "moduled",
		.summary = "decides what this node is, for one module",
		.has_module = true,
		.no_keep = true,
		.opts = opts,
		.check = check,
		.verbs = moduled_verbs,
		.start = start,
		.finish = finish,
	};

	return daemon_main(&spec, argc, argv);
}

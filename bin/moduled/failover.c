/* SPDX-License-Identifier: ISC */
/*
 * The failover machine of the daemon: the rules of the configuration and the
 * built-in ones over the resources of this node and of the other, and what
 * is done when one of them is due.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "log.h"
#include "paths.h"
#include "statefile.h"
#include "xalloc.h"

#include "events.h"
#include "failover.h"
#include "farm.h"
#include "moduled.h"
#include "phase.h"
#include "standing.h"

#define SET_FILE_MAX	(64 * 1024)
/* How a rule is named where an action says who wanted it. */
#define RULE_IDENTITY	"failover rule %s"

/* --- reading --------------------------------------------------------- */

static void
add_rule(struct moduled *md, const struct rule *from, const char *cond)
{
	char why[128];
	const char *end;
	struct rule *r = &md->rule[md->rule_count];

	*r = *from;
	r->cond = expr_parse(cond, &end, why, sizeof(why));
	if (r->cond == NULL)	/* a name the language has no word for */
		log_warnx("rule %s: %s: %s: left out", r->label, cond, why);
	else
		md->rule_count++;
}

/* Those of the addresses and their links. */
static void
read_list(struct moduled *md, const char *option, const char *label,
    enum rule_action action)
{
	cfg_t *cfg = md->d->conf;
	struct rule r = { .label = label, .action = action, .services = "",
	    /* Where the address is not to be, its absence is no failure. */
	    .phase = action == RA_STOPSTART ? PH_PRIM : 0,
	    .handle_ms = cfg_getint(cfg, "handle_ms") };
	unsigned i;
	char *cond;

	for (i = 0; i < cfg_size(cfg, option); i++) {
		cond = xasprintf("%s == down", cfg_getnstr(cfg, option, i));
		add_rule(md, &r, cond);
		free(cond);
	}
}

void
failover_read(struct moduled *md)
{
	cfg_t *cfg = md->d->conf;
	unsigned i;

	read_list(md, "wait_on", "interface_failure", RA_WAIT);
	read_list(md, "stopstart_on", "ip_failure", RA_STOPSTART);
	for (i = 0; i < cfg_size(cfg, "rule"); i++) {
		cfg_t *sec = cfg_getnsec(cfg, "rule", i);
		struct rule r = {
			.label = cfg_title(sec),
			.action = rule_action_parse(cfg_getstr(sec, "then")),
			.handle_ms = cfg_getint(sec, "handle_ms"),
			.phase = phase_parse(cfg_getstr(sec, "when")),
			.of_checks = cfg_getbool(cfg, "checks"),
			.services = cfg_getstr(sec, "services"),
		};

		add_rule(md, &r, cfg_getstr(sec, "if"));
	}
}

/* --- looking --------------------------------------------------------- */

static bool
get_local(struct moduled *md, unsigned i, const char **name,
    const char **value)
{
	const struct peer_facts *p = &md->v.peer;
	bool heard = p->net == NET_UP && p->has_blob;

	if (i < md->res.count) {
		*name = md->res.r[i].name;
		*value = md->res.r[i].value;
		return true;
	}
	switch (i - md->res.count) {
	case 0:
		*name = "state.local";
		*value = state_name(md->m.state);
		return true;
	case 1:
		*name = "state.remote";
		*value = heard ? state_name(p->state) : "unknown";
		return true;
	default:
		return false;
	}
}

static bool
get(bool remote, unsigned i, const char **name, const char **value,
    void *arg)
{
	struct moduled *md = arg;

	if (!remote)
		return get_local(md, i, name, value);
	if (md->v.peer.net != NET_UP || !md->v.peer.has_blob) {
		*name = "";
		*value = NULL;
		return i == 0;
	}
	if (i >= md->v.peer.res_count)
		return false;
	*name = md->v.peer.res[i].name;
	*value = md->v.peer.res[i].value;
	return true;
}

/* Is it one that the other node asks for?  It has the same rules. */
static bool
is_asked(const struct moduled *md, const char *name)
{
	cfg_t *cfg = md->d->conf;
	size_t len;
	unsigned i;

	for (i = 0; i < cfg_size(cfg, "remote"); i++) {
		const char *word = cfg_getnstr(cfg, "remote", i);

		if (strcmp(word, name) == 0)
			return true;
		len = strlen(word) - 1;
		if ((word[len] == '*' || word[len] == '?') &&
		    strncmp(word, name, len) == 0)
			return true;
	}
	return false;
}

void
failover_publish(struct moduled *md, struct peer_facts *blob)
{
	unsigned i, n = 0;

	for (i = 0; i < md->res.count && n < FACT_RES_MAX; i++) {
		const struct resource *r = &md->res.r[i];

		if (!is_asked(md, r->name) ||
		    strlen(r->name) >= FACT_RES_NAME ||
		    strlen(r->value) >= FACT_RES_VALUE)
			continue;
		(void)snprintf(blob->res[n].name, FACT_RES_NAME, "%s",
		    r->name);
		(void)snprintf(blob->res[n++].value, FACT_RES_VALUE, "%s",
		    r->value);
	}
	blob->res_count = n;
}

static const char *
explain(struct moduled *md, const struct rule *r, char buf[FACT_TEXT])
{
	const struct expr_world world = { get, md };
	const struct resource *res;
	const char *name;
	bool remote;
	size_t len;

	expr_explain(r->cond, &world, buf, FACT_TEXT);
	/* What was seen, where one resource is the whole condition. */
	if (expr_resource(r->cond, 1, &remote, &name) ||
	    !expr_resource(r->cond, 0, &remote, &name) || remote)
		return buf;
	res = resource_find(&md->res, name);
	len = strlen(buf);
	if (res != NULL && res->text[0] != '\0' && len < FACT_TEXT)
		(void)snprintf(buf + len, FACT_TEXT - len, ": %s",
		    res->text);
	return buf;
}

/* `class.id == down' and nothing else: its name, or NULL. */
static const char *
only_resource(const struct rule *r)
{
	char text[EXPR_WORD + 16];
	const char *name;
	bool remote;

	if (!expr_resource(r->cond, 0, &remote, &name) || remote ||
	    !expr_text(r->cond, text, sizeof(text)))
		return NULL;
	return strncmp(text, name, strlen(name)) == 0 &&
	    strcmp(text + strlen(name), " == down") == 0 ? name : NULL;
}

static bool
is_running(const struct moduled *md)
{
	return md->m.state == ST_ALONE || md->m.state == ST_PRIM ||
	    md->m.state == ST_SECOND || md->m.state == ST_UP;
}

/* The module stops for a rule, and waits: that counts, too. */
static void
count_wait(struct moduled *md, const struct rule *r, const char *why)
{
	char identity[FACT_TEXT], text[FACT_TEXT];

	(void)snprintf(identity, sizeof(identity), RULE_IDENTITY, r->label);
	(void)action_take(md, "wait", "moduled", identity, why, text,
	    sizeof(text));
}

static void
look_wait(struct moduled *md)
{
	const struct rule *r = rules_due(md->rule, md->rule_count, RA_WAIT,
	    md->v.now);
	const char *name;
	char why[FACT_TEXT] = "";

	/* Who waits goes on waiting, and who runs goes on running. */
	if (standing_suspends(md))
		return;
	if (r != NULL)
		(void)explain(md, r, why);
	if (r != NULL && !md->v.rule_wait) {
		events_add(JE_RULE, "moduled", "Action wait from failover rule "
		    "%s (%s)", r->label, why);
		if (is_running(md) && md->wish.start)
			count_wait(md, r, why);
	} else if (r == NULL && md->v.rule_wait)
		events_add(JE_RULE, "moduled", "Action wakeup from failover "
		    "rule Implicit_wakeup");
	md->v.rule_wait = r != NULL;
	if (r == NULL)
		return;
	name = only_resource(r);
	md->v.rule_reason = name != NULL ? RS_RESOURCE : RS_RULE;
	if (name != NULL)
		(void)snprintf(md->v.rule_name, sizeof(md->v.rule_name),
		    "%s", name);
	else
		(void)snprintf(md->v.rule_name, sizeof(md->v.rule_name),
		    "%.60s: %.190s", r->label, why);
}

/* A rule may keep it in WAIT: not before what it asks is known. */
static void
look_await(struct moduled *md)
{
	cfg_t *cfg = md->d->conf;
	const struct resource *r;
	unsigned i;

	md->v.rule_init[0] = '\0';
	for (i = 0; i < cfg_size(cfg, "await"); i++) {
		r = resource_find(&md->res, cfg_getnstr(cfg, "await", i));
		if (r != NULL && strcmp(r->value, "init") != 0 &&
		    (md->checks_fresh || r->by_set))
			continue;
		(void)snprintf(md->v.rule_init, sizeof(md->v.rule_init),
		    "%s", cfg_getnstr(cfg, "await", i));
		return;
	}
}

/*
 * A checker's own rule that holds will restart or stop the application when
 * it has held for long enough: till then a farm sends the clients elsewhere.
 */
static void
look_sick(struct moduled *md)
{
	char *sick = md->farm->view.sick;
	const struct rule *r;
	unsigned i;

	sick[0] = '\0';
	if (standing_suspends(md))
		return;
	for (i = 0; i < md->rule_count && sick[0] == '\0'; i++) {
		r = &md->rule[i];
		if (r->of_checks && r->phase != 0 && mono_is_set(r->since) &&
		    (r->action == RA_STOP || r->action == RA_STOPSTART ||
		    r->action == RA_RESTART))
			(void)explain(md, r, sick);
	}
}

void
failover_look(struct moduled *md, struct mono *wake)
{
	const struct expr_world world = { get, md };
	const struct rule_view v = { .world = &world, .phases = md->phases,
	    .fresh = md->checks_fresh, .now = md->v.now };

	rules_look(md->rule, md->rule_count, &v, wake);
	look_wait(md);
	look_await(md);
	if (md->farm != NULL)
		look_sick(md);
}

/* --- acting ---------------------------------------------------------- */

/* Not while a role is being entered or left, or writes are held. */
static bool
may_act(const struct moduled *md, enum rule_action a)
{
	if (a == RA_STOP)
		return md->m.state != ST_STOP;
	if (md->m.state == ST_SECOND)
		return !scripts_busy(md->scripts);
	/* A checker that fails has shut the farm's share already. */
	if (md->m.state == ST_UP && md->m.leave == LV_NONE)
		return !scripts_busy(md->scripts);
	return is_running(md) && md->dec.quality == Q_READY;
}

static void
act(struct moduled *md, struct rule *r)
{
	char identity[FACT_TEXT], why[FACT_TEXT], text[FACT_TEXT];
	const char *verb = rule_action_name(r->action);

	(void)explain(md, r, why);
	(void)snprintf(identity, sizeof(identity), RULE_IDENTITY, r->label);
	r->retry = mono_add_ms(md->v.now,
	    cfg_getint(md->d->conf, "period_ms"));
	if (!r->told)
		events_add(JE_RULE, "moduled", "Action %s from failover rule "
		    "%s (%s)", verb, r->label, why);
	md->restart_services = r->services;
	if (action_take(md, verb, "moduled", identity, why, text,
	    sizeof(text)) == NULL)
		r->told = false;
	else if (!r->told) {
		events_add(JE_REFUSED, "moduled", "%s refused: %s", verb, text);
		r->told = true;
	}
	md->restart_services = "";
	md->again = true;
}

/* Without a peer that could take over, a bad disk is no better off. */
static bool
disk_failure(struct moduled *md)
{
	char text[FACT_TEXT];

	if (!md->v.self.known || !md->v.self.disk_down ||
	    md->m.state != ST_PRIM || md->dec.quality != Q_READY)
		return false;
	events_add(JE_RULE, "moduled", "Action stopstart from failover rule "
	    "disk_failure (rfs.disk is down)");
	(void)action_take(md, "stopstart", "moduled",
	    "failover rule disk_failure", "", text, sizeof(text));
	md->again = true;
	return true;
}

void
failover_act(struct moduled *md)
{
	static const enum rule_action order[] = { RA_STOP, RA_STOPSTART,
	    RA_SWAP, RA_RESTART };
	struct rule *r;
	size_t i;

	if (!md->wish.start || standing_suspends(md) || disk_failure(md))
		return;
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		r = rules_due(md->rule, md->rule_count, order[i], md->v.now);
		if (r == NULL || !may_act(md, order[i]))
			continue;
		act(md, r);
		return;
	}
}

/* --- what scripts have set ------------------------------------------- */

void
failover_save(struct moduled *md)
{
	char path[PATH_LEN], *text = xcalloc(1, SET_FILE_MAX);
	struct line_out o;
	size_t len = 0;
	unsigned i;

	for (i = 0; i < md->res.count; i++) {
		if (!md->res.r[i].by_set)
			continue;
		line_begin(&o, "resource");
		line_add(&o, "name", md->res.r[i].name);
		line_add(&o, "value", md->res.r[i].value);
		if (!line_end(&o) || len + o.len >= SET_FILE_MAX)
			break;
		memcpy(text + len, o.text, o.len + 1);
		len += o.len;
	}
	if (moduled_news(&md->said_set, text) && statefile_write_volatile(
	    path_run(path, "%s/resources", md->name), text, len, 0600) != 0)
		log_warn("%s", path);
	free(text);
}

void
failover_restore(struct moduled *md)
{
	char path[PATH_LEN], *text, *p;
	const char *name, *value, *why;
	struct line l;
	size_t len;

	text = statefile_read(path_run(path, "%s/resources", md->name),
	    SET_FILE_MAX, &len);
	for (p = text; p != NULL && *p != '\0';
	    p += strcspn(p, "\n"), p += *p == '\n') {
		if (line_parse(&l, p, strcspn(p, "\n"), &why) != 0 ||
		    (name = line_get(&l, "name")) == NULL ||
		    (value = line_get(&l, "value")) == NULL ||
		    resource_set(&md->res, name, value, mono_now(),
		    wall_now()) < 0)
			continue;
		resource_find(&md->res, name)->by_set = true;
	}
	free(text);
}

/* SPDX-License-Identifier: ISC */
/*
 * The operator's words.  A verb is answered when its wish is durable; what
 * becomes of it is seen in `status' and `watch'.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "log.h"

#include "events.h"
#include "failover.h"
#include "farm.h"
#include "moduled.h"
#include "standing.h"
#include "voters.h"

#define ACT_KEYS "who why i fullsync since yes nowait"
#define SECOND_FULLSYNC "second fullsync"
#define SECOND_SINCE	"second since"

static struct moduled *
md_of(void *arg)
{
	return ((struct daemon *)arg)->state;
}

static bool
is_serving(const struct moduled *md)
{
	return md->m.state == ST_ALONE || md->m.state == ST_PRIM;
}

/* --- actions -------------------------------------------------------------- */

/* Each of these returns NULL, or the err code with text filled. */

static const char *
act_start(struct moduled *md, char *text, size_t size)
{
	(void)text;
	(void)size;
	md->wish.start = true;
	md->wish.again = md->wish.resume = false;
	md->wish.maxloop = false;
	md->boot_until = (struct mono){ 0 };
	flap_clear(&md->m.flap);
	/* A new start asks again what blocked the last one. */
	if (md->m.state == ST_WAIT && md->m.block != RS_DIVERGED)
		md->m.block = RS_NONE;
	md->warning[0] = '\0';
	return NULL;
}

static const char *
act_stop(struct moduled *md, char *text, size_t size)
{
	(void)text;
	(void)size;
	md->wish.start = md->wish.again = md->wish.resume = false;
	md->wish.order = OR_NONE;
	md->wish.fullsync = false;
	md->wish.since_s = 0;
	return NULL;
}

/*
 * holdfastd stops the modules when the node stops.  That is not what the
 * operator wants of the module: it starts again with the node.
 */
static const char *
act_node_stop(struct moduled *md, char *text, size_t size)
{
	bool resume = md->wish.start || md->wish.again || md->wish.resume;

	(void)act_stop(md, text, size);
	md->wish.resume = resume;
	return NULL;
}

static const char *
act_forcestop(struct moduled *md, char *text, size_t size)
{
	(void)act_stop(md, text, size);
	scripts_force(md->scripts);
	return NULL;
}

static const char *
act_stopstart(struct moduled *md, char *text, size_t size)
{
	(void)text;
	(void)size;
	md->wish.again = md->m.state != ST_STOP || md->wish.start;
	md->wish.start = !md->wish.again;
	return NULL;
}

/* Of a farm: what is connected ends first, then farm-decide.c goes on. */
static void
restart_later(struct moduled *md)
{
	const char *services = md->restart_services;

	md->m.restart = true;
	md->m.leave_since = (struct mono){ 0 };
	(void)snprintf(md->farm->services, sizeof(md->farm->services), "%s",
	    services != NULL ? services : "");
}

static const char *
act_restart(struct moduled *md, char *text, size_t size)
{
	if (md->m.state == ST_STOP || md->m.state == ST_WAIT) {
		(void)snprintf(text, size, "%s is in %s: there is nothing to "
		    "restart", md->name, state_name(md->m.state));
		return "badstate";
	}
	if (md->farm != NULL && !scripts_busy(md->scripts)) {
		restart_later(md);
		return NULL;
	}
	if (md->farm != NULL ||
	    !scripts_restart(md->scripts, md->restart_services)) {
		(void)snprintf(text, size, "%s: its scripts are running; try "
		    "again when it is Ready", md->name);
		return "busy";
	}
	return NULL;
}

/* The rule keeps it in WAIT; here is only counted how often. */
static const char *
act_wait(struct moduled *md, char *text, size_t size)
{
	(void)md;
	(void)text;
	(void)size;
	return NULL;
}

static const char *
act_swap(struct moduled *md, char *text, size_t size)
{
	bool here = md->m.state == ST_PRIM || md->m.state == ST_SECOND;

	if (!here || md->dec.quality != Q_READY || md->v.peer.net != NET_UP ||
	    md->v.peer.quality != Q_READY) {
		(void)snprintf(text, size, "swap needs PRIM Ready and SECOND "
		    "Ready; here it is %s %s, on %s %s %s", state_name(
		    md->m.state), quality_name(md->dec.quality),
		    md->conf.peer, state_name(md->v.peer.state),
		    quality_name(md->v.peer.quality));
		return "badstate";
	}
	if (md->voters != NULL && md->wish.registered && !md->v.reg.known) {
		(void)snprintf(text, size, "no majority of the voters "
		    "answers, and the place is given by vote: %s",
		    reg_lacks(&md->v.reg));
		return "noquorum";
	}
	md->wish.order = OR_SWAP;
	return NULL;
}

static const char *
act_second(struct moduled *md, char *text, size_t size)
{
	if (is_serving(md)) {
		(void)snprintf(text, size, "%s is primary here: use `holdfast "
		    "swap %s'", md->name, md->name);
		return "badstate";
	}
	if (md->v.peer.net != NET_UP || md->v.peer.role != SR_PRIM) {
		(void)snprintf(text, size, "%s is not primary on %s: start it "
		    "there first", md->name, md->conf.peer);
		return "notprim";
	}
	md->wish.order = OR_SECOND;
	md->wish.fullsync = false;
	return act_start(md, text, size);
}

/* There is nothing to compare at a start of it: it has started. */
static const char *
why_in_step(const struct moduled *md, char *text, size_t size)
{
	if (md->m.state == ST_SECOND && md->v.self.level) {
		(void)snprintf(text, size, "%s is secondary here and in step "
		    "with %s: `holdfast verify %s' compares everything while "
		    "it runs; to have it compared at a start, `holdfast stop "
		    "%s' first", md->name, md->conf.peer, md->name, md->name);
		return "badstate";
	}
	return NULL;
}

/* With a copy of the time that stands in wish.since_s. */
static const char *
act_second_since(struct moduled *md, char *text, size_t size)
{
	const char *code = why_in_step(md, text, size);

	return code != NULL ? code : act_second(md, text, size);
}

/* The one order that lets what is here be overwritten: a history of its own,
 * too. */
static const char *
act_second_fullsync(struct moduled *md, char *text, size_t size)
{
	const char *code = act_second_since(md, text, size);

	if (code == NULL)
		md->wish.fullsync = true;
	return code;
}

static const char *
why_not_prim(const struct moduled *md, enum reason r, char *text,
    size_t size)
{
	if (r == RS_HALF_COPIED)
		(void)snprintf(text, size, "the last copy to this node was "
		    "interrupted: start %s, which has the data; only if it "
		    "is lost for good: `holdfast primforce %s'",
		    md->conf.peer, md->name);
	else
		(void)snprintf(text, size, "%s is primary: use `holdfast "
		    "swap %s'", md->conf.peer, md->name);
	return "unsafe";
}

/* What `prim' does besides where no majority of the voters answers. */
static void
say_cut(const struct moduled *md, char *text, size_t size)
{
	size_t len = strlen(text);

	(void)snprintf(text + len, size - len, "; no majority of the voters "
	    "answers (%s), so only those that do count from then on, until "
	    "the others are taken in again", reg_lacks(&md->v.reg));
}

/* etcd is silent, or not the one that it was. */
static const char *
why_not_by_etcd(const struct moduled *md, char *text, size_t size)
{
	const char *lacks = reg_lacks(&md->v.reg);

	(void)snprintf(text, size, "who is primary stands in etcd, which "
	    "cannot tell (%s): nobody is made primary without it; this node "
	    "goes on by itself when it is back; if it is gone for good: "
	    "`holdfast cluster witness remove etcd'", lacks[0] != '\0' ?
	    lacks : "not read yet");
	return "noquorum";
}

static const char *
act_prim(struct moduled *md, bool force, const char *yes, char *text,
    size_t size)
{
	char epoch[EPOCH_LEN];
	enum reason r;
	bool risk, accepted = yes != NULL && strcmp(yes, md->name) == 0;

	if (is_serving(md))
		return NULL;
	r = decide_may_prim(&md->m, &md->v, force, &risk);
	risk = risk || standing_is_risky(md);
	if (r != RS_NONE)
		return why_not_prim(md, r, text, size);
	if (md->voters != NULL && md->v.reg.etcd && !md->v.reg.known)
		return why_not_by_etcd(md, text, size);
	if (risk && !accepted) {
		(void)snprintf(text, size, "the data here may be older than "
		    "that of %s%s%s: what %s wrote since they parted is "
		    "missing here, and set aside there%s", md->conf.peer,
		    md->v.peer.has_blob ? ", last heard of in " : "",
		    md->v.peer.has_blob ? epoch_human(epoch,
		    md->v.peer.epoch) : "",
		    md->conf.peer, md->v.peer.net == NET_UP ? "" :
		    ", and if it still runs, two run until they meet");
		if (md->voters != NULL && !md->v.reg.known)
			say_cut(md, text, size);
		return "confirm";
	}
	md->wish.order = force ? OR_PRIMFORCE : OR_PRIM;
	/* What is known here of the voters may be a moment old. */
	md->wish.risk = risk || accepted;
	return act_start(md, text, size);
}

const char *
action_take(struct moduled *md, const char *verb, const char *who,
    const char *identity, const char *why, char *text, size_t size)
{
	static const struct {
		const char	*verb;
		const char	*(*act)(struct moduled *, char *, size_t);
	} acts[] = {
		{ "start", act_start }, { "stop", act_stop },
		{ "forcestop", act_forcestop }, { "restart", act_restart },
		{ "stopstart", act_stopstart }, { "swap", act_swap },
		{ "second", act_second }, { "node-stop", act_node_stop },
		{ "wait", act_wait },
		{ SECOND_FULLSYNC, act_second_fullsync },
		{ SECOND_SINCE, act_second_since },
	};
	const char *code = NULL;
	bool over = false;
	unsigned i;

	text[0] = '\0';
	if (identity != NULL && standing_suspends(md)) {
		events_add(JE_REFUSED, "moduled", "Action %s of %s is not "
		    "taken: %s", verb, identity, md->v.maintain ?
		    "maintenance" : md->m.frozen ? "the lease is over" :
		    "writes are held");
		return NULL;
	}
	if (identity == NULL)
		md->wish.loops = 0;
	else if (strcmp(verb, "start") != 0)
		over = wish_count_loop(&md->wish, wall_now(),
		    cfg_getint(md->d->conf, "maxloop"),
		    cfg_getint(md->d->conf, "loop_interval_s"));
	if (over) {
		events_add(JE_MAXLOOP, "maxloop", "Action stop called by "
		    "maxloop: %s by %s was one too many", verb, identity);
		md->wish.maxloop = true;
		verb = "stop";
	}
	if (strcmp(verb, "stop") == 0 && !over && strcmp(who, "holdfastd") == 0)
		verb = "node-stop";
	for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(acts[i].verb, verb) == 0)
			code = acts[i].act(md, text, size);
	if (code != NULL)
		return code;
	/* Who is sick, or in a hurry, does not wait for its clients. */
	if (strcmp(verb, "forcestop") == 0 || (identity != NULL &&
	    strcmp(verb, "start") != 0 && strcmp(verb, "wait") != 0))
		md->m.sick = md->farm != NULL;
	(void)snprintf(md->wish.who, sizeof(md->wish.who), "%s",
	    identity != NULL ? identity : who);
	(void)snprintf(md->wish.why, sizeof(md->wish.why), "%s", why);
	md->order_since = mono_now();
	if (wish_save(&md->wish, md->name) != 0) {
		(void)snprintf(text, size, "the wish cannot be stored: %s",
		    strerror(errno));
		return "disk";
	}
	return NULL;
}

static void
on_action(struct client *c, const struct line *l, void *arg)
{
	struct moduled *md = md_of(arg);
	const char *who = line_get(l, "who"), *why = line_get(l, "why");
	const char *id = line_get(l, "i"), *verb = l->verb, *code;
	bool force = strcmp(l->verb, "primforce") == 0;
	int64_t since = 0;
	char text[FACT_TEXT * 2] = "", by[FACT_NAME];

	(void)snprintf(by, sizeof(by), "%s", id != NULL ? id :
	    who != NULL ? who : "operator");
	events_add(JE_ACTION, "moduled", "Action %s called by %s%s%s", l->verb,
	    by, why != NULL ? ": " : "", why != NULL ? why : "");
	if (md->unsure) {
		serve_err(c, "busy", "%s has not answered yet: try again in a "
		    "moment", md->farm != NULL ? "farmd" : "mirrord");
		return;
	}
	code = farm_refuses(md, l->verb, text, sizeof(text));
	if (code == NULL && (id == NULL || !standing_suspends(md)))
		code = standing_refuses(md, l->verb, by, line_get(l, "yes"),
		    text, sizeof(text));
	if (code == NULL && (force || strcmp(l->verb, "prim") == 0))
		code = act_prim(md, force, line_get(l, "yes"), text,
		    sizeof(text));
	if (code == NULL && strncmp(l->verb, "prim", 4) == 0)
		standing_prim_given(md, by);
	if (strcmp(verb, "second") == 0 && line_get_bool(l, "fullsync"))
		verb = SECOND_FULLSYNC;
	else if (strcmp(verb, "second") == 0 && line_get_num(l, "since", 1,
	    INT64_MAX, &since))
		verb = SECOND_SINCE;
	if (code == NULL && strcmp(l->verb, "second") == 0)
		md->wish.since_s = since;
	if (code == NULL)
		code = action_take(md, verb, by, id, why != NULL ? why :
		    "", text, sizeof(text));
	if (code != NULL) {
		events_add(JE_REFUSED, "moduled", "%s refused: %s", l->verb,
		    text);
		serve_err(c, code, "%s", text);
		return;
	}
	serve_ok(c);
	moduled_think(md);
}

/* --- the rest ------------------------------------------------------------- */

static void
on_status(struct client *c, const struct line *l, void *arg)
{
	(void)l;
	status_answer(md_of(arg), c);
}

static void
on_watch(struct client *c, const struct line *l, void *arg)
{
	const char *topic = line_get(l, "topic");
	bool all = topic == NULL || strcmp(topic, "all") == 0;
	struct line_out o;

	if (!all && strcmp(topic, "state") != 0 &&
	    strcmp(topic, "event") != 0) {
		serve_err(c, "usage", "topic is state, event or all");
		return;
	}
	if (all || strcmp(topic, "state") == 0)
		serve_watch(c, "state");
	if (all || strcmp(topic, "event") == 0)
		serve_watch(c, "event");
	serve_ok(c);
	if (!all && strcmp(topic, "event") == 0)
		return;
	status_state_line(md_of(arg), &o);
	serve_event_to(c, &o);
}

static void
on_get(struct client *c, const struct line *l, void *arg)
{
	struct moduled *md = md_of(arg);
	const char *name = line_get(l, "resource");
	const struct resource *r;
	struct line_out o;
	unsigned i;

	for (i = 0; name == NULL && i < md->res.count; i++) {
		line_begin(&o, "");
		line_add(&o, "resource", md->res.r[i].name);
		line_add(&o, "value", md->res.r[i].value);
		serve_line(c, &o);
	}
	if (name != NULL) {
		if ((r = resource_find(&md->res, name)) == NULL) {
			serve_err(c, "noresource", "%s: no such resource",
			    name);
			return;
		}
		line_begin(&o, "");
		line_add(&o, "resource", r->name);
		line_add(&o, "value", r->value);
		for (i = 0; i < r->past_count; i++)
			line_addf(&o, "past", "%lld %s",
			    (long long)r->past[i].wall_s, r->past[i].value);
		serve_line(c, &o);
	}
	serve_ok(c);
}

static void
on_set(struct client *c, const struct line *l, void *arg)
{
	struct moduled *md = md_of(arg);
	const char *name = line_get(l, "resource");
	const char *value = line_get(l, "value");
	const char *who = line_get(l, "i");
	int rc;

	if (name == NULL || value == NULL) {
		serve_err(c, "usage", "resource= and value= are needed");
		return;
	}
	rc = resource_set(&md->res, name, value, mono_now(), wall_now());
	if (rc < 0) {
		serve_err(c, "usage", "%s: %s", name, errno == EINVAL ?
		    "a resource is class.id without blanks" :
		    errno == ENOSPC ? "too many resources" :
		    "the value is too long");
		return;
	}
	resource_find(&md->res, name)->by_set = true;
	failover_save(md);
	if (rc == 1)
		events_add(JE_RESOURCE, who != NULL ? who : "operator",
		    "Resource %s set to %s by %s", name, value,
		    who != NULL ? who : "operator");
	serve_ok(c);
	moduled_think(md);
}

static void
on_print(struct client *c, const struct line *l, void *arg)
{
	const char *text = line_get(l, "text"), *level = line_get(l, "level");
	const char *who = line_get(l, "i");
	struct moduled *md = md_of(arg);

	if (text == NULL || level == NULL || strlen(level) != 1 ||
	    strchr("IWE", level[0]) == NULL) {
		serve_err(c, "usage", "level=I, W or E and text= are needed");
		return;
	}
	events_add(level[0] == 'E' ? JE_PRINT_ERROR : level[0] == 'W' ?
	    JE_PRINT_WARNING : JE_PRINT_INFO, who != NULL ? who : "script",
	    "%s", text);
	/* If the script fails, its first error is what to tell of it. */
	if (level[0] == 'E' && md->complaint[0] == '\0')
		(void)snprintf(md->complaint, sizeof(md->complaint), "%s",
		    text);
	serve_ok(c);
}

static void
on_loop(struct client *c, const struct line *l, void *arg)
{
	struct moduled *md = md_of(arg);
	int64_t max = cfg_getint(md->d->conf, "maxloop");
	int64_t interval = cfg_getint(md->d->conf, "loop_interval_s");
	bool over = md->wish.loops > max && interval != 0;
	struct line_out o;

	if (strcmp(l->verb, "incloop") == 0)
		over = wish_count_loop(&md->wish, wall_now(), max, interval);
	else if (strcmp(l->verb, "resetloop") == 0) {
		md->wish.loops = 0;
		md->wish.maxloop = over = false;
	}
	if (strcmp(l->verb, "checkloop") != 0 &&
	    wish_save(&md->wish, md->name) != 0) {
		serve_err(c, "disk", "the counter cannot be stored: %s",
		    strerror(errno));
		return;
	}
	line_begin(&o, "");
	line_add_num(&o, "count", md->wish.loops);
	line_add_num(&o, "max", max);
	line_add_num(&o, "reached", over);
	serve_line(c, &o);
	serve_ok(c);
}

static void
on_renew(struct client *c, const struct line *l, void *arg)
{
	struct moduled *md = md_of(arg);
	const char *who = line_get(l, "who");
	char why[REG_TEXT];

	if (!voters_renew(md, why)) {
		serve_err(c, "badstate", "%s", why);
		return;
	}
	events_add(JE_VOTER, "moduled", "the etcd that answers now is the "
	    "register, by %s", who != NULL ? who : "operator");
	serve_ok(c);
	moduled_think(md);
}

static void
on_why(struct client *c, const struct line *l, void *arg)
{
	(void)l;
	why_answer(md_of(arg), c);
}

const struct verb moduled_verbs[] = {
	/* name		least role	keys		handler */
	{ "start",	ROLE_CONTROL,	ACT_KEYS,	on_action },
	{ "stop",	ROLE_CONTROL,	ACT_KEYS,	on_action },
	{ "forcestop",	ROLE_CONTROL,	ACT_KEYS,	on_action },
	{ "restart",	ROLE_CONTROL,	ACT_KEYS,	on_action },
	{ "stopstart",	ROLE_CONTROL,	ACT_KEYS,	on_action },
	{ "swap",	ROLE_CONTROL,	ACT_KEYS,	on_action },
	{ "second",	ROLE_ADMIN,	ACT_KEYS,	on_action },
	{ "prim",	ROLE_ADMIN,	ACT_KEYS,	on_action },
	{ "primforce",	ROLE_ADMIN,	ACT_KEYS,	on_action },
	{ "maintain",	ROLE_CONTROL,	"for_s who why", standing_on_maintain },
	{ "release",	ROLE_ADMIN,	ACT_KEYS,	standing_on_release },
	{ "standby",	ROLE_ADMIN,	"who why",	standing_on_standby },
	{ "renew",	ROLE_ADMIN,	"who",		on_renew },
	{ "drain",	ROLE_CONTROL,	"who why off i", farm_on_drain },
	{ "traffic",	ROLE_CONTROL,	"open who i",	farm_on_traffic },
	{ "status",	ROLE_MONITOR,	"",		on_status },
	{ "watch",	ROLE_MONITOR,	"topic",	on_watch },
	{ "why",	ROLE_MONITOR,	"",		on_why },
	{ "get",	ROLE_MONITOR,	"resource",	on_get },
	{ "set",	ROLE_CONTROL,	"resource value i", on_set },
	{ "print",	ROLE_CONTROL,	"level text i",	on_print },
	{ "incloop",	ROLE_CONTROL,	"i",		on_loop },
	{ "checkloop",	ROLE_MONITOR,	"i",		on_loop },
	{ "resetloop",	ROLE_CONTROL,	"i",		on_loop },
	{ NULL,		ROLE_NONE,	NULL,		NULL }
};

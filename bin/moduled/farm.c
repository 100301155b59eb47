/* SPDX-License-Identifier: ISC */
/*
 * The link to farmd and the verbs of farm.h.  The wish is stated when it
 * changed and after each reconnect, before farmd is asked for its facts: so
 * the first fact is the answer to it.  A new life that remembers nothing
 * listens first.
 */
#include "farm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "log.h"
#include "paths.h"
#include "xalloc.h"

#include "events.h"
#include "moduled.h"

/* For this long a life without memory waits for farmd's word. */
#define PATIENCE_MS	5000
/* Sixty nodes that come or go together are thought about once. */
#define LATER_MS	10

static struct moduled *
md_of(void *arg)
{
	return ((struct daemon *)arg)->state;
}

struct farm *
farm_new(struct moduled *md)
{
	cfg_t *cfg = md->d->conf;
	struct farm *f = xcalloc(1, sizeof(*f));
	unsigned i;

	f->view.lone = strcmp(cfg_getstr(cfg, "mode"), "light") == 0;
	f->view.stopdrain_ms = cfg_getint(cfg, "stopdrain_ms");
	f->view.scriptcontrol = cfg_getbool(cfg, "scriptcontrol");
	for (i = 0; i < cfg_size(cfg, "nodes"); i++)
		if (strcmp(cfg_getnstr(cfg, "nodes", i), md->conf.node) != 0)
			(void)farm_node_get(&f->view.nodes,
			    cfg_getnstr(cfg, "nodes", i));
	return f;
}

/* In place of farmd: what is wished is so, as soon as vipd has done it. */
static void
look_lone(struct moduled *md)
{
	struct farm_view *v = &md->farm->view;
	bool here = !md->conf.vip || md->v.vip_owned;

	v->f.known = true;
	v->f.i = v->want_i;
	v->f.serve = here == (v->want_serve != FARM_NONE) || !md->conf.vip ?
	    v->want_serve : here ? FARM_HOLD : FARM_NONE;
}

static void
want_lone(struct moduled *md)
{
	struct farm_view *v = &md->farm->view;

	if (md->conf.vip)
		links_vip(md, md->dec.serve != FARM_NONE);
	if (v->want_serve != md->dec.serve)
		md->again = true;
	v->want_serve = md->dec.serve;
}

void
farm_look(struct moduled *md)
{
	if (md->farm->view.lone)
		look_lone(md);
	md->farm->view.drain = notice_holds(&md->wish.drain, wall_now());
}

/* --- the wish --------------------------------------------------------- */

/*
 * Only another serve is another wish: the rest is for the other nodes to see,
 * and must not make the answer to this wish look old.
 */
void
farm_want(struct moduled *md)
{
	const struct decision *d = &md->dec;
	struct farm *f = md->farm;
	struct line_out o;

	if (f->view.lone) {
		want_lone(md);
		return;
	}
	if (f->link == NULL || !ask_is_up(f->link))
		return;
	if (f->view.want_serve != d->serve || f->view.want_i == 0)
		f->view.want_i++;
	f->view.want_serve = d->serve;
	line_begin(&o, "want");
	line_add(&o, "state", state_name(md->m.state));
	line_add(&o, "quality", quality_name(d->quality));
	line_add_num(&o, "since_s", md->state_wall_s);
	line_add(&o, "serve", farm_serve_name(d->serve));
	line_add(&o, "reason", d->reason == RS_NONE ? "" :
	    reason_row(d->reason)->code);
	line_add_num(&o, "standby", md->v.standby);
	line_add_num(&o, "i", f->view.want_i);
	o.text[o.len] = '\0';
	if (moduled_news(&f->said, o.text))
		(void)ask_send(f->link, &o, wish_answered,
		    (void *)(uintptr_t)"farmd");
}

/* --- the facts -------------------------------------------------------- */

static void
farm_up(struct ask *a, void *arg)
{
	struct moduled *md = arg;
	struct line_out o;

	free(md->farm->said);
	md->farm->said = NULL;
	if (md->started && !md->unsure)
		farm_want(md);
	line_begin(&o, "watch");
	(void)ask_send(a, &o, NULL, NULL);
}

static void
farm_down(struct ask *a, void *arg)
{
	struct moduled *md = arg;

	(void)a;
	md->farm->view.f.known = false;
	moduled_think(md);
}

/* Nothing of an earlier life is known, but this node takes clients. */
static void
adopt(struct moduled *md)
{
	const struct farm_facts *f = &md->farm->view.f;

	if (md->m.state != ST_STOP ||
	    (f->serve != FARM_OPEN && f->serve != FARM_DRAIN))
		return;
	md->m.state = ST_UP;
	md->m.traffic = f->serve == FARM_OPEN;
	md->wish.start = true;
	scripts_assume(md->scripts, ST_UP);
	events_add(JE_ADOPTED, "moduled", "this node was found taking clients "
	    "of the farm: taken as running");
}

static bool
was_warned(const struct farm_facts *f, const char *code, const char *text)
{
	unsigned i;

	for (i = 0; i < f->warning_count; i++)
		if (strcmp(f->warning[i].code, code) == 0 &&
		    strcmp(f->warning[i].text, text) == 0)
			return true;
	return false;
}

static void
tell_facts(const struct moduled *md, const struct farm_facts *old)
{
	const struct farm_facts *f = &md->farm->view.f;
	char was[FACT_TEXT], is[FACT_TEXT];
	unsigned i;

	farm_shares_text(was, sizeof(was), &old->shares);
	farm_shares_text(is, sizeof(is), &f->shares);
	if (md->farm->spoke && strcmp(was, is) != 0)
		events_add(JE_SHARE, "farmd", "Share of this node: %s, was %s "
		    "(epoch %s, director %s)", is, was, f->epoch,
		    f->director[0] != '\0' ? f->director : "none");
	if (f->blocked && (strcmp(f->code, old->code) != 0 ||
	    strcmp(f->text, old->text) != 0))
		events_add(JE_FARM, "farmd", "%s: %s", f->code, f->text);
	for (i = 0; i < f->warning_count; i++)
		if (!was_warned(old, f->warning[i].code, f->warning[i].text))
			events_add(JE_FARM, "farmd", "%s: %s",
			    f->warning[i].code, f->warning[i].text);
}

/* farm.share and, as the reference names it, GROUP_0 of each group. */
static void
show_resources(struct moduled *md)
{
	const struct farm_shares *s = &md->farm->view.f.shares;
	char name[RESOURCE_NAME], value[16];
	unsigned i;

	for (i = 0; i < s->count; i++) {
		(void)snprintf(value, sizeof(value), "%u", s->of[i].percent);
		if (i == 0)
			(void)resource_set(&md->res, "farm.share", value,
			    mono_now(), wall_now());
		if (s->of[i].group[0] == '\0')
			continue;
		(void)snprintf(name, sizeof(name), "farm.%s_0",
		    s->of[i].group);
		(void)resource_set(&md->res, name, value, mono_now(),
		    wall_now());
	}
}

static void
on_fact(struct moduled *md, const struct line *l)
{
	struct farm_facts old = md->farm->view.f;
	const char *why;

	if (farm_facts_parse(&md->farm->view.f, l, &why) != 0) {
		log_warnx("fact of farmd: %s", why);
		return;
	}
	tell_facts(md, &old);
	md->farm->spoke = true;
	show_resources(md);
	if (md->unsure)
		adopt(md);
	md->unsure = false;
}

static bool
is_in_farm(const struct moduled *md, const char *name)
{
	cfg_t *cfg = md->d->conf;
	unsigned i, n = cfg_size(cfg, "nodes");

	for (i = 0; i < n; i++)
		if (strcmp(cfg_getnstr(cfg, "nodes", i), name) == 0)
			return true;
	return n == 0;
}

static void
on_node(struct moduled *md, const struct line *l)
{
	struct farm_nodes *all = &md->farm->view.nodes;
	struct farm_node old, *n;
	const char *name = line_get(l, "name"), *why;
	bool is_new;

	/* Of the cluster, but in none of the farm's networks. */
	if (name != NULL && (strcmp(name, md->conf.node) == 0 ||
	    !is_in_farm(md, name)))
		return;
	if (farm_node_parse(all, l, &old, &is_new, &why) != 0) {
		log_warnx("node of farmd: %s", why);
		return;
	}
	n = farm_node_get(all, name);
	if (n->net != old.net && n->net != NET_UNKNOWN)
		events_add(n->net == NET_UP ? JE_PEER_HEARD : JE_PEER_SILENT,
		    "heartd", "%s is %s", n->name, n->net == NET_UP ?
		    "heard" : "silent on all networks");
}

static void
farm_event(struct ask *a, const struct line *l, void *arg)
{
	struct moduled *md = arg;

	(void)a;
	if (strcmp(l->verb, "fact") == 0) {
		on_fact(md, l);
		moduled_think(md);
	} else if (strcmp(l->verb, "node") == 0) {
		on_node(md, l);
		if (!md->farm->later_set)
			loop_timer_set(md->farm->later, LATER_MS, 0);
		md->farm->later_set = true;
	}
}

static void
on_later(void *arg)
{
	struct moduled *md = arg;

	md->farm->later_set = false;
	moduled_think(md);
}

static void
on_patience(void *arg)
{
	struct moduled *md = arg;

	if (!md->unsure)
		return;
	log_warnx("farmd does not answer: taken as stopped");
	md->unsure = false;
	moduled_think(md);
}

void
farm_open(struct moduled *md)
{
	static const struct ask_calls calls = { farm_up, farm_down,
	    farm_event };
	static char path[PATH_LEN];
	struct farm *f = md->farm;

	md->v.self.known = md->has_facts = true;	/* there is no store */
	if (f->view.lone)
		return;
	f->later = loop_timer_new(md->d->loop, on_later, md);
	f->patience = loop_timer_new(md->d->loop, on_patience, md);
	loop_timer_set(f->patience, PATIENCE_MS, 0);
	f->link = ask_new(md->d->loop, path_socket(path, md->name, "farmd"),
	    &calls, md);
}

void
farm_close(struct moduled *md)
{
	if (md->farm->view.lone)
		return;
	ask_free(md->farm->link);
	loop_timer_free(md->farm->patience);
	loop_timer_free(md->farm->later);
}

bool
farm_is_lone(const struct moduled *md)
{
	return md->farm != NULL && md->farm->view.lone;
}

const char *
farm_macs(const struct moduled *md, char *buf, size_t size)
{
	const struct farm_nodes *all = &md->farm->view.nodes;
	size_t len = 0;
	unsigned i, j;

	buf[0] = '\0';
	for (i = 0; i < all->count; i++)
		for (j = 0; j < all->node[i].mac_count &&
		    len + FARM_MAC_LEN < size; j++)
			len += (size_t)snprintf(buf + len, size - len,
			    "%s%s", len > 0 ? "," : "", all->node[i].mac[j]);
	return buf;
}

/* --- verbs ------------------------------------------------------------ */

const char *
farm_refuses(const struct moduled *md, const char *verb, char *text,
    size_t size)
{
#define WHAT "{module} is a {detail}: "
	static const struct {
		const char	*verb, *why;
	} rows[] = {
		{ "swap", WHAT "there is no primary to exchange; to take "
		    "this node out: `holdfast stop {module}'" },
		{ "prim", WHAT "there is no primary; `holdfast start "
		    "{module}' is enough" },
		{ "primforce", WHAT "there is no primary; `holdfast "
		    "start {module}' is enough" },
		{ "second", WHAT "there is no secondary; `holdfast start "
		    "{module}' is enough" },
		{ "release", WHAT "there are no directories to give "
		    "back; `holdfast stop {module}' on the node" },
	};
	struct reason_args a = { .module = md->name, .node = md->conf.node,
	    .detail = farm_is_lone(md) ? "light module, this node runs it "
	    "alone" : "farm module, all its nodes serve" };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (md->farm != NULL && strcmp(rows[i].verb, verb) == 0) {
			(void)reason_text(text, size, rows[i].why, &a);
			return "badstate";
		}
	return NULL;
}

static bool
is_farm(const struct moduled *md, struct client *c, const char *verb)
{
	if (md->farm != NULL && !md->farm->view.lone)
		return true;
	serve_err(c, "badstate", "%s is no farm module: %s has no meaning",
	    md->name, verb);
	return false;
}

static void
tell_drain(const struct moduled *md)
{
	const struct notice *n = &md->wish.drain;

	events_add(JE_ACTION, "moduled", "%s by %s%s%s", n->until != 0 ?
	    "Drain: no new clients," : "Drain ended", n->who,
	    n->why[0] != '\0' ? ": " : "", n->why);
}

/* Durable: it holds until it is taken back, over reboots too. */
void
farm_on_drain(struct client *c, const struct line *l, void *arg)
{
	struct moduled *md = md_of(arg);
	const char *who = line_get(l, "who"), *why = line_get(l, "why");
	struct wish old = md->wish;
	bool off = line_get_bool(l, "off"), is = notice_holds(&old.drain,
	    wall_now());

	if (!is_farm(md, c, "drain"))
		return;
	if (off != is) {
		serve_ok(c);	/* it is so already */
		return;
	}
	notice_say(&md->wish.drain, md->conf.node, wall_now(), off ? 0 :
	    NOTICE_FOR_EVER, who != NULL ? who : "operator",
	    why != NULL ? why : "");
	if (wish_save(&md->wish, md->name) != 0) {
		serve_err(c, "disk", "it cannot be stored: %s",
		    strerror(errno));
		md->wish = old;
		return;
	}
	tell_drain(md);
	serve_ok(c);
	moduled_think(md);
}

void
farm_on_traffic(struct client *c, const struct line *l, void *arg)
{
	struct moduled *md = md_of(arg);
	const char *who = line_get(l, "i"), *word = line_get(l, "open");
	bool open = line_get_bool(l, "open");

	if (!is_farm(md, c, "traffic"))
		return;
	if (word == NULL) {
		serve_err(c, "usage", "open=1 or open=0 is needed");
		return;
	}
	if (!md->farm->view.scriptcontrol) {
		serve_err(c, "badstate", "%s opens by itself when its scripts "
		    "have ended; scripts open and close it with "
		    "scriptcontrol=\"on\" in <vip>, a person with `holdfast "
		    "farm %s drain %s'", md->name, md->name, md->conf.node);
		return;
	}
	if (md->m.state != ST_UP && open) {
		serve_err(c, "badstate", "%s is in %s: its traffic opens in "
		    "UP", md->name, state_name(md->m.state));
		return;
	}
	if (who == NULL)
		who = line_get(l, "who");
	if (md->m.traffic != open)
		events_add(JE_ACTION, "moduled", "Traffic %s by %s", open ?
		    "opened" : "closed", who != NULL ? who : "operator");
	md->m.traffic = open;
	serve_ok(c);
	moduled_think(md);
}

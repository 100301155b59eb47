/* SPDX-License-Identifier: ISC */
/*
 * What moduled and the command are told: facts of this node, of the others,
 * and the verbs.
 */
#include "farm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "log.h"

#define TOPIC		"farm"
#define LIST_LEN	1024

static const char *
node_name(const struct farm *f, uint8_t id)
{
	int i = cluster_node_by_id(&f->cluster, id);

	return i >= 0 ? f->cluster.node[i].name : "";
}

static uint8_t
self_id(const struct farm *f)
{
	return f->in.node[f->in.self].id;
}

static const char *
net_name(enum accord_net net)
{
	return net == ACCORD_UP ? "up" : net == ACCORD_DOWN ? "down" :
	    "unknown";
}

static const char *
backend_name(const struct farm *f)
{
	return f->filters != NULL ? filters_name(f->filters) : "";
}

static void
list_add(char list[LIST_LEN], const char *text)
{
	size_t len = strlen(list);

	(void)snprintf(list + len, LIST_LEN - len, "%s%s",
	    len > 0 ? " " : "", text);
}

/* --- what is wrong -------------------------------------------------- */

static bool
code_of_flood(const struct farm *f, char text[FARM_TEXT_LEN])
{
	char list[LIST_LEN] = "";

	if (strcmp(farm_delivery(f), "fallback") != 0)
		return false;
	if (flood_mine(&f->flood, f->vmac_addrs, mono_now()) == FLOOD_BAD)
		list_add(list, f->cluster.node[f->cluster.self].name);
	for (unsigned i = 0; i < f->cluster.node_count; i++)
		if (f->peer[i].blob != NULL && f->peer[i].net == ACCORD_UP &&
		    f->peer[i].blob->no_flood)
			list_add(list, f->cluster.node[i].name);
	if (list[0] != '\0')
		(void)snprintf(text, FARM_TEXT_LEN, "frames to the virtual "
		    "MAC do not reach %s: delivered by the director; let the "
		    "switch flood them", list);
	else
		(void)snprintf(text, FARM_TEXT_LEN, "frames to the virtual "
		    "MAC reach every node again: by vmac when they did for "
		    "%d s", FLOOD_GOOD_MS / 1000);
	return true;
}

static bool
code_of_power(const struct farm *f, char text[FARM_TEXT_LEN])
{
	unsigned tables = accord_no_power(f->accord);
	char list[LIST_LEN] = "";

	for (unsigned i = 0; i < f->in.group_count; i++)
		if ((tables >> f->in.group[i].table & 1) != 0)
			list_add(list, f->in.group[i].name);
	if (list[0] == '\0')
		return false;
	(void)snprintf(text, FARM_TEXT_LEN, "group %s: no node that serves "
	    "has a power above 0, nobody takes its clients", list);
	return true;
}

static bool
code_of_id(const struct farm *f, char text[FARM_TEXT_LEN])
{
	char list[LIST_LEN] = "";

	if (f->id_taken) {
		(void)snprintf(text, FARM_TEXT_LEN, "id %u belongs to "
		    "another module of this node", f->conf.id);
		return true;
	}
	for (unsigned i = 0; i < f->cluster.node_count; i++)
		if (f->peer[i].id_differs)
			list_add(list, f->cluster.node[i].name);
	if (list[0] != '\0')
		(void)snprintf(text, FARM_TEXT_LEN, "%s and %s have "
		    "different ids for this module, or the id for another",
		    f->cluster.node[f->cluster.self].name, list);
	return list[0] != '\0';
}

static bool
is_blocker(const struct farm *f)
{
	return accord_phase(f->accord) == ACCORD_BLOCKED &&
	    accord_code(f->accord)[0] != '\0';
}

static bool
is_same(const struct farm *f, const struct farm_blob *b)
{
	return strncmp(b->conf, f->conf.digest, FARM_BLOB_DIGEST) == 0;
}

/*
 * The agreement compares configurations of those who take part (F8).  Before
 * that the application need not be started only to be kept out: the same
 * rule, with those that wait for the same reason on our side.
 */
static bool
code_of_others(const struct farm *f, char text[FARM_TEXT_LEN])
{
	unsigned ours = 1, theirs = 0;
	char list[LIST_LEN] = "";

	if (f->wish.serve == FARM_OPEN || f->wish.serve == FARM_DRAIN)
		return false;
	for (unsigned i = 0; i < f->cluster.node_count; i++) {
		const struct farm_blob *b = f->peer[i].blob;

		if ((int)i == f->cluster.self || b == NULL ||
		    f->peer[i].net != ACCORD_UP)
			continue;
		if (is_same(f, b))
			ours += b->role == SHARE_SERVE ||
			    strcmp(b->reason, "config-differs") == 0;
		else if (b->role == SHARE_SERVE && !b->is_idle) {
			theirs++;
			list_add(list, f->cluster.node[i].name);
		}
	}
	(void)snprintf(text, FARM_TEXT_LEN, "%s has another configuration "
	    "than %s, which serves; apply the same one on all nodes",
	    f->cluster.node[f->cluster.self].name, list);
	return theirs > 0 && theirs >= ours;
}

/* What keeps this node from serving. */
static const char *
blocker(const struct farm *f, char text[FARM_TEXT_LEN])
{
	if (is_blocker(f)) {
		(void)snprintf(text, FARM_TEXT_LEN, "%s",
		    accord_text(f->accord));
		return accord_code(f->accord);
	}
	if (code_of_id(f, text))
		return "module-id";
	if (code_of_others(f, text))
		return "config-differs";
	if (f->wish.serve != FARM_NONE && f->vip_silent) {
		(void)snprintf(text, FARM_TEXT_LEN, "vipd does not answer, "
		    "without it the addresses end here in some seconds: see "
		    "vipd.log");
		return "farm-no-address";
	}
	if (f->wish.serve != FARM_NONE && f->vip_refused) {
		(void)snprintf(text, FARM_TEXT_LEN, "vipd cannot set the "
		    "addresses, see vipd.log");
		return "farm-no-address";
	}
	if (f->filter_why[0] == '\0')
		return "";
	(void)snprintf(text, FARM_TEXT_LEN, "the kernel refuses the filter: "
	    "%.180s", f->filter_why);
	return "farm-filter";
}

/* What the agreement says of other nodes; its code is not fixed. */
static bool
code_of_accord(const struct farm *f, char text[FARM_TEXT_LEN])
{
	(void)snprintf(text, FARM_TEXT_LEN, "%s", accord_text(f->accord));
	return !is_blocker(f) && accord_code(f->accord)[0] != '\0' &&
	    strcmp(accord_code(f->accord), "farm-no-power") != 0;
}

static bool
code_of_rules(const struct farm *f, char text[FARM_TEXT_LEN])
{
	(void)snprintf(text, FARM_TEXT_LEN, "rules of the filter were "
	    "changed by another program and are restored");
	return mono_is_set(f->rules_gone);
}

/* Several may be true at once, and each has its own cure: the gravest first. */
static const struct {
	const char	*code;		/* NULL: the agreement's */
	bool		(*look)(const struct farm *f,
			    char text[FARM_TEXT_LEN]);
} warnings[] = {
	{ "farm-no-power",	code_of_power },
	{ NULL,			code_of_accord },
	{ "farm-no-flood",	code_of_flood },
	{ "farm-rules-gone",	code_of_rules },
};

#define WARNINGS (sizeof(warnings) / sizeof(warnings[0]))

/* The code, or "". */
static const char *
warning(const struct farm *f, size_t i, char text[FARM_TEXT_LEN])
{
	if (!warnings[i].look(f, text))
		return "";
	return warnings[i].code != NULL ? warnings[i].code :
	    accord_code(f->accord);
}

const char *
facts_code(const struct farm *f, char text[FARM_TEXT_LEN], bool *blocks)
{
	const char *code;
	size_t i;

	text[0] = '\0';
	code = blocker(f, text);
	*blocks = code[0] != '\0';
	for (i = 0; code[0] == '\0' && i < WARNINGS; i++)
		code = warning(f, i, text);
	if (code[0] == '\0')
		text[0] = '\0';
	return code;
}

static void
add_warnings(const struct farm *f, struct line_out *o)
{
	char text[FARM_TEXT_LEN];
	const char *code;

	for (size_t i = 0; i < WARNINGS; i++)
		if ((code = warning(f, i, text))[0] != '\0')
			line_addf(o, "warning", "%s %s", code, text);
}

/* --- events --------------------------------------------------------- */

/* Whole percents; what is there is at least 1. */
static unsigned
percent(const struct share *s, unsigned table, uint8_t id)
{
	unsigned permille = share_permille(s, table, id);

	return permille > 0 && permille < 10 ? 1 : (permille + 5) / 10;
}

static void
add_shares(const struct farm *f, struct line_out *o, const struct share *s,
    uint8_t id, bool has_any)
{
	for (unsigned i = 0; i < f->in.group_count; i++)
		line_addf(o, "share", "%s %u", f->in.group[i].name,
		    has_any ? percent(s, f->in.group[i].table, id) : 0);
}

static void
fact_line(const struct farm *f, struct line_out *o)
{
	const struct share *s = accord_share(f->accord);
	char text[FARM_TEXT_LEN];
	enum farm_serve serve = farm_serves(f);
	bool blocks;
	const char *code = facts_code(f, text, &blocks);

	line_begin(o, "fact");
	line_add_num(o, "i", f->wish.number);
	line_add(o, "serve", wish_serve_name(serve));
	line_add_num(o, "epoch", (int64_t)s->epoch);
	line_addf(o, "digest", "%016" PRIx64, share_digest(s));
	line_add(o, "director", node_name(f, s->director));
	line_add_num(o, "member", share_member(s, self_id(f)) != NULL);
	add_shares(f, o, s, self_id(f), serve == FARM_OPEN);
	line_add_num(o, "drained", f->is_drained);
	line_add_num(o, "draining", f->draining);
	line_add(o, "delivery", farm_delivery(f));
	line_add(o, "backend", backend_name(f));
	line_add_num(o, "blocked", blocks);
	line_add(o, "code", code);
	line_add(o, "text", text);
	add_warnings(f, o);
}

/* A member without power has no bucket, and is open all the same. */
static bool
peer_is_open(const struct farm_blob *b, uint8_t id)
{
	return b->role == SHARE_SERVE && !b->yields &&
	    share_member(&b->acting, id) != NULL;
}

static const char *
peer_serves(const struct farm_blob *b, uint8_t id)
{
	if (b->role == SHARE_SERVE)
		return peer_is_open(b, id) ? "open" : "hold";
	return share_role_name(b->role);
}

static void
add_macs(struct line_out *o, const struct farm_peer *p)
{
	for (unsigned i = 0; i < p->mac_count; i++) {
		const uint8_t *m = p->mac[i].byte;

		line_addf(o, "mac", "%02x:%02x:%02x:%02x:%02x:%02x", m[0],
		    m[1], m[2], m[3], m[4], m[5]);
	}
}

static void
node_line(const struct farm *f, struct line_out *o, unsigned i)
{
	static const struct farm_blob none;
	const struct farm_peer *p = &f->peer[i];
	const struct farm_blob *b = p->blob != NULL ? p->blob : &none;
	uint8_t id = f->cluster.node[i].id;

	line_begin(o, "node");
	line_add(o, "name", f->cluster.node[i].name);
	line_add(o, "net", net_name(p->net));
	line_add(o, "state", b->state);
	line_add(o, "quality", b->quality);
	line_add_num(o, "since_s", b->since_s);
	line_add(o, "reason", b->reason);
	line_add_num(o, "standby", b->standby);
	line_add(o, "serve", peer_serves(b, id));
	line_add_num(o, "draining", b->draining);
	line_add(o, "code", b->code);
	add_shares(f, o, &b->acting, id, peer_is_open(b, id));
	add_macs(o, p);
}

static void
tell(struct farm *f, struct line_out *o, char **said)
{
	char *text;

	if (!line_end(o)) {
		log_warnx("farm: a fact is too long for a line");
		return;
	}
	text = o->text;
	if (!farm_news(said, text))
		return;
	/* Ended once more by serve_event(). */
	o->len--;
	serve_event(f->d->serve, TOPIC, o);
}

void
facts_tell(struct farm *f)
{
	struct line_out o;

	for (unsigned i = 0; i < f->cluster.node_count; i++) {
		if ((int)i == f->cluster.self)
			continue;
		node_line(f, &o, i);
		tell(f, &o, &f->peer[i].said);
	}
	fact_line(f, &o);
	tell(f, &o, &f->said_fact);
}

static void
log_groups(const struct farm *f, const struct share *s)
{
	for (unsigned i = 0; i < f->in.group_count; i++)
		log_info("farm load %s: %u/%u", f->in.group[i].name,
		    share_count(s, f->in.group[i].table, self_id(f)),
		    SHARE_BUCKETS);
}

void
facts_log(struct farm *f)
{
	const struct share *s = accord_share(f->accord);
	char list[LIST_LEN] = "";

	for (unsigned i = 0; i < s->count; i++)
		list_add(list, node_name(f, s->member[i].id));
	log_info("farm membership: %s, epoch %" PRIu64 ", director %s",
	    list[0] != '\0' ? list : "nobody", s->epoch,
	    s->director != 0 ? node_name(f, s->director) : "nobody");
	log_groups(f, s);
}

/* --- verbs ---------------------------------------------------------- */

static struct farm *
state_of(void *arg)
{
	return ((struct daemon *)arg)->state;
}

static void
on_want(struct client *c, const struct line *l, void *arg)
{
	struct farm *f = state_of(arg);
	const char *serve = line_get(l, "serve");
	enum farm_serve wish, before = f->wish.serve;

	if (serve == NULL || wish_serve_parse(&wish, serve) == -1) {
		serve_err(c, "usage", "serve= must be none, hold, drain or "
		    "open");
		return;
	}
	f->wish.serve = wish;
	wish_parse(&f->wish, l);
	f->save_due = true;
	if (wish != before) {
		log_info("farm wish: %s -> %s", wish_serve_name(before),
		    serve);
		f->flows_due = (struct mono){ 0 };
		f->is_drained = false;
	}
	farm_think(f);
	serve_ok(c);
}

static void
on_watch(struct client *c, const struct line *l, void *arg)
{
	struct farm *f = state_of(arg);
	struct line_out o;

	(void)l;
	serve_watch(c, TOPIC);
	serve_ok(c);
	for (unsigned i = 0; i < f->cluster.node_count; i++) {
		if ((int)i == f->cluster.self)
			continue;
		node_line(f, &o, i);
		serve_event_to(c, &o);
	}
	fact_line(f, &o);
	serve_event_to(c, &o);
}

static void
status_farm(const struct farm *f, struct client *c)
{
	const struct share *s = accord_share(f->accord);
	struct line_out o;

	line_begin(&o, "");
	line_add(&o, "farm", f->d->module);
	line_add(&o, "serve", wish_serve_name(farm_serves(f)));
	line_add(&o, "phase", accord_phase_name(accord_phase(f->accord)));
	line_add(&o, "delivery", farm_delivery(f));
	line_add(&o, "backend", backend_name(f));
	line_add_num(&o, "epoch", (int64_t)s->epoch);
	line_addf(&o, "digest", "%016" PRIx64, share_digest(s));
	line_add(&o, "director", node_name(f, s->director));
	line_add_num(&o, "draining", f->draining);
	serve_line(c, &o);
}

static void
status_node(const struct farm *f, struct client *c, unsigned i)
{
	static const struct farm_blob none;
	const struct farm_blob *b = f->peer[i].blob != NULL ?
	    f->peer[i].blob : &none;
	bool is_self = (int)i == f->cluster.self;
	const struct farm_wish *w = &f->wish;
	struct line_out o;

	line_begin(&o, "");
	line_add(&o, "node", f->cluster.node[i].name);
	line_add_num(&o, "self", is_self);
	line_add(&o, "net", is_self ? "up" : net_name(f->peer[i].net));
	line_add(&o, "role", share_role_name(is_self ? farm_role(f) :
	    b->role));
	line_add(&o, "state", is_self ? w->state : b->state);
	line_add(&o, "quality", is_self ? w->quality : b->quality);
	line_add_num(&o, "since_s", is_self ? w->since_s : b->since_s);
	line_add(&o, "reason", is_self ? w->reason : b->reason);
	line_add_num(&o, "standby", is_self ? w->standby : b->standby);
	line_add(&o, "serve", is_self ? wish_serve_name(farm_serves(f)) :
	    peer_serves(b, f->cluster.node[i].id));
	line_add_num(&o, "draining", is_self ? f->draining : b->draining);
	line_add(&o, "delivery", is_self ? farm_delivery(f) : b->delivery);
	line_add(&o, "backend", is_self ? backend_name(f) : b->backend);
	serve_line(c, &o);
}

/* Of the share this node acts on; of a node outside of it, nothing. */
static void
status_groups(const struct farm *f, struct client *c, unsigned i)
{
	const struct share *s = accord_share(f->accord);
	uint8_t id = f->cluster.node[i].id;
	struct line_out o;

	for (unsigned g = 0; g < f->in.group_count; g++) {
		unsigned t = f->in.group[g].table;

		line_begin(&o, "");
		line_add(&o, "node", f->cluster.node[i].name);
		line_add(&o, "group", f->in.group[g].name);
		line_add_num(&o, "buckets", share_count(s, t, id));
		line_addf(&o, "percent", "%u.%u", share_permille(s, t, id) /
		    10, share_permille(s, t, id) % 10);
		serve_line(c, &o);
	}
}

static void
status_addresses(const struct farm *f, struct client *c)
{
	struct line_out o;

	for (unsigned i = 0; i < f->conf.addr_count; i++) {
		const uint8_t *m = f->in.addr[i].vmac.byte;

		line_begin(&o, "");
		line_add(&o, "address", f->conf.addr_text[i]);
		line_add(&o, "interface", f->places.addr[i].interface);
		line_add_num(&o, "own", f->wish.serve != FARM_NONE &&
		    accord_is_director(f->accord));
		line_add(&o, "type", f->conf.is_vmac[i] ? "vmac" :
		    "director");
		if (f->conf.is_vmac[i])
			line_addf(&o, "vmac",
			    "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1],
			    m[2], m[3], m[4], m[5]);
		serve_line(c, &o);
	}
}

static void
status_counters(const struct farm *f, struct client *c)
{
	struct filter_counters n = { 0 };
	struct line_out o;

	if (f->filters != NULL)
		filters_counters(f->filters, &n);
	line_begin(&o, "");
	line_add(&o, "counters", "packets");
	line_add_num(&o, "accepted", (int64_t)n.accepted);
	line_add_num(&o, "passed", (int64_t)n.passed);
	line_add_num(&o, "copied", (int64_t)n.copied);
	line_add_num(&o, "rejected", (int64_t)n.rejected);
	line_add_num(&o, "refused", (int64_t)n.refused);
	line_add_num(&o, "lost", (int64_t)n.lost);
	serve_line(c, &o);
	for (unsigned i = 0; i < f->in.group_count; i++) {
		line_begin(&o, "");
		line_add(&o, "counters", "group");
		line_add(&o, "group", f->in.group[i].name);
		line_add_num(&o, "accepted", (int64_t)n.group[i]);
		serve_line(c, &o);
	}
}

/* Those beside the first one. */
static void
status_warnings(const struct farm *f, struct client *c, const char *said)
{
	char text[FARM_TEXT_LEN];
	struct line_out o;
	const char *code;

	for (size_t i = 0; i < WARNINGS; i++) {
		code = warning(f, i, text);
		if (code[0] == '\0' || strcmp(code, said) == 0)
			continue;
		line_begin(&o, "");
		line_add(&o, "code", code);
		line_add_num(&o, "blocked", false);
		line_add(&o, "text", text);
		serve_line(c, &o);
	}
}

static void
on_status(struct client *c, const struct line *l, void *arg)
{
	struct farm *f = state_of(arg);
	char text[FARM_TEXT_LEN];
	bool blocks;
	const char *code = facts_code(f, text, &blocks);
	struct line_out o;

	(void)l;
	status_farm(f, c);
	for (unsigned i = 0; i < f->cluster.node_count; i++) {
		if ((int)i != f->cluster.self && f->peer[i].blob == NULL)
			continue;
		status_node(f, c, i);
		status_groups(f, c, i);
	}
	status_addresses(f, c);
	status_counters(f, c);
	if (code[0] != '\0') {
		line_begin(&o, "");
		line_add(&o, "code", code);
		line_add_num(&o, "blocked", blocks);
		line_add(&o, "text", text);
		serve_line(c, &o);
	}
	status_warnings(f, c, code);
	serve_ok(c);
}

const struct verb farm_verbs[] = {
	/* name      least role     keys          handler */
	{ "want",    ROLE_ADMIN,    "serve state quality since_s reason "
				    "standby i",  on_want },
	{ "watch",   ROLE_MONITOR,  "",           on_watch },
	{ "status",  ROLE_MONITOR,  "",           on_status },
	{ NULL,      ROLE_NONE,     NULL,         NULL }
};

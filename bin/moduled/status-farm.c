/* SPDX-License-Identifier: ISC */
/*
 * The lines of the status of a farm: this node's part, each node, and what is
 * to be said of them.
 */
#include <stdio.h>
#include <string.h>

#include "line.h"

#include "farm.h"
#include "moduled.h"
#include "status-int.h"

static void
put_shares(struct line_out *o, const struct farm_shares *s)
{
	unsigned i;

	for (i = 0; i < s->count; i++)
		line_addf(o, "group", "%s %u", s->of[i].group,
		    s->of[i].percent);
}

/* Who speaks for all of them where one is enough: the first that is UP. */
static bool
is_first(const struct moduled *md)
{
	const struct farm_nodes *all = &md->farm->view.nodes;
	unsigned i;

	for (i = 0; i < all->count; i++)
		if (farm_node_is_heard(&all->node[i]) &&
		    all->node[i].state == ST_UP &&
		    strcmp(all->node[i].name, md->conf.node) < 0)
			return false;
	return true;
}

void
status_farm(struct moduled *md, struct status_out *t)
{
	const struct farm_facts *f = &md->farm->view.f;
	struct line_out o;

	status_begin(&o, "farm");
	line_add(&o, "serve", farm_serve_name(f->known ? f->serve :
	    FARM_NONE));
	line_add(&o, "wanted", farm_serve_name(md->dec.serve));
	line_add_num(&o, "member", f->known && f->member);
	line_add_num(&o, "share", f->known ? farm_share(&f->shares) : 0);
	line_add_num(&o, "open", f->known && f->serve == FARM_OPEN &&
	    md->dec.serve == FARM_OPEN && farm_has_share(&f->shares));
	line_add(&o, "epoch", f->epoch);
	line_add(&o, "digest", f->digest);
	line_add(&o, "director", f->director);
	line_add(&o, "delivery", f->delivery);
	line_add(&o, "backend", f->backend);
	line_add_num(&o, "draining", f->draining);
	line_add_num(&o, "drained", f->drained);
	line_add_num(&o, "drain", md->farm->view.drain);
	line_add_num(&o, "first", is_first(md));
	put_shares(&o, &f->shares);
	status_put(t, &o);
}

/* --- warnings --------------------------------------------------------- */

static void
put_drain(struct moduled *md, struct status_out *t)
{
	const struct notice *n = &md->wish.drain;
	const struct farm_facts *f = &md->farm->view.f;
	char text[FACT_TEXT * 4], since[CLOCK_WALL_LEN], command[FACT_TEXT];

	if (!md->farm->view.drain)
		return;
	status_wall(since, n->at);
	(void)snprintf(text, sizeof(text), "%s takes no new clients, by %s "
	    "since %s%s%s; %lld connections are left", md->conf.node, n->who,
	    since, n->why[0] != '\0' ? ": " : "", n->why,
	    (long long)f->draining);
	(void)snprintf(command, sizeof(command), "holdfast farm %s drain %s "
	    "--off", md->name, md->conf.node);
	status_warning(t, "farm-drain", text, command);
}

/* What blocks is said in its own place. */
static void
put_codes(struct moduled *md, struct status_out *t)
{
	const struct farm_facts *f = &md->farm->view.f;
	char text[FACT_TEXT * 2], command[FACT_TEXT * 2];
	unsigned i;

	for (i = 0; f->known && i < f->warning_count; i++) {
		const struct reason_row *row = reason_row(farm_reason(
		    f->warning[i].code));
		struct reason_args a = { .module = md->name,
		    .node = md->conf.node, .addresses = md->addresses,
		    .detail = f->warning[i].text };

		status_warning(t, row->code, reason_text(text, sizeof(text),
		    row->text, &a), reason_text(command, sizeof(command),
		    row->go_on[0] != '\0' ? row->go_on : row->cost, &a));
	}
}

/* Standing aside, or stopped, or dead: one server less. */
static void
put_node_out(struct moduled *md, struct status_out *t,
    const struct farm_node *n, unsigned serving)
{
	unsigned all = md->farm->view.nodes.count + 1;
	char text[FACT_TEXT * 2], command[FACT_TEXT] = "";

	if (!farm_node_is_heard(n))
		(void)snprintf(text, sizeof(text), "%s is %s; %u of %u nodes "
		    "serve", n->name, n->net == NET_UP ? "heard, but its "
		    "moduled is not" : "not heard", serving, all);
	else {
		(void)snprintf(text, sizeof(text), "%s is in %s %s%s%s; %u of "
		    "%u nodes serve", n->name, state_name(n->state),
		    quality_name(n->quality), n->reason[0] != '\0' ?
		    ", reason " : "", n->reason, serving, all);
		if (n->standby)
			(void)snprintf(command, sizeof(command), "on %s: "
			    "holdfast node active", n->name);
		else
			(void)snprintf(command, sizeof(command), "on %s: "
			    "holdfast %s %s", n->name,
			    n->state == ST_STOP ? "start" : "why", md->name);
	}
	status_warning(t, "farm-node-out", text, command);
}

static bool
is_out(const struct farm_node *n)
{
	return !farm_node_is_heard(n) || n->state != ST_UP ||
	    n->quality == Q_NOTREADY;
}

static void
put_nodes_out(struct moduled *md, struct status_out *t)
{
	const struct farm_nodes *all = &md->farm->view.nodes;
	unsigned i, serving = md->dec.quality == Q_READY &&
	    farm_has_share(&md->farm->view.f.shares);

	for (i = 0; i < all->count; i++)
		if (farm_node_is_heard(&all->node[i]) &&
		    farm_has_share(&all->node[i].shares))
			serving++;
	/* Before farmd's word about them they are only not known yet. */
	if (md->m.state != ST_UP || !md->farm->view.f.known)
		return;
	for (i = 0; i < all->count; i++)
		if (is_out(&all->node[i]) && all->node[i].net != NET_UNKNOWN)
			put_node_out(md, t, &all->node[i], serving);
}

void
status_farm_warnings(struct moduled *md, struct status_out *t)
{
	put_drain(md, t);
	put_codes(md, t);
	put_nodes_out(md, t);
}

/* --- nodes ------------------------------------------------------------ */

static void
put_self(struct moduled *md, struct status_out *t)
{
	const struct farm_facts *f = &md->farm->view.f;
	struct line_out o;

	status_begin(&o, "node");
	line_add(&o, "name", md->conf.node);
	line_add(&o, "state", state_name(md->m.state));
	line_add(&o, "quality", quality_name(md->dec.quality));
	line_add_num(&o, "standby", md->v.standby);
	line_add_num(&o, "share", f->known ? farm_share(&f->shares) : 0);
	line_add_num(&o, "since_s", wall_now() - md->state_wall_s);
	line_add_num(&o, "self", 1);
	line_add(&o, "net", "up");
	line_add(&o, "serve", farm_serve_name(f->known ? f->serve :
	    FARM_NONE));
	line_add(&o, "reason", md->dec.reason == RS_NONE ? "" :
	    reason_row(md->dec.reason)->code);
	put_shares(&o, &f->shares);
	status_put(t, &o);
}

/* The other node's clock may be ahead of ours. */
static int64_t
age(int64_t since_s)
{
	int64_t s = wall_now() - since_s;

	return s > 0 ? s : 0;
}

static const char *
net_name(enum net_state n)
{
	return n == NET_UP ? "up" : n == NET_DOWN ? "down" : "unknown";
}

void
status_farm_nodes(struct moduled *md, struct status_out *t)
{
	const struct farm_nodes *all = &md->farm->view.nodes;
	struct line_out o;
	unsigned i;

	put_self(md, t);
	for (i = 0; i < all->count; i++) {
		const struct farm_node *n = &all->node[i];
		bool heard = farm_node_is_heard(n);

		status_begin(&o, "node");
		line_add(&o, "name", n->name);
		line_add(&o, "state", heard ? state_name(n->state) :
		    "UNKNOWN");
		line_add(&o, "quality", heard ? quality_name(n->quality) :
		    "NotReady");
		line_add_num(&o, "standby", heard && n->standby);
		line_add_num(&o, "share", n->net == NET_UP ?
		    farm_share(&n->shares) : 0);
		if (heard && n->since_s > 0)
			line_add_num(&o, "since_s", age(n->since_s));
		line_add_num(&o, "self", 0);
		line_add(&o, "net", net_name(n->net));
		line_add(&o, "serve", n->net == NET_UP ?
		    farm_serve_name(n->serve) : "none");
		line_add(&o, "reason", heard ? n->reason : "");
		if (n->net == NET_UP)
			put_shares(&o, &n->shares);
		status_put(t, &o);
	}
}

void
status_farm_node_text(const struct farm_node *n, char *buf, size_t size)
{
	char since[CLOCK_WALL_LEN], shares[FACT_TEXT];

	status_wall(since, n->since_s);
	if (n->net != NET_UP)
		(void)snprintf(buf, size, "%s is not heard", n->name);
	else if (!n->spoke)
		(void)snprintf(buf, size, "%s is heard, but not its moduled",
		    n->name);
	else
		(void)snprintf(buf, size, "%s is %s %s since %s%s%s, %s, "
		    "share %s", n->name, state_name(n->state),
		    quality_name(n->quality), since, n->reason[0] != '\0' ?
		    ", reason " : "", n->reason, farm_serve_name(n->serve),
		    farm_has_share(&n->shares) ? farm_shares_text(shares,
		    sizeof(shares), &n->shares) : "none");
}

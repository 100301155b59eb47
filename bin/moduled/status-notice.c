/* SPDX-License-Identifier: ISC */
/*
 * The lines of the status about the operator's standing words, and about
 * writes that are held: none of them is a fault, all of them are loud.
 */
#include "status-int.h"

#include <stdio.h>
#include <string.h>

#include "moduled.h"

/* ", by root on n1 since ...: why" */
static void
said_by(char buf[FACT_TEXT * 2], const struct notice *t)
{
	char since[CLOCK_WALL_LEN];

	status_wall(since, t->at);
	(void)snprintf(buf, FACT_TEXT * 2, "by %s on %s since %s%s%s", t->who,
	    t->node, since, t->why[0] != '\0' ? ": " : "", t->why);
}

/* "2 h 5 min", "40 s" */
static void
left_text(char *buf, size_t size, int64_t s)
{
	if (s >= 3600)
		(void)snprintf(buf, size, "%lld h %lld min",
		    (long long)(s / 3600), (long long)(s % 3600 / 60));
	else if (s >= 60)
		(void)snprintf(buf, size, "%lld min", (long long)(s / 60));
	else
		(void)snprintf(buf, size, "%lld s", (long long)s);
}

static bool
peer_knows(const struct moduled *md, const struct notice *mine,
    const struct notice *theirs)
{
	/* The words about a farm are of this node only. */
	if (md->farm != NULL)
		return true;
	return md->v.peer.net == NET_UP && md->v.peer.has_blob &&
	    theirs->n == mine->n && strcmp(theirs->node, mine->node) == 0;
}

static void
put_notice(struct status_out *t, const char *kind, const struct notice *n,
    bool known)
{
	struct line_out o;

	status_begin(&o, kind);
	line_add_num(&o, "n", n->n);
	line_add(&o, "node", n->node);
	line_add_num(&o, "at", n->at);
	line_add_num(&o, "until", n->until);
	line_add(&o, "who", n->who);
	line_add(&o, "why", n->why);
	line_add_num(&o, "peer_knows", known);
	status_put(t, &o);
}

static void
put_maintain(struct moduled *md, struct status_out *t)
{
	const struct notice *n = &md->wish.maintain;
	char text[FACT_TEXT * 4], by[FACT_TEXT * 2], until[CLOCK_WALL_LEN];
	char command[128], left[64];

	if (n->n == 0)
		return;
	put_notice(t, "maintain", n, peer_knows(md, n,
	    &md->v.peer.maintain));
	if (!md->v.maintain)
		return;
	said_by(by, n);
	status_wall(until, n->until);
	left_text(left, sizeof(left), n->until - wall_now());
	(void)snprintf(text, sizeof(text), "in maintenance until %s (%s "
	    "left), %s; no takeover and no action of checkers and rules%s",
	    until, left, by, md->conf.peer[0] == '\0' || peer_knows(md, n,
	    &md->v.peer.maintain) ? "" : "; the other node has not heard of "
	    "it and may take over");
	(void)snprintf(command, sizeof(command), "holdfast maintain %s off",
	    md->name);
	status_warning(t, "maintenance", text, command);
}

static void
put_released(struct moduled *md, struct status_out *t)
{
	const struct notice *n = &md->wish.released;
	char text[FACT_TEXT * 4], by[FACT_TEXT * 2], command[FACT_TEXT];
	bool here = strcmp(n->node, md->conf.node) == 0;

	(void)snprintf(command, sizeof(command), "holdfast start %s",
	    md->name);
	if (md->wish.voided) {
		(void)snprintf(text, sizeof(text), "%s ended the release of "
		    "this node: what was changed here by hand since is "
		    "overwritten when it follows; save it first",
		    md->conf.peer);
		status_warning(t, "released", text, command);
	}
	if (!md->v.released)
		return;
	put_notice(t, "released", n, peer_knows(md, n,
	    &md->v.peer.released));
	said_by(by, n);
	(void)snprintf(text, sizeof(text), "released to be run by hand on %s, "
	    "%s; nothing is replicated and nobody takes over%s", n->node, by,
	    here ? "" : "; the data here is behind");
	(void)snprintf(command, sizeof(command), "%s%s%sholdfast start %s",
	    here ? "" : "on ", here ? "" : n->node, here ? "" : ": ",
	    md->name);
	status_warning(t, "released", text, command);
}

static void
put_standby(struct moduled *md, struct status_out *t)
{
	const char *text = md->m.state == ST_ALONE ||
	    md->m.state == ST_PRIM || md->m.state == ST_UP ?
	    "this node is on standby, but goes on serving: nobody can take "
	    "its place" : "this node is on standby and takes no role";

	if (md->v.standby)
		status_warning(t, "standby", text, "holdfast node active");
}

static void
put_held(struct moduled *md, struct status_out *t)
{
	const struct self_facts *f = &md->v.self;
	char text[FACT_TEXT * 2];

	if (!f->known || f->held_ms <= 0)
		return;
	(void)snprintf(text, sizeof(text), "writes are held for at most %lld "
	    "s, by `holdfast freeze' of %s", (long long)(f->held_ms + 999) /
	    1000, f->held_by);
	status_warning(t, "frozen", text, "");
}

void
status_verify_warning(struct moduled *md, struct status_out *t)
{
	const struct self_facts *f = &md->v.self;
	char text[FACT_TEXT * 2], command[128], end[CLOCK_WALL_LEN];

	/* Also of one that was broken off: these are facts all the same. */
	if (!f->known || f->verify_differences == 0 ||
	    strcmp(f->verify, "repaired") == 0 ||
	    strcmp(f->verify, "running") == 0)
		return;
	status_wall(end, f->verify_end);
	(void)snprintf(text, sizeof(text), "the two nodes differ: %lld "
	    "differences found at %s", (long long)f->verify_differences, end);
	(void)snprintf(command, sizeof(command), "holdfast verify %s list",
	    md->name);
	status_warning(t, "nodes-differ", text, command);
}

void
status_notices(struct moduled *md, struct status_out *t)
{
	put_maintain(md, t);
	put_released(md, t);
	put_standby(md, t);
	put_held(md, t);
}

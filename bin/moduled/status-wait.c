/* SPDX-License-Identifier: ISC */
/*
 * The lines of the status about two nodes that wait for each other: who for
 * whom, since when, and which one has the newest data.
 */
#include "status-int.h"

#include <stdio.h>
#include <string.h>

#include "moduled.h"
#include "newest.h"

static void
put_wait(struct status_out *t, const char *node, const char *whom,
    int64_t since, const char *code, const char *text)
{
	char wall[CLOCK_WALL_LEN];
	struct line_out o;

	status_wall(wall, since);
	status_begin(&o, "waits");
	line_add(&o, "node", node);
	line_add(&o, "for", whom);
	line_add(&o, "since", wall);
	line_add(&o, "code", code);
	line_add(&o, "text", text);
	status_put(t, &o);
}

static void
put_own(struct moduled *md, struct status_out *t)
{
	const struct reason_row *r = reason_row(md->dec.reason);
	char text[FACT_TEXT * 2];

	if (md->dec.quality != Q_NOTREADY || !r->by_peer)
		return;
	put_wait(t, md->conf.node, md->conf.peer, md->reason_wall_s, r->code,
	    status_fill(md, text, r->text));
}

/* The peer's reason in our words: this node is the one it waits for. */
static void
put_peer(struct moduled *md, struct status_out *t)
{
	const struct peer_facts *p = &md->v.peer;
	char text[FACT_TEXT * 2], epoch[EPOCH_LEN], detail[EPOCH_LEN + 8] = "";
	struct reason_args a = { .module = md->name, .node = md->conf.peer,
	    .peer = md->conf.node, .addresses = md->addresses,
	    .detail = detail, .peer_now = "", .silent = "", .script = "" };
	const struct reason_row *r;

	if (p->net != NET_UP || !p->has_blob || p->quality != Q_NOTREADY ||
	    p->reason[0] == '\0')
		return;
	r = reason_row(reason_of_code(p->reason));
	if (!r->by_peer)
		return;
	if (md->v.self.known && !epoch_is_none(md->v.self.epoch))
		(void)snprintf(detail, sizeof(detail), " (%s)",
		    epoch_human(epoch, md->v.self.epoch));
	put_wait(t, md->conf.peer, md->conf.node, p->since_s, r->code,
	    reason_text(text, sizeof(text), r->text, &a));
}

static void
put_newest(struct moduled *md, struct status_out *t)
{
	char text[FACT_TEXT], human[EPOCH_LEN], str[EPOCH_LEN];
	const char *node = "", *me = md->conf.node, *peer = md->conf.peer;
	enum newest n;
	struct line_out o;
	struct epoch e;

	n = newest_look(&md->v, md->wish.peer_epoch, &e);
	switch (n) {
	case NW_NOBODY:
		return;
	case NW_UNKNOWN:
		(void)snprintf(text, sizeof(text), "not known before %s is "
		    "heard; %s has %s", peer, me, epoch_human(human,
		    md->v.self.epoch));
		break;
	case NW_BOTH:
		(void)snprintf(text, sizeof(text), "the same on both (%s)",
		    epoch_human(human, e));
		break;
	case NW_HERE:
	case NW_PEER:
		node = n == NW_HERE ? me : peer;
		(void)snprintf(text, sizeof(text), "on %s%s%s%s", node,
		    epoch_is_none(e) ? "" : " (", epoch_is_none(e) ? "" :
		    epoch_human(human, e), epoch_is_none(e) ? "" : ")");
		break;
	}
	status_begin(&o, "newest");
	line_add(&o, "node", node);
	line_add(&o, "epoch", epoch_is_none(e) ? "" : epoch_str(str, e));
	line_add(&o, "text", text);
	status_put(t, &o);
}

void
status_waits(struct moduled *md, struct status_out *t)
{
	if (md->conf.peer[0] == '\0')
		return;
	put_own(md, t);
	put_peer(md, t);
	/* While one serves nobody asks. */
	if (md->m.state == ST_WAIT || md->m.state == ST_STOP)
		put_newest(md, t);
}

/* SPDX-License-Identifier: ISC */
/*
 * What moduled shows: the answer to `status', the same in a small file for
 * observers, and the event `state'.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "log.h"
#include "paths.h"
#include "statefile.h"
#include "xalloc.h"

#include "moduled.h"

#define STATUS_SIZE	(64 * 1024)

struct out {
	char	*text;
	size_t	 len;
};

static void
put(struct out *t, struct line_out *o)
{
	if (!line_end(o) || t->len + o->len >= STATUS_SIZE)
		return;
	memcpy(t->text + t->len, o->text, o->len + 1);
	t->len += o->len;
}

/* A line of pairs, as all answers; the first one says what it is about. */
static void
begin(struct line_out *o, const char *kind)
{
	line_begin(o, "");
	line_add(o, "kind", kind);
}

static const char *
fill(struct moduled *md, char buf[FACT_TEXT * 2], const char *text)
{
	struct reason_args a = { .module = md->name, .node = md->conf.node,
	    .peer = md->conf.peer, .addresses = md->addresses,
	    .detail = md->dec.detail };

	return reason_text(buf, FACT_TEXT * 2, text, &a);
}

static void
put_module(struct moduled *md, struct out *t)
{
	char text[EPOCH_LEN];
	struct line_out o;

	begin(&o, "module");
	line_add(&o, "name", md->name);
	line_add_num(&o, "id", cfg_getint(md->d->conf, "id"));
	line_add(&o, "mode", cfg_getstr(md->d->conf, "mode"));
	line_add(&o, "state", state_name(md->m.state));
	line_add(&o, "quality", quality_name(md->dec.quality));
	line_add_num(&o, "since_s", wall_now() - md->state_wall_s);
	line_add(&o, "epoch", epoch_str(text, md->v.self.epoch));
	line_add(&o, "lease", "heartbeats-only");
	put(t, &o);
}

static void
put_warning(struct out *t, const char *code, const char *text,
    const char *command)
{
	struct line_out o;

	begin(&o, "warning");
	line_add(&o, "code", code);
	line_add(&o, "text", text);
	line_add(&o, "command", command);
	put(t, &o);
}

static void
put_warnings(struct moduled *md, struct out *t)
{
	char text[FACT_TEXT * 2], command[128];

	if (md->conf.peer[0] != '\0' && md->m.state != ST_STOP)
		put_warning(t, "heartbeats-only", "no third voter: after a "
		    "split of all networks both nodes may run until they "
		    "meet", "holdfast help witness");
	(void)snprintf(command, sizeof(command), "holdfast log %s",
	    md->name);
	if (md->warning[0] != '\0')
		put_warning(t, "script-failed", md->warning, command);
	(void)snprintf(command, sizeof(command), "holdfast start %s",
	    md->name);
	if (md->wish.maxloop) {
		(void)snprintf(text, sizeof(text), "stopped by maxloop after "
		    "%lld actions of error", (long long)md->wish.loops - 1);
		put_warning(t, "maxloop", text, command);
	}
	if (md->m.state == ST_ALONE && md->conf.peer[0] != '\0' &&
	    md->v.peer.net != NET_UP) {
		(void)snprintf(text, sizeof(text), "not redundant: %s is "
		    "silent", md->conf.peer);
		put_warning(t, "alone", text, "");
	}
	if (md->v.conflict[0] != '\0') {
		(void)snprintf(text, sizeof(text), "another host answers for "
		    "%s", md->v.conflict);
		put_warning(t, "address-conflict", text, "");
	}
	if (md->v.mismatch != RS_NONE && md->m.state != ST_WAIT) {
		(void)snprintf(text, sizeof(text), "%s: %s",
		    reason_row(md->v.mismatch)->code, md->v.mismatch_text);
		put_warning(t, reason_row(md->v.mismatch)->code, text, "");
	}
}

static void
put_blocked(struct moduled *md, struct out *t)
{
	const struct reason_row *r = reason_row(md->dec.reason);
	char text[FACT_TEXT * 2];
	struct line_out o;

	if (md->dec.reason == RS_NONE)
		return;
	begin(&o, "blocked");
	line_add(&o, "code", r->code);
	line_add(&o, "text", fill(md, text, r->text));
	put(t, &o);
	if (r->missing[0] != '\0') {
		begin(&o, "missing");
		line_add(&o, "text", fill(md, text, r->missing));
		put(t, &o);
	}
	if (r->go_on[0] == '\0')
		return;
	begin(&o, "goon");
	line_add(&o, "command", fill(md, text, r->go_on));
	line_add(&o, "cost", fill(md, text, r->cost));
	put(t, &o);
}

static void
put_nodes(struct moduled *md, struct out *t)
{
	const struct peer_facts *p = &md->v.peer;
	bool heard = p->net == NET_UP && p->has_blob;
	struct line_out o;

	begin(&o, "node");
	line_add(&o, "name", md->conf.node);
	line_add(&o, "state", state_name(md->m.state));
	line_add(&o, "quality", quality_name(md->dec.quality));
	line_add_num(&o, "level", md->v.self.level && !md->m.mark);
	line_add(&o, "share", "");
	line_add_num(&o, "since_s", wall_now() - md->state_wall_s);
	line_add_num(&o, "self", 1);
	put(t, &o);
	if (md->conf.peer[0] == '\0')
		return;
	begin(&o, "node");
	line_add(&o, "name", md->conf.peer);
	line_add(&o, "state", heard ? state_name(p->state) : "UNKNOWN");
	line_add(&o, "quality", heard ? quality_name(p->quality) :
	    "NotReady");
	line_add_num(&o, "level", heard && p->level);
	line_add(&o, "share", "");
	line_add_num(&o, "since_s", heard ? wall_now() - p->since_s : 0);
	line_add_num(&o, "self", 0);
	put(t, &o);
}

static void
put_resources(struct moduled *md, struct out *t)
{
	struct line_out o;
	unsigned i;

	for (i = 0; i < md->res.count; i++) {
		begin(&o, "resource");
		line_add(&o, "name", md->res.r[i].name);
		line_add(&o, "value", md->res.r[i].value);
		put(t, &o);
	}
}

static void
put_replication(struct moduled *md, struct out *t)
{
	const struct self_facts *f = &md->v.self;
	char text[EPOCH_LEN];
	struct line_out o;

	if (md->rfs) {
		begin(&o, "replication");
		line_add(&o, "mode", f->async);
		line_add(&o, "link", f->known ? f->link : "unknown");
		line_add_num(&o, "level", f->level);
		line_add(&o, "epoch", epoch_str(text, f->epoch));
		line_add_num(&o, "dirty_bytes", f->dirty_bytes);
		line_add(&o, "phase", f->phase);
		line_add_num(&o, "done_bytes", f->done_bytes);
		line_add_num(&o, "total_bytes", f->total_bytes);
		line_add_num(&o, "rate_bytes_s", f->rate_bytes_s);
		line_add_num(&o, "eta_s", f->eta_s);
		put(t, &o);
	}
	begin(&o, "lease");
	line_add(&o, "mode", "heartbeats-only");
	line_add_num(&o, "until_s", 0);
	line_add_num(&o, "voters", 0);
	put(t, &o);
}

static char *
status_text(struct moduled *md)
{
	struct out t = { .text = xcalloc(1, STATUS_SIZE) };

	put_module(md, &t);
	put_warnings(md, &t);
	put_blocked(md, &t);
	put_nodes(md, &t);
	put_resources(md, &t);
	put_replication(md, &t);
	return t.text;
}

void
status_answer(struct moduled *md, struct client *c)
{
	char *text = status_text(md), *p, *end;
	struct line_out o;

	for (p = text; (end = strchr(p, '\n')) != NULL; p = end + 1) {
		line_begin(&o, "");
		o.len = (size_t)(end - p);
		memcpy(o.text, p, o.len);
		o.text[o.len] = '\0';
		serve_line(c, &o);
	}
	free(text);
	serve_ok(c);
}

void
status_state_line(struct moduled *md, struct line_out *o)
{
	char text[FACT_TEXT * 2];

	line_begin(o, "state");
	line_add(o, "name", md->name);
	line_add(o, "state", state_name(md->m.state));
	line_add(o, "quality", quality_name(md->dec.quality));
	line_add(o, "code", md->dec.reason == RS_NONE ? "" :
	    reason_row(md->dec.reason)->code);
	line_add(o, "text", fill(md, text, reason_row(md->dec.reason)->text));
	line_add(o, "peer", md->v.peer.net == NET_UP && md->v.peer.has_blob ?
	    state_name(md->v.peer.state) : "UNKNOWN");
	line_add(o, "peer_quality", md->v.peer.net == NET_UP &&
	    md->v.peer.has_blob ? quality_name(md->v.peer.quality) :
	    "NotReady");
	line_add(o, "order", order_name(md->wish.order));
	line_add(o, "wish", md->wish.start || md->wish.again ? "start" :
	    "stop");
}

void
status_show(struct moduled *md)
{
	char path[PATH_LEN], *text;
	struct line_out o;

	status_state_line(md, &o);
	o.text[o.len] = '\0';
	if (moduled_news(&md->said_state, o.text))
		serve_event(md->d->serve, "state", &o);
	text = status_text(md);
	if (moduled_news(&md->said_status, text) &&
	    statefile_write_volatile(path_run(path, "%s/status", md->name),
	    text, strlen(text), 0644) != 0)
		log_warn("%s", path);
	free(text);
}

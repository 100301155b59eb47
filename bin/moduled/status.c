/* SPDX-License-Identifier: ISC */
/*
 * What moduled shows: the answer to `status', the same in a small file for
 * observers, and the event `state'.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "line.h"
#include "log.h"
#include "paths.h"
#include "statefile.h"
#include "xalloc.h"

#include "farm.h"
#include "moduled.h"
#include "status-int.h"
#include "voters.h"

#define STATUS_SIZE	(64 * 1024)
/* From here on a script is worth a word. */
#define SCRIPT_LONG_S	5

void
status_put(struct status_out *t, struct line_out *o)
{
	if (!line_end(o) || t->len + o->len >= STATUS_SIZE)
		return;
	memcpy(t->text + t->len, o->text, o->len + 1);
	t->len += o->len;
}

void
status_begin(struct line_out *o, const char *kind)
{
	line_begin(o, "");
	line_add(o, "kind", kind);
}

void
status_wall(char buf[CLOCK_WALL_LEN], int64_t wall_s)
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL || strftime(buf, CLOCK_WALL_LEN,
	    "%Y-%m-%d %H:%M:%S", &tm) == 0)
		buf[0] = '\0';
}

/* "n1, which is in STOP", "n1, silent since ...". */
void
status_peer(struct moduled *md, char buf[FACT_TEXT])
{
	const struct peer_facts *p = &md->v.peer;
	char since[CLOCK_WALL_LEN];

	if (p->net == NET_UP && p->has_blob)
		(void)snprintf(buf, FACT_TEXT, "%s, which is heard and in %s",
		    md->conf.peer, state_name(p->state));
	else if (p->net == NET_DOWN && p->has_blob) {
		status_wall(since, md->net_wall_s);
		(void)snprintf(buf, FACT_TEXT, "%s, silent since %s%s",
		    md->conf.peer, since, voters_hear_peer(md) ?
		    ", but etcd heard it within 10 s" : "");
	} else
		(void)snprintf(buf, FACT_TEXT, "%s, not heard since this "
		    "node started", md->conf.peer);
}

/* The store names generations by UUIDs; eight digits tell them apart. */
static const char *
detail(struct moduled *md, char buf[FACT_TEXT])
{
	static const char *const what[][3] = {
		{ "newer", "this node has newer data than ", "" },
		{ "put-back", "", " was put back to an older state" },
		{ "edited", "files were changed here while the module was "
		    "stopped, and the Holdfast of ", " is older" },
		{ "alone", "this node wrote alone, beside ", "" },
		{ "both", "both nodes wrote alone, this one and ", "" },
	};
	char mine[9], theirs[9], why[16] = "both";
	unsigned i = 0;

	if (md->dec.reason != RS_DIVERGED || sscanf(md->dec.detail,
	    "mine=%8[0-9a-f]%*[^ ] theirs=%8[0-9a-f]%*[^ ] why=%15s", mine,
	    theirs, why) < 2)
		return md->dec.detail;
	while (i + 1 < sizeof(what) / sizeof(what[0]) &&
	    strcmp(what[i][0], why) != 0)
		i++;
	(void)snprintf(buf, FACT_TEXT, "%s%s%s (history %s here, %s there)",
	    what[i][1], md->conf.peer, what[i][2], mine, theirs);
	return buf;
}

/* "; script stop_prim runs since ..., at most 300 s", or "". */
static void
script_now(struct moduled *md, char buf[FACT_TEXT])
{
	char since[CLOCK_WALL_LEN];
	const char *name;
	int64_t limit_ms;

	buf[0] = '\0';
	if ((name = scripts_running(md->scripts, &limit_ms)) == NULL)
		return;
	status_wall(since, md->script_wall_s);
	(void)snprintf(buf, FACT_TEXT, "; script %s runs%s%s, at most %lld s",
	    name, md->script_wall_s != 0 ? " since " : "",
	    md->script_wall_s != 0 ? since : "",
	    (long long)(limit_ms / 1000));
}

const char *
status_fill(struct moduled *md, char buf[FACT_TEXT * 2], const char *text)
{
	char now[FACT_TEXT], silent[FACT_TEXT] = "", history[FACT_TEXT];
	char script[FACT_TEXT];
	struct reason_args a = { .module = md->name, .node = md->conf.node,
	    .peer = md->conf.peer, .addresses = md->addresses,
	    .detail = detail(md, history), .peer_now = now,
	    .silent = silent, .script = script };

	status_peer(md, now);
	script_now(md, script);
	if (md->v.peer.net != NET_UP)
		(void)snprintf(silent, sizeof(silent), "; if %s still runs, "
		    "both run until they meet, and then what one of them "
		    "wrote is set aside", md->conf.peer);
	return reason_text(buf, FACT_TEXT * 2, text, &a);
}

static void
put_module(struct moduled *md, struct status_out *t)
{
	char text[EPOCH_LEN];
	struct line_out o;

	status_begin(&o, "module");
	line_add(&o, "name", md->name);
	line_add_num(&o, "id", cfg_getint(md->d->conf, "id"));
	line_add(&o, "mode", cfg_getstr(md->d->conf, "mode"));
	line_add(&o, "state", state_name(md->m.state));
	line_add(&o, "quality", quality_name(md->dec.quality));
	line_add_num(&o, "since_s", wall_now() - md->state_wall_s);
	line_add(&o, "epoch", md->farm != NULL ? md->farm->view.f.epoch :
	    epoch_str(text, md->v.self.epoch));
	line_add(&o, "lease", status_mode(md));
	line_add(&o, "wish", md->wish.start || md->wish.again ? "start" :
	    "stop");
	status_put(t, &o);
}

void
status_warning(struct status_out *t, const char *code, const char *text,
    const char *command)
{
	struct line_out o;

	status_begin(&o, "warning");
	line_add(&o, "code", code);
	line_add(&o, "text", text);
	line_add(&o, "command", command);
	status_put(t, &o);
}

/* Not redundant between the times of <rfs syncat>, as it is meant to be. */
static bool
waits_for_its_time(const struct peer_facts *p)
{
	return p->net == NET_UP && p->has_blob && p->state == ST_WAIT &&
	    strcmp(p->reason, reason_row(RS_SYNCAT)->code) == 0;
}

/* The application runs, but one more failure would end that. */
static void
put_alone(struct moduled *md, struct status_out *t)
{
	const struct peer_facts *p = &md->v.peer;
	char text[FACT_TEXT * 2], command[FACT_TEXT * 2] = "";

	if (p->net != NET_UP || !p->has_blob) {
		status_peer(md, command);
		(void)snprintf(text, sizeof(text), "not redundant: %s",
		    command);
		command[0] = '\0';
	} else if (p->state == ST_SECOND)
		(void)snprintf(text, sizeof(text), "not redundant yet: %s is "
		    "being brought level", md->conf.peer);
	else {
		(void)snprintf(text, sizeof(text), "not redundant: %s is in "
		    "%s%s%s", md->conf.peer, state_name(p->state),
		    p->reason[0] != '\0' ? ", reason " : "", p->reason);
		if (p->standby)
			(void)snprintf(command, sizeof(command), "on %s: "
			    "holdfast node active", md->conf.peer);
		else
			(void)snprintf(command, sizeof(command), "on %s: "
			    "holdfast %s %s", md->conf.peer, p->wish_start ?
			    "why" : "start", md->name);
	}
	status_warning(t, "alone", text, command);
}

/* What a checker found, and whether checkers are heard at all. */
static void
put_checks(struct moduled *md, struct status_out *t, const char *log_command)
{
	static const char *const classes[] = { "proc.", "tcp.", "ping.",
	    "custom.", "disk." };
	char text[FACT_TEXT * 2], since[CLOCK_WALL_LEN];
	unsigned i, k;

	for (i = 0; i < md->res.count; i++) {
		const struct resource *r = &md->res.r[i];

		for (k = 0; k < sizeof(classes) / sizeof(classes[0]); k++)
			if (strncmp(r->name, classes[k],
			    strlen(classes[k])) == 0)
				break;
		if (k == sizeof(classes) / sizeof(classes[0]) ||
		    (strcmp(r->value, "down") != 0 &&
		    strcmp(r->value, "warn") != 0))
			continue;
		/* Of a replicated directory more is said elsewhere. */
		if (strncmp(r->name, "disk.", 5) == 0 &&
		    disks_find(&md->v.self.disks, r->name + 5) != NULL)
			continue;
		(void)snprintf(text, sizeof(text), "%s is %s%s%s", r->name,
		    r->value[0] == 'd' ? "down" : "low", r->text[0] != '\0' ?
		    ": " : "", r->text);
		status_warning(t, r->value[0] == 'd' ? "resource-down" :
		    "resource-low", text, log_command);
	}
	if (!md->checks_silent)
		return;
	status_wall(since, md->checks_wall_s);
	(void)snprintf(text, sizeof(text), "checkd has not answered since %s: "
	    "no checker is heard", since);
	status_warning(t, "checks-silent", text, log_command);
}

static void
put_stopped(struct moduled *md, struct status_out *t)
{
	bool by_rule = strncmp(md->wish.who, "failover rule ", 14) == 0;
	char text[FACT_TEXT * 4], command[128];

	(void)snprintf(command, sizeof(command), "holdfast start %s",
	    md->name);
	if (md->wish.maxloop) {
		(void)snprintf(text, sizeof(text), "stopped by maxloop after "
		    "%lld actions of error; the last was of %s%s%s",
		    (long long)md->wish.loops - 1, md->wish.who,
		    md->wish.why[0] != '\0' ? ": " : "", md->wish.why);
		status_warning(t, "maxloop", text, command);
	} else if (by_rule && !md->wish.start && !md->wish.again) {
		(void)snprintf(text, sizeof(text), "stopped by %s: %s",
		    md->wish.who, md->wish.why);
		status_warning(t, "rule-stop", text, command);
	}
}

static void
put_disk_warning(const char *code, const char *text, const char *command,
    void *arg)
{
	status_warning(arg, code, text, command);
}

/* What the peer said last counts as long as it is heard. */
static bool
peer_says(const struct moduled *md)
{
	return md->v.peer.net == NET_UP && md->v.peer.has_blob;
}

static const struct disks *
peer_disks(const struct moduled *md)
{
	static const struct disks none;

	return peer_says(md) ? &md->v.peer.disks : &none;
}

static void
put_disk_warnings(struct moduled *md, struct status_out *t)
{
	struct disk_side own = { md->conf.node, &md->v.self.disks,
	    md->v.self.role == SR_PRIM, md->v.self.disk_down };
	struct disk_side peer = { md->conf.peer, peer_disks(md),
	    md->v.peer.role == SR_PRIM, peer_says(md) &&
	    md->v.peer.disk_down };

	if (md->v.self.known)
		disks_warn(&own, &peer, put_disk_warning, t);
}

static void
put_disks(struct moduled *md, struct status_out *t)
{
	const struct disks *own = &md->v.self.disks;
	struct line_out o;

	for (unsigned i = 0; md->v.self.known && i < own->count; i++) {
		const struct disk *d = &own->disk[i];
		const struct disk *p = disks_find(peer_disks(md), d->dir);

		status_begin(&o, "disk");
		line_add(&o, "directory", d->dir);
		line_add_num(&o, "total_bytes", (int64_t)d->total);
		line_add_num(&o, "free_bytes", (int64_t)d->avail);
		line_add_num(&o, "used_percent", disk_used(d));
		line_add_num(&o, "inodes_percent", disk_inodes_used(d));
		line_add_num(&o, "full_in_s", d->full_in_s);
		if (p != NULL) {
			line_add_num(&o, "peer_total_bytes",
			    (int64_t)p->total);
			line_add_num(&o, "peer_free_bytes",
			    (int64_t)p->avail);
			line_add_num(&o, "peer_used_percent", disk_used(p));
			line_add_num(&o, "peer_full_in_s", p->full_in_s);
		}
		status_put(t, &o);
	}
}

static void
put_warnings(struct moduled *md, struct status_out *t)
{
	char text[FACT_TEXT * 2], command[128];

	status_lease_warnings(md, t);
	(void)snprintf(command, sizeof(command), "holdfast log %s",
	    md->name);
	if (md->warning[0] != '\0')
		status_warning(t, "script-failed", md->warning, command);
	put_checks(md, t, command);
	put_stopped(md, t);
	if (md->m.state == ST_ALONE && md->conf.peer[0] != '\0' &&
	    !waits_for_its_time(&md->v.peer))
		put_alone(md, t);
	if (md->farm != NULL && !farm_is_lone(md))
		status_farm_warnings(md, t);
	put_disk_warnings(md, t);
	if (md->v.self.kept.count > 0) {
		kept_text(text, sizeof(text), &md->v.self.kept);
		(void)snprintf(command, sizeof(command), "holdfast diverged "
		    "%s list", md->name);
		status_warning(t, "diverged-kept", text, command);
		(void)snprintf(command, sizeof(command), "holdfast log %s",
		    md->name);
	}
	status_verify_warning(md, t);
	if (md->v.conflict[0] != '\0') {
		(void)snprintf(text, sizeof(text), "another host answers for "
		    "%s", md->v.conflict);
		status_warning(t, "address-conflict", text, "");
	}
	if (md->foreign[0] != '\0' && md->v.peer.net != NET_UP)
		status_warning(t, "foreign", md->foreign, "the same "
		    "cluster.key on both nodes, then on both: holdfast "
		    "config");
	if (md->v.mismatch != RS_NONE && md->m.state != ST_WAIT) {
		(void)snprintf(text, sizeof(text), "%s: %s",
		    md->v.mismatch == RS_MODULE_ID ? "the module ids differ" :
		    "the configuration differs", md->v.mismatch_text);
		(void)snprintf(command, sizeof(command), "%s%s",
		    md->v.mismatch == RS_MODULE_ID ? "one "
		    "id, see holdfast-troubleshooting(7)" : "the same files, "
		    "then on both: holdfast config ",
		    md->v.mismatch == RS_MODULE_ID ? "" : md->name);
		status_warning(t, reason_row(md->v.mismatch)->code, text,
		    command);
	}
}

static void
put_way(struct status_out *t, const char *command, const char *cost)
{
	struct line_out o;

	status_begin(&o, "goon");
	line_add(&o, "command", command);
	line_add(&o, "cost", cost);
	status_put(t, &o);
}

/* The way that loses nothing: the other node. */
static void
put_way_of_peer(struct moduled *md, struct status_out *t)
{
	const struct peer_facts *p = &md->v.peer;
	char command[FACT_TEXT] = "", cost[FACT_TEXT * 2];

	if (md->foreign[0] != '\0' && p->net != NET_UP)
		(void)snprintf(cost, sizeof(cost), "make cluster.key the "
		    "same on both nodes, then `holdfast config'; nothing is "
		    "lost, and it goes on by itself (%s)", md->foreign);
	else if (p->net != NET_UP || !p->has_blob)
		(void)snprintf(cost, sizeof(cost), "bring %s back (power, "
		    "network); nothing is lost, and it goes on by itself",
		    md->conf.peer);
	else if (!p->wish_start) {
		(void)snprintf(command, sizeof(command), "on %s: holdfast "
		    "start %s", md->conf.peer, md->name);
		(void)snprintf(cost, sizeof(cost), "nothing is lost; this "
		    "node follows it");
	} else {
		(void)snprintf(command, sizeof(command), "on %s: holdfast "
		    "why %s", md->conf.peer, md->name);
		(void)snprintf(cost, sizeof(cost), "it waits itself%s%s: "
		    "what it waits for comes first", p->reason[0] != '\0' ?
		    " with the reason " : "", p->reason);
	}
	put_way(t, command, cost);
}

/* A script that takes long on the way out need not be waited for. */
static void
put_way_of_script(struct moduled *md, struct status_out *t)
{
	char command[FACT_TEXT], cost[FACT_TEXT * 2];
	int64_t limit_ms;

	if ((md->dec.reason != RS_STOPPING && md->dec.reason != RS_SWAPPING) ||
	    scripts_running(md->scripts, &limit_ms) == NULL ||
	    wall_now() - md->script_wall_s < SCRIPT_LONG_S)
		return;
	(void)snprintf(command, sizeof(command), "holdfast forcestop %s",
	    md->name);
	(void)snprintf(cost, sizeof(cost), "ends the script now and goes on "
	    "with the forced ones; given again it ends those");
	put_way(t, command, cost);
}

static void
put_other_way(struct moduled *md, struct status_out *t)
{
	char command[FACT_TEXT], cost[FACT_TEXT * 2];

	(void)snprintf(command, sizeof(command), "on %s: holdfast stop %s; "
	    "then here: holdfast prim %s", md->conf.peer, md->name,
	    md->name);
	(void)snprintf(cost, sizeof(cost), "%s follows instead: there, "
	    "holdfast start %s, then holdfast second %s fullsync; what it "
	    "wrote alone is set aside there", md->conf.peer, md->name,
	    md->name);
	put_way(t, command, cost);
}

/* Room that somebody may give up: the oldest of what is kept. */
static void
put_way_of_room(struct moduled *md, struct status_out *t)
{
	const struct kept *k = &md->v.self.kept.kept[0];
	char command[FACT_TEXT], cost[FACT_TEXT * 2];

	if (md->v.self.kept.count == 0)
		return;
	(void)snprintf(command, sizeof(command), "holdfast diverged %s "
	    "discard %s", md->name, k->name);
	(void)snprintf(cost, sizeof(cost), "frees %llu MiB: what this node "
	    "had of its own in epoch %s is gone for good then; first look: "
	    "holdfast diverged %s diff %s", (unsigned long long)k->bytes >> 20,
	    k->name, md->name, k->name);
	put_way(t, command, cost);
}

static void
put_blocked(struct moduled *md, struct status_out *t)
{
	const struct reason_row *r = reason_row(md->dec.reason);
	char text[FACT_TEXT * 2], cost[FACT_TEXT * 2];
	struct line_out o;

	if (md->dec.reason == RS_NONE)
		return;
	status_begin(&o, "blocked");
	line_add(&o, "code", r->code);
	line_add(&o, "text", status_fill(md, text, r->text));
	status_put(t, &o);
	if (r->missing[0] != '\0') {
		status_begin(&o, "missing");
		line_add(&o, "text", status_fill(md, text, r->missing));
		status_put(t, &o);
	}
	if (r->by_peer && md->conf.peer[0] != '\0')
		put_way_of_peer(md, t);
	if (r->go_on[0] != '\0' || r->cost[0] != '\0')
		put_way(t, status_fill(md, text, r->go_on),
		    status_fill(md, cost, r->cost));
	put_way_of_script(md, t);
	if (md->dec.reason == RS_DIVERGED)
		put_other_way(md, t);
	if (md->dec.reason == RS_DIVERGED_NO_SPACE)
		put_way_of_room(md, t);
}

/* What is set aside on this node. */
static void
put_kept(struct moduled *md, struct status_out *t)
{
	const struct kept_list *k = &md->v.self.kept;
	struct line_out o;
	unsigned i;

	for (i = 0; i < k->count; i++) {
		status_begin(&o, "diverged");
		kept_put(&o, &k->kept[i]);
		status_put(t, &o);
	}
}

static void
put_nodes(struct moduled *md, struct status_out *t)
{
	const struct peer_facts *p = &md->v.peer;
	bool heard = p->net == NET_UP && p->has_blob;
	struct line_out o;

	status_begin(&o, "node");
	line_add(&o, "name", md->conf.node);
	line_add(&o, "state", state_name(md->m.state));
	line_add(&o, "quality", quality_name(md->dec.quality));
	if (md->farm == NULL)
		line_add_num(&o, "level", md->v.self.level && !md->m.mark);
	line_add_num(&o, "new", md->v.self.known && md->v.self.is_new);
	line_add_num(&o, "standby", md->v.standby);
	line_add(&o, "share", "");
	line_add_num(&o, "since_s", wall_now() - md->state_wall_s);
	line_add_num(&o, "self", 1);
	status_put(t, &o);
	if (md->conf.peer[0] == '\0')
		return;
	status_begin(&o, "node");
	line_add(&o, "name", md->conf.peer);
	line_add(&o, "state", heard ? state_name(p->state) : "UNKNOWN");
	line_add(&o, "quality", heard ? quality_name(p->quality) :
	    "NotReady");
	line_add_num(&o, "level", heard && p->level);
	line_add_num(&o, "new", heard && p->is_new);
	line_add_num(&o, "standby", heard && p->standby);
	line_add(&o, "share", "");
	if (heard)
		line_add_num(&o, "since_s", wall_now() - p->since_s);
	line_add_num(&o, "self", 0);
	status_put(t, &o);
}

static void
put_resources(struct moduled *md, struct status_out *t)
{
	struct line_out o;
	unsigned i;

	for (i = 0; i < md->res.count; i++) {
		status_begin(&o, "resource");
		line_add(&o, "name", md->res.r[i].name);
		line_add(&o, "value", md->res.r[i].value);
		status_put(t, &o);
	}
}

static void
put_replication(struct moduled *md, struct status_out *t)
{
	const struct self_facts *f = &md->v.self;
	char text[EPOCH_LEN];
	struct line_out o;

	if (!md->rfs)
		return;
	status_begin(&o, "replication");
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
	line_add(&o, "verify", f->verify);
	line_add(&o, "verify_why", f->verify_why);
	line_add_num(&o, "verify_end", f->verify_end);
	line_add_num(&o, "verify_objects", f->verify_objects);
	line_add_num(&o, "verify_total", f->verify_total);
	line_add_num(&o, "verify_bytes", f->verify_bytes);
	line_add_num(&o, "verify_differences", f->verify_differences);
	status_put(t, &o);
}

/* live: with what changes at each moment. */
static char *
make_text(struct moduled *md, bool live)
{
	struct status_out t = { .text = xcalloc(1, STATUS_SIZE) };

	put_module(md, &t);
	put_warnings(md, &t);
	status_notices(md, &t);
	put_blocked(md, &t);
	status_waits(md, &t);
	if (md->farm != NULL && !farm_is_lone(md)) {
		status_farm(md, &t);
		status_farm_nodes(md, &t);
	} else
		put_nodes(md, &t);
	put_kept(md, &t);
	put_resources(md, &t);
	put_disks(md, &t);
	put_replication(md, &t);
	status_lease(md, &t, live);
	return t.text;
}

char *
status_text(struct moduled *md)
{
	return make_text(md, true);
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
	line_add(o, "text", status_fill(md, text,
	    reason_row(md->dec.reason)->text));
	line_add(o, "peer", md->v.peer.net == NET_UP && md->v.peer.has_blob ?
	    state_name(md->v.peer.state) : "UNKNOWN");
	line_add(o, "peer_quality", md->v.peer.net == NET_UP &&
	    md->v.peer.has_blob ? quality_name(md->v.peer.quality) :
	    "NotReady");
	if (md->farm != NULL && !farm_is_lone(md)) {
		line_add(o, "serve", farm_serve_name(md->farm->view.f.serve));
		line_add(o, "wanted", farm_serve_name(md->dec.serve));
		line_add_num(o, "share", farm_share(
		    &md->farm->view.f.shares));
	}
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
	text = make_text(md, false);
	if (moduled_news(&md->said_status, text) &&
	    statefile_write_volatile(path_run(path, "%s/status", md->name),
	    text, strlen(text), 0644) != 0)
		log_warn("%s", path);
	free(text);
}

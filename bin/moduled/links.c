/* SPDX-License-Identifier: ISC */
/*
 * The links to heartd and vipd: facts in, wishes out.  After each reconnect
 * everything is said again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "log.h"
#include "paths.h"
#include "xalloc.h"

#include "events.h"
#include "farm.h"
#include "hold.h"
#include "moduled.h"

#define RETRY_MS 500
/* heartd withdraws a module that was removed in four times its timeout; who
 * still has our id after this is installed. */
#define ID_WAIT_TRIES 60

static void
warn_err(const struct line *l, void *arg)
{
	const char *what = arg;

	if (strcmp(l->verb, "err") == 0 && (line_get(l, "code") == NULL ||
	    strcmp(line_get(l, "code"), "gone") != 0))
		log_warnx("%s: refused: %s", what,
		    line_get(l, "text") != NULL ? line_get(l, "text") : "");
}

/* The sibling is named by arg; a link that broke is no refusal. */
void
wish_answered(const struct line *l, void *arg)
{
	const char *code = line_get(l, "code");
	const char *text = line_get(l, "text");

	if (strcmp(l->verb, "err") == 0 && (code == NULL ||
	    strcmp(code, "gone") != 0))
		events_add(JE_REFUSED, arg, "wish refused: %s: %s",
		    code != NULL ? code : "?", text != NULL ? text : "");
}

/* --- heartd --------------------------------------------------------------- */

static void
say(struct moduled *md, const char *verb, const char *key, const char *value)
{
	struct line_out o;

	line_begin(&o, verb);
	line_add(&o, "name", md->name);
	line_add(&o, key, value);
	(void)ask_send(md->heart, &o, warn_err, (void *)(uintptr_t)verb);
}

static void
say_stamp(struct moduled *md)
{
	char text[EPOCH_LEN];
	struct line_out o;

	line_begin(&o, "stamp");
	line_add(&o, "name", md->name);
	line_add(&o, "epoch", epoch_str(text, md->v.self.epoch));
	line_add(&o, "role", md->m.state == ST_SECOND ? "second" :
	    decide_runs(&md->m, &md->v) ? "prim" : "none");
	(void)ask_send(md->heart, &o, warn_err, (void *)(uintptr_t)"stamp");
}

static void
on_follow_answer(const struct line *l, void *arg)
{
	warn_err(l, (void *)(uintptr_t)"follow");
	hold_follow_answered(arg, strcmp(l->verb, "ok") == 0);
}

static void
say_follow(struct moduled *md)
{
	struct line_out o;

	line_begin(&o, "follow");
	line_add(&o, "name", md->name);
	line_add(&o, "epoch", md->said_follow);
	if (ask_send(md->heart, &o, on_follow_answer, md))
		hold_follow_said(md);
}

/* The id may be that of a module that was just removed: ask again. */
static void
on_module_answer(const struct line *l, void *arg)
{
	struct moduled *md = arg;
	const char *code = line_get(l, "code"), *text = line_get(l, "text");
	bool is_taken = strcmp(l->verb, "err") == 0 && code != NULL &&
	    strcmp(code, "badid") == 0;

	if (!is_taken || md->id_tries == 0)
		warn_err(l, (void *)(uintptr_t)"module");
	if (is_taken) {
		md->id_tries++;
		loop_timer_set(md->heart_retry, RETRY_MS, 0);
	} else if (strcmp(l->verb, "ok") == 0) {
		if (md->id_tries >= ID_WAIT_TRIES)
			md->v.mismatch = RS_NONE;
		md->id_tries = 0;
	}
	if (md->id_tries != ID_WAIT_TRIES)
		return;
	md->v.mismatch = RS_MODULE_ID;
	(void)snprintf(md->v.mismatch_text, sizeof(md->v.mismatch_text), "%s",
	    text != NULL ? text : "");
	moduled_think(md);
}

static void
heart_up(struct ask *a, void *arg)
{
	struct moduled *md = arg;
	char lans[LAN_MAX * 66] = "";
	struct line_out o;
	unsigned i;

	for (i = 0; i < md->lan_count; i++) {
		if (i > 0)
			strncat(lans, ",", sizeof(lans) - strlen(lans) - 1);
		strncat(lans, md->lan[i].name,
		    sizeof(lans) - strlen(lans) - 1);
	}
	line_begin(&o, "module");
	line_add(&o, "name", md->name);
	line_add_num(&o, "id", cfg_getint(md->d->conf, "id"));
	line_add(&o, "digest", cfg_getstr(md->d->conf, "digest"));
	line_add_num(&o, "pulse_ms", md->conf.pulse_ms);
	line_add_num(&o, "timeout_ms", md->conf.timeout_ms);
	line_add(&o, "lans", lans);
	(void)ask_send(a, &o, on_module_answer, md);
	if (md->said_blob != NULL)
		say(md, "publish", "blob", md->said_blob);
	if (md->said_stamp != NULL)
		say_stamp(md);
	if (md->said_follow != NULL)
		say_follow(md);
	line_begin(&o, "watch");
	line_add(&o, "name", md->name);
	(void)ask_send(a, &o, warn_err, (void *)(uintptr_t)"watch");
	md->v.heard_since = mono_now();
}

static void
heart_again(void *arg)
{
	struct moduled *md = arg;

	if (ask_is_up(md->heart))
		heart_up(md->heart, md);
}

static void
set_net(struct moduled *md, enum net_state s)
{
	if (md->peer.net == s)
		return;
	md->peer.net = s;
	md->peer.net_since = mono_now();
	if (s == NET_UP) {
		md->peer.loss = false;
		md->foreign[0] = '\0';
	}
	if (s != NET_UNKNOWN)
		events_add(s == NET_UP ? JE_PEER_HEARD : JE_PEER_SILENT,
		    "heartd", "%s is %s", md->conf.peer,
		    s == NET_UP ? "heard" : "silent on all networks");
}

/* A node may be off and on again before anybody calls it silent. */
static void
on_life(struct moduled *md, const struct line *l)
{
	int64_t life = 0;

	if (!line_get_num(l, "life", 1, INT64_MAX, &life))
		return;
	if (md->peer_life != 0 && life != md->peer_life)
		events_add(JE_PEER_ANEW, "heartd",
		    "%s has started anew, life %lld", md->conf.peer,
		    (long long)life);
	md->peer_life = life;
}

static void
heart_down(struct ask *a, void *arg)
{
	struct moduled *md = arg;

	(void)a;
	hold_heart_down(md);
	set_net(md, NET_UNKNOWN);
	md->v.heard_since = (struct mono){ 0 };
	moduled_think(md);
}

static void
on_blob(struct moduled *md, const struct line *l)
{
	const char *text = line_get(l, "blob"), *why;
	bool was_down = md->peer.disk_down;

	if (line_get_bool(l, "gone")) {
		md->peer.has_blob = false;
		return;
	}
	if (text == NULL || text[0] == '\0')
		return;
	if (blob_parse(&md->peer, text, &why) != 0)
		log_warnx("blob of %s: %s", md->conf.peer, why);
	/* Its own log may be on that very disk. */
	else if (md->peer.disk_down && !was_down)
		events_add(JE_STORE, "mirrord",
		    "the disk of %s fails or does not answer",
		    md->conf.peer);
}

static void
on_stamp(struct moduled *md, const struct line *l)
{
	const char *role = line_get(l, "role"), *text = line_get(l, "epoch");
	struct epoch e;

	if (role == NULL || text == NULL || epoch_parse(&e, text) != 0)
		return;
	md->peer.stamp_prim = strcmp(role, "prim") == 0;
	md->peer.stamp_epoch = e;
}

static void
on_mismatch(struct moduled *md, const struct line *l, bool differs)
{
	const char *what = line_get(l, "what");
	const char *mine = line_get(l, "mine");
	const char *theirs = line_get(l, "theirs");

	md->v.mismatch = !differs ? RS_NONE : what != NULL &&
	    strcmp(what, "module-id") == 0 ? RS_MODULE_ID :
	    RS_CONFIG_DIFFERS;
	(void)snprintf(md->v.mismatch_text, sizeof(md->v.mismatch_text),
	    "%.8s here, %.8s on %s", mine != NULL ? mine : "?",
	    theirs != NULL ? theirs : "?", md->conf.peer);
	if (differs)
		events_add(JE_MISMATCH, "heartd", "%s: %s",
		    reason_row(md->v.mismatch)->code, md->v.mismatch_text);
}

static void
heart_peer_event(struct moduled *md, const struct line *l)
{
	const char *state = line_get(l, "state");
	const char *lan = line_get(l, "lan");
	char name[RESOURCE_NAME];
	int64_t ms = 0;

	(void)line_get_num(l, "ms", 0, INT64_MAX, &ms);
	if (strcmp(l->verb, "peer") == 0 && state != NULL)
		set_net(md, strcmp(state, "up") == 0 ? NET_UP :
		    strcmp(state, "down") == 0 ? NET_DOWN : NET_UNKNOWN);
	else if (strcmp(l->verb, "net") == 0 && state != NULL &&
	    lan != NULL) {
		(void)snprintf(name, sizeof(name), "heartbeat.%s", lan);
		moduled_resource(md, name, state, NULL, "heartd");
	} else if (strcmp(l->verb, "blob") == 0)
		on_blob(md, l);
	else if (strcmp(l->verb, "life") == 0)
		on_life(md, l);
	else if (strcmp(l->verb, "loss") == 0)
		md->peer.loss = ms > 0;	/* 0: it is heard again */
	else if (strcmp(l->verb, "stamp") == 0)
		on_stamp(md, l);
	else if (strcmp(l->verb, "mismatch") == 0)
		on_mismatch(md, l, true);
	else if (strcmp(l->verb, "match") == 0)
		on_mismatch(md, l, false);
}

/* The peer, or somebody in its place, with another key. */
static void
on_foreign(struct moduled *md, const struct line *l)
{
	const char *addr = line_get(l, "addr");
	const char *reason = line_get(l, "reason");
	char text[FACT_TEXT];

	if (md->peer.net == NET_UP || addr == NULL || reason == NULL ||
	    strcmp(reason, "wrong-key") != 0)
		return;
	(void)snprintf(text, sizeof(text), "datagrams from %s are dropped: "
	    "%s", addr, reason);
	/* Once: a second address with the same trouble is no news. */
	if (md->foreign[0] == '\0') {
		events_add(JE_FOREIGN, "heartd", "%s", text);
		(void)snprintf(md->foreign, sizeof(md->foreign), "%s", text);
	}
}

static void
heart_event(struct ask *a, const struct line *l, void *arg)
{
	struct moduled *md = arg;
	const char *node = line_get(l, "node");
	int64_t ms = 0;

	(void)a;
	/* With each beat: not every one is worth a thought. */
	if (strcmp(l->verb, "grant") == 0)
		hold_grant(md, l);
	if (strcmp(l->verb, "grant") == 0 ||
	    (strcmp(l->verb, "lease") == 0 && !hold_lease(md, l)))
		return;
	if (strcmp(l->verb, "late") == 0) {
		(void)line_get_num(l, "ms", 0, INT64_MAX, &ms);
		events_add(JE_LATE, "heartd", "this node was late by %lld ms",
		    (long long)ms);
		if (ms >= md->conf.timeout_ms)
			md->v.late = true;
	} else if (strcmp(l->verb, "foreign") == 0)
		on_foreign(md, l);
	else if (node != NULL && strcmp(node, md->conf.peer) == 0)
		heart_peer_event(md, l);
	moduled_think(md);
}

void
links_publish(struct moduled *md, const struct peer_facts *blob)
{
	char text[LINE_MAX_LEN], stamp[EPOCH_LEN + 32], epoch[EPOCH_LEN];
	struct epoch follow;

	/*
	 * A new life says nothing before it knows its data: the epoch of
	 * nothing would make the peer leave.
	 */
	if (md->heart == NULL || !md->has_facts ||
	    !blob_format(text, sizeof(text), blob))
		return;
	if (moduled_news(&md->said_blob, text))
		say(md, "publish", "blob", md->said_blob);
	(void)snprintf(stamp, sizeof(stamp), "%s %d %d",
	    epoch_str(epoch, md->v.self.epoch), (int)md->m.state,
	    decide_runs(&md->m, &md->v));
	if (moduled_news(&md->said_stamp, stamp))
		say_stamp(md);
	follow = decide_follows(&md->m);
	if (moduled_news(&md->said_follow, epoch_is_none(follow) ? "none" :
	    epoch_str(epoch, follow)))
		say_follow(md);
}

/* --- vipd ----------------------------------------------------------------- */

static void
vip_again(void *arg)
{
	struct moduled *md = arg;

	md->vip_told = false;
	moduled_think(md);
}

static void
on_vip_answer(const struct line *l, void *arg)
{
	struct moduled *md = arg;
	const char *code = line_get(l, "code");

	/* Refused is answered, too: there is no guard to wait for. */
	if (l->verb[0] != '\0' && md->vip_open > 0 && --md->vip_open == 0)
		md->v.vip_leased = md->vip_told_lease && (code == NULL ||
		    strcmp(code, "gone") != 0);
	if (strcmp(l->verb, "ok") == 0) {
		if (md->v.vip_owned != md->vip_told_own)
			events_add(JE_ADDRESS, "vipd", "Virtual IP %s %s",
			    md->addresses, md->vip_told_own ? "set" :
			    "removed");
		md->v.vip_owned = md->vip_told_own;
		moduled_think(md);
	} else if (strcmp(l->verb, "err") == 0) {
		warn_err(l, (void *)(uintptr_t)"vipd: want");
		loop_timer_set(md->vip_retry, RETRY_MS, 0);
	}
}

void
links_vip(struct moduled *md, bool own)
{
	bool lease = own && md->dec.lease != LU_NONE;
	struct line_out o;

	if (!ask_is_up(md->vip) || (md->vip_told &&
	    md->vip_told_own == own && md->vip_told_lease == lease))
		return;
	line_begin(&o, "want");
	line_add(&o, "name", md->name);
	line_add_num(&o, "own", own);
	if (lease)
		hold_put(md, &o);
	md->vip_told = ask_send(md->vip, &o, on_vip_answer, md);
	md->vip_open += md->vip_told;
	md->v.vip_leased = false;
	md->vip_told_own = own;
	md->vip_told_lease = lease;
}

static void
vip_up(struct ask *a, void *arg)
{
	struct moduled *md = arg;
	struct line_out o;

	/* One that is new knows of none, and says so by silence. */
	md->v.conflict[0] = '\0';
	line_begin(&o, "watch");
	line_add(&o, "name", md->name);
	(void)ask_send(a, &o, warn_err, (void *)(uintptr_t)"vipd: watch");
	md->vip_told = false;
	moduled_think(md);
}

static void
on_links(struct moduled *md, const struct line *l)
{
	const char *lan = line_get(l, "lan"), *state = line_get(l, "state");
	unsigned i;

	for (i = 0; lan != NULL && state != NULL && i < md->lan_count; i++)
		if (strcmp(md->lan[i].name, lan) == 0) {
			md->lan[i].known = true;
			md->lan[i].up = strcmp(state, "up") == 0;
		}
}

static void
vip_event(struct ask *a, const struct line *l, void *arg)
{
	struct moduled *md = arg;
	const char *name = line_get(l, "name");
	const char *state = line_get(l, "state");
	const char *addr = line_get(l, "addr");
	const char *mac = line_get(l, "mac");

	(void)a;
	if (strcmp(l->verb, "links") == 0)
		on_links(md, l);
	else if (strcmp(l->verb, "resource") == 0 && name != NULL &&
	    state != NULL)
		moduled_resource(md, name, state, NULL, "vipd");
	else if (strcmp(l->verb, "conflict") == 0 && (md->farm == NULL ||
	    mac == NULL || !farm_has_mac(&md->farm->view.nodes, mac))) {
		(void)snprintf(md->v.conflict, sizeof(md->v.conflict),
		    "%s (%s)", addr != NULL ? addr : "the address",
		    mac != NULL ? mac : "?");
		events_add(JE_CONFLICT, "vipd", "another host answers for %s",
		    md->v.conflict);
	} else if (strcmp(l->verb, "clear") == 0)
		md->v.conflict[0] = '\0';
	moduled_think(md);
}

/* --- the probe has a link of its own: its answer takes 3 G -------------- */

static void
probe_again(void *arg)
{
	moduled_think(arg);
}

static void
on_probe_answer(const struct line *l, void *arg)
{
	struct moduled *md = arg;
	const char *addr = line_get(l, "addr"), *mac = line_get(l, "mac");
	int64_t n;

	if (l->verb[0] == '\0') {
		if (addr != NULL)
			(void)snprintf(md->v.probe_text,
			    sizeof(md->v.probe_text), "%s (%s)", addr,
			    mac != NULL ? mac : "?");
		return;
	}
	if (strcmp(l->verb, "ok") == 0 &&
	    line_get_num(l, "answered", 0, INT32_MAX, &n)) {
		md->v.probe_done = md->probe_asked;
		md->v.probe_answered = n > 0;
	} else
		/* No answer is no evidence: asked again while wanted. */
		loop_timer_set(md->probe_retry, RETRY_MS, 0);
	md->probe_asked = 0;
	if (md->v.probe_done != 0)
		moduled_think(md);
}

static void
probe_link_up(struct ask *a, void *arg)
{
	(void)a;
	probe_again(arg);
}

static void
probe_link_open(struct moduled *md)
{
	static const struct ask_calls calls = { .on_up = probe_link_up };
	static char path[PATH_LEN];

	md->probe_link = ask_new(md->d->loop, path_socket(path, NULL, "vipd"),
	    &calls, md);
}

void
links_probe(struct moduled *md, uint64_t id)
{
	char macs[LINE_MAX_LEN / 2];
	struct line_out o;

	if (!md->conf.vip || id == 0 || md->probe_asked != 0 ||
	    id == md->v.probe_done || !ask_is_up(md->probe_link))
		return;
	(void)snprintf(md->v.probe_text, sizeof(md->v.probe_text), "%s",
	    md->addresses);
	line_begin(&o, "probe");
	line_add(&o, "name", md->name);
	if (md->farm != NULL)
		line_add(&o, "peers", farm_macs(md, macs, sizeof(macs)));
	line_add_num(&o, "count", PROBE_COUNT);
	line_add_num(&o, "gap_ms", md->conf.probe_gap_ms);
	if (ask_send(md->probe_link, &o, on_probe_answer, md))
		md->probe_asked = id;
}

void
links_open(struct moduled *md)
{
	static const struct ask_calls heart = { heart_up, heart_down,
	    heart_event };
	static const struct ask_calls vip = { .on_up = vip_up,
	    .on_event = vip_event };
	static char heart_path[PATH_LEN], vip_path[PATH_LEN];

	md->vip_retry = loop_timer_new(md->d->loop, vip_again, md);
	md->probe_retry = loop_timer_new(md->d->loop, probe_again, md);
	md->heart_retry = loop_timer_new(md->d->loop, heart_again, md);
	if (md->conf.peer[0] != '\0')
		md->heart = ask_new(md->d->loop, path_socket(heart_path,
		    NULL, "heartd"), &heart, md);
	md->vip = ask_new(md->d->loop, path_socket(vip_path, NULL, "vipd"),
	    &vip, md);
	if (md->conf.vip)
		probe_link_open(md);
}

void
links_close(struct moduled *md)
{
	ask_free(md->vip);
	if (md->heart != NULL)
		ask_free(md->heart);
	if (md->probe_link != NULL)
		ask_free(md->probe_link);
}

/* SPDX-License-Identifier: ISC */
/*
 * The link to heartd: who of the farm is alive, and what they publish.
 * After each reconnect everything is said again.
 */
#include "farm.h"

#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "log.h"
#include "paths.h"
#include "xalloc.h"

#define RETRY_MS	500

static void
warn_err(const struct line *l, void *arg)
{
	const char *what = arg, *code = line_get(l, "code");
	const char *text = line_get(l, "text");

	if (strcmp(l->verb, "err") == 0 &&
	    (code == NULL || strcmp(code, "gone") != 0))
		log_warnx("heartd: %s: refused: %s", what,
		    text != NULL ? text : "");
}

/* The id may be that of a module that was just removed: ask again. */
static void
on_module_answer(const struct line *l, void *arg)
{
	struct farm *f = arg;
	const char *code = line_get(l, "code");
	bool is_taken = strcmp(l->verb, "err") == 0 && code != NULL &&
	    strcmp(code, "badid") == 0;

	if (!is_taken || !f->id_taken)
		warn_err(l, (void *)(uintptr_t)"module");
	if (is_taken)
		loop_timer_set(f->heart_retry, RETRY_MS, 0);
	else if (strcmp(l->verb, "ok") != 0)
		return;
	if (f->id_taken == is_taken)
		return;
	f->id_taken = is_taken;
	farm_think(f);
}

void
heart_publish(struct farm *f, const char *blob)
{
	struct line_out o;

	line_begin(&o, "publish");
	line_add(&o, "name", f->d->module);
	line_add(&o, "blob", blob);
	(void)ask_send(f->heart, &o, warn_err, (void *)(uintptr_t)"publish");
}

/* Behind all that `watch' knows at its start. */
static void
on_all_told(const struct line *l, void *arg)
{
	struct farm *f = arg;
	const char *code = line_get(l, "code");

	if (strcmp(l->verb, "") == 0 || f->heart_told)
		return;
	/* The link broke before all was told: asked again when it is back. */
	if (code != NULL && strcmp(code, "gone") == 0)
		return;
	f->heart_told = true;
	farm_think(f);
}

static void
heart_up(struct ask *a, void *arg)
{
	struct farm *f = arg;
	struct line_out o;

	loop_timer_cancel(f->heart_lost);
	line_begin(&o, "module");
	line_add(&o, "name", f->d->module);
	line_add_num(&o, "id", f->conf.id);
	line_add(&o, "digest", f->conf.digest);
	line_add_num(&o, "pulse_ms", f->conf.pulse_ms);
	line_add_num(&o, "timeout_ms", f->conf.timeout_ms);
	line_add(&o, "lans", f->conf.lans);
	(void)ask_send(a, &o, on_module_answer, f);
	if (f->said_blob != NULL)
		heart_publish(f, f->said_blob);
	line_begin(&o, "watch");
	line_add(&o, "name", f->d->module);
	(void)ask_send(a, &o, warn_err, (void *)(uintptr_t)"watch");
	/* It changes nothing; requests are answered one after the other. */
	line_begin(&o, "stamp");
	line_add(&o, "name", f->d->module);
	line_add(&o, "role", "none");
	(void)ask_send(a, &o, on_all_told, f);
}

static void
heart_again(void *arg)
{
	struct farm *f = arg;

	if (ask_is_up(f->heart))
		heart_up(f->heart, f);
}

static void
heart_down(struct ask *a, void *arg)
{
	struct farm *f = arg;

	(void)a;
	/* The others know this node alive for so long. */
	loop_timer_set(f->heart_lost, f->conf.timeout_ms, 0);
}

static void
on_lost(void *arg)
{
	struct farm *f = arg;

	log_warnx("heartd: does not answer, the others take over");
	f->heart_told = true;
	for (unsigned i = 0; i < f->cluster.node_count; i++)
		f->peer[i].net = ACCORD_UNKNOWN;
	f->accord_in.was_late = true;
	farm_think(f);
}

/* --- events --------------------------------------------------------- */

static void
set_net(struct farm_peer *p, const char *node, const char *state)
{
	enum accord_net net = strcmp(state, "up") == 0 ? ACCORD_UP :
	    strcmp(state, "down") == 0 ? ACCORD_DOWN : ACCORD_UNKNOWN;

	if (p->net != net && net != ACCORD_UNKNOWN)
		log_info("farm: %s is %s", node, net == ACCORD_UP ? "heard" :
		    "silent on all networks");
	p->net = net;
}

static void
refuse_blob(struct farm_peer *p, const char *node, const char *why)
{
	if (!p->is_bad)
		log_warnx("farm: what %s publishes is not understood: %s",
		    node, why);
	p->is_bad = true;
}

static void
take_macs(struct farm_peer *p, const struct farm_blob *b)
{
	p->mac_count = b->mac_count;
	for (unsigned i = 0; i < b->mac_count; i++) {
		memcpy(p->mac[i].byte, b->mac[i].byte, 6);
		p->mac[i].addrs = b->mac[i].addrs;
	}
}

static void
on_blob(struct farm *f, unsigned i, const struct line *l)
{
	struct farm_peer *p = &f->peer[i];
	const char *text = line_get(l, "blob"), *why = "too long";
	const char *node = f->cluster.node[i].name;
	struct farm_blob *b;

	if (line_get_bool(l, "gone")) {
		free(p->blob);
		p->blob = NULL;
		return;
	}
	/* An older one goes on counting: the node is there all the same. */
	if (text == NULL) {
		refuse_blob(p, node, why);
		return;
	}
	if (text[0] == '\0')
		return;	/* it has not spoken yet */
	b = xcalloc(1, sizeof(*b));
	if (farm_blob_parse(b, text, &why) == -1 ||
	    b->node != f->cluster.node[i].id) {
		refuse_blob(p, node, b->node != f->cluster.node[i].id ?
		    "it says to be another node" : why);
		free(b);
		return;
	}
	p->is_bad = false;
	free(p->blob);
	p->blob = b;
	if (b->mac_count > 0)
		take_macs(p, b);
}

static void
peer_event(struct farm *f, unsigned i, const struct line *l)
{
	struct farm_peer *p = &f->peer[i];
	const char *state = line_get(l, "state"), *what = line_get(l, "what");

	if (strcmp(l->verb, "peer") == 0 && state != NULL)
		set_net(p, f->cluster.node[i].name, state);
	else if (strcmp(l->verb, "blob") == 0)
		on_blob(f, i, l);
	else if (strcmp(l->verb, "mismatch") == 0)
		p->id_differs = what != NULL && strcmp(what, "module-id") == 0;
	else if (strcmp(l->verb, "match") == 0)
		p->id_differs = false;
	else
		return;
	farm_think(f);
}

static void
heart_event(struct ask *a, const struct line *l, void *arg)
{
	struct farm *f = arg;
	const char *node = line_get(l, "node");
	int i = node != NULL ? cluster_node_index(&f->cluster, node) : -1;
	int64_t ms = 0;

	(void)a;
	if (strcmp(l->verb, "late") == 0) {
		(void)line_get_num(l, "ms", 0, INT64_MAX, &ms);
		if (ms < f->conf.timeout_ms)
			return;
		log_warnx("farm: this node did not run for %lld ms",
		    (long long)ms);
		f->accord_in.was_late = true;
		farm_think(f);
	} else if (i >= 0 && i != f->cluster.self)
		peer_event(f, (unsigned)i, l);
}

void
heart_open(struct farm *f)
{
	static const struct ask_calls calls = { heart_up, heart_down,
	    heart_event };
	char path[PATH_LEN];

	f->heart_retry = loop_timer_new(f->d->loop, heart_again, f);
	f->heart_lost = loop_timer_new(f->d->loop, on_lost, f);
	loop_timer_set(f->heart_lost, f->conf.timeout_ms, 0);
	f->heart = ask_new(f->d->loop, path_socket(path, NULL, "heartd"),
	    &calls, f);
}

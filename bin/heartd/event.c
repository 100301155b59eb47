/* SPDX-License-Identifier: ISC */
/*
 * What heartd found out, put into the lines of `watch'.  Nothing is decided
 * here.
 */

#include "event.h"

#include <stdio.h>
#include <string.h>

#include "line.h"

static void
event_begin(const struct heart *h, struct line_out *o, const char *verb,
    unsigned node)
{
	line_begin(o, verb);
	line_add(o, "node", h->cluster.node[node].name);
}

static void
event_end(struct heart *h, struct client *to, const struct module *m,
    struct line_out *o)
{
	if (to != NULL)
		serve_event_to(to, o);
	else
		serve_event(h->serve, m->wish.name, o);
}

static void
add_epoch(struct line_out *o, struct epoch e)
{
	char text[EPOCH_LEN];

	line_add(o, "epoch", epoch_str(text, e));
}

void
event_net(struct heart *h, struct client *to, const struct module *m,
    unsigned node, unsigned lan, int64_t silence_ms)
{
	struct line_out o;

	event_begin(h, &o, "net", node);
	line_add(&o, "lan", h->cluster.lan[lan].name);
	line_add(&o, "state",
	    beat_state_name(m->view[node].beat.lan[lan]));
	line_add_num(&o, "ms", silence_ms);
	event_end(h, to, m, &o);
}

void
event_peer(struct heart *h, struct client *to, const struct module *m,
    unsigned node)
{
	struct line_out o;

	event_begin(h, &o, "peer", node);
	line_add(&o, "state", beat_state_name(m->view[node].beat.peer));
	event_end(h, to, m, &o);
}

void
event_life(struct heart *h, struct client *to, const struct module *m,
    unsigned node)
{
	struct line_out o;

	event_begin(h, &o, "life", node);
	line_add_num(&o, "life",
	    (int64_t)h->peer[node].session.peer.count);
	event_end(h, to, m, &o);
}

void
event_loss(struct heart *h, struct client *to, const struct module *m,
    unsigned node, int64_t ms)
{
	struct line_out o;

	event_begin(h, &o, "loss", node);
	line_add_num(&o, "ms", ms);
	event_end(h, to, m, &o);
}

/* A blob is text here; what a line cannot carry is told by size alone. */
static void
add_blob(struct line_out *o, const struct blob_in *in)
{
	char text[LINE_MAX_LEN];
	struct line_out before;

	if (in->len >= sizeof(text) ||
	    memchr(in->data, '\0', in->len) != NULL) {
		line_add_num(o, "size", in->len);
		return;
	}
	before = *o;
	memcpy(text, in->data, in->len);
	text[in->len] = '\0';
	line_add(o, "blob", text);
	/* The newline of line_end() must fit, too. */
	if (o->overflow || o->len + 2 > LINE_MAX_LEN) {
		*o = before;
		line_add_num(o, "size", in->len);
	}
}

void
event_blob(struct heart *h, struct client *to, const struct module *m,
    unsigned node, bool gone)
{
	const struct view *v = &m->view[node];
	struct line_out o;

	event_begin(h, &o, "blob", node);
	line_add_num(&o, "version", (int64_t)v->in.version);
	if (gone) {
		line_add(&o, "gone", "1");
	} else {
		line_add_num(&o, "id", v->id);
		line_add(&o, "digest", v->digest);
		add_blob(&o, &v->in);
	}
	event_end(h, to, m, &o);
}

void
event_stamp(struct heart *h, struct client *to, const struct module *m,
    unsigned node)
{
	const struct view *v = &m->view[node];
	struct line_out o;

	event_begin(h, &o, "stamp", node);
	add_epoch(&o, v->epoch);
	line_add(&o, "role", stamp_role_name(v->role));
	event_end(h, to, m, &o);
}

void
event_lease(struct heart *h, struct client *to, const struct module *m,
    unsigned node, struct mono now)
{
	struct line_out o;

	event_begin(h, &o, "lease", node);
	add_epoch(&o, m->epoch);
	line_add_num(&o, "until_ms",
	    mono_diff_ms(m->view[node].lease, now));
	/* For who decides: a line may have waited long when it is read. */
	line_add_num(&o, "until_ns", m->view[node].lease.ns);
	event_end(h, to, m, &o);
}

void
event_grant(struct heart *h, struct client *to, const struct module *m,
    unsigned node)
{
	struct line_out o;

	event_begin(h, &o, "grant", node);
	add_epoch(&o, m->follow);
	line_add_num(&o, "until_ns", m->view[node].grant.ns);
	event_end(h, to, m, &o);
}

void
event_mismatch(struct heart *h, struct client *to, const struct module *m,
    unsigned node)
{
	const struct view *v = &m->view[node];
	struct line_out o;

	event_begin(h, &o, v->mismatch == MISMATCH_NONE ? "match" :
	    "mismatch", node);
	switch (v->mismatch) {
	case MISMATCH_NONE:
		break;
	case MISMATCH_ID:
		line_add(&o, "what", "module-id");
		line_addf(&o, "mine", "%s=%u", m->wish.name, m->wish.id);
		if (v->clash[0] != '\0')
			line_addf(&o, "theirs", "%s=%u", v->clash,
			    m->wish.id);
		else
			line_addf(&o, "theirs", "%s=%u", m->wish.name, v->id);
		break;
	case MISMATCH_DIGEST:
		line_add(&o, "what", "config-differs");
		line_add(&o, "mine", m->wish.digest);
		line_add(&o, "theirs", v->digest);
		break;
	}
	event_end(h, to, m, &o);
}

void
event_late(struct heart *h, const struct module *m, int64_t ms)
{
	struct line_out o;

	line_begin(&o, "late");
	line_add_num(&o, "ms", ms);
	event_end(h, NULL, m, &o);
}

void
event_foreign(struct heart *h, const char *addr, const char *reason)
{
	struct line_out o;
	unsigned i;

	for (i = 0; i < MODULE_MAX; i++) {
		if (!h->module[i].is_used)
			continue;
		line_begin(&o, "foreign");
		line_add(&o, "addr", addr);
		line_add(&o, "reason", reason);
		event_end(h, NULL, &h->module[i], &o);
	}
}

static void
state_of_peer(struct heart *h, struct client *to, const struct module *m,
    unsigned node, struct mono now)
{
	const struct view *v = &m->view[node];
	const struct mono *heard = h->peer[node].ear.heard;
	int64_t ms, least = INT64_MAX;
	unsigned i;

	for (i = 0; i < h->cluster.lan_count; i++) {
		if (!(v->beat.lans & 1u << i))
			continue;
		ms = mono_diff_ms(now, mono_is_set(heard[i]) ? heard[i] :
		    v->beat.since);
		if (ms < least)
			least = ms;
		event_net(h, to, m, node, i, ms);
	}
	if (!incarnation_is_none(h->peer[node].session.peer))
		event_life(h, to, m, node);
	event_peer(h, to, m, node);
	if (v->beat.is_lost)
		event_loss(h, to, m, node, least);
	if (v->is_member)
		event_stamp(h, to, m, node);
	if (v->in.has)
		event_blob(h, to, m, node, false);
	/* Also that it matches: a watcher that returns may think otherwise. */
	if (v->is_member || v->mismatch != MISMATCH_NONE)
		event_mismatch(h, to, m, node);
	if (mono_diff_ns(v->lease, now) > 0)
		event_lease(h, to, m, node, now);
	if (mono_diff_ns(v->grant, now) > 0)
		event_grant(h, to, m, node);
}

void
event_state(struct heart *h, struct client *to, const struct module *m,
    struct mono now)
{
	unsigned i;

	for (i = 0; i < h->cluster.node_count; i++) {
		if (h->peer[i].is_used)
			state_of_peer(h, to, m, i, now);
	}
}

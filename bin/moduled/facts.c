/* SPDX-License-Identifier: ISC */
/*
 * Text of facts.h.  Pure.
 */
#include "facts.h"

#include <stdio.h>
#include <string.h>

static const char *const role_names[SR_COUNT] = {
	[SR_NONE] = "none", [SR_WAIT] = "wait", [SR_SECOND] = "second",
	[SR_PRIM] = "prim", [SR_DOWN] = "down",
};

static const char *const intent_names[IN_COUNT] = {
	[IN_NONE] = "none", [IN_PROMOTE] = "promote",
	[IN_GOING_ALONE] = "going-alone", [IN_SWAP] = "swap",
	[IN_STOP] = "stop",
};

const char *
store_role_name(enum store_role r)
{
	return (unsigned)r < SR_COUNT ? role_names[r] : "?";
}

const char *
intent_name(enum intent i)
{
	return (unsigned)i < IN_COUNT ? intent_names[i] : "?";
}

static int
word_index(const char *const *names, int count, const char *word)
{
	int i;

	for (i = 0; i < count; i++)
		if (strcmp(names[i], word) == 0)
			return i;
	return -1;
}

/* Absent keys leave the field as it is; a text too long is cut. */
static void
take_text(char *out, size_t size, const struct line *l, const char *key)
{
	const char *v = line_get(l, key);

	if (v != NULL)
		(void)snprintf(out, size, "%s", v);
}

static void
take_bool(bool *out, const struct line *l, const char *key)
{
	if (line_get(l, key) != NULL)
		*out = line_get_bool(l, key);
}

static void
take_num(int64_t *out, const struct line *l, const char *key)
{
	(void)line_get_num(l, key, 0, INT64_MAX, out);
}

/* An epoch that cannot be read is never guessed: the whole is refused. */
static bool
take_epoch(struct epoch *out, const struct line *l, const char *key)
{
	const char *v = line_get(l, key);

	return v == NULL || v[0] == '\0' || epoch_parse(out, v) == 0;
}

/* mirrord cannot set aside what this node has of its own. */
static void
take_room(struct self_facts *n, const struct line *l)
{
	int64_t need = 0, have = 0;

	take_num(&need, l, "aside_need");
	take_num(&have, l, "aside_have");
	n->no_room[0] = '\0';
	if (need > 0)
		(void)snprintf(n->no_room, sizeof(n->no_room), "%lld MiB are "
		    "needed, %lld are free, %lld more would do",
		    (long long)(need + (1 << 20) - 1) >> 20,
		    (long long)have >> 20,
		    (long long)(need - have + (1 << 20) - 1) >> 20);
}

static void
take_verify(struct self_facts *n, const struct line *l)
{
	take_text(n->verify, sizeof(n->verify), l, "verify");
	take_text(n->verify_why, sizeof(n->verify_why), l, "verify_why");
	take_num(&n->verify_end, l, "verify_end");
	take_num(&n->verify_objects, l, "verify_objects");
	take_num(&n->verify_total, l, "verify_total");
	take_num(&n->verify_bytes, l, "verify_bytes");
	take_num(&n->verify_differences, l, "verify_differences");
}

int
self_parse(struct self_facts *f, const struct line *l, const char **why)
{
	struct self_facts n = *f;
	const char *v;
	int i;

	if ((v = line_get(l, "role")) != NULL) {
		if ((i = word_index(role_names, SR_COUNT, v)) < 0) {
			*why = "unknown role";
			return -1;
		}
		n.role = (enum store_role)i;
	}
	if (!take_epoch(&n.epoch, l, "epoch") ||
	    !take_epoch(&n.fence, l, "fence") ||
	    !take_epoch(&n.since, l, "since") ||
	    !take_epoch(&n.handed_epoch, l, "handed_epoch")) {
		*why = "bad epoch";
		return -1;
	}
	take_bool(&n.mounted, l, "mounted");
	take_bool(&n.level, l, "level");
	take_bool(&n.alone, l, "alone");
	take_bool(&n.is_new, l, "new");
	take_text(n.current, sizeof(n.current), l, "current");
	take_text(n.base, sizeof(n.base), l, "base");
	take_text(n.handed, sizeof(n.handed), l, "handed");
	if ((v = line_get(l, "resyncing")) != NULL)
		n.resyncing = v[0] != '\0' && strcmp(v, "0") != 0;
	if ((v = line_get(l, "link")) != NULL)
		n.link_up = strcmp(v, "up") == 0;
	take_text(n.link, sizeof(n.link), l, "link");
	take_num(&n.stall_ms, l, "stall_ms");
	take_text(n.peer_failed, sizeof(n.peer_failed), l, "peer_failed");
	take_bool(&n.dirty_all, l, "dirty_all");
	take_bool(&n.drained, l, "drained");
	take_bool(&n.equal, l, "equal");
	take_bool(&n.ready, l, "ready");
	take_bool(&n.joined, l, "joined");
	take_text(n.diverged, sizeof(n.diverged), l, "diverged");
	if ((v = line_get(l, "disk")) != NULL)
		n.disk_down = strcmp(v, "down") == 0;
	take_text(n.code, sizeof(n.code), l, "code");
	take_text(n.error, sizeof(n.error), l, "error");
	take_text(n.phase, sizeof(n.phase), l, "phase");
	take_text(n.async, sizeof(n.async), l, "async");
	take_verify(&n, l);
	take_num(&n.dirty_bytes, l, "dirty_bytes");
	take_num(&n.done_bytes, l, "done_bytes");
	take_num(&n.total_bytes, l, "total_bytes");
	take_num(&n.rate_bytes_s, l, "rate_bytes_s");
	take_num(&n.eta_s, l, "eta_s");
	if (line_get(l, "role") != NULL) {	/* all facts, not some */
		disks_take(&n.disks, l);
		kept_take(&n.kept, l);
		take_room(&n, l);
	}
	take_num(&n.held_ms, l, "held_ms");
	take_text(n.held_by, sizeof(n.held_by), l, "held_by");
	n.known = true;
	*f = n;
	return 0;
}

static int
blob_words(struct peer_facts *n, const struct line *l, const char **why)
{
	const char *v;
	int i;

	n->state = state_parse(line_get(l, "state"));
	if (n->state == ST_COUNT) {
		*why = "unknown state";
		return -1;
	}
	n->quality = quality_parse(line_get(l, "quality"));
	/* A later version may have further intents: they bind nobody here. */
	v = line_get(l, "intent");
	i = v == NULL ? -1 : word_index(intent_names, IN_COUNT, v);
	n->intent = i < 0 ? IN_NONE : (enum intent)i;
	v = line_get(l, "role");
	i = v == NULL ? -1 : word_index(role_names, SR_COUNT, v);
	if (i < 0) {
		*why = "unknown role";
		return -1;
	}
	n->role = (enum store_role)i;
	return 0;
}

/* Each "name value"; one that is no such pair is left out. */
static void
take_resources(struct peer_facts *n, const struct line *l)
{
	const char *v, *blank;
	unsigned pos = 0;

	while ((v = line_next(l, "res", &pos)) != NULL &&
	    n->res_count < FACT_RES_MAX) {
		blank = strchr(v, ' ');
		if (blank == NULL || blank - v >= FACT_RES_NAME ||
		    strlen(blank + 1) >= FACT_RES_VALUE)
			continue;
		(void)snprintf(n->res[n->res_count].name, FACT_RES_NAME,
		    "%.*s", (int)(blank - v), v);
		(void)snprintf(n->res[n->res_count++].value,
		    FACT_RES_VALUE, "%s", blank + 1);
	}
}

int
blob_parse(struct peer_facts *f, const char *text, const char **why)
{
	struct peer_facts n = { .net = f->net, .net_since = f->net_since,
	    .loss = f->loss, .stamp_prim = f->stamp_prim,
	    .stamp_epoch = f->stamp_epoch };
	struct line l;

	if (line_parse(&l, text, strlen(text), why) != 0)
		return -1;
	if (strcmp(l.verb, "facts") != 0) {
		*why = "not facts";
		return -1;
	}
	if (blob_words(&n, &l, why) != 0)
		return -1;
	if (!take_epoch(&n.epoch, &l, "epoch") ||
	    !take_epoch(&n.fence, &l, "fence") ||
	    !take_epoch(&n.refused, &l, "refused") ||
	    !take_epoch(&n.handed_epoch, &l, "handed_epoch")) {
		*why = "bad epoch";
		return -1;
	}
	take_bool(&n.level, &l, "level");
	take_bool(&n.durable, &l, "durable");
	take_bool(&n.alone, &l, "alone");
	take_bool(&n.is_new, &l, "new");
	n.wish_start = line_get(&l, "wish") != NULL &&
	    strcmp(line_get(&l, "wish"), "start") == 0;
	take_text(n.current, sizeof(n.current), &l, "current");
	take_text(n.handed, sizeof(n.handed), &l, "handed");
	take_text(n.lastprim, sizeof(n.lastprim), &l, "lastprim");
	take_text(n.stoprole, sizeof(n.stoprole), &l, "stoprole");
	take_text(n.reason, sizeof(n.reason), &l, "reason");
	take_num(&n.since_s, &l, "since");
	disks_take(&n.disks, &l);
	take_bool(&n.disk_down, &l, "disk_down");
	take_resources(&n, &l);
	take_bool(&n.standby, &l, "standby");
	take_bool(&n.fenced, &l, "fenced");
	take_bool(&n.votes, &l, "votes");
	if (!notice_take(&n.maintain, &l, "maintain") ||
	    !notice_take(&n.released, &l, "released")) {
		*why = "bad notice";
		return -1;
	}
	n.has_blob = true;
	*f = n;
	return 0;
}

static void
add_epoch(struct line_out *o, const char *key, struct epoch e)
{
	char buf[EPOCH_LEN];

	line_add(o, key, epoch_str(buf, e));
}

bool
blob_format(char *buf, size_t size, const struct peer_facts *f)
{
	struct line_out o;
	unsigned i;

	line_begin(&o, "facts");
	line_add(&o, "state", state_name(f->state));
	line_add(&o, "quality", quality_name(f->quality));
	line_add(&o, "intent", intent_name(f->intent));
	line_add(&o, "role", store_role_name(f->role));
	add_epoch(&o, "epoch", f->epoch);
	add_epoch(&o, "fence", f->fence);
	line_add_num(&o, "level", f->level);
	line_add_num(&o, "durable", f->durable);
	line_add_num(&o, "alone", f->alone);
	line_add_num(&o, "new", f->is_new);
	line_add(&o, "wish", f->wish_start ? "start" : "stop");
	line_add(&o, "current", f->current);
	line_add(&o, "handed", f->handed);
	add_epoch(&o, "handed_epoch", f->handed_epoch);
	add_epoch(&o, "refused", f->refused);
	line_add(&o, "lastprim", f->lastprim);
	line_add(&o, "stoprole", f->stoprole);
	line_add(&o, "reason", f->reason);
	line_add_num(&o, "since", f->since_s);
	disks_put(&o, &f->disks);
	line_add_num(&o, "disk_down", f->disk_down);
	for (i = 0; i < f->res_count; i++)
		line_addf(&o, "res", "%s %s", f->res[i].name,
		    f->res[i].value);
	line_add_num(&o, "standby", f->standby);
	line_add_num(&o, "fenced", f->fenced);
	line_add_num(&o, "votes", f->votes);
	notice_put(&o, "maintain", &f->maintain);
	notice_put(&o, "released", &f->released);
	if (!line_end(&o) || o.len > size)
		return false;
	/* The newline belongs to the protocol, not to the blob. */
	memcpy(buf, o.text, o.len - 1);
	buf[o.len - 1] = '\0';
	return true;
}

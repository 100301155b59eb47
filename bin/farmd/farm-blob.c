/* SPDX-License-Identifier: ISC */
/*
 * The blob as a line, written and read.  One table says which key is what, so
 * that both directions agree; only lists and the agreement's numbers are
 * written out by hand.  Values have neither blanks nor quotes: heartd quotes
 * the whole line once more, and it shall not grow by that.
 */

#include "farm-blob.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"

static const char *const step_name[] = {
	[FARM_NOTHING] = "none", [FARM_PREPARED] = "prepared",
	[FARM_READY] = "ready", [FARM_STOPPED] = "stopped",
	[FARM_ACTING] = "acting",
};

const char *
farm_step_name(enum farm_step s)
{
	return step_name[s];
}

static bool
step_parse(enum farm_step *s, const char *name)
{
	for (unsigned i = 0; i < sizeof(step_name) / sizeof(step_name[0]);
	    i++) {
		if (strcmp(step_name[i], name) == 0) {
			*s = (enum farm_step)i;
			return true;
		}
	}
	return false;
}

uint32_t
farm_blob_echo(uint32_t life, uint16_t salt)
{
	uint32_t echo = life ^ ((uint32_t)salt << 16 | salt);

	return echo != 0 ? echo : 1;	/* 0 is "any" */
}

bool
farm_blob_hears(const struct farm_blob *b, uint8_t id, uint32_t echo)
{
	for (unsigned i = 0; i < b->heard_count; i++)
		if (b->heard[i].id == id)
			return echo == 0 || b->heard[i].life == echo;
	return false;
}

uint16_t
farm_blob_salt(const struct farm_blob *b, uint8_t id)
{
	for (unsigned i = 0; i < b->heard_count; i++)
		if (b->heard[i].id == id)
			return b->heard[i].salt;
	return 0;
}

bool
farm_blob_lacks(const struct farm_blob *b, uint8_t id)
{
	return memchr(b->down, id, b->down_count) != NULL;
}

bool
farm_blob_views(const struct farm_blob *b, uint8_t id)
{
	return memchr(b->view, id, b->view_count) != NULL;
}

/* The words of main, in the order they are written. */
static const struct {
	const char	*key;
	size_t		at;
} words[] = {
	{ "state", offsetof(struct farm_blob, state) },
	{ "quality", offsetof(struct farm_blob, quality) },
	{ "reason", offsetof(struct farm_blob, reason) },
	{ "delivery", offsetof(struct farm_blob, delivery) },
	{ "backend", offsetof(struct farm_blob, backend) },
	{ "code", offsetof(struct farm_blob, code) },
};
#define WORDS	(sizeof(words) / sizeof(words[0]))

/* A word another node may make us show: nothing that a terminal obeys. */
static bool
word_is_sound(const char *w)
{
	size_t len = strlen(w);

	return len < FARM_BLOB_WORD && strspn(w, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+") == len;
}

static void
add_ids(struct line_out *o, const char *key, const uint8_t *id,
    unsigned count)
{
	char text[4 * SHARE_NODE_MAX + 1] = "";
	size_t at = 0;

	for (unsigned i = 0; i < count; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%u,",
		    id[i]);
	if (count > 0)
		line_add(o, key, text);
}

static void
add_heard(struct line_out *o, const struct farm_blob *b)
{
	char text[18 * SHARE_NODE_MAX + 1] = "";
	size_t at = 0;

	for (unsigned i = 0; i < b->heard_count; i++) {
		const struct farm_heard *h = &b->heard[i];

		at += (size_t)snprintf(text + at, sizeof(text) - at,
		    "%u:%x", h->id, h->life);
		if (h->salt != 0)
			at += (size_t)snprintf(text + at, sizeof(text) - at,
			    ":%x", h->salt);
		text[at++] = ',';
		text[at] = '\0';
	}
	if (at > 0)
		line_add(o, "heard", text);
}

static void
add_macs(struct line_out *o, const struct farm_blob *b)
{
	char text[22 * FARM_BLOB_MAC_MAX + 1] = "";
	size_t at = 0;

	for (unsigned i = 0; i < b->mac_count; i++) {
		const uint8_t *m = b->mac[i].byte;

		at += (size_t)snprintf(text + at, sizeof(text) - at,
		    "%02x%02x%02x%02x%02x%02x:%x,", m[0], m[1], m[2], m[3],
		    m[4], m[5], b->mac[i].addrs);
	}
	if (at > 0)
		line_add(o, "mac", text);
}

static void
add_tables(struct line_out *o, const struct farm_blob *b)
{
	char text[LINE_MAX_LEN], set[SHARE_SET_TEXT];

	if (share_format(text, sizeof(text), &b->acting))
		line_add(o, "share", text);
	else
		o->overflow = true;
	for (unsigned t = 0; t < SHARE_TABLE_MAX; t++) {
		char key[16];

		(void)snprintf(key, sizeof(key), "keep%u", t);
		share_set_format(set, &b->keeps, t);
		if (strcmp(set, "-") != 0)
			line_add(o, key, set);
	}
}

bool
farm_blob_format(char *buf, size_t size, const struct farm_blob *b)
{
	struct line_out o;

	line_begin(&o, "farm");
	line_add_num(&o, "v", FARM_BLOB_VERSION);
	line_add_num(&o, "node", b->node);
	line_add(&o, "conf", b->conf);
	line_add(&o, "role", share_role_name(b->role));
	line_addf(&o, "life", "%x", b->life);
	add_heard(&o, b);
	add_ids(&o, "down", b->down, b->down_count);
	if (b->outcast != 0)
		line_addf(&o, "outcast", "%u:%u", b->outcast, b->anchor);
	if (b->is_idle)
		line_add(&o, "idle", "1");
	if (b->yields)
		line_add(&o, "yields", "1");
	add_ids(&o, "view", b->view, b->view_count);
	if (b->step != FARM_NOTHING)
		line_addf(&o, "next", "%s:%llu:%llx", farm_step_name(b->step),
		    (unsigned long long)b->prepared_epoch,
		    (unsigned long long)b->prepared_digest);
	add_macs(&o, b);
	add_ids(&o, "probe", b->probe, b->probe_count);
	if (b->no_flood)
		line_add(&o, "no_flood", "1");
	for (unsigned i = 0; i < WORDS; i++) {
		const char *w = (const char *)b + words[i].at;

		if (*w != '\0' && word_is_sound(w))
			line_add(&o, words[i].key, w);
	}
	if (b->since_s != 0)
		line_add_num(&o, "since_s", b->since_s);
	if (b->standby)
		line_add(&o, "standby", "1");
	if (b->draining != 0)
		line_add_num(&o, "draining", b->draining);
	add_tables(&o, b);
	if (!line_end(&o) || o.len > size || o.len > FARM_BLOB_MAX) {
		errno = EMSGSIZE;
		return false;
	}
	memcpy(buf, o.text, o.len);
	buf[o.len - 1] = '\0';		/* in place of the newline */
	return true;
}

/* Digits of a base up to a separator, which is stepped over. */
static bool
take(const char **p, int base, uint64_t max, char stop, uint64_t *out)
{
	char *end;

	if (strchr("0123456789abcdef", **p) == NULL || **p == '\0')
		return false;
	errno = 0;
	*out = strtoull(*p, &end, base);
	if (errno != 0 || *out > max || end == *p || *end != stop)
		return false;
	*p = stop == '\0' ? end : end + 1;
	return true;
}

static bool
take_ids(uint8_t *id, unsigned *count, const char *text)
{
	uint64_t v;

	for (*count = 0; *text != '\0'; (*count)++) {
		if (*count == SHARE_NODE_MAX ||
		    !take(&text, 10, UINT8_MAX, ',', &v) || v == 0 ||
		    (*count > 0 && id[*count - 1] >= v))
			return false;
		id[*count] = (uint8_t)v;
	}
	return true;
}

static bool
take_heard(struct farm_blob *b, const char *text)
{
	uint64_t id, life, salt;

	for (unsigned n = 0; *text != '\0'; n++) {
		salt = 0;
		if (n == SHARE_NODE_MAX ||
		    !take(&text, 10, UINT8_MAX, ':', &id) || id == 0 ||
		    (n > 0 && b->heard[n - 1].id >= id))
			return false;
		if (!take(&text, 16, UINT32_MAX, ',', &life) &&
		    (!take(&text, 16, UINT32_MAX, ':', &life) ||
		    !take(&text, 16, UINT16_MAX, ',', &salt)))
			return false;
		b->heard[n].id = (uint8_t)id;
		b->heard[n].life = (uint32_t)life;
		b->heard[n].salt = (uint16_t)salt;
		b->heard_count = n + 1;
	}
	return true;
}

static bool
take_macs(struct farm_blob *b, const char *text)
{
	uint64_t addrs, mac;

	for (unsigned n = 0; *text != '\0'; n++) {
		if (n == FARM_BLOB_MAC_MAX || strcspn(text, ":") != 12 ||
		    !take(&text, 16, UINT64_MAX, ':', &mac) ||
		    !take(&text, 16, UINT32_MAX, ',', &addrs))
			return false;
		b->mac[n].addrs = (uint32_t)addrs;
		for (unsigned i = 0; i < 6; i++)
			b->mac[n].byte[i] = (uint8_t)(mac >> (40 - 8 * i));
		b->mac_count = n + 1;
	}
	return true;
}

static bool
take_next(struct farm_blob *b, const char *text)
{
	char name[16];
	size_t len = strcspn(text, ":");

	if (text[len] == '\0' || len >= sizeof(name))
		return false;
	memcpy(name, text, len);
	name[len] = '\0';
	text += len + 1;
	return step_parse(&b->step, name) && b->step != FARM_NOTHING &&
	    take(&text, 10, INT64_MAX, ':', &b->prepared_epoch) &&
	    b->prepared_epoch != 0 &&
	    take(&text, 16, UINT64_MAX, '\0', &b->prepared_digest);
}

static bool
take_outcast(struct farm_blob *b, const char *text)
{
	uint64_t hops, anchor;

	if (!take(&text, 10, SHARE_NODE_MAX, ':', &hops) || hops == 0 ||
	    !take(&text, 10, UINT8_MAX, '\0', &anchor) || anchor == 0)
		return false;
	b->outcast = (unsigned)hops;
	b->anchor = (uint8_t)anchor;
	return true;
}

/* The value of a key that may be absent. */
static const char *
value(const struct line *l, const char *key)
{
	const char *v = line_get(l, key);

	return v != NULL ? v : "";
}

static const char *
parse_head(struct farm_blob *b, const struct line *l)
{
	const char *conf = value(l, "conf"), *p = value(l, "life");
	int64_t n;
	uint64_t life;

	if (strcmp(l->verb, "farm") != 0)
		return "not a farm's";
	if (!line_get_num(l, "v", 1, INT64_MAX, &n))
		return "no version";
	if (n != FARM_BLOB_VERSION)
		return "of another version; upgrade the older node";
	if (!line_get_num(l, "node", 1, UINT8_MAX, &n))
		return "bad node";
	b->node = (uint8_t)n;
	if (strlen(conf) > FARM_BLOB_DIGEST ||
	    strspn(conf, "0123456789abcdef") != strlen(conf))
		return "bad conf";
	memcpy(b->conf, conf, strlen(conf) + 1);
	if (!share_role_parse(&b->role, value(l, "role")))
		return "bad role";
	if (!take(&p, 16, UINT32_MAX, '\0', &life) || life == 0)
		return "bad life";
	b->life = (uint32_t)life;
	return NULL;
}

static const char *
parse_accord(struct farm_blob *b, const struct line *l)
{
	const char *v, *why;

	if (!take_heard(b, value(l, "heard")))
		return "bad heard";
	if (!take_ids(b->down, &b->down_count, value(l, "down")))
		return "bad down";
	v = line_get(l, "outcast");
	if (v != NULL && !take_outcast(b, v))
		return "bad outcast";
	b->is_idle = line_get_bool(l, "idle");
	b->yields = line_get_bool(l, "yields");
	if (!take_ids(b->view, &b->view_count, value(l, "view")))
		return "bad view";
	v = line_get(l, "next");
	if (v != NULL && !take_next(b, v))
		return "bad next";
	if (share_parse(&b->acting, value(l, "share"), &why) != 0)
		return why;
	b->acting_digest = share_digest(&b->acting);
	for (unsigned t = 0; t < SHARE_TABLE_MAX; t++) {
		char key[16];

		(void)snprintf(key, sizeof(key), "keep%u", t);
		v = line_get(l, key);
		if (v != NULL && share_set_parse(&b->keeps, t, v) != 0)
			return "bad keep";
	}
	return NULL;
}

static const char *
parse_main(struct farm_blob *b, const struct line *l)
{
	int64_t n = 0;

	if (!take_macs(b, value(l, "mac")))
		return "bad mac";
	if (!take_ids(b->probe, &b->probe_count, value(l, "probe")))
		return "bad probe";
	b->no_flood = line_get_bool(l, "no_flood");
	b->standby = line_get_bool(l, "standby");
	for (unsigned i = 0; i < WORDS; i++) {
		const char *w = value(l, words[i].key);

		if (!word_is_sound(w))
			return "bad word";
		memcpy((char *)b + words[i].at, w, strlen(w) + 1);
	}
	if (line_get(l, "since_s") != NULL &&
	    !line_get_num(l, "since_s", 0, INT64_MAX, &b->since_s))
		return "bad since_s";
	if (line_get(l, "draining") != NULL &&
	    !line_get_num(l, "draining", 0, INT32_MAX, &n))
		return "bad draining";
	b->draining = (unsigned)n;
	return NULL;
}

int
farm_blob_parse(struct farm_blob *b, const char *text, const char **why)
{
	struct line l;

	memset(b, 0, sizeof(*b));
	if (line_parse(&l, text, strlen(text), why) != 0)
		return -1;
	*why = parse_head(b, &l);
	if (*why == NULL)
		*why = parse_accord(b, &l);
	if (*why == NULL)
		*why = parse_main(b, &l);
	return *why == NULL ? 0 : -1;
}

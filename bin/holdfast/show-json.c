/* SPDX-License-Identifier: ISC */
/*
 * `status --json', schema 1.  Fields are added, never renamed or removed,
 * within a schema.
 */
#include "show.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define SCHEMA	1

static json_t *
text_of(const char *s)
{
	json_t *j = json_string(s);

	return j != NULL ? j : json_string("?");	/* not UTF-8 */
}

static json_t *
number_of(const struct record *r, const char *key)
{
	return record_get(r, key)[0] == '\0' ? json_null() :
	    json_integer(record_num(r, key));
}

static json_t *
flag_of(const struct record *r, const char *key)
{
	const char *v = record_get(r, key);

	return strcmp(v, "1") == 0 ? json_true() :
	    strcmp(v, "0") == 0 ? json_false() : json_null();
}

static void
put(json_t *o, const char *key, const struct record *r, const char *from)
{
	json_object_set_new(o, key, text_of(record_get(r, from)));
}

static json_t *
warnings_of(const struct status *st)
{
	json_t *list = json_array(), *o;
	const struct record *r = NULL;

	while ((r = status_find(st, "warning", r)) != NULL) {
		o = json_object();
		put(o, "code", r, "code");
		put(o, "text", r, "text");
		put(o, "command", r, "command");
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
blocked_of(const struct status *st)
{
	const struct record *r = status_find(st, "blocked", NULL);
	json_t *o, *missing, *go_on, *way;

	if (r == NULL)
		return json_null();
	o = json_object();
	put(o, "code", r, "code");
	put(o, "text", r, "text");
	missing = json_array();
	for (r = NULL; (r = status_find(st, "missing", r)) != NULL; )
		json_array_append_new(missing,
		    text_of(record_get(r, "text")));
	json_object_set_new(o, "missing", missing);
	go_on = json_array();
	for (r = NULL; (r = status_find(st, "goon", r)) != NULL; ) {
		way = json_object();
		put(way, "command", r, "command");
		put(way, "cost", r, "cost");
		json_array_append_new(go_on, way);
	}
	json_object_set_new(o, "go_on", go_on);
	return o;
}

/* Each "NAME PERCENT" of a line about a farm. */
static json_t *
groups_of(const struct record *r)
{
	json_t *list = json_array(), *o;
	const char *blank;
	unsigned i;

	for (i = 0; i < r->count; i++) {
		if (strcmp(r->key[i], "group") != 0 ||
		    (blank = strrchr(r->value[i], ' ')) == NULL)
			continue;
		o = json_object();
		json_object_set_new(o, "name", json_stringn(r->value[i],
		    (size_t)(blank - r->value[i])));
		json_object_set_new(o, "percent", json_integer(strtol(blank,
		    NULL, 10)));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
farm_of(const struct status *st)
{
	static const char *const words[] = { "serve", "wanted", "epoch",
	    "digest", "director", "delivery", "backend" };
	const struct record *r = status_find(st, "farm", NULL);
	json_t *o;
	size_t i;

	if (r == NULL)
		return json_null();
	o = json_object();
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		put(o, words[i], r, words[i]);
	json_object_set_new(o, "member", flag_of(r, "member"));
	json_object_set_new(o, "open", flag_of(r, "open"));
	json_object_set_new(o, "drain", flag_of(r, "drain"));
	json_object_set_new(o, "draining", number_of(r, "draining"));
	json_object_set_new(o, "groups", groups_of(r));
	return o;
}

static json_t *
nodes_of(const struct status *st)
{
	json_t *list = json_array(), *o;
	const struct record *r = NULL;

	while ((r = status_find(st, "node", r)) != NULL) {
		o = json_object();
		put(o, "node", r, "name");
		put(o, "state", r, "state");
		put(o, "quality", r, "quality");
		json_object_set_new(o, "level", flag_of(r, "level"));
		json_object_set_new(o, "share", number_of(r, "share"));
		json_object_set_new(o, "since_s", number_of(r, "since_s"));
		if (record_get(r, "serve")[0] != '\0') {
			put(o, "serve", r, "serve");
			put(o, "reason", r, "reason");
			put(o, "net", r, "net");
			json_object_set_new(o, "groups", groups_of(r));
		}
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
resources_of(const struct status *st)
{
	json_t *o = json_object();
	const struct record *r = NULL;

	while ((r = status_find(st, "resource", r)) != NULL)
		put(o, record_get(r, "name"), r, "value");
	return o;
}

static json_t *
verify_of(const struct record *r)
{
	json_t *o = json_object();

	put(o, "state", r, "verify");
	put(o, "why", r, "verify_why");
	json_object_set_new(o, "end", number_of(r, "verify_end"));
	json_object_set_new(o, "objects", number_of(r, "verify_objects"));
	json_object_set_new(o, "total", number_of(r, "verify_total"));
	json_object_set_new(o, "bytes", number_of(r, "verify_bytes"));
	json_object_set_new(o, "differences",
	    number_of(r, "verify_differences"));
	return o;
}

static json_t *
replication_of(const struct status *st)
{
	const struct record *r = status_find(st, "replication", NULL);
	static const char *const counts[] = {
		"done_bytes", "total_bytes", "rate_bytes_s", "eta_s"
	};
	json_t *o, *resync;
	size_t i;

	if (r == NULL)
		return json_null();
	o = json_object();
	put(o, "mode", r, "mode");
	put(o, "link", r, "link");
	json_object_set_new(o, "level", flag_of(r, "level"));
	put(o, "epoch", r, "epoch");
	json_object_set_new(o, "dirty_bytes", number_of(r, "dirty_bytes"));
	resync = json_object();
	put(resync, "phase", r, "phase");
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		json_object_set_new(resync, counts[i],
		    number_of(r, counts[i]));
	json_object_set_new(o, "resync", resync);
	json_object_set_new(o, "verify", verify_of(r));
	return o;
}

static json_t *
disks_of(const struct status *st)
{
	static const char *const keys[] = { "total_bytes", "free_bytes",
	    "used_percent", "inodes_percent", "full_in_s",
	    "peer_total_bytes", "peer_free_bytes", "peer_used_percent",
	    "peer_full_in_s" };
	json_t *list = json_array(), *o;
	const struct record *r = NULL;

	while ((r = status_find(st, "disk", r)) != NULL) {
		o = json_object();
		put(o, "directory", r, "directory");
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			json_object_set_new(o, keys[i], number_of(r, keys[i]));
		json_array_append_new(list, o);
	}
	return list;
}

/* Of names with commas; "0" is their number: none. */
static json_t *
names_of(const char *p)
{
	json_t *list = json_array();
	size_t n;

	for (; *p != '\0'; p += n, p += strspn(p, ", ")) {
		n = strcspn(p, ", ");
		if (n != 1 || *p != '0')
			json_array_append_new(list, json_stringn(p, n));
	}
	return list;
}

/* What the voters hold is there where there are voters. */
static json_t *
lease_of(const struct status *st)
{
	const struct record *r = status_find(st, "lease", NULL);
	const struct record *m = status_find(st, "module", NULL);
	json_t *o = json_object();

	json_object_set_new(o, "mode", text_of(r != NULL ?
	    record_get(r, "mode") : record_get(m, "lease")));
	json_object_set_new(o, "until_s", number_of(r, "until_s"));
	json_object_set_new(o, "voters", names_of(record_get(r, "voters")));
	if (record_get(r, "known")[0] == '\0')
		return o;
	put(o, "state", r, "state");
	json_object_set_new(o, "until_ms", number_of(r, "until_ms"));
	json_object_set_new(o, "answering", number_of(r, "answering"));
	put(o, "missing", r, "missing");
	json_object_set_new(o, "known", flag_of(r, "known"));
	json_object_set_new(o, "chosen", flag_of(r, "chosen"));
	put(o, "epoch", r, "epoch");
	put(o, "primary", r, "primary");
	json_object_set_new(o, "members", names_of(record_get(r,
	    "members")));
	return o;
}

/* Null where there is no device. */
static json_t *
fencing_of(const struct status *st)
{
	const struct record *r = status_find(st, "fencing", NULL);
	json_t *o;

	if (r == NULL)
		return json_null();
	o = json_object();
	put(o, "agent", r, "agent");
	put(o, "state", r, "state");
	json_object_set_new(o, "answered_s", number_of(r, "answered_s"));
	put(o, "text", r, "text");
	return o;
}

static json_t *
waits_of(const struct status *st)
{
	static const char *const keys[] = { "node", "for", "since", "code",
	    "text" };
	const struct record *r = NULL;
	json_t *list = json_array(), *o;
	size_t i;

	while ((r = status_find(st, "waits", r)) != NULL) {
		o = json_object();
		for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			put(o, keys[i], r, keys[i]);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
newest_of(const struct status *st)
{
	const struct record *r = status_find(st, "newest", NULL);
	json_t *o;

	if (r == NULL)
		return json_null();
	o = json_object();
	put(o, "node", r, "node");
	put(o, "epoch", r, "epoch");
	put(o, "text", r, "text");
	return o;
}

static json_t *
module_of(const struct status *st)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", text_of(st->module));
	json_object_set_new(o, "mode", text_of(st->mode));
	json_object_set_new(o, "state", text_of(st->state));
	json_object_set_new(o, "quality", text_of(st->quality));
	json_object_set_new(o, "stale", json_boolean(st->is_old));
	json_object_set_new(o, "warnings", warnings_of(st));
	json_object_set_new(o, "blocked", blocked_of(st));
	json_object_set_new(o, "waits", waits_of(st));
	json_object_set_new(o, "newest", newest_of(st));
	json_object_set_new(o, "nodes", nodes_of(st));
	json_object_set_new(o, "resources", resources_of(st));
	json_object_set_new(o, "replication", replication_of(st));
	json_object_set_new(o, "farm", farm_of(st));
	json_object_set_new(o, "disks", disks_of(st));
	json_object_set_new(o, "lease", lease_of(st));
	json_object_set_new(o, "fencing", fencing_of(st));
	return o;
}

void
show_json(struct status *const *st, unsigned count, const char *node,
    const char *cluster, char *const *warning, unsigned warnings, FILE *out)
{
	json_t *top = json_object(), *list = json_array(), *mods;
	unsigned i;

	json_object_set_new(top, "schema", json_integer(SCHEMA));
	json_object_set_new(top, "node", text_of(node));
	json_object_set_new(top, "cluster", text_of(cluster));
	for (i = 0; i < warnings; i++)
		json_array_append_new(list, text_of(warning[i]));
	json_object_set_new(top, "warnings", list);
	mods = json_array();
	for (i = 0; i < count; i++)
		json_array_append_new(mods, module_of(st[i]));
	json_object_set_new(top, "modules", mods);
	(void)json_dumpf(top, out, JSON_INDENT(2)); /* ferror() tells */
	fputc('\n', out);
	json_decref(top);
}

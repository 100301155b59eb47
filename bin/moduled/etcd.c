/* SPDX-License-Identifier: ISC */
/*
 * Bodies there and back, and the key as a voter.
 *
 * Why a read is enough of a promise: what prepare is for is that no lower
 * ballot gets a value in after the proposer has looked.  Here the swap itself
 * sees to that: any value that got in moved the revision.  That one with a
 * lower ballot may still win against a higher one that has only looked is no
 * harm: the higher one is refused and looks again.
 */
#include "etcd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#define BASE64_LEN(n)	sodium_base64_ENCODED_LEN(n, \
	sodium_base64_VARIANT_ORIGINAL)

/* --- what is sent --------------------------------------------------- */

/* False: longer than any of ours. */
static bool
base64(char *out, size_t size, const char *in)
{
	size_t len = strlen(in);

	if (BASE64_LEN(len) > size)
		return false;
	(void)sodium_bin2base64(out, size, (const uint8_t *)in, len,
	    sodium_base64_VARIANT_ORIGINAL);
	return true;
}

static bool
fits(int n)
{
	return n > 0 && n < ETCD_BODY_LEN;
}

bool
etcd_range(char out[ETCD_BODY_LEN], const char *key)
{
	char k[BASE64_LEN(ETCD_KEY_LEN)];

	return base64(k, sizeof(k), key) && fits(snprintf(out, ETCD_BODY_LEN,
	    "{\"key\":\"%s\"}", k));
}

bool
etcd_range_prefix(char out[ETCD_BODY_LEN], const char *prefix)
{
	char k[BASE64_LEN(ETCD_KEY_LEN)], end[BASE64_LEN(ETCD_KEY_LEN)];
	char next[ETCD_KEY_LEN];
	size_t len = strlen(prefix);

	if (len == 0 || len >= sizeof(next))
		return false;
	/* The first key behind all that begin so; ours end with a slash. */
	memcpy(next, prefix, len + 1);
	next[len - 1]++;
	return base64(k, sizeof(k), prefix) && base64(end, sizeof(end), next) &&
	    fits(snprintf(out, ETCD_BODY_LEN, "{\"key\":\"%s\","
	    "\"range_end\":\"%s\",\"keys_only\":true}", k, end));
}

bool
etcd_swap(char out[ETCD_BODY_LEN], const char *key, int64_t revision,
    const char *value)
{
	char k[BASE64_LEN(ETCD_KEY_LEN)], v[BASE64_LEN(REG_TEXT_LEN)];

	return base64(k, sizeof(k), key) && base64(v, sizeof(v), value) &&
	    fits(snprintf(out, ETCD_BODY_LEN, "{\"compare\":[{"
	    "\"target\":\"MOD\",\"result\":\"EQUAL\",\"key\":\"%s\","
	    "\"mod_revision\":\"%" PRId64 "\"}],\"success\":[{\"request_put\":"
	    "{\"key\":\"%s\",\"value\":\"%s\"}}],\"failure\":[{"
	    "\"request_range\":{\"key\":\"%s\"}}]}", k, revision, k, v, k));
}

bool
etcd_put(char out[ETCD_BODY_LEN], const char *key, const char *value,
    int64_t lease)
{
	char k[BASE64_LEN(ETCD_KEY_LEN)], v[BASE64_LEN(REG_TEXT_LEN)];

	return base64(k, sizeof(k), key) && base64(v, sizeof(v), value) &&
	    fits(snprintf(out, ETCD_BODY_LEN, "{\"key\":\"%s\","
	    "\"value\":\"%s\",\"lease\":\"%" PRId64 "\"}", k, v, lease));
}

bool
etcd_grant(char out[ETCD_BODY_LEN], int ttl_s)
{
	return fits(snprintf(out, ETCD_BODY_LEN, "{\"TTL\":\"%d\"}", ttl_s));
}

bool
etcd_keepalive(char out[ETCD_BODY_LEN], int64_t lease)
{
	return fits(snprintf(out, ETCD_BODY_LEN, "{\"ID\":\"%" PRId64 "\"}",
	    lease));
}

/* --- what comes ----------------------------------------------------- */

/* Numbers of 64 bits are strings in it; false: none. */
static bool
get_number(const json_t *o, const char *name, uint64_t *out)
{
	const json_t *j = json_object_get(o, name);
	const char *s = json_string_value(j);
	char *end;

	if (json_is_integer(j) && json_integer_value(j) >= 0) {
		*out = (uint64_t)json_integer_value(j);
		return true;
	}
	if (s == NULL || s[0] < '0' || s[0] > '9')
		return false;
	errno = 0;
	*out = strtoull(s, &end, 10);
	return errno == 0 && *end == '\0';
}

/* Bytes of a field, as a string; false: none, too long, or a NUL in it. */
static bool
get_bytes(const json_t *o, const char *name, char *out, size_t size)
{
	const char *s = json_string_value(json_object_get(o, name));
	size_t len;

	out[0] = '\0';
	if (s == NULL || sodium_base642bin((uint8_t *)out, size - 1, s,
	    strlen(s), NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) ==
	    -1)
		return false;
	out[len] = '\0';
	return strlen(out) == len;
}

/* Text of others goes into ours: printable, and cut. */
static void
say(struct etcd_reply *r, const char *text)
{
	char *p;

	(void)snprintf(r->why, sizeof(r->why), "%s", text);
	for (p = r->why; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
}

/* What a range found. */
static void
take_range(struct etcd_reply *r, const json_t *o)
{
	const json_t *kvs = json_object_get(o, "kvs");
	const json_t *kv = json_array_get(kvs, 0);
	char text[REG_TEXT_LEN], why[VOTE_TEXT_LEN];
	const char *wrong = NULL;
	uint64_t n;

	if (kv == NULL)
		return;
	if (!get_number(kv, "mod_revision", &n) || n == 0 || n > INT64_MAX) {
		say(r, "an answer without the revision of the key");
		return;
	}
	r->found = true;
	r->revision = (int64_t)n;
	if (!get_bytes(kv, "value", text, sizeof(text)))
		wrong = "no text";
	if (wrong != NULL ||
	    reg_value_parse(&r->value, text, &wrong) == -1) {
		(void)snprintf(why, sizeof(why), "the key holds no value of "
		    "a register: %.100s", wrong);
		say(r, why);
	}
}

static void
take_reply(struct etcd_reply *r, const json_t *o)
{
	const json_t *header = json_object_get(o, "header");
	const json_t *responses = json_object_get(o, "responses");
	const json_t *range;

	if (!get_number(header, "cluster_id", &r->cluster) ||
	    r->cluster == 0) {
		say(r, "an answer without the id of its cluster: is it etcd?");
		return;
	}
	if (responses == NULL) {
		take_range(r, o);
		return;
	}
	r->swapped = json_is_true(json_object_get(o, "succeeded"));
	if (r->swapped)
		return;
	range = json_object_get(json_array_get(responses, 0),
	    "response_range");
	if (range == NULL)
		say(r, "a swap that failed, without what is there");
	else
		take_range(r, range);
}

void
etcd_parse(struct etcd_reply *r, long status, const char *body, size_t len)
{
	json_t *o = json_loadb(body, len, 0, NULL);
	const char *error;
	char text[64];

	memset(r, 0, sizeof(*r));
	error = json_string_value(json_object_get(o, "error"));
	if (status == 200 && json_is_object(o) && error == NULL) {
		take_reply(r, o);
	} else if (error != NULL && error[0] != '\0') {
		say(r, error);
	} else {
		(void)snprintf(text, sizeof(text), "HTTP status %ld, no "
		    "answer of etcd", status);
		say(r, text);
	}
	json_decref(o);
}

int64_t
etcd_parse_lease(const char *body, size_t len)
{
	json_t *o = json_loadb(body, len, JSON_DISABLE_EOF_CHECK, NULL);
	const json_t *in = json_object_get(o, "result");
	uint64_t id = 0, ttl = 0;

	/* A keepalive answers as a stream does, a grant plainly. */
	if (in == NULL)
		in = o;
	if (!get_number(in, "ID", &id) || !get_number(in, "TTL", &ttl) ||
	    ttl == 0 || id > INT64_MAX)
		id = 0;
	json_decref(o);
	return (int64_t)id;
}

void
etcd_parse_names(char *out, size_t size, const char *prefix,
    const char *body, size_t len)
{
	json_t *o = json_loadb(body, len, 0, NULL);
	const json_t *kvs = json_object_get(o, "kvs");
	char key[ETCD_KEY_LEN];
	size_t i, used = 0;
	const char *name;

	out[0] = '\0';
	for (i = 0; i < json_array_size(kvs); i++) {
		if (!get_bytes(json_array_get(kvs, i), "key", key,
		    sizeof(key)) || strncmp(key, prefix, strlen(prefix)) != 0)
			continue;
		name = key + strlen(prefix);
		if (!cluster_name_ok(name) ||
		    used + strlen(name) + 2 > size)
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s%s",
		    used > 0 ? " " : "", name);
	}
	json_decref(o);
}

/* --- the key as a voter --------------------------------------------- */

bool
etcd_voter_swaps(const struct etcd_voter *v, const struct vote_ask *a)
{
	return a->kind == VOTE_ACCEPT &&
	    epoch_cmp(v->prepared, a->ballot) == 0;
}

/* Above the ballot: it is over, and the next try must be higher. */
static void
refuse(struct vote_answer *out, struct epoch ballot)
{
	out->result = VOTE_REFUSED;
	if (epoch_cmp(out->promised, ballot) <= 0)
		out->promised = (struct epoch){ ballot.era, ballot.n + 1, 0 };
}

static void
on_prepare(struct etcd_voter *v, const struct vote_ask *a,
    const struct etcd_reply *r, struct vote_answer *out)
{
	if (epoch_cmp(r->value.epoch, a->ballot) >= 0) {
		refuse(out, a->ballot);
		return;
	}
	v->prepared = a->ballot;
	v->revision = r->revision;
	out->promised = a->ballot;
}

/* In: by this swap, or by one whose answer was lost. */
static void
on_accept(const struct vote_ask *a, const struct etcd_reply *r,
    struct vote_answer *out)
{
	if (r->swapped || (r->found && reg_value_equal(&r->value, &a->value))) {
		out->value = a->value;
		out->promised = a->ballot;
	} else
		refuse(out, a->ballot);
}

void
etcd_voter_answer(struct etcd_voter *v, const struct vote_ask *a,
    const struct etcd_reply *r, struct vote_answer *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = a->kind;
	out->nonce = a->nonce;
	out->voter = r->cluster;
	if (r->why[0] != '\0') {
		out->result = VOTE_UNABLE;
		memcpy(out->text, r->why, sizeof(out->text));
		return;
	}
	out->value = r->value;
	out->promised = r->value.epoch;
	if (a->kind == VOTE_PREPARE)
		on_prepare(v, a, r, out);
	else if (a->kind == VOTE_ACCEPT)
		on_accept(a, r, out);
}

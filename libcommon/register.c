/* SPDX-License-Identifier: ISC */
/*
 * The value of a module's register: its form, fields and text.  Whatever
 * comes from outside, wire, disk or etcd, is looked at by reg_value_ok()
 * before anybody else sees it.
 */

#include "register.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define HEX_ID	16

/* --- the form ------------------------------------------------------- */

bool
reg_value_is_none(const struct reg_value *v)
{
	return epoch_is_none(v->epoch);
}

static bool
who_ok(const char who[REG_WHO_LEN])
{
	const char *p;

	if (memchr(who, '\0', REG_WHO_LEN) == NULL)
		return false;
	for (p = who; *p != '\0'; p++)
		if (iscntrl((unsigned char)*p))
			return false;
	return true;
}

static bool
members_ok(const struct reg_value *v)
{
	unsigned i;

	if (v->member_count > REG_MEMBER_MAX)
		return false;
	for (i = 0; i < v->member_count; i++) {
		if (v->member[i].node == 0 ||
		    epoch_cmp(v->member[i].since, v->epoch) > 0 ||
		    (i > 0 && v->member[i].node <= v->member[i - 1].node))
			return false;
	}
	return reg_has_member(v, v->primary);
}

static int
list_index(const struct reg_voter *list, unsigned count, const char *name)
{
	unsigned i;

	for (i = 0; i < count; i++)
		if (strcmp(list[i].name, name) == 0)
			return (int)i;
	return -1;
}

static bool
list_ok(const struct reg_voter *list, unsigned count)
{
	unsigned i;

	if (count > REG_VOTER_MAX)
		return false;
	for (i = 0; i < count; i++) {
		if (!cluster_name_ok(list[i].name) ||
		    list_index(list, count, list[i].name) != (int)i)
			return false;
	}
	return true;
}

/* How many of a are not in b, with that id. */
static unsigned
list_lacks(const struct reg_voter *a, unsigned a_count,
    const struct reg_voter *b, unsigned b_count)
{
	unsigned i, n = 0;
	int at;

	for (i = 0; i < a_count; i++) {
		at = list_index(b, b_count, a[i].name);
		n += at == -1 || b[at].id != a[i].id;
	}
	return n;
}

static bool
voters_ok(const struct reg_value *v)
{
	return list_ok(v->voter, v->voter_count) &&
	    list_ok(v->old_voter, v->old_voter_count) &&
	    (v->old_voter_count == 0 ||
	    (list_lacks(v->voter, v->voter_count, v->old_voter,
	    v->old_voter_count) <= 1 && list_lacks(v->old_voter,
	    v->old_voter_count, v->voter, v->voter_count) <= 1));
}

bool
reg_value_ok(const struct reg_value *v)
{
	return v->epoch.node != 0 && members_ok(v) && voters_ok(v) &&
	    who_ok(v->who);
}

static bool
members_equal(const struct reg_value *a, const struct reg_value *b)
{
	unsigned i;

	if (a->member_count != b->member_count)
		return false;
	for (i = 0; i < a->member_count; i++) {
		if (a->member[i].node != b->member[i].node ||
		    epoch_cmp(a->member[i].since, b->member[i].since) != 0)
			return false;
	}
	return true;
}

static bool
list_equal(const struct reg_voter *a, unsigned a_count,
    const struct reg_voter *b, unsigned b_count)
{
	unsigned i;

	if (a_count != b_count)
		return false;
	for (i = 0; i < a_count; i++) {
		if (a[i].id != b[i].id || strcmp(a[i].name, b[i].name) != 0)
			return false;
	}
	return true;
}

static bool
voters_equal(const struct reg_value *a, const struct reg_value *b)
{
	return list_equal(a->voter, a->voter_count, b->voter,
	    b->voter_count) && list_equal(a->old_voter, a->old_voter_count,
	    b->old_voter, b->old_voter_count);
}

bool
reg_value_equal(const struct reg_value *a, const struct reg_value *b)
{
	return epoch_cmp(a->epoch, b->epoch) == 0 &&
	    a->primary == b->primary && members_equal(a, b) &&
	    voters_equal(a, b) && a->forced == b->forced &&
	    memcmp(a->generation, b->generation, REG_GENERATION_LEN) == 0 &&
	    strcmp(a->who, b->who) == 0;
}

const struct reg_member *
reg_member(const struct reg_value *v, uint8_t node)
{
	unsigned i;

	for (i = 0; i < v->member_count; i++)
		if (v->member[i].node == node)
			return &v->member[i];
	return NULL;
}

bool
reg_has_member(const struct reg_value *v, uint8_t node)
{
	return reg_member(v, node) != NULL;
}

bool
reg_member_add(struct reg_value *v, uint8_t node, struct epoch since)
{
	unsigned at;

	if (reg_has_member(v, node))
		return true;
	if (v->member_count == REG_MEMBER_MAX)
		return false;
	for (at = v->member_count; at > 0 && v->member[at - 1].node > node;
	    at--)
		v->member[at] = v->member[at - 1];
	v->member[at] = (struct reg_member){ node, since };
	v->member_count++;
	return true;
}

void
reg_member_only(struct reg_value *v, uint8_t node, struct epoch since)
{
	memset(v->member, 0, sizeof(v->member));
	v->member[0] = (struct reg_member){ node, since };
	v->member_count = 1;
}

int
reg_voter_index(const struct reg_value *v, const char *name)
{
	return list_index(v->voter, v->voter_count, name);
}

bool
reg_voter_set(struct reg_value *v, const char *name, uint64_t id)
{
	int at = reg_voter_index(v, name);

	if (at == -1) {
		if (v->voter_count == REG_VOTER_MAX ||
		    strlen(name) >= CLUSTER_NAME_LEN || !cluster_name_ok(name))
			return false;
		at = (int)v->voter_count++;
		memcpy(v->voter[at].name, name, strlen(name) + 1);
	}
	v->voter[at].id = id;
	return true;
}

void
reg_voter_drop(struct reg_value *v, const char *name)
{
	int at = reg_voter_index(v, name);

	if (at == -1)
		return;
	v->voter_count--;
	memmove(&v->voter[at], &v->voter[at + 1],
	    (v->voter_count - (unsigned)at) * sizeof(v->voter[0]));
	memset(&v->voter[v->voter_count], 0, sizeof(v->voter[0]));
}

void
reg_who_set(struct reg_value *v, const char *text)
{
	char *p;

	(void)snprintf(v->who, sizeof(v->who), "%s", text);
	for (p = v->who; *p != '\0'; p++)
		if (iscntrl((unsigned char)*p))
			*p = ' ';
}

/* --- fields of a frame ---------------------------------------------- */

/* An old voter that is one still, by its place; else whole. */
#define OLD_WHOLE	0xff

static void
put_old(struct frame_out *f, const struct reg_value *v)
{
	const struct reg_voter *o;
	unsigned i;
	int at;

	frame_put_u8(f, (uint8_t)v->old_voter_count);
	for (i = 0; i < v->old_voter_count; i++) {
		o = &v->old_voter[i];
		at = reg_voter_index(v, o->name);
		if (at != -1 && v->voter[at].id == o->id) {
			frame_put_u8(f, (uint8_t)at);
			continue;
		}
		frame_put_u8(f, OLD_WHOLE);
		frame_put_str(f, o->name);
		frame_put_u64(f, o->id);
	}
}

void
reg_value_put(struct frame_out *f, const struct reg_value *v)
{
	unsigned i;

	frame_put_epoch(f, v->epoch);
	frame_put_u8(f, v->primary);
	frame_put_u8(f, (uint8_t)v->member_count);
	for (i = 0; i < v->member_count; i++) {
		frame_put_u8(f, v->member[i].node);
		frame_put_epoch(f, v->member[i].since);
	}
	frame_put_u8(f, (uint8_t)v->voter_count);
	for (i = 0; i < v->voter_count; i++) {
		frame_put_str(f, v->voter[i].name);
		frame_put_u64(f, v->voter[i].id);
	}
	put_old(f, v);
	frame_put_raw(f, v->generation, REG_GENERATION_LEN);
	frame_put_u8(f, v->forced);
	frame_put_str(f, v->who);
}

/* A count that has room, else the frame is bad. */
static unsigned
get_count(struct frame_in *f, unsigned max)
{
	unsigned n = frame_get_u8(f);

	if (n > max)
		f->bad = true;
	return f->bad ? 0 : n;
}

static void
get_old(struct frame_in *f, struct reg_value *v)
{
	unsigned i, at;

	v->old_voter_count = get_count(f, REG_VOTER_MAX);
	for (i = 0; i < v->old_voter_count; i++) {
		at = frame_get_u8(f);
		if (at == OLD_WHOLE) {
			(void)frame_get_str(f, v->old_voter[i].name,
			    CLUSTER_NAME_LEN);
			v->old_voter[i].id = frame_get_u64(f);
		} else if (at < v->voter_count)
			v->old_voter[i] = v->voter[at];
		else
			f->bad = true;
	}
}

int
reg_value_get(struct frame_in *f, struct reg_value *v)
{
	const void *p;
	unsigned i;
	uint8_t b;

	memset(v, 0, sizeof(*v));
	v->epoch = frame_get_epoch(f);
	v->primary = frame_get_u8(f);
	v->member_count = get_count(f, REG_MEMBER_MAX);
	for (i = 0; i < v->member_count; i++) {
		v->member[i].node = frame_get_u8(f);
		v->member[i].since = frame_get_epoch(f);
	}
	v->voter_count = get_count(f, REG_VOTER_MAX);
	for (i = 0; i < v->voter_count; i++) {
		(void)frame_get_str(f, v->voter[i].name, CLUSTER_NAME_LEN);
		v->voter[i].id = frame_get_u64(f);
	}
	get_old(f, v);
	p = frame_get_raw(f, REG_GENERATION_LEN);
	if (p != NULL)
		memcpy(v->generation, p, REG_GENERATION_LEN);
	b = frame_get_u8(f);
	v->forced = b == 1;
	(void)frame_get_str(f, v->who, REG_WHO_LEN);
	if (f->bad || b > 1 || !reg_value_ok(v)) {
		f->bad = true;
		memset(v, 0, sizeof(*v));
		return -1;
	}
	return 0;
}

/* --- text ----------------------------------------------------------- */

static void
line_members(struct line_out *o, const struct reg_value *v)
{
	char set[REG_MEMBER_MAX * 4 + 1] = "", e[EPOCH_LEN];
	char since[REG_MEMBER_MAX * EPOCH_LEN] = "";
	size_t set_len = 0, since_len = 0;
	unsigned i;

	for (i = 0; i < v->member_count; i++) {
		const char *comma = i > 0 ? "," : "";

		set_len += (size_t)snprintf(set + set_len,
		    sizeof(set) - set_len, "%s%u", comma, v->member[i].node);
		since_len += (size_t)snprintf(since + since_len,
		    sizeof(since) - since_len, "%s%s", comma,
		    epoch_str(e, v->member[i].since));
	}
	line_add(o, "set", set);
	line_add(o, "since", since);
}

static void
line_voters(struct line_out *o, const char *key, const struct reg_voter *list,
    unsigned count)
{
	char text[REG_VOTER_MAX * (CLUSTER_NAME_LEN + HEX_ID + 2)] = "";
	size_t len = 0;
	unsigned i;

	for (i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%s:%016" PRIx64, i > 0 ? "," : "", list[i].name,
		    list[i].id);
	line_add(o, key, text);
}

void
reg_value_line(struct line_out *o, const struct reg_value *v)
{
	char e[EPOCH_LEN], hex[2 * REG_GENERATION_LEN + 1];
	unsigned i;

	for (i = 0; i < REG_GENERATION_LEN; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", v->generation[i]);
	line_add(o, "epoch", epoch_str(e, v->epoch));
	line_add_num(o, "primary", v->primary);
	line_members(o, v);
	line_voters(o, "voters", v->voter, v->voter_count);
	if (v->old_voter_count > 0)
		line_voters(o, "old", v->old_voter, v->old_voter_count);
	line_add(o, "generation", hex);
	if (v->forced)
		line_add(o, "forced", "1");
	if (v->who[0] != '\0')
		line_add(o, "who", v->who);
}

/* The next of the words between commas, in `word'; false at the end. */
static bool
next_word(const char **s, char *word, size_t size)
{
	size_t len = strcspn(*s, ",");

	if (len == 0 || len >= size)
		return false;
	memcpy(word, *s, len);
	word[len] = '\0';
	*s += len;
	if (**s == ',')
		(*s)++;
	return true;
}

static bool
parse_node(const char *s, uint8_t *node)
{
	char *end;
	unsigned long n;

	if (!isdigit((unsigned char)s[0]))
		return false;
	n = strtoul(s, &end, 10);
	*node = (uint8_t)n;
	return *end == '\0' && n >= 1 && n <= UINT8_MAX;
}

static bool
parse_members(struct reg_value *v, const char *set, const char *since)
{
	char word[EPOCH_LEN];
	struct reg_member *m;

	while (next_word(&set, word, sizeof(word))) {
		if (v->member_count == REG_MEMBER_MAX)
			return false;
		m = &v->member[v->member_count++];
		if (!parse_node(word, &m->node) ||
		    !next_word(&since, word, sizeof(word)) ||
		    epoch_parse(&m->since, word) == -1)
			return false;
	}
	return *set == '\0' && *since == '\0';
}

static bool
parse_hex(uint8_t *out, const char *hex, size_t len)
{
	unsigned b;
	size_t i;

	if (strlen(hex) != 2 * len ||
	    hex[strspn(hex, "0123456789abcdef")] != '\0')
		return false;
	for (i = 0; i < len; i++) {
		if (sscanf(hex + 2 * i, "%2x", &b) != 1)
			return false;
		out[i] = (uint8_t)b;
	}
	return true;
}

static bool
parse_voters(struct reg_voter *list, unsigned *count, const char *voters)
{
	char word[CLUSTER_NAME_LEN + HEX_ID + 1], *colon;
	uint8_t id[8];
	unsigned i;

	while (next_word(&voters, word, sizeof(word))) {
		struct reg_voter *r;

		colon = strchr(word, ':');
		if (*count == REG_VOTER_MAX || colon == NULL ||
		    colon - word >= CLUSTER_NAME_LEN ||
		    !parse_hex(id, colon + 1, sizeof(id)))
			return false;
		*colon = '\0';
		r = &list[(*count)++];
		memcpy(r->name, word, strlen(word) + 1);
		for (i = 0; i < sizeof(id); i++)
			r->id = r->id << 8 | id[i];
	}
	return *voters == '\0';
}

/* What is wrong, or NULL. */
static const char *
from_line(struct reg_value *v, const struct line *l)
{
	const char *primary = line_get(l, "primary");
	const char *generation = line_get(l, "generation");
	const char *epoch = line_get(l, "epoch"), *set = line_get(l, "set");
	const char *since = line_get(l, "since");
	const char *old = line_get(l, "old");
	const char *voters = line_get(l, "voters"), *who = line_get(l, "who");

	if (epoch == NULL || primary == NULL || set == NULL || since == NULL ||
	    voters == NULL || generation == NULL)
		return "epoch, primary, set, since, voters or generation is "
		    "missing";
	if (epoch_parse(&v->epoch, epoch) == -1)
		return "epoch is not ERA.N.NODE";
	if (!parse_node(primary, &v->primary))
		return "primary is no node id";
	if (!parse_members(v, set, since))
		return "set and since do not name the same members";
	if (!parse_voters(v->voter, &v->voter_count, voters) ||
	    (old != NULL && !parse_voters(v->old_voter, &v->old_voter_count,
	    old)))
		return "voters are not NAME:ID,...";
	if (!parse_hex(v->generation, generation, REG_GENERATION_LEN))
		return "generation is not 32 hex digits";
	v->forced = line_get_bool(l, "forced");
	if (who != NULL && strlen(who) >= REG_WHO_LEN)
		return "who is too long";
	if (who != NULL)
		memcpy(v->who, who, strlen(who) + 1);
	return reg_value_ok(v) ? NULL : "the value contradicts itself";
}

int
reg_value_from_line(struct reg_value *v, const struct line *l,
    const char **why)
{
	memset(v, 0, sizeof(*v));
	*why = from_line(v, l);
	if (*why == NULL)
		return 0;
	memset(v, 0, sizeof(*v));
	errno = EINVAL;
	return -1;
}

void
reg_value_text(char text[REG_TEXT_LEN], const struct reg_value *v)
{
	struct line_out o;

	line_begin(&o, "value");
	reg_value_line(&o, v);
	if (o.overflow || o.len >= REG_TEXT_LEN)
		panic("value of a register: %zu bytes of text", o.len);
	memcpy(text, o.text, o.len);
	text[o.len] = '\0';
}

int
reg_value_parse(struct reg_value *v, const char *text, const char **why)
{
	struct line l;

	memset(v, 0, sizeof(*v));
	if (line_parse(&l, text, strlen(text), why) == -1)
		return -1;
	if (strcmp(l.verb, "value") == 0)
		return reg_value_from_line(v, &l, why);
	*why = "no line that begins with value";
	errno = EINVAL;
	return -1;
}

/* SPDX-License-Identifier: ISC */
/*
 * Shares and sets as text, for what a farmd publishes and remembers:
 *
 *	EPOCH.DIRECTOR.ID[sd],ID[sd],.TABLE.TABLE
 *
 * A table is the place of each bucket's owner in the list of members, in as
 * few bits as the list needs, lowest bucket and bit first, as base64.  "-" is a
 * table that nobody has, "1" one that the only member has.
 */

#include "share.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE64	sodium_base64_VARIANT_URLSAFE_NO_PADDING
/* 64 members: 6 bits. */
#define PACKED_MAX	(SHARE_BUCKETS * 6 / 8)

static unsigned
bits_for(unsigned count)
{
	unsigned bits = 0;

	while (1u << bits < count)
		bits++;
	return bits;
}

static bool
pack(uint8_t *out, unsigned bits, const struct share *s, unsigned table)
{
	uint8_t index[256];

	memset(index, 255, sizeof(index));
	for (unsigned i = 0; i < s->count; i++)
		index[s->member[i].id] = (uint8_t)i;
	memset(out, 0, PACKED_MAX);
	for (unsigned b = 0; b < SHARE_BUCKETS; b++) {
		unsigned v = index[s->owner[table][b]];

		if (v >= s->count)
			return false;
		for (unsigned i = 0; i < bits; i++) {
			unsigned at = b * bits + i;

			out[at / 8] |= (uint8_t)((v >> i & 1) << at % 8);
		}
	}
	return true;
}

static bool
unpack(struct share *s, unsigned table, const uint8_t *in, unsigned bits)
{
	for (unsigned b = 0; b < SHARE_BUCKETS; b++) {
		unsigned v = 0;

		for (unsigned i = 0; i < bits; i++) {
			unsigned at = b * bits + i;

			v |= (unsigned)(in[at / 8] >> at % 8 & 1) << i;
		}
		if (v >= s->count)
			return false;
		s->owner[table][b] = s->member[v].id;
	}
	return true;
}

static bool
format_table(char *buf, size_t size, const struct share *s, unsigned table)
{
	static const uint8_t nobody[SHARE_BUCKETS];
	uint8_t packed[PACKED_MAX];
	unsigned bits = bits_for(s->count);
	size_t len = SHARE_BUCKETS / 8 * bits;

	if (size < 2)
		return false;
	if (memcmp(s->owner[table], nobody, SHARE_BUCKETS) == 0) {
		memcpy(buf, "-", 2);
		return true;
	}
	if (!pack(packed, bits, s, table))
		return false;
	if (bits == 0) {
		memcpy(buf, "1", 2);
		return true;
	}
	if (sodium_base64_encoded_len(len, BASE64) > size)
		return false;
	sodium_bin2base64(buf, size, packed, len, BASE64);
	return true;
}

bool
share_format(char *buf, size_t size, const struct share *s)
{
	size_t at;
	int n;

	if (s->epoch == 0) {
		n = snprintf(buf, size, "-");
		return n > 0 && (size_t)n < size;
	}
	n = snprintf(buf, size, "%llu.%u.", (unsigned long long)s->epoch,
	    s->director);
	if (n < 0 || (size_t)n >= size)
		return false;
	at = (size_t)n;
	for (unsigned i = 0; i < s->count; i++) {
		n = snprintf(buf + at, size - at, "%u%c,", s->member[i].id,
		    s->member[i].role == SHARE_SERVE ? 's' : 'd');
		if (n < 0 || (size_t)n >= size - at)
			return false;
		at += (size_t)n;
	}
	for (unsigned t = 0; t < s->tables; t++) {
		if (size - at < 2)
			return false;
		buf[at++] = '.';
		if (!format_table(buf + at, size - at, s, t))
			return false;
		at += strlen(buf + at);
	}
	return true;
}

/* Digits up to a character that is none, which is left in *end. */
static bool
number(uint64_t *out, const char *text, const char **end, uint64_t max)
{
	uint64_t v = 0;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (v > (max - (uint64_t)(*text - '0')) / 10)
			return false;
		v = v * 10 + (uint64_t)(*text - '0');
	}
	*out = v;
	*end = text;
	return true;
}

static const char *
parse_members(struct share *s, const char *p)
{
	uint64_t id;

	while (*p >= '0' && *p <= '9') {
		struct share_member *m = &s->member[s->count];

		if (s->count == SHARE_NODE_MAX ||
		    !number(&id, p, &p, UINT8_MAX) || id == 0 ||
		    (*p != 's' && *p != 'd') || p[1] != ',' ||
		    (s->count > 0 && m[-1].id >= id))
			return NULL;
		m->id = (uint8_t)id;
		m->role = *p == 's' ? SHARE_SERVE : SHARE_DRAIN;
		s->count++;
		p += 2;
	}
	return p;
}

static bool
parse_table(struct share *s, unsigned table, const char *text, size_t len)
{
	uint8_t packed[PACKED_MAX] = { 0 };
	unsigned bits = bits_for(s->count);
	size_t want = SHARE_BUCKETS / 8 * bits, got;

	if (len == 1 && *text == '-')
		return true;		/* nobody: zero as it is */
	if (len == 1 && *text == '1' && s->count == 1)
		return unpack(s, table, packed, 0);
	if (bits == 0 || len != (want * 8 + 5) / 6 ||
	    sodium_base642bin(packed, sizeof(packed), text, len, NULL, &got,
	    NULL, BASE64) != 0 || got != want)
		return false;
	return unpack(s, table, packed, bits);
}

static int
refuse(const char **why, const char *what)
{
	*why = what;
	return -1;
}

int
share_parse(struct share *s, const char *text, const char **why)
{
	uint64_t director;
	const char *p;

	memset(s, 0, sizeof(*s));
	if (strcmp(text, "-") == 0)
		return 0;
	if (!number(&s->epoch, text, &p, INT64_MAX) || s->epoch == 0 ||
	    *p != '.')
		return refuse(why, "share: bad epoch");
	if (!number(&director, p + 1, &p, UINT8_MAX) || *p != '.')
		return refuse(why, "share: bad director");
	s->director = (uint8_t)director;
	p = parse_members(s, p + 1);
	if (p == NULL)
		return refuse(why, "share: bad members");
	if ((director != 0 || s->count > 0) &&
	    share_member(s, s->director) == NULL)
		return refuse(why, "share: its director is no member");
	while (*p == '.') {
		size_t len = strcspn(p + 1, ".");

		if (s->tables == SHARE_TABLE_MAX)
			return refuse(why, "share: too many tables");
		if (!parse_table(s, s->tables, p + 1, len))
			return refuse(why, "share: bad table");
		s->tables++;
		p += 1 + len;
	}
	if (*p != '\0' || s->tables == 0)
		return refuse(why, "share: bad end");
	return 0;
}

void
share_set_format(char buf[SHARE_SET_TEXT], const struct share_set *s,
    unsigned table)
{
	uint8_t packed[SHARE_BUCKETS / 8];
	bool is_empty = true;

	for (unsigned i = 0; i < sizeof(packed); i++) {
		packed[i] = (uint8_t)(s->bit[table][i / 8] >> i % 8 * 8);
		is_empty = is_empty && packed[i] == 0;
	}
	if (is_empty)
		memcpy(buf, "-", 2);
	else
		sodium_bin2base64(buf, SHARE_SET_TEXT, packed,
		    sizeof(packed), BASE64);
}

int
share_set_parse(struct share_set *s, unsigned table, const char *text)
{
	uint8_t packed[SHARE_BUCKETS / 8];
	size_t len = strlen(text), got;

	memset(s->bit[table], 0, sizeof(s->bit[table]));
	if (strcmp(text, "-") == 0)
		return 0;
	if (len != (sizeof(packed) * 8 + 5) / 6 ||
	    sodium_base642bin(packed, sizeof(packed), text, len, NULL, &got,
	    NULL, BASE64) != 0 || got != sizeof(packed))
		return -1;
	for (unsigned b = 0; b < SHARE_BUCKETS; b++)
		if (packed[b / 8] >> b % 8 & 1)
			share_set_add(s, table, b);
	return 0;
}

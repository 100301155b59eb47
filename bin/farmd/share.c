/* SPDX-License-Identifier: ISC */
/*
 * The next bucket table from the one before.  Nothing is known here of how
 * nodes agree on it (accord.c) or what a filter does with it.
 *
 * Rule F3: the quotas are exact.  4096 buckets times power over the sum of
 * powers, rounded down; what is left goes to the largest remainders, of equal
 * ones to who has it already, so that no bucket moves for the sake of rounding
 * and the same question has the same answer.
 * Rule F4: only surplus moves.  An owner keeps its first buckets up to its
 * quota; what is above, and what nobody who is there owns, goes to those who
 * have too few, in ascending order of ids.
 */

#include "share.h"

#include <string.h>

_Static_assert(SHARE_BUCKETS % 64 == 0, "a set is words of 64 bits");

static const char *const role_name[] = {
	[SHARE_NONE] = "none", [SHARE_HOLD] = "hold",
	[SHARE_DRAIN] = "drain", [SHARE_SERVE] = "serve",
};

const char *
share_role_name(enum share_role r)
{
	return role_name[r];
}

bool
share_role_parse(enum share_role *r, const char *name)
{
	for (unsigned i = 0; i < sizeof(role_name) / sizeof(role_name[0]);
	    i++) {
		if (strcmp(role_name[i], name) == 0) {
			*r = (enum share_role)i;
			return true;
		}
	}
	return false;
}

unsigned
share_table_limit(unsigned nodes)
{
	return nodes <= 2 ? 4 : nodes <= 4 ? 3 : nodes <= 16 ? 2 : 1;
}

const struct share_member *
share_member(const struct share *s, uint8_t id)
{
	for (unsigned i = 0; i < s->count; i++)
		if (s->member[i].id == id)
			return &s->member[i];
	return NULL;
}

/* Powers that count: of who serves, and the chain of powers of 64. */
static uint64_t
powers(uint64_t *power, unsigned table, const struct share_member *member,
    unsigned count)
{
	uint64_t most = 0, sum = 0;

	for (unsigned i = 0; i < count; i++) {
		power[i] = member[i].role == SHARE_SERVE ?
		    member[i].power[table] : 0;
		if (power[i] > most)
			most = power[i];
	}
	for (unsigned i = 0; i < count; i++) {
		if (power[i] * SHARE_POWER_CHAIN <= most)
			power[i] = 0;
		sum += power[i];
	}
	return sum;
}

/*
 * Exact quotas by largest remainder; false: nobody has any power.  has[]: the
 * buckets a member has now.
 */
static bool
quotas(unsigned *quota, const unsigned *has, unsigned table,
    const struct share_member *member, unsigned count)
{
	uint64_t power[SHARE_NODE_MAX], rest[SHARE_NODE_MAX];
	uint64_t sum = powers(power, table, member, count);
	unsigned left = SHARE_BUCKETS;

	if (sum == 0)
		return false;
	for (unsigned i = 0; i < count; i++) {
		quota[i] = (unsigned)(SHARE_BUCKETS * power[i] / sum);
		rest[i] = SHARE_BUCKETS * power[i] % sum;
		left -= quota[i];
	}
	for (; left > 0; left--) {
		unsigned best = count;

		for (unsigned i = 0; i < count; i++) {
			if (rest[i] > 0 && (best == count ||
			    rest[i] > rest[best] || (rest[i] == rest[best] &&
			    has[i] > quota[i] && has[best] <= quota[best])))
				best = i;
		}
		quota[best]++;
		rest[best] = 0;
	}
	return true;
}

static void
next_table(struct share *next, unsigned table, const uint8_t *prev)
{
	uint8_t *owner = next->owner[table];
	unsigned quota[SHARE_NODE_MAX], has[SHARE_NODE_MAX] = { 0 };
	uint8_t index[256], taker = 0;

	memset(index, SHARE_NODE_MAX, sizeof(index));
	for (unsigned i = 0; i < next->count; i++)
		index[next->member[i].id] = (uint8_t)i;
	for (unsigned b = 0; b < SHARE_BUCKETS; b++)
		if (index[prev[b]] < SHARE_NODE_MAX)
			has[index[prev[b]]]++;
	memset(owner, 0, SHARE_BUCKETS);
	if (!quotas(quota, has, table, next->member, next->count))
		return;
	memset(has, 0, sizeof(has));
	for (unsigned b = 0; b < SHARE_BUCKETS; b++) {
		unsigned i = index[prev[b]];

		if (i < SHARE_NODE_MAX && has[i] < quota[i]) {
			owner[b] = prev[b];
			has[i]++;
		}
	}
	for (unsigned b = 0; b < SHARE_BUCKETS; b++) {
		if (owner[b] != 0)
			continue;
		while (has[taker] >= quota[taker])
			taker++;
		owner[b] = next->member[taker].id;
		has[taker]++;
	}
}

static uint8_t
next_director(const struct share *s, uint8_t prev)
{
	const struct share_member *m = share_member(s, prev);

	if (m != NULL && m->role == SHARE_SERVE)
		return prev;
	for (unsigned i = 0; i < s->count; i++)
		if (s->member[i].role == SHARE_SERVE)
			return s->member[i].id;
	return s->count > 0 ? s->member[0].id : 0;
}

void
share_next(struct share *next, const struct share *prev, unsigned tables,
    const struct share_member *member, unsigned count)
{
	static const uint8_t none[SHARE_BUCKETS];
	uint8_t was[SHARE_BUCKETS];

	next->epoch = prev != NULL ? prev->epoch : 0;
	for (unsigned t = 0; t < SHARE_TABLE_MAX; t++) {
		bool has = prev != NULL && t < prev->tables;

		/* next and prev may be the same. */
		memcpy(was, has ? prev->owner[t] : none, sizeof(was));
		if (t == 0) {
			uint8_t director = prev != NULL ? prev->director : 0;

			next->count = count;
			memmove(next->member, member,
			    count * sizeof(*member));
			next->director = next_director(next, director);
		}
		if (t < tables)
			next_table(next, t, was);
		else
			memset(next->owner[t], 0, SHARE_BUCKETS);
	}
	next->tables = tables;
}

/* FNV-1a: nobody hostile can write a table, the blobs are sealed. */
static uint64_t
mix(uint64_t h, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

uint64_t
share_digest(const struct share *s)
{
	uint8_t head[3] = { (uint8_t)s->tables, (uint8_t)s->count,
	    s->director };
	uint64_t h = mix(UINT64_C(0xcbf29ce484222325), head, sizeof(head));

	for (unsigned i = 0; i < s->count; i++) {
		uint8_t m[2] = { s->member[i].id, (uint8_t)s->member[i].role };

		h = mix(h, m, sizeof(m));
	}
	for (unsigned t = 0; t < s->tables; t++)
		h = mix(h, s->owner[t], SHARE_BUCKETS);
	return h;
}

unsigned
share_count(const struct share *s, unsigned table, uint8_t id)
{
	unsigned n = 0;

	for (unsigned b = 0; b < SHARE_BUCKETS; b++)
		n += s->owner[table][b] == id;
	return n;
}

unsigned
share_permille(const struct share *s, unsigned table, uint8_t id)
{
	return (share_count(s, table, id) * 1000 + SHARE_BUCKETS / 2) /
	    SHARE_BUCKETS;
}

unsigned
share_moved(const struct share *a, const struct share *b)
{
	unsigned n = 0;

	for (unsigned t = 0; t < a->tables && t < b->tables; t++)
		for (unsigned i = 0; i < SHARE_BUCKETS; i++)
			n += a->owner[t][i] != b->owner[t][i];
	return n;
}

bool
share_set_has(const struct share_set *s, unsigned table, unsigned bucket)
{
	return (s->bit[table][bucket / 64] >> (bucket % 64) & 1) != 0;
}

void
share_set_add(struct share_set *s, unsigned table, unsigned bucket)
{
	s->bit[table][bucket / 64] |= UINT64_C(1) << (bucket % 64);
}

void
share_set_del(struct share_set *s, unsigned table, unsigned bucket)
{
	s->bit[table][bucket / 64] &= ~(UINT64_C(1) << (bucket % 64));
}

bool
share_set_is_empty(const struct share_set *s)
{
	for (unsigned t = 0; t < SHARE_TABLE_MAX; t++)
		for (unsigned i = 0; i < SHARE_BUCKETS / 64; i++)
			if (s->bit[t][i] != 0)
				return false;
	return true;
}

unsigned
share_set_count(const struct share_set *s, unsigned table)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SHARE_BUCKETS / 64; i++)
		for (uint64_t left = s->bit[table][i]; left != 0;
		    left &= left - 1)
			n++;
	return n;
}

void
share_set_of(struct share_set *out, const struct share *s, uint8_t id)
{
	memset(out, 0, sizeof(*out));
	for (unsigned t = 0; t < s->tables; t++)
		for (unsigned b = 0; b < SHARE_BUCKETS; b++)
			if (s->owner[t][b] == id)
				share_set_add(out, t, b);
}

/* SPDX-License-Identifier: ISC */
/* Datagrams of the vote: encoding, decoding, seals. */

#include "vote.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "frame.h"

#define MAGIC_LEN	4
#define PLAIN_MAX	(VOTE_MAX - VOTE_HEAD_LEN - SEAL_DGRAM_EXTRA)

static const uint8_t magic[MAGIC_LEN] = { 'H', 'F', 'v', '1' };

/* The largest of both kinds has room, so that none is ever refused. */
_Static_assert(FRAME_HEADER_LEN + 4 + CLUSTER_NAME_LEN + 4 +
    MODULE_NAME_MAX + 1 + 13 + 1 + REG_VALUE_LEN <= PLAIN_MAX &&
    FRAME_HEADER_LEN + 8 + 1 + 13 + 1 + REG_VALUE_LEN + 4 + VOTE_TEXT_LEN <=
    PLAIN_MAX, "a vote fits a datagram");

void
vote_keys_derive(struct vote_keys *k, const struct cluster_key *key,
    const char *cluster)
{
	char context[CLUSTER_NAME_LEN + 16];

	memcpy(k->id, key->id, sizeof(k->id));
	(void)snprintf(context, sizeof(context), "vote ask %s", cluster);
	seal_derive(&k->ask, key, context);
	(void)snprintf(context, sizeof(context), "vote answer %s", cluster);
	seal_derive(&k->answer, key, context);
}

/* --- what is well formed -------------------------------------------- */

/*
 * A ballot belongs to who asks with it, and a value to its ballot: without
 * that a node could vote in another's name.
 */
static bool
ask_ok(const struct vote_ask *a)
{
	if (!cluster_name_ok(a->cluster) || !module_name_ok(a->module) ||
	    a->node == 0)
		return false;
	switch (a->kind) {
	case VOTE_READ:
		return epoch_is_none(a->ballot) &&
		    reg_value_is_none(&a->value);
	case VOTE_PREPARE:
		return a->ballot.node == a->node &&
		    reg_value_is_none(&a->value);
	case VOTE_ACCEPT:
		return a->ballot.node == a->node && reg_value_ok(&a->value) &&
		    epoch_cmp(a->value.epoch, a->ballot) == 0;
	}
	return false;
}

static bool
answer_ok(const struct vote_answer *a)
{
	const char *p;

	for (p = a->text; *p != '\0'; p++)
		if (iscntrl((unsigned char)*p))
			return false;
	return a->kind >= VOTE_READ && a->kind <= VOTE_ACCEPT &&
	    a->voter != 0 && a->result <= VOTE_UNABLE &&
	    (reg_value_is_none(&a->value) || reg_value_ok(&a->value)) &&
	    epoch_cmp(a->value.epoch, a->promised) <= 0;
}

/* --- sealing -------------------------------------------------------- */

static void
put_value(struct frame_out *f, const struct reg_value *v)
{
	bool has = !reg_value_is_none(v);

	frame_put_u8(f, has);
	if (has)
		reg_value_put(f, v);
}

/* The frame that lies in `plain', into out. */
static size_t
seal(uint8_t out[VOTE_MAX], struct frame_out *f, const char *id,
    const struct seal_key *k)
{
	size_t len = frame_end(f);

	if (len == 0)
		return 0;
	memcpy(out, magic, MAGIC_LEN);
	memcpy(out + MAGIC_LEN, id, SEAL_ID_LEN);
	return VOTE_HEAD_LEN + seal_dgram(out + VOTE_HEAD_LEN,
	    VOTE_MAX - VOTE_HEAD_LEN, f->buf, len, out, VOTE_HEAD_LEN, k);
}

size_t
vote_ask_seal(uint8_t out[VOTE_MAX], const struct vote_ask *a,
    const struct vote_keys *k)
{
	uint8_t plain[PLAIN_MAX];
	struct frame_out f;

	if (!ask_ok(a)) {
		errno = EMSGSIZE;
		return 0;
	}
	frame_begin(&f, plain, sizeof(plain), (uint16_t)a->kind, 0, a->nonce);
	frame_put_str(&f, a->cluster);
	frame_put_str(&f, a->module);
	frame_put_u8(&f, a->node);
	frame_put_epoch(&f, a->ballot);
	put_value(&f, &a->value);
	return seal(out, &f, k->id, &k->ask);
}

size_t
vote_answer_seal(uint8_t out[VOTE_MAX], const struct vote_answer *a,
    const struct vote_keys *k)
{
	uint8_t plain[PLAIN_MAX];
	struct frame_out f;

	if (!answer_ok(a)) {
		errno = EMSGSIZE;
		return 0;
	}
	frame_begin(&f, plain, sizeof(plain), (uint16_t)a->kind, 0, a->nonce);
	frame_put_u64(&f, a->voter);
	frame_put_u8(&f, (uint8_t)a->result);
	frame_put_epoch(&f, a->promised);
	put_value(&f, &a->value);
	frame_put_str(&f, a->text);
	return seal(out, &f, k->id, &k->answer);
}

/* --- opening -------------------------------------------------------- */

enum vote_error
vote_head(char id[SEAL_ID_LEN + 1], const void *in, size_t len)
{
	const uint8_t *p = in;

	id[0] = '\0';
	if (len < VOTE_HEAD_LEN || memcmp(p, magic, MAGIC_LEN - 1) != 0)
		return VOTE_ERROR_FOREIGN;
	if (p[MAGIC_LEN - 1] != magic[MAGIC_LEN - 1])
		return VOTE_ERROR_VERSION;
	memcpy(id, p + MAGIC_LEN, SEAL_ID_LEN);
	id[SEAL_ID_LEN] = '\0';
	return VOTE_ERROR_NONE;
}

/* Opens into plain; f then reads it. */
static enum vote_error
unseal(struct frame_in *f, uint8_t plain[PLAIN_MAX], const void *in,
    size_t len, const char *id, const struct seal_key *k)
{
	char have[SEAL_ID_LEN + 1];
	enum vote_error e = vote_head(have, in, len);
	const uint8_t *p = in;
	int64_t n;

	if (e != VOTE_ERROR_NONE)
		return e;
	if (strcmp(have, id) != 0)
		return VOTE_ERROR_KEY;
	n = seal_dgram_open(plain, PLAIN_MAX, p + VOTE_HEAD_LEN,
	    len - VOTE_HEAD_LEN, p, VOTE_HEAD_LEN, k);
	if (n < 0)
		return VOTE_ERROR_KEY;
	return frame_open(f, plain, (size_t)n) == -1 ?
	    VOTE_ERROR_MALFORMED : VOTE_ERROR_NONE;
}

static void
get_value(struct frame_in *f, struct reg_value *v)
{
	uint8_t has = frame_get_u8(f);

	memset(v, 0, sizeof(*v));
	if (has > 1)
		f->bad = true;
	if (has == 1)
		(void)reg_value_get(f, v);	/* bad is remembered */
}

enum vote_error
vote_ask_open(struct vote_ask *a, const void *in, size_t len,
    const struct vote_keys *k)
{
	uint8_t plain[PLAIN_MAX];
	struct frame_in f;
	enum vote_error e = unseal(&f, plain, in, len, k->id, &k->ask);

	memset(a, 0, sizeof(*a));
	if (e != VOTE_ERROR_NONE)
		return e;
	a->kind = (enum vote_kind)f.type;
	a->nonce = f.sequence;
	(void)frame_get_str(&f, a->cluster, sizeof(a->cluster));
	(void)frame_get_str(&f, a->module, sizeof(a->module));
	a->node = frame_get_u8(&f);
	a->ballot = frame_get_epoch(&f);
	get_value(&f, &a->value);
	return frame_done(&f) && f.flags == 0 && ask_ok(a) ?
	    VOTE_ERROR_NONE : VOTE_ERROR_MALFORMED;
}

enum vote_error
vote_answer_open(struct vote_answer *a, const void *in, size_t len,
    const struct vote_keys *k)
{
	uint8_t plain[PLAIN_MAX];
	struct frame_in f;
	enum vote_error e = unseal(&f, plain, in, len, k->id, &k->answer);

	memset(a, 0, sizeof(*a));
	if (e != VOTE_ERROR_NONE)
		return e;
	a->kind = (enum vote_kind)f.type;
	a->nonce = f.sequence;
	a->voter = frame_get_u64(&f);
	a->result = (enum vote_result)frame_get_u8(&f);
	a->promised = frame_get_epoch(&f);
	get_value(&f, &a->value);
	(void)frame_get_str(&f, a->text, sizeof(a->text));
	return frame_done(&f) && f.flags == 0 && answer_ok(a) ?
	    VOTE_ERROR_NONE : VOTE_ERROR_MALFORMED;
}

/* --- names ---------------------------------------------------------- */

const char *
vote_error_name(enum vote_error e)
{
	static const char *const name[] = {
		[VOTE_ERROR_NONE] = "ok",
		[VOTE_ERROR_FOREIGN] = "foreign",
		[VOTE_ERROR_VERSION] = "version",
		[VOTE_ERROR_KEY] = "wrong-key",
		[VOTE_ERROR_MALFORMED] = "malformed",
	};

	return e < VOTE_ERROR_COUNT ? name[e] : "?";
}

const char *
vote_kind_name(enum vote_kind kind)
{
	static const char *const name[] = {
		[VOTE_READ] = "read",
		[VOTE_PREPARE] = "prepare",
		[VOTE_ACCEPT] = "accept",
	};

	return kind >= VOTE_READ && kind <= VOTE_ACCEPT ? name[kind] : "?";
}

const char *
vote_result_name(enum vote_result r)
{
	static const char *const name[] = {
		[VOTE_OK] = "ok",
		[VOTE_REFUSED] = "refused",
		[VOTE_UNABLE] = "unable",
	};

	return r <= VOTE_UNABLE ? name[r] : "?";
}

/* SPDX-License-Identifier: ISC */
/*
 * Encoding and decoding of heartd's datagrams.  Decides what is well formed;
 * whether it is believed is incarnation.c's, what it means heart.c's.
 */

#include "datagram.h"

#include <errno.h>
#include <string.h>

#include "epoch.h"
#include "frame.h"
#include "seal.h"

static const uint8_t magic[4] = { 'H', 'F', 'H', 'B' };

/* Room for the frame once the prelude and the seal are taken off. */
#define FRAME_ROOM	(DATAGRAM_MAX - PRELUDE_LEN - SEAL_DGRAM_EXTRA)

/* Begins a part that a reader can skip: the place of its u16 length. */
static size_t
part_begin(struct frame_out *f)
{
	size_t at = f->len;

	frame_put_u16(f, 0);
	return at;
}

static void
part_end(struct frame_out *f, size_t at)
{
	size_t len;

	if (f->overflow)
		return;
	len = f->len - at - 2;
	f->buf[at] = (uint8_t)(len >> 8);
	f->buf[at + 1] = (uint8_t)len;
}

/* Reads the length of a part; the position where it ends. */
static size_t
part_open(struct frame_in *f)
{
	size_t len = frame_get_u16(f);

	if (f->bad || len > f->len - f->pos) {
		f->bad = true;
		return f->pos;
	}
	return f->pos + len;
}

/* Skips what a newer sender put behind; reading past the end is bad. */
static void
part_close(struct frame_in *f, size_t end)
{
	if (f->bad || f->pos > end) {
		f->bad = true;
		return;
	}
	if (f->pos < end)
		(void)frame_get_raw(f, end - f->pos);
}

static void
put_incarnation(struct frame_out *f, struct incarnation i)
{
	frame_put_u64(f, i.count);
	frame_put_u64(f, i.random);
}

static struct incarnation
get_incarnation(struct frame_in *f)
{
	struct incarnation i;

	i.count = frame_get_u64(f);
	i.random = frame_get_u64(f);
	return i;
}

void
datagram_begin(struct datagram_out *d, enum datagram_type type,
    uint64_t sequence, const struct node_header *h)
{
	struct frame_out *f = &d->frame;
	size_t at;

	frame_begin(f, d->plain, FRAME_ROOM, (uint16_t)type, 0, sequence);
	at = part_begin(f);
	put_incarnation(f, h->from);
	put_incarnation(f, h->to);
	frame_put_u32(f, h->pulse_ms);
	frame_put_u64(f, h->ping);
	frame_put_u64(f, h->pong);
	frame_put_u32(f, h->pong_age_us);
	frame_put_raw(f, h->machine, sizeof(h->machine));
	frame_put_raw(f, h->config, sizeof(h->config));
	part_end(f, at);
}

bool
datagram_put_entry(struct datagram_out *d, const struct entry *e)
{
	struct frame_out *f = &d->frame;
	size_t before = f->len, at;

	if (f->overflow)
		return false;
	at = part_begin(f);
	frame_put_u16(f, e->id);
	frame_put_str(f, e->name);
	frame_put_u8(f, e->flags);
	frame_put_str(f, e->digest);
	frame_put_u64(f, e->version);
	frame_put_epoch(f, e->epoch);
	frame_put_u8(f, e->role);
	frame_put_u64(f, e->counter);
	frame_put_epoch(f, e->echo_epoch);
	frame_put_u64(f, e->echo);
	part_end(f, at);
	if (!f->overflow)
		return true;
	f->len = before;
	f->overflow = false;
	return false;
}

void
datagram_put_auth(struct datagram_out *d, const struct auth *a)
{
	static const uint8_t none[NONCE_LEN];
	struct frame_out *f = &d->frame;
	size_t at = part_begin(f);

	frame_put_raw(f, a->has_answer ? a->answer : none, NONCE_LEN);
	frame_put_raw(f, a->has_challenge ? a->challenge : none, NONCE_LEN);
	part_end(f, at);
}

void
datagram_put_blob(struct datagram_out *d, const struct blob_part *b)
{
	struct frame_out *f = &d->frame;
	size_t at = part_begin(f);

	frame_put_u16(f, b->id);
	frame_put_str(f, b->name);
	frame_put_str(f, b->digest);
	frame_put_u64(f, b->fragment.version);
	frame_put_u32(f, b->fragment.total);
	frame_put_u16(f, (uint16_t)b->fragment.index);
	frame_put_bytes(f, b->fragment.data, b->fragment.len);
	part_end(f, at);
}

void
datagram_put_ack(struct datagram_out *d, const struct blob_ack *a)
{
	struct frame_out *f = &d->frame;
	size_t at = part_begin(f);

	frame_put_str(f, a->name);
	frame_put_u64(f, a->version);
	frame_put_u64(f, a->have.bit[0]);
	frame_put_u64(f, a->have.bit[1]);
	part_end(f, at);
}

/* Prelude and network name: bound to the seal, see datagram.h. */
static size_t
associated(uint8_t ad[PRELUDE_LEN + CLUSTER_NAME_LEN], const uint8_t *prelude,
    const char *lan)
{
	size_t len = strnlen(lan, CLUSTER_NAME_LEN);

	memcpy(ad, prelude, PRELUDE_LEN);
	memcpy(ad + PRELUDE_LEN, lan, len);
	return PRELUDE_LEN + len;
}

size_t
datagram_seal(struct datagram_out *d, const struct prelude *p,
    const char *lan, const struct seal_key *key, uint8_t out[DATAGRAM_MAX])
{
	uint8_t ad[PRELUDE_LEN + CLUSTER_NAME_LEN];
	size_t ad_len, len;

	len = frame_end(&d->frame);
	if (len == 0)
		return 0;
	memcpy(out, magic, sizeof(magic));
	out[4] = p->version;
	out[5] = p->compat;
	out[6] = p->from;
	out[7] = p->to;
	ad_len = associated(ad, out, lan);
	len = seal_dgram(out + PRELUDE_LEN, DATAGRAM_MAX - PRELUDE_LEN,
	    d->plain, len, ad, ad_len, key);
	return len == 0 ? 0 : PRELUDE_LEN + len;
}

enum datagram_error
datagram_prelude(struct prelude *p, const void *buf, size_t len)
{
	const uint8_t *b = buf;

	if (len >= sizeof(magic) && memcmp(b, magic, sizeof(magic)) != 0)
		return DATAGRAM_FOREIGN;
	if (len < PRELUDE_LEN + SEAL_DGRAM_EXTRA + FRAME_HEADER_LEN)
		return DATAGRAM_SHORT;
	p->version = b[4];
	p->compat = b[5];
	p->from = b[6];
	p->to = b[7];
	if (p->compat > DATAGRAM_VERSION)
		return DATAGRAM_NEWER;
	return DATAGRAM_OK;
}

enum datagram_error
datagram_unseal(uint8_t plain[DATAGRAM_MAX], size_t *len, const void *buf,
    size_t buf_len, const char *lan, const struct seal_key *key)
{
	uint8_t ad[PRELUDE_LEN + CLUSTER_NAME_LEN];
	const uint8_t *b = buf;
	int64_t got;

	if (buf_len > DATAGRAM_MAX)
		return DATAGRAM_MALFORMED;
	got = seal_dgram_open(plain, DATAGRAM_MAX, b + PRELUDE_LEN,
	    buf_len - PRELUDE_LEN, ad, associated(ad, b, lan), key);
	if (got < 0)
		return DATAGRAM_SEAL;
	*len = (size_t)got;
	return DATAGRAM_OK;
}

/* What an earlier release does not send. */
static void
get_identity(struct frame_in *f, struct node_header *h, size_t end)
{
	const void *p;

	if (f->bad || end < f->pos ||
	    end - f->pos < sizeof(h->machine) + sizeof(h->config))
		return;
	p = frame_get_raw(f, sizeof(h->machine));
	if (p != NULL)
		memcpy(h->machine, p, sizeof(h->machine));
	p = frame_get_raw(f, sizeof(h->config));
	if (p != NULL)
		memcpy(h->config, p, sizeof(h->config));
}

enum datagram_error
datagram_open(struct frame_in *f, struct node_header *h, const void *plain,
    size_t len)
{
	size_t end;

	memset(h, 0, sizeof(*h));
	if (frame_open(f, plain, len) != 0)
		return DATAGRAM_MALFORMED;
	end = part_open(f);
	h->from = get_incarnation(f);
	h->to = get_incarnation(f);
	h->pulse_ms = frame_get_u32(f);
	h->ping = frame_get_u64(f);
	h->pong = frame_get_u64(f);
	h->pong_age_us = frame_get_u32(f);
	get_identity(f, h, end);
	part_close(f, end);
	return f->bad ? DATAGRAM_MALFORMED : DATAGRAM_OK;
}

/* Text from the network goes into logs and lines: only what we would make. */
static void
check_digest(struct frame_in *f, const char *digest)
{
	if (digest[strspn(digest, "0123456789abcdefABCDEF")] != '\0')
		f->bad = true;
}

static void
check_name(struct frame_in *f, const char *name)
{
	if (!f->bad && !module_name_ok(name))
		f->bad = true;
}

bool
datagram_get_entry(struct frame_in *f, struct entry *e)
{
	size_t end;

	memset(e, 0, sizeof(*e));
	if (f->bad || frame_done(f))
		return false;
	end = part_open(f);
	e->id = frame_get_u16(f);
	(void)frame_get_str(f, e->name, sizeof(e->name));
	e->flags = frame_get_u8(f);
	(void)frame_get_str(f, e->digest, sizeof(e->digest));
	e->version = frame_get_u64(f);
	e->epoch = frame_get_epoch(f);
	e->role = frame_get_u8(f);
	e->counter = frame_get_u64(f);
	e->echo_epoch = frame_get_epoch(f);
	e->echo = frame_get_u64(f);
	part_close(f, end);
	check_name(f, e->name);
	check_digest(f, e->digest);
	if (e->role > STAMP_PRIM || e->version > INT64_MAX)
		f->bad = true;
	return !f->bad;
}

static bool
get_nonce(struct frame_in *f, uint8_t out[NONCE_LEN])
{
	static const uint8_t none[NONCE_LEN];
	const void *p = frame_get_raw(f, NONCE_LEN);

	if (p == NULL)
		return false;
	memcpy(out, p, NONCE_LEN);
	return memcmp(out, none, NONCE_LEN) != 0;
}

int
datagram_get_auth(struct frame_in *f, struct auth *a)
{
	size_t end = part_open(f);

	memset(a, 0, sizeof(*a));
	a->has_answer = get_nonce(f, a->answer);
	a->has_challenge = get_nonce(f, a->challenge);
	part_close(f, end);
	return f->bad ? -1 : 0;
}

int
datagram_get_blob(struct frame_in *f, struct blob_part *b)
{
	size_t end = part_open(f);

	memset(b, 0, sizeof(*b));
	b->id = frame_get_u16(f);
	(void)frame_get_str(f, b->name, sizeof(b->name));
	(void)frame_get_str(f, b->digest, sizeof(b->digest));
	b->fragment.version = frame_get_u64(f);
	b->fragment.total = frame_get_u32(f);
	b->fragment.index = frame_get_u16(f);
	b->fragment.data = frame_get_bytes(f, BLOB_FRAGMENT,
	    &b->fragment.len);
	part_close(f, end);
	check_name(f, b->name);
	check_digest(f, b->digest);
	if (b->fragment.version > INT64_MAX)
		f->bad = true;
	return f->bad ? -1 : 0;
}

int
datagram_get_ack(struct frame_in *f, struct blob_ack *a)
{
	size_t end = part_open(f);

	memset(a, 0, sizeof(*a));
	(void)frame_get_str(f, a->name, sizeof(a->name));
	a->version = frame_get_u64(f);
	a->have.bit[0] = frame_get_u64(f);
	a->have.bit[1] = frame_get_u64(f);
	part_close(f, end);
	check_name(f, a->name);
	return f->bad ? -1 : 0;
}

const char *
datagram_error_name(enum datagram_error e)
{
	static const char *const name[] = {
		[DATAGRAM_OK] = "ok",
		[DATAGRAM_SHORT] = "truncated",
		[DATAGRAM_FOREIGN] = "foreign",
		[DATAGRAM_NEWER] = "version",
		[DATAGRAM_SEAL] = "wrong-key",
		[DATAGRAM_MALFORMED] = "malformed",
	};

	return name[e];
}

static const char *const role_name[] = {
	[STAMP_NONE] = "none",
	[STAMP_SECOND] = "second",
	[STAMP_PRIM] = "prim",
};

const char *
stamp_role_name(uint8_t role)
{
	return role <= STAMP_PRIM ? role_name[role] : "none";
}

int
stamp_role_parse(const char *word)
{
	int i;

	for (i = STAMP_NONE; i <= STAMP_PRIM; i++) {
		if (strcmp(role_name[i], word) == 0)
			return i;
	}
	return -1;
}

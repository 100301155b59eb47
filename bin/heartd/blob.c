/* SPDX-License-Identifier: ISC */
/*
 * Blobs: versions, fragments, who has what.  A version is only compared
 * within one life of the sender; the sender's incarnation decides which life
 * that is, and blob_in_restart() says that it changed.
 */

#include "blob.h"

#include <errno.h>
#include <string.h>

#include "clock.h"

_Static_assert(BLOB_FRAGMENT_MAX <= 128, "fragset holds 128 fragments");

unsigned
blob_fragments(uint32_t len)
{
	return len == 0 ? 1 : (len + BLOB_FRAGMENT - 1) / BLOB_FRAGMENT;
}

bool
fragset_has(const struct fragset *s, unsigned i)
{
	return (s->bit[i / 64] >> (i % 64) & 1) != 0;
}

void
fragset_add(struct fragset *s, unsigned i)
{
	s->bit[i / 64] |= UINT64_C(1) << (i % 64);
}

bool
fragset_is_full(const struct fragset *s, unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		if (!fragset_has(s, i))
			return false;
	}
	return true;
}

void
blob_out_init(struct blob_out *o, uint8_t *data)
{
	memset(o, 0, sizeof(*o));
	o->data = data;
}

bool
blob_publish(struct blob_out *o, const void *data, size_t len,
    uint64_t origin)
{
	if (len > BLOB_MAX) {
		errno = EMSGSIZE;
		return false;
	}
	/* A wish stated again is no news. */
	if (o->is_set && o->len == len &&
	    memcmp(o->data, data, len) == 0)
		return false;
	/* 31 random bits: the number stays readable and is never 0. */
	if (o->version == 0)
		o->version = (origin & 0x7fffffff) + 1;
	else
		o->version++;
	o->is_set = true;
	o->len = (uint32_t)len;
	memcpy(o->data, data, len);
	return true;
}

void
blob_withdraw(struct blob_out *o)
{
	o->is_set = false;
	o->len = 0;
}

bool
blob_tx_is_done(const struct blob_tx *t, const struct blob_out *o)
{
	return !o->is_set || (t->version == o->version &&
	    fragset_is_full(&t->have, blob_fragments(o->len)));
}

bool
blob_tx_is_due(const struct blob_tx *t, const struct blob_out *o,
    struct mono now, int64_t retry_ms)
{
	if (blob_tx_is_done(t, o))
		return false;
	if (t->version != o->version || !mono_is_set(t->sent))
		return true;
	return mono_passed(mono_add_ms(t->sent, retry_ms), now);
}

void
blob_tx_begin(struct blob_tx *t, const struct blob_out *o, struct mono now)
{
	if (t->version != o->version) {
		t->version = o->version;
		memset(&t->have, 0, sizeof(t->have));
		t->rounds = 0;
	}
	t->rounds++;
	t->sent = now;
}

bool
blob_tx_next(const struct blob_tx *t, const struct blob_out *o,
    unsigned *index, struct fragment *f)
{
	unsigned count = blob_fragments(o->len);
	uint32_t at;

	while (*index < count && fragset_has(&t->have, *index))
		(*index)++;
	if (*index >= count)
		return false;
	at = *index * BLOB_FRAGMENT;
	f->version = o->version;
	f->total = o->len;
	f->index = (*index)++;
	f->data = o->data + at;
	f->len = o->len - at < BLOB_FRAGMENT ? o->len - at : BLOB_FRAGMENT;
	return true;
}

void
blob_tx_ack(struct blob_tx *t, const struct blob_out *o, uint64_t version,
    const struct fragset *have)
{
	if (version != o->version || t->version != version)
		return;
	/* Acknowledgements may overtake each other: what it had, it has. */
	t->have.bit[0] |= have->bit[0];
	t->have.bit[1] |= have->bit[1];
}

void
blob_in_init(struct blob_in *b, uint8_t *data, uint8_t *next_data)
{
	memset(b, 0, sizeof(*b));
	b->data = data;
	b->next_data = next_data;
	b->is_old_life = true;
}

void
blob_in_restart(struct blob_in *b)
{
	b->is_old_life = true;
	b->next = 0;
}

void
blob_in_forget(struct blob_in *b)
{
	b->has = false;
	b->is_old_life = true;
	b->next = 0;
}

static bool
fragment_is_sound(const struct fragment *f)
{
	uint32_t at;

	if (f->version == 0 || f->total > BLOB_MAX ||
	    f->index >= blob_fragments(f->total))
		return false;
	at = f->index * BLOB_FRAGMENT;
	return f->len == (f->total - at < BLOB_FRAGMENT ?
	    f->total - at : BLOB_FRAGMENT);
}

enum blob_result
blob_in_take(struct blob_in *b, const struct fragment *f)
{
	uint8_t *done;

	if (!fragment_is_sound(f))
		return BLOB_BAD;
	if (!b->is_old_life && f->version == b->version)
		return BLOB_KNOWN;
	if ((!b->is_old_life && f->version < b->version) ||
	    f->version < b->next)
		return BLOB_OLD;
	if (f->version != b->next) {
		b->next = f->version;
		b->next_len = f->total;
		memset(&b->next_have, 0, sizeof(b->next_have));
	}
	if (f->total != b->next_len)
		return BLOB_BAD;
	if (f->len > 0)
		memcpy(b->next_data + f->index * BLOB_FRAGMENT, f->data,
		    f->len);
	fragset_add(&b->next_have, f->index);
	if (!fragset_is_full(&b->next_have, blob_fragments(f->total)))
		return BLOB_MORE;
	done = b->next_data;
	b->next_data = b->data;
	b->data = done;
	b->len = b->next_len;
	b->version = b->next;
	b->next = 0;
	b->has = true;
	b->is_old_life = false;
	return BLOB_DONE;
}

void
blob_in_have(const struct blob_in *b, uint64_t version, struct fragset *have)
{
	unsigned i;

	memset(have, 0, sizeof(*have));
	if (!b->is_old_life && b->version == version) {
		for (i = 0; i < blob_fragments(b->len); i++)
			fragset_add(have, i);
	} else if (b->next == version)
		*have = b->next_have;
}

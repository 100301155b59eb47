/* SPDX-License-Identifier: ISC */
/*
 * What a node with the key but another mind could send as a vote: the first
 * byte says which, an ask, an answer, a text of a value (what an etcd may
 * hold), or bytes from the wire.  What was taken must write back equal.
 */

#include "vote.h"

#include <stdlib.h>
#include <string.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vote_keys keys;

/* Any bytes under a good seal. */
static size_t
wrap(uint8_t out[VOTE_MAX], const uint8_t *data, size_t size,
    const struct seal_key *k)
{
	if (size > VOTE_MAX - VOTE_HEAD_LEN - SEAL_DGRAM_EXTRA)
		size = VOTE_MAX - VOTE_HEAD_LEN - SEAL_DGRAM_EXTRA;
	memcpy(out, "HFv1", 4);
	memcpy(out + 4, keys.id, SEAL_ID_LEN);
	return VOTE_HEAD_LEN + seal_dgram(out + VOTE_HEAD_LEN,
	    VOTE_MAX - VOTE_HEAD_LEN, data, size, out, VOTE_HEAD_LEN, k);
}

static void
check_ask(const uint8_t *data, size_t size)
{
	uint8_t buf[VOTE_MAX];
	struct vote_ask a, b;
	size_t len = wrap(buf, data, size, &keys.ask);

	if (vote_ask_open(&a, buf, len, &keys) != VOTE_ERROR_NONE)
		return;
	len = vote_ask_seal(buf, &a, &keys);
	if (len == 0 || vote_ask_open(&b, buf, len, &keys) !=
	    VOTE_ERROR_NONE || !reg_value_equal(&a.value, &b.value) ||
	    strcmp(a.module, b.module) != 0)
		abort();
}

static void
check_answer(const uint8_t *data, size_t size)
{
	uint8_t buf[VOTE_MAX];
	struct vote_answer a, b;
	size_t len = wrap(buf, data, size, &keys.answer);

	if (vote_answer_open(&a, buf, len, &keys) != VOTE_ERROR_NONE)
		return;
	len = vote_answer_seal(buf, &a, &keys);
	if (len == 0 || vote_answer_open(&b, buf, len, &keys) !=
	    VOTE_ERROR_NONE || a.voter != b.voter ||
	    strcmp(a.text, b.text) != 0)
		abort();
}

static void
check_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), again[REG_TEXT_LEN];
	struct reg_value a, b;
	const char *why;

	memcpy(text, data, size);
	text[size] = '\0';
	if (reg_value_parse(&a, text, &why) == 0) {
		reg_value_text(again, &a);
		if (reg_value_parse(&b, again, &why) == -1 ||
		    !reg_value_equal(&a, &b))
			abort();
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cluster_key k = { .id = "0123abcd" };
	struct vote_answer answer;
	struct vote_ask ask;

	if (keys.id[0] == '\0') {
		seal_init();
		vote_keys_derive(&keys, &k, "lab");
	}
	if (size == 0)
		return 0;
	switch (data[0]) {
	case 'a':
		check_ask(data + 1, size - 1);
		break;
	case 'r':
		check_answer(data + 1, size - 1);
		break;
	case 't':
		check_text(data + 1, size - 1);
		break;
	default:
		(void)vote_ask_open(&ask, data, size, &keys);
		(void)vote_answer_open(&answer, data, size, &keys);
		break;
	}
	return 0;
}

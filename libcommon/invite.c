/* SPDX-License-Identifier: ISC */
/*
 * Tokens, and the files of invitations.  The secret is 128 random bits: it
 * is not guessed, so that no slow hash is needed.
 */

#include "invite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "paths.h"
#include "statefile.h"
#include "xalloc.h"

#define MAGIC		"holdfast-invite 1"
#define SECRET_LEN	16
#define BASE64		sodium_base64_VARIANT_URLSAFE_NO_PADDING

_Static_assert(INVITE_PUBLIC_LEN == crypto_sign_PUBLICKEYBYTES &&
    INVITE_PROOF_LEN == crypto_sign_BYTES, "sizes of libsodium");

/* Both halves from the whole token, its id included. */
static void
make_pair(const char *token, uint8_t public[INVITE_PUBLIC_LEN],
    uint8_t secret[crypto_sign_SECRETKEYBYTES])
{
	static const char context[] = "holdfast join token";
	uint8_t seed[crypto_sign_SEEDBYTES];

	(void)crypto_generichash(seed, sizeof(seed),
	    (const unsigned char *)token, strlen(token),
	    (const unsigned char *)context, sizeof(context) - 1);
	(void)crypto_sign_seed_keypair(public, secret, seed);
	sodium_memzero(seed, sizeof(seed));
}

bool
invite_from_token(struct invite *i, const char *token)
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES], raw[SECRET_LEN];
	size_t len;

	memset(i, 0, sizeof(*i));
	if (strlen(token) <= REMOTE_ID_LEN + 1 || strlen(token) >= TOKEN_LEN ||
	    token[REMOTE_ID_LEN] != '-')
		return false;
	memcpy(i->id, token, REMOTE_ID_LEN);
	if (!remote_id_ok(i->id) || sodium_base642bin(raw, sizeof(raw),
	    token + REMOTE_ID_LEN + 1, strlen(token) - REMOTE_ID_LEN - 1,
	    NULL, &len, NULL, BASE64) == -1 || len != SECRET_LEN)
		return false;
	make_pair(token, i->public, secret);
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(raw, sizeof(raw));
	return true;
}

void
invite_make(struct invite *i, char token[TOKEN_LEN])
{
	uint8_t id[REMOTE_ID_LEN / 2], secret[SECRET_LEN];
	char word[sodium_base64_ENCODED_LEN(SECRET_LEN, BASE64)];

	randombytes_buf(id, sizeof(id));
	randombytes_buf(secret, sizeof(secret));
	(void)sodium_bin2hex(token, TOKEN_LEN, id, sizeof(id));
	(void)sodium_bin2base64(word, sizeof(word), secret, sizeof(secret),
	    BASE64);
	(void)snprintf(token + REMOTE_ID_LEN, TOKEN_LEN - REMOTE_ID_LEN,
	    "-%s", word);
	(void)invite_from_token(i, token);	/* of the right form: ours */
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(word, sizeof(word));
}

/* --- the file -------------------------------------------------------- */

void
invite_text(char out[INVITE_TEXT_LEN], const struct invite *i)
{
	char hex[2 * INVITE_PUBLIC_LEN + 1], by[sizeof(i->by)];
	size_t n;

	/* From an environment: it must not become lines of its own. */
	for (n = 0; n < sizeof(by) - 1 && i->by[n] != '\0'; n++)
		by[n] = (unsigned char)i->by[n] < ' ' ? '?' : i->by[n];
	by[n] = '\0';
	(void)sodium_bin2hex(hex, sizeof(hex), i->public, INVITE_PUBLIC_LEN);
	(void)snprintf(out, INVITE_TEXT_LEN, MAGIC "\npublic %s\n"
	    "expires %" PRId64 "\nused %" PRId64 "\nby %s\nnode %s\n"
	    "replace %s\n", hex, i->expires, i->used, by, i->node,
	    i->replace);
}

/* The rest of a line that begins with `word '. */
static bool
take_line(const char **text, const char *word, char *out, size_t size)
{
	size_t n = strlen(word), len;
	const char *p = *text;

	if (strncmp(p, word, n) != 0 || p[n] != ' ')
		return false;
	p += n + 1;
	len = strcspn(p, "\n");
	if (p[len] != '\n' || len >= size)
		return false;
	memcpy(out, p, len);
	out[len] = '\0';
	*text = p + len + 1;
	return true;
}

static bool
take_number(const char **text, const char *word, int64_t *n)
{
	char digits[24], *end;

	if (!take_line(text, word, digits, sizeof(digits)))
		return false;
	errno = 0;
	*n = strtoll(digits, &end, 10);
	return errno == 0 && end != digits && *end == '\0' && *n >= 0;
}

int
invite_parse(struct invite *i, const char *id, const char *text)
{
	char hex[2 * INVITE_PUBLIC_LEN + 1];
	size_t len;

	memset(i, 0, sizeof(*i));
	(void)snprintf(i->id, sizeof(i->id), "%s", id);
	if (strncmp(text, MAGIC "\n", sizeof(MAGIC)) != 0)
		goto bad;
	text += sizeof(MAGIC);
	if (!take_line(&text, "public", hex, sizeof(hex)) ||
	    sodium_hex2bin(i->public, sizeof(i->public), hex, strlen(hex),
	    NULL, &len, NULL) == -1 || len != INVITE_PUBLIC_LEN ||
	    !take_number(&text, "expires", &i->expires) ||
	    !take_number(&text, "used", &i->used) ||
	    !take_line(&text, "by", i->by, sizeof(i->by)) ||
	    !take_line(&text, "node", i->node, sizeof(i->node)) ||
	    !take_line(&text, "replace", i->replace, sizeof(i->replace)))
		goto bad;
	return 0;
bad:
	errno = EINVAL;
	return -1;
}

int
invite_load(struct invite *i, const char *id)
{
	char path[PATH_LEN], *text;
	size_t len;
	int rc;

	if (!remote_id_ok(id)) {
		errno = EINVAL;
		return -1;
	}
	text = statefile_read(path_state(path, "cluster/invite/%s", id),
	    INVITE_TEXT_LEN, &len);
	if (text == NULL)
		return -1;
	rc = invite_parse(i, id, text);
	sodium_memzero(text, len);
	free(text);
	return rc;
}

int
invite_save(const struct invite *i)
{
	char path[PATH_LEN], text[INVITE_TEXT_LEN];
	int rc;

	if (path_mkdirs(path_state(path, "cluster/invite"), 0700) == -1)
		return -1;
	invite_text(text, i);
	rc = statefile_write(path_state(path, "cluster/invite/%s", i->id),
	    text, strlen(text), 0600);
	sodium_memzero(text, sizeof(text));
	return rc;
}

/* --- the session ------------------------------------------------------ */

void
invite_key(struct seal_key *k, const struct invite *i)
{
	struct cluster_key from = { .id = "" };

	memcpy(from.key.byte, i->public, SEAL_KEY_LEN);
	seal_derive(k, &from, "join");
	sodium_memzero(&from, sizeof(from));
}

static uint8_t *
proven(const uint8_t transcript[32], const void *request, size_t len)
{
	uint8_t *p = xcalloc(1, 32 + len);

	memcpy(p, transcript, 32);
	if (len > 0)
		memcpy(p + 32, request, len);
	return p;
}

void
invite_prove(uint8_t proof[INVITE_PROOF_LEN], const char *token,
    const uint8_t transcript[32], const void *request, size_t len)
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	uint8_t public[INVITE_PUBLIC_LEN];
	uint8_t *p = proven(transcript, request, len);

	make_pair(token, public, secret);
	(void)crypto_sign_detached(proof, NULL, p, 32 + len, secret);
	sodium_memzero(secret, sizeof(secret));
	free(p);
}

bool
invite_verify(const struct invite *i, const uint8_t proof[INVITE_PROOF_LEN],
    const uint8_t transcript[32], const void *request, size_t len)
{
	uint8_t *p = proven(transcript, request, len);
	bool good = crypto_sign_verify_detached(proof, p, 32 + len,
	    i->public) == 0;

	free(p);
	return good;
}

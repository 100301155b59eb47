/* SPDX-License-Identifier: ISC */
/*
 * Keys, sealed datagrams and sealed streams; libsodium does the arithmetic.
 *
 * Hello of a stream, SEAL_HELLO_LEN bytes:
 *
 *	 0  32  ephemeral X25519 public key
 *	32   1  ciphers this end can do: bit 0 XChaCha20-Poly1305, bit 1 AES
 *	33  15  zero, reserved
 *	48  32  keyed hash of "client" or "server" and the bytes before
 *
 * While the cluster key changes an end may accept two: the peer's hello tells
 * which it has.
 *
 * Both directions' keys are a keyed hash of the shared secret and of both
 * public keys, client's first.  The nonce is a record counter a direction:
 * a replayed, reordered or reflected record does not open.
 */

#include "seal.h"

#include <sys/stat.h>

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <sodium.h>

#include "log.h"
#include "statefile.h"
#include "xalloc.h"

#define HELLO_MAC_AT	48
#define CIPHER_CHACHA	0x01
#define CIPHER_AES	0x02
#define KEY_FILE_MAX	1024
#define RECORD_MAX	(2 * 1024 * 1024)

struct direction {
	crypto_aead_aes256gcm_state	*aes;	/* NULL: the other cipher */
	uint8_t				 key[SEAL_KEY_LEN];
	uint64_t			 count;
};

struct seal_stream {
	struct seal_key		key;
	struct seal_key		also;	/* accepted from the peer, too */
	bool			has_also;
	int			server;
	uint8_t			secret[crypto_box_SECRETKEYBYTES];
	uint8_t			public[crypto_box_PUBLICKEYBYTES];
	struct direction	tx;
	struct direction	rx;
};

void
seal_init(void)
{
	if (sodium_init() == -1)
		fatalx(EX_UNAVAILABLE, "libsodium: cannot be started");
}

/* --- the cluster key ------------------------------------------------ */

static const char no_key[] =
    "is no cluster key: copy the file of another node";

/* The key that begins at *text, which is moved behind it; 0 or -1. */
static int
parse_key(struct cluster_key *k, const char *word, char **text)
{
	char *id = *text + strlen(word), *end, *key;
	size_t len;

	if (strncmp(*text, word, strlen(word)) != 0 ||
	    (end = strchr(id, '\n')) == NULL || end - id != SEAL_ID_LEN)
		return -1;
	memcpy(k->id, id, SEAL_ID_LEN);
	k->id[SEAL_ID_LEN] = '\0';
	key = end + 1;
	end = strchr(key, '\n');
	if (end == NULL)
		end = key + strlen(key);
	if (sodium_base642bin(k->key.byte, SEAL_KEY_LEN, key,
	    (size_t)(end - key), NULL, &len, NULL,
	    sodium_base64_VARIANT_ORIGINAL) == -1 || len != SEAL_KEY_LEN)
		return -1;
	*text = end + (*end == '\n');
	return 0;
}

/* What the second key of a file is, by the word before it. */
static const struct {
	const char		*word;
	enum cluster_key_state	 state;
} second_key[] = {
	{ "holdfast-key-next ",	KEY_NEXT },
	{ "holdfast-key-old ",	KEY_OLD },
};

static int
parse_keys(struct cluster_keys *ks, char *text)
{
	size_t i;

	memset(ks, 0, sizeof(*ks));
	if (parse_key(&ks->key[0], "holdfast-key ", &text) == -1)
		return -1;
	ks->count = 1;
	for (i = 0; i < 2 && ks->count == 1; i++) {
		if (parse_key(&ks->key[1], second_key[i].word, &text) == 0) {
			ks->second = second_key[i].state;
			ks->count = 2;
		}
	}
	return text[strspn(text, "\n")] == '\0' ? 0 : -1;
}

int
seal_keys_parse(struct cluster_keys *ks, const char *text, size_t len)
{
	char copy[KEY_FILE_MAX + 1];
	int rc = -1;

	if (len <= KEY_FILE_MAX) {
		memcpy(copy, text, len);
		copy[len] = '\0';
		rc = parse_keys(ks, copy);
		sodium_memzero(copy, sizeof(copy));
	}
	return rc;
}

int
seal_keys_load(struct cluster_keys *ks, const char *path, const char **why)
{
	struct stat st;
	size_t len;
	char *text;
	int rc;

	*why = "cannot be read: `holdfast cluster init' makes it, other "
	    "nodes need a copy";
	if (stat(path, &st) == -1)
		return -1;
	*why = "must belong to root and have mode 0600: others could read it";
	if ((st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & 077) != 0)
		return -1;
	*why = "cannot be read";
	text = statefile_read(path, KEY_FILE_MAX, &len);
	if (text == NULL)
		return -1;
	rc = parse_keys(ks, text);
	*why = rc == 0 ? NULL : no_key;
	sodium_memzero(text, len);
	free(text);
	return rc;
}

int
seal_key_load(struct cluster_key *k, const char *path, const char **why)
{
	struct cluster_keys ks;
	int rc = seal_keys_load(&ks, path, why);

	if (rc == 0)
		*k = ks.key[0];
	sodium_memzero(&ks, sizeof(ks));
	return rc;
}

void
seal_key_make(struct cluster_key *k)
{
	uint8_t id[SEAL_ID_LEN / 2];

	randombytes_buf(k->key.byte, SEAL_KEY_LEN);
	randombytes_buf(id, sizeof(id));
	(void)sodium_bin2hex(k->id, sizeof(k->id), id, sizeof(id));
}

void
seal_keys_text(char text[SEAL_KEYS_TEXT_LEN], const struct cluster_keys *ks)
{
	char key[sodium_base64_ENCODED_LEN(SEAL_KEY_LEN,
	    sodium_base64_VARIANT_ORIGINAL)];
	size_t len = 0;
	unsigned i;

	for (i = 0; i < ks->count; i++) {
		(void)sodium_bin2base64(key, sizeof(key), ks->key[i].key.byte,
		    SEAL_KEY_LEN, sodium_base64_VARIANT_ORIGINAL);
		len += (size_t)snprintf(text + len, SEAL_KEYS_TEXT_LEN - len,
		    "%s%s\n%s\n", i == 0 ? "holdfast-key " :
		    second_key[ks->second == KEY_OLD].word, ks->key[i].id,
		    key);
	}
	sodium_memzero(key, sizeof(key));
}

int
seal_keys_save(const char *path, const struct cluster_keys *ks)
{
	char text[SEAL_KEYS_TEXT_LEN];
	int rc;

	seal_keys_text(text, ks);
	rc = statefile_write(path, text, strlen(text), 0600);
	sodium_memzero(text, sizeof(text));
	return rc;
}

int
seal_key_create(const char *path)
{
	struct cluster_keys ks = { .count = 1 };
	int rc;

	seal_key_make(&ks.key[0]);
	rc = seal_keys_save(path, &ks);
	sodium_memzero(&ks, sizeof(ks));
	return rc;
}

void
seal_derive(struct seal_key *out, const struct cluster_key *k,
    const char *context)
{
	(void)crypto_generichash(out->byte, SEAL_KEY_LEN,
	    (const unsigned char *)context, strlen(context), k->key.byte,
	    SEAL_KEY_LEN);
}

void
seal_ring_derive(struct seal_ring *r, const struct cluster_keys *ks,
    const char *context)
{
	memset(r, 0, sizeof(*r));
	r->count = ks->count;
	for (unsigned i = 0; i < ks->count; i++)
		seal_derive(&r->key[i], &ks->key[i], context);
}

/* --- datagrams ------------------------------------------------------ */

#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES

_Static_assert(SEAL_DGRAM_EXTRA == NONCE_LEN +
    crypto_aead_xchacha20poly1305_ietf_ABYTES, "sizes of libsodium");

size_t
seal_dgram(uint8_t *out, size_t out_size, const void *in, size_t len,
    const void *ad, size_t ad_len, const struct seal_key *k)
{
	if (len > out_size || out_size - len < SEAL_DGRAM_EXTRA)
		panic("sealed datagram: %zu bytes into %zu", len, out_size);
	randombytes_buf(out, NONCE_LEN);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE_LEN,
	    NULL, in, len, ad, ad_len, NULL, out, k->byte);
	return len + SEAL_DGRAM_EXTRA;
}

int64_t
seal_dgram_open(uint8_t *out, size_t out_size, const void *in, size_t len,
    const void *ad, size_t ad_len, const struct seal_key *k)
{
	const uint8_t *p = in;

	if (len < SEAL_DGRAM_EXTRA || len - SEAL_DGRAM_EXTRA > out_size ||
	    crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL,
	    p + NONCE_LEN, len - NONCE_LEN, ad, ad_len, p, k->byte) == -1) {
		errno = EBADMSG;
		return -1;
	}
	return (int64_t)(len - SEAL_DGRAM_EXTRA);
}

/* --- streams -------------------------------------------------------- */

struct seal_stream *
seal_stream_new(const struct seal_key *k, int server)
{
	struct seal_stream *s = xcalloc(1, sizeof(*s));

	s->key = *k;
	s->server = server;
	(void)crypto_box_keypair(s->public, s->secret);
	return s;
}

struct seal_stream *
seal_stream_new_ring(const struct seal_ring *r, int server)
{
	struct seal_stream *s = seal_stream_new(&r->key[0], server);

	s->has_also = r->count > 1;
	if (s->has_also)
		s->also = r->key[1];
	return s;
}

static void
direction_fini(struct direction *d)
{
	if (d->aes != NULL)
		sodium_memzero(d->aes, sizeof(*d->aes)); /* the key, spread */
	free(d->aes);
}

void
seal_stream_free(struct seal_stream *s)
{
	if (s == NULL)
		return;
	direction_fini(&s->tx);
	direction_fini(&s->rx);
	sodium_memzero(s, sizeof(*s));
	free(s);
}

static void
hello_mac(const struct seal_key *k, int server, const uint8_t *hello,
    uint8_t mac[32])
{
	crypto_generichash_state state;

	(void)crypto_generichash_init(&state, k->byte, SEAL_KEY_LEN, 32);
	(void)crypto_generichash_update(&state,
	    (const unsigned char *)(server ? "server" : "client"), 6);
	(void)crypto_generichash_update(&state, hello, HELLO_MAC_AT);
	(void)crypto_generichash_final(&state, mac, 32);
}

void
seal_stream_hello(struct seal_stream *s, uint8_t out[SEAL_HELLO_LEN])
{
	memset(out, 0, SEAL_HELLO_LEN);
	memcpy(out, s->public, sizeof(s->public));
	out[32] = CIPHER_CHACHA |
	    (crypto_aead_aes256gcm_is_available() ? CIPHER_AES : 0);
	hello_mac(&s->key, s->server, out, out + HELLO_MAC_AT);
}

/* The key of ours that made the peer's hello, or NULL. */
static const struct seal_key *
hello_key(const struct seal_stream *s, const uint8_t in[SEAL_HELLO_LEN])
{
	uint8_t mac[32];

	hello_mac(&s->key, !s->server, in, mac);
	if (sodium_memcmp(mac, in + HELLO_MAC_AT, sizeof(mac)) == 0)
		return &s->key;
	if (!s->has_also)
		return NULL;
	hello_mac(&s->also, !s->server, in, mac);
	return sodium_memcmp(mac, in + HELLO_MAC_AT, sizeof(mac)) == 0 ?
	    &s->also : NULL;
}

static void
direction_init(struct direction *d, const uint8_t *key, bool aes)
{
	memcpy(d->key, key, SEAL_KEY_LEN);
	d->count = 0;
	d->aes = NULL;
	if (!aes)
		return;
	/* The state holds vector registers: 16 bytes of alignment. */
	d->aes = aligned_alloc(16, (sizeof(*d->aes) + 15) / 16 * 16);
	if (d->aes == NULL)
		fatal("memory: cipher state");
	(void)crypto_aead_aes256gcm_beforenm(d->aes, d->key);
}

int
seal_stream_start(struct seal_stream *s, const uint8_t in[SEAL_HELLO_LEN])
{
	uint8_t shared[crypto_scalarmult_BYTES], keys[64];
	const struct seal_key *k = hello_key(s, in);
	crypto_generichash_state state;
	bool aes;

	if (k == NULL || (in[32] & CIPHER_CHACHA) == 0 ||
	    crypto_scalarmult(shared, s->secret, in) == -1) {
		errno = EBADMSG;
		return -1;
	}
	/* While keys change the two may use different ones: the client's
	 * counts, which both know. */
	if (!s->server)
		k = &s->key;
	aes = (in[32] & CIPHER_AES) && crypto_aead_aes256gcm_is_available();
	(void)crypto_generichash_init(&state, k->byte, SEAL_KEY_LEN, 64);
	(void)crypto_generichash_update(&state, shared, sizeof(shared));
	(void)crypto_generichash_update(&state, s->server ? in : s->public,
	    sizeof(s->public));
	(void)crypto_generichash_update(&state, s->server ? s->public : in,
	    sizeof(s->public));
	(void)crypto_generichash_final(&state, keys, sizeof(keys));
	/* The client sends with the first half. */
	direction_init(&s->tx, s->server ? keys + 32 : keys, aes);
	direction_init(&s->rx, s->server ? keys : keys + 32, aes);
	sodium_memzero(shared, sizeof(shared));
	sodium_memzero(keys, sizeof(keys));
	sodium_memzero(s->secret, sizeof(s->secret));
	return 0;
}

const char *
seal_stream_cipher(const struct seal_stream *s)
{
	return s->tx.aes != NULL ? "AES-256-GCM" : "XChaCha20-Poly1305";
}

/* Big enough for both ciphers; the counter fills the last 8 bytes used. */
static void
next_nonce(struct direction *d, uint8_t nonce[NONCE_LEN])
{
	uint64_t count = htobe64(d->count++);

	memset(nonce, 0, NONCE_LEN);
	memcpy(nonce + (d->aes != NULL ?
	    crypto_aead_aes256gcm_NPUBBYTES : NONCE_LEN) - sizeof(count),
	    &count, sizeof(count));
}

size_t
seal_stream_seal(struct seal_stream *s, uint8_t *out, const void *in,
    size_t len)
{
	uint8_t nonce[NONCE_LEN];
	uint32_t head = htobe32((uint32_t)(len + SEAL_RECORD_EXTRA - 4));

	if (len > RECORD_MAX)
		panic("sealed record of %zu bytes", len);
	memcpy(out, &head, sizeof(head));
	next_nonce(&s->tx, nonce);
	if (s->tx.aes != NULL)
		(void)crypto_aead_aes256gcm_encrypt_afternm(out + 4, NULL, in,
		    len, out, 4, NULL, nonce, s->tx.aes);
	else
		(void)crypto_aead_xchacha20poly1305_ietf_encrypt(out + 4,
		    NULL, in, len, out, 4, NULL, nonce, s->tx.key);
	return len + SEAL_RECORD_EXTRA;
}

int64_t
seal_stream_open(struct seal_stream *s, uint8_t *out, const void *in,
    size_t len)
{
	uint8_t nonce[NONCE_LEN], head[4];
	uint32_t n = htobe32((uint32_t)len);
	int rc = -1;

	memcpy(head, &n, sizeof(head));
	next_nonce(&s->rx, nonce);
	if (len < SEAL_RECORD_EXTRA - 4)
		rc = -1;
	else if (s->rx.aes != NULL)
		rc = crypto_aead_aes256gcm_decrypt_afternm(out, NULL, NULL,
		    in, len, head, sizeof(head), nonce, s->rx.aes);
	else
		rc = crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL,
		    NULL, in, len, head, sizeof(head), nonce, s->rx.key);
	if (rc == -1) {
		errno = EBADMSG;
		return -1;
	}
	return (int64_t)(len - (SEAL_RECORD_EXTRA - 4));
}

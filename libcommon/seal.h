/* SPDX-License-Identifier: ISC */
/*
 * All cryptography, by libsodium.  The cluster key (32 random bytes, with a
 * key id) never seals anything itself: keys are derived from it by context.
 */
#ifndef COMMON_SEAL_H
#define COMMON_SEAL_H

#include <stddef.h>
#include <stdint.h>

#define SEAL_KEY_LEN	32
#define SEAL_ID_LEN	8	/* hex digits of the key id, without NUL */

struct seal_key {
	uint8_t	byte[SEAL_KEY_LEN];
};

struct cluster_key {
	char		id[SEAL_ID_LEN + 1];
	struct seal_key	key;
};

/*
 * What the key file holds: the key this node uses and, while keys change, a
 * second one that it accepts: the next or the old one.
 */
#define SEAL_KEYS_MAX	2
enum cluster_key_state { KEY_NEXT, KEY_OLD };

struct cluster_keys {
	unsigned		count;		/* 1 or 2 */
	struct cluster_key	key[SEAL_KEYS_MAX];
	enum cluster_key_state	second;		/* what key[1] is */
};

/* Once, before all else.  Ends the process when libsodium cannot start. */
void	seal_init(void);

/*
 * /etc/holdfast/cluster.key: first line `holdfast-key ID', second line the
 * key in base64.  Must be owned by root with no rights for others.
 * 0, or -1 with *why set (constant text that says what to do).
 */
int	seal_key_load(struct cluster_key *k, const char *path,
	    const char **why);
int	seal_key_create(const char *path);
/* The same file with its second key, `holdfast-key-next ID' or -old. */
int	seal_keys_load(struct cluster_keys *ks, const char *path,
	    const char **why);
/* 0, or -1: no text of such a file. */
int	seal_keys_parse(struct cluster_keys *ks, const char *text,
	    size_t len);
#define SEAL_KEYS_TEXT_LEN	256
void	seal_keys_text(char text[SEAL_KEYS_TEXT_LEN],
	    const struct cluster_keys *ks);
/* 0 when durable, or -1 with errno. */
int	seal_keys_save(const char *path, const struct cluster_keys *ks);
/* A new one, random. */
void	seal_key_make(struct cluster_key *k);

/* Derives by context, e.g. "heartd n1" or "mirrord ledger". */
void	seal_derive(struct seal_key *out, const struct cluster_key *k,
	    const char *context);

/*
 * The keys of one purpose: what this end seals with, and a second one that it
 * opens too while keys change.
 */
struct seal_ring {
	unsigned	count;
	struct seal_key	key[SEAL_KEYS_MAX];
};
void	seal_ring_derive(struct seal_ring *r, const struct cluster_keys *ks,
	    const char *context);

/*
 * Datagrams: XChaCha20-Poly1305 with a random nonce.  Sealed length is
 * len + SEAL_DGRAM_EXTRA.  `ad' is bound but not sent.
 */
#define SEAL_DGRAM_EXTRA (24 + 16)
size_t	seal_dgram(uint8_t *out, size_t out_size, const void *in, size_t len,
	    const void *ad, size_t ad_len, const struct seal_key *k);
/* The plain length, or -1 (errno EBADMSG): not ours, or damaged. */
int64_t	seal_dgram_open(uint8_t *out, size_t out_size, const void *in,
	    size_t len, const void *ad, size_t ad_len,
	    const struct seal_key *k);

/*
 * Streams: both ends send SEAL_HELLO_LEN bytes (ephemeral X25519 key, list
 * of ciphers, MAC by the derived key), then seal records in order.  AES-256-
 * GCM where both CPUs have it, else XChaCha20-Poly1305.  A record is
 * u32 length + ciphertext; reordering, replay and reflection do not open.
 */
#define SEAL_HELLO_LEN		80
#define SEAL_RECORD_EXTRA	(4 + 16)

struct seal_stream;

/* server: whether this end accepted the connection. */
struct seal_stream	*seal_stream_new(const struct seal_key *k, int server);
/* With all keys of a ring: a peer with any of them is accepted. */
struct seal_stream	*seal_stream_new_ring(const struct seal_ring *r,
			    int server);
void	seal_stream_free(struct seal_stream *s);
void	seal_stream_hello(struct seal_stream *s, uint8_t out[SEAL_HELLO_LEN]);
/* 0, or -1 with errno EBADMSG: wrong key, or not a Holdfast peer. */
int	seal_stream_start(struct seal_stream *s,
	    const uint8_t in[SEAL_HELLO_LEN]);
const char	*seal_stream_cipher(const struct seal_stream *s);
/* Seals `len' bytes into out (len + SEAL_RECORD_EXTRA); one thread sends. */
size_t	seal_stream_seal(struct seal_stream *s, uint8_t *out,
	    const void *in, size_t len);
/*
 * Opens one record (without its u32 length) in place or not; the plain
 * length or -1 with errno EBADMSG.  One thread receives; it may be another
 * one than the sender's.
 */
int64_t	seal_stream_open(struct seal_stream *s, uint8_t *out,
	    const void *in, size_t len);

#endif

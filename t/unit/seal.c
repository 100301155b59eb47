/* SPDX-License-Identifier: ISC */
/* Sealing: round trips, and everything that must not open. */

#include "seal.h"

#include <sys/stat.h>

#include <stdlib.h>
#include <unistd.h>

#include "statefile.h"
#include "tap.h"

static struct cluster_key key, other;

static void
test_key_file(const char *dir)
{
	char path[256];
	const char *why = NULL;
	struct cluster_key again;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/key", dir);
	rc = seal_key_load(&key, path, &why);
	ok(rc == -1 && why != NULL, "no file: %s", why);
	ok(seal_key_create(path) == 0, "created");
	ok(seal_key_load(&key, path, &why) == 0, "loaded");
	ok(seal_key_load(&again, path, &why) == 0 &&
	    memcmp(&again, &key, sizeof(key)) == 0, "the same again");
	(void)chmod(path, 0640);
	rc = seal_key_load(&again, path, &why);
	ok(rc == -1, "open to others: %s", why);
	(void)statefile_write(path, "holdfast-key 12345678\nAAAA\n", 27,
	    0600);
	rc = seal_key_load(&again, path, &why);
	ok(rc == -1 && why != NULL, "too short: %s", why);
	(void)statefile_write(path, "rubbish", 7, 0600);
	rc = seal_key_load(&again, path, &why);
	ok(rc == -1 && why != NULL, "rubbish: %s", why);
	(void)unlink(path);
	(void)seal_key_create(path);
	ok(seal_key_load(&other, path, &why) == 0 &&
	    memcmp(&other, &key, sizeof(key)) != 0, "another key");
	(void)unlink(path);
}

static void
test_datagram(void)
{
	uint8_t sealed[256], plain[256];
	struct seal_key k, wrong;
	size_t len;
	unsigned opened = 0;

	seal_derive(&k, &key, "heartd n1");
	seal_derive(&wrong, &key, "heartd n2");
	ok(memcmp(&k, &wrong, sizeof(k)) != 0, "one key a context");
	len = seal_dgram(sealed, sizeof(sealed), "beat", 4, "ad", 2, &k);
	is_num(len, 4 + SEAL_DGRAM_EXTRA, "length");
	ok(seal_dgram_open(plain, sizeof(plain), sealed, len, "ad", 2, &k)
	    == 4 && memcmp(plain, "beat", 4) == 0, "opens");
	ok(seal_dgram_open(plain, sizeof(plain), sealed, len, "ad", 2,
	    &wrong) == -1, "not with another key");
	ok(seal_dgram_open(plain, sizeof(plain), sealed, len, "AD", 2, &k)
	    == -1, "not with other bound data");
	for (size_t i = 0; i < len; i++)
		opened += seal_dgram_open(plain, sizeof(plain), sealed, i,
		    "ad", 2, &k) != -1;
	is_num(opened, 0, "never when cut");
	for (size_t i = 0; i < len; i++) {
		sealed[i] ^= 1;
		opened += seal_dgram_open(plain, sizeof(plain), sealed, len,
		    "ad", 2, &k) != -1;
		sealed[i] ^= 1;
	}
	is_num(opened, 0, "never when damaged");
}

static void
test_stream(void)
{
	struct seal_key k;
	struct seal_stream *a, *b, *c;
	uint8_t ha[SEAL_HELLO_LEN], hb[SEAL_HELLO_LEN], r1[128], r2[128],
	    plain[128];
	size_t n1, n2;

	seal_derive(&k, &key, "mirrord ledger");
	a = seal_stream_new(&k, 0);
	b = seal_stream_new(&k, 1);
	seal_stream_hello(a, ha);
	seal_stream_hello(b, hb);
	ok(seal_stream_start(a, ha) == -1, "its own hello is refused");
	ok(seal_stream_start(a, hb) == 0 && seal_stream_start(b, ha) == 0,
	    "both start (%s)", seal_stream_cipher(a));
	n1 = seal_stream_seal(a, r1, "one", 3);
	n2 = seal_stream_seal(a, r2, "two", 3);
	ok(seal_stream_open(b, plain, r1 + 4, n1 - 4) == 3 &&
	    memcmp(plain, "one", 3) == 0, "first record");
	ok(seal_stream_open(b, plain, r2 + 4, n2 - 4) == 3 &&
	    memcmp(plain, "two", 3) == 0, "second record");
	ok(seal_stream_open(b, plain, r2 + 4, n2 - 4) == -1,
	    "a replay does not open");
	n1 = seal_stream_seal(b, r1, "back", 4);
	ok(seal_stream_open(a, plain, r1 + 4, n1 - 4) == 4, "the way back");
	n1 = seal_stream_seal(b, r1, "back", 4);
	ok(seal_stream_open(b, plain, r1 + 4, n1 - 4) == -1,
	    "a reflection does not open");
	seal_derive(&k, &other, "mirrord ledger");
	c = seal_stream_new(&k, 0);
	seal_stream_hello(c, ha);
	seal_stream_free(b);
	seal_derive(&k, &key, "mirrord ledger");
	b = seal_stream_new(&k, 1);
	ok(seal_stream_start(b, ha) == -1, "another cluster is refused");
	seal_stream_free(a);
	seal_stream_free(b);
	seal_stream_free(c);
}

/* Two keys while they change: every mix of old and new ends talks. */
static void
test_two_keys(const char *dir)
{
	struct cluster_keys ks, again;
	struct seal_ring ring[2] = { { .count = 2 }, { .count = 2 } };
	struct seal_key a, b;
	struct seal_stream *s[2];
	uint8_t h[2][SEAL_HELLO_LEN], r[64], plain[64];
	char path[256];
	const char *why;
	unsigned i, j, n;
	size_t len;

	memset(&ks, 0, sizeof(ks));
	ks.count = 2;
	ks.key[0] = key;
	ks.key[1] = other;
	ks.second = KEY_OLD;
	(void)snprintf(path, sizeof(path), "%s/key", dir);
	ok(seal_keys_save(path, &ks) == 0 && seal_keys_load(&again, path,
	    &why) == 0 && memcmp(&ks, &again, sizeof(ks)) == 0,
	    "a file with two keys");
	ok(seal_keys_parse(&again, "holdfast-key 01234567\nAAAA\n", 27) ==
	    -1 && seal_keys_parse(&again, "", 0) == -1, "rubbish");
	(void)unlink(path);
	seal_derive(&a, &key, "remoted test");
	seal_derive(&b, &other, "remoted test");
	ring[0].key[0] = ring[1].key[1] = a;
	ring[0].key[1] = ring[1].key[0] = b;
	for (i = 0, n = 0; i < 2; i++)
		for (j = 0; j < 2; j++) {
			s[0] = seal_stream_new_ring(&ring[i], 0);
			s[1] = seal_stream_new_ring(&ring[j], 1);
			seal_stream_hello(s[0], h[0]);
			seal_stream_hello(s[1], h[1]);
			if (seal_stream_start(s[0], h[1]) == 0 &&
			    seal_stream_start(s[1], h[0]) == 0) {
				len = seal_stream_seal(s[0], r, "x", 1);
				n += seal_stream_open(s[1], plain, r + 4,
				    len - 4) == 1;
				len = seal_stream_seal(s[1], r, "y", 1);
				n += seal_stream_open(s[0], plain, r + 4,
				    len - 4) == 1;
			}
			seal_stream_free(s[0]);
			seal_stream_free(s[1]);
		}
	is_num(n, 8, "each mix of keys talks, both ways");
	s[0] = seal_stream_new(&b, 0);
	s[1] = seal_stream_new(&a, 1);
	seal_stream_hello(s[0], h[0]);
	ok(seal_stream_start(s[1], h[0]) == -1, "the old one alone: refused");
	seal_stream_free(s[0]);
	seal_stream_free(s[1]);
}

int
main(void)
{
	char dir[] = "/tmp/seal.XXXXXX";

	seal_init();
	if (mkdtemp(dir) == NULL)
		return 1;
	test_key_file(dir);
	test_datagram();
	test_stream();
	test_two_keys(dir);
	(void)rmdir(dir);
	return tap_done();
}

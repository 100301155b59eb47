/* SPDX-License-Identifier: ISC */
/*
 * The kernel's jhash over the registers of nftables.  The BPF program has a
 * copy of it; t/farmd-filter.bats compares all of them.
 */
#include "hash.h"

#include <endian.h>
#include <string.h>
#include <sys/socket.h>

#define JHASH_INITVAL	0xdeadbeefU

static uint32_t
rol(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static void
mix(uint32_t *a, uint32_t *b, uint32_t *c)
{
	*a -= *c;  *a ^= rol(*c, 4);   *c += *b;
	*b -= *a;  *b ^= rol(*a, 6);   *a += *c;
	*c -= *b;  *c ^= rol(*b, 8);   *b += *a;
	*a -= *c;  *a ^= rol(*c, 16);  *c += *b;
	*b -= *a;  *b ^= rol(*a, 19);  *a += *c;
	*c -= *b;  *c ^= rol(*b, 4);   *b += *a;
}

static uint32_t
final(uint32_t a, uint32_t b, uint32_t c)
{
	c ^= b;  c -= rol(b, 14);
	a ^= c;  a -= rol(c, 11);
	b ^= a;  b -= rol(a, 25);
	c ^= b;  c -= rol(b, 16);
	a ^= c;  a -= rol(c, 4);
	b ^= a;  b -= rol(a, 14);
	c ^= b;  c -= rol(b, 24);
	return c;
}

uint32_t
hash_words(const uint32_t *word, unsigned count, uint32_t seed)
{
	uint32_t a, b, c;

	a = b = c = JHASH_INITVAL + count * 4 + seed;
	while (count > 3) {
		a += word[0];
		b += word[1];
		c += word[2];
		mix(&a, &b, &c);
		word += 3;
		count -= 3;
	}
	if (count == 0)
		return c;
	a += word[0];
	if (count > 1)
		b += word[1];
	if (count > 2)
		c += word[2];
	return final(a, b, c);
}

static unsigned
words_of(uint32_t word[5], int family, const uint8_t *ip)
{
	unsigned count = family == AF_INET ? 1 : 4;

	memcpy(word, ip, count * sizeof(word[0]));
	for (unsigned i = 0; i < count; i++)
		word[i] = le32toh(word[i]);
	return count;
}

static unsigned
bucket(const uint32_t *word, unsigned count, uint32_t seed)
{
	return (uint64_t)hash_words(word, count, seed) * HASH_BUCKETS >> 32;
}

unsigned
hash_addr(int family, const uint8_t *ip, uint32_t seed)
{
	uint32_t word[5];
	unsigned count = words_of(word, family, ip);

	return bucket(word, count, seed);
}

unsigned
hash_addr_and(int family, const uint8_t *ip, uint16_t number, uint32_t seed)
{
	uint32_t word[5];
	unsigned count = words_of(word, family, ip);
	uint8_t field[4] = { number >> 8, number & 0xff, 0, 0 };

	memcpy(&word[count], field, sizeof(field));
	word[count] = le32toh(word[count]);
	return bucket(word, count + 1, seed);
}

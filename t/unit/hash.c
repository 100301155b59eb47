/* SPDX-License-Identifier: ISC */
/*
 * The hash of hash.c against values that nftables gave, and its evenness.
 * t/farmd-filter.bats compares it with the kernel's for hundreds of clients.
 */
#include "../../bin/farmd/hash.h"

#include <arpa/inet.h>

#include "tap.h"

static unsigned
of(const char *text, int number, uint32_t seed)
{
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	uint8_t ip[16];

	if (inet_pton(family, text, ip) != 1)
		return HASH_BUCKETS;
	return number < 0 ? hash_addr(family, ip, seed) :
	    hash_addr_and(family, ip, (uint16_t)number, seed);
}

static void
test_values(void)
{
	static const struct {
		const char	*ip;
		int		number;
		uint32_t	seed;
		unsigned	bucket;
	} want[] = {
		{ "10.99.0.1", -1, 0U, 1640 },
		{ "10.99.0.1", 30000, 0U, 2918 },
		{ "255.255.255.255", 65535, 0U, 46 },
		{ "fd99::1", -1, 0U, 3463 },
		{ "fd99::1", 30000, 0U, 3521 },
		{ "0.0.0.0", -1, 0U, 73 },
		{ "10.99.0.1", -1, 7U, 1913 },
		{ "10.99.0.1", 30000, 7U, 841 },
		{ "255.255.255.255", 65535, 7U, 1497 },
		{ "fd99::1", -1, 7U, 95 },
		{ "fd99::1", 30000, 7U, 2507 },
		{ "0.0.0.0", -1, 7U, 1760 },
		{ "10.99.0.1", -1, 2774121339U, 3569 },
		{ "10.99.0.1", 30000, 2774121339U, 3014 },
		{ "255.255.255.255", 65535, 2774121339U, 3041 },
		{ "fd99::1", -1, 2774121339U, 4028 },
		{ "fd99::1", 30000, 2774121339U, 3808 },
		{ "0.0.0.0", -1, 2774121339U, 1612 },
	};

	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		is_num(of(want[i].ip, want[i].number, want[i].seed),
		    want[i].bucket, "%s %d, seed %u", want[i].ip,
		    want[i].number, want[i].seed);
}

/* Neighbours fall everywhere; 16 to a bucket, seldom more than three times. */
static void
test_even(void)
{
	static unsigned count[HASH_BUCKETS];
	unsigned most = 0, empty = 0;

	for (uint32_t i = 0; i < 65536; i++) {
		uint32_t ip = htonl(0x0a630000 + i);

		count[hash_addr(AF_INET, (const uint8_t *)&ip, 42)]++;
	}
	for (unsigned i = 0; i < HASH_BUCKETS; i++) {
		most = count[i] > most ? count[i] : most;
		empty += count[i] == 0;
	}
	ok(most <= 48, "fullest bucket %u of 16 on average", most);
	is_num(empty, 0, "no bucket is empty");
}

static void
test_parts(void)
{
	ok(of("10.99.0.1", 80, 7) != of("10.99.0.1", 81, 7) ||
	    of("10.99.0.2", 80, 7) != of("10.99.0.2", 81, 7),
	    "a port counts");
	ok(of("fd99::1", -1, 7) != of("fd98::1", -1, 7),
	    "so does the first word of an IPv6 address");
	ok(of("10.99.0.1", -1, 7) != of("10.99.0.1", -1, 8), "and the seed");
}

int
main(void)
{
	test_values();
	test_even();
	test_parts();
	return tap_done();
}

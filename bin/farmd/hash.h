/* SPDX-License-Identifier: ISC */
/*
 * The bucket of a packet: what nftables' `jhash KEY mod 4096 seed S' gives,
 * bit for bit, so that nodes with either backend agree, and so that status
 * and tests can say whose a client is.
 *
 * The kernel reads the key as 32-bit words in its own byte order, each field
 * of a concatenation in words of its own with zeros behind it, and scales the
 * hash instead of dividing: bucket = hash * 4096 >> 32.  Nodes of one farm
 * therefore have one byte order; words are read as little endian here.
 */
#ifndef FARMD_HASH_H
#define FARMD_HASH_H

#include <stdint.h>

#define HASH_BUCKETS	4096

/* Bob Jenkins' hash as in the kernel's jhash(); words 32-bit, any count. */
uint32_t	hash_words(const uint32_t *word, unsigned count,
		    uint32_t seed);
/* Of an address: 4 bytes of AF_INET, 16 of AF_INET6. */
unsigned	hash_addr(int family, const uint8_t *ip, uint32_t seed);
/* Of an address and a port or an IP id (AF_INET only), in host order. */
unsigned	hash_addr_and(int family, const uint8_t *ip, uint16_t number,
		    uint32_t seed);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * CRC-32C by table.  The records are at most 4 KiB and rare, so that the
 * instruction of some CPUs would buy nothing here.
 */
#include "crc32c.h"

#include <pthread.h>

static uint32_t table[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
table_init(void)
{
	uint32_t c;
	unsigned i, k;

	for (i = 0; i < 256; i++) {
		c = i;
		for (k = 0; k < 8; k++)
			c = (c >> 1) ^ (c & 1 ? 0x82f63b78u : 0);
		table[i] = c;
	}
}

uint32_t
crc32c(uint32_t crc, const void *p, size_t len)
{
	const uint8_t *b = p;

	(void)pthread_once(&once, table_init);
	crc = ~crc;
	while (len-- > 0)
		crc = (crc >> 8) ^ table[(crc ^ *b++) & 0xff];
	return ~crc;
}

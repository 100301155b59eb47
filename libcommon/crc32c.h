/* SPDX-License-Identifier: ISC */
/*
 * CRC-32C (Castagnoli) of records on disk and in shared memory.
 */
#ifndef COMMON_CRC32C_H
#define COMMON_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from crc; begin with 0.  crc32c(0, "123456789", 9) is 0xe3069283. */
uint32_t	crc32c(uint32_t crc, const void *p, size_t len);

#endif

/* SPDX-License-Identifier: ISC */
/* Numbers as people read them. */
#ifndef HUMAN_H
#define HUMAN_H

#include <stdint.h>

#define HUMAN_LEN	32

/* "512 B", "3.1 GiB": units of 1024.  Returns buf. */
const char	*human_bytes(char buf[HUMAN_LEN], uint64_t bytes);

#endif

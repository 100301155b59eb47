/* SPDX-License-Identifier: ISC */
/*
 * WT_HELLO on the wire: who, marks, and the whole generation record.
 */
#ifndef MIRRORD_LINK_HELLO_H
#define MIRRORD_LINK_HELLO_H

#include "link.h"

#define HELLO_FRAME_MAX	2048

/* The length of the finished frame; 0 with errno. */
size_t	link_hello_put(void *buf, size_t size, const struct link_hello *h);
/* 0, or -1 (EPROTO). */
int	link_hello_get(struct link_hello *h, const void *buf, size_t len);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * A listening TCP socket for an address of the configuration.
 */
#ifndef CONSOLED_LISTEN_H
#define CONSOLED_LISTEN_H

#include <stdint.h>

/*
 * text: an IPv4 or IPv6 address, which need not be there yet, or "*" for all
 * of this node.  The descriptor, or -1 with errno (EINVAL: no address).
 */
int	listen_open(const char *text, uint16_t port);

#endif
